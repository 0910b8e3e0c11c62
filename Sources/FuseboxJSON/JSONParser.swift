/// Why a text is not a JSON document, and where.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The line of the error, counted from 1.
    public var line: Int
    /// The column of the error, counted from 1 in Unicode scalars.
    public var column: Int
    /// What is wrong at that place.
    public var message: String

    /// The place and the message, in one sentence.
    public var description: String { "line \(line), column \(column): \(message)" }
}

extension JSONValue {
    /// Parses a document in UTF-8.
    ///
    /// The grammar is exactly that of RFC 8259: no comments, no trailing commas, no byte order mark. If an object has a
    /// key twice, the last member counts.
    ///
    /// - Throws: the first place at which the text violates the grammar, is not UTF-8, or nests deeper than
    ///   `depthLimit`
    public init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
        var parser = JSONParser(bytes: Array(bytes))
        self = try parser.document()
    }
}

/// A recursive-descent parser over the bytes of a document.
private struct JSONParser {
    let bytes: [UInt8]
    var position = 0
    var depth = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value()
        skipWhitespace()
        guard position == bytes.count else { throw error("unexpected text after the end of the document") }
        return value
    }

    /// An error at a position, by default the current one.
    func error(_ message: String, at place: Int? = nil) -> JSONError {
        let before = bytes[..<min(place ?? position, bytes.count)]
        let lineStart = (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        // Continuation bytes of UTF-8 do not count as columns.
        let columns = before[lineStart...].count { $0 & 0xC0 != 0x80 }
        return JSONError(
            line: before.count { $0 == UInt8(ascii: "\n") } + 1, column: columns + 1, message: message)
    }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func take(_ expected: Character) -> Bool {
        guard next == expected.asciiValue else { return false }
        position += 1
        return true
    }

    mutating func skipWhitespace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    mutating func value() throws(JSONError) -> JSONValue {
        skipWhitespace()
        switch next {
        case UInt8(ascii: "{"): return try nested { parser throws(JSONError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSONError) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw error("the document ends where a value is expected")
        case let byte? where byte == UInt8(ascii: "-") || Self.digits ~= byte: return try number()
        default: throw error("expected a value")
        }
    }

    mutating func nested(
        _ body: (inout JSONParser) throws(JSONError) -> JSONValue
    ) throws(JSONError) -> JSONValue {
        guard depth < JSONValue.depthLimit else {
            throw error("arrays and objects are nested deeper than \(JSONValue.depthLimit) levels")
        }
        depth += 1
        position += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw error("expected a value") }
        position += word.utf8.count
        return value
    }

    mutating func array() throws(JSONError) -> JSONValue {
        var elements: [JSONValue] = []
        skipWhitespace()
        if take("]") { return .array([]) }
        repeat {
            elements.append(try value())
            skipWhitespace()
        } while take(",")
        guard take("]") else { throw error("expected , or ] in an array") }
        return .array(elements)
    }

    mutating func object() throws(JSONError) -> JSONValue {
        var object = ObjectBuilder()
        skipWhitespace()
        if take("}") { return .object([]) }
        repeat {
            skipWhitespace()
            guard next == UInt8(ascii: "\"") else { throw error("expected a key in double quotes") }
            let key = try string()
            skipWhitespace()
            guard take(":") else { throw error("expected : after the key") }
            object.set(key, try value())
            skipWhitespace()
        } while take(",")
        guard take("}") else { throw error("expected , or } in an object") }
        return .object(object.members)
    }

    // MARK: Numbers

    static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")

    mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        _ = take("-")
        if !take("0") { try digits("a digit") }
        if take(".") { try digits("a digit after the decimal point") }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits("a digit in the exponent")
        }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    mutating func digits(_ expected: String) throws(JSONError) {
        let start = position
        while let byte = next, Self.digits ~= byte { position += 1 }
        guard position > start else { throw error("expected \(expected)") }
    }

    // MARK: Strings

    /// Reads a string from its opening quote to its closing one.
    mutating func string() throws(JSONError) -> String {
        let opening = position
        position += 1
        var decoded: [UInt8] = []
        var pieceStart = position
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                decoded += bytes[pieceStart..<position]
                guard let text = String(validating: decoded, as: UTF8.self) else {
                    throw error("the string is not valid UTF-8", at: opening)
                }
                position += 1
                return text
            case UInt8(ascii: "\\"):
                decoded += bytes[pieceStart..<position]
                decoded += String(try escape()).utf8
                pieceStart = position
            case 0..<0x20: throw error("control characters in a string must be escaped")
            default: position += 1
            }
        }
        throw error("the string has no closing quote", at: opening)
    }

    mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let start = position
        position += 1
        let letter = next
        position += 1
        switch letter {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try escapedScalar(start)
        default: throw error("this escape sequence does not exist", at: start)
        }
    }

    /// The scalar of one `\uXXXX`, or of two that are a surrogate pair.
    mutating func escapedScalar(_ start: Int) throws(JSONError) -> Unicode.Scalar {
        let unit = try codeUnit(start)
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard UTF16.isLeadSurrogate(unit), take("\\"), take("u") else {
            throw error("this is half of a surrogate pair; both halves are needed", at: start)
        }
        let trail = try codeUnit(start)
        guard UTF16.isTrailSurrogate(trail) else {
            throw error("this is half of a surrogate pair; both halves are needed", at: start)
        }
        return UTF16.decode(UTF16.EncodedScalar([unit, trail]))
    }

    mutating func codeUnit(_ start: Int) throws(JSONError) -> UInt16 {
        guard position + 4 <= bytes.count else { throw error("expected four hexadecimal digits after \\u", at: start) }
        var unit: UInt16 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw error("expected four hexadecimal digits after \\u", at: start)
            }
            unit = unit << 4 | UInt16(digit)
        }
        position += 4
        return unit
    }
}
