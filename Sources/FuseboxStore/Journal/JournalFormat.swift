import FuseboxWire

// The journal is a row of segments, each a file of a size that is given to it before anything is written:
//
//   head      64 bytes: a `FileHead` with a `JournalHeader`
//   records   each at a multiple of 8 bytes:
//               checksum  u32, the CRC-32C of length, body and padding
//               length    u32, the bytes of the body
//               body      a `JournalEntry`, then the payload of the command as it was received
//               padding   zeros to the next multiple of 8
//   rest      zeros
//
// Entries are numbered without a gap. A segment that is complete ends with an entry of the command `seal`; only the last
// segment may be without one. What a torn write may look like, and what it may not, is told in `JournalReader`.

/// What a segment says of itself.
public struct JournalHeader: HeadRecord {
    /// The first bytes of every segment.
    public static let magic: StaticString = "FUSEBOXJ"
    /// The version of what commands mean. Records of another one are not replayed: the same bytes might do something
    /// else. It is raised whenever a command's effect on the state changes.
    public static let currentSemantics: UInt32 = 1
    /// The bytes before a segment's first entry.
    public static let bytes = FileHead.bytes

    public var entryVersion = JournalEntry.version
    public var semantics = JournalHeader.currentSemantics
    public var epoch: UInt64 = 0
    public var firstSequence: UInt64 = 0
    public var isRebased = false

    public init() {}

    public init(epoch: UInt64, firstSequence: UInt64, isRebased: Bool) {
        self.epoch = epoch
        self.firstSequence = firstSequence
        self.isRebased = isRebased
    }

    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entryVersion", &entryVersion, "the version of its entries, each a JournalEntry")
        try visitor.field("semantics", &semantics, "the version of what commands mean")
        try visitor.field("epoch", &epoch, "the life of the state that the entries belong to")
        try visitor.field("firstSequence", &firstSequence, "the sequence of the segment's first entry")
        try visitor.field(
            "isRebased", &isRebased,
            "whether it does not continue the segment before: it needs a snapshot of the sequence before its first")
    }
}

/// One input that changed the state: when, from whom, and what. The command's payload follows it.
public struct JournalEntry: VersionedRecord {
    /// The command of the entry that ends a complete segment.
    public static let seal: UInt16 = .max
    static let alignment = 8
    /// Checksum and length before the body.
    static let headBytes = 8
    /// The bytes of an entry's own fields, in the version that is written.
    static let fieldBytes = 72

    /// The place at or after one at which an entry may begin.
    static func aligned(_ place: Int) -> Int { (place + alignment - 1) & ~(alignment - 1) }

    public var sequence: UInt64 = 0
    public var synced: UInt64 = 0
    public var now = Timestamp(milliseconds: 0)
    public var wall = Timestamp(milliseconds: 0)
    public var workerHigh: UInt64 = 0
    public var workerLow: UInt64 = 0
    public var request: UInt64 = 0
    public var oldestUnacknowledged: UInt64 = 0
    public var user: UInt32 = 0
    public var command: UInt16 = 0
    public var reserved: UInt16 = 0

    public init() {}

    public var moment: Moment { Moment(now: now, wall: wall) }
    public var worker: WorkerID { WorkerID(high: workerHigh, low: workerLow) }

    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("sequence", &sequence, "state changes before and with this one")
        try visitor.field(
            "synced", &synced, "the highest sequence that was known to be on the disk when this was written")
        try visitor.field("now", &now, "the steady clock at which it was applied")
        try visitor.field("wall", &wall, "the wall clock at which it was applied")
        try visitor.field(
            "workerHigh", &workerHigh, "the upper half of the worker's id; 0 with the lower half: the daemon itself")
        try visitor.field("workerLow", &workerLow, "the lower half of the worker's id")
        try visitor.field("request", &request, "the worker's sequence number of the request; 0 if it has none")
        try visitor.field("oldestUnacknowledged", &oldestUnacknowledged, "as the request said")
        try visitor.field("user", &user, "the peer user that asked")
        try visitor.field("command", &command, "the command's number; 65535 ends a segment")
        try visitor.field("reserved", &reserved, "0")
    }
}
