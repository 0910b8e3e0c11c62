import FuseboxCollections
import FuseboxWire

/// The uses of limits on models, found by their scopes without the model, in the order in which they began.
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

    /// Adds a use that is the newest. One of a scope without a model is passed over.
    mutating func add(_ use: Int, of key: ScopeKey) {
        guard key.model != nil else { return }
        let key = key.withoutModel
        let known = find(key)
        let route = known ?? routes.insert(Route(key: key))
        if known == nil { index.insert(route, hash: key.hash) }
        routes[route].uses.append(use, &links)
    }

    /// Removes a use that was added.
    mutating func remove(_ use: Int, of key: ScopeKey) {
        guard key.model != nil else { return }
        let key = key.withoutModel
        guard let route = find(key) else { preconditionFailure("a use of a model's limit has its route") }
        routes[route].uses.remove(use, &links)
        guard routes[route].uses.isEmpty else { return }
        index.remove(route, hash: key.hash)
        routes.remove(at: route)
    }

    /// Calls `body` with the uses of the models of a scope.
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
    /// Calls `body` with the limits on models that stand against a call which names none.
    ///
    /// It may be of any model, so a limit on one of its route that is used up denies it, as one denies a call that does not say
    /// how much it takes.
    func forEachModelObjection(
        to call: borrowing CallScopes, _ need: CallNeed, at moment: Moment, _ body: (Objection) -> Void
    ) {
        guard !modelUses.isEmpty else { return }
        for scope in 0..<call.scopeCount {
            guard let key = call.scope(at: scope), key.place != nil else { continue }
            modelUses.forEach(of: key) { use in
                let rule = entries[use].rule
                guard rules[rule].limit.mode == .deny else { return }
                let room = min(1, need.room(rules[rule].limit.dimension))
                guard let obstacle = obstacle(room, rule, use, at: moment) else { return }
                body(Objection(rule: rule, entry: use, obstacle: obstacle))
            }
        }
    }
}
