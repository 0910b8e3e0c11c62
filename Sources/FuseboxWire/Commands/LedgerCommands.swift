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
public enum ThresholdTier: UInt8, WireEnumeration {
    case none = 0
    case warning = 1
    case critical = 2
    case emergency = 3
}

/// How soon a budget will be used up at the current burn rate: within 7, 3 or 1 days.
public enum DepletionTier: UInt8, WireEnumeration {
    case none = 0
    case warning = 1
    case critical = 2
    case emergency = 3
}

/// Spend per time over a window.
public struct BurnRate: WireRecord {
    public var costPerHour: Double = 0
    public var costPerDay: Double = 0
    public var windowMilliseconds: Int64 = 0
    public var sampleCount: UInt64 = 0
    public var isApproximate = false
    @inlinable public init() {}

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("costPerHour", &costPerHour, "dollars per hour")
        try visitor.field("costPerDay", &costPerDay, "dollars per day")
        try visitor.field("windowMilliseconds", &windowMilliseconds, "the window looked at")
        try visitor.field("sampleCount", &sampleCount, "records in the window")
        try visitor.field(
            "isApproximate", &isApproximate,
            "whether records older than the window are counted in, because history that old is kept in sums")
    }
}

/// When a budget will be used up.
public struct DepletionEstimate: WireRecord {
    public var remaining = Money.zero
    public var burnRate = BurnRate()
    public var daysRemaining: Double?
    public var depletesAt: Timestamp?
    @inlinable public init() {}

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("remaining", &remaining, "what is left of the budget; 0 if it is overspent")
        try visitor.field("burnRate", &burnRate, "what the estimate rests on")
        try visitor.field("daysRemaining", &daysRemaining, "absent if nothing is being spent")
        try visitor.field("depletesAt", &depletesAt, "absent if nothing is being spent, or beyond the year 275760")
    }
}

public struct SpendSummary: WireRecord {
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
public struct RateWindow: WireRecord {
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
public struct Usage: WireRecord {
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

public struct ProviderAccount: WireRecord {
    public var provider = Name.blank
    public var usage = Usage()
    public var budget: Money?
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
        try visitor.field("rpm", &rpm, "requests per minute")
        try visitor.field("rpd", &rpd, "requests per day")
        try visitor.field("tpm", &tpm, "tokens per minute")
        try visitor.field("tpd", &tpd, "tokens per day")
        try visitor.field("models", &models, "the number of its model accounts")
    }

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

public struct ModelAccount: WireRecord {
    public var model = Name.blank
    public var usage = Usage()
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("model", &model, "the model")
        try visitor.field("usage", &usage, "the sums of this period")
    }
}

/// A budget as it was set.
public struct Budget: WireRecord {
    public var provider = Name.blank
    public var model: Name?
    public var monthly: Money?
    public var rpm: Int64?
    public var rpd: Int64?
    public var tpm: Int64?
    public var tpd: Int64?
    @inlinable public init() {}

    public init(
        provider: Name, model: Name? = nil, monthly: Money? = nil, rpm: Int64? = nil, rpd: Int64? = nil,
        tpm: Int64? = nil, tpd: Int64? = nil
    ) {
        self.provider = provider
        self.model = model
        self.monthly = monthly
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
        try visitor.field("rpm", &rpm, "requests per minute; rate limits are always the provider's; at least 0")
        try visitor.field("rpd", &rpd, "requests per day")
        try visitor.field("tpm", &tpm, "tokens per minute")
        try visitor.field("tpd", &tpd, "tokens per day")
    }

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
public enum PeriodLength: UInt8, WireEnumeration {
    /// The UTC calendar month.
    case month = 0
    /// The UTC week, from Monday on.
    case week = 1
    /// The UTC day.
    case day = 2
    /// Until `ledger.resetPeriod`.
    case manual = 3
}

public struct LedgerRecord: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(48, "ledger.record", .durable, "Records what a call has cost.")
    }

    public var provider = Name.blank
    public var model = Name.blank
    public var cost = Money.zero
    public var inputTokens: UInt32 = 0
    public var outputTokens: UInt32 = 0

    @inlinable public init() {}
    public init(provider: Name, model: Name, cost: Money, inputTokens: UInt32, outputTokens: UInt32) {
        self.provider = provider
        self.model = model
        self.cost = cost
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model that answered")
        try visitor.field("cost", &cost, "at least 0")
        try visitor.field("inputTokens", &inputTokens, "tokens sent")
        try visitor.field("outputTokens", &outputTokens, "tokens received")
    }

    public struct Reply: WireRecord {
        public var threshold: ThresholdCrossed?
        public var depletion: DepletionProjected?
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("threshold", &threshold, "the event that this record fired, if it crossed a threshold")
            try visitor.field("depletion", &depletion, "the event that this record fired, if depletion came nearer")
        }
    }
}

