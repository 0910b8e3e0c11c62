import FuseboxWire

/// What the last calls of each route have cost. An admission that knows no cost holds one by it.
struct RecentCosts: Sendable {
    /// How many calls of a route are remembered.
    static let remembered = 100
    /// From how many calls on a percentile is taken. With fewer, the dearest counts.
    private static let enough = 20

    /// The costs of a route.
    struct Costs: Sendable {
        fileprivate var costs = InlineArray<100, Int64>(repeating: 0)
        /// The number of costs.
        fileprivate(set) var count = 0
        /// Where the next one goes: to the place of the oldest, once all are taken.
        fileprivate var next = 0

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

    private var routes = RecentRoutes<Costs>()

    /// Whether no cost is remembered.
    var isEmpty: Bool { routes.isEmpty }
    /// The number of routes.
    var count: Int { routes.count }

    /// What a call by this route is likely to cost at most: the 95th percentile of the last calls, or the dearest if they
    /// are few.
    func likely(of route: ScopeKey) -> (cost: Money, basis: CostBasis)? {
        guard let place = routes.find(route) else { return nil }
        let count = routes[place].count
        guard count >= Self.enough else {
            return (Money(nanodollars: routes[place].largest(after: 0)), .dearest)
        }
        // The smallest cost that at least 95 % of the calls do not exceed.
        let above = count - (count * 95 + 99) / 100
        return (Money(nanodollars: routes[place].largest(after: above)), .percentile)
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
        if let place = routes.find(route) {
            routes[place].add(cost.nanodollars)
            routes.use(place)
            return (false, nil)
        }
        let gaveWay = routes.makeRoom(
            for: user, limit: bounds.costRoutes, limitPerUser: bounds.costRoutesPerUser)
        var costs = Costs()
        costs.add(cost.nanodollars)
        _ = routes.insert(route, by: user, costs)
        return (true, gaveWay)
    }

    /// Restores a route. Routes of a user come in the order of their use.
    ///
    /// - Returns: false if it is there already
    mutating func restore(_ route: ScopeKey, by user: UInt32, oldestFirst costs: [Int64]) -> Bool {
        guard routes.find(route) == nil else { return false }
        var restored = Costs()
        for cost in costs { restored.add(cost) }
        _ = routes.insert(route, by: user, restored)
        return true
    }

    /// Removes the routes for which a condition holds, and returns them.
    mutating func remove(where isGone: (ScopeKey) -> Bool) -> [ScopeKey] { routes.remove(where: isGone) }

    /// Calls `body` with every route, its costs in nano-dollars, oldest first, and who introduced it. Of each user that
    /// used longest ago comes first.
    func forEach(_ body: (_ route: ScopeKey, _ oldestFirst: [Int64], _ user: UInt32) -> Void) {
        routes.forEach { entry, user in body(entry.route, entry.value.oldestFirst, user) }
    }
}
