import FuseboxWire

extension ProtocolReference {
    /// The reference as indented JSON, for programs. It ends with a line break.
    ///
    /// - Parameter more: members that other modules declare, which follow those of the protocol
    package static func json(_ more: [(key: String, value: JSONValue)] = []) -> String {
        JSONValue.object(ProtocolReference().members + more).text(pretty: true) + "\n"
    }

    private var members: [(key: String, value: JSONValue)] { value.members ?? [] }

    private var value: JSONValue {
        [
            "magic": JSONValue(Hello.magic),
            "lowestVersion": JSONValue(ProtocolVersion.lowest),
            "highestVersion": JSONValue(ProtocolVersion.highest),
            "kinds": [
                "request": JSONValue(FrameKind.request.rawValue), "reply": JSONValue(FrameKind.reply.rawValue),
                "event": JSONValue(FrameKind.event.rawValue),
                "push": JSONValue(FrameKind.push.rawValue),
            ],
            "topics": .object(Topics.named.map { ($0.name, JSONValue($0.topic.rawValue)) }),
            "limits": .object(Self.limits.map { ($0.name, JSONValue($0.value)) }),
            "commands": .array(commands.map(Self.value)),
            "events": .array(events.map(Self.value)),
            "prefixes": .object(prefixes.map { ($0.name, Self.value($0.fields)) }),
            "types": .array(types.map(value)),
            "statuses": .array(Status.allCases.map(Self.value)),
            "outcomes": .array(Outcome.allCases.map(Self.value)),
        ]
    }

    private static func value(_ entry: CommandEntry) -> JSONValue {
        [
            "number": JSONValue(entry.declaration.number),
            "name": .string(entry.declaration.name),
            "subject": .string(entry.declaration.subject.rawValue),
            "effect": .string(entry.declaration.effect.rawValue),
            "access": .string(entry.declaration.access.rawValue),
            "sequenced": .bool(entry.declaration.isSequenced),
            "report": entry.declaration.report.map { .string($0.rawValue) } ?? .null,
            "summary": .string(entry.declaration.summary),
            "request": value(entry.request),
            "reply": value(entry.reply),
        ]
    }

    private static func value(_ entry: EventEntry) -> JSONValue {
        [
            "number": JSONValue(entry.declaration.number),
            "name": .string(entry.declaration.name),
            "topic": .string(entry.declaration.topic.name),
            "topicBit": JSONValue(entry.declaration.topic.rawValue),
            "promise": .string(entry.declaration.promise.rawValue),
            "summary": .string(entry.declaration.summary),
            "fields": value(entry.fields),
        ]
    }

    private static func value(_ fields: [Schema.Field]) -> JSONValue {
        .array(
            fields.map { field in
                [
                    "name": .string(field.name), "type": .string(field.type), "added": .bool(field.isAdded),
                    "meaning": .string(field.meaning),
                ]
            })
    }

    private func value(_ definition: Schema.Definition) -> JSONValue {
        let isOpen = JSONValue.bool(open.contains(definition.name))
        return switch definition {
        case .record(let name, let fields): ["name": .string(name), "open": isOpen, "fields": Self.value(fields)]
        case .enumeration(let name, let values):
            [
                "name": .string(name), "open": isOpen,
                "values": .object(values.map { ($0.name, JSONValue($0.number)) }),
            ]
        }
    }

    private static func value(_ status: Status) -> JSONValue {
        [
            "number": JSONValue(status.rawValue),
            "name": .string("\(status)"),
            "closesConnection": .bool(status.closesConnection),
            "meaning": .string(status.meaning),
        ]
    }

    private static func value(_ outcome: Outcome) -> JSONValue {
        [
            "number": JSONValue(outcome.rawValue),
            "name": .string("\(outcome)"),
            "isOfProvider": .bool(outcome.isOfProvider),
            "takesRetryAfter": .bool(outcome.takesRetryAfter),
            "takesUsage": .bool(outcome.takesUsage),
        ]
    }
}
