import FuseboxCore
import FuseboxWire

extension WorkerTable {
    /// The sections of the workers. They follow those of the state in a snapshot.
    static let sections = SectionTable<WorkerTable, WorkerTable>([WorkerSection.self, WorkerTotalsSection.self])
}

/// The section of the remembered workers.
enum WorkerSection: SnapshotSection {
    static let kind: UInt32 = 64
    static let name = "workers"
    static let summary = "the workers that are remembered, with the replies that are kept for them"

    static func write(_ workers: WorkerTable, to part: inout SectionWriter) {
        workers.forEach { part.add(WorkerImage($0)) }
    }

    static func add(_ image: WorkerImage, to workers: inout WorkerTable) throws(Refusal) {
        let id = WorkerID(high: image.workerHigh, low: image.workerLow)
        guard workers.find(id) == nil else { throw Refusal(.damagedData, "a worker comes twice") }
        var worker = WorkerTable.Worker(id: id, user: image.user, lastSeen: image.lastSeen)
        worker.lastSequence = image.lastSequence
        for reply in image.kept {
            unsafe reply.payload.contents.withUnsafeBytes {
                unsafe worker.kept.keep(reply.sequence, command: reply.command, digest: reply.digest, payload: $0)
            }
        }
        _ = workers.add(worker)
    }
}

/// The section of the totals of workers that are no longer remembered.
enum WorkerTotalsSection: SnapshotSection {
    static let kind: UInt32 = 65
    static let name = "workerTotals"
    static let summary = "how many workers were forgotten to make room; absent if none were"

    static func write(_ workers: WorkerTable, to part: inout SectionWriter) {
        guard workers.evictions > 0 else { return }
        var totals = WorkerTotalsImage()
        totals.evictions = workers.evictions
        part.add(totals)
    }

    static func add(_ totals: WorkerTotalsImage, to workers: inout WorkerTable) throws(Refusal) {
        guard workers.evictions == 0 else { throw Refusal(.damagedData, "the totals of workers come twice") }
        workers.evictions = totals.evictions
    }
}

struct WorkerImage: VersionedRecord {
    struct KeptReply: WireRecord {
        static var wireType: String { "KeptReply" }
        var sequence: UInt64 = 0
        var command: UInt16 = 0
        var digest: UInt32 = 0
        var payload = Bytes([])

        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("sequence", &sequence, "the request that it answers")
            try visitor.field("command", &command, "the request's command")
            try visitor.field("digest", &digest, "the CRC-32C of the request's own fields, which identifies a resend")
            try visitor.field("payload", &payload, "the reply's payload, as it was sent")
        }
    }

    var workerHigh: UInt64 = 0
    var workerLow: UInt64 = 0
    var user: UInt32 = 0
    var lastSequence: UInt64 = 0
    var lastSeen = Timestamp(milliseconds: 0)
    var kept: [KeptReply] = []

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("workerHigh", &workerHigh, "the upper half of the worker's id")
        try visitor.field("workerLow", &workerLow, "the lower half of the worker's id")
        try visitor.field("user", &user, "the peer user that it runs as")
        try visitor.field("lastSequence", &lastSequence, "its highest sequence number")
        try visitor.field("lastSeen", &lastSeen, "when it last changed state, on the steady clock")
        try visitor.field("kept", &kept, "the replies that it has not acknowledged, oldest first")
    }
}

struct WorkerTotalsImage: VersionedRecord {
    var evictions: UInt64 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "evictions", &evictions, "the number of workers that were forgotten to make room, in this epoch")
    }
}

extension WorkerImage {
    fileprivate init(_ worker: WorkerTable.Worker) {
        workerHigh = worker.id.high
        workerLow = worker.id.low
        user = worker.user
        lastSequence = worker.lastSequence
        lastSeen = worker.lastSeen
        worker.kept.forEach { sequence, command, digest, payload in
            var reply = KeptReply()
            reply.sequence = sequence
            reply.command = command
            reply.digest = digest
            reply.payload = Bytes(Array(payload))
            kept.append(reply)
        }
    }
}
