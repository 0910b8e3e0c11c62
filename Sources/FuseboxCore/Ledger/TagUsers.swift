/// The users whose calls have named a tag lately, in the order of their last calls. They may read of it.
///
/// A user that finds no room takes the place of the one whose last call is longest ago. So whoever calls for a tag reads
/// of it until `Bounds.usersOfTag` other users have called for it. Root is left out, because it may read everything.
struct TagUsers: Sendable {
    /// A place for each of them.
    typealias Users = InlineArray<32, UInt32>

    /// The newest stands at `count - 1`.
    private var ids = Users(repeating: 0)
    private(set) var count = 0

    init() {}

    func contains(_ user: UInt32) -> Bool { place(of: user) != nil }

    /// Whether a call of this user changes anything. Nearly every call is by the user of the call before.
    @inline(__always)
    func changes(with user: UInt32) -> Bool { user != 0 && (count == 0 || ids[count - 1] != user) }

    /// Makes a user the newest.
    mutating func add(_ user: UInt32) {
        guard changes(with: user) else { return }
        let known = place(of: user)
        if known == nil, count < Bounds.usersOfTag {
            ids[count] = user
            count += 1
            return
        }
        // The user leaves its place, or takes that of the oldest, and the later ones move up.
        for place in (known ?? 0)..<(count - 1) { ids[place] = ids[place + 1] }
        ids[count - 1] = user
    }

    private func place(of user: UInt32) -> Int? {
        for place in 0..<count where ids[place] == user { return place }
        return nil
    }

    /// All of them, the newest last. In this order `add` makes the same value.
    var all: [UInt32] { (0..<count).map { ids[$0] } }
}
