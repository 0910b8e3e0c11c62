import FuseboxStore
import FuseboxWire

/// The generated part of `proto-docs/history.md`: the records, as the code has them.
enum HistoryReference {
    static func markdown() -> String {
        var schema = Schema()
        let records = [
            FormatPage.record(HistoryHeader.self, &schema), FormatPage.record(HistoryEntry.self, &schema),
            FormatPage.record(HistoryRecord.self, &schema), FormatPage.record(HistoryGap.self, &schema),
        ]
        return FormatPage.text(["## Records"] + records + FormatPage.definitions(schema))
    }
}
