import FuseboxCore
import FuseboxStore
import FuseboxWire

/// How acknowledgements are kept.
public enum Durability: String, Sendable, CaseIterable {
    /// Durable requests are acknowledged once they are on the disk, written ones once the system has them.
    case commit
    /// All are acknowledged once the system has them; the disk has them within a second.
    case interval
    /// No journal: what changed since the last snapshot is lost with the process.
    case snapshot
}

extension Engine {
    /// Whether inputs are journaled at all.
    public var isJournaling: Bool { durability != .snapshot }

    // MARK: Room

    /// Tells what the journal takes in this turn.
    ///
    /// - Parameters:
    ///   - room: the bytes of entries that it takes now
    ///   - capacity: the bytes of entries that it takes when a segment is empty
    ///   - storageFailure: why there will not be more room, if there will not
    public mutating func beginTurn(room: Int, capacity: Int = .max, storageFailure: String?) {
        self.room.begin(left: room - batch.count, capacity: capacity, storageFailure: storageFailure)
    }

    /// Whether a command may have something journaled: all others can be handled whatever room there is, so that a disk that
    /// hangs keeps nobody from asking.
    public func needsRoom(_ command: UInt16) -> Bool {
        guard Int(command) < traits.count, let traits = traits[Int(command)] else { return false }
        return traits.isSequenced || command == Goodbye.declaration.number
            || (traits.isState && state.machine.profile.readsChangeState)
    }

    // MARK: Entries

    /// Journals an input that has been applied.
    mutating func record(
        _ command: UInt16, _ payload: UnsafeRawBufferPointer, _ request: (number: RequestSequence, worker: WorkerID)?,
        by user: UInt32
    ) {
        state.sequence += 1
        timeOnlyInputs = 0
        if isJournaling {
            var entry = JournalEntry()
            entry.sequence = state.sequence
            entry.synced = syncedSequence
            entry.now = state.machine.lastMoment.now
            entry.wall = state.machine.lastMoment.wall
            entry.command = command
            entry.user = user
            if let request {
                entry.workerHigh = request.worker.high
                entry.workerLow = request.worker.low
                entry.request = request.number.sequence
                entry.oldestUnacknowledged = request.number.oldestUnacknowledged
            }
            let before = batch.count
            unsafe batch.append(entry, payload: payload)
            room.take(batch.count - before)
            journaledBytes += batch.count - before
        }
        numberEvents()
    }

    /// Gives what was set off its numbers.
    mutating func numberEvents() {
        guard !state.effects.isEmpty else { return }
        events.number(&state.effects, at: state.machine.lastMoment.now)
    }

    // MARK: Commit

    /// Whether the turn has entries to write.
    public var hasBatch: Bool { !batch.isEmpty }

    /// Writes the turn's entries.
    ///
    /// - Throws: what failed; nothing that they hold may be acknowledged then, ever
    public mutating func writeBatch<Files>(to journal: Journal<Files>) throws(StorageError) {
        try journal.append(batch)
        // Not `sequence`: what came unjournaled is in no file, and must not be told to be on the disk.
        writtenSequence = batch.lastSequence
        batch.removeAll()
    }

    /// Hands out the replies that waited for the turn's entries to be written.
    public mutating func batchWritten(_ deliver: (_ session: UInt64, UnsafeRawBufferPointer) -> Void) {
        events.batchWritten()
        unsafe commits.batchWritten(deliver)
        if !commits.isSyncing, !commits.wantsSync, !commits.holdsAll { events.releaseAll() }
    }

    /// Whether a sync should begin: replies wait for it.
    public var wantsSync: Bool { commits.wantsSync }

    /// Whether something has been written that is not known to be on the disk.
    public var hasUnsynced: Bool { syncedSequence < writtenSequence && isJournaling && !commits.isSyncing }

    /// Whether a sync is under way.
    public var isSyncing: Bool { commits.isSyncing }

    /// The highest sequence that the journal is known to have on the disk.
    public var durableSequence: UInt64 { syncedSequence }

    /// Whether replies wait for the disk.
    public var hasHeldReplies: Bool { commits.count > 0 }

    /// Tells that a sync begins; returns the sequence that it covers: what has been written, not what this turn has applied.
    public mutating func beginSync() -> UInt64 {
        commits.beginSync()
        events.beginSync()
        return writtenSequence
    }

    /// Tells that the sync has ended, and hands out the replies that waited for it.
    public mutating func endSync(
        covering sequence: UInt64, _ deliver: (_ session: UInt64, UnsafeRawBufferPointer) -> Void
    ) {
        syncedSequence = max(syncedSequence, sequence)
        unsafe commits.endSync(deliver)
        if !commits.holdsAll { events.endSync() }
        if commits.count == 0 { events.releaseAll() }
    }

    // MARK: Status

    /// Tells how the journal is doing.
    func tellJournal(in status: inout ServerStatus.Reply) {
        guard isJournaling else { return }
        status.journal = journalStanding
        status.journalFailure = room.rebaseFailure ?? room.storageFailure ?? ""
        status.journalBytes = UInt64(journaledBytes)
        status.journalRoom = UInt64(max(0, room.left))
        status.syncedSequence = syncedSequence
        status.syncedAt = storage.lastSync
    }

    private var journalStanding: JournalStanding {
        if room.needsRebase || isRebasing || room.rebaseFailure != nil { return .interrupted }
        guard room.storageFailure != nil else { return .following }
        return room.left < JournalRoom.needed(frameLength: Self.ordinaryFrame) ? .full : .short
    }

    /// Few requests are longer.
    private static let ordinaryFrame = 256

    // MARK: Rebase

    /// Tells that the state was replaced by something that is in no journal.
    mutating func noteReplacement() { room.needsRebase = isJournaling }

    /// Begins to journal from here on without what came before: nothing is acknowledged until a snapshot of this
    /// moment is on the disk.
    public mutating func beginRebase() {
        commits.holdsAll = true
        room.beginRebase()
    }

    /// Tells that the snapshot is on the disk: what was held back waits for its sync only.
    public mutating func endRebase() { commits.holdsAll = false }

    /// Whether a rebase is under way.
    public var isRebasing: Bool { commits.holdsAll }
}
