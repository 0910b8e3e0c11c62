import FuseboxEngine
import FuseboxLoop
import FuseboxStore
import FuseboxWire
import Glibc

/// The services that the storekeeper needs: disk work on the loop's thread pool, replies to sessions, the log.
extension Server: StorekeeperDelegate {
    /// Runs work on the thread pool.
    package func work<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void
    ) {
        loop.work(body, then: completion)
    }

    /// Runs work that allocates much memory on the thread pool, and returns that memory to the system afterwards.
    package func workLong<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void
    ) {
        loop.work(
            {
                // Each thread of the pool has its own allocator arena, which would keep the memory of a whole state.
                defer { ProcessMemory.releaseFreeMemory() }
                return body()
            }, then: completion)
    }

    /// Runs a sync of the journal on the thread pool. One runs at a time.
    package func sync(_ body: @escaping @Sendable () -> Void, then completion: @escaping () -> Void) {
        syncWork.start(on: loop, body, then: completion)
    }

    /// Sends a reply that waited for the journal, if its connection is still open.
    package func deliver(_ frame: UnsafeRawBufferPointer, to target: OutputTarget) {
        unsafe connection(target.session)?.append(frame, target)
    }

    /// Sends a deferred reply, if its connection is still open.
    package func complete(_ ticket: Ticket, _ write: (inout ByteWriter) -> Void) {
        connection(ticket.session)?.complete(write)
    }

    /// Continues with a session whose request waited for room in the journal.
    package func goOn(with session: UInt64) {
        connection(session)?.roomHasCome()
    }

    /// Starts another turn after this one.
    package func runAgain() { loop.runAgain() }

    /// Logs news of journal and snapshots.
    package func note(_ news: StorekeeperNews) {
        switch news {
        case .noRoom(let error):
            log(
                .error,
                "no room for the next segment of the journal: \(error); once the open segment is full, changes are refused"
            )
        case .roomAgain: log(.notice, "there is room for the journal again")
        case .wroteSnapshot(let info): log(.info, "snapshot \(info.file): \(info.length) bytes")
        case .snapshotFailed(.damaged(let file, let damage)):
            log(
                .critical,
                "the snapshot \(file) was written and cannot be loaded: \(damage). It is not used; older snapshots and the journal are kept"
            )
        case .snapshotFailed(let failure): log(.error, "no snapshot was written: \(failure)")
        case .snapshotsAgain: log(.notice, "snapshots are written again")
        case .imported(let breakers, let providers):
            log(
                .notice,
                "imported a state: \(Quantity.count(breakers, "breaker")), \(Quantity.count(providers, "provider"))")
        case .notSealed(let error): log(.error, "the journal's last segment was not sealed: \(error)")
        case .historyFailed(let error):
            log(.error, "closed days could not be written to the history, and are tried again: \(error)")
        case .historyAgain: log(.notice, "closed days are written to the history again")
        case .historyFull(let records):
            log(
                .error,
                "the history of the month is full: \(Quantity.count(records, "record")) of closed days are left out")
        case .historyDamaged(let what): log(.error, "the history is damaged, the rest of it is read: \(what)")
        }
    }

    /// Ends the process with status 74. The journal cannot be written, so no change can be acknowledged.
    package func journalFailed(_ error: StorageError) {
        let what = error.isGone ? "the data directory is lost" : "the journal cannot be written any more"
        log(
            .critical,
            "\(what): \(error). Nothing more is acknowledged. The daemon stops now; the next start recovers what is on disk"
        )
        log.flush()
        _exit(74)
    }
}
