import FuseboxEngine
import FuseboxLoop
import FuseboxStore
import FuseboxWire
import Glibc

/// The loop as the surroundings of journal and snapshots: what waits for the disk runs on its thread pool.
extension Server: StorekeeperDelegate {
    public func work<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void
    ) {
        loop.work(body, then: completion)
    }

    public func workLong<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void
    ) {
        loop.work(
            {
                // Each thread of the pool has memory of its own, and would keep that of a whole state for ever.
                defer { ProcessMemory.giveBack() }
                return body()
            }, then: completion)
    }

    public func sync(_ body: @escaping @Sendable () -> Void, then completion: @escaping () -> Void) {
        syncWork.start(on: loop, body, then: completion)
    }

    public func deliver(_ frame: UnsafeRawBufferPointer, to session: UInt64) {
        unsafe connection(session)?.append(frame)
    }

    public func complete(_ ticket: Ticket, _ write: (inout ByteWriter) -> Void) {
        connection(ticket.session)?.complete(write)
    }

    public func goOn(with session: UInt64) {
        connection(session)?.roomHasCome()
    }

    public func runAgain() { loop.runAgain() }

    public func note(_ news: StorekeeperNews) {
        switch news {
        case .noRoom(let error):
            log(
                .error,
                "no room for the next segment of the journal: \(error); when this one is full, what must be written down is refused"
            )
        case .roomAgain: log(.notice, "there is room for the journal again")
        case .wroteSnapshot(let info): log(.info, "snapshot \(info.file): \(info.length) bytes")
        case .snapshotFailed(.damaged(let file, let damage)):
            log(
                .critical,
                "the snapshot that was just written cannot be loaded and does not count: \(file): \(damage). Older ones and the journal stay"
            )
        case .snapshotFailed(let failure): log(.error, "no snapshot was written: \(failure)")
        case .snapshotsAgain: log(.notice, "snapshots are written again")
        case .imported(let breakers, let providers):
            log(
                .notice,
                "imported a state: \(Quantity.count(breakers, "breaker")), \(Quantity.count(providers, "provider"))")
        case .notSealed(let error): log(.error, "the journal could not be completed: \(error)")
        }
    }

    public func journalFailed(_ error: StorageError) {
        let what = error.isGone ? "the data directory is lost" : "the journal cannot be written any more"
        log(
            .critical,
            "\(what): \(error). Nothing more is acknowledged. Stopping now; the next start recovers what is on the disk"
        )
        log.flush()
        _exit(74)
    }
}
