import FuseboxWire

extension StateMachine {
    /// What a call is charged with: the cost that was told, else what its price says. A success has cost something, though
    /// nobody says how much.
    ///
    /// - Throws: `outOfRange`
    @inline(__always)
    func charge<Text: NameText>(
        _ usage: CallUsageOf<Text>?, _ outcome: Outcome, of provider: some NameText, asked: (some NameText)?
    ) throws(Refusal) -> CreditLedger.Charge {
        var charge = try charge(
            usage?.cost, usage?.tokens ?? TokenUsage(), of: provider, asked: asked, answered: usage?.model)
        if charge.cost == nil, outcome == .success { charge.parts.unpriced = 1 }
        return charge
    }

    /// What a call without a permit is charged with.
    ///
    /// - Throws: `outOfRange`
    func charge<Text: NameText>(
        _ usage: CallUsageOf<Text>?, _ outcome: Outcome, by route: Route<Text>
    ) throws(Refusal) -> CreditLedger.Charge {
        switch route.model {
        case .told(let name): try charge(usage, outcome, of: route.provider, asked: name)
        case .alias(let place): try charge(usage, outcome, of: route.provider, asked: rules.model(ofAlias: place))
        case .unspecified, nil: try charge(usage, outcome, of: route.provider, asked: Text?.none)
        }
    }

    /// What a call is charged with: the cost that was told, else what its price says.
    ///
    /// - Throws: `outOfRange`
    @inline(__always)
    func charge<Text: NameText>(
        _ cost: Money?, _ tokens: TokenUsage, of provider: some NameText, asked: (some NameText)?, answered: Text?
    ) throws(Refusal) -> CreditLedger.Charge {
        guard cost == nil, !prices.isEmpty else { return CreditLedger.Charge(cost: cost, tokens) }
        let price = try price(tokens, of: provider, asked: asked, answered: answered)
        return CreditLedger.Charge(cost: price, tokens)
    }

    /// What a call costs by the price of its model; nil: none is known.
    ///
    /// The name that answered is looked up before the one that was asked for, and a price with the provider before one
    /// without.
    ///
    /// - Throws: `outOfRange`
    func price<Text: NameText>(
        _ tokens: TokenUsage, of provider: some NameText, asked: (some NameText)?, answered: Text?
    ) throws(Refusal) -> Money? {
        guard !prices.isEmpty else { return nil }
        var found = answered.flatMap { prices.find(provider, $0) } ?? asked.flatMap { prices.find(provider, $0) }
        found = found ?? prices.find(provider, Name?.none)
        found =
            found ?? answered.flatMap { prices.find(Name?.none, $0) } ?? asked.flatMap { prices.find(Name?.none, $0) }
        return try found.flatMap { place throws(Refusal) in try prices[place].cost(of: tokens) }
    }

    // MARK: Estimates

    /// The cost that a call holds until it is settled, and where it comes from: what the estimate tells, else its tokens
    /// at the price of the model. A call that falls under a limit on cost that denies holds else what the last calls of
    /// its route have cost.
    @inline(__always)
    func heldCost<Text: NameText>(
        _ estimate: Estimate, _ route: Route<Text>, _ asked: borrowing AskedTags
    ) -> (cost: Money?, basis: CostBasis) {
        if let told = estimate.cost { return (told, .told) }
        if prices.isEmpty, recentCosts.isEmpty { return (nil, .nothing) }
        return likelyCost(estimate, route, asked)
    }

    private func likelyCost<Text: NameText>(
        _ estimate: Estimate, _ route: Route<Text>, _ asked: borrowing AskedTags
    ) -> (cost: Money?, basis: CostBasis) {
        if let place = findPrice(of: route), let cost = prices[place].cost(of: estimate) { return (cost, .priced) }
        let scopes = asked.scopes(of: route)
        guard let key = costRoute(of: scopes), route.isKnown, limitTable.deniesCost(scopes, tags, asked.new),
            let likely = recentCosts.likely(of: key)
        else { return (nil, .nothing) }
        return (likely.cost, likely.basis)
    }

