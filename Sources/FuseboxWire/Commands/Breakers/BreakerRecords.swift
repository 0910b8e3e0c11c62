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

    public static let allCases: [BreakerState] = [.closed, .degraded, .recovering, .open]

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
    public var state: BreakerState = .closed
    public var consecutiveFailures: UInt32 = 0
    public var failureThreshold: UInt32 = 0
    public var share: Double = 0
    public var totalFailures: UInt64 = 0
    public var totalSuccesses: UInt64 = 0
    public var totalRequests: UInt64 = 0
    public var lastFailure: Timestamp?
    public var lastSuccess: Timestamp?
    public var lastRequest: Timestamp?
    public var nextAttempt: Timestamp?

    @inlinable public init() {}

    /// Whether everything passes.
    public var isHealthy: Bool { state == .closed }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("state", &state, "closed at share 1, open at 0, else recovering or degraded")
        try visitor.field(
            "consecutiveFailures", &consecutiveFailures, "failures less successes and decay; the place on the curve")
        try visitor.field("failureThreshold", &failureThreshold, "failures at which it opens")
        try visitor.field("share", &share, "the share of traffic admitted, 0 to 1")
        try visitor.field("totalFailures", &totalFailures, "failures since the last reset")
        try visitor.field("totalSuccesses", &totalSuccesses, "successes since the last reset")
        try visitor.field("totalRequests", &totalRequests, "outcomes since the last reset")
        try visitor.field("lastFailure", &lastFailure, "when a failure was last reported")
        try visitor.field("lastSuccess", &lastSuccess, "when a success was last reported")
        try visitor.field("lastRequest", &lastRequest, "when it was last asked")
        try visitor.field(
            "nextAttempt", &nextAttempt, "when decay will next take a failure off; absent if there is none")
    }
}

/// How a breaker reacts.
public struct BreakerConfiguration: OpenRecord {
    public var failureThreshold: UInt32 = 5
    public var resetTimeoutMilliseconds: Int64 = 60_000
    public var monitoringPeriodMilliseconds: Int64 = 300_000
    public var minRequests: UInt32 = 3
    public var degradationCurve: [Double] = [1.0, 0.9, 0.7, 0.4, 0.1]
    public var maxProbes: UInt32 = 0
    public var minWorkers: UInt32 = 1

    @inlinable public init() {}

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("failureThreshold", &failureThreshold, "consecutive failures at which it opens; at least 1")
        try visitor.field(
            "resetTimeoutMilliseconds", &resetTimeoutMilliseconds, "quiet time that takes one failure off; at least 1")
        try visitor.field(
            "monitoringPeriodMilliseconds", &monitoringPeriodMilliseconds,
            "how long a worker's failure counts for `minWorkers`")
        try visitor.field("minRequests", &minRequests, "kept, not used")
        try visitor.field(
            "degradationCurve", &degradationCurve,
            "share admitted at 0, 1, 2 … consecutive failures, each 0 to 1; at most \(WireLimits.curveLength) points")
        try visitor.field(
            "maxProbes", &maxProbes, "calls with a permit in flight while it is not closed; 0: as many as its share")
        try visitor.field(
            "minWorkers", &minWorkers,
            "workers that failures must come from within the monitoring period for it to open fully; 1 to \(WireLimits.minWorkers)"
        )
    }
}

/// The parts of a configuration to set; absent ones keep their value.
public struct BreakerConfigurationChange: WireRecord {
    public var failureThreshold: UInt32?
    public var resetTimeoutMilliseconds: Int64?
    public var monitoringPeriodMilliseconds: Int64?
    public var minRequests: UInt32?
    public var degradationCurve: [Double]?
    public var maxProbes: UInt32?
    public var minWorkers: UInt32?

    @inlinable public init() {}

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
        try visitor.field("minRequests", &minRequests, "kept, not used")
        try visitor.field(
            "degradationCurve", &degradationCurve,
            "share admitted at 0, 1, 2 … failures, clamped to 0 to 1; at most \(WireLimits.curveLength) points; an empty one stands for the default"
        )
        try visitor.field(
            "maxProbes", &maxProbes, "calls with a permit in flight while it is not closed; 0: as many as its share")
        try visitor.field(
            "minWorkers", &minWorkers,
            "workers that failures must come from within the monitoring period for it to open fully; 0 counts as 1, at most \(WireLimits.minWorkers)"
        )
    }
}

/// A worker that reported a failure, and when it last did.
public struct Blame: OpenRecord {
    public var worker = WorkerID(high: 0, low: 0)
    public var at = Timestamp(milliseconds: 0)
    @inlinable public init() {}
    public init(worker: WorkerID, at: Timestamp) {
        self.worker = worker
        self.at = at
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "worker", &worker,
            "the worker; the lower half is shown as 0, because the whole id lets a process pass for this worker")
        try visitor.field("at", &at, "its last failure")
    }
}

/// A breaker with everything that it remembers: what serialize gives and deserialize takes.
public struct BreakerRecord: OpenRecord {
    public var name = Name.blank
    public var configuration = BreakerConfiguration()
    public var isConfigured = false
    public var consecutiveFailures: UInt32 = 0
    public var totalFailures: UInt64 = 0
    public var totalSuccesses: UInt64 = 0
    public var totalRequests: UInt64 = 0
    public var lastFailure: Timestamp?
    public var lastSuccess: Timestamp?
    public var lastRequest: Timestamp?
    public var lastDecay: Timestamp?
    public var windowStart = Timestamp(milliseconds: 0)
    public var shareCredit: UInt32 = 0
    public var blames: [Blame] = []

    @inlinable public init() {}

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field("configuration", &configuration, "how it reacts")
        try visitor.field("isConfigured", &isConfigured, "whether the configuration is its own, not the default's")
        try visitor.field("consecutiveFailures", &consecutiveFailures, "its place on the curve")
        try visitor.field("totalFailures", &totalFailures, "failures since the last reset")
        try visitor.field("totalSuccesses", &totalSuccesses, "successes since the last reset")
        try visitor.field("totalRequests", &totalRequests, "outcomes since the last reset")
        try visitor.field("lastFailure", &lastFailure, "when a failure was last reported")
        try visitor.field("lastSuccess", &lastSuccess, "when a success was last reported")
        try visitor.field("lastRequest", &lastRequest, "when it was last asked")
        try visitor.field("lastDecay", &lastDecay, "where the decay clock stands; absent if it does not run")
        try visitor.field("windowStart", &windowStart, "when the monitoring window began")
        try visitor.field("shareCredit", &shareCredit, "the part of an admission saved up, in billionths")
        try visitor.field(
            "blames", &blames, "the workers whose failures count for `minWorkers`; none are kept where that is 1")
    }
}
