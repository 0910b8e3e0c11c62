import FuseboxWire

/// What is wrong with the contents of a JSON document, and where.
public struct JSONFieldError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The path of the value, such as `ledger.providers.openai.spend`. Empty for the whole document.
    public var path: String
    /// What is wrong with the value, and what was expected.
    public var message: String

    /// The path and the message, in one sentence.
    public var description: String { path.isEmpty ? message : "\(path): \(message)" }
}

/// A value in a document with its path, so that errors can name the place.
struct JSONPlace {
    /// The value; nil if it is missing.
    let value: JSONValue?
    private let path: Path

    private indirect enum Path {
        case root
        case member(Path, String)
        case element(Path, Int)
    }

    init(_ document: JSONValue) {
        value = document
        path = .root
    }

    private init(_ value: JSONValue?, _ path: Path) {
        self.value = value
        self.path = path
    }

    func error(_ message: String) -> JSONFieldError { JSONFieldError(path: Self.text(path), message: message) }

    private func mismatch(_ expected: String) -> JSONFieldError {
        error(value == nil ? "missing; expected \(expected)" : "expected \(expected)")
    }

    /// Runs `body`, and turns a refusal into an error at this place.
    func refusable<Result>(_ body: () throws(Refusal) -> Result) throws(JSONFieldError) -> Result {
        do throws(Refusal) { return try body() } catch { throw self.error(error.message) }
    }

    private static func text(_ path: Path) -> String {
        switch path {
        case .root: return ""
        case .element(let parent, let index): return "\(text(parent))[\(index)]"
        case .member(let parent, let key):
            let isPlain =
                !key.isEmpty
                && key.utf8.allSatisfy { byte in
                    (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x5F || byte == 0x2D
                }
            guard isPlain else { return "\(text(parent))[\(JSONValue(key).text())]" }
            let parent = text(parent)
            return parent.isEmpty ? key : "\(parent).\(key)"
        }
    }
}

// MARK: Navigation

extension JSONPlace {
    /// A member, which may be missing.
    subscript(key: String) -> JSONPlace { JSONPlace(value?[key], .member(path, key)) }

    /// This place, unless it is missing or null.
    var ifPresent: JSONPlace? {
        guard let value, !value.isNull else { return nil }
        return self
    }

    /// The same place with another value.
    func replacing(_ other: JSONValue) -> JSONPlace { JSONPlace(other, path) }

    /// The members of an object.
    func members() throws(JSONFieldError) -> [(key: String, place: JSONPlace)] {
        guard let members = value?.members else { throw mismatch("an object") }
        return members.map { ($0.key, JSONPlace($0.value, .member(path, $0.key))) }
    }

    /// The elements of an array.
    func elements() throws(JSONFieldError) -> [JSONPlace] {
        guard let list = value?.list else { throw mismatch("an array") }
        return list.enumerated().map { JSONPlace($0.element, .element(path, $0.offset)) }
    }

    /// The element of an array at an index, which must exist.
    func element(_ index: Int) -> JSONPlace { JSONPlace(value?[index], .element(path, index)) }
}

// MARK: Reading

extension JSONPlace {
    func object() throws(JSONFieldError) -> JSONPlace {
        guard value?.members != nil else { throw mismatch("an object") }
        return self
    }

    func text() throws(JSONFieldError) -> String {
        guard let text = value?.text else { throw mismatch("a string") }
        return text
    }

    func name() throws(JSONFieldError) -> Name {
        let text = try text()
        return try refusable { () throws(Refusal) in try Name(text) }
    }

    /// A key of an object as a name.
    func name(spelled key: String) throws(JSONFieldError) -> Name {
        try refusable { () throws(Refusal) in try Name(key) }
    }

    func double() throws(JSONFieldError) -> Double {
        guard let number = value?.double else { throw mismatch("a number") }
        return number
    }

    func int64() throws(JSONFieldError) -> Int64 {
        guard let number = value?.int64 else { throw mismatch("a whole number") }
        return number
    }

    /// A whole number from 0 to the type's maximum.
    func count<Count: FixedWidthInteger>(_ type: Count.Type = Count.self) throws(JSONFieldError) -> Count {
        try count(try int64())
    }

    func count<Count: FixedWidthInteger>(_ number: Int64) throws(JSONFieldError) -> Count {
        guard let count = Count(exactly: number), number >= 0 else {
            let highest = Int64(clamping: Count.max)
            throw error("\(number) is out of range; expected a number from 0 to \(highest)")
        }
        return count
    }

    /// A time in milliseconds since the epoch, within the range of JavaScript's dates.
    func timestamp() throws(JSONFieldError) -> Timestamp {
        try timestamp(try int64())
    }

    func timestamp(_ milliseconds: Int64) throws(JSONFieldError) -> Timestamp {
        let moments = Timestamp.earliest.milliseconds...Timestamp.latest.milliseconds
        guard moments.contains(milliseconds) else {
            throw error("\(milliseconds) is not a time; expected milliseconds since the epoch, up to the year 275760")
        }
        return Timestamp(milliseconds: milliseconds)
    }

    /// An amount in dollars, in any form in which programs print numbers: see `Money`.
    func money() throws(JSONFieldError) -> Money {
        guard case .number(let literal) = value else { throw mismatch("a number") }
        guard let money = Money(literal) else {
            throw error(
                "\(literal) dollars are out of range; the largest amount is \(Money(nanodollars: .max)) dollars")
        }
        return money
    }
}
