import FuseboxWire

// The records of a file of the spool. A file begins with the magic and the version. Then come records: a header, the
// reports that the worker left, and what has become of them since. Each record is preceded by its length, its checksum
// and its kind. The header and the reports are synced before the file gets its name. Later records are appended. See
// proto-docs/spool.md.

/// The header: the worker that left the reports, and the daemon that they are for.
struct SpoolHeader: WireRecord {
    /// The first bytes of every file: the letters FUSESPL. The byte after them is the version of the format.
    static let magic = Array("FUSESPL".utf8)
    /// The version of the format. It changes with the bytes of any record of the spool.
    static let version: UInt8 = 1
    /// The bytes before the first record.
    static var prefix: [UInt8] { magic + [version] }

    var workerHigh: UInt64 = 0
    var workerLow: UInt64 = 0
    var lastSequence: UInt64 = 0
    var socket = ""
    var client = ""
    var processID: UInt32 = 0
    var at = Timestamp(milliseconds: 0)
    var acquaintance: SpoolAcquaintance?
    var reports: UInt32 = 0

    var worker: WorkerID { WorkerID(high: workerHigh, low: workerLow) }

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("workerHigh", &workerHigh, "the upper half of the worker's id")
        try visitor.field("workerLow", &workerLow, "the lower half of the worker's id")
        try visitor.field(
            "lastSequence", &lastSequence, "the highest number that the worker has used, these reports included")
        try visitor.field("socket", &socket, "where the daemon listens")
        try visitor.field("client", &client, "what the worker called itself")
        try visitor.field("processID", &processID, "the worker's process")
        try visitor.field("at", &at, "when the reports were left, on the wall clock")
        try visitor.field("acquaintance", &acquaintance, "what the daemon told of the worker; absent if they never met")
        try visitor.field("reports", &reports, "how many follow")
    }
}

/// `Acquaintance`, as the file holds it.
struct SpoolAcquaintance: WireRecord {
    var epoch: UInt64 = 0
    var forgottenWorkers: UInt64 = 0
    var isKnown = false

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("epoch", &epoch, "the life of the daemon's state")
        try visitor.field("forgottenWorkers", &forgottenWorkers, "workers that it had had to forget in it")
        try visitor.field("isKnown", &isKnown, "whether it knew the worker")
    }
}

/// One report.
struct SpoolReport: WireRecord {
    var sequence: UInt64 = 0
    var command: UInt16 = 0
    var payload = Bytes([])
    var mayHaveLeft = false
    var permitEpoch: UInt64?
    var substitute: Bytes?

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("sequence", &sequence, "its number")
        try visitor.field("command", &command, "its command")
        try visitor.field("payload", &payload, "the command's fields")
        try visitor.field("mayHaveLeft", &mayHaveLeft, "whether it may have been sent")
        try visitor.field("permitEpoch", &permitEpoch, "of a settle: the epoch in which its permit's number is valid")
        try visitor.field(
            "substitute", &substitute, "of a settle: the `admission.report` that is sent in its place in another epoch")
    }
}

/// The beginning of a delivery. Every report may have been sent from here on. The record is synced before the first
/// report is sent.
struct SpoolBeginning: WireRecord {
    var acquaintance = SpoolAcquaintance()

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("acquaintance", &acquaintance, "how the daemon knows the worker now")
    }
}

/// The result of a report.
struct SpoolResult: WireRecord {
    enum Kind: UInt8, WireEnumeration {
        /// The report has counted.
        case delivered = 0
        /// The daemon refuses the report for good. A person decides.
        case refused = 1
        /// The report may have counted, and there is no way to find out. A person decides.
        case inDoubt = 2
        /// The daemon did not take the report under this number. It is sent under another.
        case renumbered = 3
        /// As `renumbered`, and the substitute of the settle is sent.
        case substituted = 4
    }

    var sequence: UInt64 = 0
    var kind: Kind = .delivered
    var reason = ""
    var newSequence: UInt64 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("sequence", &sequence, "the report's number")
        try visitor.field("kind", &kind, "what has become of it")
        try visitor.field("reason", &reason, "why, for a person")
        try visitor.field("newSequence", &newSequence, "its new number; 0 if it keeps its own")
    }
}

/// The numbers of the kinds of records.
enum SpoolKind: UInt8 {
    case header = 1
    case report = 2
    case beginning = 3
    case result = 4
}

extension ByteWriter {
    /// Appends a record with its length, checksum and kind.
    mutating func writeSpool(_ kind: SpoolKind, _ record: some WireRecord) {
        let start = count
        write(UInt32(0))
        write(UInt32(0))
        write(kind.rawValue)
        record.encode(into: &self)
        let length = count - start - SpoolContents.headBytes
        overwrite(UInt32(length), at: start)
        let checksum = unsafe withBytes {
            unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: $0[(start + SpoolContents.headBytes)...]))
        }
        overwrite(checksum, at: start + 4)
    }
}
