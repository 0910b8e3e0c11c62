import FuseboxClient
import FuseboxWire

/// The table of what answers of providers mean, as a page for people.
enum OutcomeReference {
    /// Markdown; ends with a line break.
    static func markdown() -> String {
        FormatPage.text([
            "## Outcomes", outcomes(), "## When the provider takes calls again", retryHeaders(), "## Rate limits",
            limits(),
        ])
    }

    private static func outcomes() -> String {
        let rows = AnswerTable.rows.map { row in
            [
                statuses(row.statuses), error(row), "`\(row.outcome)`", row.markScope.map { "`\($0)`" } ?? "",
                row.source,
            ]
        }
        return FormatPage.table(["status", "error", "outcome", "marks", "source"], rows)
            + "\n\nWhere none of these applies, such as without an answer, the outcome is `failure`.\n\n"
            + "The words of an error are looked for at \(code(AnswerTable.wordPlaces)) of the body, and in the header `\(AnswerTable.wordHeader)`. A list stands for each of its elements."
    }

    private static func statuses(_ ranges: [ClosedRange<Int>]) -> String {
        if ranges.isEmpty { return "any" }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound)" }
            .joined(separator: ", ")
    }

    private static func error(_ row: AnswerTable.Row) -> String {
        if !row.words.isEmpty { return code(row.words) }
        return row.places.isEmpty ? "" : "has \(code(row.places))"
    }

    private static func retryHeaders() -> String {
        let headers = AnswerTable.retryHeaders.map { header in
            ["`\(header.name)`", header.unit == .milliseconds ? "milliseconds" : RetryTime.forms, header.source]
        }
        let body = [
            code(AnswerTable.retryPlaces) + " of the body", RetryTime.forms, "Google, `google.rpc.RetryInfo` (Gemini)",
        ]
        return FormatPage.table(["where", "form", "source"], headers + [body])
    }

    private static func limits() -> String {
        let rows = AnswerTable.limits.map { [$0.name, "`\($0.remaining)`", "`\($0.reset)`", $0.source] }
        return FormatPage.table(["limit", "what remains", "reset", "source"], rows)
    }

    private static func code(_ names: [String]) -> String { names.map { "`\($0)`" }.joined(separator: ", ") }
}
