import FuseboxCollections
import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The turns of the owner, and the actions that they cause.
extension Storekeeper {
    /// Begins a turn with a reading of the clocks. Its moment is then `engine.clock.moment`.
    ///
    /// - Returns: what operators may want to know of the clocks
    @discardableResult
    package func beginTurn(_ reading: ClockReading) -> [EngineClock.News] {
        let news = engine.advance(reading)
        moment = engine.clock.moment
        return news
    }

    /// Begins a turn at a moment of a clock that is synchronised.
    package func beginTurn(at moment: Moment) { beginTurn(ClockReading(moment)) }

    /// Ends a turn: writes its inputs, releases replies and events, and begins syncs, snapshots and rotations that are
    /// due.
    package func endTurn() {
        carryOut()
        takeImport()
        writeHistory()
    }

    /// Calls `goOn(with:)` for a session when the journal has room for a request of this length. Call it after
    /// `canTake` has returned false.
    package func waitForRoom(_ session: UInt64, frameLength: Int) {
        engine.commit.wait(session, for: Commit.roomNeeded(frameLength: frameLength))
    }

    /// Checks that the files are where a start looks for them, tries again to get room, and syncs entries that no reply
    /// waits for. Call it about once a second.
    package func keepHouse() {
        guard failure == nil else { return }
        // A sync checks the place of its file. Replies that wait for no sync depend on this check.
        do throws(StorageError) {
            try store.files.checkPlace()
            try journal?.checkPlace()
        } catch { return fail(error) }
        engine.commit.keepHouse()
        syncMarks()
    }

    /// Begins the stop, after the last request was handled. Turns continue until `isQuiet`. Then `seal` completes the
    /// journal.
    package func stop() {
        // This fails on a full disk. The snapshot then holds the time.
        try? engine.recordTime(at: moment)
        engine.commit.beginStop()
    }

    // MARK: Actions

    func carryOut() {
        release()
        while let action = engine.commit.next(at: moment.now) {
            carryOut(action)
            release()
        }
    }

    private func release() {
        unsafe engine.commit.release { unsafe delegate?.deliver($1, to: $0) }
    }

    private func carryOut(_ action: Commit.Action) {
        do throws(StorageError) {
            switch action {
            case .write:
                try journal?.append(engine.commit.batch)
                engine.commit.wrote()
            case .sync(let mark):
                guard let syncSteps else { return }
                journal?.beginSync(marking: mark)
                delegate?.sync(syncSteps.run, then: syncSteps.end)
            case .rotate(let next): try journal?.rotate(next: next, synced: engine.commit.progress.flushed)
            case .prepareSpare: prepareSpare()
            case .snapshot: write(engine.capture(at: moment))
            case .wake(let sessions): for session in sessions { delegate?.goOn(with: session) }
            }
        } catch { fail(error) }
    }

    func syncEnded(_ failure: StorageError?, after nanoseconds: Int64) {
        guard self.failure == nil else { return }
        journal?.endSync()
        if let failure { return fail(failure) }
        engine.commit.syncEnded(at: moment.now, after: nanoseconds)
    }

    private func prepareSpare() {
        guard let journal else { return }
        delegate?.work(journal.spareTask()) { [unowned self] result in
            guard failure == nil else { return }
            let shortage = engine.commit.shortage
            switch result {
            case .success(let spare):
                journal.add(spare)
                engine.commit.spareArrived(nil)
                if shortage != nil { delegate?.note(.roomAgain) }
            case .failure(let error):
                engine.commit.spareArrived(error)
                if shortage == nil { delegate?.note(.noRoom(error)) }
            }
            delegate?.runAgain()
        }
    }

    private func write(_ capture: consuming SnapshotCapture) {
        let store = store
        let handover = Handover(capture)
        // Without a journal, no old segment needs a sync.
        let synced = journal == nil ? .max : engine.commit.progress.flushed
        let segment = journal?.current
        delegate?.workLong {
            () -> Result<SnapshotInfo, SnapshotFailure> in
            // The capture is taken here, so that its memory is freed on this thread and not on the owner's.
            guard let capture = handover.take() else { preconditionFailure("work runs once") }
            do throws(SnapshotFailure) {
                let info = try (consume capture).write(to: store)
                do throws(StorageError) { try store.files.checkPlace() } catch { throw .storage(error) }
                try store.retireJournal(synced: synced, before: segment)
                return .success(info)
            } catch { return .failure(error) }
        } then: { [unowned self] result in
            snapshotEnded(result)
        }
    }

    private func snapshotEnded(_ result: Result<SnapshotInfo, SnapshotFailure>) {
        guard failure == nil else { return }
        let before = engine.commit.snapshots.failure
        let tickets = engine.commit.snapshotEnded(result)
        switch result {
        case .success(let info):
            if !before.isEmpty { delegate?.note(.snapshotsAgain) }
            delegate?.note(.wroteSnapshot(info))
        case .failure(let failure):
            if engine.commit.snapshots.failure != before { delegate?.note(.snapshotFailed(failure)) }
        }
        for ticket in tickets { complete(ticket, result.mapError(Refusal.init)) }
        delegate?.runAgain()
    }

    /// Syncs the marks. No reply waits for this.
    private func syncMarks() {
        guard !isSyncingMarks, let task = journal?.marksTask() else { return }
        isSyncingMarks = true
        delegate?.work(task) { [unowned self] failure in
            isSyncingMarks = false
            if let failure, self.failure == nil { fail(failure) }
        }
    }

    /// Ends the commit after a failure. Unacknowledged inputs may or may not be on disk, so nothing more is
    /// acknowledged.
    private func fail(_ error: StorageError) {
        engine.commit.fail(error)
        delegate?.journalFailed(error)
    }

    // MARK: End

    /// Completes the journal with a seal, so that the next start knows its end. This is the last call, once `isQuiet`.
    ///
    /// A journal with a gap is not sealed, because the last snapshot holds more than it.
    package func seal() {
        // A sync under way may still fail, so its segment must not be sealed.
        guard let journal, case .continuous = engine.commit.journal, case .idle = engine.commit.sync else { return }
        do throws(StorageError) {
            while let action = engine.commit.next(at: moment.now) {
                switch action {
                case .write:
                    try journal.append(engine.commit.batch)
                    engine.commit.wrote()
                case .sync(let mark):
                    // The seal promises that all entries are synced, so that a start can tell a torn end from damage.
                    try journal.syncNow(marking: mark)
                    engine.commit.syncEnded(at: moment.now, after: journal.sync.nanoseconds)
                case .rotate(let next): try journal.rotate(next: next, synced: engine.commit.progress.flushed)
                case .prepareSpare, .snapshot, .wake: break
                }
                release()
            }
            try journal.seal(synced: engine.commit.progress.flushed)
            try journal.syncNow(marking: nil)
            if let failure = journal.marksTask()?() { throw failure }
        } catch { delegate?.note(.notSealed(error)) }
    }
}

/// Hands a value to another thread, which then has the only reference to it.
final class Handover<Value: Sendable>: Sendable {
    private let value: Lock<Value?>

    init(_ value: consuming sending Value) { self.value = Lock(value) }

    func take() -> Value? {
        value.withLock { value in
            defer { value = nil }
            return value
        }
    }
}
