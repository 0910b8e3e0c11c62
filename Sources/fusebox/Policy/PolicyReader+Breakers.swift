import FuseboxWire
import Yams

extension PolicyReader {
    private static let breakerKeys = [
        "route", "failure_threshold", "reset_timeout", "max_reset_timeout", "monitoring_period", "min_requests",
        "failure_rate", "slow_rate", "slow_after", "max_probes", "min_workers", "curve", "by",
    ]
    private static let routeExamples = "default, a route such as openai@eu, or {provider: openai, deployment: eu}"

    mutating func readBreakers(_ node: Node) {
        guard let entries = list(node, "breakers", "'- route: openai' with 'reset_timeout: 90s' below") else { return }
        var known: [[Name?]: PolicyFile.Place] = [:]
        for entry in entries {
            guard let fields = fields(of: entry, "an entry of breakers", Self.breakerKeys) else { continue }
            guard let routeNode = fields["route"] else {
                fault(entry, "the route is missing; write \(Self.routeExamples)")
                continue
            }
            guard var breaker = breaker(routeNode) else { continue }
            breaker.change = change(fields)
            guard fields.count > 1 else {
                fault(entry, "the breaker of \(text(of: routeNode)) sets nothing; add a key such as reset_timeout: 90s")
                continue
            }
            let route = [breaker.provider, breaker.deployment, breaker.model]
            if let other = known.updateValue(place(entry), forKey: route) {
                fault(entry, "the same breaker is in line \(other.line); keep one of them")
                continue
            }
            file.policy.breakers.append(breaker)
            file.breakers.append(place(entry))
        }
    }

    /// Reads whose breaker it is.
    private mutating func breaker(_ node: Node) -> PolicyBreaker? {
        if let scalar = node.scalar, !isNothing(node) {
            if scalar.string == "default" { return PolicyBreaker(provider: nil, change: BreakerConfigurationChange()) }
            return route(node, scalar.string, Self.routeExamples).map {
                PolicyBreaker(
                    provider: $0.provider, deployment: $0.deployment, model: $0.model,
                    change: BreakerConfigurationChange())
            }
        }
        guard !isNothing(node), node.mapping != nil else {
            fault(node, "the route says nothing; write \(Self.routeExamples)")
            return nil
        }
        guard let fields = fields(of: node, "the route", ["provider", "deployment", "model"]) else { return nil }
        let before = faults.count
        let breaker = PolicyBreaker(
            provider: fields["provider"].flatMap { name($0, "the provider") },
            deployment: fields["deployment"].flatMap { name($0, "the deployment") },
            model: fields["model"].flatMap { name($0, "the model") }, change: BreakerConfigurationChange())
        guard faults.count == before else { return nil }
        guard breaker.provider != nil else {
            fault(node, "the route names no provider; write \(Self.routeExamples)")
            return nil
        }
        return breaker
    }

    private mutating func change(_ fields: [String: Node]) -> BreakerConfigurationChange {
        var change = BreakerConfigurationChange()
        change.failureThreshold = count(fields, "failure_threshold", 0...Int(UInt32.max))
        change.minRequests = count(fields, "min_requests", 0...Int(UInt32.max))
        change.maxProbes = count(fields, "max_probes", 0...Int(UInt32.max))
        change.minWorkers = count(fields, "min_workers", 0...Int(ValueRanges.minWorkers.upperBound))
        change.resetTimeoutMilliseconds = time(fields, "reset_timeout", ValueRanges.resetTimeout)
        change.maxResetTimeoutMilliseconds = time(fields, "max_reset_timeout", ValueRanges.maxResetTimeout)
        change.monitoringPeriodMilliseconds = time(fields, "monitoring_period", ValueRanges.monitoringPeriod)
        change.slowCallMilliseconds = time(fields, "slow_after", ValueRanges.slowCall)
        change.failureRate = rate(fields, "failure_rate")
        change.slowCallRate = rate(fields, "slow_rate")
        change.byModel = fields["by"].flatMap { word($0, "by", ["provider": false, "model": true]) }
        if let node = fields["curve"] {
            let text = (list(node, "curve", "[1, 0.5, 0.1]") ?? []).map { self.text(of: $0) }.joined(separator: ",")
            change.degradationCurve = value(node, "curve", text) { try NumberArgument.curve($0) }
        }
        return change
    }

    private mutating func count(_ fields: [String: Node], _ key: String, _ range: ClosedRange<Int>) -> UInt32? {
        guard let node = fields[key], let text = text(node, key, "5") else { return nil }
        return value(node, key, text) { try NumberArgument.within(range)($0) }.map { UInt32($0) }
    }

    private mutating func time(_ fields: [String: Node], _ key: String, _ range: ClosedRange<Int64>) -> Int64? {
        fields[key].flatMap { milliseconds($0, key, range) }
    }

    private mutating func rate(_ fields: [String: Node], _ key: String) -> Double? {
        guard let node = fields[key], let text = text(node, key, "50%") else { return nil }
        return value(node, key, text) { try NumberArgument.share($0) }
    }
}
