/// Does what is due: marks and permits expire, breakers recover, raised limits go back.
public struct Advance: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .advance, "engine.advance", .written, .engine,
            "Does what is due: marks and permits expire, breakers recover, raised limits go back.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// Forgets breakers that nobody would miss, to make room for new names.
public struct EvictIdleBreakers: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .evictIdleBreakers, "engine.evictIdleBreakers", .written, .engine,
            "Forgets breakers that are closed and idle, have the default configuration, and share their name with no mark, account or permit."
        )
    }
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    /// How many breakers were forgotten.
    public struct Reply: WireRecord {
        /// How many breakers were forgotten.
        public var forgotten: UInt32 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("forgotten", &forgotten, "how many breakers were forgotten")
        }
    }
}

/// Forgets a worker and the replies that are kept for it. It said goodbye, or another worker needs the room.
public struct ForgetWorker: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .forgetWorker, "engine.forgetWorker", .session, .engine,
            "Forgets a worker and the replies that are kept for it. It said goodbye, or another worker needs the room.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The upper half of the worker's id.
    public var workerHigh: UInt64 = 0
    /// The lower half of the worker's id.
    public var workerLow: UInt64 = 0
    /// Whether another worker needs the room; otherwise it said goodbye.
    public var isEvicted = false
    /// Every field has its default.
    @inlinable public init() {}
    /// The end of what is kept for a worker.
    public init(worker: WorkerID, isEvicted: Bool) {
        workerHigh = worker.high
        workerLow = worker.low
        self.isEvicted = isEvicted
    }
    /// The worker id.
    public var worker: WorkerID { WorkerID(high: workerHigh, low: workerLow) }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("workerHigh", &workerHigh, "the upper half of the worker's id")
        try visitor.field("workerLow", &workerLow, "the lower half of the worker's id")
        try visitor.field("isEvicted", &isEvicted, "whether another worker needs the room; otherwise it said goodbye")
    }
}

/// Takes back the holds of a worker that died or said goodbye. Holds of limits that deny stay until their time to
/// live ends.
public struct ReclaimPermits: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .reclaimPermits, "engine.reclaimPermits", .written, .engine,
            "Takes back the holds of a worker that died or said goodbye. Holds of limits that deny stay until their time to live ends."
        )
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The worker.
    public var worker = WorkerID(high: 0, low: 0)
    /// Every field has its default.
    @inlinable public init() {}
    /// The end of the permits of a worker.
    public init(worker: WorkerID) { self.worker = worker }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("worker", &worker, "the worker")
    }
}

/// Begins a new run of permit numbers. It precedes the first admission after a start of the daemon.
public struct BeginPermitNumbers: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .beginPermitNumbers, "engine.beginPermitNumbers", .written, .engine,
            "Begins a run of permit numbers that were never used, not even for a permit that a crash has undone.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// A random number that was drawn when the daemon started.
    public var salt: UInt32 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// A new run of numbers, chosen by this random number.
    public init(salt: UInt32) { self.salt = salt }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("salt", &salt, "a random number that was drawn when the daemon started")
    }
}

/// Sets the wall clock back, because it was more than a day ahead of the system's synchronised clock.
public struct TakeClockBack: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .takeClockBack, "engine.takeClockBack", .session, .engine,
            "Sets recorded dates back to the system's synchronised clock, and reopens the calendar windows that were closed too early."
        )
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The system's wall clock.
    public var wall = Timestamp(milliseconds: 0)
    /// Every field has its default.
    @inlinable public init() {}
    /// A step back to this moment of the system's wall clock.
    public init(wall: Timestamp) { self.wall = wall }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("wall", &wall, "the system's wall clock")
    }
}

/// A window of a calendar begins: its last one has ended, it is used for the first time, or its zone's rules have
/// changed.
///
/// The state machine knows no calendar. The engine tells it each boundary once that counts.
public struct BeginWindow: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .beginWindow, "engine.beginWindow", .written, .engine,
            "A window of a calendar begins: what limits by this calendar have used counts anew, unless it is kept.")
    }
    /// The reply has no fields.
    public typealias Reply = Done

    /// The calendar: a window of the kind `calendar`.
    public var calendar = LimitWindow()
    /// When the window begins, on the wall clock.
    public var start = Timestamp(milliseconds: 0)
    /// The first moment after it, on the wall clock.
    public var end = Timestamp(milliseconds: 0)
    /// Whether what was used stays: the window has other edges than was told before.
    public var keepsUse = false
    /// Whether calendars that no limit goes by are forgotten before: those of an earlier request, which was refused.
    public var forgetsIdle = false

    /// Every field has its default.
    @inlinable public init() {}
    /// A window of this calendar.
    public init(
        _ calendar: LimitWindow, start: Timestamp, end: Timestamp, keepsUse: Bool, forgetsIdle: Bool = false
    ) {
        self.calendar = calendar
        self.start = start
        self.end = end
        self.keepsUse = keepsUse
        self.forgetsIdle = forgetsIdle
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("calendar", &calendar, "the calendar: unit, anchor and zone")
        try visitor.field("start", &start, "when the window begins, on the wall clock")
        try visitor.field("end", &end, "the first moment after it")
        try visitor.field("keepsUse", &keepsUse, "whether what was used stays, because only the edges are others")
        try visitor.field(
            "forgetsIdle", &forgetsIdle,
            "whether calendars that no limit goes by are forgotten before: those of an earlier request, which was refused"
        )
    }
}

/// Records a step of the system's wall clock.
public struct RecordClock: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .recordClock, "engine.recordClock", .session, .engine,
            "Records a step of the wall clock, so that a start does not take it for time that has passed.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The system's wall clock minus the steady clock since the step, in milliseconds.
    public var lead: Int64 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// A step after which the wall clock is ahead of the steady clock by this much.
    public init(lead: Int64) { self.lead = lead }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "lead", &lead, "the system's wall clock minus the steady clock since the step, in milliseconds")
    }
}

/// Begins a day of the ledger's history. The accounts close the day before at their next use, and otherwise in steps.
public struct BeginDay: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .beginDay, "engine.beginDay", .written, .engine,
            "Begins a day of the ledger's history. The accounts close the day before at their next use, and otherwise in steps."
        )
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The milliseconds of a day.
    public static let milliseconds: Int64 = 86_400_000

    /// The day, in days since 1970-01-01.
    public var day: Int64 = 0
    /// Whether the open day keeps its use, because its date was wrong.
    public var keepsUse = false

    /// Every field has its default.
    @inlinable public init() {}
    /// The beginning of a day.
    public init(_ day: Int64, keepsUse: Bool) {
        self.day = day
        self.keepsUse = keepsUse
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("day", &day, "the day, in days since 1970-01-01")
        try visitor.field("keepsUse", &keepsUse, "whether the open day keeps its use, because its date was wrong")
    }
}
