import FuseboxWire

/// A worker as snapshots hold it.
public struct WorkerImage: WireRecord {
    /// The kind of the section of workers; the state machine's own sections are below it.
    public static let section: UInt32 = 64

    public struct KeptReply: WireRecord {
        public var sequence: UInt64 = 0
        public var command: UInt16 = 0
        public var digest: UInt32 = 0
        public var payload = Bytes([])
        public init() {}
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("sequence", &sequence, "the request that it answers")
            try visitor.field("command", &command, "the request's command")
            try visitor.field("digest", &digest, "the CRC32C of the request's own fields, by which a resend is known")
            try visitor.field("payload", &payload, "the reply's payload")
        }
    }

    public var workerHigh: UInt64 = 0
    public var workerLow: UInt64 = 0
    public var user: UInt32 = 0
    public var lastSequence: UInt64 = 0
    public var lastSeen = Timestamp(milliseconds: 0)
    public var kept: [KeptReply] = []

    public init() {}

    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("workerHigh", &workerHigh, "the upper half of the worker's id")
        try visitor.field("workerLow", &workerLow, "the lower half of the worker's id")
        try visitor.field("user", &user, "the peer user that it runs as")
        try visitor.field("lastSequence", &lastSequence, "its highest sequence number")
        try visitor.field("lastSeen", &lastSeen, "when it last changed state, on the steady clock")
        try visitor.field("kept", &kept, "the replies that it has not acknowledged, oldest first")
    }
}

/// What became of workers that are not remembered any more, as snapshots hold it.
public struct WorkerTotalsImage: WireRecord {
    /// The kind of its section.
    public static let section: UInt32 = 65

    public var evictions: UInt64 = 0

    public init() {}

    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("evictions", &evictions, "workers that had to make room, in the life of the state")
    }
}

extension WorkerTable {
    /// Calls `body` with the workers' records and their section, in parts of bounded length.
    func forEachImageSection<Failure: Error>(
        _ body: (_ section: UInt32, borrowing ByteWriter) throws(Failure) -> Void
    ) throws(Failure) {
        var part = ByteWriter(capacity: 4096)
        if evictions > 0 {
            var totals = WorkerTotalsImage()
            totals.evictions = evictions
            totals.encode(into: &part)
            try body(WorkerTotalsImage.section, part)
            part.removeAll()
        }
        try forEach { (worker) throws(Failure) in
            WorkerImage(worker).encode(into: &part)
            guard part.count >= 256 * 1024 else { return }
            try body(WorkerImage.section, part)
            part.removeAll()
        }
        if !part.isEmpty { try body(WorkerImage.section, part) }
    }

    /// Takes what a section tells of workers that are not remembered any more.
    mutating func addTotals(from contents: inout ByteReader) throws(Refusal) {
        guard evictions == 0 else { throw Refusal(.damagedData, "the totals of workers come twice") }
        var totals = WorkerTotalsImage()
        try totals.decode(from: &contents)
        try contents.finish()
        evictions = totals.evictions
    }

    /// Adds the workers of a section.
    mutating func add(from contents: inout ByteReader) throws(Refusal) {
        while contents.remaining > 0 {
            var image = WorkerImage()
            try image.decode(from: &contents)
            let id = WorkerID(high: image.workerHigh, low: image.workerLow)
            guard find(id) == nil else { throw Refusal(.damagedData, "a worker comes twice") }
            var worker = Worker(id: id, user: image.user, lastSeen: image.lastSeen)
            worker.lastSequence = image.lastSequence
            for reply in image.kept {
                unsafe reply.payload.contents.withUnsafeBytes {
                    unsafe worker.kept.keep(
                        reply.sequence, command: reply.command, digest: reply.digest, payload: $0)
                }
            }
            _ = add(worker)
        }
    }
}

extension WorkerImage {
    fileprivate init(_ worker: WorkerTable.Worker) {
        self.init()
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
