import FuseboxCore
import FuseboxStore
import FuseboxWire

/// Requests that are answered from the data directory, and imports.
extension Storekeeper {
    /// Does the deferred work of a request away from the loop, and answers the request.
    package func perform(_ work: DeferredWork, for ticket: Ticket) {
        let store = store
        switch work {
        case .awaitSnapshot: break
        case .listSnapshots:
            answer(ticket) { () throws(SnapshotFailure) in try SnapshotList.Reply(store) }
        case .readSnapshot(let sequence, let offset):
            answer(ticket) { () throws(SnapshotFailure) in
                try SnapshotRead.Reply(store, SnapshotName(sequence: sequence), offset: offset)
            }
        case .readHistory(let request, let waiting, let openDay):
            read(request, for: ticket, waiting: waiting, openDay: openDay)
        case .listHistory: answer(ticket) { () throws(Refusal) in try HistoryFiles.Reply(store.files) }
        case .readHistoryFile(let month, let offset):
            answer(ticket) { () throws(Refusal) in try SnapshotRead.Reply(store.files, month, offset: offset) }
        case .decodeImport(let chunks, let parts):
            guard case .none = importing else {
                return refuse(ticket, Refusal(.busy, "another import is under way; try again when it is done"))
            }
            importing = .decoding
            // A copy. Its memory is freed on the other thread.
            let present = Handover(engine.machine)
            delegate?.workLong {
                () -> Result<PreparedParts, Refusal> in
                guard let machine = present.take() else { preconditionFailure("work runs once") }
                do throws(SnapshotDamage) {
                    let reader = try SnapshotReader(Array(chunks.joined()))
                    let imported = try reader.stateMachine(bounds: machine.bounds).under(machine.profile)
                    return .success(PreparedParts(parts, of: imported, for: machine))
                } catch {
                    return .failure(Refusal(.damagedData, "the import was not taken: \(error)"))
                }
            } then: { [unowned self] result in
                importing = .none
                switch result {
                case .success(let prepared): importing = .waiting(prepared, ticket)
                case .failure(let refusal): refuse(ticket, refusal)
                }
                delegate?.runAgain()
            }
        }
    }

    /// Replaces the state by an imported one, if one waits and the journal can continue after it.
    func takeImport() {
        guard case .waiting(let prepared, let ticket) = importing, failure == nil else { return }
        guard engine.commit.stop.isRunning else {
            importing = .none
            return refuse(ticket, Refusal(.shuttingDown, "the daemon is stopping; nothing was changed"))
        }
        switch engine.commit.replacement {
        case .later: return
        case .impossible:
            importing = .none
            refuse(ticket, Refusal(.storageFailed, "the journal has no room; nothing was changed"))
        case .now:
            importing = .none
            delegate?.note(.imported(breakers: prepared.breakerCount, providers: prepared.providerCount))
            engine.adopt(prepared, for: ticket)
            // Requests find no room in the journal until it continues, so this does not wait for the turn's end.
            carryOut()
        }
    }

    func refuse(_ ticket: Ticket, _ refusal: Refusal) {
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

    private func answer<Reply: WireRecord>(
        _ ticket: Ticket, _ work: @escaping @Sendable () throws(Refusal) -> Reply
    ) {
        delegate?.work {
            () -> Result<Reply, Refusal> in
            do throws(Refusal) { return .success(try work()) } catch { return .failure(error) }
        } then: { [unowned self] result in
            complete(ticket, result)
        }
    }

    func complete<Reply: WireRecord>(_ ticket: Ticket, _ result: Result<Reply, Refusal>) {
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
                // A snapshot may be retired meanwhile.
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
            let count = min(length - start, WireLimits.chunkLength)
            chunk = Bytes(try store.files.read(name.file, at: start, length: count))
        } catch { throw .storage(error) }
    }
}

// MARK: The history

extension LedgerHistory.Reply {
    /// The page of a request.
    init<Files: Storage>(
        _ files: Files, _ request: LedgerHistory, _ generation: UInt32
    ) throws(Refusal) {
        var page = HistoryPage(request, generation)
        do throws(StorageError) { try page.read(from: files) } catch {
            throw Refusal(.storageFailed, error.description)
        }
        self = page.reply
    }
}

extension Refusal {
    /// That of a page whose place is no longer good.
    static let rewritten = Refusal(
        .busy, "the files of the history were written anew without a tag that was forgotten; begin with the first page")
}

extension HistoryFiles.Reply {
    fileprivate init<Files: Storage>(_ files: Files) throws(Refusal) {
        self.init()
        do throws(StorageError) {
            for month in try files.historyMonths() {
                var file = HistoryFiles.File()
                file.file = month.file
                file.length = UInt64(try files.length(of: month.file))
                self.files.append(file)
            }
        } catch { throw Refusal(.storageFailed, error.description) }
    }
}

extension SnapshotRead.Reply {
    fileprivate init<Files: Storage>(
        _ files: Files, _ month: HistoryMonth, offset: UInt64
    ) throws(Refusal) {
        self.init()
        do throws(StorageError) {
            let length = try files.length(of: month.file)
            self.length = UInt64(length)
            let start = Int(min(offset, self.length))
            let count = min(length - start, WireLimits.chunkLength)
            chunk = Bytes(try files.read(month.file, at: start, length: count))
        } catch { throw Refusal(error.isNotFound ? .notFound : .storageFailed, error.description) }
    }
}
