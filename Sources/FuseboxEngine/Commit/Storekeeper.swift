import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The engine with its journal and its snapshots. It carries out the actions of `Commit`.
///
/// It has no loop and no threads. Its owner begins and ends turns and lends the engine to connections in between. As
/// its delegate the owner also runs work that waits for the disk. The server runs that work on libuv's thread pool. The
/// simulator runs it some turns later, in an order of its own, or never.
package final class Storekeeper<Files: JournalStorage> {
    /// The engine.
    package var engine: Engine
    /// The snapshots of the data directory.
    package let store: SnapshotStore<Files>
    /// The delegate. It is not retained and must outlive the last call.
    package unowned var delegate: (any StorekeeperDelegate)?
    /// The moment of this turn.
    var moment: Moment
    /// The journal. Nil if none is kept.
    let journal: Journal<Files>?
    /// The work of a sync and its completion. They are made once, so that a sync allocates nothing.
    private(set) var syncSteps: (run: @Sendable () -> Void, end: () -> Void)?
    /// Whether a sync of the marks is under way.
    var isSyncingMarks = false
    var importing = Import.none
    /// The writing of the history.
    var history: HistoryWriting

    /// An import. There is one at a time, because decoding may take long and the few threads that do it also sync the
    /// journal.
    enum Import {
        case none
        case decoding
        /// It waits for the end of a snapshot or for the next segment.
        /// Indirect, because each turn looks whether one waits, and a state is long.
        indirect case waiting(PreparedParts, Ticket)
    }

    /// Takes over the state that was recovered from a data directory, and continues the journal.
    ///
    /// - Throws: the failure to tidy the directory or to open the journal. A lack of room for the journal does not
    ///   throw: requests that must be journaled are refused until there is room.
    package init(
        _ recovered: consuming Recovered, in store: SnapshotStore<Files>, identity: Engine.Identity,
        _ options: StorekeepingOptions, clock: EngineClock
    ) throws(SnapshotFailure) {
        self.store = store
        history = HistoryWriting(options.history, salt: identity.salt)
        moment = clock.moment
        // The snapshot comes first, because a start refuses a journal without one.
        try recovered.tidy(store)
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
            snapshotIntervalMilliseconds: options.snapshotIntervalMilliseconds, clock: clock)
        if let sync = journal?.sync {
            let end = { [unowned self] in syncEnded(sync.failure, after: sync.nanoseconds) }
            syncSteps = ({ sync.run() }, end)
        }
    }

    /// Gives the journal a spare segment, and an open segment if none was left open.
    ///
    /// - Returns: why there is no spare; nil if there is one
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

    // MARK: For the owner

    /// Tells the delegate what was found at the start. Call it once the delegate is set.
    package func tellStart() {
        if let shortage = engine.commit.shortage { delegate?.note(.noRoom(shortage)) }
    }

    /// Why a write or sync of the journal has failed. Nil if none has. After a failure no reply is sent and nothing is
    /// written.
    package var failure: StorageError? {
        if case .failed(let error) = engine.commit.journal { error } else { nil }
    }

    /// Why the last snapshot of a stop could not be written. Nil if it was written.
    package var stopFailure: SnapshotFailure? {
        if case .failed(let failure) = engine.commit.stop { failure } else { nil }
    }

    /// Whether a stop has nothing left to wait for: the last snapshot was written or failed, and no sync is pending.
    package var isQuiet: Bool { engine.commit.isQuiet }

    /// Why changes are refused for now. Nil if they are taken.
    package var refusal: String? {
        switch engine.commit.standing {
        case .none, .following, .short, .unknown: nil
        case .full, .interrupted: engine.commit.failure ?? "the journal waits for a snapshot"
        }
    }

    /// Whether `keepHouse` has nothing to do until the next input.
    package var isAtRest: Bool {
        engine.commit.isAtRest && !isSyncingMarks && journal?.marksAreUnsynced != true && isHistoryWritten
            && failure == nil
    }

    /// For how long the sync of the journal under way has been running, in milliseconds. Nil if none is.
    package func syncAge(at now: Timestamp) -> Int64? { engine.commit.syncAge(at: now) }

    /// The last input that survives power loss.
    package var syncedSequence: UInt64 { engine.commit.progress.watermarks.synced }

    /// Whether every input is in the journal or in a snapshot on disk.
    package var isContinuous: Bool { engine.commit.isContinuous }

    /// Whether outcomes are applied although they cannot be journaled.
    package var takesUnjournaledOutcomes: Bool { engine.commit.takesUnjournaledOutcomes }
}

/// The options for journal and snapshots.
package struct StorekeepingOptions: Sendable {
    /// When a change is acknowledged.
    package var durability = Durability.commit
    /// The time between snapshots, in milliseconds, above 0.
    package var snapshotIntervalMilliseconds: Int64 = 60_000
    /// The size of the journal's segments in bytes.
    package var segmentLength = Bounds.segmentLength
    /// The bounds on the files of the history.
    package var history = HistoryBounds()

    /// The defaults.
    package init() {}
}

/// The surroundings of a `Storekeeper`. All calls come from the thread of the owner's turns.
package protocol StorekeeperDelegate: AnyObject {
    /// Runs `body` on another thread, and then `completion` with its result in a turn of the owner.
    func work<Result: Sendable>(_ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void)
    /// As `work`, for work that loads a whole state. The owner may give memory back to the system afterwards.
    func workLong<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void)
    /// As `work`, for a sync of the journal. Only one runs at a time, so the owner can avoid allocations.
    func sync(_ body: @escaping @Sendable () -> Void, then completion: @escaping () -> Void)
    /// Sends a reply that waited for the journal. The implementation must not access the engine.
    func deliver(_ frame: UnsafeRawBufferPointer, to target: OutputTarget)
    /// Sends a deferred reply. `write` appends it to the connection's output.
    func complete(_ ticket: Ticket, _ write: (inout ByteWriter) -> Void)
    /// Continues with the requests of a session that waited for room.
    func goOn(with session: UInt64)
    /// Asks for another turn.
    func runAgain()
    /// Tells news that operators may want to know.
    func note(_ news: StorekeeperNews)
    /// Ends the daemon at once. The journal cannot be written or synced, or is not where a start would look for it. No
    /// input that the journal did not take may be acknowledged after this.
    func journalFailed(_ error: StorageError)
}

extension StorekeeperDelegate {
    /// The default is `work`, for surroundings that give no memory back.
    package func workLong<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void
    ) {
        work(body, then: completion)
    }
}

/// News from a `Storekeeper`.
package enum StorekeeperNews: Sendable {
    case noRoom(StorageError)
    case roomAgain
    case wroteSnapshot(SnapshotInfo)
    /// A snapshot could not be written. This is told once for each reason, until a snapshot is written again.
    case snapshotFailed(SnapshotFailure)
    case snapshotsAgain
    case imported(breakers: Int, providers: Int)
    case notSealed(StorageError)
    /// Closed days could not be written to the history. They are kept and tried again. This is told once for each
    /// reason.
    case historyFailed(StorageError)
    case historyAgain
    /// The file of a month has no room for this many records.
    case historyFull(records: UInt64)
    /// A place in a file of the history is damaged, as a sentence.
    case historyDamaged(String)
}
