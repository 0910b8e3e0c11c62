import FuseboxCollections
import FuseboxWire

/// All breakers, and the configuration that breakers are created with.
///
/// A provider has a breaker, each deployment has one of its own, and so has each model of a provider whose breaker is
/// configured `byModel`.
public struct BreakerRegistry: Sendable {
    struct Slot: Sendable {
        var breaker: CircuitBreaker
        /// Whether the breaker has a configuration of its own. Such a breaker is not forgotten when it is idle.
        var isConfigured: Bool
        /// The peer user whose call or command has made it.
        var user: UInt32
    }

    /// Where a breaker is. It stays there until it is removed.
    typealias Place = RouteTable<Slot>.Place

    /// The configuration that breakers are created with.
    public var defaultConfiguration = BreakerConfiguration()

    private var slots = RouteTable<Slot>()
    /// The breakers of models that each user has made.
    private var modelsOfUser = UserTally()
    private let passedByAddress = PassedByAddress()

    /// A registry without breakers.
    public init() {}

    /// The number of breakers.
    public var count: Int { slots.count }

    /// The number of breakers of models.
    var modelCount: Int { slots.modelledCount }

    /// The number of breakers of models that a user has made.
    func modelCount(of user: UInt32) -> Int { modelsOfUser[user] }

    /// The user that has made a breaker.
    func user(of place: Place) -> UInt32 { slots.read(place) { $0.user } }

    // MARK: Finding

    /// Whether the route has a breaker.
    public func contains(_ key: RouteKey) -> Bool { slots.contains(key) }

    /// Whether the route has a breaker with a configuration of its own.
    public func isConfigured(_ key: RouteKey) -> Bool { slots.find(key).map { isConfigured($0) } ?? false }

    /// The breaker of a route as it is stored; nil if there is none. Its `status(at:)` applies the decay that is due.
    public subscript(key: RouteKey) -> CircuitBreaker? { slots.find(key).map { self[$0] } }

    /// The breaker of a provider as it is stored; nil if there is none.
    public subscript(name: NameID) -> CircuitBreaker? { self[RouteKey(name)] }

    @inline(__always)
    func find(_ key: RouteKey) -> Place? { slots.find(key) }

    /// The route of a breaker.
    func key(of place: Place) -> RouteKey { slots.key(of: place) }

    /// Whether each model of the provider with this breaker has one of its own.
    @inline(__always)
    func isByModel(_ place: Place) -> Bool { slots.read(place) { $0.breaker.configuration.byModel } }

    /// The breaker at a place.
    subscript(place: Place) -> CircuitBreaker { slots.read(place) { $0.breaker } }

    func isConfigured(_ place: Place) -> Bool { slots.read(place) { $0.isConfigured } }

    /// The first provider or deployment with a breaker, at or after an index.
    func nextPlain(from index: Int) -> NameID? { slots.nextPlain(from: index) }

    /// Calls `body` with every route that has a breaker, in their order.
    public func forEach(_ body: (RouteKey) -> Void) { slots.forEach { key, _ in body(key) } }

    /// Every route with a breaker, in their order.
    var keys: [RouteKey] { slots.keys }

    /// The first routes with a breaker, at or after a place in their order, at most so many.
    func keys(from order: UInt64, atMost limit: Int) -> [RouteKey] { slots.keys(from: order, atMost: limit) }

    // MARK: Asking

    /// How a breaker stands at a moment.
    @inline(__always)
    func standing(of place: Place, at now: Timestamp) -> CircuitBreaker.Standing {
        slots.read(place) { $0.breaker.standing(at: now) }
    }

    /// Whether an operator has opened a breaker, and it was not closed since.
    @inline(__always)
    func isForced(_ place: Place) -> Bool { slots.read(place) { $0.breaker.openedBy == .forced } }

    /// When decay removes the next failure of a breaker; nil if there is none to remove.
    func nextDecay(of place: Place) -> Timestamp? { slots.read(place) { $0.breaker.nextDecay } }

