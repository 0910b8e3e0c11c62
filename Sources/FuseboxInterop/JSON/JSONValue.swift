/// A JSON document, or a part of one.
///
/// Numbers keep the text they were written with, so that an amount of money or a 64-bit counter passes through
/// unrounded. Objects keep the order of their keys, so that what is written is the same every time.
public enum JSONValue: Sendable {
    /// The word `null`.
    case null
    /// The words `true` and `false`.
    case bool(Bool)
    /// The number's literal text, valid JSON. Make one with `init(_:)`; read one with `int64` or `double`.
    case number(String)
    /// A text.
    case string(String)
    /// Elements in their order.
    case array([JSONValue])
    /// Members in their order; no key twice.
    case object([(key: String, value: JSONValue)])

    /// The deepest nesting of arrays and objects that the parser takes.
    public static let depthLimit = 64
}

// MARK: Making values

extension JSONValue {
    /// `true` or `false`.
    public init(_ value: Bool) { self = .bool(value) }

    /// The integer's decimal digits, however many.
    public init(_ value: some BinaryInteger) { self = .number(String(value)) }

    /// The shortest literal that reads back as this number; null if it is not finite, as JavaScript does it.
    public init(_ value: Double) { self = value.isFinite ? .number(Self.literal(value)) : .null }

    /// A text.
    public init(_ value: String) { self = .string(value) }

    /// An array of these elements.
    public init(_ values: [JSONValue]) { self = .array(values) }

    /// An object of these members in this order; of several with one key the last counts, in the first one's place.
    public init(_ members: KeyValuePairs<String, JSONValue>) {
        var object = ObjectBuilder()
        for (key, value) in members { object.set(key, value) }
        self = .object(object.members)
    }

    /// A number's literal in JavaScript's spelling: `1`, `0.1`, `1e+21`, `1e-7`. Minus zero keeps its sign.
    private static func literal(_ value: Double) -> String {
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        let sign = value < 0 ? "-" : ""
        var (digits, point) = shortestDigits(value.magnitude)
        switch point {
        case digits.count...21:
            return sign + digits + String(repeating: "0", count: point - digits.count)
        case 1..<max(digits.count, 2):
            digits.insert(".", at: digits.index(digits.startIndex, offsetBy: point))
            return sign + digits
        case -5...0:
            return sign + "0." + String(repeating: "0", count: -point) + digits
        default:
            let exponent = point - 1
            if digits.count > 1 { digits.insert(".", at: digits.index(after: digits.startIndex)) }
            return "\(sign)\(digits)e\(exponent < 0 ? "-" : "+")\(exponent.magnitude)"
        }
    }

    /// The fewest digits that tell a positive number from its neighbours, and where the decimal point stands:
    /// the number is `0.digits` times ten to the power of `point`.
    private static func shortestDigits(_ value: Double) -> (digits: String, point: Int) {
        let parts = value.description.split(separator: "e")
        let mantissa = parts[0].split(separator: ".")
        let whole = mantissa[0]
        let all = mantissa.count > 1 ? whole + mantissa[1] : whole
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let significant = all.drop { $0 == "0" }
        let point = whole.count + exponent - (all.count - significant.count)
        var digits = String(significant)
        while digits.last == "0" { digits.removeLast() }
        return (digits, point)
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self.init(value) }
    public init(floatLiteral value: Double) { self.init(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = ObjectBuilder()
        for (key, value) in elements { object.set(key, value) }
        self = .object(object.members)
    }
}

// MARK: Reading values

extension JSONValue {
    /// Whether it is null.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The truth value; nil if it is something else.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The number, if it is a whole one in range, however it is spelled (`1000`, `1e3`).
    public var int64: Int64? {
        guard case .number(let literal) = self else { return nil }
        if let exact = Int64(literal) { return exact }
        // A literal with a fraction or an exponent: whole numbers below 2⁵³ are exact in a Double.
        guard let value = Double(literal), value.magnitude <= 0x1p53 else { return nil }
        return Int64(exactly: value)
    }

    /// The nearest double to the number; nil if it is out of range.
    public var double: Double? {
        guard case .number(let literal) = self, let value = Double(literal), value.isFinite else { return nil }
        return value
    }

