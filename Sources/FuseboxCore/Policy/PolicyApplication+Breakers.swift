import FuseboxWire

/// The breakers' configurations of a policy.
extension PolicyApplication {
    // MARK: Removing

    /// Gives the parts that the policy has set and does not set any more the values that they have without it.
    mutating func removeUnnamedBreakers() throws(Refusal) {
        let owned = machine.owned.breakers
        let told = Set(policy.breakers.map { breakerRoute($0) })
        let routes = owned.keys.sorted { one, other in
            let (depth, otherDepth) = (one.depth, other.depth)
            return depth == otherDepth ? one < other : depth > otherDepth
        }
        let unnamed = routes.filter { !told.contains($0) }.compactMap { route in owned[route].map { (route, $0) } }
        for (route, said) in unnamed {
            machine.owned.breakers[route] = nil
            note(
                .breaker, .removed, item: nil, route.scope,
                from: PolicyWords.text(said.parts(of: machine.breakerStanding(route).configuration)), to: nil)
        }
        // Narrow ones first: one that has nothing of its own left then follows what is above it. One that has still gets
        // the parts once more, because what is above it may have changed in between.
        for (route, said) in unnamed { try giveUp(said, of: route) }
        for (route, said) in unnamed.reversed() { try giveUp(said, of: route) }
    }

    /// Gives parts of a configuration the values that they have without the policy.
    private mutating func giveUp(
        _ parts: BreakerConfigurationChange, of route: PolicyRoute
    ) throws(Refusal) {
        let standing = machine.breakerStanding(route)
        guard route.provider == nil || standing.key != nil, standing.isOwn else { return }
        try configure(parts.parts(of: standing.base), route)
        if let key = standing.key { machine.endOwnConfiguration(of: key, ifLike: standing.base) }
    }

    // MARK: Applying

    /// The route of a breaker, with the model that its name will stand for.
    func breakerRoute(_ breaker: PolicyBreaker) -> PolicyRoute {
        PolicyRoute(
            charged(Scope(provider: breaker.provider, deployment: breaker.deployment, model: breaker.model)))
    }

    /// Configures breakers: that of new ones first, then providers, deployments and models, because narrow ones begin
    /// with what is above them.
    mutating func applyBreakers() throws(Refusal) {
        var known: [PolicyRoute: Int] = [:]
        var routes: [(item: Int, route: PolicyRoute)] = []
        for (item, breaker) in policy.breakers.enumerated() {
            try at("breakers", item) { (run) throws(Refusal) in
                let route = run.breakerRoute(breaker)
                if let other = known.updateValue(item, forKey: route) {
                    throw Refusal(.outOfRange, "it is the same breaker as breakers[\(other)]; tell one")
                }
                try run.validate(breaker)
                routes.append((item, route))
            }
        }
        for depth in 0...4 {
            for (item, route) in routes where route.depth == depth {
                try at("breakers", item) { (run) throws(Refusal) in
                    try run.apply(run.policy.breakers[item].change, to: route, item)
                }
            }
        }
    }

    private func validate(_ breaker: PolicyBreaker) throws(Refusal) {
        guard !breaker.change.isEmpty else {
            throw Refusal(.outOfRange, "a breaker of a policy sets at least one part of its configuration")
        }
        guard breaker.provider != nil || (breaker.deployment == nil && breaker.model == nil) else {
            throw Refusal(.outOfRange, "the breaker of a deployment or a model must name its provider")
        }
    }

    private mutating func apply(
        _ told: BreakerConfigurationChange, to route: PolicyRoute, _ item: Int
    ) throws(Refusal) {
        let said = machine.owned.breakers[route]
        let before = machine.breakerStanding(route)
        var change = told
        // A part that is not told any more: back to what it is without the policy, or the policy's as before.
        if prunes, let said { change = told.over(said.parts(of: before.base)) }
        let wanted = try before.configuration.applying(change)
        let isSo = wanted == before.configuration && before.isOwn
        if !isSo { try configure(change, route) }
        let says = prunes ? told : told.over(said ?? BreakerConfigurationChange())
        machine.owned.breakers[route] = says
        // There is always a configuration of new breakers. Parts that are as usual were set by nobody.
        let isThere =
            route.provider == nil
            ? change.parts(of: before.configuration) != change.parts(of: before.base) : before.isOwn
        let action = Self.action(isThere: isThere, isSo: isSo, said: said.map { $0 == says })
        let hadValue = isThere || (route.provider == nil && said != nil)
        note(
            .breaker, action, item: item, route.scope,
            from: hadValue ? PolicyWords.text(change.parts(of: before.configuration)) : nil,
            to: PolicyWords.text(change.parts(of: wanted)))
    }

    /// Changes a configuration, and what the policy's breakers below have of it.
    private mutating func configure(
        _ change: BreakerConfigurationChange, _ route: PolicyRoute
    ) throws(Refusal) {
        let before = machine.breakerStanding(route).configuration
        if let provider = route.provider {
            _ = try BreakerConfigure(
                name: provider, deployment: route.deployment, model: route.model, change: change
            ).apply(to: &machine, application, &effects)
        } else {
            // Under each profile, so that nothing of a policy stays with the breakers that have come since.
            try machine.configureDefault(change, reachesExisting: true, application, &effects)
        }
        try passDown(from: route, before, machine.breakerStanding(route).configuration)
    }

