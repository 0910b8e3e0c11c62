/// What a subscriber may hear of.
public struct Topics: OptionSet, Sendable, Hashable {
    /// The bits on the wire.
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Breaker transitions.
    public static let breaker = Topics(rawValue: 1)
    /// Exhaustion marks and their expiry.
    public static let exhaustion = Topics(rawValue: 2)
    /// Budget thresholds and projected depletion.
    public static let ledger = Topics(rawValue: 4)
    /// Rollovers of the budget period.
    public static let period = Topics(rawValue: 8)
    /// Permits that end without being settled, and budgets that deny.
    public static let admission = Topics(rawValue: 16)
    /// Every topic.
    public static let all: Topics = [.breaker, .exhaustion, .ledger, .period, .admission]

    /// Each topic with its name on the command line.
    public static let named: [(name: String, topic: Topics)] = [
        ("breaker", .breaker), ("exhaustion", .exhaustion), ("ledger", .ledger), ("period", .period),
        ("admission", .admission),
    ]
}

/// What there is to say of an event beside its fields.
public struct EventDeclaration: Sendable {
    /// Its number in the header of an event frame. Never reused.
    public var number: UInt16
    /// Its name in the reference.
    public var name: String
    /// What a subscriber asks for to receive it.
    public var topic: Topics
    /// One line for the reference.
    public var summary: String

    init(_ number: UInt16, _ name: String, _ topic: Topics, _ summary: String) {
        self.number = number
        self.name = name
        self.topic = topic
        self.summary = summary
    }
}

/// The fields of one kind of event.
public protocol EventRecord: WireRecord {
    static var declaration: EventDeclaration { get }
}

/// A breaker changed its state.
public struct BreakerTransition: EventRecord {
    public static let declaration = EventDeclaration(
        1, "breakerTransition", .breaker, "A breaker changed its state.")

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

/// A provider's mark began or was extended.
public struct ProviderExhausted: EventRecord {
    public static let declaration = EventDeclaration(
        2, "providerExhausted", .exhaustion, "A provider's mark began or was extended.")

    public var entry = ExhaustionEntry()
    @inlinable public init() {}
    public init(entry: ExhaustionEntry) { self.entry = entry }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the mark")
    }
}

/// A provider's mark ended.
public struct ProviderRestored: EventRecord {
    public static let declaration = EventDeclaration(
        3, "providerRestored", .exhaustion, "A provider's mark ended.")

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

/// A provider's spend crossed a threshold of its budget, upwards, for the first time in the period.
public struct ThresholdCrossed: EventRecord {
    public static let declaration = EventDeclaration(
        4, "thresholdCrossed", .ledger,
        "A provider's spend crossed a threshold of its budget, upwards, for the first time in the period.")

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

/// A provider's budget will be used up soon; fired when the days left fall below 7, 3 and 1.
public struct DepletionProjected: EventRecord {
    public static let declaration = EventDeclaration(
        5, "depletionProjected", .ledger,
        "A provider's budget will be used up within 7, 3 or 1 days; fired on escalation only.")

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

/// A budget period ended and a new one began.
public struct PeriodRolledOver: EventRecord {
    public static let declaration = EventDeclaration(
        6, "periodRolledOver", .period, "A budget period ended and a new one began.")

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

/// An enforced budget began to deny calls.
public struct BudgetDenied: EventRecord {
    public static let declaration = EventDeclaration(
        7, "budgetDenied", .admission,
        "An enforced budget denied a call; told once until it admits one again or is set anew.")

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

/// A permit ended without being settled.
public struct PermitLapsed: EventRecord {
    public static let declaration = EventDeclaration(
        8, "permitLapsed", .admission, "A permit ended without being settled.")

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
