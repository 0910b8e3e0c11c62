import FuseboxWire

/// The parts that the pages of file formats are made of.
enum FormatPage {
    /// Lines of Markdown; ends with a line break.
    static func text(_ parts: [String]) -> String { parts.joined(separator: "\n\n") + "\n" }

    /// A table of rows.
    static func table(_ columns: [String], _ rows: [[String]]) -> String {
        let lines = [columns, columns.map { _ in "---" }] + rows
        return lines.map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
    }

    /// A record of a file, with its version.
    static func record<Record: VersionedRecord>(_ record: Record.Type, _ schema: inout Schema) -> String {
        section(Record.wireType, "Version \(Record.version).", schema.fields(of: record))
    }

    /// The types inside the records.
    static func definitions(_ schema: Schema) -> [String] {
        schema.definitions.map { definition in
            switch definition {
            case .record(let name, let fields): section(name, nil, fields)
            case .enumeration(let name, let values):
                "### \(name)\n\nOne byte: \(Schema.Definition.spelling(values))."
            }
        }
    }

    private static func section(_ name: String, _ sentence: String?, _ fields: [Schema.Field]) -> String {
        let rows = fields.map { [$0.name, $0.type, $0.meaning] }
        let head = ["### \(name)"] + (sentence.map { [$0] } ?? [])
        return (head + [table(["field", "type", "meaning"], rows)]).joined(separator: "\n\n")
    }
}
