/// How soon a limit of cost will be used up at the current burn rate.
public enum DepletionTier: OpenEnumeration {
    /// Not within 7 days.
    case none
    /// Within 7 days.
    case warning
    /// Within 3 days.
    case critical
    /// Within a day.
    case emergency
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [DepletionTier] = [.none, .warning, .critical, .emergency]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .none: 0
        case .warning: 1
        case .critical: 2
        case .emergency: 3
        case .unknown(let number): number
        }
    }
}

/// Spend per time over a window.
///
/// A rate is spend over the time that it was measured in. Where a provider's history is shorter than the window, that
/// time is the history's; where it is shorter than an hour too (and than the window), no rate is told. Under the
/// profile `llm-providers` the window is always taken for that time.
public struct BurnRate: OpenRecord {
    /// The shortest time that a rate is told of, unless the window is shorter: an hour.
    public static let shortestBaseMilliseconds: Int64 = 3_600_000

    /// Dollars per hour; absent while the history is shorter than both an hour and the window.
    public var costPerHour: Double?
    /// Dollars per day; absent where `costPerHour` is.
    public var costPerDay: Double?
    /// The length of the window.
    public var windowMilliseconds: Int64 = 0
    /// The time that the rate is measured over: the window, or as much of it as the provider has a history of.
    public var baseMilliseconds: Int64 = 0
    /// Records in the window.
    public var sampleCount: UInt64 = 0
    /// Whether records older than the window are included, because history that old is kept in sums.
    public var isApproximate = false
    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "costPerHour", &costPerHour,
            "dollars per hour; absent while the history is shorter than both an hour and the window")
        try visitor.field("costPerDay", &costPerDay, "dollars per day; absent where `costPerHour` is")
        try visitor.field("windowMilliseconds", &windowMilliseconds, "the length of the window")
        try visitor.field(
            "baseMilliseconds", &baseMilliseconds,
            "the time that the rate is measured over: the window, or as much of it as the provider has a history of")
        try visitor.field("sampleCount", &sampleCount, "records in the window")
        try visitor.field(
            "isApproximate", &isApproximate,
            "whether records older than the window are included, because history that old is kept in sums")
    }
}

/// When a limit of a provider's cost will be used up.
public struct DepletionEstimate: OpenRecord {
    /// The limit.
    public var limit = Limit()
    /// What is left of it; $0 if it is exceeded.
    public var remaining = Money.zero
    /// The burn rate that the estimate is computed from.
    public var burnRate = BurnRate()
    /// Days until it is used up; absent if nothing is being spent, if the rate is not known yet, or if its window ends before.
    public var daysRemaining: Double?
    /// When it will be used up; absent where `daysRemaining` is, and beyond the year 275760.
    public var depletesAt: Timestamp?
    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("limit", &limit, "the limit")
        try visitor.field("remaining", &remaining, "what is left of it; $0 if it is exceeded")
        try visitor.field("burnRate", &burnRate, "the burn rate that the estimate is computed from")
        try visitor.field(
            "daysRemaining", &daysRemaining,
            "days until it is used up; absent if nothing is being spent, if the rate is not known yet, or if its window ends before"
        )
        try visitor.field(
            "depletesAt", &depletesAt,
            "when it will be used up; absent where `daysRemaining` is, and beyond the year 275760")
    }
}

/// What a provider has cost within a window.
public struct SpendSummary: OpenRecord {
    /// The provider.
    public var provider = Name.blank
    /// What was spent within the window.
    public var spend = Money.zero
    /// Records within the window.
    public var requests: UInt64 = 0
    /// The number of calls within the window whose cost nobody told. They are no records, and `spend` lacks them. Those
    /// of the hour, the day or the 30 days in which the window begins count in full.
    public var unpriced: Int64 = 0
    /// The length of the window.
    public var windowMilliseconds: Int64 = 0
    /// Whether records older than the window are included.
    public var isApproximate = false
    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("spend", &spend, "what was spent within the window")
        try visitor.field("requests", &requests, "records within the window")
        try visitor.field(
            "unpriced", &unpriced,
            "the number of calls within the window whose cost nobody told; they are no records, and `spend` lacks them")
        try visitor.field("windowMilliseconds", &windowMilliseconds, "the length of the window")
        try visitor.field("isApproximate", &isApproximate, "whether records older than the window are included")
    }
}

