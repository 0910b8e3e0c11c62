import FuseboxCore
import FuseboxStore
import FuseboxWire
import Synchronization

/// Snapshots: when they are due, for an import, and the last one.
extension Storekeeper {
    /// Begins to write a snapshot if one is due. Call it at the end of a turn, after `endTurn`.
    public func writeSnapshotIfDue() {
        guard !isStopping, !hasFailed, engine.isSnapshotDue(at: moment) else { return }
        write(engine.capture(at: moment))
    }

    func write(_ capture: consuming SnapshotCapture) {
        let store = store
        let handover = Handover(capture)
        // Without a journal, nothing in old segments waits for the disk.
        let synced = journal == nil ? .max : engine.durableSequence
        let segment = journal?.current
        delegate?.workLong {
            () -> Result<SnapshotInfo, SnapshotFailure> in
            // Taken out here, so that the memory of the old state is given back on this thread and not on the owner's.
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
        guard !hasFailed else { return }
        let before = engine.snapshotFailure
        let tickets = engine.snapshotEnded(result)
        switch result {
        case .success(let info):
            if !before.isEmpty { delegate?.note(.snapshotsAgain) }
            delegate?.note(.wroteSnapshot(info))
            if engine.isRebasing { engine.endRebase() }
        case .failure(let failure):
            if engine.snapshotFailure != before { delegate?.note(.snapshotFailed(failure)) }
        }
        for ticket in tickets { complete(ticket, result.mapError(Refusal.init)) }
        takePendingImport()
        guard isStopping else { return }
        if hasCapturedLast, case .failure(let failure) = result {
            stopFailure = failure
        } else {
            // The one that was under way when the stop began may not hold everything.
            writeLastSnapshot()
        }
    }

    // MARK: The last one

    /// Begins the end: the last request has been handled. Turns go on until it is quiet; then `seal` completes it.
    public func stop() {
        isStopping = true
        // Full disks take no record of the time; the snapshot has it.
        try? engine.recordTime(at: moment)
        writeLastSnapshot()
    }

    /// Begins to write the snapshot that a restart will find, unless the newest one holds everything.
    private func writeLastSnapshot() {
        guard !engine.isWritingSnapshot, !engine.isSnapshotCurrent else { return }
        hasCapturedLast = true
        write(engine.capture(at: moment))
    }

    /// Whether the last snapshot is there, or cannot be, and nothing waits for the disk any more.
    public var isQuiet: Bool {
        // What waits for a snapshot that cannot be written waits in vain.
        let waitsInVain = stopFailure != nil && engine.isRebasing
        return !engine.hasBatch && !engine.isWritingSnapshot && !engine.isSyncing && !engine.hasUnsynced
            && (!engine.hasHeldReplies || waitsInVain)
    }

    // MARK: Deferred work

    /// Does work that a request has asked for elsewhere, and answers the request.
    public func perform(_ work: DeferredWork, for ticket: Ticket) {
        let store = store
        switch work {
        case .awaitSnapshot: break
        case .listSnapshots:
            answer(ticket) { () throws(SnapshotFailure) in try SnapshotList.Reply(store) }
        case .readSnapshot(let sequence, let offset):
            answer(ticket) { () throws(SnapshotFailure) in
                try SnapshotRead.Reply(store, SnapshotName(sequence: sequence), offset: offset)
            }
        case .decodeImport(let chunks, let parts):
            guard !isDecoding else {
                return refuse(ticket, Refusal(.busy, "another import is being read; try again when it is done"))
            }
            isDecoding = true
            let limits = engine.machine.limits
            delegate?.workLong {
                () -> Result<StateMachine, Refusal> in
                do throws(SnapshotDamage) {
                    return .success(try SnapshotReader(Array(chunks.joined())).stateMachine(limits: limits))
                } catch {
                    return .failure(Refusal(.damagedData, "the import was not taken: \(error)"))
                }
            } then: { [unowned self] result in
                isDecoding = false
                do throws(Refusal) { take((try result.get(), parts, ticket)) } catch { refuse(ticket, error) }
            }
        }
    }

    /// Goes on with an imported state in the place of this one.
    private func take(_ imported: (machine: StateMachine, parts: StateParts, ticket: Ticket)) {
        let (machine, parts, ticket) = imported
        guard !hasFailed else { return }
        guard !isStopping else {
            return refuse(ticket, Refusal(.shuttingDown, "the daemon is stopping; nothing was changed"))
        }
        guard !engine.isWritingSnapshot else {
            // The state may change under a rebase only once the snapshot before it is written.
            return pendingImports.append(imported)
        }
        guard mayRebase else {
            // The spare segment that it needs may be on its way.
            if let journal, shortage == nil {
                pendingImports.append(imported)
                return prepareSpare(journal)
            }
            return refuse(ticket, Refusal(.storageFailed, "the journal has no room; nothing was changed"))
        }
        endTurn()
        guard !hasFailed else { return }
        // That may have begun a rebase of its own.
        guard !engine.isWritingSnapshot else { return pendingImports.append(imported) }
        do throws(Refusal) {
            try engine.adopt(machine.under(engine.machine.profile), parts, for: ticket, at: moment)
        } catch { return refuse(ticket, error) }
        beginRebase()
        delegate?.note(.imported(breakers: machine.breakers.count, providers: machine.ledger.providerCount))
    }

    func takePendingImport() {
        guard !pendingImports.isEmpty else { return }
        take(pendingImports.removeFirst())
    }

    private func refuse(_ ticket: Ticket, _ refusal: Refusal) {
        complete(ticket, Result<SnapshotInfo, Refusal>.failure(refusal))
    }

    private func answer<Reply: WireRecord>(
        _ ticket: Ticket, _ work: @escaping @Sendable () throws(SnapshotFailure) -> Reply
    ) {
        delegate?.work {
            () -> Result<Reply, Refusal> in
            do throws(SnapshotFailure) { return .success(try work()) } catch { return .failure(Refusal(error)) }
        } then: { [unowned self] result in
            complete(ticket, result)
        }
    }

    private func complete<Reply: WireRecord>(_ ticket: Ticket, _ result: Result<Reply, Refusal>) {
        delegate?.complete(ticket) { output in Engine.complete(ticket, result, &output) }
    }
}

extension SnapshotList.Reply {
    fileprivate init<Files: Storage>(_ store: SnapshotStore<Files>) throws(SnapshotFailure) {
        self.init()
        let names: [SnapshotName]
        do throws(StorageError) { names = try store.list() } catch { throw .storage(error) }
        for name in names {
            do throws(SnapshotFailure) { snapshots.append(try store.info(name)) } catch {
                // One that was retired meanwhile is no failure.
                if case .storage(let error) = error, error.isNotFound { continue }
                throw error
            }
        }
    }
}

extension SnapshotRead.Reply {
    fileprivate init<Files: Storage>(
        _ store: SnapshotStore<Files>, _ name: SnapshotName, offset: UInt64
    ) throws(SnapshotFailure) {
        self.init()
        do throws(StorageError) {
            let length = try store.files.length(of: name.file)
            self.length = UInt64(length)
            let start = Int(min(offset, self.length))
            let count = min(length - start, Limits.chunkLength)
            chunk = Bytes(try store.files.read(name.file, at: start, length: count))
        } catch { throw .storage(error) }
    }
}

/// A value that is handed from one thread to another, which then has the only reference to it.
private final class Handover<Value: Sendable>: Sendable {
    private let value: Mutex<Value?>

    init(_ value: consuming sending Value) { self.value = Mutex(value) }

    func take() -> Value? {
        value.withLock { value in
            defer { value = nil }
            return value
        }
    }
}
