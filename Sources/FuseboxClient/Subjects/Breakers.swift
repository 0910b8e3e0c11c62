import FuseboxWire

extension FuseboxClient {
    /// Circuit breakers.
    public var breakers: Breakers { Breakers(client: self) }
}

/// Circuit breakers: whether a call to a provider may go out, and how earlier ones went.
///
/// A breaker is named by its route: `"openai"`, `"openai@eu"`, `"openai/gpt-4o"`. `Candidate(route:)` reads text that
/// comes from elsewhere, and `Candidate(_:deployment:model:)` takes names that hold `/` or `@`. A deployment has a
/// breaker of its own, and so have the models of a provider whose breaker is configured `byModel`. Calls report to the
/// breaker of their route. Other methods take the route as it is: they find no breaker of a model where the models of a
/// provider share one.
///
/// Every method throws `ClientError`: `invalidArgument` for a value out of its range, `refused` with the daemon's reason,
/// `unavailable` and the like. Changing what operators set needs an operator's rights.
public struct Breakers: Sendable {
    let client: FuseboxClient

    /// Asks whether a call may go out now. An unknown breaker is created.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` admits.
    public func acquire(_ route: Candidate) throws(ClientError) -> Admission {
        Admission(try client.decide(BreakerAcquire(route)))
    }

    /// Asks whether a call may go out now. An unknown breaker is created.
    public func acquire(_ route: Candidate) async throws(ClientError) -> Admission {
        Admission(try await client.decide(BreakerAcquire(route)))
    }

    /// Reports that a call succeeded.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` keeps the report.
    @discardableResult
    public func success(_ route: Candidate) throws(ClientError) -> Delivery {
        try client.report(BreakerSuccess(route)).delivery
    }

    /// Reports that a call succeeded.
    @discardableResult
    public func success(_ route: Candidate) async throws(ClientError) -> Delivery {
        try await client.report(BreakerSuccess(route)).delivery
    }

    /// Reports that a call failed.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` keeps the report.
    @discardableResult
    public func failure(_ route: Candidate) throws(ClientError) -> Delivery {
        try client.report(BreakerFailure(route)).delivery
    }

    /// Reports that a call failed.
    @discardableResult
    public func failure(_ route: Candidate) async throws(ClientError) -> Delivery {
        try await client.report(BreakerFailure(route)).delivery
    }

    /// The status of a breaker, and whether it is known. An unknown breaker has the status of a new one.
    ///
    /// - Parameters:
    ///   - route: the route of the breaker
    ///   - mustBeKnown: whether an unknown name is refused with `notFound`
    public func get(_ route: Candidate, mustBeKnown: Bool = false) throws(ClientError) -> BreakerGet.Reply {
        try client.call(BreakerGet(route, mustBeKnown: mustBeKnown))
    }

    /// The status of a breaker, and whether it is known. An unknown breaker has the status of a new one.
    ///
    /// - Parameters:
    ///   - route: the route of the breaker
    ///   - mustBeKnown: whether an unknown name is refused with `notFound`
    public func get(_ route: Candidate, mustBeKnown: Bool = false) async throws(ClientError) -> BreakerGet.Reply {
        try await client.call(BreakerGet(route, mustBeKnown: mustBeKnown))
    }

    /// All breakers.
    public func list() throws(ClientError) -> [BreakerList.Entry] { try client.all(BreakerList()) }

    /// All breakers.
    public func list() async throws(ClientError) -> [BreakerList.Entry] { try await client.all(BreakerList()) }

    /// Opens a breaker by hand; decay closes it again. An unknown breaker is created. For operators.
    ///
    /// - Parameters:
    ///   - route: the route of the breaker
    ///   - mustBeKnown: whether an unknown name is refused with `notFound`
    public func forceOpen(_ route: Candidate, mustBeKnown: Bool = false) throws(ClientError) {
        _ = try client.call(BreakerForceOpen(route, mustBeKnown: mustBeKnown))
    }

    /// Opens a breaker by hand; decay closes it again. An unknown breaker is created. For operators.
    ///
    /// - Parameters:
    ///   - route: the route of the breaker
    ///   - mustBeKnown: whether an unknown name is refused with `notFound`
    public func forceOpen(_ route: Candidate, mustBeKnown: Bool = false) async throws(ClientError) {
        _ = try await client.call(BreakerForceOpen(route, mustBeKnown: mustBeKnown))
    }

