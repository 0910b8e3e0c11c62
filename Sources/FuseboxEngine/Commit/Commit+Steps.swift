import FuseboxStore
import FuseboxWire

/// What is to be done next, and what has become of it.
extension Commit {
    /// Something that the owner of the files does.
    enum Action: Equatable {
        /// Append the batch to the journal; then `wrote`.
        case write
        /// Have the disk follow what was appended, and mark this input as synced if there is one; then `syncEnded`.
        case sync(marking: UInt64?)
        /// Go on in the spare segment with the entry `next`.
        case rotate(next: UInt64)
        /// Prepare a spare segment; then `spareArrived`.
        case prepareSpare
        /// Write a snapshot of the state as it is now; then `snapshotEnded`.
        case snapshot
        /// Go on with these sessions: their requests need wait no longer.
        case wake([UInt64])
    }

    /// What is to be done next; nil if there is nothing to do until something is told. What it returns is taken as begun.
    mutating func next(at now: Timestamp) -> Action? {
        switch journal {
        case .failed: return nil
        case .off: break
        case .continuous, .gap, .rebasing:
            if !batch.isEmpty { return .write }
            if let action = nextSync() ?? nextSegment() { return action }
        }
        if beginSnapshotIfDue(at: now) { return .snapshot }
        return takeWoken().map(Action.wake)
    }

    private mutating func nextSync() -> Action? {
        guard case .idle = sync, let target = syncTarget else { return nil }
        isSyncWanted = false
        sync = .running(covering: target)
        if target == progress.appended { shares.syncBegan() }
        let mark = min(target, progress.useful)
        return .sync(marking: mark > 0 ? mark : nil)
    }

    /// The last input that the disk is to follow to; nil if it need not.
    ///
    /// What counts as synced is marked as synced. So entries after a gap do not count: they are of no use to a start yet, and
    /// nothing may tell it that they were on the disk.
    private var syncTarget: UInt64? {
        // The seal says that all of the segment is on the disk.
        guard stop.isRunning else { return progress.flushed < progress.appended ? progress.appended : nil }
        guard progress.flushed < progress.useful else { return nil }
        let isWaitedFor = outputs.firstUnsynced.map { $0 <= progress.useful } ?? false
        return isSyncWanted || isWaitedFor ? progress.useful : nil
    }

    private mutating func nextSegment() -> Action? {
        switch spare {
        case .wanted(let shortage):
            spare = .preparing(after: shortage)
            return .prepareSpare
        case .preparing, .failed: return nil
        case .ready: break
        }
        if case .gap = journal {
            guard !snapshots.isWriting, stop.isRunning else { return nil }
            journal = .rebasing(base: progress.applied, .due)
        } else {
            guard room < max(rotationRoom, wanted) else { return nil }
        }
        spare = .wanted(after: nil)
        room = capacity
        shares.roomGrew()
        return .rotate(next: progress.applied + 1)
    }

    private mutating func beginSnapshotIfDue(at now: Timestamp) -> Bool {
        guard !snapshots.isWriting else { return false }
        switch stop {
        case .running:
            guard isSnapshotDue(at: now) else { return false }
        case .snapshotDue:
            guard !isSnapshotCurrent || snapshots.hasRequests else {
                stop = .ended
                return false
            }
            stop = .snapshotBegun
        case .snapshotBegun, .ended, .failed: return false
        }
        if case .rebasing(let base, .due) = journal { journal = .rebasing(base: base, .begun) }
        snapshots.begin(at: now)
        return true
    }

    private func isSnapshotDue(at now: Timestamp) -> Bool {
        switch journal {
        case .rebasing(_, .due): true
        case .rebasing(_, .failed): snapshots.isDue(lastChange: progress.lastChange, isUrgent: true, at: now)
        default: snapshots.isDue(lastChange: progress.lastChange, isUrgent: false, at: now)
        }
    }

    /// Whether the newest snapshot holds everything.
    var isSnapshotCurrent: Bool { snapshots.newest?.sequence == progress.applied }

    // MARK: What was done

    /// The batch is in the journal.
    mutating func wrote() {
        progress.append(upTo: batch.lastSequence)
        batch.removeAll()
    }

    /// The disk has followed what had been appended when the sync began.
    mutating func syncEnded(at now: Timestamp) {
        guard case .running(let covering) = sync else { return }
        sync = .idle
        progress.flush(upTo: covering)
        shares.syncEnded()
        lastSync = now
    }

    /// A spare segment is ready, or there is no room for it.
    mutating func spareArrived(_ failure: StorageError?) {
        spare = failure.map(Spare.failed) ?? .ready
        shares.roomGrew()
    }

    /// A snapshot is on the disk, or is not; returns the requests that are answered by that.
    mutating func snapshotEnded(_ result: Result<SnapshotInfo, SnapshotFailure>) -> [Ticket] {
        switch (result, journal) {
        case (.success(let info), .rebasing):
            progress.begin(withSnapshot: info.sequence, isClosed: true)
            journal = .continuous
        case (.success(let info), .gap): progress.begin(withSnapshot: info.sequence, isClosed: false)
        case (.failure(let failure), .rebasing(let base, _)): journal = .rebasing(base: base, .failed(failure))
        default: break
        }
        if case .snapshotBegun = stop {
            // More may have been applied while it was written.
            stop = if case .failure(let failure) = result { .failed(failure) } else { .snapshotDue }
        }
        return snapshots.end(result)
    }

    /// The journal could not be written or synced. Nobody can know what of it is on the disk: what a start finds is the truth.
    mutating func fail(_ error: StorageError) { journal = .failed(error) }

    // MARK: What is asked for

    /// Keeps house, about once a second: has the disk follow what nobody waits for, and tries again for room.
    mutating func keepHouse() {
        isSyncWanted = true
        if case .failed(let shortage) = spare { spare = .wanted(after: shortage) }
    }

    /// Begins the end: the last request has been handled.
    mutating func beginStop() { stop = .snapshotDue }

    /// Whether a stop has nothing to wait for any more.
    var isQuiet: Bool {
        guard batch.isEmpty, case .idle = sync, !snapshots.isWriting, progress.flushed >= progress.appended else {
            return false
        }
        switch stop {
        case .running, .snapshotDue, .snapshotBegun: return false
        case .ended: return outputs.replyCount == 0
        case .failed:
            // What waits for a snapshot that cannot be written waits in vain.
            return outputs.replyCount == 0 || !isContinuous
        }
    }

    /// Whether every input is in the journal, or in a snapshot that is on the disk.
    var isContinuous: Bool {
        switch journal {
        case .off, .continuous: true
        case .gap, .rebasing, .failed: false
        }
    }

    /// Whether the state can be replaced by one that is in no journal.
    var replacement: Replacement {
        if case .failed(let error) = journal { return .impossible(error) }
        if snapshots.isWriting { return .later }
        if case .off = journal { return .now }
        if case .ready = spare { return .now }
        return shortage.map(Replacement.impossible) ?? .later
    }

    enum Replacement: Equatable {
        case now
        /// A snapshot is being written, or the segment that it needs is on its way.
        case later
        /// There is no room for that segment.
        case impossible(StorageError)
    }
}

extension Commit.Stop {
    var isRunning: Bool { if case .running = self { true } else { false } }
}
