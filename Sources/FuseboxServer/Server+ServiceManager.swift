import FuseboxCore
import FuseboxEngine
import FuseboxWire

/// What the service manager is told: that the daemon is ready, how it stands, that it is alive, that it stops.
extension Server {
    func tellReady() {
        manager.notify("READY=1", "STATUS=\(standing)")
        toldStanding = standing
        toldAlive = moment.now
    }

    /// Tells a replay that goes on, so that the service manager does not take a long one for one that hangs.
    static func tellReplay(_ entries: UInt64, to manager: ServiceManager) {
        let count = Quantity.count(entries, "entry", plural: "entries")
        manager.notify(Self.moreTime, "STATUS=replaying the journal: \(count) so far")
    }

    func tellStopping() {
        manager.notify("STOPPING=1", Self.moreTime, "STATUS=stopping: the last snapshot is being written")
    }

    /// Tells how the daemon stands, if that has changed. Called in every round.
    func tellStanding() {
        guard manager.listens else { return }
        guard case .notBegun = shutdown else { return manager.notify(Self.moreTime) }
        let standing = standing
        guard standing != toldStanding else { return }
        toldStanding = standing
        manager.notify("STATUS=\(standing)")
    }

    /// Tells that the daemon is alive: at the end of a turn, so that the loop has come round, and not while a sync takes
    /// longer than any disk needs, because every reply that waits for it would wait for ever.
    func tellAlive() {
        guard let watchdog = manager.watchdogMilliseconds, moment.now - toldAlive >= watchdog / 4 else { return }
        if let age = keeper.syncAge(at: moment.now), age > watchdog * Bounds.syncWatchdogIntervals {
            let text = "a sync of the journal has been running for \(age / 1_000) s: the disk does not answer"
            if syncComplaint.shouldLog(text, at: moment.now) { log(.critical, text) }
            return
        }
        toldAlive = moment.now
        manager.notify("WATCHDOG=1")
    }

    /// Asks for more time to start or to stop.
    private static var moreTime: String { "EXTEND_TIMEOUT_USEC=\(Bounds.patienceMilliseconds * 1_000)" }

    /// One line for people, in `systemctl status`.
    private var standing: String {
        if let failure = keeper.failure { return "the journal cannot be written: \(failure)" }
        if let refusal = keeper.refusal { return "no changes are taken: \(refusal)" }
        let calls = Quantity.count(keeper.engine.machine.permits.outstandingCount, "call")
        return "\(Quantity.count(quotas.connections, "connection")), \(calls) in flight"
    }
}
