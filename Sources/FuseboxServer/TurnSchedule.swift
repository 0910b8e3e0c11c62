import FuseboxCollections
import FuseboxCore

/// Shares the time of a loop turn among users: whose requests are handled, and whose wait for the next turn.
///
/// A turn has a deadline. A user whose requests arrive after it still gets a slice of time in the turn, so that nobody
/// waits for what others have sent before. What is left over waits in a queue for each user; the next turns serve the users
/// one after the other, a slice each, and of each user the connection that has waited the longest. While nobody waits, a
/// connection goes on to the deadline.
///
/// Time is that of the monotonic clock, in nanoseconds. Users are small numbers that the owner deals. A look at the clock
/// charges what has passed since the last one to the user who was served meanwhile.
struct TurnSchedule {
    private struct User {
        /// Sessions with requests left over, oldest first.
        var waiting = Fifo<UInt64>()
        /// The time that it has used in the turn `turn`.
        var used: Int64 = 0
        var turn: UInt64 = 0
    }

    private var users: [User] = []
    /// Users with sessions that wait, in the order in which they are served.
    private var ring = Fifo<Int>()
    private var turn: UInt64 = 0
    private var deadline: Int64 = .max
    private var lastLook: Int64 = 0
    /// Who has been served since the last look.
    private var served: Int?
    /// When the one who is being served from the queue was taken from it; nil outside of that.
    private var takenAt: Int64?

    /// Whether sessions wait.
    var hasWaiting: Bool { !ring.isEmpty }

    /// Begins a turn.
    mutating func begin(at now: Int64) {
        turn += 1
        deadline = now + Limits.turnNanoseconds
        lastLook = now
        served = nil
        takenAt = nil
    }

    /// From here on everybody may go on: it is the end.
    mutating func endFairness() { deadline = .max }

    /// Whether a user may go on.
    mutating func mayGoOn(_ user: Int, at now: Int64) -> Bool {
        charge(until: now)
        reserve(user)
        served = user
        if deadline == .max { return true }
        if now < deadline, !hasWaiting { return true }
        if let takenAt { return now - takenAt < Limits.sliceNanoseconds }
        return users[user].turn != turn || users[user].used < Limits.sliceNanoseconds
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

    /// Takes the session that is served next; nil if none waits or the turn is over.
    ///
    /// It may go on for a slice. Call it again when it has ended.
    mutating func next(at now: Int64) -> UInt64? {
        charge(until: now)
        served = nil
        takenAt = nil
        guard hasWaiting, now < deadline else { return nil }
        let user = ring.removeFirst()
        let session = users[user].waiting.removeFirst()
        // Its other sessions come when all other users have been served.
        if !users[user].waiting.isEmpty { ring.append(user) }
        takenAt = now
        return session
    }

    /// Forgets all that wait.
    mutating func removeAll() {
        ring.removeAll()
        for user in users.indices { users[user].waiting.removeAll() }
    }

    private mutating func reserve(_ user: Int) {
        while users.count <= user { users.append(User()) }
    }
}
