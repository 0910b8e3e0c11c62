/// Records what a call has cost.
public struct LedgerRecord: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerRecord, "ledger.record", .durable, report: .record, "Records what a call has cost.")
    }

    /// The provider.
    public var provider = Name.blank
    /// The provider's deployment, such as an API key, a region or an endpoint; absent: the call names none.
    public var deployment: Name?
    /// The model that is charged.
    public var model = Name.blank
    /// What the call is made for, such as `team:search`; at most `WireLimits.TagList.capacity` tags.
    public var tags = WireLimits.TagList()
    /// What the call cost, $0 to `WireLimits.callCost`.
    public var cost = Money.zero
    /// Tokens sent, 0 to `UInt32.max`.
    public var inputTokens: UInt32 = 0
    /// Tokens received, 0 to `UInt32.max`.
    public var outputTokens: UInt32 = 0
    /// Whether tags that are not known count under `(other)`, or under that of their template. Clients leave it false,
    /// and the daemon sets it where it has no room for more tags.
    public var foldsTags = false

    /// Every field has its default.
    @inlinable public init() {}
    /// What a call by this route has cost.
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

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "deployment", &deployment,
            "the provider's deployment, such as an API key, a region or an endpoint; absent: the call names none")
        try visitor.field("model", &model, "the model that is charged")
        try visitor.field("tags", &tags, TagText.summary)
        try visitor.field("cost", &cost, "what the call cost, $0 to \(Quantity.dollars(WireLimits.callCost))")
        try visitor.field("inputTokens", &inputTokens, "tokens sent, 0 to \(Quantity.grouped(UInt32.max))")
        try visitor.field("outputTokens", &outputTokens, "tokens received, 0 to \(Quantity.grouped(UInt32.max))")
        try visitor.field("foldsTags", &foldsTags, TagText.folding)
    }

    /// The events that the record fired.
    public struct Reply: OpenRecord {
        /// The replies of settles hold it too, under a name of its own.
        public static var wireType: String { "FiredEvents" }

        /// The event that this record fired, if it crossed a threshold.
        public var threshold: ThresholdCrossed?
        /// The event that this record fired, if the budget came into a nearer depletion tier.
        public var depletion: DepletionProjected?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("threshold", &threshold, "the event that this record fired, if it crossed a threshold")
            try visitor.field(
                "depletion", &depletion,
                "the event that this record fired, if the budget came into a nearer depletion tier")
        }
    }
}

/// Sets a budget and rate limits, in the place of the budget for the same provider and model.
public struct LedgerSetBudget: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerSetBudget, "ledger.setBudget", .durable, .operator,
            "Sets a budget and rate limits, in the place of the budget for the same provider and model.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The budget; rate limits that are absent stay as they are.
    public var budget = Budget()
    /// Every field has its default.
    @inlinable public init() {}
    /// Sets this budget.
    public init(budget: Budget) { self.budget = budget }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("budget", &budget, "the budget; rate limits that are absent stay as they are")
    }
}

/// Removes a budget; rate limits stay.
public struct LedgerRemoveBudget: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerRemoveBudget, "ledger.removeBudget", .durable, .operator, "Removes a budget; rate limits stay.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The provider.
    public var provider = Name.blank
    /// The model; absent: the provider's own budget.
    public var model: Name?
    /// Whether the request is refused with `notFound` if there is no such budget.
    public var mustExist = false
    /// Every field has its default.
    @inlinable public init() {}
    /// Removes the budget of this provider, or of a model with it.
    public init(provider: Name, model: Name? = nil, mustExist: Bool = false) {
        self.provider = provider
        self.model = model
        self.mustExist = mustExist
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model; absent: the provider's own budget")
        try visitor.field(
            "mustExist", &mustExist, "whether the request is refused with `notFound` if there is no such budget")
    }
}

/// Closes the period now and begins a new one.
public struct LedgerResetPeriod: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerResetPeriod, "ledger.resetPeriod", .durable, .operator, "Closes the period now and begins a new one."
        )
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// Sets the utilizations at which threshold events fire; absent ones stay.
public struct LedgerSetThresholds: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerSetThresholds, "ledger.setThresholds", .durable, .operator,
            "Sets the utilizations at which threshold events fire; absent ones stay.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// Spend over budget at which `warning` fires, at least 0; absent: it stays.
    public var warning: Double?
    /// Spend over budget at which `critical` fires, at least 0; absent: it stays.
    public var critical: Double?
    /// Spend over budget at which `emergency` fires, at least 0; absent: it stays.
    public var emergency: Double?
    /// Every field has its default.
    @inlinable public init() {}
    /// Sets the thresholds that are given; a threshold that is nil keeps its value.
    public init(warning: Double? = nil, critical: Double? = nil, emergency: Double? = nil) {
        self.warning = warning
        self.critical = critical
        self.emergency = emergency
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "warning", &warning, "spend over budget at which `warning` fires, at least 0; absent: it stays")
        try visitor.field(
            "critical", &critical, "spend over budget at which `critical` fires, at least 0; absent: it stays")
        try visitor.field(
            "emergency", &emergency, "spend over budget at which `emergency` fires, at least 0; absent: it stays")
    }
}

/// Sets how long periods are; the current one goes on to the end that this gives it.
public struct LedgerSetPeriod: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerSetPeriod, "ledger.setPeriod", .durable, .operator,
            "Sets how long periods are; the current one goes on to the end that this gives it.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// How long a period is.
    public var length: PeriodLength = .month
    /// Every field has its default.
    @inlinable public init() {}
    /// Sets this length.
    public init(length: PeriodLength) { self.length = length }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("length", &length, "how long a period is")
    }
}
