/// What has opened a breaker.
public enum BreakerRule: OpenEnumeration {
    /// As many consecutive failures as its threshold.
    case failures
    /// So large a share of the monitoring period's calls has failed.
    case failureRate
    /// So large a share of the monitoring period's calls was slow.
    case slowCallRate
    /// An operator.
    case forced
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [BreakerRule] = [.failures, .failureRate, .slowCallRate, .forced]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .failures: 0
        case .failureRate: 1
        case .slowCallRate: 2
        case .forced: 3
        case .unknown(let number): number
        }
    }
}

/// How the calls of the last monitoring period went, beside the rates that open the breaker.
///
/// A call counts for the whole period, and for at most a twentieth of it longer. Only calls that succeeded or failed
/// count, in the episode in which they were admitted.
public struct BreakerRates: OpenRecord {
    /// The calls that succeeded or failed.
    public var calls: UInt64 = 0
    /// Those that failed.
    public var failures: UInt64 = 0
    /// The share of failed calls at which a failure opens the breaker; 0: any may fail.
    public var failureRate: Double = 0
    /// The calls of which it is known how long they took: those with a permit.
    public var timed: UInt64 = 0
    /// Those that were slow.
    public var slow: UInt64 = 0
    /// The share of slow calls at which a slow call opens the breaker; 0: any may be slow.
    public var slowCallRate: Double = 0
    /// From how long on a call is slow; 0: none is.
    public var slowCallMilliseconds: Int64 = 0
    /// How many calls a rate needs to open the breaker.
    public var minRequests: UInt32 = 0
    /// How long a call counts.
    public var monitoringPeriodMilliseconds: Int64 = 0

    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("calls", &calls, "the calls that succeeded or failed")
        try visitor.field("failures", &failures, "those that failed")
        try visitor.field(
            "failureRate", &failureRate,
            "the share of failed calls at which a failure opens the breaker; 0: any may fail")
        try visitor.field("timed", &timed, "the calls of which it is known how long they took: those with a permit")
        try visitor.field("slow", &slow, "those that were slow")
        try visitor.field(
            "slowCallRate", &slowCallRate,
            "the share of slow calls at which a slow call opens the breaker; 0: any may be slow")
        try visitor.field("slowCallMilliseconds", &slowCallMilliseconds, "from how long on a call is slow; 0: none is")
        try visitor.field("minRequests", &minRequests, "how many calls a rate needs to open the breaker")
        try visitor.field("monitoringPeriodMilliseconds", &monitoringPeriodMilliseconds, "how long a call counts")
    }
}

/// The calls that ended within a twentieth of a monitoring period.
public struct RateBucket: WireRecord {
    /// When it began: a multiple of the twentieth, which is rounded up to whole milliseconds.
    public var startedAt = Timestamp(milliseconds: 0)
    /// The calls that succeeded or failed.
    public var calls: UInt32 = 0
    /// Those that failed.
    public var failures: UInt32 = 0
    /// The calls of which it is known how long they took.
    public var timed: UInt32 = 0
    /// Those that were slow.
    public var slow: UInt32 = 0

    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "startedAt", &startedAt,
            "when it began: a multiple of the twentieth, which is rounded up to whole milliseconds")
        try visitor.field("calls", &calls, "the calls that succeeded or failed")
        try visitor.field("failures", &failures, "those that failed")
        try visitor.field("timed", &timed, "the calls of which it is known how long they took")
        try visitor.field("slow", &slow, "those that were slow")
    }
}
