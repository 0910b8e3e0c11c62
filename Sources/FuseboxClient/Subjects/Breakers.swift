import FuseboxWire

extension FuseboxClient {
    /// Circuit breakers.
    public var breakers: Breakers { Breakers(client: self) }
}

/// Circuit breakers: whether a call to a provider may go out, and how earlier ones went.
///
/// Every method throws `ClientError`: `invalidArgument` for an invalid name, `refused` with the daemon's reason,
/// `unavailable` and the like. Changing what operators set needs an operator's rights.
public struct Breakers: Sendable {
    let client: FuseboxClient

    /// Asks whether a call may go out now. An unknown breaker is created.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` admits.
    public func acquire(_ name: String) throws(ClientError) -> Admission {
        Admission(try client.decide(BreakerAcquire(name: try Name(checking: name))))
    }

    /// Asks whether a call may go out now. An unknown breaker is created.
    public func acquire(_ name: String) async throws(ClientError) -> Admission {
        Admission(try await client.decide(BreakerAcquire(name: try Name(checking: name))))
    }

    /// Reports that a call succeeded.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` keeps the report.
    @discardableResult
    public func success(_ name: String) throws(ClientError) -> Delivery {
        try client.report(BreakerSuccess(name: try Name(checking: name))).delivery
    }

    /// Reports that a call succeeded.
    @discardableResult
    public func success(_ name: String) async throws(ClientError) -> Delivery {
        try await client.report(BreakerSuccess(name: try Name(checking: name))).delivery
    }

    /// Reports that a call failed.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` keeps the report.
    @discardableResult
    public func failure(_ name: String) throws(ClientError) -> Delivery {
        try client.report(BreakerFailure(name: try Name(checking: name))).delivery
    }

    /// Reports that a call failed.
    @discardableResult
    public func failure(_ name: String) async throws(ClientError) -> Delivery {
        try await client.report(BreakerFailure(name: try Name(checking: name))).delivery
    }

    /// The status of a breaker, and whether it is known. An unknown breaker has the status of a new one.
    ///
    /// - Parameter mustBeKnown: whether an unknown name is refused with `notFound`
    public func get(_ name: String, mustBeKnown: Bool = false) throws(ClientError) -> BreakerGet.Reply {
        try client.call(BreakerGet(name: try Name(checking: name), mustBeKnown: mustBeKnown))
    }

    /// The status of a breaker, and whether it is known. An unknown breaker has the status of a new one.
    ///
    /// - Parameter mustBeKnown: whether an unknown name is refused with `notFound`
    public func get(_ name: String, mustBeKnown: Bool = false) async throws(ClientError) -> BreakerGet.Reply {
        try await client.call(BreakerGet(name: try Name(checking: name), mustBeKnown: mustBeKnown))
    }

    /// All breakers.
    public func list() throws(ClientError) -> [BreakerList.Entry] { try client.all(BreakerList()) }

    /// All breakers.
    public func list() async throws(ClientError) -> [BreakerList.Entry] { try await client.all(BreakerList()) }

    /// Opens a breaker by hand; decay closes it again. An unknown breaker is created. For operators.
    ///
    /// - Parameter mustBeKnown: whether an unknown name is refused with `notFound`
    public func forceOpen(_ name: String, mustBeKnown: Bool = false) throws(ClientError) {
        _ = try client.call(BreakerForceOpen(name: try Name(checking: name), mustBeKnown: mustBeKnown))
    }

    /// Opens a breaker by hand; decay closes it again. An unknown breaker is created. For operators.
    ///
    /// - Parameter mustBeKnown: whether an unknown name is refused with `notFound`
    public func forceOpen(_ name: String, mustBeKnown: Bool = false) async throws(ClientError) {
        _ = try await client.call(BreakerForceOpen(name: try Name(checking: name), mustBeKnown: mustBeKnown))
    }

    /// Closes a breaker and forgets its failures and statistics; its configuration stays. For operators.
    ///
    /// - Parameter mustBeKnown: whether a name without a breaker is refused with `notFound` under `llm-providers` too
    public func reset(_ name: String, mustBeKnown: Bool = false) throws(ClientError) {
        _ = try client.call(BreakerReset(name: try Name(checking: name), mustBeKnown: mustBeKnown))
    }

    /// Closes a breaker and forgets its failures and statistics; its configuration stays. For operators.
    ///
    /// - Parameter mustBeKnown: whether a name without a breaker is refused with `notFound` under `llm-providers` too
    public func reset(_ name: String, mustBeKnown: Bool = false) async throws(ClientError) {
        _ = try await client.call(BreakerReset(name: try Name(checking: name), mustBeKnown: mustBeKnown))
    }

    /// Resets every breaker. For operators.
    public func resetAll() throws(ClientError) { _ = try client.call(BreakerResetAll()) }

    /// Resets every breaker. For operators.
    public func resetAll() async throws(ClientError) { _ = try await client.call(BreakerResetAll()) }

