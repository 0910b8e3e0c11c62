import FuseboxWire

/// The reference of the protocol: every command, event, type and status, as the code declares them.
///
/// `proto-docs/commands.md` is what `markdown` gives; a test compares. How they are put into frames and what a
/// conversation looks like is told in `proto-docs/protocol.md`.
public struct ProtocolReference: Sendable {
    struct CommandEntry: Sendable {
        var declaration: CommandDeclaration
        var request: [Schema.Field]
        var reply: [Schema.Field]
    }

    struct EventEntry: Sendable {
        var declaration: EventDeclaration
        var fields: [Schema.Field]
    }

    /// In the order of their numbers.
    var commands: [CommandEntry] = []
    /// In the order of their numbers.
    var events: [EventEntry] = []
    /// What requests and events carry before their own fields.
    var prefixes: [(name: String, fields: [Schema.Field])] = []
    /// The records and enumerations inside the others, sorted by name.
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

    /// The bounds that a client must know, with the text that explains each.
    static let limits: [(name: String, value: Int, meaning: String)] = [
        (
            "frameLength", WireLimits.frameLength,
            "bytes of a frame after its length field; hello's reply says what is in force"
        ),
        (
            "helloFrameLength", WireLimits.helloFrameLength,
            "bytes of a frame after its length field before hello was answered"
        ),
        ("nameLength", WireLimits.nameLength, "bytes of a name; at least 1"),
        ("textLength", WireLimits.textLength, "bytes of a text"),
        ("chunkLength", WireLimits.chunkLength, "bytes of one value of type bytes"),
        ("pageLength", WireLimits.pageLength, "entries of one page of a list"),
        ("curveLength", WireLimits.curveLength, "points of a degradation curve"),
    ]
}

extension CommandDeclaration.Effect {
    /// What the acknowledgement of such a command promises.
    var meaning: String {
        switch self {
        case .read: "It changes nothing."
        case .written: "It changes state; the reply comes when the change survives the death of the daemon. Sequenced."
        case .durable: "It changes state; the reply comes when the change survives power loss. Sequenced."
        case .session: "It concerns the connection or the daemon, not the state; it is not sequenced."
        }
    }
}

extension CommandDeclaration.Access {
    /// Who may use such a command.
    var meaning: String {
        switch self {
        case .worker: "Every peer that may connect."
        case .operator: "Root, the daemon's own user, and members of the admin group."
        case .engine: "The daemon itself: never accepted from a socket."
        }
    }
}

extension Topics {
    /// The topic's name on the command line.
    var name: String { Topics.named.filter { contains($0.topic) }.map(\.name).joined(separator: ", ") }
}
