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
