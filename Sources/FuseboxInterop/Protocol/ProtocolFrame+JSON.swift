import FuseboxWire

extension JSONValue {
    /// A rendered value. Records become objects. Integers of more than 32 bits, and money, are text.
    package init(_ rendered: Rendered) {
        switch rendered {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .number(let value): self.init(value)
        case .text(let value): self = .string(value)
        case .list(let values): self = .array(values.map { JSONValue($0) })
        case .record(let fields): self = .object(fields.map { ($0.name, JSONValue($0.value)) })
        }
    }
}

extension Rendered {
    /// The value in a JSON document; nil if a number is out of a double's range.
    package init?(_ json: JSONValue) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .string(let value): self = .text(value)
        case .number:
            guard let value = json.double else { return nil }
            self = .number(value)
        case .array(let elements):
            let values = elements.compactMap { Rendered($0) }
            guard values.count == elements.count else { return nil }
            self = .list(values)
        case .object(let members):
            let fields = members.compactMap { member in Rendered(member.value).map { (name: member.key, value: $0) } }
            guard fields.count == members.count else { return nil }
            self = .record(fields)
        }
    }
}

extension ProtocolFrame {
    /// The frame in the format of the vectors.
    package var json: JSONValue {
        var members: [(key: String, value: JSONValue)] = [
            ("command", JSONValue(header.command)),
            ("kind", .string(FrameKind(rawValue: header.kind).map { "\($0)" } ?? "\(header.kind)")),
            ("detail", JSONValue(header.detail)),
            ("correlation", JSONValue(header.correlation)),
        ]
        if let sequence { members.append(("sequence", JSONValue(sequence))) }
        if let envelope { members.append(("envelope", JSONValue(envelope))) }
        members.append(("fields", JSONValue(fields)))
        return .object(members)
    }

    /// The frame in a vector; nil if the vector is invalid.
    package init?(json: JSONValue) {
        guard let command = json["command"]?.int64.flatMap({ UInt16(exactly: $0) }),
            let kind = FrameKind.named(json["kind"]?.text),
            let detail = json["detail"]?.int64.flatMap({ UInt8(exactly: $0) }),
            let correlation = json["correlation"]?.int64.flatMap({ UInt32(exactly: $0) }),
            let fields = json["fields"].flatMap({ Rendered($0) })
        else { return nil }
        self.init(
            header: FrameHeader(command: command, kind: kind, detail: detail, correlation: correlation),
            sequence: json["sequence"].flatMap { Rendered($0) }, envelope: json["envelope"].flatMap { Rendered($0) },
            fields: fields)
    }
}

extension FrameKind {
    fileprivate static func named(_ name: String?) -> FrameKind? {
        [.request, .reply, .event, .push].first { "\($0)" == name }
    }
}
