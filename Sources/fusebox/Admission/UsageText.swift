import FuseboxJSON

/// The text of a usage file, cut into its parts: lines of `key=value`, and JSON documents as providers send them.
///
/// A document begins on a line of its own and may go over several lines, as `jq` prints it. The events of a stream may
/// stand as they arrive, each after `data:`.
struct UsageText: Sequence {
    /// A part of the text, and the number of its first line, counted from 1.
    struct Part {
        var number: Int
        var content: Content
    }

    enum Content {
        /// A line of another kind.
        case line(Substring)
        /// A JSON document.
        case document(JSONValue)
        /// An event of a stream. Only some events tell usage.
        case event(JSONValue)
        /// A document that is not JSON: its first line, and what is wrong.
        case broken(Substring, JSONError)
    }

    private let lines: [Substring]

    init(_ text: String) {
        lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    }

    func makeIterator() -> AnyIterator<Part> {
        var next = 0
        return AnyIterator {
            while next < lines.count {
                let first = next
                if let content = content(at: &next) { return Part(number: first + 1, content: content) }
            }
            return nil
        }
    }

    /// The part that begins at a line, and the line after it; nil if the line says nothing.
    private func content(at next: inout Int) -> Content? {
        let line = lines[next]
        let text = line.drop(while: \.isWhitespace)
        defer { next += 1 }
        if text.isEmpty || text.hasPrefix("#") { return nil }
        // Server-sent events: their comments, names and ends tell nothing.
        if text.hasPrefix(":") || text.hasPrefix("event:") { return nil }
        if text.hasPrefix("data:") {
            let data = text.dropFirst("data:".count).drop(while: \.isWhitespace)
            guard data.hasPrefix("{") else { return nil }
            return Self.parsed(data, line) { .event($0) }
        }
        guard text.hasPrefix("{") || text.hasPrefix("[") || text.hasPrefix("null") else { return .line(line) }
        var document = DocumentEnd()
        while !document.isReached(in: lines[next]), next + 1 < lines.count, !Self.isPair(lines[next + 1]) { next += 1 }
        return Self.parsed(line.base[line.startIndex..<lines[next].endIndex], line) { .document($0) }
    }

    private static func parsed(
        _ text: Substring, _ line: Substring, _ content: (JSONValue) -> Content
    ) -> Content {
        do throws(JSONError) { return content(try JSONValue(parsing: text.utf8)) } catch {
            return .broken(line, error)
        }
    }

    /// Whether a line is `key=value`, which no line of a document is: such a line ends one that was cut short.
    private static func isPair(_ line: Substring) -> Bool {
        let key = line.prefix { $0.isLowercase && $0.isASCII || $0 == "-" }
        return !key.isEmpty && line.dropFirst(key.count).hasPrefix("=")
    }
}

/// Finds the end of a JSON document, which may be wrong: the line in which all that was opened is closed.
private struct DocumentEnd {
    private var depth = 0
    private var isInText = false
    private var isEscaped = false

    mutating func isReached(in line: Substring) -> Bool {
        for byte in line.utf8 {
            if isEscaped {
                isEscaped = false
            } else if isInText {
                if byte == UInt8(ascii: "\\") { isEscaped = true }
                if byte == UInt8(ascii: "\"") { isInText = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
            }
        }
        // A text does not go over the end of a line.
        isInText = false
        isEscaped = false
        return depth <= 0
    }
}
