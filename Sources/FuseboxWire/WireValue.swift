/// A value that can be a field: it knows its bytes, its name in the reference and how a vector spells it.
public protocol WireValue: Sendable, Equatable {
    /// What a decoder starts from.
    static var blank: Self { get }
    /// The type's name in `proto-docs/commands.md`.
    static var wireType: String { get }
    mutating func decode(from reader: inout ByteReader) throws(Refusal)
    func encode(into writer: inout ByteWriter)

    /// The value as a vector spells it.
    var rendered: Rendered { get }
    /// The value that a vector spells; nil if it spells none.
    init?(rendered: Rendered)
    /// An example: 0 is the smallest, 1 typical, 2 large.
    static func sample(_ variant: Int) -> Self
    /// Adds what the reference must explain beside this type: the records inside it.
    static func describe(into schema: inout Schema)
}

extension WireValue {
    public static func describe(into schema: inout Schema) {}
}

/// A value as text formats see it. Wide integers are spelled as text, so that no reader rounds them.
public indirect enum Rendered: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([Rendered])
    /// Fields in their order on the wire.
    case record([(name: String, value: Rendered)])

    public static func == (left: Rendered, right: Rendered) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.text(let a), .text(let b)): a == b
        case (.list(let a), .list(let b)): a == b
        case (.record(let a), .record(let b)):
            a.count == b.count
                && a.allSatisfy { field in b.contains { $0.name == field.name && $0.value == field.value } }
        default: false
        }
    }

    public subscript(name: String) -> Rendered? {
        guard case .record(let fields) = self else { return nil }
        return fields.first { $0.name == name }?.value
    }
}

// MARK: Numbers

/// Integers travel in their own width. Those of at most 32 bits are spelled as numbers, wider ones as text.
public protocol WireInteger: WireValue, FixedWidthInteger, BitwiseCopyable {}

extension WireInteger {
    @inlinable public static var blank: Self { 0 }
    public static var wireType: String { "\(isSigned ? "i" : "u")\(bitWidth)" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        self = try reader.read(Self.self)
    }

    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(self) }

    public var rendered: Rendered {
        Self.bitWidth <= 32 ? .number(Double(Int64(truncatingIfNeeded: self))) : .text(String(self))
    }

    public init?(rendered: Rendered) {
        switch rendered {
        case .number(let number):
            guard let exact = Self(exactly: number) else { return nil }
            self = exact
        case .text(let text):
            guard let exact = Self(text) else { return nil }
            self = exact
        default: return nil
        }
    }

    public static func sample(_ variant: Int) -> Self {
        switch variant {
        case 0: 0
        case 1: Self(truncatingIfNeeded: bitWidth == 8 ? 1 : 1_200)
        default: max
        }
    }
}

extension UInt8: WireInteger {}
extension UInt16: WireInteger {}
extension UInt32: WireInteger {}
extension UInt64: WireInteger {}
extension Int64: WireInteger {}

extension Double: WireValue {
    @inlinable public static var blank: Double { 0 }
    public static var wireType: String { "f64" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let number = try reader.readDouble()
        guard number.isFinite else { throw Self.notFinite }
        self = number
    }

    @usableFromInline static var notFinite: Refusal { Refusal(.outOfRange, "the number is not finite") }

    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(self) }

    public var rendered: Rendered { .number(self) }

    public init?(rendered: Rendered) {
        guard case .number(let number) = rendered else { return nil }
        self = number
    }

    public static func sample(_ variant: Int) -> Double { [0, 0.25, 1e6][min(variant, 2)] }
}

extension Bool: WireValue {
    @inlinable public static var blank: Bool { false }
    public static var wireType: String { "bool" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        switch try reader.read(UInt8.self) {
        case 0: self = false
        case 1: self = true
        case let other: throw Self.noBool(other)
        }
    }

    @usableFromInline @inline(never)
    static func noBool(_ byte: UInt8) -> Refusal { Refusal(.malformed, "a bool must be 0 or 1, not \(byte)") }

    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(self ? 1 as UInt8 : 0) }

    public var rendered: Rendered { .bool(self) }

    public init?(rendered: Rendered) {
        guard case .bool(let value) = rendered else { return nil }
        self = value
    }

    public static func sample(_ variant: Int) -> Bool { variant > 0 }
}

