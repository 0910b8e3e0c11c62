/// A JSON document, or a part of one.
///
/// Numbers keep their text, so that an amount of money or a 64-bit counter is never rounded. Objects keep the order of
/// their members, so that the output is reproducible.
public enum JSONValue: Sendable {
    /// The word `null`.
    case null
    /// The words `true` and `false`.
    case bool(Bool)
    /// The literal text of a number, in JSON's grammar. Use `init(_:)` to make one, and `int64` or `double` to read
    /// one.
    case number(String)
    /// A text.
    case string(String)
    /// Elements in their order.
    case array([JSONValue])
    /// Members in their order. No key occurs twice.
    case object([(key: String, value: JSONValue)])

    /// The deepest nesting of arrays and objects that the parser accepts, in levels.
    public static let depthLimit = 64
}

// MARK: Making values

extension JSONValue {
    /// `true` or `false`.
    public init(_ value: Bool) { self = .bool(value) }

    /// A number with all digits of the integer.
    public init(_ value: some BinaryInteger) { self = .number(String(value)) }

    /// The shortest literal that is read back as this number; null if it is not finite, as in JavaScript.
    public init(_ value: Double) { self = value.isFinite ? .number(Self.literal(value)) : .null }

    /// A text.
    public init(_ value: String) { self = .string(value) }

    /// An array of these elements.
    public init(_ values: [JSONValue]) { self = .array(values) }

    /// An object with these members, in this order. If a key occurs twice, the last value gets the first one's place.
    public init(_ members: KeyValuePairs<String, JSONValue>) {
        var object = ObjectBuilder()
        for (key, value) in members { object.set(key, value) }
        self = .object(object.members)
    }

    /// The literal that JavaScript would print: `1`, `0.1`, `1e+21`, `1e-7`. Minus zero keeps its sign.
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

    /// The fewest digits that identify a positive number, and its decimal exponent: the number is `0.digits` times ten
    /// to the power of `point`.
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
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self.init(value) }
    /// A number, as `init(_: Double)` makes it.
    public init(floatLiteral value: Double) { self.init(value) }
    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// An object. If a key occurs twice, the last value gets the first one's place.
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

    /// The boolean; nil for any other value.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The number if it is whole and within the range of `Int64`, in any spelling (`1000`, `1e3`); else nil.
    public var int64: Int64? {
        guard case .number(let literal) = self else { return nil }
        if let exact = Int64(literal) { return exact }
        // The literal has a fraction or an exponent. Whole numbers up to 2⁵³ are exact in a Double.
        guard let value = Double(literal), value.magnitude <= 0x1p53 else { return nil }
        return Int64(exactly: value)
    }

    /// The double nearest to the number; nil if that is not finite, or for any other value.
    public var double: Double? {
        guard case .number(let literal) = self, let value = Double(literal), value.isFinite else { return nil }
        return value
    }

    /// The text of a string; nil for any other value.
    public var text: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The elements of an array; nil for any other value.
    public var list: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members of an object, in their order; nil for any other value.
    public var members: [(key: String, value: JSONValue)]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// The member of an object with this key; nil if there is none, or for any other value.
    public subscript(key: String) -> JSONValue? {
        members?.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
    }

    /// The element of an array at this index; nil if there is none, or for any other value.
    public subscript(index: Int) -> JSONValue? {
        guard let list, list.indices.contains(index) else { return nil }
        return list[index]
    }
}

extension JSONValue: Equatable {
    /// Whether two values are equal. The order of an object's members does not matter. Numbers are equal if their
    /// literals are. Texts are compared byte by byte and not by Unicode equivalence.
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

/// Collects the members of an object, each key once. The time is linear in their number.
struct ObjectBuilder {
    private(set) var members: [(key: String, value: JSONValue)] = []
    /// The index of each key. It is filled only once a linear search would be slower.
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

    /// Adds a member, or replaces the value of the member with this key.
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
    /// The document's text, without a line break at the end.
    ///
    /// - Parameter pretty: whether each member and element has its own line, indented by two spaces; else the document
    ///   is one line
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
