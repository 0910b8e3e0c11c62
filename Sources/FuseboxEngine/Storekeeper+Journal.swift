import FuseboxCore
import FuseboxStore
import FuseboxWire

/// Who writes, who waits for the disk, and what happens when it is full.
extension Storekeeper {
    // MARK: Turns

    /// Begins a turn: tells the engine what the journal takes in it, and goes on with those who waited for that.
    public func beginTurn(at moment: Moment) {
        self.moment = moment
        if let journal {
            let room = journal.room
            engine.storage.room = room
            engine.beginTurn(room: room, capacity: journal.capacity, storageFailure: shortage?.description)
            // Whoever waits does so for the next segment, or for the news that there is none.
            let hasRoom = room >= max(rotationRoom, wanted) && !engine.room.needsRebase
            if !waiting.isEmpty, hasRoom || shortage != nil { wakeWaiting() }
        }
        engine.advance(to: moment)
    }

    private func wakeWaiting() {
        let sessions = waiting
        waiting = []
        wanted = 0
        for session in sessions { delegate?.goOn(with: session) }
    }

    /// Goes on with a session when the journal has room for a request of this length: `canTake` has denied it.
    public func waitForRoom(_ session: UInt64, frameLength: Int) {
        guard let journal else { return }
        waiting.append(session)
        wanted = max(wanted, JournalRoom.needed(frameLength: frameLength))
        prepareSpare(journal)
    }

    /// Ends a turn: writes its entries, hands out what waited for that, and has the disk follow.
    public func endTurn() {
        writeBatch()
        guard !hasFailed else { return }
        unsafe engine.batchWritten { unsafe delegate?.deliver($1, to: $0) }
        guard let journal else { return }
        if engine.wantsSync || (isStopping && engine.hasUnsynced) { beginSync(journal) }
        goOnInSpare(journal)
        prepareSpare(journal)
    }

    /// Call it about once a second: makes sure that the directory is there, tries again for room, and syncs what nobody
    /// waits for.
    public func keepHouse() {
        guard !hasFailed else { return }
        // What waits for no sync is acknowledged without a look at the place of its file.
        do throws(StorageError) { try store.files.checkPlace() } catch { return fail(error) }
        guard let journal else { return }
        prepareSpare(journal, again: true)
        // Under a rebase nothing is acknowledged, and a sync could not be marked.
        if engine.hasUnsynced, !engine.isRebasing { beginSync(journal) }
        syncMarks(journal)
    }

    /// Has the disk follow what the marks tell. Nobody waits for it.
    private func syncMarks(_ journal: Journal<Files>) {
        guard !isSyncingMarks, let task = journal.marksTask() else { return }
        isSyncingMarks = true
        delegate?.work(task) { [unowned self] failure in
            isSyncingMarks = false
            if let failure, !hasFailed { fail(failure) }
        }
    }

    private func writeBatch() {
        guard engine.hasBatch, let journal, !hasFailed else { return }
        do throws(StorageError) { try engine.writeBatch(to: journal) } catch { fail(error) }
    }

    // MARK: The disk

    /// Has the disk follow what was written.
    private func beginSync(_ journal: Journal<Files>) {
        guard !hasFailed else { return }
        guard let syncSteps else { return }
        syncCovers = engine.beginSync()
        journal.beginSync(marking: markable(syncCovers))
        delegate?.sync(syncSteps.run, then: syncSteps.end)
    }

    /// What the marks may tell of a sync: nothing that a snapshot must come before, for a start drops it without one.
    private func markable(_ sequence: UInt64) -> UInt64? { engine.isRebasing ? nil : sequence }

    /// The disk has followed, or has not.
    func endSync(_ failure: StorageError?) {
        guard !hasFailed else { return }
        journal?.endSync()
        engine.storage.lastSync = moment.now
        // After a failed sync nobody can know what is on the disk: what comes back at the next start is the truth.
        if let failure { return fail(failure) }
        unsafe engine.endSync(covering: syncCovers) { unsafe delegate?.deliver($1, to: $0) }
    }

    /// Goes on in the next segment if this one is nearly full, or does not reach up to the state.
    private func goOnInSpare(_ journal: Journal<Files>) {
        guard journal.hasSpare, !hasFailed else { return }
        guard !engine.room.needsRebase else { return beginRebase() }
        guard journal.room < max(rotationRoom, wanted) else { return }
        rotate(journal)
        // Those who wait have room in the next turn.
        if !waiting.isEmpty { delegate?.runAgain() }
    }

    private func rotate(_ journal: Journal<Files>) {
        do throws(StorageError) {
            try journal.rotate(next: engine.sequence + 1, synced: engine.durableSequence)
        } catch { fail(error) }
    }

    func prepareSpare(_ journal: Journal<Files>, again: Bool = false) {
        guard journal.wantsSpare, !isPreparing, shortage == nil || again, !hasFailed else { return }
        isPreparing = true
        delegate?.work(journal.spareTask()) { [unowned self] result in
            isPreparing = false
            switch result {
            case .success(let spare):
                if shortage != nil { delegate?.note(.roomAgain) }
                shortage = nil
                // The end of this turn goes on in it.
                journal.add(spare)
            case .failure(let error):
                if shortage == nil { delegate?.note(.noRoom(error)) }
                shortage = error
            }
            takePendingImport()
            delegate?.runAgain()
        }
    }

    // MARK: Rebase

    /// Makes a snapshot of this moment the base of the journal: what came before is not in it.
    ///
    /// Nothing is acknowledged until the snapshot is on the disk. Needs a spare segment.
    func beginRebase() {
        guard let journal, journal.hasSpare, !engine.isWritingSnapshot else { return }
        writeBatch()
        engine.beginRebase()
        rotate(journal)
        guard !hasFailed else { return }
        write(engine.capture(at: moment))
    }

    /// Whether the state may be replaced now: the journal can go on after it.
    var mayRebase: Bool { journal?.hasSpare ?? true }

    // MARK: End

    /// Completes the journal: the next start finds its end where it should be. Call it when it is quiet, and nothing after.
    public func seal() {
        // What came unjournaled is in the last snapshot only: the segment's end is not where the state ends. And what a
        // sync under way may still fail to bring to the disk must not be called complete.
        guard let journal, !hasFailed, !engine.room.needsRebase, !engine.isSyncing else { return }
        writeBatch()
        guard !hasFailed else { return }
        do throws(StorageError) {
            // First what it completes: the seal says that this is on the disk, and so tells a torn end from damage.
            let covered = engine.beginSync()
            try journal.syncNow(marking: markable(covered))
            unsafe engine.endSync(covering: covered) { unsafe delegate?.deliver($1, to: $0) }
            try journal.seal(synced: engine.durableSequence)
            try journal.syncNow(marking: nil)
            if let failure = journal.marksTask()?() { throw failure }
        } catch { delegate?.note(.notSealed(error)) }
    }
}
