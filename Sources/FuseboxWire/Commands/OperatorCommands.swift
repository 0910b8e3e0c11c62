/// Everything that a caller needs to rank providers.
public struct Overview: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .overview, "overview", .read,
            "A page of all providers and breakers, each with share, exhaustion, spend and its fullest limit.")
    }
    /// 0 to begin, then what the last page said.
    public var cursor = Page.end
    /// Every field has its default.
    @inlinable public init() {}
    /// The page at this cursor.
    public init(cursor: UInt32) { self.cursor = cursor }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A provider or breaker, with what is needed to rank it.
    public struct Entry: OpenRecord {
        /// Its name in the reference.
        public static var wireType: String { "OverviewEntry" }
        /// The provider or breaker.
        public var name = Name.blank
        /// The state of its breaker; closed if it has none.
        public var state: BreakerState = .closed
        /// The share of traffic admitted, 0 to 1; 1 if it has no breaker.
        public var share: Double = 1
        /// Breakers of its deployments and models that are not closed.
        public var narrowBreakers: UInt32 = 0
        /// When the mark of the provider as a whole expires; absent if none is in force.
        public var exhaustedUntil: Timestamp?
        /// Whether an operator has paused the provider as a whole; `exhaustion.pauses` tells who and why.
        public var isPaused = false
        /// When that pause ends by itself; absent if it lasts until it is resumed, or if none is in force.
        public var pausedUntil: Timestamp?
        /// Marks in force of its deployments and models.
        public var narrowMarks: UInt32 = 0
        /// Pauses in force of its deployments and models.
        public var narrowPauses: UInt32 = 0
        /// What was spent since its account began or was reset.
        public var spend = Money.zero
        /// The number of its calls whose cost nobody told, which `spend` lacks.
        public var unpriced: Int64 = 0
        /// The sum of the estimates of its permits in force.
        public var held = Money.zero
        /// Its calls in flight that have a permit.
        public var inFlight: UInt32 = 0
        /// How many limits are set on the provider as a whole.
        public var limits: UInt32 = 0
        /// The fullest of those that deny, or else of the others; absent: there is none.
        public var fullest: LimitEntry?
        /// Days until a limit of its cost is used up, at the burn rate of 24 hours; absent while that is not known.
        public var daysRemaining: Double?
        /// How long successful calls of the provider have taken lately; absent: there was none.
        public var duration: Latency?
        /// The same until the first token; absent: nobody told it.
        public var firstToken: Latency?
        /// Every field has its default.
        @inlinable public init() {}

        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("name", &name, "the provider or breaker")
            try visitor.field("state", &state, "the state of its breaker; closed if it has none")
            try visitor.field("share", &share, "the share of traffic admitted, 0 to 1; 1 if it has no breaker")
            try visitor.field(
                "narrowBreakers", &narrowBreakers, "breakers of its deployments and models that are not closed")
            try visitor.field(
                "exhaustedUntil", &exhaustedUntil,
                "when the mark of the provider as a whole expires; absent if none is in force")
            try visitor.field(
                "isPaused", &isPaused,
                "whether an operator has paused the provider as a whole; `exhaustion.pauses` tells who and why")
            try visitor.field(
                "pausedUntil", &pausedUntil,
                "when that pause ends by itself; absent if it lasts until it is resumed, or if none is in force")
            try visitor.field("narrowMarks", &narrowMarks, "marks in force of its deployments and models")
            try visitor.field("narrowPauses", &narrowPauses, "pauses in force of its deployments and models")
            try visitor.field("spend", &spend, "what was spent since its account began or was reset")
            try visitor.field(
                "unpriced", &unpriced, "the number of its calls whose cost nobody told, which `spend` lacks")
            try visitor.field("held", &held, "the sum of the estimates of its permits in force")
            try visitor.field("inFlight", &inFlight, "its calls in flight that have a permit")
            try visitor.field("limits", &limits, "how many limits are set on the provider as a whole")
            try visitor.field(
                "fullest", &fullest,
                "the fullest of those that deny, by what is used and held over the amount; of the others if none denies; absent: there is none"
            )
            try visitor.field(
                "daysRemaining", &daysRemaining,
                "days until a limit of its cost is used up, at the burn rate of 24 hours; absent while that is not known"
            )
            try visitor.field(
                "duration", &duration,
                "how long successful calls of the provider have taken lately, from the permit to the end; absent: there was none"
            )
            try visitor.field("firstToken", &firstToken, "the same until the first token; absent: nobody told it")
        }
    }

    /// A page of the overview.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` entries.
        public var entries: [Entry] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next = Page.end
        /// The steady clock at this page.
        public var now = Timestamp(milliseconds: 0)
        /// How many calls wait for their turn.
        public var waiting: UInt32 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entries", &entries, "at most \(WireLimits.pageLength) entries")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
            try visitor.field("now", &now, "the steady clock at this page")
            try visitor.field(
                "waiting", &waiting, "how many calls wait for their turn; `admission.waiting` lists them")
        }
    }
}

/// Forgets a name: its breaker, its marks, its account with all models, its limits. A pause stays. Refused with
/// `notFound` if unknown.
public struct Forget: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .forget, "forget", .durable, .operator,
            "Forgets a name: its breaker, its mark, its account with all models, its limits. Refused with `notFound` if unknown."
        )
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The provider or breaker.
    public var name = Name.blank
    /// Every field has its default.
    @inlinable public init() {}
    /// The end of everything that is known under this name.
    public init(name: Name) { self.name = name }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider or breaker")
    }
}

