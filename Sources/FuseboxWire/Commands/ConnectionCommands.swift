/// The first request on every connection.
public struct Hello: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .hello, "hello", .session,
            "Opens the connection: negotiates the protocol version and identifies the worker.")
    }

    /// The bytes `FUSE` as a little-endian number.
    public static let magic: UInt32 = 0x4553_5546

    /// The bytes `FUSE`, as a little-endian number 0x45535546.
    public var magic: UInt32 = Hello.magic
    /// The lowest protocol version the client speaks.
    public var lowestVersion: UInt16 = ProtocolVersion.lowest
    /// The highest protocol version the client speaks.
    public var highestVersion: UInt16 = ProtocolVersion.highest
    /// The upper half of the worker id: 128 random bits, kept over reconnects.
    public var workerHigh: UInt64 = 0
    /// The lower half of the worker id.
    public var workerLow: UInt64 = 0
    /// The highest sequence number the worker has used; 0 if none.
    public var lastSequence: UInt64 = 0
    /// The client's name, for logs; the first 64 bytes are kept.
    public var client: String = ""

    /// Every field has its default.
    @inlinable public init() {}

    /// The hello of a worker, with the versions of this code.
    public init(worker: WorkerID, lastSequence: UInt64 = 0, client: String) {
        workerHigh = worker.high
        workerLow = worker.low
        self.lastSequence = lastSequence
        self.client = client
    }

    /// The worker id.
    public var worker: WorkerID { WorkerID(high: workerHigh, low: workerLow) }

    /// The highest version that both the client and this code speak; nil if there is none.
    public var commonVersion: UInt16? {
        let version = min(highestVersion, ProtocolVersion.highest)
        return version >= ProtocolVersion.lowest && speaks(version) ? version : nil
    }

    /// Whether the client speaks this version.
    public func speaks(_ version: UInt16) -> Bool { lowestVersion <= version && version <= highestVersion }

    /// The fields in the order of the wire.
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
        try visitor.field("client", &client, "the client's name, for logs; the first 64 bytes are kept")
    }

    /// An example that a server accepts: its magic and its versions are right.
    public static func sample(_ variant: Int) -> Hello {
        let half = UInt64.sample(variant)
        return Hello(worker: WorkerID(high: half, low: ~half), client: .sample(variant))
    }

    /// The settings of the connection, and what the server knows of the worker.
    public struct Reply: WireRecord {
        /// The version spoken from here on.
        public var version: UInt16 = ProtocolVersion.highest
        /// Identifies the life of the state: the same after a restart, another after a restore.
        public var epoch: UInt64 = 0
        /// The semantics in force.
        public var profile: Profile = .fusebox
        /// Whether the server remembers this worker.
        public var worker: WorkerStanding = .new
        /// The highest sequence number of this worker that was carried out; 0 if none.
        public var lastSequence: UInt64 = 0
        /// Whether this peer may use operator commands.
        public var isOperator = false
        /// The longest frame that is accepted, in bytes after the length field.
        public var frameLimit: UInt32 = 0
        /// How many unacknowledged replies the server keeps for a worker.
        public var keptReplies: UInt32 = 0
        /// Silence after which the connection is closed.
        public var idleMilliseconds: Int64 = 0
        /// How long a worker may be away before what it holds is taken back.
        public var graceMilliseconds: Int64 = 0
        /// How many workers it had to forget in this epoch; those that said goodbye do not count.
        public var forgottenWorkers: UInt64 = 0
        /// Feature bits; none are defined yet.
        public var features: UInt64 = 0
        /// The server's name and version, for logs.
        public var server: String = ""

        /// Every field has its default.
        @inlinable public init() {}

        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("version", &version, "the version spoken from here on")
            try visitor.field(
                "epoch", &epoch,
                "identifies the life of the state: the same after a restart, another after a restore")
            try visitor.field("profile", &profile, "the semantics in force")
            try visitor.field("worker", &worker, "whether the server remembers this worker")
            try visitor.field(
                "lastSequence", &lastSequence,
                "the highest sequence number of this worker that was carried out; 0 if none")
            try visitor.field("isOperator", &isOperator, "whether this peer may use operator commands")
            try visitor.field(
                "frameLimit", &frameLimit, "the longest frame that is accepted, in bytes after the length field")
            try visitor.field(
                "keptReplies", &keptReplies, "how many unacknowledged replies the server keeps for a worker"
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

        /// An example that a client accepts: it chooses a version that exists.
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
    /// The upper half.
    public var high: UInt64 = 0
    /// The lower half.
    public var low: UInt64 = 0

    /// The id 0, which no worker has.
    @inlinable public init() {}

    /// An id of these halves.
    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The part that other peers may see: the upper half. It distinguishes workers. With the whole id, another process
    /// could pass for the worker.
    public var visible: WorkerID { WorkerID(high: high, low: 0) }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("high", &high, "the upper half")
        try visitor.field("low", &low, "the lower half")
    }
}

/// Whether the server knows a worker.
public enum WorkerStanding: OpenEnumeration {
    /// It is not known and has used no sequence number.
    case new
    /// It is known. Requests that it sends again count once.
    case resumed
    /// It is not known and has used sequence numbers. Either the server had to forget it, or none of its requests
    /// arrived: `Hello.Reply.forgottenWorkers` distinguishes the two.
    case forgotten
    /// A value that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [WorkerStanding] = [.new, .resumed, .forgotten]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .new: 0
        case .resumed: 1
        case .forgotten: 2
        case .unknown(let number): number
        }
    }
}

/// The semantics of the state machine. `proto-docs/profiles.md` lists the differences.
public enum Profile: OpenEnumeration {
    /// The default: the operations of the library llm-providers without its known defects.
    case fusebox
    /// The behaviour of the TypeScript library llm-providers.
    case llmProviders
    /// A value that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [Profile] = [.fusebox, .llmProviders]

    /// The number on the wire.
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

/// Ends the worker in order: it is forgotten, and the server closes the connection after its reply.
public struct Goodbye: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .goodbye, "goodbye", .session,
            "Ends the worker in order: it is forgotten, and the server closes the connection after its reply.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// Returns the daemon's clocks.
public struct Ping: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ping, "ping", .read, "Returns the daemon's clocks.")
    }
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    /// Both clocks of the daemon.
    public struct Reply: WireRecord {
        /// The steady clock that windows and cooldowns run on.
        public var now = Timestamp(milliseconds: 0)
        /// The wall clock.
        public var wall = Timestamp(milliseconds: 0)
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("now", &now, "the steady clock that windows and cooldowns run on")
            try visitor.field("wall", &wall, "the wall clock")
        }
    }
}

/// Selects the topics whose events are pushed on this connection from now on.
public struct Subscribe: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .subscribe, "subscribe", .session,
            "Selects the topics whose events are pushed on this connection from now on.")
    }

    /// The bits of a `Topics`; 0 ends the subscription.
    public var topics: UInt32 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// A subscription to these topics.
    public init(topics: Topics) { self.topics = topics.rawValue }
    /// The fields in the order of the wire.
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

    /// Where the numbers of events continue.
    public struct Reply: WireRecord {
        /// The number that the next event of the daemon will have.
        public var nextNumber: UInt64 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("nextNumber", &nextNumber, "the number that the next event of the daemon will have")
        }
    }
}