extension Money: WireValue {
    @inlinable public static var blank: Money { .zero }
    public static var wireType: String { "money" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        nanodollars = try reader.read(Int64.self)
    }

    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(nanodollars) }

    public var rendered: Rendered { .text(description) }

    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered else { return nil }
        self.init(text)
    }

    public static func sample(_ variant: Int) -> Money {
        [Money.zero, Money(nanodollars: 1_200_000), Money(nanodollars: .max)][min(variant, 2)]
    }
}

extension Timestamp: WireValue {
    @inlinable public static var blank: Timestamp { Timestamp(milliseconds: 0) }
    public static var wireType: String { "timestamp" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        milliseconds = try reader.read(Int64.self)
    }

    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(milliseconds) }

    public var rendered: Rendered { milliseconds.rendered }

    public init?(rendered: Rendered) {
        guard let milliseconds = Int64(rendered: rendered) else { return nil }
        self.init(milliseconds: milliseconds)
    }

    public static func sample(_ variant: Int) -> Timestamp {
        Timestamp(milliseconds: [0, 1_767_225_600_000, 253_402_300_799_999][min(variant, 2)])
    }
}

// MARK: Text

extension Name: WireValue {
    @inlinable public static var blank: Name { Name() }
    public static var wireType: String { "name" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let length = Int(try reader.read(UInt8.self))
        try unsafe assign(utf8: reader.readBytes(length))
    }

    @inlinable
    public func encode(into writer: inout ByteWriter) {
        writer.write(length)
        unsafe withBytes { unsafe writer.write(contentsOf: $0) }
    }

    public var rendered: Rendered { .text(text) }

    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered, let name = try? Name(text) else { return nil }
        self = name
    }

    public static func sample(_ variant: Int) -> Name {
        let text = ["a", "openai", "提供者-" + String(repeating: "x", count: 117)][min(variant, 2)]
        guard let name = try? Name(text) else { preconditionFailure("the sample \(text) is a valid name") }
        return name
    }
}

extension String: WireValue {
    @inlinable public static var blank: String { "" }
    public static var wireType: String { "text" }

    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let length = Int(try reader.read(UInt16.self))
        guard length <= Limits.textLength else {
            throw Refusal(.outOfRange, "a text of \(length) bytes is too long; the limit is \(Limits.textLength)")
        }
        guard let text = try unsafe String(validating: reader.readBytes(length), as: UTF8.self) else {
            throw Refusal(.badText, "a text must be valid UTF-8")
        }
        self = text
    }

    /// Text beyond the limit is cut, between two characters of Unicode: it is for people, and a cut one still tells.
    public func encode(into writer: inout ByteWriter) {
        var text = self
        text.withUTF8 { bytes in
            var length = Swift.min(bytes.count, Limits.textLength)
            // A byte 10xxxxxx continues the character before it: no cut there.
            while length < bytes.count, unsafe bytes[length] & 0xC0 == 0x80 { length -= 1 }
            writer.write(UInt16(truncatingIfNeeded: length))
            unsafe writer.write(contentsOf: UnsafeRawBufferPointer(start: bytes.baseAddress, count: length))
        }
    }

    public var rendered: Rendered { .text(self) }

    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered else { return nil }
        self = text
    }

    public static func sample(_ variant: Int) -> String {
        ["", "worker 7", String(repeating: "長い", count: 100)][Swift.min(variant, 2)]
    }
}

/// Raw bytes, at most a chunk of them.
public struct Bytes: WireValue {
    public var contents: [UInt8]

    public init(_ contents: [UInt8]) { self.contents = contents }

    @inlinable public static var blank: Bytes { Bytes([]) }
    public static var wireType: String { "bytes" }

    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let length = Int(try reader.read(UInt32.self))
        guard length <= Limits.chunkLength else {
            throw Refusal(.outOfRange, "\(length) bytes are too many; the limit is \(Limits.chunkLength)")
        }
        contents = try unsafe [UInt8](reader.readBytes(length))
    }

    public func encode(into writer: inout ByteWriter) {
        precondition(contents.count <= Limits.chunkLength)
        writer.write(UInt32(contents.count))
        writer.write(contentsOf: contents)
    }

    public var rendered: Rendered { .text(Hexadecimal.text(contents)) }

    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered, let contents = Hexadecimal.bytes(text) else { return nil }
        self.init(contents)
    }

    public static func sample(_ variant: Int) -> Bytes {
        Bytes([[], [0xDE, 0xAD], (0..<64).map { UInt8($0) }][min(variant, 2)])
    }
}

// MARK: Optionals and lists