    /// The rejection by a breaker that is open. Nil if the breaker is not open, or if a rejection changes it under this
    /// profile.
    func rejection(by place: Place, at now: Timestamp, under profile: Profile) -> BreakerAcquire.Reply? {
        guard !profile.rejectionRestartsDecay, slots.read(place, { $0.breaker.consecutiveFailures > 0 }) else {
            return nil
        }
        var breaker = self[place]
        breaker.synchronise(at: now)
        guard breaker.share <= 0, breaker.consecutiveFailures > 0 else { return nil }
        return breaker.acquire(at: now, under: profile)
    }

    /// Whether a breaker may be forgotten: it is closed, has not got a configuration of its own, and was not used after
    /// `moment`.
    func isIdle(_ place: Place, since moment: Timestamp, at now: Timestamp) -> Bool {
        guard !isConfigured(place) else { return false }
        let status = slots.read(place) { $0.breaker.status(at: now) }
        guard status.state == .closed, status.consecutiveFailures == 0 else { return false }
        return [status.lastRequest, status.lastSuccess, status.lastFailure].allSatisfy { ($0 ?? moment) <= moment }
    }

    // MARK: Changing

    /// Creates a closed breaker for a route that has none.
    mutating func create(
        _ key: RouteKey, _ configuration: BreakerConfiguration, by user: UInt32, at now: Timestamp
    ) -> Place {
        insert(Slot(breaker: CircuitBreaker(configuration, at: now), isConfigured: false, user: user), for: key)
    }

    /// Sets the breaker of a route, in place of one that exists.
    @discardableResult
    mutating func insert(_ breaker: CircuitBreaker, isConfigured: Bool, by user: UInt32, for key: RouteKey) -> Place {
        insert(Slot(breaker: breaker, isConfigured: isConfigured, user: user), for: key)
    }

    private mutating func insert(_ slot: Slot, for key: RouteKey) -> Place {
        if key.model != nil {
            if let known = slots.find(key) { modelsOfUser.remove(slots[known].user) }
            modelsOfUser.add(slot.user)
        }
        return slots.insert(slot, for: key)
    }

    /// Gives a breaker of another registry a route here. Returns whether decay will remove a failure of it.
    @discardableResult
    mutating func insert(_ theirs: RouteKey, of other: borrowing BreakerRegistry, for key: RouteKey) -> Bool {
        guard let place = other.slots.find(theirs) else { preconditionFailure("the other registry has the breaker") }
        let slot = other.slots[place]
        _ = insert(slot, for: key)
        return slot.breaker.nextDecay != nil
    }

    /// Gives breakers other routes.
    mutating func rename(_ keys: [(from: RouteKey, to: RouteKey)]) { slots.rename(keys) }

    /// Changes a breaker.
    @inline(__always)
    mutating func update<Result>(_ place: Place, _ change: (inout CircuitBreaker) -> Result) -> Result {
        slots.update(place) { change(&$0.breaker) }
    }

    /// Changes every breaker.
    mutating func updateAll(_ change: (inout CircuitBreaker) -> Void) {
        for key in keys { if let place = slots.find(key) { change(&slots[place].breaker) } }
    }

    /// Gives a breaker another configuration.
    ///
    /// - Parameter isOwn: whether it is its own from now on
    mutating func configure(
        _ place: Place, _ configuration: BreakerConfiguration, isOwn: Bool, at now: Timestamp, under profile: Profile
    ) {
        slots[place].breaker.configure(configuration, at: now, under: profile)
        if isOwn { slots[place].isConfigured = true }
    }

    /// Notes that the configuration of a breaker is that of the one above it again.
    mutating func endOwnConfiguration(_ place: Place) { slots[place].isConfigured = false }

    mutating func remove(_ place: Place) {
        if place.hasModel { modelsOfUser.remove(user(of: place)) }
        slots.remove(at: place)
    }
}