    /// The text of a string.
    public var text: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The elements of an array.
    public var list: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members of an object, in their order.
    public var members: [(key: String, value: JSONValue)]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// An object's member; nil if there is none of this key, or if this is no object.
    public subscript(key: String) -> JSONValue? {
        members?.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
    }

    /// An array's element; nil if there is none at this place, or if this is no array.
    public subscript(index: Int) -> JSONValue? {
        guard let list, list.indices.contains(index) else { return nil }
        return list[index]
    }
}

extension JSONValue: Equatable {
    /// Objects are equal whatever the order of their members; numbers if they are spelled alike. Texts are compared
    /// byte by byte, as JSON does it, not by Unicode equivalence.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.bool(let a), .bool(let b)): return a == b
        case (.number(let a), .number(let b)): return a == b
        case (.string(let a), .string(let b)): return a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): return a == b
        case (.object(let a), .object(let b)):
            guard a.count == b.count else { return false }
            let places = ObjectBuilder(b)
            return a.allSatisfy { member in places[member.key] == member.value }
        default: return false
        }
    }
}

/// Collects the members of an object, each key once, in time that does not grow with the square of their number.
struct ObjectBuilder {
    private(set) var members: [(key: String, value: JSONValue)] = []
    /// Where each key stands; filled only once a search through the members would be slower.
    private var places: [[UInt8]: Int] = [:]

    private static let searched = 16

    init() {}

    init(_ members: [(key: String, value: JSONValue)]) {
        for member in members { set(member.key, member.value) }
    }

    private func place(_ key: String) -> Int? {
        members.count <= Self.searched
            ? members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) } : places[Array(key.utf8)]
    }

    subscript(key: String) -> JSONValue? { place(key).map { members[$0].value } }

    /// Adds a member, or gives the one of this key another value.
    mutating func set(_ key: String, _ value: JSONValue) {
        if let place = place(key) {
            members[place].value = value
            return
        }
        members.append((key, value))
        if members.count == Self.searched + 1 {
            for (place, member) in members.enumerated() { places[Array(member.key.utf8)] = place }
        } else if members.count > Self.searched {
            places[Array(key.utf8)] = members.count - 1
        }
    }
}

// MARK: Writing

extension JSONValue {
    /// The document's text: on one line, or with each member and element on a line of its own, indented by two
    /// spaces. Neither form ends with a line break.
    public func text(pretty: Bool = false) -> String {
        var text = ""
        write(into: &text, indentation: pretty ? 0 : nil)
        return text
    }

    private func write(into text: inout String, indentation: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let literal): text += literal
        case .string(let value): Self.write(value, into: &text)
        case .array(let elements):
            Self.write(elements, between: ("[", "]"), into: &text, indentation: indentation) { element, text, inner in
                element.write(into: &text, indentation: inner)
            }
        case .object(let members):
            Self.write(members, between: ("{", "}"), into: &text, indentation: indentation) { member, text, inner in
                Self.write(member.key, into: &text)
                text += inner == nil ? ":" : ": "
                member.value.write(into: &text, indentation: inner)
            }
        }
    }

    private static func write<Part>(
        _ parts: [Part], between brackets: (open: String, close: String), into text: inout String,
        indentation: Int?, _ writePart: (Part, inout String, Int?) -> Void
    ) {
        text += brackets.open
        for (index, part) in parts.enumerated() {
            if index > 0 { text += "," }
            if let indentation { breakLine(in: &text, indentation + 2) }
            writePart(part, &text, indentation.map { $0 + 2 })
        }
        if let indentation, !parts.isEmpty { breakLine(in: &text, indentation) }
        text += brackets.close
    }

    private static func breakLine(in text: inout String, _ indentation: Int) {
        text += "\n"
        text += String(repeating: " ", count: indentation)
    }

    private static func write(_ value: String, into text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{8}": text += "\\b"
            case "\u{C}": text += "\\f"
            case "\0"..."\u{1F}": text += "\\u00\(scalar.value < 16 ? "0" : "")\(String(scalar.value, radix: 16))"
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
