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

    /// The length of the window.
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

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [ThresholdTier] = [.none, .warning, .critical, .emergency]

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

/// When a budget will be used up.
public struct DepletionEstimate: OpenRecord {
    /// What is left of the budget; 0 if it is overspent.
    public var remaining = Money.zero
    /// The burn rate that the estimate is computed from.
    public var burnRate = BurnRate()
    /// Days until the budget is used up; absent if nothing is being spent, or the rate is not known yet.
    public var daysRemaining: Double?
    /// When the budget will be used up; absent where `daysRemaining` is, and beyond the year 275760.
    public var depletesAt: Timestamp?
    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("remaining", &remaining, "what is left of the budget; 0 if it is overspent")
        try visitor.field("burnRate", &burnRate, "the burn rate that the estimate is computed from")
        try visitor.field(
            "daysRemaining", &daysRemaining,
            "days until the budget is used up; absent if nothing is being spent, or the rate is not known yet")
        try visitor.field(
            "depletesAt", &depletesAt,
            "when the budget will be used up; absent where `daysRemaining` is, and beyond the year 275760")
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
        try visitor.field("windowMilliseconds", &windowMilliseconds, "the length of the window")
        try visitor.field("isApproximate", &isApproximate, "whether records older than the window are included")
    }
}

/// A rate limit and how much of its current window is used.
public struct RateWindow: OpenRecord {
    /// Requests or tokens allowed in a window.
    public var limit: Int64 = 0
    /// Requests or tokens counted in the window.
    public var used: Int64 = 0
    /// When the window began.
    public var windowStart = Timestamp(milliseconds: 0)
    /// Every field has its default.
    @inlinable public init() {}

    /// A window of which so much is used.
    public init(limit: Int64, used: Int64, windowStart: Timestamp) {
        self.limit = limit
        self.used = used
        self.windowStart = windowStart
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("limit", &limit, "requests or tokens allowed in a window")
        try visitor.field("used", &used, "requests or tokens counted in the window")
        try visitor.field("windowStart", &windowStart, "when the window began")
    }
}

/// What was spent, on one account.
public struct AccountUsage: OpenRecord {
    /// What was spent in this period.
    public var spend = Money.zero
    /// Tokens sent in this period.
    public var inputTokens: Int64 = 0
    /// Tokens received in this period.
    public var outputTokens: Int64 = 0
    /// Records in this period.
    public var requests: Int64 = 0
    /// When the last record of this period was made; absent if there is none.
    public var lastRecorded: Timestamp?
    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("spend", &spend, "what was spent in this period")
        try visitor.field("inputTokens", &inputTokens, "tokens sent in this period")
        try visitor.field("outputTokens", &outputTokens, "tokens received in this period")
        try visitor.field("requests", &requests, "records in this period")
        try visitor.field(
            "lastRecorded", &lastRecorded, "when the last record of this period was made; absent if there is none")
    }
}

/// What is known of a provider: its sums, its budget and its rate windows.
public struct ProviderAccount: OpenRecord {
    /// The provider.
    public var provider = Name.blank
    /// The sums of this period.
    public var usage = AccountUsage()
    /// The provider's budget per period; absent: unlimited.
    public var budget: Money?
    /// Whether admission denies a call that the budget does not cover.
    public var isEnforced = false
    /// The sum of the estimates of its permits in force.
    public var held = Money.zero
    /// Its calls in flight that have a permit.
    public var inFlight: UInt32 = 0
    /// Requests per minute, in the current window; absent: no limit is set.
    public var rpm: RateWindow?
    /// Requests per day, in the current window; absent: no limit is set.
    public var rpd: RateWindow?
    /// Tokens per minute, in the current window; absent: no limit is set.
    public var tpm: RateWindow?
    /// Tokens per day, in the current window; absent: no limit is set.
    public var tpd: RateWindow?
    /// The number of its model accounts.
    public var models: UInt32 = 0
    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("usage", &usage, "the sums of this period")
        try visitor.field("budget", &budget, "the provider's budget per period; absent: unlimited")
        try visitor.field("isEnforced", &isEnforced, "whether admission denies a call that the budget does not cover")
        try visitor.field("held", &held, "the sum of the estimates of its permits in force")
        try visitor.field("inFlight", &inFlight, "its calls in flight that have a permit")
        try visitor.field("rpm", &rpm, "requests per minute, in the current window; absent: no limit is set")
        try visitor.field("rpd", &rpd, "requests per day, in the current window; absent: no limit is set")
        try visitor.field("tpm", &tpm, "tokens per minute, in the current window; absent: no limit is set")
        try visitor.field("tpd", &tpd, "tokens per day, in the current window; absent: no limit is set")
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
    /// The model that was asked for.
    public var model = Name.blank
    /// The sums of this period.
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
        try visitor.field("usage", &usage, "the sums of this period")
        try visitor.field(
            "answering", &answering,
            "the model that last answered, if it was another; for display only, and also absent where no room is left for names"
        )
    }
}

/// A budget as it was set.
public struct Budget: WireRecord {
    /// The provider.
    public var provider = Name.blank
    /// The model; absent: the budget is for the provider as a whole.
    public var model: Name?
    /// The budget per period, at least $0; absent: none is set.
    public var monthly: Money?
    /// Whether admission denies a call that `monthly` does not cover, and `monthly` must be set then; otherwise the
    /// budget only notifies.
    public var isEnforced = false
    /// Requests per minute, at least 0; absent: not set; rate limits are always the provider's, also where a model is
    /// named.
    public var rpm: Int64?
    /// Requests per day, at least 0; absent: not set.
    public var rpd: Int64?
    /// Tokens per minute, at least 0; absent: not set.
    public var tpm: Int64?
    /// Tokens per day, at least 0; absent: not set.
    public var tpd: Int64?
    /// Every field has its default.
    @inlinable public init() {}

    /// A budget of this provider, or of a model with it.
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

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model; absent: the budget is for the provider as a whole")
        try visitor.field("monthly", &monthly, "the budget per period, at least $0; absent: none is set")
        try visitor.field(
            "isEnforced", &isEnforced,
            "whether admission denies a call that `monthly` does not cover, and `monthly` must be set then; otherwise the budget only notifies"
        )
        try visitor.field(
            "rpm", &rpm,
            "requests per minute, at least 0; absent: not set; rate limits are always the provider's, also where a model is named"
        )
        try visitor.field("rpd", &rpd, "requests per day, at least 0; absent: not set")
        try visitor.field("tpm", &tpm, "tokens per minute, at least 0; absent: not set")
        try visitor.field("tpd", &tpd, "tokens per day, at least 0; absent: not set")
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
    /// Spend over budget at which `warning` fires; 0.8 unless set.
    public var warning = 0.80
    /// Spend over budget at which `critical` fires; 0.9 unless set.
    public var critical = 0.90
    /// Spend over budget at which `emergency` fires; 0.95 unless set.
    public var emergency = 0.95
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("warning", &warning, "spend over budget at which `warning` fires; 0.8 unless set")
        try visitor.field("critical", &critical, "spend over budget at which `critical` fires; 0.9 unless set")
        try visitor.field("emergency", &emergency, "spend over budget at which `emergency` fires; 0.95 unless set")
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

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [PeriodLength] = [.month, .week, .day, .manual]

    /// The number on the wire.
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
