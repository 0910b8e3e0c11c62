import FuseboxCore
import FuseboxStore
import FuseboxWire

/// A state as it was at a moment, ready to be written away from the loop.
public struct SnapshotCapture: Sendable {
    public let header: SnapshotHeader
    let machine: StateMachine
    let workers: WorkerTable

    /// A state without workers: one that is imported.
    public init(_ machine: StateMachine, header: SnapshotHeader) {
        self.init(machine, WorkerTable(), header: header)
    }

    init(_ machine: StateMachine, _ workers: WorkerTable, header: SnapshotHeader) {
        self.machine = machine
        self.workers = workers
        self.header = header
    }

    /// Writes it to a data directory, and loads what was written as a start does before it gets its name. Runs on any
    /// thread.
    ///
    /// It is used up: its state is given back before another one is loaded.
    ///
    /// - Parameter keepingAll: whether older snapshots stay, however many they are
    public consuming func write<Files: Storage>(
        to store: SnapshotStore<Files>, keepingAll: Bool = false
    ) throws(SnapshotFailure) -> SnapshotInfo {
        let name = SnapshotName(sequence: header.sequence)
        guard try prepare(in: store) else { return try store.info(name) }
        return try store.adopt(name, keepingAll: keepingAll) { (reader) throws(SnapshotDamage) in try reader.tryStart()
        }
    }

    private consuming func prepare<Files: Storage>(in store: SnapshotStore<Files>) throws(SnapshotFailure) -> Bool {
        let header = header
        return try store.prepare(header) { (writer) throws(StorageError) in try writeSections(to: &writer) }
    }

    /// The whole snapshot in memory.
    public func bytes() -> [UInt8] {
        do throws(StorageError) {
            var writer = try SnapshotWriter(header, into: MemorySink())
            try writeSections(to: &writer)
            return try writer.finish().bytes
        } catch {
            preconditionFailure("memory does not fail: \(error)")
        }
    }

    private func writeSections<Sink: ByteSink & ~Copyable>(
        to writer: inout SnapshotWriter<Sink>
    ) throws(StorageError) {
        try machine.forEachImageSection { (kind, contents) throws(StorageError) in
            try writer.section(kind.rawValue, contents)
        }
        try workers.forEachImageSection { (kind, contents) throws(StorageError) in
            try writer.section(kind, contents)
        }
    }
}

extension SnapshotReader {
    /// The state that the snapshot holds, without the workers, whatever limits it was taken under.
    public func stateMachine() throws(SnapshotDamage) -> StateMachine { try stateMachine(limits: .unbounded) }

    /// The state that the snapshot holds, without the workers, if these limits admit it.
    public func stateMachine(limits: Limits) throws(SnapshotDamage) -> StateMachine {
        try contents(limits: limits).machine
    }

    /// Loads everything that the snapshot holds by the rules of a start, and drops it again.
    ///
    /// - Throws: why a start would refuse it
    public func tryStart() throws(SnapshotDamage) { _ = try contents(limits: .unbounded) }

    /// Everything that the snapshot holds.
    func contents(limits: Limits) throws(SnapshotDamage) -> (machine: StateMachine, workers: WorkerTable) {
        var image = StateImage(profile: header.profile, limits: limits, at: header.moment)
        var workers = WorkerTable()
        try forEachSection { (kind, contents) throws(Refusal) in
            switch kind {
            case WorkerImage.section: try workers.add(from: &contents)
            case WorkerTotalsImage.section: try workers.addTotals(from: &contents)
            default: try image.add(kind, &contents)
            }
        }
        do throws(Refusal) { return (try image.finish(), workers) } catch { throw .contents(offset: 0, error) }
    }
}

/// When snapshots are taken, and who waits for one.
struct SnapshotSchedule {
    /// How long after an attempt a snapshot that is wanted early is tried again.
    private static let retryMilliseconds: Int64 = 1_000

    let intervalMilliseconds: Int64
    private(set) var newest: SnapshotInfo?
    private(set) var failure = ""
    /// Whether what was last written could not be loaded: trying again soon gives the same, and takes as long.
    private var wasRefused = false
    private(set) var isWriting = false
    private var lastAttempt: Timestamp
    private var waiting: [Ticket] = []
    private var served: [Ticket] = []

    init(intervalMilliseconds: Int64, newest: SnapshotInfo?, at now: Timestamp) {
        self.intervalMilliseconds = intervalMilliseconds
        self.newest = newest
        lastAttempt = now
    }

    /// Asks for a snapshot that is captured after this.
    mutating func request(_ ticket: Ticket) { waiting.append(ticket) }

    /// Whether one is to be captured now.
    ///
    /// - Parameter lastChange: the newest input that changed more than the time
    func isDue(lastChange: UInt64, hasGrown: Bool, at now: Timestamp) -> Bool {
        guard !isWriting else { return false }
        if !waiting.isEmpty { return true }
        let patience = wasRefused ? intervalMilliseconds : min(Self.retryMilliseconds, intervalMilliseconds)
        if hasGrown, now - lastAttempt >= patience { return true }
        return lastChange > newest?.sequence ?? 0 && now - lastAttempt >= intervalMilliseconds
    }

    mutating func begin(at now: Timestamp) {
        isWriting = true
        lastAttempt = now
        served = waiting
        waiting = []
    }

