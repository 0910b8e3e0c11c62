import FuseboxStore
import FuseboxWire

/// What the journal takes in this turn, and why it takes nothing if it does not. Each request looks at it before anything is
/// changed.
public struct JournalRoom: Sendable {
    /// Whether inputs are journaled at all.
    let isJournaling: Bool
    /// The bytes of entries that may still be appended in this turn, as the engine's owner has said.
    private(set) var left = 0
    /// The bytes of entries that an empty segment takes.
    private var capacity = Int.max
    /// Why nothing can be journaled, if nothing can.
    private(set) var storageFailure: String?
    /// Why the snapshot that the journal is to continue could not be written, if it could not.
    var rebaseFailure: String?
    /// Whether changes were made that are in no journal: a snapshot has to follow.
    public internal(set) var needsRebase = false

    init(isJournaling: Bool) { self.isJournaling = isJournaling }

    /// Begins a turn.
    mutating func begin(left: Int, capacity: Int, storageFailure: String?) {
        self.left = left
        self.capacity = capacity
        // What is in no journal has numbers too: until a rebase, an entry would not follow the last one that was written.
        self.storageFailure =
            storageFailure ?? (needsRebase ? "a snapshot has to be written before the journal goes on" : nil)
    }

    /// Takes the bytes of an entry that was appended.
    mutating func take(_ bytes: Int) { left -= bytes }

    /// The journal goes on without what came before.
    mutating func beginRebase() {
        needsRebase = false
        storageFailure = nil
        rebaseFailure = nil
    }

    /// Whether a request of this length can be handled in this turn. One that is not to be journaled always can, and
    /// so can one that will be refused because no turn has room for it.
    public func canTake(frameLength: Int) -> Bool {
        guard isJournaling, !takesUnjournaledOutcomes else { return true }
        let needed = Self.needed(frameLength: frameLength)
        return (left >= needed && !needsRebase) || needed > capacity
    }

    /// Whether outcomes of breakers are counted although they cannot be journaled: the disk is full, or the snapshot
    /// that a rebase needs could not be written.
    public var takesUnjournaledOutcomes: Bool { storageFailure != nil || rebaseFailure != nil }

    /// The room that a request of this length may take.
    static func needed(frameLength: Int) -> Int { JournalBatch.length(payload: frameLength) + ownEntries }

    /// Room that a request may need for the engine's own entries that go with it.
    private static let ownEntries = 16 * JournalBatch.length(payload: 64)

    /// Makes sure that an entry can be journaled before anything is changed.
    ///
    /// - Returns: whether it is to be journaled
    /// - Throws: `storageFailed`, `busy`, or `limitReached` if no segment holds it
    @discardableResult
    func reserve(payload: Int, mayGoUnjournaled: Bool = false) throws(Refusal) -> Bool {
        guard isJournaling else { return false }
        let needed = JournalBatch.length(payload: payload)
        // What came unjournaled before leaves a gap: nothing follows it until a snapshot has closed it.
        guard left < needed + Self.ownEntries || needsRebase || rebaseFailure != nil else { return true }
        guard let storageFailure = storageFailure ?? rebaseFailure else {
            if needed + Self.ownEntries > capacity {
                throw Refusal(.limitReached, "a request of \(payload) bytes does not fit in a segment of the journal")
            }
            guard left < needed || needsRebase else { return true }
            throw Refusal(.busy, "the journal has no room in this turn; try again")
        }
        guard !mayGoUnjournaled else { return false }
        throw Refusal(
            .storageFailed,
            "nothing was changed, because it cannot be written down: \(storageFailure); try again when there is room")
    }
}
