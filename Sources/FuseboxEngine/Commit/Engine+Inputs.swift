import FuseboxCore
import FuseboxStore
import FuseboxWire

/// Inputs on their way into the journal.
extension Engine {
    // MARK: Room

    /// Whether a request of this length can be handled in this turn. If not, call `waitForRoom`.
    package func canTake(frameLength: Int, from session: borrowing Session) -> Bool {
        !commit.mustWait(for: Commit.roomNeeded(frameLength: frameLength), of: session.peer.bounded)
    }

    /// Whether a command may cause entries in the journal. Other commands are handled without room, so a disk that
    /// hangs does not stop reads.
    package func needsRoom(_ command: UInt16) -> Bool {
        guard Int(command) < traits.count, let traits = traits[Int(command)] else { return false }
        return traits.isSequenced || traits.number == .goodbye
            || (traits.isState && state.machine.profile.readsChangeState)
    }

    // MARK: Entries

    /// Journals an input that has been applied.
    ///
    /// - Parameter sharing: the user whose share of the journal's room is used; nil for an input of an operator or of
    ///   the engine
    mutating func record(
        _ command: UInt16, _ payload: UnsafeRawBufferPointer, _ request: (number: RequestSequence, worker: WorkerID)?,
        by user: UInt32, sharing: UInt32? = nil
    ) {
        state.count()
        var entry = JournalEntry()
        entry.sequence = state.sequence
        entry.synced = commit.progress.flushed
        entry.now = state.machine.lastMoment.now
        entry.wall = state.machine.lastMoment.wall
        entry.command = command
        entry.user = user
        if let request {
            entry.workerHigh = request.worker.high
            entry.workerLow = request.worker.low
            // A grant to a call that has waited has a worker and no number.
            entry.request = request.number.sequence
            entry.oldestUnacknowledged = request.number.oldestUnacknowledged
        }
        unsafe commit.append(entry, payload: payload, of: sharing)
        let durability = commit.durability
        let effect = traits[Int(command)]?.effect ?? .written
        takeEffects(until: durability.watermark(for: effect)) { durability.watermark(promised: $0) }
    }

    /// Notes an input that was applied and is not journaled.
    mutating func applied() {
        state.count()
        commit.appendNothing(state.sequence)
        takeEffects(until: .applied) { _ in .applied }
    }

    /// Journals an input of the engine that was applied, or notes it, as `placement` says.
    mutating func recordOwn<C: Command>(_ command: C, _ placement: Commit.Placement) {
        guard case .journaled = placement else { return applied() }
        var payload = ByteWriter(capacity: 32)
        command.encode(into: &payload)
        unsafe payload.withBytes { unsafe record(C.declaration.number, $0, nil, by: 0) }
    }

    private mutating func takeEffects(until watermark: Watermark, floor: (EventDeclaration.Promise) -> Watermark) {
        guard !state.effects.isEmpty else { return }
        commit.outputs.events.take(
            &state.effects, until: watermark, of: state.sequence, at: state.machine.lastMoment.now, floor: floor)
    }

    // MARK: Status

    /// Fills in the journal's fields of a status.
    func tellJournal(in status: inout ServerStatus.Reply) {
        status.journal = commit.standing
        guard status.journal != .none else { return }
        status.journalFailure = commit.failure ?? ""
        status.journalBytes = UInt64(commit.snapshots.journaledBytes)
        status.journalRoom = UInt64(max(0, commit.room))
        status.syncedSequence = commit.progress.watermarks.synced
        status.syncedAt = commit.lastSync
        status.syncMicroseconds = commit.lastSyncNanoseconds.map { UInt64(max(0, $0) / 1_000) }
    }
}
