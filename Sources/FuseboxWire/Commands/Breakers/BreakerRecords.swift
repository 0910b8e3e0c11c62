/// What a breaker lets through, as a word.
public enum BreakerState: OpenEnumeration {
    /// Everything passes.
    case closed
    /// A share passes, and the last outcome was a failure.
    case degraded
    /// A share passes, and the last outcome was a success.
    case recovering
    /// Nothing passes.
    case open
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [BreakerState] = [.closed, .degraded, .recovering, .open]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .closed: 0
        case .degraded: 1
        case .recovering: 2
        case .open: 3
        case .unknown(let number): number
        }
    }
}

/// A breaker as it stands at a moment.
public struct BreakerStatus: OpenRecord {
    /// Closed at a share of 1, open at a share of 0, otherwise recovering or degraded.
    public var state: BreakerState = .closed
    /// Failures less successes and decay: the point of the degradation curve that gives the share.
    public var consecutiveFailures: UInt32 = 0
    /// Consecutive failures at which it opens.
    public var failureThreshold: UInt32 = 0
    /// The share of traffic admitted, 0 to 1.
    public var share: Double = 0
    /// Failures since the last reset.
    public var totalFailures: UInt64 = 0
    /// Successes since the last reset.
    public var totalSuccesses: UInt64 = 0
    /// Outcomes since the last reset.
    public var totalRequests: UInt64 = 0
    /// When a failure was last reported.
    public var lastFailure: Timestamp?
    /// When a success was last reported.
    public var lastSuccess: Timestamp?
    /// When a call last asked for it, or it was forced open.
    public var lastRequest: Timestamp?
    /// When decay will next take a failure off; absent if there is none.
    public var nextAttempt: Timestamp?
    /// How often it has opened, and closed after that. An outcome moves the breaker only in the episode in which its
    /// call was admitted.
    public var episode: UInt32 = 0
    /// What has opened it first since it last was closed; absent if it has not opened.
    public var openedBy: BreakerRule?
    /// Quiet time that takes one failure off now; it grows with the recoveries that fail.
    public var resetTimeoutMilliseconds: Int64 = 0
    /// How often it has opened again since it last was closed.
    public var failedRecoveries: UInt32 = 0
    /// The rates now and those that open it; absent if none is configured.
    public var rates: BreakerRates?
    /// How many workers must report failures within the monitoring period for it to open.
    public var minWorkers: UInt32 = 1
    /// How many workers have reported failures within that time, at most `minWorkers`; 0 if one is enough.
    public var failedWorkers: UInt32 = 0
    /// Whether it stands at the last step before it opens until failures of enough workers are reported.
    public var isHeldByWorkers = false

    /// Every field has its default.
    @inlinable public init() {}

    /// Whether everything passes.
    public var isHealthy: Bool { state == .closed }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "state", &state, "closed at a share of 1, open at a share of 0, otherwise recovering or degraded")
        try visitor.field(
            "consecutiveFailures", &consecutiveFailures,
            "failures less successes and decay: the point of the degradation curve that gives the share")
        try visitor.field("failureThreshold", &failureThreshold, "consecutive failures at which it opens")
        try visitor.field("share", &share, "the share of traffic admitted, 0 to 1")
        try visitor.field("totalFailures", &totalFailures, "failures since the last reset")
        try visitor.field("totalSuccesses", &totalSuccesses, "successes since the last reset")
        try visitor.field("totalRequests", &totalRequests, "outcomes since the last reset")
        try visitor.field("lastFailure", &lastFailure, "when a failure was last reported")
        try visitor.field("lastSuccess", &lastSuccess, "when a success was last reported")
        try visitor.field("lastRequest", &lastRequest, "when a call last asked for it, or it was forced open")
        try visitor.field(
            "nextAttempt", &nextAttempt, "when decay will next take a failure off; absent if there is none")
        try visitor.field(
            "episode", &episode,
            "how often it has opened, and closed after that; an outcome moves the breaker only in the episode in which its call was admitted"
        )
        try visitor.field(
            "openedBy", &openedBy, "what has opened it first since it last was closed; absent if it has not opened")
        try visitor.field(
            "resetTimeoutMilliseconds", &resetTimeoutMilliseconds,
            "quiet time that takes one failure off now; it grows with the recoveries that fail")
        try visitor.field(
            "failedRecoveries", &failedRecoveries, "how often it has opened again since it last was closed")
        try visitor.field("rates", &rates, "the rates now and those that open it; absent if none is configured")
        try visitor.field(
            "minWorkers", &minWorkers,
            "how many workers must report failures within the monitoring period for it to open")
        try visitor.field(
            "failedWorkers", &failedWorkers,
            "how many workers have reported failures within that time, at most `minWorkers`; 0 if one is enough")
        try visitor.field(
            "isHeldByWorkers", &isHeldByWorkers,
            "whether it stands at the last step before it opens until failures of enough workers are reported")
    }
}

