import FuseboxCore
import FuseboxEngine
import FuseboxLoop
import FuseboxStore
import FuseboxWire
import Glibc

/// The journal beside the loop: who writes, who waits for the disk, and what happens when it is full.
struct JournalKeeper: ~Copyable {
    var journal: Journal<DirectoryStorage>
    /// Whether a spare segment is being prepared.
    var isPreparing = false
    /// Why the last attempt at a spare failed, if it did.
    var failure: String?
    /// Connections whose next request did not fit any more.
    var waiting: [Connection] = []
    /// The room that the largest of those requests needs.
    var wanted = 0

    init(_ journal: consuming Journal<DirectoryStorage>) { self.journal = journal }
}

extension Server {
    /// Room at which the journal goes on in the next segment.
    private var rotationRoom: Int { min(1024 * 1024, configuration.journalSegmentLength / 4) }

    // MARK: Start

    /// Opens the journal where the recovered state ends.
    ///
    /// - Parameters:
    ///   - open: the segment to go on in and where, if there is one
    ///   - isContinuous: whether the files end where the state does
    func openJournal(
        resuming open: (name: JournalName, offset: Int)?, isContinuous: Bool
    ) throws(ServerFailure) {
        guard configuration.durability != .snapshot else { return }
        do throws(StorageError) {
            var keeper = JournalKeeper(
                try Journal(
                    store.files, epoch: engine.identity.epoch, segmentLength: configuration.journalSegmentLength,
                    resuming: open))
            switch keeper.journal.spareTask()() {
            case .success(let spare): keeper.journal.add(spare)
            case .failure(let error): keeper.failure = error.description
            }
            if !keeper.journal.isOpen, keeper.journal.hasSpare {
                let sequence = engine.sequence
                try keeper.journal.rotate(next: sequence + 1, synced: sequence, isRebased: !isContinuous)
                if let error = keeper.journal.syncTask()() { throw error }
            }
            self.keeper = consume keeper
        } catch { throw .storage(error.description) }
    }

    // MARK: Turns

    /// Tells the engine what the journal takes in this turn, and goes on with those who waited for it.
    func beginJournalTurn() {
        guard keeper != nil else { return }
        let room = keeper!.journal.room
        engine.beginTurn(room: room, capacity: keeper!.journal.capacity, storageFailure: keeper!.failure)
        // Whoever waits does so for the next segment, or for the news that there is none.
        let hasRoom = room >= max(rotationRoom, keeper!.wanted) && !engine.needsRebase
        guard !keeper!.waiting.isEmpty, hasRoom || keeper!.failure != nil else { return }
        let waiting = keeper!.waiting
        keeper!.waiting = []
        keeper!.wanted = 0
        for connection in waiting where connection.stream.isOpen { continueLater(connection) }
    }

    /// Goes on with a connection when the journal has room again.
    func waitForRoom(_ connection: Connection, _ needed: Int) {
        guard keeper != nil else { return }
        keeper!.waiting.append(connection)
        keeper!.wanted = max(keeper!.wanted, needed)
        prepareSpare()
    }

    /// Writes the turn's entries, hands out what waited for that, and has the disk follow.
    func commit() {
        writeBatch()
        unsafe engine.batchWritten { unsafe deliver($1, to: $0) }
        guard keeper != nil else { return }
        if engine.wantsSync { beginSync() }
        goOn()
        prepareSpare()
    }

    /// Goes on in the next segment if this one is nearly full, or does not reach up to the state.
    private func goOn() {
        guard keeper!.journal.hasSpare else { return }
        guard !engine.needsRebase else { return beginRebase() }
        guard keeper!.journal.room < max(rotationRoom, keeper!.wanted) else { return }
        do throws(StorageError) {
            try keeper!.journal.rotate(next: engine.sequence + 1, synced: engine.durableSequence)
        } catch { die(error) }
        // Those who wait have room in the next turn.
        if !keeper!.waiting.isEmpty { loop.runAgain() }
    }

    private func writeBatch() {
        guard engine.hasBatch, keeper != nil else { return }
        do throws(StorageError) { try engine.writeBatch(to: &keeper!.journal) } catch { die(error) }
    }

    private func deliver(_ frame: UnsafeRawBufferPointer, to session: UInt64) {
        unsafe connection(session)?.append(frame)
    }

    /// Has the disk follow what was written.
    func beginSync() {
        guard keeper != nil else { return }
        let covered = engine.beginSync()
        loop.work(keeper!.journal.syncTask()) { [unowned self] failure in
            // After a failed sync nobody can know what is on the disk: what comes back at the next start is the truth.
            if let failure { die(failure) }
            unsafe engine.endSync(covering: covered) { unsafe deliver($1, to: $0) }
        }
    }

    /// Once a second: tries again for room, and syncs what nobody waits for.
    func keepJournal() {
        guard keeper != nil else { return }
        prepareSpare(again: true)
        if engine.hasUnsynced { beginSync() }
    }

    private func prepareSpare(again: Bool = false) {
        guard keeper != nil, keeper!.journal.wantsSpare, !keeper!.isPreparing, keeper!.failure == nil || again else {
            return
        }
        keeper!.isPreparing = true
        loop.work(keeper!.journal.spareTask()) { [unowned self] result in
            keeper!.isPreparing = false
            switch result {
            case .success(let spare):
                if keeper!.failure != nil { log(.notice, "there is room for the journal again") }
                keeper!.failure = nil
                keeper!.journal.add(spare)
            // The end of this turn goes on in it.
            case .failure(let error):
                if keeper!.failure == nil {
                    log(.error, "no room for the journal: \(error); what must be written down is refused")
                }
                keeper!.failure = error.description
            }
            loop.runAgain()
        }
    }

    // MARK: Rebase

    /// Makes a snapshot of this moment the base of the journal: what came before is not in it.
    ///
    /// Nothing is acknowledged until the snapshot is on the disk. Needs a spare segment.
    func beginRebase() {
        guard keeper != nil, keeper!.journal.hasSpare, !engine.isWritingSnapshot else { return }
        writeBatch()
        engine.beginRebase()
        do throws(StorageError) {
            try keeper!.journal.rotate(next: engine.sequence + 1, synced: engine.durableSequence, isRebased: true)
        } catch { die(error) }
        write(engine.capture(at: moment))
    }

    /// Whether the state may be replaced now: the journal can go on after it.
    var mayRebase: Bool { keeper == nil || keeper!.journal.hasSpare }

    // MARK: End

    /// Completes the journal: the next start finds its end where it should be.
    func sealJournal() {
        guard keeper != nil else { return }
        writeBatch()
        // What came unjournaled is in the last snapshot only: the segment's end is not where the state ends.
        guard !engine.needsRebase else { return }
        do throws(StorageError) {
            try keeper!.journal.seal(next: engine.sequence + 1, synced: engine.durableSequence)
            if let error = keeper!.journal.syncTask()() { throw error }
        } catch { log(.error, "the journal could not be completed: \(error)") }
    }

    /// Ends at once: what was not acknowledged may or may not be on the disk, and nothing more may be.
    private func die(_ error: StorageError) -> Never {
        log(
            .critical,
            "the journal cannot be written any more: \(error). Stopping now; the next start recovers what is on the disk"
        )
        _exit(74)
    }
}