/// What was spent, on one account.
public struct AccountUsage: OpenRecord {
    /// What was spent.
    public var spend = Money.zero
    /// Tokens sent, neither read from a cache nor written to one.
    public var inputTokens: Int64 = 0
    /// Tokens received, without reasoning.
    public var outputTokens: Int64 = 0
    /// The number of calls.
    public var requests: Int64 = 0
    /// When the first call was counted; absent if there is none.
    public var firstRecorded: Timestamp?
    /// When the last call was counted; absent if there is none.
    public var lastRecorded: Timestamp?
    /// Tokens sent and read from a cache.
    public var cachedInputTokens: Int64 = 0
    /// Tokens sent and written to a cache.
    public var cacheWriteTokens: Int64 = 0
    /// Tokens of reasoning.
    public var reasoningTokens: Int64 = 0
    /// The number of calls that used something, and whose cost nobody told.
    public var unpriced: Int64 = 0
    /// All tokens sent, from a cache or not. The range's end stands for what lies beyond it.
    public var sentTokens: Int64 { Self.sum(inputTokens, Self.sum(cachedInputTokens, cacheWriteTokens)) }
    /// All tokens received, with reasoning. The range's end stands for what lies beyond it.
    public var receivedTokens: Int64 { Self.sum(outputTokens, reasoningTokens) }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? (left < 0 ? .min : .max) : sum
    }

    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("spend", &spend, "what was spent")
        try visitor.field(
            "inputTokens", &inputTokens, "tokens sent, neither read from a cache nor written to one")
        try visitor.field("outputTokens", &outputTokens, "tokens received, without reasoning")
        try visitor.field("requests", &requests, "the number of calls")
        try visitor.field(
            "firstRecorded", &firstRecorded, "when the first call was counted; absent if there is none")
        try visitor.field(
            "lastRecorded", &lastRecorded, "when the last call was counted; absent if there is none")
        try visitor.field("cachedInputTokens", &cachedInputTokens, "tokens sent and read from a cache")
        try visitor.field("cacheWriteTokens", &cacheWriteTokens, "tokens sent and written to a cache")
        try visitor.field("reasoningTokens", &reasoningTokens, "tokens of reasoning")
        try visitor.field(
            "unpriced", &unpriced, "the number of calls that used something, and whose cost nobody told")
    }
}

/// What is known of a provider: its sums, and what its permits hold.
public struct ProviderAccount: OpenRecord {
    /// The provider.
    public var provider = Name.blank
    /// The sums since the account began or was reset.
    public var usage = AccountUsage()
    /// The sum of the estimates of its permits in force.
    public var held = Money.zero
    /// Its calls in flight that have a permit.
    public var inFlight: UInt32 = 0
    /// The number of its model accounts.
    public var models: UInt32 = 0
    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("usage", &usage, "the sums since the account began or was reset")
        try visitor.field("held", &held, "the sum of the estimates of its permits in force")
        try visitor.field("inFlight", &inFlight, "its calls in flight that have a permit")
        try visitor.field("models", &models, "the number of its model accounts")
    }
}

/// The sums of one model with one provider.
public struct ModelAccount: OpenRecord {
    /// The model that was asked for.
    public var model = Name.blank
    /// The sums since the account began or was reset.
    public var usage = AccountUsage()
    /// The model that last answered, if it was another; for display only, and also absent where no room is left for
    /// names.
    public var answering: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("model", &model, "the model that was asked for")
        try visitor.field("usage", &usage, "the sums since the account began or was reset")
        try visitor.field(
            "answering", &answering,
            "the model that last answered, if it was another; for display only, and also absent where no room is left for names"
        )
    }
}
