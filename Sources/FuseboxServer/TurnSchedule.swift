import FuseboxCollections
import FuseboxCore

/// Divides the time of a loop turn among users. It decides whose requests are handled and whose wait for the next turn.
///
/// A turn has a deadline. A user whose requests arrive after the deadline still gets one slice of time in the turn, so
/// that no user waits for another's earlier requests. Each user has a queue of connections with unhandled requests. The
/// next turns serve the users round-robin, one slice each, and of each user the connection that has waited longest.
/// While no connection waits, a connection may continue until the deadline.
///
/// Times are on the monotonic clock, in nanoseconds. Users are small numbers that `UserQuotas` assigns. Each reading of
/// the clock charges the time since the last reading to the user that was served in between.
struct TurnSchedule {
    private struct User {
        /// Sessions with unhandled requests, in order of arrival.
        var waiting = Fifo<UInt64>()
        /// The time that the user has used in the turn `turn`.
        var used: Int64 = 0
        var turn: UInt64 = 0
    }

    private var users: [User] = []
    /// Users with waiting sessions, in the order of service.
    private var ring = Fifo<Int>()
    private var turn: UInt64 = 0
    private var deadline: Int64 = .max
    private var lastLook: Int64 = 0
    /// The user that was served since the last reading of the clock.
    private var served: Int?
    /// When the session that is being served was taken from the queue; nil if it did not come from there.
    private var takenAt: Int64?

    /// Whether sessions wait.
    var hasWaiting: Bool { !ring.isEmpty }

    /// Begins a turn.
    mutating func begin(at now: Int64) {
        turn += 1
        deadline = now + Bounds.turnNanoseconds
        lastLook = now
        served = nil
        takenAt = nil
    }

    /// Ends the limits on time, for the shutdown. From now on every user may continue.
    mutating func endFairness() { deadline = .max }

    /// Whether the next request of the user may be handled now.
    mutating func mayGoOn(_ user: Int, at now: Int64) -> Bool {
        charge(until: now)
        reserve(user)
        served = user
        if deadline == .max { return true }
        if now < deadline, !hasWaiting { return true }
        if let takenAt { return now - takenAt < Bounds.sliceNanoseconds }
        return users[user].turn != turn || users[user].used < Bounds.sliceNanoseconds
    }

    private mutating func charge(until now: Int64) {
        defer { lastLook = now }
        guard let served else { return }
        if users[served].turn != turn {
            users[served].turn = turn
            users[served].used = 0
        }
        users[served].used += now - lastLook
    }

    // MARK: Waiting

    /// Puts a session at the end of its user's queue.
    mutating func wait(_ session: UInt64, of user: Int) {
        reserve(user)
        if users[user].waiting.isEmpty { ring.append(user) }
        users[user].waiting.append(session)
    }

    /// Removes and returns the session that is served next; nil if none waits or the deadline has passed.
    ///
    /// The session has one slice. Call this again once it was served.
    mutating func next(at now: Int64) -> UInt64? {
        charge(until: now)
        served = nil
        takenAt = nil
        guard hasWaiting, now < deadline else { return nil }
        let user = ring.removeFirst()
        let session = users[user].waiting.removeFirst()
        // The user's other sessions are served after all other users.
        if !users[user].waiting.isEmpty { ring.append(user) }
        takenAt = now
        return session
    }

    /// Removes all waiting sessions.
    mutating func removeAll() {
        ring.removeAll()
        for user in users.indices { users[user].waiting.removeAll() }
    }

    private mutating func reserve(_ user: Int) {
        while users.count <= user { users.append(User()) }
    }
}
