/// What each user has in the journal that the disk does not have yet, in bytes of entries.
///
/// A user may have at most as much there as is left. So a user who fills the journal while the disk hangs stops at half of the
/// room that there was, the next one at half of the rest: there is always some left for one who has nothing there. As long
/// as the disk follows, nobody comes near that.
///
/// Operators and the engine's own entries are not counted.
struct JournalShares {
    private struct Share {
        let user: UInt32
        /// What the sync under way covers, and what has come since it began.
        var covered = 0
        var pending = 0
    }

    private var shares: [Share] = []
    private var places: [UInt32: Int] = [:]
    /// Who wrote last, and where its share is: mostly the next one too.
    private var lastPlace = 0
    /// Sessions that wait until the disk has followed, or until there is more room.
    private(set) var waiting: [UInt64] = []
    private var isChanged = false

    /// Takes note of an entry of a user.
    mutating func add(_ bytes: Int, of user: UInt32) {
        if lastPlace >= shares.count || shares[lastPlace].user != user {
            lastPlace = places[user] ?? shares.count
            if lastPlace == shares.count {
                shares.append(Share(user: user))
                places[user] = lastPlace
            }
        }
        shares[lastPlace].pending += bytes
    }

    /// Whether a user has to wait with an entry until the disk has followed.
    ///
    /// - Parameter left: the room that the journal has left
    func mustWait(_ user: UInt32, for needed: Int, left: Int) -> Bool {
        guard let place = places[user] else { return false }
        return shares[place].covered + shares[place].pending + needed > left
    }

    /// A sync has begun that covers all that is written.
    mutating func syncBegan() {
        for place in shares.indices {
            shares[place].covered += shares[place].pending
            shares[place].pending = 0
        }
    }

    /// The sync has ended: what it covers is on the disk.
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

    /// The sessions that wait, if something has changed since they began to.
    mutating func takeWaiting() -> [UInt64]? {
        defer { isChanged = false }
        guard isChanged, !waiting.isEmpty else { return nil }
        defer { waiting = [] }
        return waiting
    }
}
