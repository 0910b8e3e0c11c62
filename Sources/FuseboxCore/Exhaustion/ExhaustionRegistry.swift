import FuseboxCollections
import FuseboxWire

/// Which providers have run out of quota, and until when.
///
/// A mark in force is one whose end lies ahead. Reads look at the time and change nothing; marks whose time is over
/// are taken out by `expire`.
public struct ExhaustionRegistry: Sendable {
    public struct Mark: Sendable, Equatable {
        public var exhaustedAt: Timestamp
        public var resetsAt: Timestamp

        public init(exhaustedAt: Timestamp, resetsAt: Timestamp) {
            self.exhaustedAt = exhaustedAt
            self.resetsAt = resetsAt
        }

        func isInForce(at now: Timestamp) -> Bool { now < resetsAt }
    }

    /// How long a mark lasts that names no time: 5 minutes unless set.
    public var defaultCooldownMilliseconds: Int64 = 300_000

    private var marks = SparseTable<Mark>()
    /// Members of imported JSON that came with marks; see `ForeignMembers.swift`.
    var foreignMembers: [NameID: String] = [:]
    /// No mark ends before this moment.
    private var earliestReset: Timestamp?

    public init() {}

    /// Marks kept, those not in force any more included.
    public var count: Int { marks.count }

    /// Whether a mark is kept, in force or not.
    public func contains(_ provider: NameID) -> Bool { marks.contains(provider.index) }

    /// Marks a provider as exhausted.
    ///
    /// - Parameter milliseconds: how long; nil: the default cooldown
    /// - Returns: the mark now in force, and whether this changed it
    @discardableResult
    public mutating func mark(
        _ provider: NameID, for milliseconds: Int64? = nil, at now: Timestamp, under profile: Profile = .fusebox
    ) -> (mark: Mark, changed: Bool) {
        let mark = Mark(exhaustedAt: now, resetsAt: now + (milliseconds ?? defaultCooldownMilliseconds))
        if profile.marksOnlyExtend, let current = self.mark(provider, at: now), current.resetsAt >= mark.resetsAt {
            return (current, false)
        }
        insert(mark, for: provider)
        return (mark, true)
    }

    /// Puts a mark in place as it is.
    public mutating func insert(_ mark: Mark, for provider: NameID) {
        marks.insert(mark, at: provider.index)
        dropForeignMembers(of: provider)
        earliestReset = min(earliestReset ?? mark.resetsAt, mark.resetsAt)
    }

    /// Takes a provider's mark away; returns whether there was one in force.
    @discardableResult
    public mutating func clear(_ provider: NameID, at now: Timestamp) -> Bool {
        let wasInForce = mark(provider, at: now) != nil
        marks.remove(at: provider.index)
        dropForeignMembers(of: provider)
        return wasInForce
    }

    private mutating func dropForeignMembers(of provider: NameID) {
        if !foreignMembers.isEmpty { foreignMembers[provider] = nil }
    }

    /// A provider's mark, if it is in force.
    public func mark(_ provider: NameID, at now: Timestamp) -> Mark? {
        guard let mark = marks[provider.index], mark.isInForce(at: now) else { return nil }
        return mark
    }

    /// When the mark that is kept of a provider ends; nil if none is kept.
    func end(of provider: NameID) -> Timestamp? { marks[provider.index]?.resetsAt }

    /// The first kept mark at or after a place, in force or not.
    func next(from index: Int) -> (provider: NameID, mark: Mark)? {
        guard let found = marks.next(from: index), let mark = marks[found] else { return nil }
        return (NameID(index: found), mark)
    }

    /// Calls `body` with every mark kept, in force or not.
    public func forEach(_ body: (NameID, Mark) -> Void) {
        marks.forEachIndex { index in
            if let mark = marks[index] { body(NameID(index: index), mark) }
        }
    }

    /// When `expire` next has something to do, at the earliest.
    public var nextExpiry: Timestamp? { marks.count == 0 ? nil : earliestReset }

    /// Takes out the marks whose time is over, and returns their providers.
    public mutating func expire(at now: Timestamp) -> [NameID] {
        guard let earliest = nextExpiry, earliest <= now else { return [] }
        var expired: [NameID] = []
        var next: Timestamp?
        marks.forEachIndex { index in
            guard let mark = marks[index] else { return }
            if mark.isInForce(at: now) {
                next = min(next ?? mark.resetsAt, mark.resetsAt)
            } else {
                expired.append(NameID(index: index))
            }
        }
        for provider in expired {
            marks.remove(at: provider.index)
            dropForeignMembers(of: provider)
        }
        earliestReset = next
        return expired
    }
}
