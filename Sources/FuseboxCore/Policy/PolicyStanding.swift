import FuseboxWire

/// How what a policy names stands now.
extension StateMachine {
    /// The limit with this identity that is set on a scope. Nil if none is.
    func presentLimit(_ scope: Scope, like limit: Limit) -> Limit? {
        guard let target = try? find(scope),
            let rule = limitTable.findRule(target.key, target.prefix, limit)
        else { return nil }
        return limitTable.rules[rule].limit
    }

    /// The price of a provider, a model or both. Nil if none is set.
    func presentPrice(_ route: PolicyRoute) -> Price? {
        prices.find(route.provider, route.model).map { prices[$0] }
    }

    /// The model that a name stands for. Nil if it stands for itself.
    func presentModel(ofAlias alias: PolicyRoute) -> Name? {
        guard let provider = alias.provider, let name = alias.model else { return nil }
        return rules.findAlias(name, of: provider).map { rules.model(ofAlias: $0) }
    }

    /// How a breaker is configured, and what it would have without a configuration of its own.
    struct BreakerStanding {
        var configuration: BreakerConfiguration
        var base: BreakerConfiguration
        /// Whether the configuration is its own.
        var isOwn: Bool
        /// The route of the breaker, if it exists.
        var key: RouteKey?
    }

    /// How the breaker of a route is configured; without a provider, how new breakers are.
    func breakerStanding(_ route: PolicyRoute) -> BreakerStanding {
        guard let provider = route.provider else {
            return BreakerStanding(
                configuration: breakers.defaultConfiguration, base: BreakerConfiguration(), isOwn: true, key: nil)
        }
        let named = self.route(
            by: Candidate(provider: provider, deployment: route.deployment, model: route.model))
        guard let key = breakerKey(named: named), let breaker = breakers[key] else {
            let base = newConfiguration(of: named)
            return BreakerStanding(configuration: base, base: base, isOwn: false, key: nil)
        }
        return BreakerStanding(
            configuration: breaker.configuration, base: configurationAbove(key), isOwn: breakers.isConfigured(key),
            key: key)
    }

    // MARK: Drift

    /// What an apply of a limit that the policy has set would set back. Nil if it is as the policy says.
    func drift(of identity: LimitIdentity, _ limit: Limit) -> PolicyChange? {
        let present = presentLimit(identity.scope, like: limit)
        var wanted = limit
        // What was topped up is no drift.
        if limit.window.kind == .prepaid, let present { wanted.amount = present.amount }
        guard present.map({ !wanted.isAsSet($0) }) ?? true else { return nil }
        return .setBack(
            .limit, identity.scope, from: present.map { PolicyWords.text($0) }, to: PolicyWords.text(wanted))
    }

    /// What an apply of a price that the policy has set would set back.
    func drift(of route: PolicyRoute, _ price: Price) -> PolicyChange? {
        let present = presentPrice(route)
        guard present != price else { return nil }
        return .setBack(
            .price, route.scope, from: present.map { PolicyWords.text($0) }, to: PolicyWords.text(price))
    }

    /// What an apply of an alias that the policy has set would set back.
    func drift(ofAlias alias: PolicyRoute, _ model: Name) -> PolicyChange? {
        let present = presentModel(ofAlias: alias)
        guard present != model else { return nil }
        return .setBack(.alias, alias.scope, from: present?.text, to: model.text)
    }

    /// What an apply of the parts of a configuration that the policy has set would set back.
    func drift(ofBreaker route: PolicyRoute, _ change: BreakerConfigurationChange) -> PolicyChange? {
        let standing = breakerStanding(route)
        guard let wanted = try? standing.configuration.applying(change),
            wanted != standing.configuration || !standing.isOwn
        else { return nil }
        return .setBack(
            .breaker, route.scope,
            from: standing.isOwn ? PolicyWords.text(change.parts(of: standing.configuration)) : nil,
            to: PolicyWords.text(change.parts(of: wanted)))
    }

    /// What an apply of what the policy says once would set back.
    func driftOfRules() -> [PolicyChange] {
        func drift<Value: Equatable>(
            _ subject: PolicySubject, _ told: Value?, _ present: Value, _ text: (Value) -> String
        ) -> PolicyChange? {
            guard let told, told != present else { return nil }
            return .setBack(subject, .host, from: text(present), to: text(told))
        }
        return [
            drift(
                .cooldown, owned.rules.cooldownMilliseconds, exhaustion.defaultCooldownMilliseconds,
                Quantity.text(milliseconds:)),
            drift(
                .longestMark, owned.rules.longestMarkMilliseconds, exhaustion.longestMilliseconds,
                Quantity.text(milliseconds:)),
            drift(.strictness, owned.rules.isStrict, rules.isStrict) { "\($0)" },
            drift(.requiredTags, owned.rules.requiredTags, rules.requiredTags) { PolicyWords.text($0) },
        ].compactMap(\.self)
    }
}

extension PolicyChange {
    fileprivate static func setBack(
        _ subject: PolicySubject, _ scope: Scope, from before: String?, to after: String
    ) -> PolicyChange {
        PolicyChange(subject, .setBack, scope, from: before, to: after)
    }

    init(
        _ subject: PolicySubject, _ action: PolicyAction, item: Int? = nil, _ scope: Scope, from before: String?,
        to after: String?
    ) {
        self.init()
        self.subject = subject
        self.action = action
        self.item = item.map { UInt32($0) }
        self.scope = scope
        self.before = before.map { PolicyWords.cut($0) }
        self.after = after.map { PolicyWords.cut($0) }
    }
}

extension Limit {
    /// Whether two limits with the same identity say the same.
    func isAsSet(_ other: Limit) -> Bool {
        amount == other.amount && mode == other.mode && onLapse == other.onLapse && thresholds == other.thresholds
            && skipsCacheReads == other.skipsCacheReads
            && (window.kind != .calendar || window.isSameCalendar(as: other.window))
    }
}
