import FuseboxCollections
import FuseboxWire

/// What the last calls of each route have cost. An admission that knows no cost holds one by it.
///
/// A new route takes the place of the one used longest ago of the user that has the most.
struct RecentCosts: Sendable {
    /// How many calls of a route are remembered.
    static let remembered = 100
    /// From how many calls on a percentile is taken. With fewer, the dearest counts.
    private static let enough = 20

    /// The costs of a route.
    struct Entry: Sendable {
        let route: ScopeKey
        /// The place of the user that introduced it.
        fileprivate let owner: Int
        fileprivate var costs = InlineArray<100, Int64>(repeating: 0)
        /// The number of costs.
        fileprivate(set) var count = 0
        /// Where the next one goes: to the place of the oldest, once all are taken.
        fileprivate var next = 0

        fileprivate init(_ route: ScopeKey, _ owner: Int) {
            self.route = route
            self.owner = owner
        }

        fileprivate mutating func add(_ cost: Int64) {
            costs[next] = cost
            next = next + 1 == RecentCosts.remembered ? 0 : next + 1
            count = min(count + 1, RecentCosts.remembered)
        }

        /// The costs, oldest first, in nano-dollars.
        var oldestFirst: [Int64] {
            let first = count < RecentCosts.remembered ? 0 : next
            return (0..<count).map { costs[(first + $0) % RecentCosts.remembered] }
        }

        /// The largest cost after this many others: 0 for the largest of all.
        fileprivate func largest(after above: Int) -> Int64 {
            // The largest costs so far, largest first.
            var top = InlineArray<6, Int64>(repeating: -1)
            for place in 0..<count {
                let cost = costs[place]
                guard cost > top[above] else { continue }
                var slot = above
                while slot > 0, top[slot - 1] < cost {
                    top[slot] = top[slot - 1]
                    slot -= 1
                }
                top[slot] = cost
            }
            return top[above]
        }
    }

    /// The routes that a user has introduced.
    private struct Owner: Sendable {
        let user: UInt32
        /// Its routes, that used longest ago first.
        var routes = Chain()
    }

    private var entries = SlotTable<Entry>()
    private var index = HashIndex()
    private var owners = SlotTable<Owner>()
    private var links = ChainLinks()

    /// Whether no cost is remembered.
    var isEmpty: Bool { entries.isEmpty }
    /// The number of routes.
    var count: Int { entries.count }

    /// What a call by this route is likely to cost at most: the 95th percentile of the last calls, or the dearest if they
    /// are few.
    func likely(of route: ScopeKey) -> (cost: Money, basis: CostBasis)? {
        guard let place = find(route) else { return nil }
        let count = entries[place].count
        guard count >= Self.enough else {
            return (Money(nanodollars: entries[place].largest(after: 0)), .dearest)
        }
        // The smallest cost that at least 95 % of the calls do not exceed.
        let above = count - (count * 95 + 99) / 100
        return (Money(nanodollars: entries[place].largest(after: above)), .percentile)
    }

    /// Adds the cost of a call.
    ///
    /// - Parameters:
    ///   - user: who introduces the route, if it is new
    ///   - bounds: how many routes are remembered, of all users and of one
    /// - Returns: whether the route is new, and a route that had to give way to it
    mutating func add(
        _ cost: Money, of route: ScopeKey, by user: UInt32, _ bounds: Bounds
    ) -> (isNew: Bool, gaveWay: ScopeKey?) {
        if let place = find(route) {
            entries[place].add(cost.nanodollars)
            let owner = entries[place].owner
            if owners[owner].routes.last != place {
                owners[owner].routes.remove(place, &links)
                owners[owner].routes.append(place, &links)
            }
            return (false, nil)
        }
        let gaveWay = makeRoom(for: user, bounds)
        insert(route, by: user) { $0.add(cost.nanodollars) }
        return (true, gaveWay)
    }

    /// Restores a route. Routes of a user come in the order of their use.
    ///
    /// - Returns: false if it is there already
    mutating func restore(_ route: ScopeKey, by user: UInt32, oldestFirst costs: [Int64]) -> Bool {
        guard find(route) == nil else { return false }
        insert(route, by: user) { entry in for cost in costs { entry.add(cost) } }
        return true
    }

    /// Removes the routes for which a condition holds, and returns them.
    mutating func remove(where isGone: (ScopeKey) -> Bool) -> [ScopeKey] {
        var places: [Int] = []
        entries.forEachSlot { if isGone(entries[$0].route) { places.append($0) } }
        return places.map { remove($0) }
    }

    /// Calls `body` with every route and who introduced it. Of each user that used longest ago comes first.
    func forEach<Failure: Error>(_ body: (Entry, UInt32) throws(Failure) -> Void) throws(Failure) {
        try owners.forEachSlot { (owner) throws(Failure) in
            try owners[owner].routes.forEach(links) { (place) throws(Failure) in
                try body(entries[place], owners[owner].user)
            }
        }
    }

    private func find(_ route: ScopeKey) -> Int? { index.find(route.hash) { entries[$0].route == route } }

    private func owner(_ user: UInt32) -> Int? {
        var slot = owners.next(from: 0)
        while let place = slot, owners[place].user != user { slot = owners.next(from: place + 1) }
        return slot
    }

    private mutating func insert(_ route: ScopeKey, by user: UInt32, _ fill: (inout Entry) -> Void) {
        let owner = owner(user) ?? owners.insert(Owner(user: user))
        var entry = Entry(route, owner)
        fill(&entry)
        let place = entries.insert(entry)
        index.insert(place, hash: route.hash)
        owners[owner].routes.append(place, &links)
    }

    /// Removes a route, if the user or all users have as many as they may: of the user that has the most.
    private mutating func makeRoom(for user: UInt32, _ bounds: Bounds) -> ScopeKey? {
        if let own = owner(user), owners[own].routes.count >= bounds.costRoutesPerUser {
            return owners[own].routes.first.map { remove($0) }
        }
        guard count >= bounds.costRoutes else { return nil }
        var most: Int?
        owners.forEachSlot { slot in
            if let best = most, owners[best].routes.count >= owners[slot].routes.count { return }
            most = slot
        }
        return most.flatMap { owners[$0].routes.first }.map { remove($0) }
    }

    private mutating func remove(_ place: Int) -> ScopeKey {
        let route = entries[place].route
        let owner = entries[place].owner
        owners[owner].routes.remove(place, &links)
        if owners[owner].routes.isEmpty { owners.remove(at: owner) }
        index.remove(place, hash: route.hash)
        entries.remove(at: place)
        return route
    }
}