public struct LedgerSetBudget: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            49, "ledger.setBudget", .durable, .operator,
            "Sets a budget and rate limits, in the place of the budget for the same provider and model.")
    }
    public typealias Reply = Done
    public var budget = Budget()
    @inlinable public init() {}
    public init(budget: Budget) { self.budget = budget }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("budget", &budget, "absent limits stay as they are")
    }
}

public struct LedgerRemoveBudget: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(50, "ledger.removeBudget", .durable, .operator, "Removes a budget; rate limits stay.")
    }
    public typealias Reply = Done
    public var provider = Name.blank
    public var model: Name?
    @inlinable public init() {}
    public init(provider: Name, model: Name? = nil) {
        self.provider = provider
        self.model = model
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "absent: the provider's own budget")
    }
}

public struct LedgerBalance: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(51, "ledger.balance", .read, "What is left of a budget, and how far it is used.")
    }
    public var provider = Name.blank
    public var model: Name?
    @inlinable public init() {}
    public init(provider: Name, model: Name? = nil) {
        self.provider = provider
        self.model = model
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "absent: the provider's own budget")
    }

    public struct Reply: WireRecord {
        public var remaining: Money?
        public var utilization: Double = 0
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("remaining", &remaining, "below 0 if overspent; absent if there is no budget")
            try visitor.field("utilization", &utilization, "spend over budget; 0 if there is no budget")
        }
    }
}

public struct LedgerProvider: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(52, "ledger.provider", .read, "A provider's account.")
    }
    public var provider = Name.blank
    @inlinable public init() {}
    public init(provider: Name) { self.provider = provider }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
    }

    public struct Reply: WireRecord {
        public var account: ProviderAccount?
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("account", &account, "absent if the provider is unknown")
        }
    }
}

public struct LedgerModel: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(53, "ledger.model", .read, "A model's account with a provider.")
    }
    public var provider = Name.blank
    public var model = Name.blank
    @inlinable public init() {}
    public init(provider: Name, model: Name) {
        self.provider = provider
        self.model = model
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model")
    }

    public struct Reply: WireRecord {
        public var account: ModelAccount?
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("account", &account, "absent if nothing was recorded for it")
        }
    }
}

public struct LedgerProviders: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(54, "ledger.providers", .read, "A page of all provider accounts.")
    }
    public var cursor = Page.end
    @inlinable public init() {}
    public init(cursor: UInt32) { self.cursor = cursor }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    public struct Reply: WireRecord {
        public var accounts: [ProviderAccount] = []
        public var next = Page.end
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("accounts", &accounts, "at most 256")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

public struct LedgerModels: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(55, "ledger.models", .read, "A page of a provider's model accounts.")
    }
    public var provider = Name.blank
    public var cursor = Page.end
    @inlinable public init() {}
    public init(provider: Name, cursor: UInt32) {
        self.provider = provider
        self.cursor = cursor
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    public struct Reply: WireRecord {
        public var accounts: [ModelAccount] = []
        public var next = Page.end
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("accounts", &accounts, "at most 256")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

public struct LedgerTotal: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(56, "ledger.total", .read, "What all providers together have cost in this period.")
    }
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    public struct Reply: WireRecord {
        public var spend = Money.zero
        public var periodStart = Timestamp(milliseconds: 0)
        public var periodEnd: Timestamp?
        public var periodLength: PeriodLength = .month
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("spend", &spend, "the sum over all providers")
            try visitor.field("periodStart", &periodStart, "when the period began, on the wall clock")
            try visitor.field("periodEnd", &periodEnd, "when it rolls over, on the wall clock; absent if by hand")
            try visitor.field("periodLength", &periodLength, "how long a period is")
        }
    }
}

public struct LedgerBurnRate: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(57, "ledger.burnRate", .read, "What a provider costs per hour and day, over a window.")
    }
    public typealias Reply = BurnRate
    public var provider = Name.blank
    public var windowMilliseconds: Int64?
    @inlinable public init() {}
    public init(provider: Name, windowMilliseconds: Int64? = nil) {
        self.provider = provider
        self.windowMilliseconds = windowMilliseconds
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "windowMilliseconds", &windowMilliseconds,
            "the newest part of the history to look at; absent: 24 hours; at least 0")
    }
}

public struct LedgerDepletion: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(58, "ledger.depletion", .read, "When a provider's budget will be used up at its burn rate.")
    }
    public var provider = Name.blank
    public var windowMilliseconds: Int64?
    @inlinable public init() {}
    public init(provider: Name, windowMilliseconds: Int64? = nil) {
        self.provider = provider
        self.windowMilliseconds = windowMilliseconds
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "windowMilliseconds", &windowMilliseconds, "the window of the burn rate; absent: 24 hours; at least 0")
    }

    public struct Reply: WireRecord {
        public var estimate: DepletionEstimate?
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("estimate", &estimate, "absent if the provider has no budget")
        }
    }
}