    /// Closes a breaker and forgets its failures and statistics; its configuration stays. For operators.
    ///
    /// - Parameters:
    ///   - route: the route of the breaker
    ///   - mustBeKnown: whether a name without a breaker is refused with `notFound` under `llm-providers` too
    public func reset(_ route: Candidate, mustBeKnown: Bool = false) throws(ClientError) {
        _ = try client.call(BreakerReset(route, mustBeKnown: mustBeKnown))
    }

    /// Closes a breaker and forgets its failures and statistics; its configuration stays. For operators.
    ///
    /// - Parameters:
    ///   - route: the route of the breaker
    ///   - mustBeKnown: whether a name without a breaker is refused with `notFound` under `llm-providers` too
    public func reset(_ route: Candidate, mustBeKnown: Bool = false) async throws(ClientError) {
        _ = try await client.call(BreakerReset(route, mustBeKnown: mustBeKnown))
    }

    /// Removes a breaker with its statistics and its configuration. The next call makes it anew. For operators.
    ///
    /// - Parameter route: the route of the breaker; `notFound` if it has none
    public func remove(_ route: Candidate) throws(ClientError) { _ = try client.call(BreakerRemove(route)) }

    /// Removes a breaker with its statistics and its configuration. The next call makes it anew. For operators.
    ///
    /// - Parameter route: the route of the breaker; `notFound` if it has none
    public func remove(_ route: Candidate) async throws(ClientError) { _ = try await client.call(BreakerRemove(route)) }

    /// Resets every breaker. For operators.
    public func resetAll() throws(ClientError) { _ = try client.call(BreakerResetAll()) }

    /// Resets every breaker. For operators.
    public func resetAll() async throws(ClientError) { _ = try await client.call(BreakerResetAll()) }

    /// Changes a breaker's configuration: what is nil keeps its value. An unknown breaker is created. For operators.
    ///
    /// - Parameters:
    ///   - route: the route of the breaker
    ///   - failureThreshold: the number of consecutive failures at which the breaker opens; 0 counts as 1
    ///   - resetTimeout: the time without traffic that takes one failure off, 1 ms to 366 days
    ///   - monitoringPeriod: how long a call counts for the rates, and a worker's failure for `minWorkers`
    ///   - minRequests: how many calls of the monitoring period a rate needs to open the breaker
    ///   - degradationCurve: the shares admitted after 0, 1, 2 … failures; an empty one stands for the default
    ///   - maxProbes: from the opening of the breaker until it is closed, how many calls with a permit of that time may
    ///     be in flight; 0: as many as its share admits
    ///   - minWorkers: how many distinct workers must report failures within the monitoring period for the breaker to
    ///     open fully, at most 16; 0 counts as 1
    ///   - failureRate: the share of failed calls, 0 to 1, at which a failure opens the breaker; 0: any may fail
    ///   - slowCallRate: the share of slow calls, 0 to 1, at which a slow call opens the breaker; 0: any may be slow
    ///   - slowCall: from how long on a call is slow; zero: none is
    ///   - maxResetTimeout: up to where the reset timeout doubles with each recovery that fails; zero: it stays
    ///   - byModel: whether each model of the provider has a breaker of its own
    ///   - mustBeKnown: whether an unknown name is refused with `notFound`
    ///   - ifAbsent: whether a breaker that has a configuration of its own keeps it
    public func configure(
        _ route: Candidate, failureThreshold: Int? = nil, resetTimeout: Duration? = nil,
        monitoringPeriod: Duration? = nil,
        minRequests: Int? = nil, degradationCurve: [Double]? = nil, maxProbes: Int? = nil, minWorkers: Int? = nil,
        failureRate: Double? = nil, slowCallRate: Double? = nil, slowCall: Duration? = nil,
        maxResetTimeout: Duration? = nil, byModel: Bool? = nil, mustBeKnown: Bool = false,
        ifAbsent: Bool = false
    ) throws(ClientError) {
        let change = try BreakerConfigurationChange(
            failureThreshold, resetTimeout, monitoringPeriod, minRequests, degradationCurve, maxProbes, minWorkers,
            failureRate, slowCallRate, slowCall, maxResetTimeout, byModel)
        _ = try client.call(
            BreakerConfigure(route, change: change, mustBeKnown: mustBeKnown, ifAbsent: ifAbsent))
    }

