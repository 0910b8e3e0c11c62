import FuseboxCollections
import FuseboxWire

/// The providers that have run out of quota, each with a mark.
///
/// A mark is in force until its end. Reads ignore marks that have ended and change nothing. `expire` removes these
/// marks.
public struct ExhaustionRegistry: Sendable {
    /// The statement that a provider has run out of quota.
    public struct Mark: Sendable, Equatable {
        /// When the provider was marked.
        public var exhaustedAt: Timestamp
        /// The end of the mark: the first moment at which it is not in force.
        public var resetsAt: Timestamp

        /// A mark between two moments.
        public init(exhaustedAt: Timestamp, resetsAt: Timestamp) {
            self.exhaustedAt = exhaustedAt
            self.resetsAt = resetsAt
        }

        func isInForce(at now: Timestamp) -> Bool { now < resetsAt }
    }

    /// How long a mark without a reported end lasts, in milliseconds. It is 5 minutes unless it was set.
    public var defaultCooldownMilliseconds: Int64 = 300_000

    private var marks = SparseTable<Mark>()
    /// Unknown members of imported JSON, by the mark that they came with; see `ForeignMembers.swift`.
    var foreignMembers: [NameID: String] = [:]
    /// A lower bound on the ends of all marks.
    private var earliestReset: Timestamp?

    /// A registry without marks.
    public init() {}

    /// The number of marks, including those that have ended and were not removed yet.
    public var count: Int { marks.count }

    /// Whether the provider has a mark, in force or not.
    public func contains(_ provider: NameID) -> Bool { marks.contains(provider.index) }

    /// Marks a provider as exhausted. Under `fusebox` a mark that ends later stays as it is.
    ///
    /// - Parameter milliseconds: how long the mark lasts; nil means the default cooldown
    /// - Returns: the provider's mark, and whether this call has set it
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

    /// Sets the mark of a provider, in place of one that exists.
    public mutating func insert(_ mark: Mark, for provider: NameID) {
        marks.insert(mark, at: provider.index)
        dropForeignMembers(of: provider)
        earliestReset = min(earliestReset ?? mark.resetsAt, mark.resetsAt)
    }

    /// Gives the providers of marks other names.
    mutating func rename(_ names: [(from: NameID, to: NameID)]) {
        // All are taken out first, because one may get the number that another had.
        let moved = names.map { (name: $0.to, mark: marks[existing: $0.from.index], members: foreignMembers[$0.from]) }
        for (from, _) in names {
            marks.remove(at: from.index)
            dropForeignMembers(of: from)
        }
        for (name, mark, members) in moved {
            marks.insert(mark, at: name.index)
            if let members { foreignMembers[name] = members }
        }
    }

    /// Removes the mark of a provider.
    ///
    /// - Returns: whether it was in force
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

    /// The mark of a provider; nil if none is in force.
    public func mark(_ provider: NameID, at now: Timestamp) -> Mark? {
        guard let mark = marks[provider.index], mark.isInForce(at: now) else { return nil }
        return mark
    }

    /// The end of a provider's mark, in force or not; nil if there is none.
    func end(of provider: NameID) -> Timestamp? { marks[provider.index]?.resetsAt }

    /// The first mark at or after an index, in force or not.
    func next(from index: Int) -> (provider: NameID, mark: Mark)? {
        guard let found = marks.next(from: index), let mark = marks[found] else { return nil }
        return (NameID(index: found), mark)
    }

    /// Calls `body` with every mark, in force or not.
    public func forEach(_ body: (NameID, Mark) -> Void) {
        marks.forEachIndex { index in
            if let mark = marks[index] { body(NameID(index: index), mark) }
        }
    }

    /// The earliest moment at which `expire` may remove a mark; nil if there are no marks.
    public var nextExpiry: Timestamp? { marks.count == 0 ? nil : earliestReset }

    /// Removes the marks that have ended, and returns their providers.
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