public struct LedgerSummary: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(59, "ledger.summary", .read, "What a provider has cost within a window.")
    }
    public typealias Reply = SpendSummary
    public var provider = Name.blank
    public var windowMilliseconds: Int64 = 86_400_000
    @inlinable public init() {}
    public init(provider: Name, windowMilliseconds: Int64) {
        self.provider = provider
        self.windowMilliseconds = windowMilliseconds
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "windowMilliseconds", &windowMilliseconds, "the newest part of the history to look at; at least 0")
    }
}

public struct LedgerSummaries: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            60, "ledger.summaries", .read, "A page of the summaries of all providers that have any history.")
    }
    public var windowMilliseconds: Int64 = 86_400_000
    public var cursor = Page.end
    @inlinable public init() {}
    public init(windowMilliseconds: Int64, cursor: UInt32) {
        self.windowMilliseconds = windowMilliseconds
        self.cursor = cursor
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "windowMilliseconds", &windowMilliseconds, "the newest part of the history to look at; at least 0")
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    public struct Reply: WireRecord {
        public var summaries: [SpendSummary] = []
        public var next = Page.end
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("summaries", &summaries, "at most 256")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

public struct LedgerCheckRate: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            61, "ledger.checkRate", .read, "Whether a provider's rate limit has room in its current window.")
    }
    public var provider = Name.blank
    public var dimension: RateDimension = .rpm
    @inlinable public init() {}
    public init(provider: Name, dimension: RateDimension) {
        self.provider = provider
        self.dimension = dimension
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("dimension", &dimension, "which limit")
    }

    public struct Reply: WireRecord {
        public var allowed = false
        public var used: Int64 = 0
        public var limit: Int64 = 0
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("allowed", &allowed, "whether there is room; true if there is no limit")
            try visitor.field("used", &used, "counted in the current window")
            try visitor.field("limit", &limit, "0 if there is none")
        }
    }
}

public struct LedgerResetPeriod: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(62, "ledger.resetPeriod", .durable, .operator, "Closes the period now and begins a new one.")
    }
    public typealias Reply = Done
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

public struct LedgerSetThresholds: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            63, "ledger.setThresholds", .durable, .operator,
            "Sets the utilizations at which threshold events fire; absent ones stay.")
    }
    public typealias Reply = Done
    public var warning: Double?
    public var critical: Double?
    public var emergency: Double?
    @inlinable public init() {}
    public init(warning: Double? = nil, critical: Double? = nil, emergency: Double? = nil) {
        self.warning = warning
        self.critical = critical
        self.emergency = emergency
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("warning", &warning, "at least 0")
        try visitor.field("critical", &critical, "at least 0")
        try visitor.field("emergency", &emergency, "at least 0")
    }
}

public struct LedgerThresholds: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(64, "ledger.thresholds", .read, "The utilizations at which threshold events fire.")
    }
    public typealias Reply = Thresholds
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

public struct LedgerBudgets: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(65, "ledger.budgets", .read, "A page of all budgets as they were set.")
    }
    public var cursor = Page.end
    @inlinable public init() {}
    public init(cursor: UInt32) { self.cursor = cursor }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    public struct Reply: WireRecord {
        public var budgets: [Budget] = []
        public var next = Page.end
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("budgets", &budgets, "at most 256")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

public struct LedgerSetPeriod: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            66, "ledger.setPeriod", .durable, .operator,
            "Sets how long periods are; the current one goes on to the end that this gives it.")
    }
    public typealias Reply = Done
    public var length: PeriodLength = .month
    @inlinable public init() {}
    public init(length: PeriodLength) { self.length = length }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("length", &length, "how long a period is")
    }
}

public struct LedgerClosedPeriods: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            67, "ledger.closedPeriods", .read, "A provider's sums in the periods that have ended, oldest first.")
    }
    public var provider = Name.blank
    @inlinable public init() {}
    public init(provider: Name) { self.provider = provider }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
    }

    public struct Period: WireRecord {
        public static var wireType: String { "ClosedPeriod" }
        public var start = Timestamp(milliseconds: 0)
        public var end = Timestamp(milliseconds: 0)
        public var usage = Usage()
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("start", &start, "on the wall clock")
            try visitor.field("end", &end, "on the wall clock")
            try visitor.field("usage", &usage, "the provider's sums")
        }
    }

    public struct Reply: WireRecord {
        public var periods: [Period] = []
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("periods", &periods, "at most 13")
        }
    }
}
