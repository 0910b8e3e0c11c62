import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// The generated part of `proto-docs/journal.md`: the decisions of recovery and the records, as the code has them.
enum JournalReference {
    static func markdown() -> String {
        var schema = Schema()
        let records = [
            FormatPage.record(JournalHeader.self, &schema), FormatPage.record(JournalEntry.self, &schema),
            FormatPage.record(SyncMark.self, &schema),
        ]
        return FormatPage.text(
            ["## Decisions of recovery"] + RecoveryTable.steps.map { step($0) }
                + [
                    "## Records",
                    "The semantics that this version writes and replays: \(JournalHeader.currentSemantics).",
                ]
                + records + FormatPage.definitions(schema))
    }

    private static func step<Step: RecoveryStep>(_ step: Step.Type) -> String {
        let questions = Step.Question.allCases.map { ["`\($0)`", $0.text] }
        let rows = Step.rows.map { row in
            ["`\(row.label)`", list(row, isYes: true), list(row, isYes: false), row.found, row.done]
        }
        return [
            "### \(Step.title)", Step.summary, FormatPage.table(["question", "asks"], questions),
            FormatPage.table(["case", "yes", "no", "found", "done"], rows),
        ].joined(separator: "\n\n")
    }

    /// The questions of a row with this answer.
    private static func list<Question, Action>(_ row: RecoveryRow<Question, Action>, isYes: Bool) -> String {
        row.answers.filter { $0.isYes == isYes }.map { "`\($0.question)`" }.joined(separator: ", ")
    }
}
