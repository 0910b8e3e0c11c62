/// A breaker changed its state.
public struct BreakerTransition: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .breakerTransition, "breakerTransition", .breaker, .written, "A breaker changed its state.")
    /// The record as an event.
    public var event: Event { .breakerTransition(self) }

    /// The provider.
    public var name = Name.blank
    /// The state before.
    public var from: BreakerState = .closed
    /// The state now.
    public var to: BreakerState = .closed
    /// The share of traffic admitted now.
    public var share: Double = 0
    /// Failures less successes and decay: the point of the degradation curve that gives the share.
    public var consecutiveFailures: UInt32 = 0
    /// What has opened it; absent if it has not opened since it last was closed.
    public var openedBy: BreakerRule?
    /// The deployment; nil: it is not the breaker of one.
    public var deployment: Name?
    /// The model; nil: it is not the breaker of one.
    public var model: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field("from", &from, "the state before")
        try visitor.field("to", &to, "the state now")
        try visitor.field("share", &share, "the share of traffic admitted now")
        try visitor.field(
            "consecutiveFailures", &consecutiveFailures,
            "failures less successes and decay: the point of the degradation curve that gives the share")
        try visitor.field(
            "openedBy", &openedBy, "what has opened it first since it last was closed; absent if it has not opened")
        try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
        try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
    }
}

/// A provider's limit of cost will be used up within 7 days, 3 days or 1 day. Sent only when a nearer tier is reached.
public struct DepletionProjected: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .depletionProjected, "depletionProjected", .ledger, .durable,
        "A provider's limit of cost will be used up within 7 days, 3 days or 1 day. Sent only when a nearer tier is reached."
    )
    /// The record as an event.
    public var event: Event { .depletionProjected(self) }

    /// The provider.
    public var provider = Name.blank
    /// The limit.
    public var limit = Limit()
    /// 7 days, 3 days or 1 day.
    public var tier: DepletionTier = .none
    /// Days until then, at the burn rate of the last 24 hours.
    public var daysRemaining: Double = 0
    /// When it will be used up.
    public var depletesAt = Timestamp(milliseconds: 0)
    /// The burn rate of the estimate.
    public var burnRate = BurnRate()
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("limit", &limit, "the limit")
        try visitor.field("tier", &tier, "7 days, 3 days or 1 day")
        try visitor.field("daysRemaining", &daysRemaining, "days until then, at the burn rate of the last 24 hours")
        try visitor.field("depletesAt", &depletesAt, "when it will be used up")
        try visitor.field("burnRate", &burnRate, "the burn rate of the estimate")
    }
}

/// An operator began an account anew, with its limits that go on until reset.
public struct AccountReset: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .accountReset, "accountReset", .ledger, .durable,
        "An operator began an account anew, with its limits that go on until reset.")
    /// The record as an event.
    public var event: Event { .accountReset(self) }

    /// The scope; what lies within it began anew too.
    public var scope = Scope()
    /// What had been spent; 0 if the scope has no account.
    public var spend = Money.zero
    /// The number of calls whose cost nobody told, which `spend` lacks.
    public var unpriced: Int64 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("scope", &scope, "the scope; what lies within it began anew too")
        try visitor.field("spend", &spend, "what had been spent; 0 if the scope has no account")
        try visitor.field("unpriced", &unpriced, "the number of calls whose cost nobody told, which `spend` lacks")
    }
}

/// An operator corrected what was spent.
public struct AccountAdjusted: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .accountAdjusted, "accountAdjusted", .ledger, .durable, "An operator corrected what was spent.")
    /// The record as an event.
    public var event: Event { .accountAdjusted(self) }

    /// The scope.
    public var scope = Scope()
    /// What was added; below $0 it was taken back.
    public var cost = Money.zero
    /// Why.
    public var reason = ""
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("scope", &scope, "the scope")
        try visitor.field("cost", &cost, "what was added; below $0 it was taken back")
        try visitor.field("reason", &reason, "why")
    }
}

/// A permit ended without being settled.
public struct PermitLapsed: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .permitLapsed, "permitLapsed", .admission, .written, "A permit ended without being settled.")
    /// The record as an event.
    public var event: Event { .permitLapsed(self) }

    /// The permit; its standing says whether it expired, was reclaimed or revoked. Of one that expired the estimate counts as
    /// used where a limit's `onLapse` is `charge`; all else is given back.
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
            "the permit; its standing says whether it expired, was reclaimed or revoked; of one that expired the estimate counts as used where a limit's `onLapse` is `charge`; all else is given back"
        )
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
