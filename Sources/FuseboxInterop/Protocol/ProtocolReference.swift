import FuseboxWire

/// The reference of the protocol: every command, event, type and status, from their declarations in the code.
///
/// `markdown` prints `proto-docs/commands.md`, and a test compares the two. `proto-docs/protocol.md` describes frames
/// and conversations.
package struct ProtocolReference: Sendable {
    struct CommandEntry: Sendable {
        var declaration: CommandDeclaration
        var request: [Schema.Field]
        var reply: [Schema.Field]
    }

    struct EventEntry: Sendable {
        var declaration: EventDeclaration
        var fields: [Schema.Field]
    }

    /// All commands, sorted by number.
    var commands: [CommandEntry] = []
    /// All events, sorted by number.
    var events: [EventEntry] = []
    /// The records before the fields of requests and events.
    var prefixes: [(name: String, fields: [Schema.Field])] = []
    /// The records and enumerations that occur in fields, sorted by name.
    var types: [Schema.Definition] = []
    /// The names of those types that may grow.
    var open: Set<String> = []

    init() {
        var collector = Collector()
        collector.prefixes = [
            (RequestSequence.wireType, collector.schema.fields(of: RequestSequence.self)),
            (EventEnvelope.wireType, collector.schema.fields(of: EventEnvelope.self)),
        ]
        CommandTable.forEach(&collector)
        EventTable.forEach(&collector)
        commands = collector.commands
        events = collector.events
        prefixes = collector.prefixes
        types = collector.schema.definitions.sorted { $0.name < $1.name }
        open = collector.schema.open
    }

    /// The commands of a subject.
    func commands(of subject: CommandSubject) -> [CommandEntry] {
        commands.filter { $0.declaration.subject == subject }
    }

    private struct Collector: CommandVisitor, EventVisitor {
        var schema = Schema()
        var commands: [CommandEntry] = []
        var events: [EventEntry] = []
        var prefixes: [(name: String, fields: [Schema.Field])] = []

        mutating func visit<C: Command>(_ command: C.Type) {
            commands.append(
                CommandEntry(
                    declaration: C.declaration, request: schema.fields(of: C.self),
                    reply: schema.fields(of: C.Reply.self)))
        }

        mutating func visit<Record: EventRecord>(_ record: Record.Type) {
            events.append(EventEntry(declaration: Record.declaration, fields: schema.fields(of: record)))
        }
    }

    /// The limits that a client must know, with their meanings.
    static let limits: [(name: String, value: Int, meaning: String)] = [
        (
            "frameLength", WireLimits.frameLength,
            "bytes of a frame after its length field; the reply to hello has the value that is in force"
        ),
        (
            "helloFrameLength", WireLimits.helloFrameLength,
            "bytes of a frame after its length field, until hello is answered"
        ),
        ("nameLength", WireLimits.nameLength, "bytes of a name; at least 1"),
        ("textLength", WireLimits.textLength, "bytes of a text"),
        ("chunkLength", WireLimits.chunkLength, "bytes of one value of type bytes"),
        ("pageLength", WireLimits.pageLength, "entries of one page of a list"),
        ("curveLength", WireLimits.curveLength, "points of a degradation curve"),
        ("candidates", WireLimits.candidates, "candidates of an admission; at least 1"),
        ("tags", WireLimits.TagList.capacity, "tags of a call"),
        ("callCost", Int(WireLimits.callCost.nanodollars), "nano-dollars that one call may cost"),
        (
            "permitMilliseconds", Int(WireLimits.permitMilliseconds),
            "milliseconds of a permit's time to live; at least 1"
        ),
        (
            "cooldownMilliseconds", Int(ValueRanges.cooldown.upperBound),
            "milliseconds of `retryAfterMilliseconds` and `resetAfterMilliseconds` in a request"
        ),
    ]
}

extension Topics {
    /// The topic's name on the command line.
    var name: String { Topics.named.filter { contains($0.topic) }.map(\.name).joined(separator: ", ") }
}
