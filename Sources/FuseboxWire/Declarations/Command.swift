/// A request of the protocol: its fields, its reply and its declaration.
///
/// Each command is one type, and `CommandTable` lists all of them. Dispatch, the reference, the vectors and the client
/// derive from these types.
public protocol Command: WireRecord {
    /// What the daemon answers if it does not refuse the request.
    associatedtype Reply: WireRecord
    /// Number, name, effect, access and summary.
    ///
    /// It is computed, not stored. Where a visitor is specialised for the command, the compiler then knows the
    /// declaration: is the command sequenced, who may use it?
    static var declaration: CommandDeclaration { get }
}

/// The properties of a command, apart from its fields.
public struct CommandDeclaration: Sendable {
    /// The command.
    public var command: CommandNumber
    /// Its name: `subject.verb`.
    public var name: String
    /// Whether it changes state, and what its acknowledgement promises.
    public var effect: Effect
    /// Who may use it.
    public var access: Access
    /// What it reports; nil if it is not a report.
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
            // Under the profile `llm-providers` some reads change state: see `Profile.readsChangeState`.
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
        case worker, reader, `operator`, engine

        /// One line for the reference.
        public var meaning: String {
            switch self {
            case .worker: "Every peer that may connect."
            case .reader: "Operators, and members of the readers' group. Every peer, if the ledger is open."
            case .operator: "Root, the daemon's own user, and members of the admin group."
            case .engine: "The daemon itself. It is refused from a socket."
            }
        }
    }

    /// What a request reports about something that has happened. A client keeps reports while the daemon is away.
    public enum Report: String, Sendable, CaseIterable {
        case outcome, record

        /// One line for the reference.
        public var meaning: String {
            switch self {
            case .outcome: "How a call went, and nothing else. It is accepted even if it cannot be journaled."
            case .record: "What must not be lost: money, a mark, the end of a permit."
            }
        }
    }

    /// Whether its requests carry a `RequestSequence` before their fields.
    @inlinable public var isSequenced: Bool { effect == .written || effect == .durable }
}

/// The two numbers before the fields of every request that changes state.
public struct RequestSequence: WireRecord {
    /// The number of the request. It increases within a worker's life, from 1. A request that is sent again keeps it.
    public var sequence: UInt64 = 0
    /// The lowest number whose reply the worker has not seen, at most `sequence`. The daemon forgets the replies below
    /// it.
    public var oldestUnacknowledged: UInt64 = 0

    /// Every field has its default.
    @inlinable public init() {}

    /// The numbers of a request.
    public init(sequence: UInt64, oldestUnacknowledged: UInt64) {
        self.sequence = sequence
        self.oldestUnacknowledged = oldestUnacknowledged
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("sequence", &sequence, "increasing within a worker's life, from 1")
        try visitor.field(
            "oldestUnacknowledged", &oldestUnacknowledged,
            "the lowest number whose reply the worker has not seen; at most `sequence`")
    }

    /// Checks that the two numbers are possible.
    ///
    /// - Throws: `outOfRange` if `sequence` is 0 or `oldestUnacknowledged` is above it.
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

/// The reply without fields: the request was carried out.
public struct Done: WireRecord {
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// Cursors of lists that are read in pages.
public enum Page {
    /// The cursor of the first page. In a reply it says that this page was the last.
    public static let end: UInt32 = 0
}