extension Optional: WireValue where Wrapped: WireValue {
    @inlinable public static var blank: Wrapped? { nil }
    public static var wireType: String { "\(Wrapped.wireType)?" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        var present = false
        try present.decode(from: &reader)
        guard present else {
            self = nil
            return
        }
        var value = Wrapped.blank
        try value.decode(from: &reader)
        self = value
    }

    @inlinable
    public func encode(into writer: inout ByteWriter) {
        guard let value = self else { return false.encode(into: &writer) }
        true.encode(into: &writer)
        value.encode(into: &writer)
    }

    public var rendered: Rendered { self?.rendered ?? .null }

    public init?(rendered: Rendered) {
        if rendered == .null {
            self = .none
            return
        }
        guard let value = Wrapped(rendered: rendered) else { return nil }
        self = .some(value)
    }

    public static func sample(_ variant: Int) -> Wrapped? { variant == 0 ? nil : Wrapped.sample(variant) }

    public static func describe(into schema: inout Schema) { Wrapped.describe(into: &schema) }
}

extension Array: WireValue where Element: WireValue {
    @inlinable public static var blank: [Element] { [] }
    public static var wireType: String { "list of \(Element.wireType)" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let count = Int(try reader.read(UInt16.self))
        // Every element takes a byte at least, so a count that the payload cannot hold reserves nothing.
        guard count <= reader.remaining else { throw Self.cannotFit(count, reader.remaining) }
        var elements: [Element] = []
        elements.reserveCapacity(Swift.min(count, Limits.pageLength))
        for _ in 0..<count {
            var element = Element.blank
            try element.decode(from: &reader)
            elements.append(element)
        }
        self = elements
    }

    @usableFromInline @inline(never)
    static func cannotFit(_ count: Int, _ remaining: Int) -> Refusal {
        Refusal(.malformed, "a list of \(count) elements cannot fit in the \(remaining) bytes left")
    }

    @inlinable
    public func encode(into writer: inout ByteWriter) {
        precondition(count <= Int(UInt16.max))
        writer.write(UInt16(count))
        for element in self { element.encode(into: &writer) }
    }

    public var rendered: Rendered { .list(map(\.rendered)) }

    public init?(rendered: Rendered) {
        guard case .list(let elements) = rendered else { return nil }
        self = []
        for element in elements {
            guard let value = Element(rendered: element) else { return nil }
            append(value)
        }
    }

    public static func sample(_ variant: Int) -> [Element] { (0..<variant).map { Element.sample($0 + 1) } }

    public static func describe(into schema: inout Schema) { Element.describe(into: &schema) }
}

// MARK: Enumerations

/// An enumeration that travels as one byte.
public protocol WireEnumeration: WireValue, RawRepresentable, CaseIterable where RawValue == UInt8 {}

extension WireEnumeration {
    /// The first case: what a decoder overwrites.
    @inlinable public static var blank: Self {
        // Every enumeration has a case 0; asking for the list of all cases would allocate it.
        guard let first = Self(rawValue: 0) else { preconditionFailure("an enumeration has a case 0") }
        return first
    }

    public static var wireType: String { "\(Self.self)" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let raw = try reader.read(UInt8.self)
        guard let value = Self(rawValue: raw) else { throw Self.noCase(raw) }
        self = value
    }

    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(rawValue) }

    public var rendered: Rendered { .text("\(self)") }

    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered, let value = Self.allCases.first(where: { "\($0)" == text }) else {
            return nil
        }
        self = value
    }

    public static func sample(_ variant: Int) -> Self {
        let cases = Array(allCases)
        return cases[Swift.min(variant, cases.count - 1)]
    }

    @usableFromInline @inline(never)
    static func noCase(_ raw: UInt8) -> Refusal { Refusal(.outOfRange, "\(raw) is not one of \(spelling)") }

    static var spelling: String { allCases.map { "\($0.rawValue) \($0)" }.joined(separator: ", ") }

    public static func describe(into schema: inout Schema) {
        schema.add(enumeration: wireType, spelling: spelling)
    }
}

/// Bytes as pairs of hexadecimal digits.
public enum Hexadecimal {
    /// Two lowercase digits for each byte.
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes that pairs of digits spell; nil if the text is anything else.
    public static func bytes(_ text: String) -> [UInt8]? {
        var digits: [UInt8] = []
        for character in text.utf8 {
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(character - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digits.append(character - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digits.append(character - UInt8(ascii: "A") + 10)
            default: return nil
            }
        }
        guard digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
