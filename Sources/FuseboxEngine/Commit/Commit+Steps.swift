import FuseboxStore
import FuseboxWire

/// The actions of a commit, and the inputs that tell their results.
extension Commit {
    /// An action for the owner of the files.
    enum Action: Equatable {
        /// Append the batch to the journal, then call `wrote`.
        case write
        /// Sync what was appended, mark this input as synced if it is not nil, then call `syncEnded`.
        case sync(marking: UInt64?)
        /// Continue the journal in the spare segment, with the entry `next`.
        case rotate(next: UInt64)
        /// Prepare a spare segment, then call `spareArrived`.
        case prepareSpare
        /// Write a snapshot of the present state, then call `snapshotEnded`.
        case snapshot
        /// Continue with these sessions, whose requests waited for room.
        case wake([UInt64])
    }

    /// The next action, which counts as begun. Nil if there is none until the next input.
    mutating func next(at now: Timestamp) -> Action? {
        switch journal {
        case .failed: return nil
        case .off: break
        case .continuous, .gap, .rebasing:
            if !batch.isEmpty { return .write }
            if let action = nextSync(at: now) ?? nextSegment() { return action }
        }
        if beginSnapshotIfDue(at: now) { return .snapshot }
        return takeWoken().map(Action.wake)
    }

    private mutating func nextSync(at now: Timestamp) -> Action? {
        guard case .idle = sync, let target = syncTarget else { return nil }
        isSyncWanted = false
        sync = .running(covering: target, since: now)
        if target == progress.appended { shares.syncBegan() }
        let mark = min(target, progress.useful)
        return .sync(marking: mark > 0 ? mark : nil)
    }

    /// The last input that a sync is to cover. Nil if no sync is needed.
    ///
    /// Entries after a gap do not count. Synced inputs are marked as such, and a start must not expect entries that it
    /// cannot use yet.
    private var syncTarget: UInt64? {
        // The seal says that the whole segment is synced, so a stop syncs all of it.
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
            guard room < max(rotationRoom, roomQueue.needed) else { return nil }
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

    /// Whether the newest snapshot holds all inputs.
    var isSnapshotCurrent: Bool { snapshots.newest?.sequence == progress.applied }

    // MARK: Results

    /// The batch was appended to the journal.
    mutating func wrote() {
        progress.append(upTo: batch.lastSequence)
        batch.removeAll()
    }

    /// The sync has ended. It covers what had been appended when it began.
    ///
    /// - Parameter nanoseconds: how long it took
    mutating func syncEnded(at now: Timestamp, after nanoseconds: Int64) {
        guard case .running(let covering, _) = sync else { return }
        sync = .idle
        progress.flush(upTo: covering)
        shares.syncEnded()
        lastSync = now
        lastSyncNanoseconds = nanoseconds
    }

    /// A spare segment is ready, or could not be prepared for lack of room.
    mutating func spareArrived(_ failure: StorageError?) {
        spare = failure.map(Spare.failed) ?? .ready
        shares.roomGrew()
    }

    /// A snapshot was written, or failed. Returns the requests that this answers.
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
            // More inputs may have been applied while it was written.
            stop = if case .failure(let failure) = result { .failed(failure) } else { .snapshotDue }
        }
        return snapshots.end(result)
    }

    /// A write or sync of the journal has failed. What is on disk is unknown now, and the next start will find out.
    mutating func fail(_ error: StorageError) { journal = .failed(error) }

    // MARK: Requests of the owner

    /// Asks for a sync of entries that no reply waits for, and for another attempt to get room. Called about once a
    /// second.
    mutating func keepHouse() {
        isSyncWanted = true
        if case .failed(let shortage) = spare { spare = .wanted(after: shortage) }
    }

    /// Whether nothing is left to do until the next input: all entries are synced, and the newest snapshot holds every
    /// change.
    var isAtRest: Bool {
        switch journal {
        case .off: break
        case .continuous: guard case .ready = spare, case .idle = sync else { return false }
        case .gap, .rebasing, .failed: return false
        }
        return stop.isRunning && batch.isEmpty && progress.flushed >= progress.useful && outputs.replyCount == 0
            && !snapshots.isWriting && !snapshots.hasRequests && snapshots.failure.isEmpty
            && progress.lastChange <= snapshots.newest?.sequence ?? 0
    }

    /// For how long the sync under way has been running, in milliseconds. Nil if none is.
    func syncAge(at now: Timestamp) -> Int64? {
        guard case .running(_, let since) = sync else { return nil }
        return now - since
    }

    /// Begins the stop, after the last request was handled.
    mutating func beginStop() { stop = .snapshotDue }

    /// Whether a stop has nothing left to wait for.
    var isQuiet: Bool {
        guard batch.isEmpty, case .idle = sync, !snapshots.isWriting, progress.flushed >= progress.appended else {
            return false
        }
        switch stop {
        case .running, .snapshotDue, .snapshotBegun: return false
        case .ended: return outputs.replyCount == 0
        case .failed:
            // Replies that wait for a snapshot that cannot be written would wait for ever.
            return outputs.replyCount == 0 || !isContinuous
        }
    }

    /// Whether every input is in the journal or in a snapshot on disk.
    var isContinuous: Bool {
        switch journal {
        case .off, .continuous: true
        case .gap, .rebasing, .failed: false
        }
    }

    /// Whether the state can be replaced by an imported one, which is in no journal.
    var replacement: Replacement {
        if case .failed(let error) = journal { return .impossible(error) }
        if snapshots.isWriting { return .later }
        if case .off = journal { return .now }
        if case .ready = spare { return .now }
        return shortage.map(Replacement.impossible) ?? .later
    }

    enum Replacement: Equatable {
        case now
        /// Not yet: a snapshot is being written, or the next segment is being prepared.
        case later
        /// There is no room for the next segment.
        case impossible(StorageError)
    }
}

extension Commit.Stop {
    var isRunning: Bool { if case .running = self { true } else { false } }
}
