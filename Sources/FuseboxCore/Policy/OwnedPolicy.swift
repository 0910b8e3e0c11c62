import FuseboxWire

/// What the policy has set, as it said it last.
///
/// What an operator has set with other commands is not here, and no policy removes it. What is here may have been changed
/// or removed since: then the state differs from the policy until that is applied again, or another one is that prunes.
struct OwnedPolicy: Sendable, Equatable {
    var limits: [LimitIdentity: Limit] = [:]
    var prices: [PolicyRoute: Price] = [:]
    /// The models that aliases stand for. The model of the key is the alias.
    var aliases: [PolicyRoute: Name] = [:]
    /// The parts of breakers' configurations. The key of that of new breakers names nothing.
    var breakers: [PolicyRoute: BreakerConfigurationChange] = [:]
    var rules = PolicyRules()

    /// Whether no policy has set anything.
    var isEmpty: Bool {
        limits.isEmpty && prices.isEmpty && aliases.isEmpty && breakers.isEmpty && rules == PolicyRules()
    }

    /// Drops the limits on a tag that is forgotten. Nothing may name it afterwards.
    ///
    /// - Returns: whether there were some
    mutating func dropLimits(ofTag tag: Name) -> Bool {
        let count = limits.count
        limits = limits.filter { $0.key.tag != tag }
        return limits.count < count
    }
}

/// What a policy says once. What is nil is not the policy's.
struct PolicyRules: Sendable, Equatable {
    var cooldownMilliseconds: Int64?
    var longestMarkMilliseconds: Int64?
    var isStrict: Bool?
    var requiredTags: [Name]?

    init() {}

    init(_ policy: Policy) {
        cooldownMilliseconds = policy.cooldownMilliseconds
        longestMarkMilliseconds = policy.longestMarkMilliseconds
        isStrict = policy.isStrict
        requiredTags = policy.requiredTags
    }
}

/// The names that tell one price, alias or breaker from the others.
struct PolicyRoute: Sendable, Hashable, Comparable {
    var provider: Name?
    var deployment: Name?
    var model: Name?

    init(provider: Name?, deployment: Name? = nil, model: Name? = nil) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
    }

    init(_ alias: ModelAlias) { self.init(provider: alias.provider, model: alias.name) }
    init(_ price: PriceEntry) { self.init(provider: price.provider, model: price.model) }
    init(_ scope: Scope) { self.init(provider: scope.provider, deployment: scope.deployment, model: scope.model) }

    var scope: Scope { Scope(provider: provider, deployment: deployment, model: model) }

    static func < (one: PolicyRoute, other: PolicyRoute) -> Bool {
        (order(one.provider), order(one.deployment), order(one.model))
            < (order(other.provider), order(other.deployment), order(other.model))
    }
}

/// What tells one limit from the others: its scope, and what `Limit.isSame` compares.
struct LimitIdentity: Sendable, Hashable, Comparable {
    var route: PolicyRoute
    var tag: Name?
    var dimension: UInt8
    var kind: UInt8
    var unit: UInt8
    var lengthMilliseconds: Int64
    var isShadow: Bool

    init(_ scope: Scope, _ limit: Limit) {
        route = PolicyRoute(scope)
        tag = scope.tag
        dimension = limit.dimension.rawValue
        kind = limit.window.kind.rawValue
        unit = limit.window.kind == .calendar ? limit.window.unit.rawValue : 0
        lengthMilliseconds = limit.window.lengthMilliseconds
        isShadow = limit.mode == .shadow
    }

    var scope: Scope {
        var scope = route.scope
        scope.tag = tag
        return scope
    }

    private var number: (UInt8, UInt8, UInt8, Int64, UInt8) {
        (dimension, kind, unit, lengthMilliseconds, isShadow ? 1 : 0)
    }

    static func < (one: LimitIdentity, other: LimitIdentity) -> Bool {
        guard one.route == other.route else { return one.route < other.route }
        guard one.tag == other.tag else { return order(one.tag) < order(other.tag) }
        return one.number < other.number
    }
}

/// Orders names; a name that is absent comes first.
private func order(_ name: Name?) -> (Int, Name) { name.map { (1, $0) } ?? (0, .blank) }

private func < (
    one: ((Int, Name), (Int, Name), (Int, Name)), other: ((Int, Name), (Int, Name), (Int, Name))
) -> Bool {
    guard one.0 == other.0 else { return one.0 < other.0 }
    return one.1 == other.1 ? one.2 < other.2 : one.1 < other.1
}

extension BreakerConfigurationChange {
    /// This change, and the parts of an earlier one that it leaves alone.
    func over(_ earlier: BreakerConfigurationChange) -> BreakerConfigurationChange {
        var sum = self
        sum.failureThreshold = failureThreshold ?? earlier.failureThreshold
        sum.resetTimeoutMilliseconds = resetTimeoutMilliseconds ?? earlier.resetTimeoutMilliseconds
        sum.monitoringPeriodMilliseconds = monitoringPeriodMilliseconds ?? earlier.monitoringPeriodMilliseconds
        sum.minRequests = minRequests ?? earlier.minRequests
        sum.degradationCurve = degradationCurve ?? earlier.degradationCurve
        sum.maxProbes = maxProbes ?? earlier.maxProbes
        sum.minWorkers = minWorkers ?? earlier.minWorkers
        sum.failureRate = failureRate ?? earlier.failureRate
        sum.slowCallRate = slowCallRate ?? earlier.slowCallRate
        sum.slowCallMilliseconds = slowCallMilliseconds ?? earlier.slowCallMilliseconds
        sum.maxResetTimeoutMilliseconds = maxResetTimeoutMilliseconds ?? earlier.maxResetTimeoutMilliseconds
        sum.byModel = byModel ?? earlier.byModel
        return sum
    }

    /// The change that gives the parts which this one sets the values of a configuration.
    func parts(of configuration: BreakerConfiguration) -> BreakerConfigurationChange {
        var parts = BreakerConfigurationChange()
        if failureThreshold != nil { parts.failureThreshold = configuration.failureThreshold }
        if resetTimeoutMilliseconds != nil { parts.resetTimeoutMilliseconds = configuration.resetTimeoutMilliseconds }
        if monitoringPeriodMilliseconds != nil {
            parts.monitoringPeriodMilliseconds = configuration.monitoringPeriodMilliseconds
        }
        if minRequests != nil { parts.minRequests = configuration.minRequests }
        if degradationCurve != nil { parts.degradationCurve = configuration.degradationCurve }
        if maxProbes != nil { parts.maxProbes = configuration.maxProbes }
        if minWorkers != nil { parts.minWorkers = configuration.minWorkers }
        if failureRate != nil { parts.failureRate = configuration.failureRate }
        if slowCallRate != nil { parts.slowCallRate = configuration.slowCallRate }
        if slowCallMilliseconds != nil { parts.slowCallMilliseconds = configuration.slowCallMilliseconds }
        if maxResetTimeoutMilliseconds != nil {
            parts.maxResetTimeoutMilliseconds = configuration.maxResetTimeoutMilliseconds
        }
        if byModel != nil { parts.byModel = configuration.byModel }
        return parts
    }

    /// Whether it sets nothing.
    var isEmpty: Bool { self == BreakerConfigurationChange() }
}
