/// A value made of fields: a request, a reply, an event, or a part of one.
///
/// Its fields are declared once, in `fields`. Encoding, decoding, the reference in `proto-docs/` and the vectors are
/// visitors of that declaration.
public protocol WireRecord: WireValue {
    /// A record whose fields have their defaults.
    init()
    /// Presents every field to the visitor, in the order of the wire.
    ///
    /// - Throws: what the visitor throws.
    mutating func fields<Visitor: FieldVisitor & ~Copyable>(_ visitor: inout Visitor) throws(Refusal)
}

/// Something that is done with every field of a record.
public protocol FieldVisitor: ~Copyable {
    /// The protocol version that is spoken, for a record whose fields depend on it.
    var version: UInt16 { get }

    /// Visits a field.
    ///
    /// - Parameters:
    ///   - name: the field's name in the reference and in vectors
    ///   - meaning: one line for the reference: meaning, unit, range. It is evaluated for the reference only.
    mutating func field<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal)

    /// Visits a field that a release has added to the end of a reply, an event or an open record.
    ///
    /// An older peer does not send it, and the value then keeps its default. Only added fields may follow it.
    mutating func added<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal)
}

extension FieldVisitor where Self: ~Copyable {
    /// The newest version. Visitors that read or write bytes have a version of their own.
    public var version: UInt16 { ProtocolVersion.highest }

    /// Visits the field like any other.
    @inlinable @inline(__always)
    public mutating func added<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        try field(name, &value, meaning())
    }
}

extension WireRecord {
    /// A record whose fields have their defaults.
    @inlinable public static var blank: Self { Self() }
    /// The name of the type.
    public static var wireType: String { "\(Self.self)" }

    /// Reads the fields, one after the other.
    ///
    /// - Throws: what is wrong with a field, and which field it is.
    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        try fields(&reader)
    }

    /// Writes the fields, one after the other.
    @inlinable
    public func encode(into writer: inout ByteWriter) {
        // `fields` is mutating, so a visitor that only reads needs a copy. Records are plain values of a few hundred
        // bytes: the copy is at most one memcpy.
        var copy = self
        // A writer throws nothing.
        do throws(Refusal) { try copy.fields(&writer) } catch { preconditionFailure(error.message) }
    }

    /// The fields with their names, in the order of the wire.
    public var rendered: Rendered {
        var visitor = Renderer()
        var copy = self
        do throws(Refusal) { try copy.fields(&visitor) } catch { preconditionFailure(error.message) }
        return .record(visitor.fields)
    }

    /// The record that a vector spells; nil if a field is missing, of another type or not known.
    public init?(rendered: Rendered) {
        var parser = RenderedParser(record: rendered)
        self.init()
        do throws(Refusal) { try fields(&parser) } catch { return nil }
        guard case .record(let given) = rendered, given.count == parser.count else { return nil }
    }

    /// A record whose fields are samples of this variant.
    public static func sample(_ variant: Int) -> Self {
        var sampler = Sampler(variant: variant)
        var record = Self()
        do throws(Refusal) { try record.fields(&sampler) } catch { preconditionFailure(error.message) }
        return record
    }

    /// Adds the record and the types inside it to the reference.
    public static func describe(into schema: inout Schema) {
        schema.add(record: Self.self)
    }
}

/// A record that may grow. Inside another record or a list, its length in bytes is encoded before it, and a client
/// skips what follows the fields that it knows.
///
/// The records inside replies and events are open, except those that requests share: these never grow.
/// `proto-docs/commands.md` says which records are open.
public protocol OpenRecord: WireRecord {}

extension OpenRecord {
    /// Reads a `u16` length and so many bytes of fields.
    ///
    /// - Throws: `malformed` if the payload is too short for the length; `trailingBytes` if fields are unknown and the
    ///   reader does not skip them; otherwise what is wrong with a field.
    @inlinable
    public mutating func decodeInside(from reader: inout ByteReader) throws(Refusal) {
        let outer = try reader.enter()
        try fields(&reader)
        try reader.leave(outer)
    }

    /// Writes a `u16` length and the fields.
    @inlinable
    public func encodeInside(into writer: inout ByteWriter) {
        let start = writer.count
        writer.write(0 as UInt16)
        encode(into: &writer)
        writer.overwrite(UInt16(writer.count - start - 2), at: start)
    }

