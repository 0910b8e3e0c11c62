import FuseboxCollections

/// A value for each of a bounded number of routes.
///
/// A new route takes the place of the one used longest ago of the user that has the most.
struct RecentRoutes<Value: Sendable>: Sendable {
    /// A route with its value.
    struct Entry: Sendable {
        let route: ScopeKey
        /// The place of the user that introduced it.
        fileprivate let owner: Int
        var value: Value
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

    /// Whether there is no route.
    var isEmpty: Bool { entries.isEmpty }
    /// The number of routes.
    var count: Int { entries.count }

    /// The place of a route; nil if there is none.
    func find(_ route: ScopeKey) -> Int? { index.find(route.hash) { entries[$0].route == route } }

    /// The value at a place.
    subscript(place: Int) -> Value {
        @inline(__always) _read { yield entries[place].value }
        @inline(__always) _modify { yield &entries[place].value }
    }

    /// The first place with a route, from a place on.
    func next(from place: Int) -> Int? { entries.next(from: place) }

    /// Notes that a route was used.
    mutating func use(_ place: Int) {
        let owner = entries[place].owner
        guard owners[owner].routes.last != place else { return }
        owners[owner].routes.remove(place, &links)
        owners[owner].routes.append(place, &links)
    }

    /// Adds a route that is not there. Routes of a user come in the order of their use.
    mutating func insert(_ route: ScopeKey, by user: UInt32, _ value: Value) -> Int {
        let owner = owner(user) ?? owners.insert(Owner(user: user))
        let place = entries.insert(Entry(route: route, owner: owner, value: value))
        index.insert(place, hash: route.hash)
        owners[owner].routes.append(place, &links)
        return place
    }

    /// Removes a route, if the user or all users have as many as they may: of the user that has the most.
    mutating func makeRoom(for user: UInt32, limit: Int, limitPerUser: Int) -> ScopeKey? {
        if let own = owner(user), owners[own].routes.count >= limitPerUser {
            return owners[own].routes.first.map { remove($0) }
        }
        guard count >= limit else { return nil }
        var most: Int?
        owners.forEachSlot { slot in
            if let best = most, owners[best].routes.count >= owners[slot].routes.count { return }
            most = slot
        }
        return most.flatMap { owners[$0].routes.first }.map { remove($0) }
    }

    /// Removes the routes for which a condition holds, and returns them.
    mutating func remove(where isGone: (ScopeKey) -> Bool) -> [ScopeKey] {
        var places: [Int] = []
        entries.forEachSlot { if isGone(entries[$0].route) { places.append($0) } }
        return places.map { remove($0) }
    }

    /// Calls `body` with every route and who introduced it. Of each user that used longest ago comes first.
    func forEach<Failure: Error>(_ body: (borrowing Entry, UInt32) throws(Failure) -> Void) throws(Failure) {
        try owners.forEachSlot { (owner) throws(Failure) in
            try owners[owner].routes.forEach(links) { (place) throws(Failure) in
                try body(entries[place], owners[owner].user)
            }
        }
    }

    private func owner(_ user: UInt32) -> Int? {
        var slot = owners.next(from: 0)
        while let place = slot, owners[place].user != user { slot = owners.next(from: place + 1) }
        return slot
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
