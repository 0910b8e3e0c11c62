public struct BreakerTransition: EventRecord {
    public static let declaration = EventDeclaration(
        .breakerTransition, "breakerTransition", .breaker, .written, "A breaker changed its state.")
    public var event: Event { .breakerTransition(self) }

    public var name = Name.blank
    public var from: BreakerState = .closed
    public var to: BreakerState = .closed
    public var share: Double = 0
    public var consecutiveFailures: UInt32 = 0
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field("from", &from, "the state before")
        try visitor.field("to", &to, "the state now")
        try visitor.field("share", &share, "the share of traffic admitted now")
        try visitor.field("consecutiveFailures", &consecutiveFailures, "its place on the curve")
    }
}

public struct ProviderExhausted: EventRecord {
    public static let declaration = EventDeclaration(
        .providerExhausted, "providerExhausted", .exhaustion, .written, "A provider's mark began or was extended.")
    public var event: Event { .providerExhausted(self) }

    public var entry = ExhaustionEntry()
    @inlinable public init() {}
    public init(entry: ExhaustionEntry) { self.entry = entry }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the mark")
    }
}

public struct ProviderRestored: EventRecord {
    public static let declaration = EventDeclaration(
        .providerRestored, "providerRestored", .exhaustion, .written, "A provider's mark ended.")
    public var event: Event { .providerRestored(self) }

    public var provider = Name.blank
    public var expired = false
    @inlinable public init() {}
    public init(provider: Name, expired: Bool) {
        self.provider = provider
        self.expired = expired
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("expired", &expired, "whether by time; else it was cleared by hand")
    }
}

public struct ThresholdCrossed: EventRecord {
    public static let declaration = EventDeclaration(
        .thresholdCrossed, "thresholdCrossed", .ledger, .durable,
        "A provider's spend crossed a threshold of its budget, upwards, for the first time in the period.")
    public var event: Event { .thresholdCrossed(self) }

    public var provider = Name.blank
    public var model = Name.blank
    public var tier: ThresholdTier = .none
    public var spend = Money.zero
    public var budget = Money.zero
    @inlinable public init() {}

    /// Spend over budget.
    public var utilization: Double { Double(spend.nanodollars) / Double(budget.nanodollars) }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model of the record that crossed it")
        try visitor.field("tier", &tier, "the threshold")
        try visitor.field("spend", &spend, "the provider's spend in this period")
        try visitor.field("budget", &budget, "its budget")
    }
}

public struct DepletionProjected: EventRecord {
    public static let declaration = EventDeclaration(
        .depletionProjected, "depletionProjected", .ledger, .durable,
        "A provider's budget will be used up within 7, 3 or 1 days; fired on escalation only.")
    public var event: Event { .depletionProjected(self) }

    public var provider = Name.blank
    public var tier: DepletionTier = .none
    public var daysRemaining: Double = 0
    public var depletesAt = Timestamp(milliseconds: 0)
    public var burnRate = BurnRate()
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("tier", &tier, "7 days, 3 days or 1 day")
        try visitor.field("daysRemaining", &daysRemaining, "at the burn rate of the last 24 hours")
        try visitor.field("depletesAt", &depletesAt, "when that will be")
        try visitor.field("burnRate", &burnRate, "what the estimate rests on")
    }
}

public struct PeriodRolledOver: EventRecord {
    public static let declaration = EventDeclaration(
        .periodRolledOver, "periodRolledOver", .period, .written, "A budget period ended and a new one began.")
    public var event: Event { .periodRolledOver(self) }

    public var endedStart = Timestamp(milliseconds: 0)
    public var start = Timestamp(milliseconds: 0)
    public var spend = Money.zero
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("endedStart", &endedStart, "when the period that ended had begun, on the wall clock")
        try visitor.field("start", &start, "when the new one began, on the wall clock")
        try visitor.field("spend", &spend, "spent in the period that ended, by all providers")
    }
}

public struct BudgetDenied: EventRecord {
    public static let declaration = EventDeclaration(
        .budgetDenied, "budgetDenied", .admission, .written,
        "An enforced budget denied a call; told once until it admits one again or is set anew.")
    public var event: Event { .budgetDenied(self) }

    public var provider = Name.blank
    public var model: Name?
    public var spend = Money.zero
    public var held = Money.zero
    public var budget = Money.zero
    public var estimate = Money.zero
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model whose budget it is; absent: the provider's own")
        try visitor.field("spend", &spend, "spent in this period")
        try visitor.field("held", &held, "held by permits in force")
        try visitor.field("budget", &budget, "the budget")
        try visitor.field("estimate", &estimate, "what the denied call might have cost")
    }
}

public struct PermitLapsed: EventRecord {
    public static let declaration = EventDeclaration(
        .permitLapsed, "permitLapsed", .admission, .written, "A permit ended without being settled.")
    public var event: Event { .permitLapsed(self) }

    public var entry = PermitEntry()
    @inlinable public init() {}
    public init(entry: PermitEntry) { self.entry = entry }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "entry", &entry,
            "the permit; its standing says whether it expired, was reclaimed or revoked; its estimate is given back")
    }
}

/// What every event frame carries before the event's own fields.
public struct EventEnvelope: WireRecord {
    public var number: UInt64 = 0
    public var missed: UInt64 = 0
    public var at = Timestamp(milliseconds: 0)
    @inlinable public init() {}
    public init(number: UInt64, missed: UInt64, at: Timestamp) {
        self.number = number
        self.missed = missed
        self.at = at
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("number", &number, "counts the daemon's events since its start, whoever subscribed")
        try visitor.field(
            "missed", &missed,
            "events of the subscribed topics that were not sent since the last one, because this subscriber was slow")
        try visitor.field("at", &at, "when it happened, on the steady clock")
    }
}
