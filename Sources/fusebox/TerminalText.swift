import FuseboxWire

/// Text in the lines of a terminal that most people have: 80 columns.
enum TerminalText {
    /// The columns of a line.
    static let columns = 80

    /// Whether no line is too long.
    static func fits(_ text: String) -> Bool {
        text.split(separator: "\n").allSatisfy { Table.width(String($0)) <= columns }
    }

    /// The lines of a text, broken at spaces. A word that is longer than a line is cut.
    ///
    /// - Parameter indent: the spaces before each line
    static func wrapped(_ text: String, indent: Int = 0) -> [String] {
        let room = columns - indent
        var lines: [String] = []
        var line = ""
        for word in text.printable.split(separator: " ") {
            if !line.isEmpty, Table.width(line) + 1 + Table.width(String(word)) <= room {
                line += " \(word)"
                continue
            }
            if !line.isEmpty { lines.append(line) }
            var pieces = pieces(of: word, room)
            line = pieces.removeLast()
            lines += pieces
        }
        return (lines + [line]).map { String(repeating: " ", count: indent) + $0 }
    }

    /// A word in pieces that are no longer than a line; one if it is short.
    private static func pieces(of word: Substring, _ room: Int) -> [String] {
        var pieces = [""]
        var width = 0
        for character in word {
            if width + Table.width(character) > room {
                pieces.append("")
                width = 0
            }
            pieces[pieces.count - 1].append(character)
            width += Table.width(character)
        }
        return pieces
    }
}
