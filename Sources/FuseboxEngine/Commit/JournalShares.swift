/// The unsynced bytes of each user in the journal.
///
/// A user may have at most as many unsynced bytes as there is room left. So a user that fills the journal while the
/// disk hangs stops at half of the room, and the next user at half of the rest. Some room is always left for a user
/// that has written nothing. No user comes near this bound while syncs go through.
///
/// Entries of operators and of the engine are not counted.
struct JournalShares {
    private struct Share {
        let user: UInt32
        /// The bytes that the sync under way covers, and those that were written since it began.
        var covered = 0
        var pending = 0
    }

    private var shares: [Share] = []
    private var places: [UInt32: Int] = [:]
    /// The place of the user that wrote last. Mostly it writes next, too.
    private var lastPlace = 0
    /// Sessions that wait for a sync or for more room.
    private(set) var waiting: [UInt64] = []
    private var isChanged = false

    /// Notes an entry of a user.
    mutating func add(_ bytes: Int, of user: UInt32) {
        lastPlace = place(of: user) ?? shares.count
        if lastPlace == shares.count {
            shares.append(Share(user: user))
            places[user] = lastPlace
        }
        shares[lastPlace].pending += bytes
    }

    private func place(of user: UInt32) -> Int? {
        lastPlace < shares.count && shares[lastPlace].user == user ? lastPlace : places[user]
    }

    /// Whether a user must wait for a sync before it writes an entry.
    ///
    /// - Parameter left: the room that the journal has left
    func mustWait(_ user: UInt32, for needed: Int, left: Int) -> Bool {
        guard let place = place(of: user) else { return false }
        return shares[place].covered + shares[place].pending + needed > left
    }

    /// A sync has begun. It covers everything that is written.
    mutating func syncBegan() {
        for place in shares.indices {
            shares[place].covered += shares[place].pending
            shares[place].pending = 0
        }
    }

    /// The sync has ended. What it covers is on disk.
    mutating func syncEnded() {
        isChanged = true
        guard shares.contains(where: { $0.pending > 0 }) else {
            shares.removeAll(keepingCapacity: true)
            places.removeAll(keepingCapacity: true)
            return
        }
        for place in shares.indices { shares[place].covered = 0 }
    }

    /// There is more room.
    mutating func roomGrew() { isChanged = true }

    // MARK: Sessions that wait

    mutating func wait(_ session: UInt64) { waiting.append(session) }

    /// Returns the waiting sessions, and clears them, if a sync has ended or room has grown since they began to wait.
    mutating func takeWaiting() -> [UInt64]? {
        defer { isChanged = false }
        guard isChanged, !waiting.isEmpty else { return nil }
        defer { waiting = [] }
        return waiting
    }
}