    /// Gives the policy's breakers below a route the parts that have changed there, if they have them from it.
    ///
    /// A configuration of its own begins with a copy of the one above it, and the policy sets some parts of it. The others
    /// follow what the policy makes of the one above, unless they were set to something else by hand. So a policy has the
    /// same effect whatever the one before it was.
    private mutating func passDown(
        from wide: PolicyRoute, _ before: BreakerConfiguration, _ after: BreakerConfiguration
    ) throws(Refusal) {
        guard before != after else { return }
        for route in breakers.below(wide) where breakerAbove(route) == wide {
            let standing = machine.breakerStanding(route)
            guard standing.isOwn else { continue }
            var parts = BreakerConfigurationChange(
                from: before, to: after, of: standing.configuration, butNot: breakers.said(of: route))
            if route.depth > 1 { parts.byModel = nil }
            // One that does not go together with the breaker's other parts is left as it is.
            guard !parts.isEmpty, (try? standing.configuration.applying(parts)) != nil else { continue }
            try configure(parts, route)
        }
    }

    /// The next one above a breaker that has a configuration of its own.
    private func breakerAbove(_ route: PolicyRoute) -> PolicyRoute? {
        route.wider.first { machine.breakerStanding($0).isOwn }
    }
}

/// The breakers that a policy says something of, or has said before, and what.
struct PolicyBreakers {
    private var said: [PolicyRoute: BreakerConfigurationChange]
    /// The routes below each one.
    private var routes: [PolicyRoute: [PolicyRoute]] = [:]

    /// The breakers that were the policy's before.
    init(_ owned: [PolicyRoute: BreakerConfigurationChange]) {
        said = owned
        for route in owned.keys.sorted() { note(route) }
    }

    /// Adds what the policy says now.
    mutating func add(_ change: BreakerConfigurationChange, of route: PolicyRoute) {
        if said[route] == nil { note(route) }
        said[route] = change.over(said[route] ?? BreakerConfigurationChange())
    }

    private mutating func note(_ route: PolicyRoute) {
        for wider in route.wider { routes[wider, default: []].append(route) }
    }

    /// The parts of a breaker that the policy says or has said.
    func said(of route: PolicyRoute) -> BreakerConfigurationChange { said[route] ?? BreakerConfigurationChange() }

    /// The routes below one.
    func below(_ wide: PolicyRoute) -> [PolicyRoute] { routes[wide] ?? [] }
}

extension PolicyRoute {
    /// How narrow it is: a configuration begins with one of a lower depth.
    fileprivate var depth: Int {
        (provider == nil ? 0 : 1) + (deployment == nil ? 0 : 1) + (model == nil ? 0 : 2)
    }

    /// Those that a configuration may begin with, the next one first, and that of new breakers last.
    fileprivate var wider: [PolicyRoute] {
        guard provider != nil else { return [] }
        let deployment = PolicyRoute(provider: provider, deployment: deployment)
        let all = [deployment, PolicyRoute(provider: provider), PolicyRoute(provider: nil)]
        return all.enumerated().filter { $1.depth < depth && ($0 == 0 || $1 != all[$0 - 1]) }.map(\.element)
    }
}

extension BreakerConfigurationChange {
    /// The parts that a configuration has from another one which has changed.
    ///
    /// - Parameters:
    ///   - before: the other one as it was
    ///   - after: the other one as it is
    ///   - own: the configuration
    ///   - named: parts that it does not have from there
    fileprivate init(
        from before: BreakerConfiguration, to after: BreakerConfiguration, of own: BreakerConfiguration,
        butNot named: BreakerConfigurationChange
    ) {
        func part<Value: Equatable>(_ path: KeyPath<BreakerConfiguration, Value>, _ named: Value?) -> Value? {
            let (was, now) = (before[keyPath: path], after[keyPath: path])
            return named == nil && was != now && own[keyPath: path] == was ? now : nil
        }
        self.init()
        failureThreshold = part(\.failureThreshold, named.failureThreshold)
        resetTimeoutMilliseconds = part(\.resetTimeoutMilliseconds, named.resetTimeoutMilliseconds)
        monitoringPeriodMilliseconds = part(\.monitoringPeriodMilliseconds, named.monitoringPeriodMilliseconds)
        minRequests = part(\.minRequests, named.minRequests)
        degradationCurve = part(\.degradationCurve, named.degradationCurve)
        maxProbes = part(\.maxProbes, named.maxProbes)
        minWorkers = part(\.minWorkers, named.minWorkers)
        failureRate = part(\.failureRate, named.failureRate)
        slowCallRate = part(\.slowCallRate, named.slowCallRate)
        slowCallMilliseconds = part(\.slowCallMilliseconds, named.slowCallMilliseconds)
        maxResetTimeoutMilliseconds = part(\.maxResetTimeoutMilliseconds, named.maxResetTimeoutMilliseconds)
        byModel = part(\.byModel, named.byModel)
    }
}