    /// Changes a breaker's configuration: what is nil keeps its value. An unknown breaker is created. For operators.
    public func configure(
        _ route: Candidate, failureThreshold: Int? = nil, resetTimeout: Duration? = nil,
        monitoringPeriod: Duration? = nil,
        minRequests: Int? = nil, degradationCurve: [Double]? = nil, maxProbes: Int? = nil, minWorkers: Int? = nil,
        failureRate: Double? = nil, slowCallRate: Double? = nil, slowCall: Duration? = nil,
        maxResetTimeout: Duration? = nil, byModel: Bool? = nil, mustBeKnown: Bool = false,
        ifAbsent: Bool = false
    ) async throws(ClientError) {
        let change = try BreakerConfigurationChange(
            failureThreshold, resetTimeout, monitoringPeriod, minRequests, degradationCurve, maxProbes, minWorkers,
            failureRate, slowCallRate, slowCall, maxResetTimeout, byModel)
        _ = try await client.call(
            BreakerConfigure(route, change: change, mustBeKnown: mustBeKnown, ifAbsent: ifAbsent))
    }

    /// A breaker's configuration; of an unknown one, the default.
    ///
    /// - Parameters:
    ///   - route: the route of the breaker
    ///   - mustBeKnown: whether an unknown name is refused with `notFound`
    public func configuration(_ route: Candidate, mustBeKnown: Bool = false) throws(ClientError) -> BreakerConfiguration
    {
        try client.call(BreakerConfigurationGet(route, mustBeKnown: mustBeKnown))
    }

    /// A breaker's configuration; of an unknown one, the default.
    ///
    /// - Parameters:
    ///   - route: the route of the breaker
    ///   - mustBeKnown: whether an unknown name is refused with `notFound`
    public func configuration(_ route: Candidate, mustBeKnown: Bool = false) async throws(ClientError)
        -> BreakerConfiguration
    {
        try await client.call(BreakerConfigurationGet(route, mustBeKnown: mustBeKnown))
    }

    /// Changes the configuration of breakers that have none of their own, as `configure` does. Under the profile
    /// `llm-providers`, breakers that exist keep theirs.
    public func configureDefault(
        failureThreshold: Int? = nil, resetTimeout: Duration? = nil, monitoringPeriod: Duration? = nil,
        minRequests: Int? = nil, degradationCurve: [Double]? = nil, maxProbes: Int? = nil, minWorkers: Int? = nil,
        failureRate: Double? = nil, slowCallRate: Double? = nil, slowCall: Duration? = nil,
        maxResetTimeout: Duration? = nil, byModel: Bool? = nil
    ) throws(ClientError) {
        let change = try BreakerConfigurationChange(
            failureThreshold, resetTimeout, monitoringPeriod, minRequests, degradationCurve, maxProbes, minWorkers,
            failureRate, slowCallRate, slowCall, maxResetTimeout, byModel)
        _ = try client.call(BreakerConfigureDefault(change: change))
    }

    /// Changes the configuration of breakers that have none of their own, as `configure` does. Under the profile
    /// `llm-providers`, breakers that exist keep theirs.
    public func configureDefault(
        failureThreshold: Int? = nil, resetTimeout: Duration? = nil, monitoringPeriod: Duration? = nil,
        minRequests: Int? = nil, degradationCurve: [Double]? = nil, maxProbes: Int? = nil, minWorkers: Int? = nil,
        failureRate: Double? = nil, slowCallRate: Double? = nil, slowCall: Duration? = nil,
        maxResetTimeout: Duration? = nil, byModel: Bool? = nil
    ) async throws(ClientError) {
        let change = try BreakerConfigurationChange(
            failureThreshold, resetTimeout, monitoringPeriod, minRequests, degradationCurve, maxProbes, minWorkers,
            failureRate, slowCallRate, slowCall, maxResetTimeout, byModel)
        _ = try await client.call(BreakerConfigureDefault(change: change))
    }

    /// The configuration that breakers are created with.
    public func defaultConfiguration() throws(ClientError) -> BreakerConfiguration { try client.call(BreakerDefault()) }

    /// The configuration that breakers are created with.
    public func defaultConfiguration() async throws(ClientError) -> BreakerConfiguration {
        try await client.call(BreakerDefault())
    }

    /// The whole state of a breaker. Refused with `notFound` if it is unknown.
    public func serialize(_ route: Candidate) throws(ClientError) -> BreakerRecord {
        try client.call(BreakerSerialize(route))
    }

    /// The whole state of a breaker. Refused with `notFound` if it is unknown.
    public func serialize(_ route: Candidate) async throws(ClientError) -> BreakerRecord {
        try await client.call(BreakerSerialize(route))
    }

    /// Replaces the breaker of the record's route by the record. For operators.
    public func deserialize(_ record: BreakerRecord) throws(ClientError) {
        _ = try client.call(BreakerDeserialize(record: record))
    }

