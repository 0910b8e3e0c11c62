/// A rate limit's dimension and the length of its window.
public enum RateDimension: UInt8, WireEnumeration {
    /// Requests per minute.
    case rpm = 0
    /// Requests per day.
    case rpd = 1
    /// Tokens per minute.
    case tpm = 2
    /// Tokens per day.
    case tpd = 3

    public var windowMilliseconds: Int64 {
        switch self {
        case .rpm, .tpm: 60_000
        case .rpd, .tpd: 86_400_000
        }
    }

    /// Whether tokens are counted, not requests.
    public var countsTokens: Bool { self == .tpm || self == .tpd }
}

/// How far a budget is used up.
public enum ThresholdTier: OpenEnumeration {
    /// Below every threshold.
    case none
    /// 80 %, unless set otherwise.
    case warning
    /// 90 %, unless set otherwise.
    case critical
    /// 95 %, unless set otherwise.
    case emergency
    /// One that only newer peers know.
    case unknown(UInt8)

    public static let allCases: [ThresholdTier] = [.none, .warning, .critical, .emergency]

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

/// How soon a budget will be used up at the current burn rate.
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

    public static let allCases: [DepletionTier] = [.none, .warning, .critical, .emergency]

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
/// A rate is spend over the time that it was measured in. Where a provider's history is shorter than the window, that time is
/// the history's; where it is shorter than an hour too (and than the window), no rate is told. Under the profile
/// `llm-providers` the window is always taken for that time.
public struct BurnRate: OpenRecord {
    /// The shortest time that a rate is told of, unless the window is shorter: an hour.
    public static let shortestBaseMilliseconds: Int64 = 3_600_000

    public var costPerHour: Double?
    public var costPerDay: Double?
    public var windowMilliseconds: Int64 = 0
    public var baseMilliseconds: Int64 = 0
    public var sampleCount: UInt64 = 0
    public var isApproximate = false
    @inlinable public init() {}

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "costPerHour", &costPerHour,
            "dollars per hour; absent while the history is shorter than an hour and than the window")
        try visitor.field("costPerDay", &costPerDay, "dollars per day; absent as `costPerHour` is")
        try visitor.field("windowMilliseconds", &windowMilliseconds, "the window looked at")
        try visitor.field(
            "baseMilliseconds", &baseMilliseconds,
            "the time that the rate is measured over: the window, or as much of it as the provider has a history of")
        try visitor.field("sampleCount", &sampleCount, "records in the window")
        try visitor.field(
            "isApproximate", &isApproximate,
            "whether records older than the window are counted in, because history that old is kept in sums")
    }
}

/// When a budget will be used up.
public struct DepletionEstimate: OpenRecord {
    public var remaining = Money.zero
    public var burnRate = BurnRate()
    public var daysRemaining: Double?
    public var depletesAt: Timestamp?
    @inlinable public init() {}

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("remaining", &remaining, "what is left of the budget; 0 if it is overspent")
        try visitor.field("burnRate", &burnRate, "what the estimate rests on")
        try visitor.field(
            "daysRemaining", &daysRemaining, "absent if nothing is being spent, or the rate is not known yet")
        try visitor.field("depletesAt", &depletesAt, "absent as `daysRemaining` is, and beyond the year 275760")
    }
}

/// What a provider has cost within a window.
public struct SpendSummary: OpenRecord {
    public var provider = Name.blank
    public var spend = Money.zero
    public var requests: UInt64 = 0
    public var windowMilliseconds: Int64 = 0
    public var isApproximate = false
    @inlinable public init() {}

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("spend", &spend, "spent within the window")
        try visitor.field("requests", &requests, "records within the window")
        try visitor.field("windowMilliseconds", &windowMilliseconds, "the window looked at")
        try visitor.field("isApproximate", &isApproximate, "whether records older than the window are counted in")
    }
}

/// A rate limit and how much of its current window is used.
public struct RateWindow: OpenRecord {
    public var limit: Int64 = 0
    public var used: Int64 = 0
    public var windowStart = Timestamp(milliseconds: 0)
    @inlinable public init() {}

    public init(limit: Int64, used: Int64, windowStart: Timestamp) {
        self.limit = limit
        self.used = used
        self.windowStart = windowStart
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("limit", &limit, "requests or tokens allowed in a window")
        try visitor.field("used", &used, "counted in the window")
        try visitor.field("windowStart", &windowStart, "when the window began")
    }
}

/// What was spent, on one account.
public struct AccountUsage: OpenRecord {
    public var spend = Money.zero
    public var inputTokens: Int64 = 0
    public var outputTokens: Int64 = 0
    public var requests: Int64 = 0
    public var lastRecorded: Timestamp?
    @inlinable public init() {}

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("spend", &spend, "spent in this period")
        try visitor.field("inputTokens", &inputTokens, "tokens sent in this period")
        try visitor.field("outputTokens", &outputTokens, "tokens received in this period")
        try visitor.field("requests", &requests, "records in this period")
        try visitor.field("lastRecorded", &lastRecorded, "when the last one came; absent if none in this period")
    }
}

