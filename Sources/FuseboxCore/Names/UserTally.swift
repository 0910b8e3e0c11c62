/// How many things each user has. Only users that have any take memory.
struct UserTally: Sendable {
    private var counts: [UInt32: Int] = [:]

    init() {}

    /// How many a user has.
    subscript(user: UInt32) -> Int { counts[user] ?? 0 }

    /// Counts one more.
    mutating func add(_ user: UInt32) { counts[user, default: 0] += 1 }

    /// Counts one fewer. The user must have one.
    mutating func remove(_ user: UInt32) {
        guard let count = counts[user] else { preconditionFailure("a user loses what it has") }
        counts[user] = count == 1 ? nil : count - 1
    }
}
