/// What is left of a budget, and how far it is used.
public struct LedgerBalance: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerBalance, "ledger.balance", .read, "What is left of a budget, and how far it is used.")
    }
    /// The provider.
    public var provider = Name.blank
    /// The model; absent: the provider's own budget.
    public var model: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the balance of this provider, or of a model with it.
    public init(provider: Name, model: Name? = nil) {
        self.provider = provider
        self.model = model
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model; absent: the provider's own budget")
    }

    /// The balance.
    public struct Reply: WireRecord {
        /// What is left of the budget, below 0 if overspent; absent if there is no budget.
        public var remaining: Money?
        /// Spend over budget; 0 if there is no budget.
        public var utilization: Double = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "remaining", &remaining,
                "what is left of the budget, below 0 if overspent; absent if there is no budget")
            try visitor.field("utilization", &utilization, "spend over budget; 0 if there is no budget")
        }
    }
}

/// A provider's account.
public struct LedgerProvider: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerProvider, "ledger.provider", .read, "A provider's account.")
    }
    /// The provider.
    public var provider = Name.blank
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the account of this provider.
    public init(provider: Name) { self.provider = provider }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
    }

    /// The account.
    public struct Reply: WireRecord {
        /// The account; absent if the provider is unknown.
        public var account: ProviderAccount?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("account", &account, "the account; absent if the provider is unknown")
        }
    }
}

/// A model's account with a provider.
public struct LedgerModel: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerModel, "ledger.model", .read, "A model's account with a provider.")
    }
    /// The provider.
    public var provider = Name.blank
    /// The model.
    public var model = Name.blank
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the account of this model.
    public init(provider: Name, model: Name) {
        self.provider = provider
        self.model = model
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model")
    }

    /// The account.
    public struct Reply: WireRecord {
        /// The account; absent if nothing was recorded for the model.
        public var account: ModelAccount?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("account", &account, "the account; absent if nothing was recorded for the model")
        }
    }
}

/// A page of all provider accounts.
public struct LedgerProviders: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerProviders, "ledger.providers", .read, "A page of all provider accounts.")
    }
    /// 0 to begin, then what the last page said.
    public var cursor = Page.end
    /// Every field has its default.
    @inlinable public init() {}
    /// The page at this cursor.
    public init(cursor: UInt32) { self.cursor = cursor }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A page of provider accounts.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` accounts.
        public var accounts: [ProviderAccount] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next = Page.end
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("accounts", &accounts, "at most \(WireLimits.pageLength) accounts")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

/// A page of a provider's model accounts.
public struct LedgerModels: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerModels, "ledger.models", .read, "A page of a provider's model accounts.")
    }
    /// The provider.
    public var provider = Name.blank
    /// 0 to begin, then what the last page said.
    public var cursor = Page.end
    /// Every field has its default.
    @inlinable public init() {}
    /// The page at this cursor.
    public init(provider: Name, cursor: UInt32) {
        self.provider = provider
        self.cursor = cursor
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A page of model accounts.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` accounts.
        public var accounts: [ModelAccount] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next = Page.end
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("accounts", &accounts, "at most \(WireLimits.pageLength) accounts")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

/// What all providers together have cost in this period.
public struct LedgerTotal: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerTotal, "ledger.total", .read, "What all providers together have cost in this period.")
    }
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    /// The sum, and the period that it is of.
    public struct Reply: WireRecord {
        /// The sum over all providers.
        public var spend = Money.zero
        /// When the period began, on the wall clock.
        public var periodStart = Timestamp(milliseconds: 0)
        /// When the period ends, on the wall clock; absent if it ends by `ledger.resetPeriod` alone.
        public var periodEnd: Timestamp?
        /// How long a period is.
        public var periodLength: PeriodLength = .month
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("spend", &spend, "the sum over all providers")
            try visitor.field("periodStart", &periodStart, "when the period began, on the wall clock")
            try visitor.field(
                "periodEnd", &periodEnd,
                "when the period ends, on the wall clock; absent if it ends by `ledger.resetPeriod` alone")
            try visitor.field("periodLength", &periodLength, "how long a period is")
        }
    }
}

/// Whether a provider's rate limit has room in its current window.
public struct LedgerCheckRate: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerCheckRate, "ledger.checkRate", .read,
            "Whether a provider's rate limit has room in its current window.")
    }
    /// The provider.
    public var provider = Name.blank
    /// The rate limit that is asked about.
    public var dimension: RateDimension = .rpm
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the room in a rate limit of this provider.
    public init(provider: Name, dimension: RateDimension) {
        self.provider = provider
        self.dimension = dimension
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("dimension", &dimension, "the rate limit that is asked about")
    }

    /// The state of the rate limit.
    public struct Reply: WireRecord {
        /// Whether there is room; true if there is no limit.
        public var allowed = false
        /// Requests or tokens counted in the current window.
        public var used: Int64 = 0
        /// Requests or tokens allowed in a window; 0 if there is no limit.
        public var limit: Int64 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("allowed", &allowed, "whether there is room; true if there is no limit")
            try visitor.field("used", &used, "requests or tokens counted in the current window")
            try visitor.field("limit", &limit, "requests or tokens allowed in a window; 0 if there is no limit")
        }
    }
}

/// The utilizations at which threshold events fire.
public struct LedgerThresholds: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerThresholds, "ledger.thresholds", .read, "The utilizations at which threshold events fire.")
    }
    /// The thresholds.
    public typealias Reply = Thresholds
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// A page of all budgets as they were set.
public struct LedgerBudgets: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerBudgets, "ledger.budgets", .read, "A page of all budgets as they were set.")
    }
    /// 0 to begin, then what the last page said.
    public var cursor = Page.end
    /// Every field has its default.
    @inlinable public init() {}
    /// The page at this cursor.
    public init(cursor: UInt32) { self.cursor = cursor }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A budget in the list. The budget itself is that of a request, and does not grow.
    public struct Entry: OpenRecord {
        /// Its name in the reference.
        public static var wireType: String { "BudgetEntry" }
        /// The budget as it was set.
        public var budget = Budget()
        /// Every field has its default.
        @inlinable public init() {}
        /// An entry with this budget.
        public init(_ budget: Budget) { self.budget = budget }
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("budget", &budget, "the budget as it was set")
        }
    }

    /// A page of budgets.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` budgets.
        public var entries: [Entry] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next = Page.end
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entries", &entries, "at most \(WireLimits.pageLength) budgets")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

/// A provider's sums in the periods that have ended, oldest first.
public struct LedgerClosedPeriods: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerClosedPeriods, "ledger.closedPeriods", .read,
            "A provider's sums in the periods that have ended, oldest first.")
    }
    /// The provider.
    public var provider = Name.blank
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the closed periods of this provider.
    public init(provider: Name) { self.provider = provider }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
    }

    /// A period that has ended.
    public struct Period: OpenRecord {
        /// Its name in the reference.
        public static var wireType: String { "ClosedPeriod" }
        /// When the period began, on the wall clock.
        public var start = Timestamp(milliseconds: 0)
        /// When the period ended, on the wall clock.
        public var end = Timestamp(milliseconds: 0)
        /// The provider's sums in the period.
        public var usage = AccountUsage()
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("start", &start, "when the period began, on the wall clock")
            try visitor.field("end", &end, "when the period ended, on the wall clock")
            try visitor.field("usage", &usage, "the provider's sums in the period")
        }
    }

    /// The periods.
    public struct Reply: WireRecord {
        /// The periods that are kept, oldest first.
        public var periods: [Period] = []
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("periods", &periods, "the periods that are kept, oldest first")
        }
    }
}
