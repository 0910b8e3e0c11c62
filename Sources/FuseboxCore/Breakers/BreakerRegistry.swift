import FuseboxCollections
import FuseboxWire

/// All breakers, and the configuration that breakers are created with.
public struct BreakerRegistry: Sendable {
    struct Slot: Sendable {
        var breaker: CircuitBreaker
        /// Whether the breaker has a configuration of its own. Such a breaker is not forgotten when it is idle.
        var isConfigured: Bool
    }

    /// The configuration that breakers are created with.
    public var defaultConfiguration = BreakerConfiguration()

    private var slots = SparseTable<Slot>()
    private let passedByAddress = PassedByAddress()

    /// A registry without breakers.
    public init() {}

    /// The number of breakers.
    public var count: Int { slots.count }

    /// Whether the name has a breaker.
    public func contains(_ name: NameID) -> Bool { slots.contains(name.index) }

    /// Whether the name has a breaker with a configuration of its own.
    public func isConfigured(_ name: NameID) -> Bool { slots[name.index]?.isConfigured ?? false }

    /// The breaker of a name as it is stored; nil if there is none. Its `status(at:)` applies the decay that is due.
    public subscript(name: NameID) -> CircuitBreaker? { slots[name.index]?.breaker }

    /// How a breaker stands at a moment; nil if there is none.
    func standing(of name: NameID, at now: Timestamp) -> CircuitBreaker.Standing? {
        guard slots.contains(name.index) else { return nil }
        return slots[existing: name.index].breaker.standing(at: now)
    }

    /// When decay removes the next failure of a breaker; nil if there is none to remove.
    func nextDecay(of name: NameID) -> Timestamp? {
        guard slots.contains(name.index) else { return nil }
        return slots[existing: name.index].breaker.nextDecay
    }

    /// The rejection by a breaker that exists and is open. Nil if the breaker is not open, or if a rejection changes it
    /// under this profile.
    func rejection(by name: NameID, at now: Timestamp, under profile: Profile) -> BreakerAcquire.Reply? {
        guard !profile.rejectionRestartsDecay, slots[existing: name.index].breaker.consecutiveFailures > 0 else {
            return nil
        }
        var breaker = slots[existing: name.index].breaker
        breaker.synchronise(at: now)
        guard breaker.share <= 0, breaker.consecutiveFailures > 0 else { return nil }
        return breaker.acquire(at: now, under: profile)
    }

    /// Creates a closed breaker with the default configuration, if there is none.
    public mutating func create(_ name: NameID, at now: Timestamp) {
        guard !slots.contains(name.index) else { return }
        slots.insert(Slot(breaker: CircuitBreaker(defaultConfiguration, at: now), isConfigured: false), at: name.index)
    }

    /// Sets the breaker of a name, in place of one that exists.
    public mutating func insert(_ breaker: CircuitBreaker, isConfigured: Bool, as name: NameID) {
        slots.insert(Slot(breaker: breaker, isConfigured: isConfigured), at: name.index)
    }

    /// Gives a breaker of another registry a name here. Returns whether decay will remove a failure of it.
    mutating func insert(_ theirs: NameID, of other: borrowing BreakerRegistry, as name: NameID) -> Bool {
        let slot = other.slots[existing: theirs.index]
        slots.insert(slot, at: name.index)
        return slot.breaker.nextDecay != nil
    }

    /// Gives breakers other names.
    mutating func rename(_ names: [(from: NameID, to: NameID)]) {
        // All are taken out first, because one may get the number that another had.
        let moved = names.map { ($0.to, slots[existing: $0.from.index]) }
        for (from, _) in names { slots.remove(at: from.index) }
        for (name, slot) in moved { slots.insert(slot, at: name.index) }
    }

    /// Changes a breaker that exists.
    mutating func update<Result>(_ name: NameID, _ change: (inout CircuitBreaker) -> Result) -> Result {
        change(&slots[existing: name.index].breaker)
    }

    /// Gives a breaker that exists a configuration of its own.
    mutating func configure(
        _ name: NameID, _ configuration: BreakerConfiguration, at now: Timestamp, under profile: Profile
    ) {
        slots[existing: name.index].breaker.configure(configuration, at: now, under: profile)
        slots[existing: name.index].isConfigured = true
    }

    mutating func remove(_ name: NameID) { slots.remove(at: name.index) }

    /// The first breaker at or after an index.
    func next(from index: Int) -> NameID? { slots.next(from: index).map { NameID(index: $0) } }

    /// Calls `body` with every breaker's name.
    public func forEach(_ body: (NameID) -> Void) { slots.forEachIndex { body(NameID(index: $0)) } }

    /// Whether a breaker may be forgotten: it is closed, has the default configuration, and was not used after
    /// `moment`.
    func isIdle(_ name: NameID, since moment: Timestamp, at now: Timestamp) -> Bool {
        guard let slot = slots[name.index], !slot.isConfigured else { return false }
        let status = slot.breaker.status(at: now)
        guard status.state == .closed, status.consecutiveFailures == 0 else { return false }
        return [status.lastRequest, status.lastSuccess, status.lastFailure].allSatisfy { ($0 ?? moment) <= moment }
    }
}
