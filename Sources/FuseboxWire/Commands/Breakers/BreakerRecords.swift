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
    }
}

/// How a breaker reacts.
public struct BreakerConfiguration: WireRecord {
    /// Consecutive failures at which it opens; at least 1.
    public var failureThreshold: UInt32 = 5
    /// Quiet time that takes one failure off; at least 1.
    public var resetTimeoutMilliseconds: Int64 = 60_000
    /// How long a worker's failure counts for `minWorkers`.
    public var monitoringPeriodMilliseconds: Int64 = 300_000
    /// Kept, without effect.
    public var minRequests: UInt32 = 3
    /// The share admitted at 0, 1, 2 … consecutive failures, each 0 to 1; at most `WireLimits.curveLength` points.
    public var degradationCurve: [Double] = [1.0, 0.9, 0.7, 0.4, 0.1]
    /// The most calls with a permit in flight while it is not closed; 0: as many as its share admits.
    public var maxProbes: UInt32 = 0
    /// How many workers must report failures within the monitoring period for it to open fully; 1 to
    /// `WireLimits.minWorkers`.
    public var minWorkers: UInt32 = 1

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
            "how long a worker's failure counts for `minWorkers`")
        try visitor.field("minRequests", &minRequests, "kept, without effect")
        try visitor.field(
            "degradationCurve", &degradationCurve,
            "the share admitted at 0, 1, 2 … consecutive failures, each 0 to 1; at most \(WireLimits.curveLength) points"
        )
        try visitor.field(
            "maxProbes", &maxProbes,
            "the most calls with a permit in flight while it is not closed; 0: as many as its share admits")
        try visitor.field(
            "minWorkers", &minWorkers,
            "how many workers must report failures within the monitoring period for it to open fully; 1 to \(WireLimits.minWorkers)"
        )
    }
}

/// The parts of a configuration to set; absent ones keep their value.
public struct BreakerConfigurationChange: WireRecord {
    /// Consecutive failures at which it opens; 0 counts as 1.
    public var failureThreshold: UInt32?
    /// Quiet time that takes one failure off; `ValueRanges.resetTimeout`.
    public var resetTimeoutMilliseconds: Int64?
    /// How long a worker's failure counts for `minWorkers`; `ValueRanges.monitoringPeriod`.
    public var monitoringPeriodMilliseconds: Int64?
    /// Kept, without effect.
    public var minRequests: UInt32?
    /// The share admitted at 0, 1, 2 … consecutive failures, clamped to 0 to 1; at most `WireLimits.curveLength`
    /// points; an empty curve stands for the default.
    public var degradationCurve: [Double]?
    /// The most calls with a permit in flight while it is not closed; 0: as many as its share admits.
    public var maxProbes: UInt32?
    /// How many workers must report failures within the monitoring period for it to open fully; 0 counts as 1, at most
    /// `WireLimits.minWorkers`.
    public var minWorkers: UInt32?

    /// Every field has its default.
    @inlinable public init() {}

    /// Sets the parts that are given; a part that is nil keeps its value.
    public init(
        failureThreshold: UInt32? = nil, resetTimeoutMilliseconds: Int64? = nil,
        monitoringPeriodMilliseconds: Int64? = nil, minRequests: UInt32? = nil, degradationCurve: [Double]? = nil,
        maxProbes: UInt32? = nil, minWorkers: UInt32? = nil
    ) {
        self.failureThreshold = failureThreshold
        self.resetTimeoutMilliseconds = resetTimeoutMilliseconds
        self.monitoringPeriodMilliseconds = monitoringPeriodMilliseconds
        self.minRequests = minRequests
        self.degradationCurve = degradationCurve
        self.maxProbes = maxProbes
        self.minWorkers = minWorkers
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
            "how long a worker's failure counts for `minWorkers`; \(Quantity.text(ValueRanges.monitoringPeriod))")
        try visitor.field("minRequests", &minRequests, "kept, without effect")
        try visitor.field(
            "degradationCurve", &degradationCurve,
            "the share admitted at 0, 1, 2 … consecutive failures, clamped to 0 to 1; at most \(WireLimits.curveLength) points; an empty curve stands for the default"
        )
        try visitor.field(
            "maxProbes", &maxProbes,
            "the most calls with a permit in flight while it is not closed; 0: as many as its share admits")
        try visitor.field(
            "minWorkers", &minWorkers,
            "how many workers must report failures within the monitoring period for it to open fully; 0 counts as 1, at most \(WireLimits.minWorkers)"
        )
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
    /// The breaker.
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

    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
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
    }
}
