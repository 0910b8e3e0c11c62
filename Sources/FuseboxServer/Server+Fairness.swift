import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// Whose requests are handled in which turn, and whose memory is given back.
extension Server {
    /// Handles what the last turns have left over, user after user.
    func continueRequests() {
        guard schedule.hasWaiting else { return }
        while let session = schedule.next(at: SystemClock.monotonicNanoseconds) {
            guard let connection = connection(session) else { continue }
            connection.isContinuing = false
            connection.process()
        }
    }

    /// Whether a user's requests are handled on in this turn.
    func mayGoOn(_ user: Int) -> Bool { schedule.mayGoOn(user, at: SystemClock.monotonicNanoseconds) }

    func continueLater(_ connection: Connection) {
        guard !connection.isContinuing else { return }
        connection.isContinuing = true
        schedule.wait(connection.session.id, of: connection.user)
        loop.runAgain()
    }

    /// Counts memory that a connection holds more, or less. At a bound the largest connection of the user who holds too
    /// much is dropped, which may be this one.
    func hold(_ change: Int, _ connection: Connection) {
        guard let user = quotas.hold(change, of: connection.user) else { return }
        var largest = connection
        var held = 0
        for case let other? in connections where other.user == user && other.held > held {
            largest = other
            held = other.held
        }
        let reason = quotas.reason(held, of: user)
        largest.tell(Refusal(.tooManyConnections, reason))
        drop(largest, reason)
    }
}
