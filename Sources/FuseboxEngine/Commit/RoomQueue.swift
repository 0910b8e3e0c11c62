/// The sessions whose requests wait for the journal's next segment.
struct RoomQueue {
    private var sessions: [UInt64] = []
    /// The most room that one of the requests needs, in bytes of entries. 0 if no session waits.
    private(set) var needed = 0

    /// Whether no session waits.
    var isEmpty: Bool { sessions.isEmpty }

    /// Adds a session whose request needs this room.
    mutating func add(_ session: UInt64, needing room: Int) {
        sessions.append(session)
        needed = max(needed, room)
    }

    /// Removes and returns all sessions.
    mutating func takeAll() -> [UInt64] {
        defer { self = RoomQueue() }
        return sessions
    }
}
