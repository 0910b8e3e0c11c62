/// A value that can be a field: it knows its bytes, its name in the reference and how a vector spells it.
public protocol WireValue: Sendable, Equatable {
    /// What a decoder starts from.
    static var blank: Self { get }
    /// The type's name in `proto-docs/commands.md`.
    static var wireType: String { get }
    mutating func decode(from reader: inout ByteReader) throws(Refusal)
    func encode(into writer: inout ByteWriter)
    /// Reads the value where it is a field or an element of another. That is `decode`, but for an open record.
    mutating func decodeInside(from reader: inout ByteReader) throws(Refusal)
    /// Writes the value where it is a field or an element of another. That is `encode`, but for an open record.
    func encodeInside(into writer: inout ByteWriter)

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
    @inlinable @inline(__always)
    public mutating func decodeInside(from reader: inout ByteReader) throws(Refusal) { try decode(from: &reader) }

    @inlinable @inline(__always)
    public func encodeInside(into writer: inout ByteWriter) { encode(into: &writer) }

    public static func describe(into schema: inout Schema) {}
}

/// A value as text formats see it. Wide integers are spelled as text, so that no reader rounds them.
public indirect enum Rendered: Sendable, Equatable {
    /// An absent optional.
    case null
    case bool(Bool)
    /// A float, or an integer of at most 32 bits.
    case number(Double)
    /// A text, or what is spelled as one: wide integers, money, names, bytes, enumerations.
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

    /// A record's field; nil if there is none of this name.
    public subscript(name: String) -> Rendered? {
        guard case .record(let fields) = self else { return nil }
        return fields.first { $0.name == name }?.value
    }
}