    /// Adds the record and the types inside it to the reference, as a record that may grow.
    public static func describe(into schema: inout Schema) {
        schema.add(record: Self.self, isOpen: true)
    }
}

extension ByteReader: FieldVisitor {
    /// Reads the field. A refusal names it.
    @inlinable @inline(__always)
    public mutating func field<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        do throws(Refusal) { try value.decodeInside(from: &self) } catch { throw error.inside(name) }
    }

    /// Reads the field if bytes are left. Otherwise the value stays as it is.
    @inlinable @inline(__always)
    public mutating func added<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        if remaining > 0 { try field(name, &value, meaning()) }
    }
}

extension ByteWriter: FieldVisitor {
    /// Writes the field.
    @inlinable @inline(__always)
    public mutating func field<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        value.encodeInside(into: &self)
    }
}

private struct Renderer: FieldVisitor {
    var fields: [(name: String, value: Rendered)] = []

    mutating func field<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        fields.append((name.description, value.rendered))
    }
}

private struct RenderedParser: FieldVisitor {
    let record: Rendered
    var count = 0

    mutating func field<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        guard let rendered = record[name.description], let parsed = Value(rendered: rendered) else {
            throw Refusal(.malformed, "\(name) is missing or is no \(Value.wireType)")
        }
        value = parsed
        count += 1
    }
}

private struct Sampler: FieldVisitor {
    let variant: Int

    mutating func field<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        value = Value.sample(variant)
    }
}

/// The fields and the nested types of records, for the reference.
public struct Schema: Sendable {
    /// A field as the reference lists it.
    public struct Field: Sendable {
        /// Its name in the reference and in vectors.
        public var name: String
        /// Its type, as `wireType` names it.
        public var type: String
        /// One line: meaning, unit, range.
        public var meaning: String
        /// Whether a release has added it to the end. An older peer does not send it.
        public var isAdded = false
    }

    /// A type that the reference explains once.
    public enum Definition: Sendable {
        case record(name: String, fields: [Field])
        /// The values with their numbers, in the order of the numbers.
        case enumeration(name: String, values: [(name: String, number: UInt8)])

        /// The values of an enumeration as a list in a sentence: `0 closed, 1 degraded`.
        public static func spelling(_ values: [(name: String, number: UInt8)]) -> String {
            values.map { "\($0.number) \($0.name)" }.joined(separator: ", ")
        }

        /// The type's name.
        public var name: String {
            switch self {
            case .record(let name, _), .enumeration(let name, _): name
            }
        }
    }

    /// The types found so far, each once, in the order in which they were found.
    public private(set) var definitions: [Definition] = []

    /// The names of the records and enumerations that may grow.
    public private(set) var open: Set<String> = []

    /// A schema without types.
    public init() {}

    /// Returns the fields of a record and adds the types inside them to `definitions`.
    public mutating func fields<Record: WireRecord>(of type: Record.Type) -> [Field] {
        var collector = Collector(schema: self)
        var record = Record()
        do throws(Refusal) { try record.fields(&collector) } catch { preconditionFailure(error.message) }
        self = collector.schema
        return collector.fields
    }

    mutating func add<Record: WireRecord>(record type: Record.Type, isOpen: Bool = false) {
        if isOpen { open.insert(Record.wireType) }
        guard !definitions.contains(where: { $0.name == Record.wireType }) else { return }
        let fields = fields(of: type)
        definitions.append(.record(name: Record.wireType, fields: fields))
    }

    mutating func add(enumeration name: String, values: [(name: String, number: UInt8)], isOpen: Bool = false) {
        if isOpen { open.insert(name) }
        guard !definitions.contains(where: { $0.name == name }) else { return }
        definitions.append(.enumeration(name: name, values: values))
    }

    private struct Collector: FieldVisitor {
        var schema: Schema
        var fields: [Field] = []

        mutating func field<Value: WireValue>(
            _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
        ) throws(Refusal) {
            fields.append(Field(name: name.description, type: Value.wireType, meaning: meaning()))
            Value.describe(into: &schema)
        }

        mutating func added<Value: WireValue>(
            _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
        ) throws(Refusal) {
            try field(name, &value, meaning())
            fields[fields.count - 1].isAdded = true
        }
    }
}
