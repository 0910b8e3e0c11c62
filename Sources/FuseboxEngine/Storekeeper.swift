import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The engine with its journal and its snapshots: what has to be on the disk is, before anybody is told.
///
/// It has no loop and no threads. Its owner tells it when a turn begins and ends, lends the engine to connections in
/// between, and as its delegate runs what waits for the disk elsewhere. The server does so on libuv's thread pool, the
/// simulator some turns later in an order of its own, or never.
public final class Storekeeper<Files: JournalStorage> {
    public var engine: Engine
    public let store: SnapshotStore<Files>
    /// Not retained: it must outlive the last call.
    public unowned var delegate: (any StorekeeperDelegate)?
    /// The moment of this turn.
    var moment: Moment
    /// Whether the journal could not be written or synced: from then on nothing is handed out and nothing written.
    public private(set) var hasFailed = false

    // The journal.

    /// Nil if none is kept.
    var journal: Journal<Files>?
    /// Room at which the journal goes on in the next segment.
    let rotationRoom: Int
    /// Whether a spare segment is being prepared.
    var isPreparing = false
    /// Why the last attempt at a spare failed, if it did: there is no room for the next segment.
    public internal(set) var shortage: StorageError? {
        didSet { engine.storage.shortage = shortage?.description }
    }
    /// Sessions whose next request did not fit any more.
    var waiting: [UInt64] = []
    /// The room that the largest of those requests needs.
    var wanted = 0
    /// The highest sequence that the sync under way covers.
    var syncCovers: UInt64 = 0
    /// Whether the marks are being brought to the disk.
    var isSyncingMarks = false
    /// What a sync runs elsewhere and what follows, made once: beginning a sync allocates nothing.
    var syncSteps: (run: @Sendable () -> Void, end: () -> Void)?

    // The snapshots.

    /// Imported states that wait for a snapshot that is being written.
    var pendingImports: [(machine: StateMachine, parts: StateParts, ticket: Ticket)] = []
    /// Whether an import is being decoded. It is one at a time: that may take long, and so may a snapshot, and the threads
    /// that they run on are few and sync the journal too.
    var isDecoding = false
    /// Whether the end has begun: no request is handled any more.
    var isStopping = false
    /// Whether the snapshot that a restart is to find has been captured.
    var hasCapturedLast = false
    /// Why the last snapshot could not be written, if it could not.
    public internal(set) var stopFailure: SnapshotFailure?

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
        rotationRoom = min(1024 * 1024, options.segmentLength / 4)
        // First the snapshot: a journal without one is refused at the next start.
        try recovered.settle(store)
        var shortage: StorageError?
        if options.durability != .snapshot {
            do throws(StorageError) {
                let journal = try Journal(
                    store.files, epoch: identity.epoch, segmentLength: options.segmentLength,
                    after: recovered.isJournalContinuous ? recovered.sequence : nil, clearing: recovered.openEnd)
                shortage = try Self.open(journal, at: recovered.sequence)
                try journal.markStart(recovered.journaledSequence)
                self.journal = journal
            } catch { throw .storage(error) }
        }
        engine = Engine(
            recovered, identity: identity, durability: options.durability,
            snapshotIntervalMilliseconds: options.snapshotIntervalMilliseconds, at: moment)
        self.shortage = shortage
        engine.storage.shortage = shortage?.description
        if let sync = journal?.sync { syncSteps = ({ sync.run() }, { [unowned self] in endSync(sync.failure) }) }
    }

    /// Tells what was found at the start, once there is somebody to be told.
    public func tellStart() {
        if let shortage { delegate?.note(.noRoom(shortage)) }
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

    /// Ends everything: what was not acknowledged may or may not be on the disk, and nothing more may be acknowledged.
    func fail(_ error: StorageError) {
        hasFailed = true
        delegate?.journalFailed(error)
    }
}

/// How journal and snapshots are kept.
public struct StorekeepingOptions: Sendable {
    public var durability = Durability.commit
    public var snapshotIntervalMilliseconds: Int64 = 60_000
    /// The size of the journal's segments in bytes.
    public var segmentLength = 16 * 1024 * 1024

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
