import FuseboxClient
import FuseboxJSON

/// The text of a usage file, cut into its parts: lines of `key=value`, JSON documents as providers send them, and the
/// heads of answers as `curl -D` writes them.
///
/// A document begins on a line of its own and may go over several lines, as `jq` prints it. The events of a stream may
/// stand as they arrive, each after `data:`. A head begins with a line such as `HTTP/2 429` and ends with an empty line.
/// Headers that tell of limits may stand alone.
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
        /// The first line of the head of an answer, with its status.
        case head(Int)
        /// A header of an answer: its name and its value.
        case header(String, String)
    }

    private let lines: [Substring]

    init(_ text: String) {
        lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    }

    func makeIterator() -> AnyIterator<Part> {
        var next = 0
        var isInHead = false
        return AnyIterator {
            while next < lines.count {
                let first = next
                if let content = headed(lines[next], &isInHead) {
                    next += 1
                    return Part(number: first + 1, content: content)
                }
                if let content = content(at: &next) { return Part(number: first + 1, content: content) }
            }
            return nil
        }
    }

    /// What a line says as a part of the head of an answer; nil if it is none.
    private func headed(_ line: Substring, _ isInHead: inout Bool) -> Content? {
        if line.hasPrefix("HTTP/"), let status = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
            isInHead = true
            return .head(status)
        }
        let name = line.prefix { $0 != ":" }
        let isHeader = name.endIndex != line.endIndex && !name.isEmpty && !name.contains(where: \.isWhitespace)
        if isHeader, isInHead || AnswerTable.headerNames.contains(name.lowercased()) {
            return .header(String(name), String(line.dropFirst(name.count + 1).drop(while: \.isWhitespace)))
        }
        isInHead = false
        return nil
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