/// How a breaker reacts.
public struct BreakerConfiguration: WireRecord {
    /// Consecutive failures at which it opens; at least 1.
    public var failureThreshold: UInt32 = 5
    /// Quiet time that takes one failure off; at least 1.
    public var resetTimeoutMilliseconds: Int64 = 60_000
    /// How long a call counts for the rates, and a worker's failure for `minWorkers`.
    public var monitoringPeriodMilliseconds: Int64 = 300_000
    /// How many calls of the monitoring period a rate needs to open it.
    public var minRequests: UInt32 = 3
    /// The share admitted at 0, 1, 2 … consecutive failures, each 0 to 1; at most `WireLimits.curveLength` points.
    public var degradationCurve: [Double] = [1.0, 0.9, 0.7, 0.4, 0.1]
    /// From its opening until it is closed: the most calls in flight with a permit of that time; 0: as many as its share
    /// admits.
    public var maxProbes: UInt32 = 0
    /// How many workers must report failures within the monitoring period for it to open fully; 1 to
    /// `WireLimits.minWorkers`.
    public var minWorkers: UInt32 = 1
    /// The share of the monitoring period's calls that must have failed for the next failure to open it, 0 to 1; 0: any
    /// may fail.
    public var failureRate: Double = 0
    /// The share of the monitoring period's calls that must have been slow for the next slow call to open it, 0 to 1; 0:
    /// any may be slow. Needs `slowCallMilliseconds`.
    public var slowCallRate: Double = 0
    /// From how long on a call is slow; 0: none is.
    public var slowCallMilliseconds: Int64 = 0
    /// Up to where the reset timeout doubles with each recovery that fails; not above the reset timeout: it stays.
    public var maxResetTimeoutMilliseconds: Int64 = 0
    /// Whether each model of the provider has a breaker of its own. Breakers of deployments and models do not use it.
    public var byModel = false

    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("failureThreshold", &failureThreshold, "consecutive failures at which it opens; at least 1")
        try visitor.field(
            "resetTimeoutMilliseconds", &resetTimeoutMilliseconds, "quiet time that takes one failure off; at least 1")
        try visitor.field(
            "monitoringPeriodMilliseconds", &monitoringPeriodMilliseconds,
            "how long a call counts for the rates, and a worker's failure for `minWorkers`")
        try visitor.field(
            "minRequests", &minRequests, "how many calls of the monitoring period a rate needs to open it")
        try visitor.field(
            "degradationCurve", &degradationCurve,
            "the share admitted at 0, 1, 2 … consecutive failures, each 0 to 1; at most \(WireLimits.curveLength) points"
        )
        try visitor.field(
            "maxProbes", &maxProbes,
            "from its opening until it is closed: the most calls in flight with a permit of that time; 0: as many as its share admits"
        )
        try visitor.field(
            "minWorkers", &minWorkers,
            "how many workers must report failures within the monitoring period for it to open fully; 1 to \(WireLimits.minWorkers)"
        )
        try visitor.field(
            "failureRate", &failureRate,
            "the share of the monitoring period's calls that must have failed for the next failure to open it, 0 to 1; 0: any may fail"
        )
        try visitor.field(
            "slowCallRate", &slowCallRate,
            "the share of the monitoring period's calls that must have been slow for the next slow call to open it, 0 to 1; 0: any may be slow; needs `slowCallMilliseconds`"
        )
        try visitor.field("slowCallMilliseconds", &slowCallMilliseconds, "from how long on a call is slow; 0: none is")
        try visitor.field(
            "maxResetTimeoutMilliseconds", &maxResetTimeoutMilliseconds,
            "up to where the reset timeout doubles with each recovery that fails; not above the reset timeout: it stays"
        )
        try visitor.field(
            "byModel", &byModel,
            "whether each model of the provider has a breaker of its own; breakers of deployments and models do not use it"
        )
    }
}

