/// A value that can be a field. It defines its encoding, its name in the reference and its spelling in vectors.
public protocol WireValue: Sendable, Equatable {
    /// The value that a decoder overwrites.
    static var blank: Self { get }
    /// The type's name in `proto-docs/commands.md`.
    static var wireType: String { get }
    /// Becomes the value that the next bytes encode.
    ///
    /// - Throws: what is wrong with the bytes. The value is then undefined.
    mutating func decode(from reader: inout ByteReader) throws(Refusal)
    /// Appends the encoding of the value.
    func encode(into writer: inout ByteWriter)
    /// Reads the value as a field or a list element. Only an `OpenRecord` does more here than `decode`: it has its
    /// length before it.
    mutating func decodeInside(from reader: inout ByteReader) throws(Refusal)
    /// Writes the value as a field or a list element. Only an `OpenRecord` does more here than `encode`: it has its
    /// length before it.
    func encodeInside(into writer: inout ByteWriter)

    /// The value as a vector spells it.
    var rendered: Rendered { get }
    /// The value that a vector spells; nil if it spells none of this type.
    init?(rendered: Rendered)
    /// An example: 0 is the smallest, 1 typical, 2 large.
    static func sample(_ variant: Int) -> Self
    /// Adds the records and enumerations that this type consists of to the reference.
    static func describe(into schema: inout Schema)
}

extension WireValue {
    /// Reads the value as `decode` does.
    @inlinable @inline(__always)
    public mutating func decodeInside(from reader: inout ByteReader) throws(Refusal) { try decode(from: &reader) }

    /// Writes the value as `encode` does.
    @inlinable @inline(__always)
    public func encodeInside(into writer: inout ByteWriter) { encode(into: &writer) }

    /// Adds nothing: the type has no records and enumerations inside.
    public static func describe(into schema: inout Schema) {}
}

/// A value in the terms of JSON. Integers of 64 bits are text, so that no reader rounds them.
public indirect enum Rendered: Sendable, Equatable {
    /// An absent optional.
    case null
    /// A truth value.
    case bool(Bool)
    /// A float, or an integer of at most 32 bits.
    case number(Double)
    /// A text, or a value that is spelled as text: a 64-bit integer, money, a name, bytes, a value of an enumeration.
    case text(String)
    /// The elements of a list.
    case list([Rendered])
    /// Fields in their order on the wire.
    case record([(name: String, value: Rendered)])

    /// Whether both are the same value. The order of a record's fields does not matter.
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

    /// A record's field; nil if there is none of this name.
    public subscript(name: String) -> Rendered? {
        guard case .record(let fields) = self else { return nil }
        return fields.first { $0.name == name }?.value
    }
}
