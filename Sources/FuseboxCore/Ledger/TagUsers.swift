/// The users whose calls have named a tag, in the order of their first calls. They may read of it.
///
/// Root is left out, because it may read everything. What finds no room is not remembered: further users need the rights
/// of a reader.
struct TagUsers: Sendable {
    /// A place for each of them.
    typealias Users = InlineArray<8, UInt32>

    private var ids = Users(repeating: 0)
    private(set) var count = 0

    init() {}

    @inline(__always)
    func contains(_ user: UInt32) -> Bool {
        for place in 0..<count where ids[place] == user { return true }
        return false
    }

    /// Whether `add` remembers a user that is not remembered yet.
    @inline(__always)
    func takes(_ user: UInt32) -> Bool { user != 0 && count < Bounds.usersOfTag && !contains(user) }

    mutating func add(_ user: UInt32) {
        guard takes(user) else { return }
        ids[count] = user
        count += 1
    }

    /// All of them, in their order.
    var all: [UInt32] { (0..<count).map { ids[$0] } }
}
