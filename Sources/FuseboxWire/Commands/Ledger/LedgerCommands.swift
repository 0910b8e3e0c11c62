public struct LedgerRecord: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerRecord, "ledger.record", .durable, report: .record, "Records what a call has cost.")
    }

    public var provider = Name.blank
    public var deployment: Name?
    public var model = Name.blank
    public var tags = WireLimits.TagList()
    public var cost = Money.zero
    public var inputTokens: UInt32 = 0
    public var outputTokens: UInt32 = 0
    public var foldsTags = false

    @inlinable public init() {}
    public init(
        provider: Name, deployment: Name? = nil, model: Name, tags: WireLimits.TagList = WireLimits.TagList(),
        cost: Money, inputTokens: UInt32, outputTokens: UInt32
    ) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
        self.tags = tags
        self.cost = cost
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("deployment", &deployment, "the API key, region or endpoint; absent: none is told apart")
        try visitor.field("model", &model, "the model that is charged")
        try visitor.field("tags", &tags, TagText.summary)
        try visitor.field("cost", &cost, "$0 to \(Quantity.dollars(WireLimits.callCost))")
        try visitor.field("inputTokens", &inputTokens, "tokens sent, 0 to \(Quantity.grouped(UInt32.max))")
        try visitor.field("outputTokens", &outputTokens, "tokens received, 0 to \(Quantity.grouped(UInt32.max))")
        try visitor.field("foldsTags", &foldsTags, TagText.folding)
    }

    public struct Reply: OpenRecord {
        /// The replies of settles hold it too, under a name of its own.
        public static var wireType: String { "FiredEvents" }

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
            .ledgerSetBudget, "ledger.setBudget", .durable, .operator,
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
        CommandDeclaration(
            .ledgerRemoveBudget, "ledger.removeBudget", .durable, .operator, "Removes a budget; rate limits stay.")
    }
    public typealias Reply = Done
    public var provider = Name.blank
    public var model: Name?
    public var mustExist = false
    @inlinable public init() {}
    public init(provider: Name, model: Name? = nil, mustExist: Bool = false) {
        self.provider = provider
        self.model = model
        self.mustExist = mustExist
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "absent: the provider's own budget")
        try visitor.field("mustExist", &mustExist, "whether it is refused with `notFound` if there is no such budget")
    }
}

public struct LedgerResetPeriod: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerResetPeriod, "ledger.resetPeriod", .durable, .operator, "Closes the period now and begins a new one."
        )
    }
    public typealias Reply = Done
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

public struct LedgerSetThresholds: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerSetThresholds, "ledger.setThresholds", .durable, .operator,
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

public struct LedgerSetPeriod: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerSetPeriod, "ledger.setPeriod", .durable, .operator,
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
