import FuseboxCore
import FuseboxEngine
import FuseboxLoop
import FuseboxStore
import FuseboxWire
import Synchronization

extension Server {
    /// Begins to write a snapshot if one is due. The loop does not wait for it.
    func writeSnapshotIfDue() {
        guard !isWritingLast, let capture = engine.captureIfDue(at: moment) else { return }
        write(capture)
    }

    /// Begins to write the snapshot that a restart will find, unless the newest one holds everything.
    func writeLastSnapshot() {
        guard !engine.isWritingSnapshot, !engine.isSnapshotCurrent else { return }
        hasCapturedLast = true
        write(engine.capture(at: moment))
    }

    /// Writes the snapshot that the journal of a new state continues, before anybody is let in.
    func writeFirstSnapshot() throws(ServerFailure) {
        do throws(SnapshotFailure) {
            _ = engine.snapshotEnded(.success(try engine.capture(at: moment).write(to: store)))
        } catch { throw .storage("the first snapshot could not be written: \(error)") }
    }

    func write(_ capture: consuming SnapshotCapture) {
        let store = store
        let handover = Handover(capture)
        loop.work {
            () -> Result<SnapshotInfo, SnapshotFailure> in
            // Taken out here, so that the memory of the old state is given back on this thread and not on the loop's.
            guard let capture = handover.take() else { preconditionFailure("work runs once") }
            do throws(SnapshotFailure) {
                let info = try capture.write(to: store)
                try store.retireJournal()
                return .success(info)
            } catch { return .failure(error) }
        } then: { [unowned self] result in
            snapshotEnded(result)
        }
    }

    private func snapshotEnded(_ result: Result<SnapshotInfo, SnapshotFailure>) {
        for ticket in engine.snapshotEnded(result) {
            connection(ticket.session)?.complete { output in
                Engine.complete(ticket, result.mapError(Refusal.init), &output)
            }
        }
        switch result {
        case .success(let info):
            log(.info, "snapshot \(info.file): \(info.length) bytes")
            if engine.isRebasing { engine.endRebase() }
        case .failure(let failure): log(.error, "no snapshot was written: \(failure)")
        }
        takePendingImport()
        guard isWritingLast else { return }
        if hasCapturedLast, case .failure(let error) = result {
            fail(.storage("the last snapshot could not be written: \(error)"))
        } else {
            // The one that was under way when the shutdown began may not hold everything.
            writeLastSnapshot()
        }
    }

    /// Does work that a request has asked for away from the loop, and answers the request.
    func perform(_ work: DeferredWork, for ticket: Ticket) {
        let store = store
        switch work {
        case .awaitSnapshot: break
        case .listSnapshots:
            answer(ticket) { () throws(SnapshotFailure) in try SnapshotList.Reply(store) }
        case .readSnapshot(let sequence, let offset):
            answer(ticket) { () throws(SnapshotFailure) in
                try SnapshotRead.Reply(store, SnapshotName(sequence: sequence), offset: offset)
            }
        case .decodeImport(let chunks):
            let limits = limits
            loop.work {
                () -> Result<StateMachine, Refusal> in
                do throws(SnapshotDamage) {
                    return .success(try SnapshotReader(Array(chunks.joined())).stateMachine(limits: limits))
                } catch {
                    return .failure(Refusal(.damagedData, "the import was not taken: \(error)"))
                }
            } then: { [unowned self] result in
                imported(result, for: ticket)
            }
        }
    }

    private func imported(_ result: Result<StateMachine, Refusal>, for ticket: Ticket) {
        switch result {
        case .success(let machine):
            guard !engine.isWritingSnapshot else {
                // The state may change under a rebase only once the snapshot before it is written.
                pendingImports.append((machine, ticket))
                return
            }
            guard mayRebase else {
                return imported(
                    .failure(Refusal(.storageFailed, "the journal has no room; nothing was changed")), for: ticket)
            }
            commit()
            engine.adopt(machine.under(configuration.profile), for: ticket, at: moment)
            beginRebase()
            log(
                .notice,
                "imported a state: \(machine.breakers.count) breakers, \(machine.ledger.providerCount) providers")
        case .failure(let refusal):
            connection(ticket.session)?.complete { output in
                Engine.complete(ticket, Result<SnapshotInfo, Refusal>.failure(refusal), &output)
            }
        }
    }

    private func takePendingImport() {
        guard !pendingImports.isEmpty else { return }
        let (machine, ticket) = pendingImports.removeFirst()
        imported(.success(machine), for: ticket)
    }

    private func answer<Reply: WireRecord>(
        _ ticket: Ticket, _ work: @escaping @Sendable () throws(SnapshotFailure) -> Reply
    ) {
        loop.work {
            () -> Result<Reply, Refusal> in
            do throws(SnapshotFailure) { return .success(try work()) } catch { return .failure(Refusal(error)) }
        } then: { [unowned self] result in
            connection(ticket.session)?.complete { output in Engine.complete(ticket, result, &output) }
        }
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

extension Server {
    /// Checks the data directory without changing anything; returns what there is to say of it.
    ///
    /// - Throws: what the daemon would refuse to start with
    public static func check(_ configuration: ServerConfiguration) throws(ServerFailure) -> [String] {
        let directory: DirectoryStorage
        do throws(DirectoryError) {
            directory = try DirectoryStorage(configuration.dataDirectory, .looking)
        } catch {
            if case .failed(let failure) = error, failure.isNotFound {
                return ["\(configuration.dataDirectory): not there yet; it will be created, and the state begins empty"]
            }
            throw ServerFailure(error)
        }
        let moment = Moment(milliseconds: SystemClock.wallMilliseconds)
        do throws(RecoveryRefusal) {
            let found = try Recovered.find(
                in: SnapshotStore(directory), profile: configuration.profile, limits: configuration.limits,
                newEpoch: 0, at: moment)
            return [found.report(of: configuration.dataDirectory)]
        } catch { throw ServerFailure(error) }
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
