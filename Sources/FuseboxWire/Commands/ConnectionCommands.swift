/// The first request on every connection.
public struct Hello: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .hello, "hello", .session, "Opens the connection: chooses the protocol version and says who is calling.")
    }

    /// `FUSE` as a little-endian number.
    public static let magic: UInt32 = 0x4553_5546

    public var magic: UInt32 = Hello.magic
    public var lowestVersion: UInt16 = ProtocolVersion.lowest
    public var highestVersion: UInt16 = ProtocolVersion.highest
    public var workerHigh: UInt64 = 0
    public var workerLow: UInt64 = 0
    public var lastSequence: UInt64 = 0
    public var client: String = ""

    @inlinable public init() {}

    public init(worker: WorkerID, lastSequence: UInt64 = 0, client: String) {
        workerHigh = worker.high
        workerLow = worker.low
        self.lastSequence = lastSequence
        self.client = client
    }

    public var worker: WorkerID { WorkerID(high: workerHigh, low: workerLow) }

    /// The highest version that the client and this code speak; nil if they have none in common.
    public var commonVersion: UInt16? {
        let version = min(highestVersion, ProtocolVersion.highest)
        return version >= ProtocolVersion.lowest && speaks(version) ? version : nil
    }

    /// Whether the client speaks this version.
    public func speaks(_ version: UInt16) -> Bool { lowestVersion <= version && version <= highestVersion }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("magic", &magic, "the bytes `FUSE`, as a little-endian number 0x45535546")
        try visitor.field("lowestVersion", &lowestVersion, "the lowest protocol version the client speaks")
        try visitor.field("highestVersion", &highestVersion, "the highest protocol version the client speaks")
        try visitor.field(
            "workerHigh", &workerHigh, "the upper half of the worker id: 128 random bits, kept over reconnects")
        try visitor.field("workerLow", &workerLow, "the lower half of the worker id")
        try visitor.field(
            "lastSequence", &lastSequence, "the highest sequence number the worker has used; 0 if none")
        try visitor.field("client", &client, "what the client calls itself, for logs; at most 64 bytes count")
    }

    /// An example that a server takes: the magic and the versions are what they must be.
    public static func sample(_ variant: Int) -> Hello {
        let half = UInt64.sample(variant)
        return Hello(worker: WorkerID(high: half, low: ~half), client: .sample(variant))
    }

    public struct Reply: WireRecord {
        public var version: UInt16 = ProtocolVersion.highest
        public var epoch: UInt64 = 0
        public var profile: Profile = .fusebox
        public var worker: WorkerStanding = .new
        public var lastSequence: UInt64 = 0
        public var isOperator = false
        public var frameLimit: UInt32 = 0
        public var keptReplies: UInt32 = 0
        public var idleMilliseconds: Int64 = 0
        public var graceMilliseconds: Int64 = 0
        public var forgottenWorkers: UInt64 = 0
        public var features: UInt64 = 0
        public var server: String = ""

        @inlinable public init() {}

        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("version", &version, "the version spoken from here on")
            try visitor.field(
                "epoch", &epoch, "the life of the state: the same after a restart, another after a restore")
            try visitor.field("profile", &profile, "the semantics in force")
            try visitor.field("worker", &worker, "whether the server remembers this worker")
            try visitor.field(
                "lastSequence", &lastSequence, "the highest sequence number it has from this worker, 0 if none")
            try visitor.field("isOperator", &isOperator, "whether this peer may use operator commands")
            try visitor.field("frameLimit", &frameLimit, "the longest frame taken, in bytes after the length field")
            try visitor.field(
                "keptReplies", &keptReplies, "how many unacknowledged sequenced requests the server takes from a worker"
            )
            try visitor.field("idleMilliseconds", &idleMilliseconds, "silence after which the connection is closed")
            try visitor.field(
                "graceMilliseconds", &graceMilliseconds,
                "how long a worker may be away before what it holds is taken back")
            try visitor.field(
                "forgottenWorkers", &forgottenWorkers,
                "how many workers it had to forget in this epoch; those that said goodbye do not count")
            try visitor.field("features", &features, "feature bits; none are defined yet")
            try visitor.field("server", &server, "the server's name and version, for logs")
        }

        /// An example that a client takes: it chooses a version that there is.
        public static func sample(_ variant: Int) -> Reply {
            var reply = Reply()
            reply.epoch = .sample(variant)
            reply.profile = .sample(variant)
            reply.worker = .sample(variant)
            reply.lastSequence = .sample(variant)
            reply.isOperator = .sample(variant)
            reply.frameLimit = UInt32(WireLimits.frameLength)
            reply.keptReplies = 4_096
            reply.idleMilliseconds = 86_400_000
            reply.graceMilliseconds = 2_000
            reply.forgottenWorkers = .sample(variant)
            reply.server = .sample(variant)
            return reply
        }
    }
}

