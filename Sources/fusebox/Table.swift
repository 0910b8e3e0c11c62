import FuseboxWire

/// A table whose columns are as wide as their longest cell.
struct Table {
    /// A column's heading and alignment.
    struct Column {
        let title: String
        let alignsRight: Bool

        static func left(_ title: String) -> Column { Column(title: title, alignsRight: false) }
        static func right(_ title: String) -> Column { Column(title: title, alignsRight: true) }
    }

    private let columns: [Column]
    private let rows: [[String]]

    init(_ columns: [Column], rows: [[String]]) {
        self.columns = columns
        self.rows = rows.map { $0.map(\.printable) }
    }

    /// The lines, without a last line break.
    var text: String {
        let lines = [columns.map(\.title)] + rows
        let widths = columns.indices.map { column in lines.map { Self.width($0[column]) }.max() ?? 0 }
        return lines.map { Self.line($0, columns, widths) }.joined(separator: "\n")
    }

    /// The table, or the sentence if it has no rows.
    func text(ifEmpty sentence: String) -> String { rows.isEmpty ? sentence : text }

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
    static func width(_ text: String) -> Int {
        text.reduce(0) { sum, character in sum + (character.unicodeScalars.first.map(width) ?? 0) }
    }

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
}