    /// Remembers what a call by a route has cost.
    mutating func noteCost(
        _ charge: CreditLedger.Charge, _ outcome: Outcome, _ scopes: CallScopes, by user: UInt32
    ) {
        guard outcome == .success, let cost = charge.cost, let route = costRoute(of: scopes) else { return }
        // Under `llm-providers` a record may have any cost. A call holds no more than one may cost.
        let most = min(cost, WireLimits.callCost)
        let (isNew, gaveWay) = recentCosts.add(most, of: route, by: user, bounds)
        if isNew { retainNames(of: route) }
        if let gaveWay { releaseNames(of: gaveWay) }
    }

    /// Forgets what calls by the routes of a provider have cost.
    mutating func forgetCosts(of provider: NameID) {
        for route in recentCosts.remove(where: { key in
            key.place.map { names.parent(of: $0) ?? $0 } == provider
        }) { releaseNames(of: route) }
    }

    /// The exact route of a call. Nil if it names no provider.
    private func costRoute(of scopes: CallScopes) -> ScopeKey? {
        (scopes.deployment ?? scopes.provider).map { ScopeKey(place: $0, model: scopes.model) }
    }

    /// The place of the price by which a call is estimated. It is that of the model that is asked for.
    private func findPrice<Text: NameText>(of route: Route<Text>) -> Int? {
        guard !prices.isEmpty else { return nil }
        return switch route.model {
        case .told(let name): findPrice(of: route.provider, name)
        case .alias(let place): findPrice(of: route.provider, rules.model(ofAlias: place))
        case .unspecified, nil: prices.find(route.provider, Name?.none)
        }
    }

    private func findPrice(of provider: some NameText, _ model: some NameText) -> Int? {
        prices.find(provider, model) ?? prices.find(provider, Name?.none) ?? prices.find(Name?.none, model)
    }

    // MARK: Setting

    fileprivate mutating func set(_ entries: [PriceEntry]) throws(Refusal) -> UInt32 {
        guard 1...PriceSet.longest ~= entries.count else {
            throw Refusal(.outOfRange, "1 to \(PriceSet.longest) prices can be set at once, not \(entries.count)")
        }
        var new: [(Name?, Name?)] = []
        for entry in entries {
            try Self.validate(entry)
            if prices.find(entry.provider, entry.model) == nil,
                !new.contains(where: { $0 == (entry.provider, entry.model) })
            {
                new.append((entry.provider, entry.model))
            }
        }
        guard prices.count + new.count <= bounds.prices else {
            throw Refusal(.limitReached, "at most \(bounds.prices) prices can be set; remove some")
        }
        for entry in entries { _ = prices.set(entry) }
        return UInt32(entries.count - new.count)
    }

    /// Checks that a price can be set.
    ///
    /// - Throws: `outOfRange`
    static func validate(_ entry: PriceEntry) throws(Refusal) {
        guard entry.provider != nil || entry.model != nil else {
            throw Refusal(.outOfRange, "a price is that of a provider, a model or both")
        }
        try entry.price.validate()
    }
}

// MARK: Commands

extension PriceSet: StateCommand {
    /// Sets the prices, each in the place of the one before.
    ///
    /// - Throws: `outOfRange` for a price without a name, without an amount or with one outside its range; `limitReached`
    ///   if there is no room for those that are new. Then none is set.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        reply.replaced = try machine.set(prices)
        return reply
    }
}

extension PriceRemove: StateCommand {
    /// Removes the price.
    ///
    /// - Throws: `notFound` if there is none.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        guard machine.prices.remove(provider, model) else {
            let names = [model, provider].compactMap(\.self).map { "'\($0)'" }.joined(separator: " of ")
            throw Refusal(.notFound, "no price is set for \(names)")
        }
        return Done()
    }
}

extension PriceList: StateCommand {
    /// Returns a page of the prices, by provider and model.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        let prices = machine.prices.sorted
        guard Int(cursor) < prices.count else { return reply }
        reply.prices = Array(prices.dropFirst(Int(cursor)).prefix(WireLimits.pageLength))
        let next = Int(cursor) + WireLimits.pageLength
        if next < prices.count { reply.next = UInt32(next) }
        return reply
    }
}
