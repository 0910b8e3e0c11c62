import FuseboxWire

/// A table whose columns are as wide as their longest cell.
struct Table {
    /// A column's heading and alignment.
    struct Column {
        let title: String
        let alignsRight: Bool
        /// Whether the column is left out if each of its cells is 0.
        var isLeftOutIfZero = false

        static func left(_ title: String) -> Column { Column(title: title, alignsRight: false) }
        static func right(_ title: String) -> Column { Column(title: title, alignsRight: true) }
        /// A column of counts, which is left out if each of them is 0.
        static func nonzero(_ title: String) -> Column {
            Column(title: title, alignsRight: true, isLeftOutIfZero: true)
        }
    }

    private let columns: [Column]
    private let rows: [[String]]
    /// The sentences below each row.
    private let notes: [[String]]

    /// - Parameter notes: sentences below each row, which may be longer than a line; empty: there are none
    init(_ columns: [Column], rows: [[String]], notes: [[String]] = []) {
        let shown = columns.indices.filter { column in
            !columns[column].isLeftOutIfZero || rows.contains { $0[column] != "0" }
        }
        self.columns = shown.map { columns[$0] }
        self.rows = rows.map { row in shown.map { row[$0].printable } }
        self.notes = rows.indices.map { notes.indices.contains($0) ? notes[$0].map(\.printable) : [] }
    }

    /// The lines, without a last line break.
    var text: String {
        let (heading, rows) = aligned
        return ([heading] + zip(rows, notes).flatMap { [$0] + Self.indented($1) }).joined(separator: "\n")
    }

    /// The table, or the sentence if it has no rows.
    func text(ifEmpty sentence: String) -> String { rows.isEmpty ? sentence : text }

    /// The table in the lines of a terminal: as it is if they are long enough, else with a line of its own for the first
    /// cell, above those of its rows.
    func fitted(ifEmpty sentence: String) -> String {
        if rows.isEmpty { return sentence }
        return TerminalText.fits(text) ? text : textByFirstCell
    }

    /// The table without its first column, whose cells stand above their rows. Rows that follow each other with the same
    /// first cell have it once.
    var textByFirstCell: String {
        let (heading, rest) = Table(Array(columns.dropFirst()), rows: rows.map { Array($0.dropFirst()) }).aligned
        var lines = ["  \(heading)"]
        for (place, row) in rows.enumerated() {
            if place == 0 || rows[place - 1][0] != row[0] { lines += TerminalText.wrapped(row[0]) }
            lines.append("  \(rest[place])")
            lines += Self.indented(notes[place], by: 4)
        }
        return lines.joined(separator: "\n")
    }

    private static func indented(_ notes: [String], by columns: Int = 2) -> [String] {
        notes.flatMap { TerminalText.wrapped($0, indent: columns) }
    }

    /// The headings and the rows, in columns.
    private var aligned: (heading: String, rows: [String]) {
        let titles = columns.map(\.title)
        let widths = columns.indices.map { column in
            ([titles] + rows).map { Self.width($0[column]) }.max() ?? 0
        }
        return (Self.line(titles, columns, widths), rows.map { Self.line($0, columns, widths) })
    }

    private static func line(_ cells: [String], _ columns: [Column], _ widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: widths[index] - width(cell))
            line += columns[index].alignsRight ? padding + cell : cell + padding
            line += "  "
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// The text without characters that control a terminal or the direction of writing. Names may contain them.
    static func printable(_ text: String) -> String { text.printable }

    /// The number of terminal columns of a text. Wide East Asian characters and emoji have two.
    static func width(_ text: String) -> Int { text.reduce(0) { $0 + width($1) } }

    /// The number of terminal columns of a character.
    static func width(_ character: Character) -> Int { character.unicodeScalars.first.map(width) ?? 0 }

    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF,
        0x20000...0x3FFFD,
    ]

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        if scalar.isASCII { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return wide.contains { $0.contains(scalar.value) } ? 2 : 1
        }
    }
}

/// A list of names and values, in two columns.
struct Listing: ExpressibleByDictionaryLiteral {
    private let rows: [(name: String, value: String)]

    /// The rows. Those without a value are omitted.
    init(dictionaryLiteral rows: (String, String?)...) {
        self.rows = rows.compactMap { name, value in value.map { (name, $0.printable) } }
    }

    /// The lines, without a last line break.
    var text: String {
        let width = rows.map { $0.name.count }.max() ?? 0
        return rows.map { name, value in
            "\(name)\(String(repeating: " ", count: width - name.count + 2))\(value)"
        }.joined(separator: "\n")
    }

    /// The lines, with values broken where they are longer than a terminal's line.
    var fitted: String {
        let width = 2 + (rows.map { $0.name.count }.max() ?? 0)
        return rows.flatMap { name, value in
            let lines = TerminalText.wrapped(value, indent: width)
            let first = lines[0].dropFirst(name.count)
            return ["\(name)\(first)"] + lines.dropFirst()
        }.joined(separator: "\n")
    }
}
