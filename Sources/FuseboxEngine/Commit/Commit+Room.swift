import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The journal's room. It is reserved before an input changes anything.
extension Commit {
    /// Where an input goes.
    enum Placement {
        case journaled
        /// The input is applied, and is lost with the process unless a snapshot follows.
        case unjournaled
    }

    /// Finds room for an input. Nothing has changed if this throws.
    ///
    /// - Parameters:
    ///   - payload: the length of the input's payload in bytes
    ///   - mayGoUnjournaled: whether the input may be applied without a record, because it is the outcome of a call
    /// - Throws: `storageFailed` if nothing can be journaled until the disk has recovered, `limitReached` if the input
    ///   is too long for a segment, `busy` if this turn has no room left
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
            "nothing was changed, because it cannot be journaled: \(failure); try again when there is room")
    }

    /// The most room that a request of this length takes, in bytes of entries.
    static func roomNeeded(frameLength: Int) -> Int { JournalBatch.length(payload: frameLength) + ownEntries }

    /// The room for the engine's own entries that a request may cause.
    private static var ownEntries: Int {
        Bounds.ownInputsPerRequest * JournalBatch.length(payload: Bounds.ownPayload)
    }

    /// Whether a request that needs this room must wait for the next segment, or for a sync because its user has used
    /// up its share of the room. A request that will be refused does not wait.
    ///
    /// - Parameter user: the user of the request; nil if it is an operator's
    func mustWait(for needed: Int, of user: UInt32?) -> Bool {
        mustWait(for: needed) || (user.map { isShareUsed(by: $0, for: needed) } ?? false)
    }

    /// Whether a request that needs this room must wait for the next segment.
    private func mustWait(for needed: Int) -> Bool { room < needed && needed <= capacity && isFollowed }

    private func isShareUsed(by user: UInt32, for needed: Int) -> Bool {
        guard isFollowed else { return false }
        var left = room
        if case .ready = spare { left += capacity }
        return shares.mustWait(user, for: needed, left: left)
    }

    /// Whether the journal continues, and has a next segment or is about to get one.
    private var isFollowed: Bool {
        guard shortage == nil else { return false }
        switch journal {
        case .off, .gap, .rebasing(_, .failed), .failed: return false
        case .continuous, .rebasing: return true
        }
    }

    /// Registers a session that waits until there is room for its request. `takeWoken` returns it then.
    mutating func wait(_ session: UInt64, for needed: Int) {
        guard mustWait(for: needed) else {
            // The user's share is used up. Only a sync gives it back.
            isSyncWanted = true
            return shares.wait(session)
        }
        roomQueue.add(session, needing: needed)
    }

    /// The sessions whose wait has ended. Nil if there are none.
    mutating func takeWoken() -> [UInt64]? {
        if !shares.waiting.isEmpty, !isFollowed { shares.roomGrew() }
        if let woken = shares.takeWaiting() { return woken }
        guard !roomQueue.isEmpty, !mustWait(for: roomQueue.needed) else { return nil }
        return roomQueue.takeAll()
    }

    // MARK: Obstacles

    /// Why there is no room for the next segment. Nil if there is.
    var shortage: StorageError? {
        switch spare {
        case .wanted(let shortage), .preparing(let shortage): shortage
        case .failed(let shortage): shortage
        case .ready: nil
        }
    }

    /// Why the journal cannot continue, or soon will not. Nil if it can.
    var failure: String? {
        switch journal {
        case .off: nil
        case .failed(let error): error.description
        case .rebasing(_, .failed(let failure)): failure.description
        case .gap: shortage?.description ?? "the journal needs a snapshot to continue"
        case .continuous, .rebasing: shortage?.description
        }
    }

    /// Whether outcomes are taken although they cannot be journaled.
    var takesUnjournaledOutcomes: Bool { failure != nil }

    /// The journal's standing, for status.
    var standing: JournalStanding {
        switch journal {
        case .off: return .none
        case .gap, .rebasing, .failed: return .interrupted
        case .continuous:
            guard shortage != nil else { return .following }
            return room < Self.roomNeeded(frameLength: Self.ordinaryFrame) ? .full : .short
        }
    }

    /// The length of an ordinary request in bytes. Few are longer.
    private static var ordinaryFrame: Int { 256 }
}
