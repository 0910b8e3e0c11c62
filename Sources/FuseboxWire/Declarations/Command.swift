/// A request of the protocol: its fields, its reply and its declaration.
///
/// Each command is declared once, as one type; `CommandTable` lists them all. Dispatch, the reference, the
/// vectors and the client derive from these. What a command does stands in its declaration's summary, as what a field means
/// stands in `fields`: a comment on the type tells only what goes beyond.
public protocol Command: WireRecord {
    associatedtype Reply: WireRecord
    /// Computed rather than stored, so that what depends on it (is it sequenced? who may use it?) is decided where a
    /// visitor is compiled, not where it runs.
    static var declaration: CommandDeclaration { get }
}

/// What there is to say of a command beside its fields.
public struct CommandDeclaration: Sendable {
    /// Which command it is of.
    public var command: CommandNumber
    /// Its name: `subject.verb`.
    public var name: String
    /// Whether it changes state, and how its acknowledgement is kept.
    public var effect: Effect
    /// Who may use it.
    public var access: Access
    /// What it reports; nil if it reports nothing.
    public var report: Report?
    /// One line for the reference.
    public var summary: String

    /// A command for the peers that `access` names.
    @inlinable
    public init(
        _ command: CommandNumber, _ name: String, _ effect: Effect, _ access: Access, _ summary: String
    ) {
        self.command = command
        self.name = name
        self.effect = effect
        self.access = access
        self.summary = summary
    }

    /// A command that every peer may use.
    @inlinable
    public init(
        _ command: CommandNumber, _ name: String, _ effect: Effect, report: Report? = nil, _ summary: String
    ) {
        self.init(command, name, effect, .worker, summary)
        self.report = report
    }

    /// Its number in the frame header. Never reused.
    @inlinable public var number: UInt16 { command.rawValue }

    /// Whether a request changes state, and what its acknowledgement promises.
    public enum Effect: String, Sendable, CaseIterable {
        case read, written, durable, session

        /// One line for the reference.
        public var meaning: String {
            switch self {
            // Under the profile `llm-providers` some reads synchronise what they look at.
            case .read: "It changes nothing."
            case .written:
                "It changes state. The reply comes once the change survives the death of the daemon. Sequenced."
            case .durable: "It changes state. The reply comes once the change survives power loss. Sequenced."
            case .session: "It concerns the connection or the daemon, not the state. Not sequenced."
            }
        }
    }

    /// Who may use a command.
    public enum Access: String, Sendable, CaseIterable {
        case worker, `operator`, engine

        /// One line for the reference.
        public var meaning: String {
            switch self {
            case .worker: "Every peer that may connect."
            case .operator: "Root, the daemon's own user, and members of the admin group."
            case .engine: "The daemon itself. It is refused from a socket."
            }
        }
    }

    /// What a request tells of something that has happened already. A client keeps a report while the daemon is away.
    public enum Report: String, Sendable, CaseIterable {
        case outcome, record

        /// One line for the reference.
        public var meaning: String {
            switch self {
            case .outcome: "How a call went, and nothing else. It is taken even if it cannot be journaled."
            case .record: "What has to be on record: money, a mark, the end of a permit."
            }
        }
    }

    /// Whether its requests carry a `RequestSequence` before their fields.
    @inlinable public var isSequenced: Bool { effect == .written || effect == .durable }
}

/// What every request that changes state carries before its own fields.
public struct RequestSequence: WireRecord {
    /// Increasing within a worker's life, from 1. A request that is sent again keeps its number.
    public var sequence: UInt64 = 0
    /// The lowest number whose reply the worker has not seen: replies below it need not be kept.
    public var oldestUnacknowledged: UInt64 = 0

    @inlinable public init() {}

    public init(sequence: UInt64, oldestUnacknowledged: UInt64) {
        self.sequence = sequence
        self.oldestUnacknowledged = oldestUnacknowledged
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("sequence", &sequence, "increasing within a worker's life, from 1")
        try visitor.field(
            "oldestUnacknowledged", &oldestUnacknowledged,
            "the lowest number whose reply the worker has not seen; at most `sequence`")
    }

    /// Checks what the two numbers say of each other.
    ///
    /// - Throws: `outOfRange`
    @inlinable
    public func validate() throws(Refusal) {
        guard sequence > 0, oldestUnacknowledged <= sequence else { throw impossible }
    }

    @usableFromInline var impossible: Refusal {
        sequence == 0
            ? Refusal(.outOfRange, "sequence: numbers begin at 1")
            : Refusal(
                .outOfRange, "oldestUnacknowledged \(oldestUnacknowledged) must not be above the sequence \(sequence)")
    }
}

/// The reply that says nothing but that it was done.
public struct Done: WireRecord {
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// Cursors: the places to resume a list at.
public enum Page {
    /// The cursor that begins a list and, in a reply, says that there is no more.
    public static let end: UInt32 = 0
}