    /// Returns the requests that the attempt answers.
    mutating func end(_ result: Result<SnapshotInfo, SnapshotFailure>) -> [Ticket] {
        isWriting = false
        switch result {
        case .success(let info):
            newest = info
            failure = ""
            wasRefused = false
        case .failure(let error):
            failure = error.description
            wasRefused = if case .damaged = error { true } else { false }
        }
        defer { served = [] }
        return served
    }
}

/// A state that is being uploaded for an import. There is one at a time; a newer one takes its place.
struct Upload {
    /// The pieces as they came: putting them together is work for another thread.
    private var chunks: [[UInt8]] = []
    private var length = 0
    private var session: UInt64?

    mutating func add(_ chunk: ImportChunk, from session: UInt64, limit: Int) throws(Refusal) {
        if chunk.offset == 0 {
            clear()
            self.session = session
        }
        guard self.session == session, chunk.offset == UInt64(length) else {
            throw Refusal(
                .busy,
                "the chunk at \(chunk.offset) does not continue this connection's upload; begin again at offset 0")
        }
        guard length + chunk.chunk.contents.count <= limit else {
            clear()
            throw Refusal(.limitReached, "an import may be \(limit) bytes long; this one is longer")
        }
        let contents = chunk.chunk.contents
        // Small pieces are joined: a piece takes memory that the limit does not see.
        if let last = chunks.indices.last, chunks[last].count + contents.count <= Limits.chunkLength {
            chunks[last].append(contentsOf: contents)
        } else {
            chunks.append(contents)
        }
        length += contents.count
    }

    mutating func finish(length announced: UInt64, from session: UInt64) throws(Refusal) -> [[UInt8]] {
        guard self.session == session, announced == UInt64(length) else {
            throw Refusal(
                .damagedData,
                "\(Quantity.count(announced, "byte")) announced, and \(self.session == session ? length : 0) sent")
        }
        defer { clear() }
        return chunks
    }

    /// Forgets what a session has sent.
    mutating func discard(_ session: UInt64) {
        if self.session == session { clear() }
    }

    private mutating func clear() { self = Upload() }
}

extension Engine {
    /// The journal's length at which a snapshot is taken early, so that a restart is quick.
    private static var journalBound: Int { 96 * 1024 * 1024 }

    /// The processor time at which one is taken early: few bytes may have been much work, and a start does it again.
    private static var replayNanoseconds: Int64 { 3_000_000_000 }

    /// Takes note of the processor time that a turn has used, or that the replay at the start has. Turns that changed
    /// nothing do not count: a start does not repeat them.
    public mutating func hasUsed(processorNanoseconds: Int64) {
        guard sequence != timedSequence else { return }
        timedSequence = sequence
        replayNanoseconds += processorNanoseconds
    }

    /// Whether a snapshot is to be captured now.
    public func isSnapshotDue(at moment: Moment) -> Bool {
        let grown =
            journaledBytes > Self.journalBound || replayNanoseconds > Self.replayNanoseconds || isRebasing
        return snapshots.isDue(lastChange: sequence - timeOnlyInputs, hasGrown: grown, at: moment.now)
    }

    /// The state to be written as a snapshot, whether one is due or not. `snapshotEnded` must follow.
    public mutating func capture(at moment: Moment) -> SnapshotCapture {
        snapshots.begin(at: moment.now)
        journaledBytes = 0
        replayNanoseconds = 0
        return SnapshotCapture(
            state.machine, state.workers,
            header: SnapshotHeader(
                epoch: identity.epoch, sequence: sequence, moment: moment, profile: machine.profile))
    }

    /// Why the last attempt at a snapshot failed; empty if it did not.
    public var snapshotFailure: String { snapshots.failure }

    /// Whether a capture is being written.
    public var isWritingSnapshot: Bool { snapshots.isWriting }

    /// Whether the newest snapshot holds everything.
    public var isSnapshotCurrent: Bool { snapshots.newest?.sequence == sequence }

    /// Takes note of what became of a capture; returns the requests that wait for it.
    public mutating func snapshotEnded(_ result: Result<SnapshotInfo, SnapshotFailure>) -> [Ticket] {
        room.rebaseFailure = nil
        if isRebasing, case .failure(let error) = result { room.rebaseFailure = error.description }
        return snapshots.end(result)
    }

    /// Replaces breakers, exhaustion and ledger, or some of them, by an imported state. The request is answered by the
    /// next snapshot.
    ///
    /// - Throws: what stands against it; then nothing has changed
    public mutating func adopt(
        _ imported: StateMachine, _ parts: StateParts = .all, for ticket: Ticket, at moment: Moment
    ) throws(Refusal) {
        try state.machine.replace(parts, with: imported)
        state.sequence += 1
        noteReplacement()
        snapshots.request(ticket)
    }

    /// Writes the reply of work that was deferred.
    public static func complete<Reply: WireRecord>(
        _ ticket: Ticket, _ result: Result<Reply, Refusal>, _ output: inout ByteWriter
    ) {
        switch result {
        case .success(let reply):
            output.writeReply(reply, command: ticket.command, correlation: ticket.correlation)
        case .failure(let refusal):
            output.writeRefusal(refusal, command: ticket.command, correlation: ticket.correlation)
        }
    }
}

extension Refusal {
    /// What a client is told of work on the data directory that failed.
    public init(_ failure: SnapshotFailure) {
        switch failure {
        case .storage(let error) where error.isNotFound:
            self.init(.notFound, "the snapshot is not kept, or no longer; `snapshot.list` tells those that are")
        case .storage(let error): self.init(.storageFailed, error.description)
        case .damaged: self.init(.damagedData, failure.description)
        }
    }
}
