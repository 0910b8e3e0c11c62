import FuseboxClient
import FuseboxWire

/// The present state as a policy.
struct PolicyExport {
    /// What the policy has set, as it said it last.
    private let inForce: Policy

    init(of inForce: Policy) { self.inForce = inForce }

    func read(from client: FuseboxClient) throws -> Policy {
        var policy = Policy()
        policy.limits = try client.limits.list().map { limit($0) }
        policy.prices = try client.prices.list()
        policy.aliases = try client.names.aliases()
        policy.breakers = try breakers(of: client)
        policy.cooldownMilliseconds = Int64(try client.exhaustion.defaultCooldown() / .milliseconds(1))
        policy.longestMarkMilliseconds = Int64(try client.exhaustion.longestMark() / .milliseconds(1))
        let names = try client.names.policy()
        policy.isStrict = names.isStrict
        policy.requiredTags = names.requiredTags
        return policy
    }

    /// A limit as a policy says it. A prepaid one that the policy has set has the amount that it said: applied again, that
    /// leaves alone what was topped up.
    private func limit(_ entry: LimitEntry) -> PolicyLimit {
        var limit = entry.limit
        if limit.window.kind == .prepaid,
            let said = inForce.limits.first(where: { $0.scope == entry.scope && $0.limit.isSame(as: limit) })
        {
            limit.amount = said.limit.amount
        }
        return PolicyLimit(scope: entry.scope, limit: limit)
    }

    // MARK: Breakers

    /// The configurations that differ from the usual ones, or that the policy has set.
    private func breakers(of client: FuseboxClient) throws -> [PolicyBreaker] {
        let usual = try client.breakers.defaultConfiguration()
        var own: [Route: BreakerConfiguration] = [:]
        for entry in try client.breakers.list() {
            let record = try client.breakers.serialize(
                Candidate(provider: entry.name, deployment: entry.deployment, model: entry.model))
            let route = Route(provider: entry.name, deployment: entry.deployment, model: entry.model)
            if record.isConfigured { own[route] = record.configuration }
        }
        var breakers: [PolicyBreaker] = []
        let parts = change(in: usual, from: BreakerConfiguration(), of: Route())
        if parts != BreakerConfigurationChange() { breakers.append(PolicyBreaker(provider: nil, change: parts)) }
        for (route, configuration) in own.sorted(by: { $0.key < $1.key }) {
            var parts = change(in: configuration, from: base(of: route, own, usual), of: route)
            if parts == BreakerConfigurationChange() { parts.failureThreshold = configuration.failureThreshold }
            breakers.append(
                PolicyBreaker(
                    provider: route.provider, deployment: route.deployment, model: route.model, change: parts))
        }
        return breakers
    }

    /// The configuration that a breaker has without one of its own.
    private func base(
        of route: Route, _ own: [Route: BreakerConfiguration], _ usual: BreakerConfiguration
    ) -> BreakerConfiguration {
        guard route.deployment != nil || route.model != nil else { return usual }
        let deployment = route.model == nil ? nil : route.deployment
        let wider = [Route(provider: route.provider, deployment: deployment), Route(provider: route.provider)]
        var base = wider.compactMap { own[$0] }.first ?? usual
        base.byModel = false
        return base
    }

    /// The parts that differ, and those that the policy has set.
    private func change(
        in configuration: BreakerConfiguration, from base: BreakerConfiguration, of route: Route
    ) -> BreakerConfigurationChange {
        let said =
            inForce.breakers.first {
                Route(provider: $0.provider, deployment: $0.deployment, model: $0.model) == route
            }?
            .change ?? BreakerConfigurationChange()
        func part<Value: Equatable>(_ value: Value, _ base: Value, _ said: Value?) -> Value? {
            value != base || said != nil ? value : nil
        }
        return BreakerConfigurationChange(
            failureThreshold: part(configuration.failureThreshold, base.failureThreshold, said.failureThreshold),
            resetTimeoutMilliseconds: part(
                configuration.resetTimeoutMilliseconds, base.resetTimeoutMilliseconds, said.resetTimeoutMilliseconds),
            monitoringPeriodMilliseconds: part(
                configuration.monitoringPeriodMilliseconds, base.monitoringPeriodMilliseconds,
                said.monitoringPeriodMilliseconds),
            minRequests: part(configuration.minRequests, base.minRequests, said.minRequests),
            degradationCurve: part(configuration.degradationCurve, base.degradationCurve, said.degradationCurve),
            maxProbes: part(configuration.maxProbes, base.maxProbes, said.maxProbes),
            minWorkers: part(configuration.minWorkers, base.minWorkers, said.minWorkers),
            failureRate: part(configuration.failureRate, base.failureRate, said.failureRate),
            slowCallRate: part(configuration.slowCallRate, base.slowCallRate, said.slowCallRate),
            slowCallMilliseconds: part(
                configuration.slowCallMilliseconds, base.slowCallMilliseconds, said.slowCallMilliseconds),
            maxResetTimeoutMilliseconds: part(
                configuration.maxResetTimeoutMilliseconds, base.maxResetTimeoutMilliseconds,
                said.maxResetTimeoutMilliseconds),
            byModel: part(configuration.byModel, base.byModel, said.byModel))
    }

    /// The names of a breaker.
    private struct Route: Hashable, Comparable {
        var provider: Name?
        var deployment: Name?
        var model: Name?

        static func < (one: Route, other: Route) -> Bool {
            for (name, otherName) in [
                (one.provider, other.provider), (one.deployment, other.deployment), (one.model, other.model),
            ] where name != otherName {
                guard let name else { return true }
                return otherName.map { name < $0 } ?? false
            }
            return false
        }
    }
}
