import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// Fairness among users: the order in which their requests are handled, and the bound on their memory.
extension Server {
    /// Handles the requests that earlier turns left, one user after the other.
    func continueRequests() {
        guard schedule.hasWaiting else { return }
        while let session = schedule.next(at: SystemClock.monotonicNanoseconds) {
            guard let connection = connection(session) else { continue }
            connection.isContinuing = false
            connection.process()
        }
    }

    /// Whether another request of the user may be handled in this turn.
    func mayGoOn(_ user: Int) -> Bool { schedule.mayGoOn(user, at: SystemClock.monotonicNanoseconds) }

    /// Leaves the rest of a connection's requests to the next turn.
    func continueLater(_ connection: Connection) {
        guard !connection.isContinuing else { return }
        connection.isContinuing = true
        schedule.wait(connection.session.id, of: connection.user)
        loop.runAgain()
    }

    /// Counts a change of a connection's memory, in bytes. If a bound is exceeded, the largest connection of the user
    /// that exceeds it is dropped. That may be this connection.
    func countMemory(_ change: Int, of connection: Connection) {
        guard let user = quotas.countMemory(change, of: connection.user) else { return }
        var largest = connection
        var bytes = 0
        for case let other? in connections where other.user == user && other.countedBytes > bytes {
            largest = other
            bytes = other.countedBytes
        }
        let reason = quotas.reason(bytes, of: user)
        largest.sendNow(Refusal(.tooManyConnections, reason))
        drop(largest, reason)
    }
}
