public struct Advance: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .advance, "engine.advance", .written, .engine,
            "Time has passed: marks and permits expire, breakers recover, the period rolls over.")
    }
    public typealias Reply = Done
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// Makes room for new names.
public struct EvictIdleBreakers: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .evictIdleBreakers, "engine.evictIdleBreakers", .written, .engine,
            "Forgets breakers that are closed, unconfigured and idle, and are no provider of the ledger.")
    }
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    public struct Reply: WireRecord {
        public var forgotten: UInt32 = 0
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("forgotten", &forgotten, "how many")
        }
    }
}

public struct ForgetWorker: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .forgetWorker, "engine.forgetWorker", .session, .engine,
            "Forgets a worker with the replies that are kept for it: it said goodbye, or another needs the room.")
    }
    public typealias Reply = Done
    public var workerHigh: UInt64 = 0
    public var workerLow: UInt64 = 0
    public var isEvicted = false
    @inlinable public init() {}
    public init(worker: WorkerID, isEvicted: Bool) {
        workerHigh = worker.high
        workerLow = worker.low
        self.isEvicted = isEvicted
    }
    public var worker: WorkerID { WorkerID(high: workerHigh, low: workerLow) }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("workerHigh", &workerHigh, "the upper half of the worker's id")
        try visitor.field("workerLow", &workerLow, "the lower half of the worker's id")
        try visitor.field("isEvicted", &isEvicted, "whether another needs the room; no: it said goodbye")
    }
}

public struct ReclaimPermits: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .reclaimPermits, "engine.reclaimPermits", .written, .engine,
            "Takes back what a worker holds that died or said goodbye; holds against enforced budgets stay to their time to live."
        )
    }
    public typealias Reply = Done
    public var worker = WorkerID(high: 0, low: 0)
    @inlinable public init() {}
    public init(worker: WorkerID) { self.worker = worker }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("worker", &worker, "the worker")
    }
}

/// Goes on with numbers that no permit has had: the first admission of this life of the daemon.
public struct BeginPermitNumbers: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .beginPermitNumbers, "engine.beginPermitNumbers", .written, .engine,
            "Goes on with numbers that no permit has had, not even one that a crash has undone.")
    }
    public typealias Reply = Done
    public var salt: UInt32 = 0
    @inlinable public init() {}
    public init(salt: UInt32) { self.salt = salt }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("salt", &salt, "drawn at random when the daemon started")
    }
}

/// Takes the wall clock back: it was more than a day ahead of the system's, which is synchronised.
public struct TakeClockBack: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .takeClockBack, "engine.takeClockBack", .session, .engine,
            "Takes recorded dates back to the system's synchronised clock, and reopens the periods that were closed ahead of it."
        )
    }
    public typealias Reply = Done
    public var wall = Timestamp(milliseconds: 0)
    @inlinable public init() {}
    public init(wall: Timestamp) { self.wall = wall }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("wall", &wall, "the system's wall clock")
    }
}

/// A window of a calendar begins: its last one has ended, it is used for the first time, or its zone's rules have changed.
///
/// The state machine knows no calendar. The engine tells it each boundary once that counts.
public struct BeginWindow: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .beginWindow, "engine.beginWindow", .written, .engine,
            "A window of a calendar begins: what limits by this calendar have used counts anew, unless it is kept.")
    }
    public typealias Reply = Done

    /// The calendar: a window of the kind `calendar`.
    public var calendar = LimitWindow()
    /// When the window begins, on the wall clock.
    public var start = Timestamp(milliseconds: 0)
    /// The first moment after it, on the wall clock.
    public var end = Timestamp(milliseconds: 0)
    /// Whether what was used stays: the window has other edges than was told before.
    public var keepsUse = false

    @inlinable public init() {}
    /// A window of this calendar.
    public init(_ calendar: LimitWindow, start: Timestamp, end: Timestamp, keepsUse: Bool) {
        self.calendar = calendar
        self.start = start
        self.end = end
        self.keepsUse = keepsUse
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("calendar", &calendar, "the calendar: unit, anchor and zone")
        try visitor.field("start", &start, "when the window begins, on the wall clock")
        try visitor.field("end", &end, "the first moment after it")
        try visitor.field("keepsUse", &keepsUse, "whether what was used stays, because only the edges are others")
    }
}
