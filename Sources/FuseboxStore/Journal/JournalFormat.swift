import FuseboxWire

// The journal is a sequence of segments. Each is a file whose space is reserved before anything is written:
//
//   head      64 bytes: a `FileHead` with a `JournalHeader`
//   records   each at a multiple of 8 bytes:
//               checksum  u32, the CRC-32C of length, body and padding
//               length    u32, the bytes of the body
//               body      a `JournalEntry`, then the payload of the command as it was received
//               padding   zeros to the next multiple of 8
//   rest      zeros
//
// Entries are numbered without a gap. A complete segment ends with an entry of the command `seal`. Only the last
// segment may be without one. `JournalReader` describes what a torn write may look like.

/// The header of a segment.
package struct JournalHeader: HeadRecord {
    /// The first bytes of every segment.
    package static let magic: StaticString = "FUSEBOXJ"
    /// The version of the semantics of commands. It is raised whenever the effect of a command on the state changes.
    /// Entries with other semantics are not replayed, because the same bytes might have another effect.
    package static let currentSemantics: UInt32 = 1
    /// The bytes before a segment's first entry.
    package static let bytes = FileHead.bytes

    /// The version of the entries.
    package var entryVersion = JournalEntry.version
    /// The version of the semantics of the entries' commands.
    package var semantics = JournalHeader.currentSemantics
    /// The epoch of the state that the entries belong to.
    package var epoch: UInt64 = 0
    /// The sequence of the first entry.
    package var firstSequence: UInt64 = 0
    /// Whether the segment does not continue the one before. It then needs a snapshot with the sequence before its
    /// first.
    package var isRebased = false

    package init() {}

    /// The header of a new segment.
    package init(epoch: UInt64, firstSequence: UInt64, isRebased: Bool) {
        self.epoch = epoch
        self.firstSequence = firstSequence
        self.isRebased = isRebased
    }

    package mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entryVersion", &entryVersion, "the version of its entries, each a JournalEntry")
        try visitor.field("semantics", &semantics, "the version of the semantics of commands")
        try visitor.field("epoch", &epoch, "the life of the state that the entries belong to")
        try visitor.field("firstSequence", &firstSequence, "the sequence of the segment's first entry")
        try visitor.field(
            "isRebased", &isRebased,
            "whether it does not continue the segment before; it then needs a snapshot of the sequence before its first"
        )
    }
}

/// An entry of the journal: one input that changed the state. The command's payload follows it.
package struct JournalEntry: VersionedRecord {
    /// The command of the entry that ends a complete segment.
    package static let seal: UInt16 = .max
    static let alignment = 8
    /// The bytes of checksum and length before the body.
    static let headBytes = 8
    /// The bytes of an entry's own fields, in the version that is written. All of them have a fixed size.
    static let fieldBytes: Int = {
        var fields = ByteWriter()
        JournalEntry().encode(into: &fields)
        return fields.count
    }()

    /// The first offset at or after this one at which an entry may begin.
    static func aligned(_ place: Int) -> Int { (place + alignment - 1) & ~(alignment - 1) }

    /// The number of state changes up to and including this one.
    package var sequence: UInt64 = 0
    /// The highest synced sequence when the entry was written.
    package var synced: UInt64 = 0
    /// The steady clock when the input was applied.
    package var now = Timestamp(milliseconds: 0)
    /// The wall clock when the input was applied.
    package var wall = Timestamp(milliseconds: 0)
    /// The upper half of the worker's id. Both halves are 0 for an input of the daemon itself.
    package var workerHigh: UInt64 = 0
    /// The lower half of the worker's id.
    package var workerLow: UInt64 = 0
    /// The worker's sequence number of the request. 0 if it has none.
    package var request: UInt64 = 0
    /// The lowest unacknowledged number of the worker, as the request told it.
    package var oldestUnacknowledged: UInt64 = 0
    /// The user that the peer process ran as.
    package var user: UInt32 = 0
    /// The number of the command, or `seal`.
    package var command: UInt16 = 0
    /// Always 0.
    package var reserved: UInt16 = 0

    package init() {}

    /// The moment when the input was applied.
    package var moment: Moment { Moment(now: now, wall: wall) }
    /// The worker's id.
    package var worker: WorkerID { WorkerID(high: workerHigh, low: workerLow) }

    package mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("sequence", &sequence, "the number of state changes up to and including this one")
        try visitor.field(
            "synced", &synced, "the highest sequence that was known to be on the disk when the entry was written")
        try visitor.field("now", &now, "the steady clock when it was applied")
        try visitor.field("wall", &wall, "the wall clock when it was applied")
        try visitor.field(
            "workerHigh", &workerHigh,
            "the upper half of the worker's id; both halves are 0 for an input of the daemon itself")
        try visitor.field("workerLow", &workerLow, "the lower half of the worker's id")
        try visitor.field("request", &request, "the worker's sequence number of the request; 0 if it has none")
        try visitor.field(
            "oldestUnacknowledged", &oldestUnacknowledged, "the lowest unacknowledged number, as the request told it")
        try visitor.field("user", &user, "the user of the peer process")
        try visitor.field("command", &command, "the command's number; 65535 ends a segment")
        try visitor.field("reserved", &reserved, "0")
    }
}
