/// The daemon's condition: its counters, journal, snapshots and clocks.
public struct ServerStatus: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .serverStatus, "status", .read, "The daemon's condition: its counters, journal, snapshots and clocks.")
    }
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    /// The daemon's condition at this moment.
    public struct Reply: WireRecord {
        /// Name and version.
        public var server = ""
        /// The daemon's process id.
        public var processID: UInt32 = 0
        /// Identifies the life of the state.
        public var epoch: UInt64 = 0
        /// The semantics in force.
        public var profile: Profile = .fusebox
        /// When the daemon was ready, on the wall clock.
        public var startedAt = Timestamp(milliseconds: 0)
        /// The steady clock.
        public var now = Timestamp(milliseconds: 0)
        /// The wall clock.
        public var wall = Timestamp(milliseconds: 0)
        /// Connections open, this one included.
        public var connections: UInt32 = 0
        /// The highest number of connections.
        public var connectionLimit: UInt32 = 0
        /// Connections that receive events.
        public var subscribers: UInt32 = 0
        /// Requests answered since the start.
        public var requests: UInt64 = 0
        /// Requests refused since the start.
        public var refusals: UInt64 = 0
        /// Breakers known.
        public var breakers: UInt32 = 0
        /// Exhaustion marks in force.
        public var exhausted: UInt32 = 0
        /// Routes that operators have paused.
        public var paused: UInt32 = 0
        /// Provider accounts in the ledger.
        public var providers: UInt32 = 0
        /// Model accounts in the ledger.
        public var modelAccounts: UInt32 = 0
        /// Names of providers and breakers in use.
        public var names: UInt32 = 0
        /// The highest number of these names.
        public var nameLimit: UInt32 = 0
        /// Permits in force.
        public var permits: UInt32 = 0
        /// State changes since the beginning of the epoch.
        public var sequence: UInt64 = 0
        /// State changes that the newest snapshot holds.
        public var snapshotSequence: UInt64 = 0
        /// When the newest snapshot was verified, on the wall clock.
        public var snapshotAt: Timestamp?
        /// Why the last attempt at a snapshot failed; empty if it did not.
        public var snapshotFailure: String = ""
        /// When changes are acknowledged: commit, interval or snapshot.
        public var durability: String = ""
        /// Where journal and snapshots are.
        public var dataDirectory: String = ""
        /// Whether the journal accepts entries.
        public var journal: JournalStanding = .none
        /// Why it does not accept all entries; empty if it does.
        public var journalFailure: String = ""
        /// Bytes of entries written since the newest snapshot was captured.
        public var journalBytes: UInt64 = 0
        /// Bytes of entries that the open segment still has room for.
        public var journalRoom: UInt64 = 0
        /// State changes that the journal is known to have on disk.
        public var syncedSequence: UInt64 = 0
        /// When the last sync of the journal ended, on the steady clock; before the first one, when the daemon started,
        /// because a start finds all of the journal on disk; absent: no journal is kept.
        public var syncedAt: Timestamp?
        /// How long the last sync of the journal took, in microseconds; absent: there was none since the start.
        public var syncMicroseconds: UInt64?
        /// Bytes that are free for the daemon on the data directory's file system; at most a second old.
        public var fileSystemRoom: UInt64 = 0
        /// Bytes of memory that the daemon occupies; at most a second old.
        public var residentBytes: UInt64 = 0
        /// The system's wall clock; `wall` follows it forward, and follows a leap of more than a day only after ten
        /// minutes.
        public var systemWall = Timestamp(milliseconds: 0)
        /// Whether the kernel reports that the system's wall clock is synchronised (adjtimex).
        public var isClockSynchronised = false
        /// Every field has its default.
        @inlinable public init() {}

        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("server", &server, "name and version")
            try visitor.field("processID", &processID, "the daemon's process id")
            try visitor.field("epoch", &epoch, "identifies the life of the state")
            try visitor.field("profile", &profile, "the semantics in force")
            try visitor.field("startedAt", &startedAt, "when the daemon was ready, on the wall clock")
            try visitor.field("now", &now, "the steady clock")
            try visitor.field("wall", &wall, "the wall clock")
            try visitor.field("connections", &connections, "connections open, this one included")
            try visitor.field("connectionLimit", &connectionLimit, "the highest number of connections")
            try visitor.field("subscribers", &subscribers, "connections that receive events")
            try visitor.field("requests", &requests, "requests answered since the start")
            try visitor.field("refusals", &refusals, "requests refused since the start")
            try visitor.field("breakers", &breakers, "breakers known")
            try visitor.field("exhausted", &exhausted, "exhaustion marks in force")
            try visitor.field("paused", &paused, "routes that operators have paused")
            try visitor.field("providers", &providers, "provider accounts in the ledger")
            try visitor.field("modelAccounts", &modelAccounts, "model accounts in the ledger")
            try visitor.field("names", &names, "names of providers and breakers in use")
            try visitor.field("nameLimit", &nameLimit, "the highest number of these names")
            try visitor.field("permits", &permits, "permits in force")
            try visitor.field("sequence", &sequence, "state changes since the beginning of the epoch")
            try visitor.field("snapshotSequence", &snapshotSequence, "state changes that the newest snapshot holds")
            try visitor.field("snapshotAt", &snapshotAt, "when the newest snapshot was verified, on the wall clock")
            try visitor.field(
                "snapshotFailure", &snapshotFailure, "why the last attempt at a snapshot failed; empty if it did not")
            try visitor.field("durability", &durability, "when changes are acknowledged: commit, interval or snapshot")
            try visitor.field("dataDirectory", &dataDirectory, "where journal and snapshots are")
            try visitor.field("journal", &journal, "whether the journal accepts entries")
            try visitor.field("journalFailure", &journalFailure, "why it does not accept all entries; empty if it does")
            try visitor.field(
                "journalBytes", &journalBytes, "bytes of entries written since the newest snapshot was captured")
            try visitor.field("journalRoom", &journalRoom, "bytes of entries that the open segment still has room for")
            try visitor.field(
                "syncedSequence", &syncedSequence, "state changes that the journal is known to have on disk")
            try visitor.field(
                "syncedAt", &syncedAt,
                "when the last sync of the journal ended, on the steady clock; before the first one, when the daemon started, because a start finds all of the journal on disk; absent: no journal is kept"
            )
            try visitor.field(
                "syncMicroseconds", &syncMicroseconds,
                "how long the last sync of the journal took, in microseconds; absent: there was none since the start")
            try visitor.field(
                "fileSystemRoom", &fileSystemRoom,
                "bytes that are free for the daemon on the data directory's file system; at most a second old")
            try visitor.field(
                "residentBytes", &residentBytes, "bytes of memory that the daemon occupies; at most a second old")
            try visitor.field(
                "systemWall", &systemWall,
                "the system's wall clock; `wall` follows it, a step only once the clock has kept its time for ten minutes, and does not go back"
            )
            try visitor.field(
                "isClockSynchronised", &isClockSynchronised,
                "whether the kernel reports that the system's wall clock is synchronised (adjtimex)")
        }
    }
}

/// Whether the journal accepts entries.
public enum JournalStanding: OpenEnumeration {
    /// No journal is kept (`--durability snapshot`).
    case none
    /// It accepts all entries.
    case following
    /// It accepts what fits into the open segment. There is no room for the next segment.
    case short
    /// There is no room. Changes that must be journaled are refused.
    case full
    /// A snapshot must be written before it continues. Until then durable changes wait or are refused.
    case interrupted
    /// A value that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [JournalStanding] = [.none, .following, .short, .full, .interrupted]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .none: 0
        case .following: 1
        case .short: 2
        case .full: 3
        case .interrupted: 4
        case .unknown(let number): number
        }
    }
}
