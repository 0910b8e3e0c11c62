import FuseboxWire

// Records of the protocol as JSON for programs. The fields have the names of the reference.
//
// Wide integers and money are numbers with all their digits, times are milliseconds, and absent values are null. The
// vectors write wide integers and money as text instead, so that every language reads them exactly. Identifiers are
// text here too, because JavaScript and others would round them and then name another permit.

extension JSONValue {
    /// A record's fields, in the order of the reference.
    package init(record: some WireRecord) {
        var collector = FieldCollector()
        var copy = record
        // The collector's visitor throws nothing.
        do throws(Refusal) { try copy.fields(&collector) } catch { preconditionFailure(error.message) }
        self = .object(collector.members)
    }

    /// An event's own fields.
    package init(event: Event) {
        var visitor = EventFields()
        self = event.accept(&visitor)
    }

    private struct EventFields: EventRecordVisitor {
        mutating func visit<Record: EventRecord>(_ record: Record) -> JSONValue { JSONValue(record: record) }
    }

    /// The value of one field.
    fileprivate init(field value: any WireValue) {
        switch value {
        case let value as any PlainValue: self = value.plain
        case let value as any WireRecord: self.init(record: value)
        default: self.init(value.rendered)
        }
    }
}

private struct FieldCollector: FieldVisitor {
    var members: [(key: String, value: JSONValue)] = []

    mutating func field<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        members.append((name.description, Self.identifier(name.description, value) ?? JSONValue(field: value)))
    }

    /// The text of an identifier; nil if the field is not an identifier.
    private static func identifier(_ name: String, _ value: some WireValue) -> JSONValue? {
        guard let number = value as? UInt64 else { return nil }
        return switch name {
        case "permit": .string("\(number)")
        case "epoch", "workerHigh", "workerLow": .string(hexadecimal(number))
        default: nil
        }
    }

    fileprivate static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

/// A type of field that has another form here than in the vectors.
private protocol PlainValue {
    var plain: JSONValue { get }
}

extension PlainValue where Self: BinaryInteger {
    fileprivate var plain: JSONValue { JSONValue(self) }
}

extension UInt64: PlainValue {}
extension Int64: PlainValue {}

extension WorkerID: PlainValue {
    fileprivate var plain: JSONValue {
        .string(FieldCollector.hexadecimal(high) + FieldCollector.hexadecimal(low))
    }
}

extension Money: PlainValue {
    fileprivate var plain: JSONValue { LLMProvidersJSON.dollars(self) }
}

extension Timestamp: PlainValue {
    fileprivate var plain: JSONValue { LLMProvidersJSON.milliseconds(self) }
}

extension Profile: PlainValue {
    fileprivate var plain: JSONValue { .string(name) }
}

extension Optional: PlainValue where Wrapped: WireValue {
    fileprivate var plain: JSONValue { map { JSONValue(field: $0) } ?? .null }
}

extension Array: PlainValue where Element: WireValue {
    fileprivate var plain: JSONValue { .array(map { JSONValue(field: $0) }) }
}

extension InlineList: PlainValue {
    fileprivate var plain: JSONValue { array.plain }
}