/// The parts of a configuration to set; absent ones keep their value.
public struct BreakerConfigurationChange: WireRecord {
    /// Consecutive failures at which it opens; 0 counts as 1.
    public var failureThreshold: UInt32?
    /// Quiet time that takes one failure off; `ValueRanges.resetTimeout`.
    public var resetTimeoutMilliseconds: Int64?
    /// How long a call counts for the rates, and a worker's failure for `minWorkers`; `ValueRanges.monitoringPeriod`.
    public var monitoringPeriodMilliseconds: Int64?
    /// How many calls of the monitoring period a rate needs to open it.
    public var minRequests: UInt32?
    /// The share admitted at 0, 1, 2 … consecutive failures, clamped to 0 to 1; at most `WireLimits.curveLength`
    /// points; an empty curve stands for the default.
    public var degradationCurve: [Double]?
    /// From its opening until it is closed: the most calls in flight with a permit of that time; 0: as many as its share
    /// admits.
    public var maxProbes: UInt32?
    /// How many workers must report failures within the monitoring period for it to open fully; 0 counts as 1, at most
    /// `WireLimits.minWorkers`.
    public var minWorkers: UInt32?
    /// The share of the monitoring period's calls that must have failed for the next failure to open it;
    /// `ValueRanges.share`; 0: any may fail.
    public var failureRate: Double?
    /// The share of the monitoring period's calls that must have been slow for the next slow call to open it;
    /// `ValueRanges.share`; 0: any may be slow.
    public var slowCallRate: Double?
    /// From how long on a call is slow; `ValueRanges.slowCall`; 0: none is.
    public var slowCallMilliseconds: Int64?
    /// Up to where the reset timeout doubles with each recovery that fails; `ValueRanges.maxResetTimeout`; 0: it stays.
    public var maxResetTimeoutMilliseconds: Int64?
    /// Whether each model of the provider has a breaker of its own.
    public var byModel: Bool?

    /// Every field has its default.
    @inlinable public init() {}

    /// Sets the parts that are given; a part that is nil keeps its value.
    public init(
        failureThreshold: UInt32? = nil, resetTimeoutMilliseconds: Int64? = nil,
        monitoringPeriodMilliseconds: Int64? = nil, minRequests: UInt32? = nil, degradationCurve: [Double]? = nil,
        maxProbes: UInt32? = nil, minWorkers: UInt32? = nil, failureRate: Double? = nil, slowCallRate: Double? = nil,
        slowCallMilliseconds: Int64? = nil, maxResetTimeoutMilliseconds: Int64? = nil, byModel: Bool? = nil
    ) {
        self.failureThreshold = failureThreshold
        self.resetTimeoutMilliseconds = resetTimeoutMilliseconds
        self.monitoringPeriodMilliseconds = monitoringPeriodMilliseconds
        self.minRequests = minRequests
        self.degradationCurve = degradationCurve
        self.maxProbes = maxProbes
        self.minWorkers = minWorkers
        self.failureRate = failureRate
        self.slowCallRate = slowCallRate
        self.slowCallMilliseconds = slowCallMilliseconds
        self.maxResetTimeoutMilliseconds = maxResetTimeoutMilliseconds
        self.byModel = byModel
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "failureThreshold", &failureThreshold, "consecutive failures at which it opens; 0 counts as 1")
        try visitor.field(
            "resetTimeoutMilliseconds", &resetTimeoutMilliseconds,
            "quiet time that takes one failure off; \(Quantity.text(ValueRanges.resetTimeout))")
        try visitor.field(
            "monitoringPeriodMilliseconds", &monitoringPeriodMilliseconds,
            "how long a call counts for the rates, and a worker's failure for `minWorkers`; \(Quantity.text(ValueRanges.monitoringPeriod))"
        )
        try visitor.field(
            "minRequests", &minRequests, "how many calls of the monitoring period a rate needs to open it")
        try visitor.field(
            "degradationCurve", &degradationCurve,
            "the share admitted at 0, 1, 2 … consecutive failures, clamped to 0 to 1; at most \(WireLimits.curveLength) points; an empty curve stands for the default"
        )
        try visitor.field(
            "maxProbes", &maxProbes,
            "from its opening until it is closed: the most calls in flight with a permit of that time; 0: as many as its share admits"
        )
        try visitor.field(
            "minWorkers", &minWorkers,
            "how many workers must report failures within the monitoring period for it to open fully; 0 counts as 1, at most \(WireLimits.minWorkers)"
        )
        try visitor.field(
            "failureRate", &failureRate,
            "the share of the monitoring period's calls that must have failed for the next failure to open it, 0 to 1; 0: any may fail"
        )
        try visitor.field(
            "slowCallRate", &slowCallRate,
            "the share of the monitoring period's calls that must have been slow for the next slow call to open it, 0 to 1; 0: any may be slow; needs `slowCallMilliseconds`"
        )
        try visitor.field(
            "slowCallMilliseconds", &slowCallMilliseconds,
            "from how long on a call is slow; \(Quantity.text(ValueRanges.slowCall)); 0: none is")
        try visitor.field(
            "maxResetTimeoutMilliseconds", &maxResetTimeoutMilliseconds,
            "up to where the reset timeout doubles with each recovery that fails; \(Quantity.text(ValueRanges.maxResetTimeout)); not above the reset timeout: it stays"
        )
        try visitor.field("byModel", &byModel, "whether each model of the provider has a breaker of its own")
    }
}