/// What is known of a provider: its sums, its budget and its rate windows.
public struct ProviderAccount: OpenRecord {
    public var provider = Name.blank
    public var usage = AccountUsage()
    public var budget: Money?
    public var isEnforced = false
    public var held = Money.zero
    public var inFlight: UInt32 = 0
    public var rpm: RateWindow?
    public var rpd: RateWindow?
    public var tpm: RateWindow?
    public var tpd: RateWindow?
    public var models: UInt32 = 0
    @inlinable public init() {}

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("usage", &usage, "the sums of this period")
        try visitor.field("budget", &budget, "the provider's budget per period; absent: unlimited")
        try visitor.field("isEnforced", &isEnforced, "whether admission denies what the budget does not hold")
        try visitor.field("held", &held, "the estimates of its permits in force")
        try visitor.field("inFlight", &inFlight, "its calls in flight, as far as permits tell")
        try visitor.field("rpm", &rpm, "requests per minute")
        try visitor.field("rpd", &rpd, "requests per day")
        try visitor.field("tpm", &tpm, "tokens per minute")
        try visitor.field("tpd", &tpd, "tokens per day")
        try visitor.field("models", &models, "the number of its model accounts")
    }

    /// The window of a rate limit; nil if there is no such limit.
    public subscript(dimension: RateDimension) -> RateWindow? {
        get {
            switch dimension {
            case .rpm: rpm
            case .rpd: rpd
            case .tpm: tpm
            case .tpd: tpd
            }
        }
        set {
            switch dimension {
            case .rpm: rpm = newValue
            case .rpd: rpd = newValue
            case .tpm: tpm = newValue
            case .tpd: tpd = newValue
            }
        }
    }
}

/// The sums of one model with one provider.
public struct ModelAccount: OpenRecord {
    public var model = Name.blank
    public var usage = AccountUsage()
    public var answering: Name?
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("model", &model, "the model that was asked for")
        try visitor.field("usage", &usage, "the sums of this period")
        try visitor.field(
            "answering", &answering,
            "the name that last answered, if that was another; for display only, and absent too where no room is left for names"
        )
    }
}

/// A budget as it was set.
public struct Budget: OpenRecord {
    public var provider = Name.blank
    public var model: Name?
    public var monthly: Money?
    public var isEnforced = false
    public var rpm: Int64?
    public var rpd: Int64?
    public var tpm: Int64?
    public var tpd: Int64?
    @inlinable public init() {}

    public init(
        provider: Name, model: Name? = nil, monthly: Money? = nil, isEnforced: Bool = false, rpm: Int64? = nil,
        rpd: Int64? = nil, tpm: Int64? = nil, tpd: Int64? = nil
    ) {
        self.provider = provider
        self.model = model
        self.monthly = monthly
        self.isEnforced = isEnforced
        self.rpm = rpm
        self.rpd = rpd
        self.tpm = tpm
        self.tpd = tpd
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "absent: the budget is the provider's as a whole")
        try visitor.field("monthly", &monthly, "dollars per period; absent: none is set; at least 0")
        try visitor.field(
            "isEnforced", &isEnforced,
            "whether admission denies what `monthly` does not hold, which must be set then; else it only notifies")
        try visitor.field(
            "rpm", &rpm,
            "requests per minute; rate limits are always the provider's, also where a model is named; at least 0")
        try visitor.field("rpd", &rpd, "requests per day; at least 0")
        try visitor.field("tpm", &tpm, "tokens per minute; at least 0")
        try visitor.field("tpd", &tpd, "tokens per day; at least 0")
    }

    /// A rate limit; nil if it is not set.
    public subscript(dimension: RateDimension) -> Int64? {
        get {
            switch dimension {
            case .rpm: rpm
            case .rpd: rpd
            case .tpm: tpm
            case .tpd: tpd
            }
        }
        set {
            switch dimension {
            case .rpm: rpm = newValue
            case .rpd: rpd = newValue
            case .tpm: tpm = newValue
            case .tpd: tpd = newValue
            }
        }
    }
}

/// The utilizations at which a budget's threshold events fire.
public struct Thresholds: WireRecord {
    public var warning = 0.80
    public var critical = 0.90
    public var emergency = 0.95
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("warning", &warning, "spend over budget; 0.8 unless set")
        try visitor.field("critical", &critical, "spend over budget; 0.9 unless set")
        try visitor.field("emergency", &emergency, "spend over budget; 0.95 unless set")
    }
}

/// How long a budget's period is.
public enum PeriodLength: OpenEnumeration {
    /// The UTC calendar month.
    case month
    /// The UTC week, from Monday on.
    case week
    /// The UTC day.
    case day
    /// Until `ledger.resetPeriod`.
    case manual
    /// One that only newer peers know.
    case unknown(UInt8)

    public static let allCases: [PeriodLength] = [.month, .week, .day, .manual]

    @inlinable public var rawValue: UInt8 {
        switch self {
        case .month: 0
        case .week: 1
        case .day: 2
        case .manual: 3
        case .unknown(let number): number
        }
    }
}
