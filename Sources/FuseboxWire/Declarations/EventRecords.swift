/// A breaker changed its state.
public struct BreakerTransition: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .breakerTransition, "breakerTransition", .breaker, .written, "A breaker changed its state.")
    /// The record as an event.
    public var event: Event { .breakerTransition(self) }

    /// The breaker.
    public var name = Name.blank
    /// The state before.
    public var from: BreakerState = .closed
    /// The state now.
    public var to: BreakerState = .closed
    /// The share of traffic admitted now.
    public var share: Double = 0
    /// Failures less successes and decay: the point of the degradation curve that gives the share.
    public var consecutiveFailures: UInt32 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field("from", &from, "the state before")
        try visitor.field("to", &to, "the state now")
        try visitor.field("share", &share, "the share of traffic admitted now")
        try visitor.field(
            "consecutiveFailures", &consecutiveFailures,
            "failures less successes and decay: the point of the degradation curve that gives the share")
    }
}

/// A provider's mark began or was extended.
public struct ProviderExhausted: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .providerExhausted, "providerExhausted", .exhaustion, .written, "A provider's mark began or was extended.")
    /// The record as an event.
    public var event: Event { .providerExhausted(self) }

    /// The mark.
    public var entry = ExhaustionEntry()
    /// Every field has its default.
    @inlinable public init() {}
    /// An event about this mark.
    public init(entry: ExhaustionEntry) { self.entry = entry }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the mark")
    }
}

/// A provider's mark ended.
public struct ProviderRestored: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .providerRestored, "providerRestored", .exhaustion, .written, "A provider's mark ended.")
    /// The record as an event.
    public var event: Event { .providerRestored(self) }

    /// The provider.
    public var provider = Name.blank
    /// Whether its time had passed; otherwise it was cleared by hand.
    public var expired = false
    /// Every field has its default.
    @inlinable public init() {}
    /// An event about the mark of this provider.
    public init(provider: Name, expired: Bool) {
        self.provider = provider
        self.expired = expired
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("expired", &expired, "whether its time had passed; otherwise it was cleared by hand")
    }
}

/// A provider's spend reached a threshold of its budget for the first time in the period.
public struct ThresholdCrossed: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .thresholdCrossed, "thresholdCrossed", .ledger, .durable,
        "A provider's spend reached a threshold of its budget for the first time in the period.")
    /// The record as an event.
    public var event: Event { .thresholdCrossed(self) }

    /// The provider.
    public var provider = Name.blank
    /// The model of the record that reached it.
    public var model = Name.blank
    /// The threshold.
    public var tier: ThresholdTier = .none
    /// The provider's spend in this period.
    public var spend = Money.zero
    /// Its budget.
    public var budget = Money.zero
    /// Every field has its default.
    @inlinable public init() {}

    /// Spend over budget.
    public var utilization: Double { Double(spend.nanodollars) / Double(budget.nanodollars) }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model of the record that reached it")
        try visitor.field("tier", &tier, "the threshold")
        try visitor.field("spend", &spend, "the provider's spend in this period")
        try visitor.field("budget", &budget, "its budget")
    }
}

/// A provider's budget will be used up within 7 days, 3 days or 1 day. Sent only when a nearer tier is reached.
public struct DepletionProjected: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .depletionProjected, "depletionProjected", .ledger, .durable,
        "A provider's budget will be used up within 7 days, 3 days or 1 day. Sent only when a nearer tier is reached.")
    /// The record as an event.
    public var event: Event { .depletionProjected(self) }

    /// The provider.
    public var provider = Name.blank
    /// 7 days, 3 days or 1 day.
    public var tier: DepletionTier = .none
    /// Days until then, at the burn rate of the last 24 hours.
    public var daysRemaining: Double = 0
    /// When the budget will be used up.
    public var depletesAt = Timestamp(milliseconds: 0)
    /// The burn rate of the estimate.
    public var burnRate = BurnRate()
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("tier", &tier, "7 days, 3 days or 1 day")
        try visitor.field("daysRemaining", &daysRemaining, "days until then, at the burn rate of the last 24 hours")
        try visitor.field("depletesAt", &depletesAt, "when the budget will be used up")
        try visitor.field("burnRate", &burnRate, "the burn rate of the estimate")
    }
}

/// A budget period ended and a new one began.
public struct PeriodRolledOver: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .periodRolledOver, "periodRolledOver", .period, .written, "A budget period ended and a new one began.")
    /// The record as an event.
    public var event: Event { .periodRolledOver(self) }

    /// When the ended period had begun, on the wall clock.
    public var endedStart = Timestamp(milliseconds: 0)
    /// When the new period began, on the wall clock.
    public var start = Timestamp(milliseconds: 0)
    /// What all providers together spent in the ended period.
    public var spend = Money.zero
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("endedStart", &endedStart, "when the ended period had begun, on the wall clock")
        try visitor.field("start", &start, "when the new period began, on the wall clock")
        try visitor.field("spend", &spend, "what all providers together spent in the ended period")
    }
}

/// An enforced budget denied a call. Sent once until the budget admits a call again or is set anew.
public struct BudgetDenied: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .budgetDenied, "budgetDenied", .admission, .written,
        "An enforced budget denied a call. Sent once until the budget admits a call again or is set anew.")
    /// The record as an event.
    public var event: Event { .budgetDenied(self) }

    /// The provider.
    public var provider = Name.blank
    /// The model that has the budget; absent: it is the provider's own.
    public var model: Name?
    /// Spent in this period.
    public var spend = Money.zero
    /// Held by permits in force.
    public var held = Money.zero
    /// The budget.
    public var budget = Money.zero
    /// The estimated cost of the denied call.
    public var estimate = Money.zero
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model that has the budget; absent: it is the provider's own")
        try visitor.field("spend", &spend, "what was spent in this period")
        try visitor.field("held", &held, "held by permits in force")
        try visitor.field("budget", &budget, "the budget")
        try visitor.field("estimate", &estimate, "the estimated cost of the denied call")
    }
}

/// A permit ended without being settled.
public struct PermitLapsed: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .permitLapsed, "permitLapsed", .admission, .written, "A permit ended without being settled.")
    /// The record as an event.
    public var event: Event { .permitLapsed(self) }

    /// The permit; its standing says whether it expired, was reclaimed or revoked; its estimate is given back.
    public var entry = PermitEntry()
    /// Every field has its default.
    @inlinable public init() {}
    /// An event about this permit.
    public init(entry: PermitEntry) { self.entry = entry }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "entry", &entry,
            "the permit; its standing says whether it expired, was reclaimed or revoked; its estimate is given back")
    }
}

/// The fields before an event's own fields in every event frame.
public struct EventEnvelope: WireRecord {
    /// The event's number: counts all events of the daemon since its start.
    public var number: UInt64 = 0
    /// How many events of the subscribed topics were dropped since the last one that was sent.
    public var missed: UInt64 = 0
    /// When it happened, on the steady clock.
    public var at = Timestamp(milliseconds: 0)
    /// Every field has its default.
    @inlinable public init() {}
    /// An envelope of these fields.
    public init(number: UInt64, missed: UInt64, at: Timestamp) {
        self.number = number
        self.missed = missed
        self.at = at
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("number", &number, "the event's number: counts all events of the daemon since its start")
        try visitor.field(
            "missed", &missed,
            "how many events of the subscribed topics were dropped since the last one that was sent")
        try visitor.field("at", &at, "when it happened, on the steady clock")
    }
}
