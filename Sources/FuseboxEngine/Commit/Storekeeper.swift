import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The engine with its journal and its snapshots: it carries out what `Commit` says is to be done.
///
/// It has no loop and no threads. Its owner tells it when a turn begins and ends, lends the engine to connections in
/// between, and as its delegate runs elsewhere what waits for the disk. The server does so on libuv's thread pool, the
/// simulator some turns later in an order of its own, or never.
public final class Storekeeper<Files: JournalStorage> {
    public var engine: Engine
    public let store: SnapshotStore<Files>
    /// Not retained: it must outlive the last call.
    public unowned var delegate: (any StorekeeperDelegate)?
    /// The moment of this turn.
    var moment: Moment
    /// Nil if none is kept.
    let journal: Journal<Files>?
    /// What a sync runs elsewhere and what follows, made once: beginning a sync allocates nothing.
    private(set) var syncSteps: (run: @Sendable () -> Void, end: () -> Void)?
    /// Whether the marks are being brought to the disk.
    var isSyncingMarks = false
    var importing = Import.none

    /// A state that is to take the place of this one. There is one at a time: reading it may take long, and the threads that
    /// do so are few and sync the journal too.
    enum Import {
        case none
        case decoding
        /// It waits for a snapshot that is being written, or for the segment that the journal goes on in.
        case waiting(StateMachine, StateParts, Ticket)
    }

    /// Makes a data directory go on with what was recovered from it.
    ///
    /// - Throws: what fails while the directory is put in order or the journal opened. That there is no room for the
    ///   journal is no failure: what must be journaled is refused until there is.
    public init(
        _ recovered: consuming Recovered, in store: SnapshotStore<Files>, identity: Engine.Identity,
        _ options: StorekeepingOptions, at moment: Moment
    ) throws(SnapshotFailure) {
        self.store = store
        self.moment = moment
        // First the snapshot: a journal without one is refused at the next start.
        try recovered.settle(store)
        var segment: SegmentRoom?
        if options.durability == .snapshot {
            journal = nil
        } else {
            do throws(StorageError) {
                let journal = try Journal(
                    store.files, epoch: identity.epoch, segmentLength: options.segmentLength,
                    after: recovered.isJournalContinuous ? recovered.sequence : nil, clearing: recovered.openEnd)
                let shortage = try Self.open(journal, at: recovered.sequence)
                try journal.markStart(recovered.journaledSequence)
                segment = SegmentRoom(
                    room: journal.room, capacity: journal.capacity, segmentLength: options.segmentLength,
                    spare: shortage.map(Commit.Spare.failed) ?? (journal.hasSpare ? .ready : .wanted(after: nil)))
                self.journal = journal
            } catch { throw .storage(error) }
        }
        engine = Engine(
            recovered, identity: identity, durability: options.durability, segment: segment,
            snapshotIntervalMilliseconds: options.snapshotIntervalMilliseconds, at: moment)
        if let sync = journal?.sync { syncSteps = ({ sync.run() }, { [unowned self] in syncEnded(sync.failure) }) }
    }

    /// Gives the journal a spare, and a segment to write in if none was left open.
    ///
    /// - Returns: why there is no spare, if there is none
    private static func open(
        _ journal: Journal<Files>, at sequence: UInt64
    ) throws(StorageError) -> StorageError? {
        switch journal.spareTask()() {
        case .failure(let error): return error
        case .success(let spare): journal.add(spare)
        }
        guard !journal.isOpen else { return nil }
        try journal.rotate(next: sequence + 1, synced: sequence)
        try journal.syncNow(marking: nil)
        return nil
    }

    // MARK: What is asked of it

    /// Tells what was found at the start, once there is somebody to be told.
    public func tellStart() {
        if let shortage = engine.commit.shortage { delegate?.note(.noRoom(shortage)) }
    }

    /// Why the journal could not be written or synced, if it could not: nothing is handed out and nothing written since.
    public var failure: StorageError? {
        if case .failed(let error) = engine.commit.journal { error } else { nil }
    }

    /// Why the last snapshot of a stop could not be written, if it could not.
    public var stopFailure: SnapshotFailure? {
        if case .failed(let failure) = engine.commit.stop { failure } else { nil }
    }

    /// Whether a stop has nothing to wait for: the last snapshot is there, or cannot be, and nothing waits for the disk.
    public var isQuiet: Bool { engine.commit.isQuiet }

    /// The last input that survives power loss.
    public var syncedSequence: UInt64 { engine.commit.progress.watermarks.synced }

    /// Whether every input is in the journal, or in a snapshot that is on the disk.
    public var isContinuous: Bool { engine.commit.isContinuous }

    /// Whether outcomes are taken although they cannot be journaled.
    public var takesUnjournaledOutcomes: Bool { engine.commit.takesUnjournaledOutcomes }
}

/// How journal and snapshots are kept.
public struct StorekeepingOptions: Sendable {
    public var durability = Durability.commit
    public var snapshotIntervalMilliseconds: Int64 = 60_000
    /// The size of the journal's segments in bytes.
    public var segmentLength = Limits.segmentLength

    public init() {}
}

/// The surroundings of a `Storekeeper`. It calls from the thread of its owner's turns only.
public protocol StorekeeperDelegate: AnyObject {
    /// Runs `body` elsewhere, and then `completion` with its result in a turn of the owner.
    func work<Result: Sendable>(_ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void)
    /// Does the same for work that loads a whole state: it may have to give memory back afterwards.
    func workLong<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void)
    /// Does the same for a sync of the journal, of which there is one at a time: it may be prepared to allocate nothing.
    func sync(_ body: @escaping @Sendable () -> Void, then completion: @escaping () -> Void)
    /// Sends a reply that waited for the journal. It must not touch the engine.
    func deliver(_ frame: UnsafeRawBufferPointer, to session: UInt64)
    /// Sends a reply that was deferred, as `write` appends it to the connection's output.
    func complete(_ ticket: Ticket, _ write: (inout ByteWriter) -> Void)
    /// Goes on with the requests of a session that waited for room.
    func goOn(with session: UInt64)
    /// Asks for another turn although nothing may happen in it.
    func runAgain()
    /// Takes note of what operators may want to know.
    func note(_ news: StorekeeperNews)
    /// Ends the daemon at once: the journal cannot be written or synced, or is where no start would find it. After it nothing
    /// that the journal did not take may be acknowledged.
    func journalFailed(_ error: StorageError)
}

extension StorekeeperDelegate {
    /// Most surroundings have no memory to give back.
    public func workLong<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void
    ) {
        work(body, then: completion)
    }
}

/// What a `Storekeeper` has to tell.
public enum StorekeeperNews: Sendable {
    case noRoom(StorageError)
    case roomAgain
    case wroteSnapshot(SnapshotInfo)
    /// Told once for a reason, until one is written again.
    case snapshotFailed(SnapshotFailure)
    case snapshotsAgain
    case imported(breakers: Int, providers: Int)
    case notSealed(StorageError)
}
