import FuseboxWire

extension CircuitBreaker {
    /// The whole state of the breaker as a record of this provider.
    public func record(name: Name, isConfigured: Bool) -> BreakerRecord {
        record(Candidate(provider: name), isConfigured: isConfigured)
    }

    /// The whole state of the breaker as a record of this route.
    public func record(_ route: Candidate, isConfigured: Bool) -> BreakerRecord {
        var record = BreakerRecord()
        record.name = route.provider
        record.deployment = route.deployment
        record.model = route.model
        record.configuration = configuration
        record.isConfigured = isConfigured
        record.consecutiveFailures = consecutiveFailures
        record.totalFailures = totalFailures
        record.totalSuccesses = totalSuccesses
        record.totalRequests = totalRequests
        record.lastFailure = lastFailure
        record.lastSuccess = lastSuccess
        record.lastRequest = lastRequest
        record.lastDecay = lastDecay
        record.windowStart = windowStart
        record.shareCredit = shareCredit
        record.blames = blames
        record.episode = episode
        record.openedBy = openedBy
        record.failedRecoveries = failedRecoveries
        record.calls = window.records(over: configuration.monitoringPeriodMilliseconds)
        return record
    }

    /// The breaker of a record. Under a profile that clamps failures, they are at most the threshold.
    ///
    /// - Throws: `outOfRange` if the configuration, a total, a moment, the share's credit, the number of blames or the
    ///   calls that count for the rates are out of range.
    public init(_ record: BreakerRecord, under profile: Profile = .fusebox) throws(Refusal) {
        try record.configuration.validate()
        for count in [record.totalFailures, record.totalSuccesses, record.totalRequests] {
            guard count <= WireLimits.breakerTotal else {
                throw Refusal(
                    .outOfRange, "a total of \(count) must lie between 0 and 2⁵³ (\(WireLimits.breakerTotal))")
            }
        }
        guard record.blames.count <= record.configuration.minWorkers else {
            throw Refusal(
                .outOfRange, "\(record.blames.count) blames are more than minWorkers \(record.configuration.minWorkers)"
            )
        }
        guard record.shareCredit < Self.wholeShare else {
            throw Refusal(.outOfRange, "shareCredit \(record.shareCredit) must be below \(Self.wholeShare)")
        }
        for moment in [record.lastFailure, record.lastSuccess, record.lastRequest, record.lastDecay] {
            if let moment { try validateMoment(moment, "a moment of the breaker") }
        }
        try validateMoment(record.windowStart, "windowStart")
        for blame in record.blames { try validateMoment(blame.at, "the moment of a blame") }
        let calls = try RateWindow(
            record.calls, isKept: record.configuration.hasRates,
            over: record.configuration.monitoringPeriodMilliseconds)
        self.init(checked: record, calls, under: profile)
    }
}
