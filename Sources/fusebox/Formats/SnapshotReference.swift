import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// The generated part of `proto-docs/snapshot.md`: the table of sections and the records, as the code declares them.
enum SnapshotReference {
    static func markdown() -> String {
        var schema = Schema()
        let rows = SnapshotSections.all.map(row)
        let head = FormatPage.record(SnapshotHeader.self, &schema)
        let trailer = FormatPage.record(SnapshotTrailer.self, &schema)
        var records: [String] = []
        for section in SnapshotSections.all {
            let record = record(of: section, &schema)
            // The names of providers and those of models are records of one type.
            if !records.contains(record) { records.append(record) }
        }
        return FormatPage.text(
            [
                "## Sections", FormatPage.table(["kind", "section", "version", "records", "contents"], rows),
                "## Records", head, trailer,
            ] + records + FormatPage.definitions(schema))
    }

    private static func row(_ section: any SnapshotSection.Type) -> [String] {
        ["\(section.kind)", section.name, "\(section.version)", recordName(of: section), section.summary]
    }

    private static func recordName<Section: SnapshotSection>(of section: Section.Type) -> String {
        let name = Section.Record.wireType
        return "[\(name)](#\(name.lowercased()))"
    }

    private static func record<Section: SnapshotSection>(of section: Section.Type, _ schema: inout Schema) -> String {
        FormatPage.record(Section.Record.self, &schema)
    }
}
