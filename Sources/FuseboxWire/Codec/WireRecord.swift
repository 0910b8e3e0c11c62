/// A value made of fields: a request, a reply, an event, or a part of one.
///
/// Its fields are declared once, in `fields`. Encoding, decoding, the reference in `proto-docs/` and the vectors
/// are visitors of that one declaration. What a field means is therefore said there, and not again beside the
/// property that holds it.
public protocol WireRecord: WireValue {
    init()
    /// Presents every field to the visitor, in the order of the wire.
    mutating func fields<Visitor: FieldVisitor & ~Copyable>(_ visitor: inout Visitor) throws(Refusal)
}

/// What walks over the fields of a record.
public protocol FieldVisitor: ~Copyable {
    /// The protocol version that is spoken, for a record whose fields depend on it.
    var version: UInt16 { get }

    /// - Parameters:
    ///   - name: the field's name in the reference and in vectors
    ///   - meaning: one line for the reference: meaning, unit, range. Only the reference asks for it.
    mutating func field<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal)

    /// A field that was added to the end of a reply, an event or an open record after a release.
    ///
    /// An older peer does not send it; then the value stays what it is. Behind such a field come only others of its kind.
    mutating func added<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal)
}

extension FieldVisitor where Self: ~Copyable {
    /// The newest version, for visitors that look at no bytes.
    public var version: UInt16 { ProtocolVersion.highest }

    @inlinable @inline(__always)
    public mutating func added<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        try field(name, &value, meaning())
    }
}

extension WireRecord {
    @inlinable public static var blank: Self { Self() }
    public static var wireType: String { "\(Self.self)" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        try fields(&reader)
    }

    @inlinable
    public func encode(into writer: inout ByteWriter) {
        // Fields are visited in place, so a visitor that only reads them needs a copy too. Records are plain
        // values of a few hundred bytes: the copy is at most one memcpy.
        var copy = self
        // The writer's visitor throws nothing.
        do throws(Refusal) { try copy.fields(&writer) } catch { preconditionFailure(error.message) }
    }

    public var rendered: Rendered {
        var visitor = Renderer()
        var copy = self
        do throws(Refusal) { try copy.fields(&visitor) } catch { preconditionFailure(error.message) }
        return .record(visitor.fields)
    }

    public init?(rendered: Rendered) {
        var parser = RenderedParser(record: rendered)
        self.init()
        do throws(Refusal) { try fields(&parser) } catch { return nil }
        guard case .record(let given) = rendered, given.count == parser.count else { return nil }
    }

    public static func sample(_ variant: Int) -> Self {
        var sampler = Sampler(variant: variant)
        var record = Self()
        do throws(Refusal) { try record.fields(&sampler) } catch { preconditionFailure(error.message) }
        return record
    }

    public static func describe(into schema: inout Schema) {
        schema.add(record: Self.self)
    }
}

/// A record that may grow where it is a field or an element of another: its length stands before it.
///
/// Every record inside a reply or an event is one, but for a few that requests share and that never grow; the page of the
/// commands says which. A reader passes over what follows the fields that it knows.
public protocol OpenRecord: WireRecord {}

extension OpenRecord {
    @inlinable
    public mutating func decodeInside(from reader: inout ByteReader) throws(Refusal) {
        let outer = try reader.enter()
        try fields(&reader)
        try reader.leave(outer)
    }

    @inlinable
    public func encodeInside(into writer: inout ByteWriter) {
        let start = writer.count
        writer.write(0 as UInt16)
        encode(into: &writer)
        writer.overwrite(UInt16(writer.count - start - 2), at: start)
    }

    public static func describe(into schema: inout Schema) {
        schema.add(record: Self.self, isOpen: true)
    }
}

extension ByteReader: FieldVisitor {
    /// Reads the field; a refusal says in which field it arose.
    @inlinable @inline(__always)
    public mutating func field<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        do throws(Refusal) { try value.decodeInside(from: &self) } catch { throw error.inside(name) }
    }

    /// Reads the field, if there are bytes of it.
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
        /// Whether it was added to the end after a release: an older peer does not send it.
        public var isAdded = false
    }

    /// A type that the reference explains once.
    public enum Definition: Sendable {
        case record(name: String, fields: [Field])
        /// Its values with their numbers, in the order of these.
        case enumeration(name: String, values: [(name: String, number: UInt8)])

        /// An enumeration's values as a sentence has them: `0 closed, 1 degraded`.
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

    /// The types met so far, each once, in the order of their first mention.
    public private(set) var definitions: [Definition] = []

    /// The names of the open records, which have their length before them inside others, and of the open enumerations, which
    /// get new values.
    public private(set) var open: Set<String> = []

    /// Of no types yet.
    public init() {}

    /// The fields of a record; the types inside them are added to the definitions.
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
