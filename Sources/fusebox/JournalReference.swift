import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// The generated part of `proto-docs/journal.md`: the records of the journal, and those of workers in snapshots.
///
/// It is in the tool because only the tool imports the store, the engine and the reference.
enum JournalReference {
    /// The tables of the records. They end with a line break.
    static func markdown() -> String {
        var schema = Schema()
        let records: [(name: String, fields: [Schema.Field])] = [
            (JournalHeader.wireType, schema.fields(of: JournalHeader.self)),
            (JournalEntry.wireType, schema.fields(of: JournalEntry.self)),
            (SyncMark.wireType, schema.fields(of: SyncMark.self)),
            (WorkerImage.wireType, schema.fields(of: WorkerImage.self)),
            (WorkerTotalsImage.wireType, schema.fields(of: WorkerTotalsImage.self)),
        ]
        let definitions = schema.definitions.compactMap { definition in
            if case .record(let name, let fields) = definition { section(name, fields) } else { nil }
        }
        return (records.map(section) + definitions).joined(separator: "\n")
    }

    private static func section(_ name: String, _ fields: [Schema.Field]) -> String {
        let rows = fields.map { "| \($0.name) | \($0.type) | \($0.meaning) |" }
        return (["### \(name)", "", "| field | type | meaning |", "|---|---|---|"] + rows).joined(separator: "\n")
            + "\n"
    }
}