/// The protocol versions this code speaks.
public enum ProtocolVersion {
    /// The oldest version.
    public static let lowest: UInt16 = 1
    /// The newest version.
    public static let highest: UInt16 = 1
}

/// The identity of a worker process: 128 random bits that it keeps for its life.
public struct WorkerID: WireRecord, Hashable {
    public var high: UInt64 = 0
    public var low: UInt64 = 0

    /// Nobody's.
    @inlinable public init() {}

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// What others may see of it: the upper half tells workers apart, and with the lower one somebody could pass for it.
    public var visible: WorkerID { WorkerID(high: high, low: 0) }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("high", &high, "the upper half")
        try visitor.field("low", &low, "the lower half")
    }
}

/// Whether the server has met a worker before.
public enum WorkerStanding: OpenEnumeration {
    /// Never met, or it said goodbye.
    case new
    /// Known: what it sent before counts, and what it sends again counts once.
    case resumed
    /// It has used numbers, and the server does not know it: it had to be forgotten, or none of its requests came.
    /// `Hello.Reply.forgottenWorkers` tells which.
    case forgotten
    /// One that only newer peers know.
    case unknown(UInt8)

    public static let allCases: [WorkerStanding] = [.new, .resumed, .forgotten]

    @inlinable public var rawValue: UInt8 {
        switch self {
        case .new: 0
        case .resumed: 1
        case .forgotten: 2
        case .unknown(let number): number
        }
    }
}

/// The semantics in force; `proto-docs/profiles.md` lists the points in which they differ.
public enum Profile: OpenEnumeration {
    /// The default: the same operations, with the library's known defects mended.
    case fusebox
    /// The behaviour of the TypeScript library of that name, to the letter.
    case llmProviders
    /// One that only newer peers know.
    case unknown(UInt8)

    public static let allCases: [Profile] = [.fusebox, .llmProviders]

    @inlinable public var rawValue: UInt8 {
        switch self {
        case .fusebox: 0
        case .llmProviders: 1
        case .unknown(let number): number
        }
    }

    /// The name on the command line.
    public var name: String {
        switch self {
        case .fusebox: "fusebox"
        case .llmProviders: "llm-providers"
        case .unknown(let number): "unknown(\(number))"
        }
    }

    /// The profile of this name on the command line; nil if there is none.
    public init?(name: String) {
        guard let profile = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = profile
    }
}

public struct Goodbye: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .goodbye, "goodbye", .session,
            "Ends the connection in order: the worker is forgotten, and the server closes after its reply.")
    }
    public typealias Reply = Done
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

public struct Ping: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ping, "ping", .read, "Answers with the daemon's clocks.")
    }
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    public struct Reply: WireRecord {
        public var now = Timestamp(milliseconds: 0)
        public var wall = Timestamp(milliseconds: 0)
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("now", &now, "the steady clock that windows and cooldowns run on")
            try visitor.field("wall", &wall, "the wall clock")
        }
    }
}

/// Whether the journal takes what must be written down.
public enum JournalStanding: OpenEnumeration {
    /// No journal is kept (`--durability snapshot`).
    case none
    /// It takes all.
    case following
    /// It takes what fits in the segment that is open; there is no room for the next one.
    case short
    /// There is no room: what must be written down is refused.
    case full
    /// A snapshot has to be written before it goes on; until then durable changes wait or are refused.
    case interrupted
    /// One that only newer peers know.
    case unknown(UInt8)