    /// Changes a breaker's configuration: what is nil keeps its value. An unknown breaker is created. For operators.
    ///
    /// - Parameters:
    ///   - failureThreshold: the number of consecutive failures at which the breaker opens; 0 counts as 1
    ///   - resetTimeout: the time without traffic that takes one failure off, 1 ms to 366 days
    ///   - monitoringPeriod: how long a worker's failure counts for `minWorkers`
    ///   - minRequests: stored, but not used
    ///   - degradationCurve: the shares admitted after 0, 1, 2 … failures; an empty one stands for the default
    ///   - maxProbes: how many calls with a permit may be in flight while the breaker is not closed; 0: as many as its
    ///     share admits
    ///   - minWorkers: how many distinct workers must report failures within the monitoring period for the breaker to
    ///     open fully, at most 16; 0 counts as 1
    ///   - mustBeKnown: whether an unknown name is refused with `notFound`
    public func configure(
        _ name: String, failureThreshold: Int? = nil, resetTimeout: Duration? = nil, monitoringPeriod: Duration? = nil,
        minRequests: Int? = nil, degradationCurve: [Double]? = nil, maxProbes: Int? = nil, minWorkers: Int? = nil,
        mustBeKnown: Bool = false
    ) throws(ClientError) {
        let change = try BreakerConfigurationChange(
            failureThreshold, resetTimeout, monitoringPeriod, minRequests, degradationCurve, maxProbes, minWorkers)
        _ = try client.call(BreakerConfigure(name: try Name(checking: name), change: change, mustBeKnown: mustBeKnown))
    }

    /// Changes a breaker's configuration: what is nil keeps its value. An unknown breaker is created. For operators.
    public func configure(
        _ name: String, failureThreshold: Int? = nil, resetTimeout: Duration? = nil, monitoringPeriod: Duration? = nil,
        minRequests: Int? = nil, degradationCurve: [Double]? = nil, maxProbes: Int? = nil, minWorkers: Int? = nil,
        mustBeKnown: Bool = false
    ) async throws(ClientError) {
        let change = try BreakerConfigurationChange(
            failureThreshold, resetTimeout, monitoringPeriod, minRequests, degradationCurve, maxProbes, minWorkers)
        _ = try await client.call(
            BreakerConfigure(name: try Name(checking: name), change: change, mustBeKnown: mustBeKnown))
    }

    /// A breaker's configuration; of an unknown one, the default.
    ///
    /// - Parameter mustBeKnown: whether an unknown name is refused with `notFound`
    public func configuration(_ name: String, mustBeKnown: Bool = false) throws(ClientError) -> BreakerConfiguration {
        try client.call(BreakerConfigurationGet(name: try Name(checking: name), mustBeKnown: mustBeKnown))
    }

    /// A breaker's configuration; of an unknown one, the default.
    ///
    /// - Parameter mustBeKnown: whether an unknown name is refused with `notFound`
    public func configuration(_ name: String, mustBeKnown: Bool = false) async throws(ClientError)
        -> BreakerConfiguration
    {
        try await client.call(BreakerConfigurationGet(name: try Name(checking: name), mustBeKnown: mustBeKnown))
    }

    /// Changes the configuration that breakers are created with, as `configure` does; existing ones keep theirs.
    public func configureDefault(
        failureThreshold: Int? = nil, resetTimeout: Duration? = nil, monitoringPeriod: Duration? = nil,
        minRequests: Int? = nil, degradationCurve: [Double]? = nil, maxProbes: Int? = nil, minWorkers: Int? = nil
    ) throws(ClientError) {
        let change = try BreakerConfigurationChange(
            failureThreshold, resetTimeout, monitoringPeriod, minRequests, degradationCurve, maxProbes, minWorkers)
        _ = try client.call(BreakerConfigureDefault(change: change))
    }

    /// Changes the configuration that breakers are created with, as `configure` does; existing ones keep theirs.
    public func configureDefault(
        failureThreshold: Int? = nil, resetTimeout: Duration? = nil, monitoringPeriod: Duration? = nil,
        minRequests: Int? = nil, degradationCurve: [Double]? = nil, maxProbes: Int? = nil, minWorkers: Int? = nil
    ) async throws(ClientError) {
        let change = try BreakerConfigurationChange(
            failureThreshold, resetTimeout, monitoringPeriod, minRequests, degradationCurve, maxProbes, minWorkers)
        _ = try await client.call(BreakerConfigureDefault(change: change))
    }

    /// The configuration that breakers are created with.
    public func defaultConfiguration() throws(ClientError) -> BreakerConfiguration { try client.call(BreakerDefault()) }

    /// The configuration that breakers are created with.
    public func defaultConfiguration() async throws(ClientError) -> BreakerConfiguration {
        try await client.call(BreakerDefault())
    }

    /// The whole state of a breaker. Refused with `notFound` if it is unknown.
    public func serialize(_ name: String) throws(ClientError) -> BreakerRecord {
        try client.call(BreakerSerialize(name: try Name(checking: name)))
    }

    /// The whole state of a breaker. Refused with `notFound` if it is unknown.
    public func serialize(_ name: String) async throws(ClientError) -> BreakerRecord {
        try await client.call(BreakerSerialize(name: try Name(checking: name)))
    }

    /// Replaces the breaker of the record's name by the record. For operators.
    public func deserialize(_ record: BreakerRecord) throws(ClientError) {
        _ = try client.call(BreakerDeserialize(record: record))
    }

    /// Replaces the breaker of the record's name by the record. For operators.
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
        _ degradationCurve: [Double]?, _ maxProbes: Int?, _ minWorkers: Int?
    ) throws(ClientError) {
        self.init(
            failureThreshold: try .optional(failureThreshold, "failureThreshold"),
            resetTimeoutMilliseconds: resetTimeout?.wholeMilliseconds,
            monitoringPeriodMilliseconds: monitoringPeriod?.wholeMilliseconds,
            minRequests: try .optional(minRequests, "minRequests"), degradationCurve: degradationCurve,
            maxProbes: try .optional(maxProbes, "maxProbes"), minWorkers: try .optional(minWorkers, "minWorkers"))
    }
}
