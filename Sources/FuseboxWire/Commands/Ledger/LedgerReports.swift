public struct LedgerBalance: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerBalance, "ledger.balance", .read, "What is left of a budget, and how far it is used.")
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
        CommandDeclaration(.ledgerProvider, "ledger.provider", .read, "A provider's account.")
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
        CommandDeclaration(.ledgerModel, "ledger.model", .read, "A model's account with a provider.")
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
        CommandDeclaration(.ledgerProviders, "ledger.providers", .read, "A page of all provider accounts.")
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
            try visitor.field("accounts", &accounts, "at most \(WireLimits.pageLength)")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

public struct LedgerModels: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerModels, "ledger.models", .read, "A page of a provider's model accounts.")
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
            try visitor.field("accounts", &accounts, "at most \(WireLimits.pageLength)")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

public struct LedgerTotal: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerTotal, "ledger.total", .read, "What all providers together have cost in this period.")
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
        CommandDeclaration(
            .ledgerBurnRate, "ledger.burnRate", .read, "What a provider costs per hour and day, over a window.")
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
        CommandDeclaration(
            .ledgerDepletion, "ledger.depletion", .read, "When a provider's budget will be used up at its burn rate.")
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
        CommandDeclaration(.ledgerSummary, "ledger.summary", .read, "What a provider has cost within a window.")
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
            .ledgerSummaries, "ledger.summaries", .read,
            "A page of the summaries of all providers that have any history.")
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
            try visitor.field("summaries", &summaries, "at most \(WireLimits.pageLength)")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

public struct LedgerCheckRate: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerCheckRate, "ledger.checkRate", .read,
            "Whether a provider's rate limit has room in its current window.")
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

public struct LedgerThresholds: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerThresholds, "ledger.thresholds", .read, "The utilizations at which threshold events fire.")
    }
    public typealias Reply = Thresholds
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

public struct LedgerBudgets: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerBudgets, "ledger.budgets", .read, "A page of all budgets as they were set.")
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
            try visitor.field("budgets", &budgets, "at most \(WireLimits.pageLength)")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

public struct LedgerClosedPeriods: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerClosedPeriods, "ledger.closedPeriods", .read,
            "A provider's sums in the periods that have ended, oldest first.")
    }
    public var provider = Name.blank
    @inlinable public init() {}
    public init(provider: Name) { self.provider = provider }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
    }

    /// A period that has ended.
    public struct Period: OpenRecord {
        public static var wireType: String { "ClosedPeriod" }
        public var start = Timestamp(milliseconds: 0)
        public var end = Timestamp(milliseconds: 0)
        public var usage = AccountUsage()
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
