import FuseboxWire

extension StateMachine {
    /// Applies a policy, or tells what it would change.
    ///
    /// - Throws: the refusal of an item, which names it; then nothing has changed
    fileprivate mutating func apply(
        _ policy: Policy, prunes: Bool, isPreview: Bool, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> PolicyReport {
        var run = PolicyApplication(
            policy, to: self, prunes: prunes, isPreview: isPreview, application)
        try run.run()
        guard !isPreview, !run.report.changes.isEmpty else { return run.report }
        self = run.machine
        effects += run.effects
        return run.report
    }

    /// Notes that a breaker's configuration is not its own any more, if it is like the one above it.
    mutating func endOwnConfiguration(of key: RouteKey, ifLike base: BreakerConfiguration) {
        guard let place = breakers.find(key), breakers[place].configuration == base else { return }
        breakers.endOwnConfiguration(place)
    }

    // MARK: Telling

    /// An item that the policy has set.
    private enum OwnedItem {
        case limit(LimitIdentity, Limit)
        case price(PolicyRoute, Price)
        case alias(PolicyRoute, Name)
        case breaker(PolicyRoute, BreakerConfigurationChange)
    }

    /// The items that the policy has set, in their order.
    private var ownedItems: [OwnedItem] {
        owned.limits.sorted { $0.key < $1.key }.map { .limit($0.key, $0.value) }
            + owned.prices.sorted { $0.key < $1.key }.map { .price($0.key, $0.value) }
            + owned.aliases.sorted { $0.key < $1.key }.map { .alias($0.key, $0.value) }
            + owned.breakers.sorted { $0.key < $1.key }.map { .breaker($0.key, $0.value) }
    }

    fileprivate func page(at cursor: Int) -> PolicyGet.Reply {
        var reply = PolicyGet.Reply()
        if cursor == 0 {
            reply.policy.cooldownMilliseconds = owned.rules.cooldownMilliseconds
            reply.policy.longestMarkMilliseconds = owned.rules.longestMarkMilliseconds
            reply.policy.isStrict = owned.rules.isStrict
            reply.policy.requiredTags = owned.rules.requiredTags
            reply.drift = driftOfRules()
        }
        let items = ownedItems
        for item in items.dropFirst(cursor).prefix(PolicyGet.pageLength) { add(item, to: &reply) }
        let next = cursor + PolicyGet.pageLength
        if next < items.count { reply.next = UInt32(next) }
        return reply
    }

    private func add(_ item: OwnedItem, to reply: inout PolicyGet.Reply) {
        var drift: PolicyChange?
        let place: Int
        switch item {
        case .limit(let identity, let limit):
            place = reply.policy.limits.count
            reply.policy.limits.append(PolicyLimit(scope: identity.scope, limit: limit))
            drift = self.drift(of: identity, limit)
        case .price(let route, let price):
            place = reply.policy.prices.count
            reply.policy.prices.append(PriceEntry(provider: route.provider, model: route.model, price: price))
            drift = self.drift(of: route, price)
        case .alias(let alias, let model):
            guard let provider = alias.provider, let name = alias.model else { return }
            place = reply.policy.aliases.count
            reply.policy.aliases.append(ModelAlias(provider: provider, name: name, model: model))
            drift = self.drift(ofAlias: alias, model)
        case .breaker(let route, let change):
            place = reply.policy.breakers.count
            reply.policy.breakers.append(
                PolicyBreaker(
                    provider: route.provider, deployment: route.deployment, model: route.model, change: change))
            drift = self.drift(ofBreaker: route, change)
        }
        drift?.item = UInt32(place)
        if let drift { reply.drift.append(drift) }
    }
}

// MARK: Commands

extension PolicyApply: StateCommand {
    /// Applies the policy, all of it or nothing.
    ///
    /// - Throws: the refusal of an item, with the item before its message: what `limit.set`, `price.set`, `alias.set`,
    ///   `breaker.configure` and their like throw; `outOfRange` for an item that comes twice, and for a breaker of which
    ///   nothing is said; `overflow` if the amount of a prepaid limit would leave its range.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.apply(policy, prunes: prunes, isPreview: false, application, &effects)
    }

    /// True if everything was as the policy says.
    public static func leavesNoTrace(_ reply: Reply, under profile: Profile) -> Bool { reply.changes.isEmpty }
}

extension PolicyPreview: StateCommand {
    /// Returns what `PolicyApply` would change.
    ///
    /// - Throws: what that would throw
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.apply(policy, prunes: prunes, isPreview: true, application, &effects)
    }

    /// True under each profile.
    public static func leavesNoTrace(_ reply: Reply, under profile: Profile) -> Bool { true }
}

extension PolicyGet: StateCommand {
    /// Returns a page of what the policy has set, and how the state differs from it.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        machine.page(at: Int(cursor))
    }

    /// True under each profile.
    public static func leavesNoTrace(_ reply: Reply, under profile: Profile) -> Bool { true }
}
