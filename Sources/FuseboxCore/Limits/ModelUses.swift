import FuseboxCollections
import FuseboxWire

/// The uses of limits on models that may be used up, found by their scopes without the model, in no particular order.
///
/// A call that names no model meets them. A use is watched from each change that may use it up until such a call is
/// admitted and finds that it has room. What is not watched has room, because time alone only frees. So such a call looks
/// at what has changed since the last one, and not at every model that has a limit.
struct ModelUses: Sendable {
    private struct Route: Sendable {
        var key: ScopeKey
        var uses = Chain()
    }

    private var routes = SlotTable<Route>()
    private var index = HashIndex()
    private var links = ChainLinks()

    init() {}

    var isEmpty: Bool { routes.isEmpty }

    private func find(_ key: ScopeKey) -> Int? { index.find(key.hash) { routes[$0].key == key } }

    /// Adds a use of a scope with a model.
    mutating func add(_ use: Int, of key: ScopeKey) {
        let key = key.withoutModel
        let known = find(key)
        let route = known ?? routes.insert(Route(key: key))
        if known == nil { index.insert(route, hash: key.hash) }
        routes[route].uses.append(use, &links)
    }

    /// Removes a use that was added.
    mutating func remove(_ use: Int, of key: ScopeKey) {
        let key = key.withoutModel
        guard let route = find(key) else { preconditionFailure("a watched use has its route") }
        routes[route].uses.remove(use, &links)
        guard routes[route].uses.isEmpty else { return }
        index.remove(route, hash: key.hash)
        routes.remove(at: route)
    }

    /// A watched use of the models of a scope. Nil if there is none.
    func first(of key: ScopeKey) -> Int? { find(key).flatMap { routes[$0].uses.first } }

    /// The next watched use of the same scope.
    func next(after use: Int) -> Int? { links.next(after: use) }

    /// Calls `body` with the watched uses of the models of a scope.
    func forEach(of key: ScopeKey, _ body: (Int) -> Void) {
        guard let route = find(key) else { return }
        routes[route].uses.forEach(links, body)
    }
}

extension ScopeKey {
    /// The same for every model.
    fileprivate var withoutModel: ScopeKey { ScopeKey(place: place, tag: tag) }
}

extension LimitTable {
    /// Watches a use that may have less room than before. It must be called with every change of that kind.
    @inline(__always)
    mutating func watch(_ place: Int) {
        if entries[place].key.model != nil, !entries[place].isWatched { beginToWatch(place) }
    }

    private mutating func beginToWatch(_ place: Int) {
        entries[place].isWatched = true
        modelUses.add(place, of: entries[place].key)
    }

    mutating func endWatch(_ place: Int) {
        guard entries[place].isWatched else { return }
        entries[place].isWatched = false
        modelUses.remove(place, of: entries[place].key)
    }

    /// Ends the watch of uses that have room, where a call without a model meets them.
    mutating func endWatches(for call: borrowing CallScopes, at moment: Moment) {
        guard call.model == nil, !modelUses.isEmpty else { return }
        for scope in 0..<call.scopeCount {
            guard let key = call.scope(at: scope), key.place != nil else { continue }
            var next = modelUses.first(of: key)
            while let use = next {
                next = modelUses.next(after: use)
                if hasRoom(use, at: moment) { endWatch(use) }
            }
        }
    }

    /// Whether something is left of a limit.
    private func hasRoom(_ use: Int, at moment: Moment) -> Bool {
        obstacle(1, entries[use].rule, use, at: moment) == nil
    }

    /// Calls `body` with the limits on models that stand against a call which names none, in the order in which their
    /// uses began.
    ///
    /// It may be of any model, so a limit on one of its route that is used up denies it, as one denies a call that does
    /// not say how much it takes.
    func forEachModelObjection(
        to call: borrowing CallScopes, _ need: CallNeed, at moment: Moment, _ body: (Objection) -> Void
    ) {
        for scope in 0..<call.scopeCount {
            guard let key = call.scope(at: scope), key.place != nil else { continue }
            assert(watchesAll(of: key, at: moment), "a limit on a model of \(key) is used up and not watched")
            guard !modelUses.isEmpty else { continue }
            var objections: [Objection] = []
            modelUses.forEach(of: key) { use in
                if let objection = objection(ofModel: use, need, at: moment) { objections.append(objection) }
            }
            // Which uses are watched first depends on what was asked before, and that is not part of the state.
            objections.sort { generation(of: $0) < generation(of: $1) }
            for objection in objections { body(objection) }
        }
    }

    private func objection(ofModel use: Int, _ need: CallNeed, at moment: Moment) -> Objection? {
        let rule = entries[use].rule
        guard rules[rule].limit.mode == .deny else { return nil }
        let room = min(1, need.room(rules[rule].limit.dimension))
        guard let obstacle = obstacle(room, rule, use, at: moment) else { return nil }
        return Objection(rule: rule, entry: use, obstacle: obstacle)
    }

    private func generation(of objection: Objection) -> UInt64 {
        objection.entry.map { entries[$0].generation } ?? 0
    }

    /// Whether each use without room is watched, of the limits on models of a scope.
    private func watchesAll(of key: ScopeKey, at moment: Moment) -> Bool {
        var watches = true
        guard hasModels else { return true }
        useOrder.forEach { use in
            let isOfKey = entries[use].key.model != nil && entries[use].key.withoutModel == key
            if isOfKey, !entries[use].isWatched, !hasRoom(use, at: moment) { watches = false }
            return watches
        }
        return watches
    }
}