/// A worker that reported a failure, and when it last did.
public struct Blame: WireRecord {
    /// The worker; the lower half is shown as 0, because the whole id lets a process pass for this worker.
    public var worker = WorkerID(high: 0, low: 0)
    /// When it last reported a failure.
    public var at = Timestamp(milliseconds: 0)
    /// Every field has its default.
    @inlinable public init() {}
    /// The blame of this worker.
    public init(worker: WorkerID, at: Timestamp) {
        self.worker = worker
        self.at = at
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "worker", &worker,
            "the worker; the lower half is shown as 0, because the whole id lets a process pass for this worker")
        try visitor.field("at", &at, "when it last reported a failure")
    }
}

/// A breaker with everything that it remembers: what serialize gives and deserialize takes.
public struct BreakerRecord: WireRecord {
    /// The provider.
    public var name = Name.blank
    /// Its configuration.
    public var configuration = BreakerConfiguration()
    /// Whether the configuration is its own, not the default's.
    public var isConfigured = false
    /// Failures less successes and decay: the point of the degradation curve that gives the share.
    public var consecutiveFailures: UInt32 = 0
    /// Failures since the last reset.
    public var totalFailures: UInt64 = 0
    /// Successes since the last reset.
    public var totalSuccesses: UInt64 = 0
    /// Outcomes since the last reset.
    public var totalRequests: UInt64 = 0
    /// When a failure was last reported.
    public var lastFailure: Timestamp?
    /// When a success was last reported.
    public var lastSuccess: Timestamp?
    /// When a call last asked for it, or it was forced open.
    public var lastRequest: Timestamp?
    /// The moment up to which decay was applied; absent if the decay clock does not run.
    public var lastDecay: Timestamp?
    /// When the monitoring window began.
    public var windowStart = Timestamp(milliseconds: 0)
    /// The part of an admission that is saved up, in billionths.
    public var shareCredit: UInt32 = 0
    /// The workers whose failures count for `minWorkers`; none are kept where that is 1.
    public var blames: [Blame] = []
    /// How often it has opened, and closed after that.
    public var episode: UInt32 = 0
    /// What has opened it first since it last was closed; absent if it has not opened.
    public var openedBy: BreakerRule?
    /// How often it has opened again since it last was closed.
    public var failedRecoveries: UInt32 = 0
    /// The calls that count for the rates, oldest first; none are kept where no rate is configured.
    public var calls: [RateBucket] = []
    /// The deployment; nil: it is not the breaker of one.
    public var deployment: Name?
    /// The model; nil: it is not the breaker of one.
    public var model: Name?

    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field("configuration", &configuration, "its configuration")
        try visitor.field("isConfigured", &isConfigured, "whether the configuration is its own, not the default's")
        try visitor.field(
            "consecutiveFailures", &consecutiveFailures,
            "failures less successes and decay: the point of the degradation curve that gives the share")
        try visitor.field("totalFailures", &totalFailures, "failures since the last reset")
        try visitor.field("totalSuccesses", &totalSuccesses, "successes since the last reset")
        try visitor.field("totalRequests", &totalRequests, "outcomes since the last reset")
        try visitor.field("lastFailure", &lastFailure, "when a failure was last reported")
        try visitor.field("lastSuccess", &lastSuccess, "when a success was last reported")
        try visitor.field("lastRequest", &lastRequest, "when a call last asked for it, or it was forced open")
        try visitor.field(
            "lastDecay", &lastDecay, "the moment up to which decay was applied; absent if the decay clock does not run")
        try visitor.field("windowStart", &windowStart, "when the monitoring window began")
        try visitor.field("shareCredit", &shareCredit, "the part of an admission that is saved up, in billionths")
        try visitor.field(
            "blames", &blames, "the workers whose failures count for `minWorkers`; none are kept where that is 1")
        try visitor.field("episode", &episode, "how often it has opened, and closed after that")
        try visitor.field(
            "openedBy", &openedBy, "what has opened it first since it last was closed; absent if it has not opened")
        try visitor.field(
            "failedRecoveries", &failedRecoveries, "how often it has opened again since it last was closed")
        try visitor.field(
            "calls", &calls,
            "the calls that count for the rates, oldest first; none are kept where no rate is configured")
        try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
        try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
    }
}