/// A snapshot on the daemon's disk.
public struct SnapshotInfo: OpenRecord {
    /// The file's name in the data directory.
    public var file = ""
    /// How many state changes it holds.
    public var sequence: UInt64 = 0
    /// When its state was captured, on the wall clock.
    public var takenAt = Timestamp(milliseconds: 0)
    /// The length of the file, in bytes.
    public var length: UInt64 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("file", &file, "the file's name in the data directory")
        try visitor.field("sequence", &sequence, "how many state changes it holds")
        try visitor.field("takenAt", &takenAt, "when its state was captured, on the wall clock")
        try visitor.field("length", &length, "the length of the file, in bytes")
    }
}

/// Takes a snapshot now. The reply comes when it is on disk and verified.
public struct SnapshotNow: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .snapshotNow, "snapshot.now", .session, .operator,
            "Takes a snapshot now. The reply comes when it is on disk and verified.")
    }
    /// The snapshot that was taken.
    public typealias Reply = SnapshotInfo
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// The snapshots that are kept, newest first.
public struct SnapshotList: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .snapshotList, "snapshot.list", .session, .operator, "The snapshots that are kept, newest first.")
    }
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    /// All snapshots that are kept.
    public struct Reply: WireRecord {
        /// Newest first.
        public var snapshots: [SnapshotInfo] = []
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("snapshots", &snapshots, "newest first")
        }
    }
}

/// A chunk of a snapshot's file. Refused with `notFound` once the snapshot has been removed.
public struct SnapshotRead: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .snapshotRead, "snapshot.read", .session, .operator,
            "A chunk of a snapshot's file. Refused with `notFound` once the snapshot has been removed.")
    }
    /// The sequence of the snapshot.
    public var sequence: UInt64 = 0
    /// Where the chunk begins, in bytes from the start of the file.
    public var offset: UInt64 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// The chunk of this snapshot at this offset.
    public init(sequence: UInt64, offset: UInt64) {
        self.sequence = sequence
        self.offset = offset
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("sequence", &sequence, "the sequence of the snapshot")
        try visitor.field("offset", &offset, "where the chunk begins, in bytes from the start of the file")
    }

    /// A chunk of the file.
    public struct Reply: WireRecord {
        /// At most `WireLimits.chunkLength` bytes; empty at the end of the file.
        public var chunk = Bytes([])
        /// The length of the whole file, in bytes.
        public var length: UInt64 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("chunk", &chunk, "at most \(WireLimits.chunkLength / 1024) KiB; empty at the end")
            try visitor.field("length", &length, "the length of the whole file, in bytes")
        }
    }
}

/// Sends a chunk of a state to import, in the format of a snapshot file. Offset 0 begins anew.
public struct ImportChunk: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .importChunk, "import.chunk", .session, .operator,
            "Sends a chunk of a state to import, in the format of a snapshot file. Offset 0 begins anew.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// How many bytes were sent before.
    public var offset: UInt64 = 0
    /// At most `WireLimits.chunkLength` bytes.
    public var chunk = Bytes([])
    /// Every field has its default.
    @inlinable public init() {}
    /// A chunk that follows this many bytes.
    public init(offset: UInt64, chunk: Bytes) {
        self.offset = offset
        self.chunk = chunk
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("offset", &offset, "how many bytes were sent before")
        try visitor.field("chunk", &chunk, "at most \(WireLimits.chunkLength / 1024) KiB")
    }
}

/// The parts of a state that an import replaces. The other parts stay.
public struct StateParts: OptionSet, Sendable, Hashable {
    /// The bits on the wire.
    public let rawValue: UInt8
    /// The set of these bits. Bits without a part are kept.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// All breakers, and the configuration that breakers are created with.
    public static let breakers = StateParts(rawValue: 1)
    /// All marks and the default cooldown.
    public static let exhaustion = StateParts(rawValue: 2)
    /// Accounts, history, and the limits that llm-providers knows.
    public static let ledger = StateParts(rawValue: 4)
    /// All three.
    public static let all: StateParts = [.breakers, .exhaustion, .ledger]
}

/// Replaces breakers, exhaustion and ledger, or some of them, by the state that was sent. The reply comes when a
/// snapshot of the result is on disk.
public struct ImportCommit: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .importCommit, "import.commit", .session, .operator,
            "Replaces breakers, exhaustion and ledger, or some of them, by the state that was sent. The reply comes when a snapshot of the result is on disk."
        )
    }
    /// The snapshot of the resulting state.
    public typealias Reply = SnapshotInfo
    /// How many bytes were sent in all.
    public var length: UInt64 = 0
    /// The bits of a `StateParts`.
    public var parts: UInt8 = StateParts.all.rawValue
    /// Every field has its default.
    @inlinable public init() {}
    /// The end of an import of this many bytes.
    public init(length: UInt64, parts: StateParts = .all) {
        self.length = length
        self.parts = parts.rawValue
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("length", &length, "how many bytes were sent in all")
        try visitor.field("parts", &parts, "what is replaced: 1 breakers, 2 exhaustion, 4 ledger, added up; 7 is all")
    }
}
