import ArgumentParser
import FuseboxClient
import FuseboxInterop

/// What `fusebox apply` writes: the difference before it acts, and how it ended afterwards.
///
/// As JSON both are one value, whose last member is `applied`.
struct ApplyTelling {
    /// What would change.
    let preview: PolicyDifference
    /// The name of the policy's file.
    let label: String
    let isJSON: Bool

    /// What is written before anything is applied.
    var beginning: String {
        // The object without its closing brace.
        if isJSON { return String(preview.json.text().dropLast()) }
        return Self.text(preview.lines)
    }

    /// What is written after the policy was applied. The changes are told again if they are not those that were told
    /// before, because another command has changed the state in between.
    func end(with applied: PolicyDifference) -> String {
        let isOther = applied.report != preview.report
        guard !isJSON else {
            return Self.end(isOther ? ["appliedInstead": applied.json, "applied": true] : ["applied": true])
        }
        let others = isOther ? ["The state has changed meanwhile. This was applied instead:"] + applied.lines : []
        return Self.text(others + [applied.conclusion(of: label, isApplied: true).printable])
    }

    /// What is written after an apply that has failed. The error itself is told elsewhere. If the daemon's answer was
    /// lost, nobody knows whether the policy was applied.
    func end(failedWith error: any Error) -> String {
        guard isJSON else { return "" }
        let isRefused = if case ClientError.refused = error { true } else { error is ExitCode }
        return Self.end(["applied": isRefused ? false : .null])
    }

    private static func text(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }

    /// The last members of the JSON object.
    private static func end(_ members: JSONValue) -> String { text(["," + members.text().dropFirst()]) }
}
