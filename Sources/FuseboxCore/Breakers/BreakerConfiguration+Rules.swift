import FuseboxWire

extension BreakerConfiguration {
    /// Checks that every value lies in its range.
    ///
    /// - Throws: `outOfRange`. The message names the value and its range.
    public func validate() throws(Refusal) {
        guard failureThreshold >= 1 else {
            throw Refusal(.outOfRange, "failureThreshold must be at least 1")
        }
        guard ValueRanges.resetTimeout.contains(resetTimeoutMilliseconds) else {
            throw Refusal(
                .outOfRange, "resetTimeout \(resetTimeoutMilliseconds) ms must lie between 1 ms and 366 days")
        }
        guard ValueRanges.monitoringPeriod.contains(monitoringPeriodMilliseconds) else {
            throw Refusal(
                .outOfRange, "monitoringPeriod \(monitoringPeriodMilliseconds) ms must lie between 0 and 366 days")
        }
        guard ValueRanges.minWorkers.contains(minWorkers) else {
            throw Refusal(.outOfRange, "minWorkers \(minWorkers) must lie between 1 and \(WireLimits.minWorkers)")
        }
        guard ValueRanges.curveLength.contains(degradationCurve.count) else {
            throw Refusal(
                .outOfRange,
                "a degradation curve of \(degradationCurve.count) points must have 1 to \(WireLimits.curveLength)")
        }
        guard degradationCurve.allSatisfy({ ValueRanges.share.contains($0) }) else {
            throw Refusal(.outOfRange, "each point of a degradation curve must lie between 0 and 1")
        }
        guard ValueRanges.share.contains(failureRate) else {
            throw Refusal(.outOfRange, "failureRate \(failureRate) must lie between 0 and 1")
        }
        guard ValueRanges.share.contains(slowCallRate) else {
            throw Refusal(.outOfRange, "slowCallRate \(slowCallRate) must lie between 0 and 1")
        }
        guard ValueRanges.slowCall.contains(slowCallMilliseconds) else {
            throw Refusal(.outOfRange, "slowCall \(slowCallMilliseconds) ms must lie between 0 and 366 days")
        }
        guard slowCallRate == 0 || slowCallMilliseconds > 0 else {
            throw Refusal(.outOfRange, "slowCallRate needs slowCall: from how long on a call is slow")
        }
        guard ValueRanges.maxResetTimeout.contains(maxResetTimeoutMilliseconds) else {
            throw Refusal(
                .outOfRange, "maxResetTimeout \(maxResetTimeoutMilliseconds) ms must lie between 0 and 366 days")
        }
    }

    /// This configuration with the given parts changed.
    ///
    /// As in llm-providers, a threshold of 0 counts as 1, points of the curve are clamped to 0…1, and an empty curve
    /// means the default curve.
    ///
    /// - Throws: `outOfRange`. The message names the value and its range.
    public func applying(_ change: BreakerConfigurationChange) throws(Refusal) -> BreakerConfiguration {
        var result = self
        if let threshold = change.failureThreshold { result.failureThreshold = max(1, threshold) }
        if let timeout = change.resetTimeoutMilliseconds { result.resetTimeoutMilliseconds = timeout }
        if let period = change.monitoringPeriodMilliseconds { result.monitoringPeriodMilliseconds = period }
        if let minRequests = change.minRequests { result.minRequests = minRequests }
        if let maxProbes = change.maxProbes { result.maxProbes = maxProbes }
        if let minWorkers = change.minWorkers { result.minWorkers = max(1, minWorkers) }
        if let rate = change.failureRate { result.failureRate = rate }
        if let rate = change.slowCallRate { result.slowCallRate = rate }
        if let slow = change.slowCallMilliseconds { result.slowCallMilliseconds = slow }
        if let limit = change.maxResetTimeoutMilliseconds { result.maxResetTimeoutMilliseconds = limit }
        if let byModel = change.byModel { result.byModel = byModel }
        if let curve = change.degradationCurve {
            result.degradationCurve =
                curve.isEmpty ? BreakerConfiguration().degradationCurve : curve.map { min(1, max(0, $0)) }
        }
        try result.validate()
        return result
    }
}
