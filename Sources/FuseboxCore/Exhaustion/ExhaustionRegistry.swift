import FuseboxWire

/// The routes that have run out of quota, each with a mark.
///
/// A mark is of a provider or a deployment, alone or with a model, and keeps the calls away that go by that. It is in
/// force until its end. Reads ignore marks that have ended and change nothing. A mark without a told end is remembered
/// after its end, because the next one of its route lasts twice as long.
public struct ExhaustionRegistry: Sendable {
    /// How long a mark without a told end lasts, in milliseconds. It is 5 minutes unless it was set.
    public var defaultCooldownMilliseconds: Int64 = 300_000
    /// How long a mark lasts at most, in milliseconds. It is 24 hours unless it was set.
    public var longestMilliseconds: Int64 = 24 * 3_600_000

    var marks = RouteTable<Mark>()
    /// The marks of models that each user told last.
    private var modelsOfUser = UserTally()
    /// The marks that are only remembered.
    private var endedCount = 0

    /// A registry without marks.
    public init() {}

    /// A place in the registry.
    typealias Place = RouteTable<Mark>.Place

    /// The number of marks, with those that have ended and are remembered.
    public var count: Int { marks.count }

    /// The number of marks of models that a user told last.
    func modelCount(of user: UInt32) -> Int { modelsOfUser[user] }

    /// The number of marks whose end was not met.
    public var countInForce: Int { marks.count - endedCount }

    /// Whether there is no mark.
    @inline(__always)
    var isEmpty: Bool { marks.isEmpty }

    /// Whether a route has a mark, in force or not.
    public func contains(_ route: RouteKey) -> Bool { marks.contains(route) }

    /// The mark of a route; nil if none is in force.
    public func mark(_ route: RouteKey, at now: Timestamp) -> Mark? {
        guard let mark = marks[route], mark.isInForce(at: now) else { return nil }
        return mark
    }

    /// Calls `body` with every mark, in force or not, in the order of routes.
    public func forEach(_ body: (RouteKey, Mark) -> Void) { marks.forEach { body($0, marks[$1]) } }

    // MARK: Marking

    /// Marks a route as exhausted. Under `fusebox` a mark that ends later stays as it is.
    ///
    /// - Parameter milliseconds: how long the mark lasts; nil means the default cooldown
    /// - Returns: the route's mark, and whether this call has set or put off its end
    @discardableResult
    public mutating func mark(
        _ route: RouteKey, for milliseconds: Int64? = nil, at now: Timestamp, under profile: Profile = .fusebox
    ) -> (mark: Mark, changed: Bool) {
        mark(route, MarkClaim(reason: .told, milliseconds: milliseconds), at: now, under: profile)
    }

    /// Marks a route for what somebody says of it.
    ///
    /// - Returns: the route's mark, and whether this call has set or put off its end
    mutating func mark(
        _ route: RouteKey, _ claim: MarkClaim, at now: Timestamp, under profile: Profile
    ) -> (mark: Mark, changed: Bool) {
        let before = marks[route]
        let cooldowns = profile.doubtsMarks ? cooldowns(after: before, claim, at: now) : 0
        let milliseconds = length(of: claim, cooldowns, under: profile)
        var mark: Mark
        var isChanged = true
        if profile.marksOnlyExtend, let before, before.isInForce(at: now) {
            mark = before
            isChanged = now + milliseconds > before.resetsAt
            if isChanged { mark.putOff(by: claim, for: milliseconds, at: now) }
            if isChanged { mark.foreignMembers = nil }
        } else {
            mark = Mark(claim, for: milliseconds, at: now)
        }
        mark.cooldowns = cooldowns
        insert(mark, for: route)
        return (mark, isChanged)
    }

    /// How many marks of a route in a row have had no told end, with this one.
    private func cooldowns(after before: Mark?, _ claim: MarkClaim, at now: Timestamp) -> UInt8 {
        guard claim.milliseconds == nil, claim.reason != .unauthorized else { return before?.cooldowns ?? 0 }
        guard let before, before.cooldowns > 0 else { return 1 }
        return before.isFollowed(by: claim, at: now) ? min(before.cooldowns + 1, 63) : before.cooldowns
    }

    /// How long a mark for a claim lasts, in milliseconds.
    private func length(of claim: MarkClaim, _ cooldowns: UInt8, under profile: Profile) -> Int64 {
        guard profile.doubtsMarks else {
            return claim.milliseconds
                ?? (claim.reason == .unauthorized ? longestMilliseconds : defaultCooldownMilliseconds)
        }
        if let told = claim.milliseconds { return min(told, longestMilliseconds) }
        guard claim.reason != .unauthorized else { return longestMilliseconds }
        return Mark.doubled(defaultCooldownMilliseconds, times: cooldowns - 1, atMost: longestMilliseconds)
    }

    /// Sets the mark of a route, in place of one that exists.
    public mutating func insert(_ mark: Mark, for route: RouteKey) {
        if let place = marks.find(route) { discount(place) }
        if route.model != nil { modelsOfUser.add(mark.user) }
        marks.insert(mark, for: route)
        endedCount += mark.hasEnded ? 1 : 0
    }

    // MARK: Ending

    /// Notes that the end of a mark was met.
    ///
    /// - Returns: whether it goes on being remembered
    mutating func end(_ place: Place) -> Bool {
        guard !marks[place].hasEnded, marks[place].cooldowns > 0 else { return false }
        marks[place].hasEnded = true
        marks[place].foreignMembers = nil
        endedCount += 1
        return true
    }

    /// Removes a mark.
    mutating func remove(_ place: Place) {
        discount(place)
        marks.remove(at: place)
    }

    /// Takes a mark that is to go out of the counts.
    private mutating func discount(_ place: Place) {
        endedCount -= marks[place].hasEnded ? 1 : 0
        if place.hasModel { modelsOfUser.remove(marks[place].user) }
    }

    /// Removes the mark of a route.
    ///
    /// - Returns: whether it was in force
    @discardableResult
    public mutating func clear(_ route: RouteKey, at now: Timestamp) -> Bool {
        guard let place = marks.find(route) else { return false }
        let wasInForce = marks[place].isInForce(at: now)
        remove(place)
        return wasInForce
    }

    /// Lets no mark last longer than one that is made now may.
    mutating func cap(at now: Timestamp) {
        for route in marks.keys {
            guard let place = marks.find(route), !marks[place].hasEnded else { continue }
            marks[place].resetsAt = min(marks[place].resetsAt, now + longestMilliseconds)
        }
    }

    /// Gives marks other routes.
    mutating func rename(_ routes: [(from: RouteKey, to: RouteKey)]) { marks.rename(routes) }

    /// Forgets the probes that no permit in force is for.
    mutating func keepProbes(where isUnderWay: (UInt64, RouteKey) -> Bool) {
        for route in marks.keys {
            guard let place = marks.find(route), let probe = marks[place].probe, !isUnderWay(probe, route) else {
                continue
            }
            marks[place].probe = nil
        }
    }
}
