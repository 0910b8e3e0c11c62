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

    init() {
        var collector = Collector()
        collector.prefixes = [
            (RequestSequence.wireType, collector.schema.fields(of: RequestSequence.self)),
            (EventEnvelope.wireType, collector.schema.fields(of: EventEnvelope.self)),
        ]
        CommandTable.forEach(&collector)
        for (number, _, fields) in Event.describe(into: &collector.schema) {
            guard let declaration = Event.sample(number, variant: 0)?.declaration else { continue }
            events.append(EventEntry(declaration: declaration, fields: fields))
        }
        commands = collector.commands
        prefixes = collector.prefixes
        types = collector.schema.definitions.sorted { $0.name < $1.name }
    }

    /// The commands of a subject.
    func commands(of subject: CommandSubject) -> [CommandEntry] {
        commands.filter { $0.declaration.subject == subject }
    }

    private struct Collector: CommandVisitor {
        var schema = Schema()
        var commands: [CommandEntry] = []
        var prefixes: [(name: String, fields: [Schema.Field])] = []

        mutating func visit<C: Command>(_ command: C.Type) {
            commands.append(
                CommandEntry(
                    declaration: C.declaration, request: schema.fields(of: C.self),
                    reply: schema.fields(of: C.Reply.self)))
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
    ]
}

extension CommandDeclaration.Effect {
    /// The promise of a reply to such a command.
    var meaning: String {
        switch self {
        case .read: "It changes nothing."
        case .written: "It changes state. The reply comes once the change survives the death of the daemon. Sequenced."
        case .durable: "It changes state. The reply comes once the change survives power loss. Sequenced."
        case .session: "It concerns the connection or the daemon, not the state. Not sequenced."
        }
    }
}

extension CommandDeclaration.Access {
    /// Who may use such a command.
    var meaning: String {
        switch self {
        case .worker: "Every peer that may connect."
        case .operator: "Root, the daemon's own user, and members of the admin group."
        case .engine: "The daemon itself. It is refused from a socket."
        }
    }
}

extension Topics {
    /// The topic's name on the command line.
    var name: String { Topics.named.filter { contains($0.topic) }.map(\.name).joined(separator: ", ") }
}