    /// Replaces the breaker of the record's route by the record. For operators.
    public func deserialize(_ record: BreakerRecord) async throws(ClientError) {
        _ = try await client.call(BreakerDeserialize(record: record))
    }
}

/// Whether a call may go out.
public struct Admission: Sendable, Equatable {
    /// Whether the call may go out.
    public var admitted: Bool
    /// The time until traffic is let through again. Zero if the call is admitted, or if the next one may be.
    public var retryAfter: Duration
    /// The number of consecutive failures, which is the breaker's place on its degradation curve.
    public var consecutiveFailures: Int
    /// The share of traffic that is admitted, 0 to 1.
    public var share: Double
    /// Whether the daemon did not answer and the client fails open. The other values are then assumed.
    public var isAssumed: Bool

    init(_ reply: BreakerAcquire.Reply?) {
        admitted = reply?.admitted ?? true
        retryAfter = .milliseconds(reply?.retryAfterMilliseconds ?? 0)
        consecutiveFailures = Int(reply?.consecutiveFailures ?? 0)
        share = reply?.share ?? 1
        isAssumed = reply == nil
    }
}

extension BreakerConfigurationChange {
    fileprivate init(
        _ failureThreshold: Int?, _ resetTimeout: Duration?, _ monitoringPeriod: Duration?, _ minRequests: Int?,
        _ degradationCurve: [Double]?, _ maxProbes: Int?, _ minWorkers: Int?, _ failureRate: Double?,
        _ slowCallRate: Double?, _ slowCall: Duration?, _ maxResetTimeout: Duration?, _ byModel: Bool?
    ) throws(ClientError) {
        self.init(
            failureThreshold: try .optional(failureThreshold, "failureThreshold"),
            resetTimeoutMilliseconds: resetTimeout?.wholeMilliseconds,
            monitoringPeriodMilliseconds: monitoringPeriod?.wholeMilliseconds,
            minRequests: try .optional(minRequests, "minRequests"), degradationCurve: degradationCurve,
            maxProbes: try .optional(maxProbes, "maxProbes"), minWorkers: try .optional(minWorkers, "minWorkers"),
            failureRate: failureRate, slowCallRate: slowCallRate, slowCallMilliseconds: slowCall?.wholeMilliseconds,
            maxResetTimeoutMilliseconds: maxResetTimeout?.wholeMilliseconds, byModel: byModel)
    }
}

// Commands about the breaker of a route.

extension BreakerAcquire {
    fileprivate init(_ route: Candidate) {
        self.init(name: route.provider, deployment: route.deployment, model: route.model)
    }
}

extension BreakerSuccess {
    fileprivate init(_ route: Candidate) {
        self.init(name: route.provider, deployment: route.deployment, model: route.model)
    }
}

extension BreakerFailure {
    fileprivate init(_ route: Candidate) {
        self.init(name: route.provider, deployment: route.deployment, model: route.model)
    }
}

extension BreakerGet {
    fileprivate init(_ route: Candidate, mustBeKnown: Bool) {
        self.init(name: route.provider, deployment: route.deployment, model: route.model, mustBeKnown: mustBeKnown)
    }
}

extension BreakerForceOpen {
    fileprivate init(_ route: Candidate, mustBeKnown: Bool) {
        self.init(name: route.provider, deployment: route.deployment, model: route.model, mustBeKnown: mustBeKnown)
    }
}

extension BreakerReset {
    fileprivate init(_ route: Candidate, mustBeKnown: Bool) {
        self.init(name: route.provider, deployment: route.deployment, model: route.model, mustBeKnown: mustBeKnown)
    }
}

extension BreakerRemove {
    fileprivate init(_ route: Candidate) {
        self.init(name: route.provider, deployment: route.deployment, model: route.model)
    }
}

extension BreakerConfigure {
    fileprivate init(_ route: Candidate, change: BreakerConfigurationChange, mustBeKnown: Bool, ifAbsent: Bool) {
        self.init(
            name: route.provider, deployment: route.deployment, model: route.model, change: change,
            mustBeKnown: mustBeKnown, ifAbsent: ifAbsent)
    }
}

extension BreakerConfigurationGet {
    fileprivate init(_ route: Candidate, mustBeKnown: Bool) {
        self.init(name: route.provider, deployment: route.deployment, model: route.model, mustBeKnown: mustBeKnown)
    }
}

extension BreakerSerialize {
    fileprivate init(_ route: Candidate) {
        self.init(name: route.provider, deployment: route.deployment, model: route.model)
    }
}
