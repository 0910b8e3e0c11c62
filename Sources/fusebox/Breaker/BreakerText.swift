import FuseboxInterop
import FuseboxWire

/// Breakers as text for people.
enum BreakerText {
    /// A configuration, a line for each rule. What does nothing under the profile says so.
    static func listing(_ configuration: BreakerConfiguration, under profile: Profile) -> Listing {
        let first = configuration.resetTimeoutMilliseconds
        let last = configuration.maxResetTimeoutMilliseconds
        return [
            "failure threshold": "\(configuration.failureThreshold)",
            "reset timeout": Quantity.text(milliseconds: first)
                + (last > first
                    ? ", doubled by each recovery that fails, up to \(Quantity.text(milliseconds: last))" : ""),
            "curve": configuration.degradationCurve.map { JSONValue($0).text() }.joined(separator: ","),
            "failure rate": configuration.failureRate > 0
                ? Formatting.percent(configuration.failureRate) + idle(profile) : "off",
            "slow-call rate": configuration.slowCallRate > 0
                ? "\(Formatting.percent(configuration.slowCallRate)) of calls of at least \(slowCall(configuration))"
                    + idle(profile)
                : "off",
            "monitoring period": Quantity.text(milliseconds: configuration.monitoringPeriodMilliseconds),
            "min requests": "\(configuration.minRequests)\(idle(profile))",
            "max probes": configuration.maxProbes == 0 ? "no limit but the share" : "\(configuration.maxProbes)",
            "min workers": "\(configuration.minWorkers)",
            "by": configuration.byModel ? "model" : "provider",
        ]
    }

    /// What is said of a rate: under `llm-providers` there are none.
    private static func idle(_ profile: Profile) -> String {
        profile == .llmProviders ? ", not under the profile \(profile.name)" : ""
    }

    private static func slowCall(_ configuration: BreakerConfiguration) -> String {
        Quantity.text(milliseconds: configuration.slowCallMilliseconds)
    }

    /// The rule that has opened a breaker.
    static func sentence(_ rule: BreakerRule) -> String {
        switch rule {
        case .failures: "too many calls in a row failed"
        case .failureRate: "too large a share of the calls failed"
        case .slowCallRate: "too large a share of the calls was slow"
        case .forced: "an operator has opened it"
        case .unknown(let number): "rule \(number), which this version does not know"
        }
    }

    /// How many workers have reported failures, and how many must; nil if one is enough.
    static func workers(_ status: BreakerStatus) -> String? {
        guard status.minWorkers > 1 else { return nil }
        let told = "failures of \(status.failedWorkers) of the \(status.minWorkers) workers that open it"
        return status.isHeldByWorkers ? "\(told), so it is held before that" : told
    }

    /// The share of failed calls, and the one that opens the breaker.
    static func failures(_ rates: BreakerRates, under profile: Profile) -> String? {
        guard rates.failureRate > 0 else { return nil }
        if profile == .llmProviders { return "\(Formatting.percent(rates.failureRate))\(idle(profile))" }
        return share(rates.failures, of: rates.calls, "failed", rates.failureRate, rates)
    }

    /// The share of slow calls, and the one that opens the breaker.
    static func slowCalls(_ rates: BreakerRates, under profile: Profile) -> String? {
        guard rates.slowCallRate > 0 else { return nil }
        if profile == .llmProviders { return "\(Formatting.percent(rates.slowCallRate))\(idle(profile))" }
        let slow = "took at least \(Quantity.text(milliseconds: rates.slowCallMilliseconds))"
        return share(rates.slow, of: rates.timed, slow, rates.slowCallRate, rates)
    }

    private static func share(
        _ part: UInt64, of calls: UInt64, _ what: String, _ bound: Double, _ rates: BreakerRates
    ) -> String {
        let now =
            calls == 0
            ? "no calls" : "\(part) of \(Quantity.count(calls, "call")) (\(percent(part, of: calls))) \(what)"
        let period = Quantity.text(milliseconds: rates.monitoringPeriodMilliseconds)
        let least = rates.minRequests > 1 ? " from \(Quantity.count(UInt64(rates.minRequests), "call")) on" : ""
        return "\(now) within \(period); \(Formatting.percent(bound))\(least) opens it"
    }

    private static func percent(_ part: UInt64, of calls: UInt64) -> String {
        Formatting.percent((Double(part) / Double(calls) * 1_000).rounded(.down) / 1_000)
    }
}