    public static let allCases: [JournalStanding] = [.none, .following, .short, .full, .interrupted]

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

public struct ServerStatus: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.serverStatus, "status", .read, "How the daemon is doing.")
    }
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    public struct Reply: WireRecord {
        public var server = ""
        public var processID: UInt32 = 0
        public var epoch: UInt64 = 0
        public var profile: Profile = .fusebox
        public var startedAt = Timestamp(milliseconds: 0)
        public var now = Timestamp(milliseconds: 0)
        public var wall = Timestamp(milliseconds: 0)
        public var connections: UInt32 = 0
        public var connectionLimit: UInt32 = 0
        public var subscribers: UInt32 = 0
        public var requests: UInt64 = 0
        public var refusals: UInt64 = 0
        public var breakers: UInt32 = 0
        public var exhausted: UInt32 = 0
        public var providers: UInt32 = 0
        public var modelAccounts: UInt32 = 0
        public var names: UInt32 = 0
        public var nameLimit: UInt32 = 0
        public var permits: UInt32 = 0
        public var sequence: UInt64 = 0
        public var snapshotSequence: UInt64 = 0
        public var snapshotAt: Timestamp?
        public var snapshotFailure: String = ""
        public var durability: String = ""
        public var dataDirectory: String = ""
        public var journal: JournalStanding = .none
        public var journalFailure: String = ""
        public var journalBytes: UInt64 = 0
        public var journalRoom: UInt64 = 0
        public var syncedSequence: UInt64 = 0
        public var syncedAt: Timestamp?
        public var fileSystemRoom: UInt64 = 0
        public var residentBytes: UInt64 = 0
        public var systemWall = Timestamp(milliseconds: 0)
        public var isClockSynchronised = false
        @inlinable public init() {}

        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("server", &server, "name and version")
            try visitor.field("processID", &processID, "the daemon's process id")
            try visitor.field("epoch", &epoch, "the life of the state")
            try visitor.field("profile", &profile, "the semantics in force")
            try visitor.field("startedAt", &startedAt, "when the daemon was ready, on the wall clock")
            try visitor.field("now", &now, "the steady clock")
            try visitor.field("wall", &wall, "the wall clock")
            try visitor.field("connections", &connections, "connections open, this one included")
            try visitor.field("connectionLimit", &connectionLimit, "connections there may be")
            try visitor.field("subscribers", &subscribers, "connections that receive events")
            try visitor.field("requests", &requests, "requests answered since the start")
            try visitor.field("refusals", &refusals, "requests refused since the start")
            try visitor.field("breakers", &breakers, "breakers known")
            try visitor.field("exhausted", &exhausted, "providers marked exhausted and not yet expired")
            try visitor.field("providers", &providers, "provider accounts in the ledger")
            try visitor.field("modelAccounts", &modelAccounts, "model accounts in the ledger")
            try visitor.field("names", &names, "names of providers and breakers in use")
            try visitor.field("nameLimit", &nameLimit, "names there may be")
            try visitor.field("permits", &permits, "permits in force")
            try visitor.field("sequence", &sequence, "state changes since the beginning of the epoch")
            try visitor.field("snapshotSequence", &snapshotSequence, "state changes that the newest snapshot holds")
            try visitor.field("snapshotAt", &snapshotAt, "when the newest snapshot was verified, on the wall clock")
            try visitor.field(
                "snapshotFailure", &snapshotFailure, "why the last attempt at a snapshot failed; empty if it did not")
            try visitor.field("durability", &durability, "when changes are acknowledged: commit, interval or snapshot")
            try visitor.field("dataDirectory", &dataDirectory, "where journal and snapshots are")
            try visitor.field("journal", &journal, "whether the journal takes what must be written down")
            try visitor.field("journalFailure", &journalFailure, "why it does not take all; empty if it does")
            try visitor.field("journalBytes", &journalBytes, "entries written since the newest snapshot was captured")
            try visitor.field("journalRoom", &journalRoom, "bytes of entries that the open segment still takes")
            try visitor.field(
                "syncedSequence", &syncedSequence, "state changes that the journal is known to have on the disk")
            try visitor.field(
                "syncedAt", &syncedAt,
                "when a sync of the journal last ended, on the steady clock; or when the daemon began, which finds all of it on the disk; absent: none is kept"
            )
            try visitor.field(
                "fileSystemRoom", &fileSystemRoom,
                "bytes free to the daemon on the data directory's file system, at most a second ago")
            try visitor.field(
                "residentBytes", &residentBytes, "memory that the daemon occupies, at most a second ago")
            try visitor.field(
                "systemWall", &systemWall,
                "the system's wall clock as it is: dates follow it forward, and a lead of more than a day only after ten minutes"
            )
            try visitor.field(
                "isClockSynchronised", &isClockSynchronised,
                "whether the system keeps its wall clock in step with others (adjtimex)")
        }
    }
}

public struct Subscribe: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .subscribe, "subscribe", .session, "From here on, events of these topics are pushed on this connection.")
    }

    /// Bits of `Topics`.
    public var topics: UInt32 = 0
    @inlinable public init() {}
    public init(topics: Topics) { self.topics = topics.rawValue }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "topics", &topics,
            "bits: \(Topics.spelling); others are refused; 0 ends the subscription"
        )
    }

    /// An example: no topic, one, all.
    public static func sample(_ variant: Int) -> Subscribe {
        Subscribe(topics: [[], .breaker, .all][min(variant, 2)])
    }

    public struct Reply: WireRecord {
        public var nextNumber: UInt64 = 0
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("nextNumber", &nextNumber, "the number that the next event of the daemon will have")
        }
    }
}
