import FuseboxStore
import FuseboxWire

/// Whether the journal has room for an input, which is decided before anything is changed.
extension Commit {
    /// Where an input goes.
    enum Placement {
        case journaled
        /// It is applied and lost with the process, unless a snapshot follows.
        case unjournaled
    }

    /// Finds room for an input.
    ///
    /// - Parameters:
    ///   - payload: the length of the input's payload in bytes
    ///   - mayGoUnjournaled: whether it is better applied without a record than refused: the outcome of a call
    /// - Throws: `storageFailed` if it cannot be journaled until the disk is well again, `limitReached` if no segment takes it,
    ///   `busy` if this turn has no room; nothing has changed then
    func reserve(payload: Int, mayGoUnjournaled: Bool = false) throws(Refusal) -> Placement {
        switch journal {
        case .off: return .unjournaled
        case .failed(let error): throw Self.refusal(error.description)
        case .gap, .rebasing(_, .failed):
            guard !mayGoUnjournaled else { return .unjournaled }
            throw Self.refusal(failure ?? "")
        case .continuous, .rebasing: break
        }
        let entry = JournalBatch.length(payload: payload)
        if room >= entry + Self.ownEntries { return .journaled }
        if let shortage {
            guard !mayGoUnjournaled else { return .unjournaled }
            throw Self.refusal(shortage.description)
        }
        guard entry + Self.ownEntries <= capacity else {
            throw Refusal(.limitReached, "a request of \(payload) bytes does not fit in a segment of the journal")
        }
        guard room >= entry else { throw Refusal(.busy, "the journal has no room in this turn; try again") }
        return .journaled
    }

    private static func refusal(_ failure: String) -> Refusal {
        Refusal(
            .storageFailed,
            "nothing was changed, because it cannot be written down: \(failure); try again when there is room")
    }

    /// The room that a request of this length may take, in bytes of entries.
    static func roomNeeded(frameLength: Int) -> Int { JournalBatch.length(payload: frameLength) + ownEntries }

    /// The room that a request may need for the engine's own entries that go with it.
    private static var ownEntries: Int { 16 * JournalBatch.length(payload: 64) }

    /// Whether a request that needs this room has to wait: for the next segment, or, if it is a user's who has its share of the
    /// room, for the disk. One that will be refused need not.
    ///
    /// - Parameter user: nil if it is an operator's
    func mustWait(for needed: Int, of user: UInt32?) -> Bool {
        mustWait(for: needed) || (user.map { isShareUsed(by: $0, for: needed) } ?? false)
    }

    /// Whether a request that needs this room has to wait for the next segment.
    private func mustWait(for needed: Int) -> Bool { room < needed && needed <= capacity && isFollowed }

    private func isShareUsed(by user: UInt32, for needed: Int) -> Bool {
        guard isFollowed else { return false }
        var left = room
        if case .ready = spare { left += capacity }
        return shares.mustWait(user, for: needed, left: left)
    }

    /// Whether the journal goes on, and has a next segment or gets one.
    private var isFollowed: Bool {
        guard shortage == nil else { return false }
        switch journal {
        case .off, .gap, .rebasing(_, .failed), .failed: return false
        case .continuous, .rebasing: return true
        }
    }

    /// Wakes a session once a request of this user that needs this room need not wait any more.
    mutating func wait(_ session: UInt64, for needed: Int) {
        guard mustWait(for: needed) else {
            // It is the share that is used. Without a sync nobody would get it back.
            isSyncWanted = true
            return shares.wait(session)
        }
        waiting.append(session)
        wanted = max(wanted, needed)
    }

    /// The sessions that need wait no longer, if there are any.
    mutating func takeWoken() -> [UInt64]? {
        if !shares.waiting.isEmpty, !isFollowed { shares.roomGrew() }
        if let woken = shares.takeWaiting() { return woken }
        guard !waiting.isEmpty, !mustWait(for: wanted) else { return nil }
        defer {
            waiting = []
            wanted = 0
        }
        return waiting
    }

    // MARK: What stands against it

    /// Why there is no room for the next segment; nil if there is.
    var shortage: StorageError? {
        switch spare {
        case .wanted(let shortage), .preparing(let shortage): shortage
        case .failed(let shortage): shortage
        case .ready: nil
        }
    }

    /// Why the journal cannot go on, or soon will not; nil if it can.
    var failure: String? {
        switch journal {
        case .off: nil
        case .failed(let error): error.description
        case .rebasing(_, .failed(let failure)): failure.description
        case .gap: shortage?.description ?? "a snapshot has to be written before the journal goes on"
        case .continuous, .rebasing: shortage?.description
        }
    }

    /// Whether outcomes are taken although they cannot be journaled.
    var takesUnjournaledOutcomes: Bool { failure != nil }

    /// How the journal stands, for status.
    var standing: JournalStanding {
        switch journal {
        case .off: return .none
        case .gap, .rebasing, .failed: return .interrupted
        case .continuous:
            guard shortage != nil else { return .following }
            return room < Self.roomNeeded(frameLength: Self.ordinaryFrame) ? .full : .short
        }
    }

    /// Few requests are longer.
    private static var ordinaryFrame: Int { 256 }
}
