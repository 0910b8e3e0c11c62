/// An integer, encoded little-endian in its own width. Vectors spell integers of at most 32 bits as numbers and wider
/// ones as text.
public protocol WireInteger: WireValue, FixedWidthInteger, BitwiseCopyable {}

extension WireInteger {
    /// 0. A decoder overwrites it.
    @inlinable public static var blank: Self { 0 }
    /// `u8`, `i64` and so on: the sign and the width in bits.
    public static var wireType: String { "\(isSigned ? "i" : "u")\(bitWidth)" }

    /// Reads the integer.
    ///
    /// - Throws: `malformed` if the payload is too short.
    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        self = try reader.read(Self.self)
    }

    /// Writes the integer.
    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(self) }

    /// A number up to 32 bits, otherwise text, so that no reader rounds it.
    public var rendered: Rendered {
        Self.bitWidth <= 32 ? .number(Double(Int64(truncatingIfNeeded: self))) : .text(String(self))
    }

    /// The integer that a vector spells as a number or as text; nil if it does not fit.
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

    /// 0, a typical value, or the highest.
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
    /// 0. A decoder overwrites it.
    @inlinable public static var blank: Double { 0 }
    /// `f64`.
    public static var wireType: String { "f64" }

    /// Reads an IEEE 754 binary64.
    ///
    /// - Throws: `outOfRange` for infinities and NaN; `malformed` if the payload is too short.
    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let number = try reader.readDouble()
        guard number.isFinite else { throw Self.notFinite }
        self = number
    }

    @usableFromInline static var notFinite: Refusal { Refusal(.outOfRange, "the number is not finite") }

    /// Writes an IEEE 754 binary64.
    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(self) }

    /// The number.
    public var rendered: Rendered { .number(self) }

    /// The number that a vector spells; nil if it spells something else.
    public init?(rendered: Rendered) {
        guard case .number(let number) = rendered else { return nil }
        self = number
    }

    /// 0, 0.25, or a million.
    public static func sample(_ variant: Int) -> Double { [0, 0.25, 1e6][min(variant, 2)] }
}

extension Bool: WireValue {
    /// False. A decoder overwrites it.
    @inlinable public static var blank: Bool { false }
    /// `bool`.
    public static var wireType: String { "bool" }

    /// Reads one byte.
    ///
    /// - Throws: `malformed` if it is neither 0 nor 1.
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

    /// Writes 0 or 1, one byte.
    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(self ? 1 as UInt8 : 0) }

    /// True or false.
    public var rendered: Rendered { .bool(self) }

    /// The truth value that a vector spells; nil if it spells something else.
    public init?(rendered: Rendered) {
        guard case .bool(let value) = rendered else { return nil }
        self = value
    }

    /// False as the smallest, otherwise true.
    public static func sample(_ variant: Int) -> Bool { variant > 0 }
}

extension Money: WireValue {
    /// Nothing. A decoder overwrites it.
    @inlinable public static var blank: Money { .zero }
    /// `money`.
    public static var wireType: String { "money" }

    /// Reads an `i64` of nano-dollars.
    ///
    /// - Throws: `malformed` if the payload is too short.
    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        nanodollars = try reader.read(Int64.self)
    }

    /// Writes an `i64` of nano-dollars.
    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(nanodollars) }

    /// The exact dollars as text, such as `0.0012`.
    public var rendered: Rendered { .text(description) }

    /// The amount that a vector spells in dollars; nil if it spells none.
    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered else { return nil }
        self.init(text)
    }

    /// Nothing, $0.0012, or the largest amount.
    public static func sample(_ variant: Int) -> Money {
        [Money.zero, Money(nanodollars: 1_200_000), Money(nanodollars: .max)][min(variant, 2)]
    }
}

extension Timestamp: WireValue {
    /// The epoch. A decoder overwrites it.
    @inlinable public static var blank: Timestamp { Timestamp(milliseconds: 0) }
    /// `timestamp`.
    public static var wireType: String { "timestamp" }

    /// Reads an `i64` of milliseconds since the epoch.
    ///
    /// - Throws: `malformed` if the payload is too short.
    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        milliseconds = try reader.read(Int64.self)
    }

    /// Writes an `i64` of milliseconds since the epoch.
    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(milliseconds) }

    /// The milliseconds since the epoch, as text.
    public var rendered: Rendered { milliseconds.rendered }

    /// The moment that a vector spells; nil if it spells none.
    public init?(rendered: Rendered) {
        guard let milliseconds = Int64(rendered: rendered) else { return nil }
        self.init(milliseconds: milliseconds)
    }

    /// The epoch, the start of 2026, or the end of the year 9999.
    public static func sample(_ variant: Int) -> Timestamp {
        Timestamp(milliseconds: [0, 1_767_225_600_000, 253_402_300_799_999][min(variant, 2)])
    }
}
