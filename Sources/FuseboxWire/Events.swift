/// What a subscriber may hear of.
public struct Topics: OptionSet, Sendable, Hashable {
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
    public static let all: Topics = [.breaker, .exhaustion, .ledger, .period]

    /// Each topic with its name on the command line.
    public static let named: [(name: String, topic: Topics)] = [
        ("breaker", .breaker), ("exhaustion", .exhaustion), ("ledger", .ledger), ("period", .period),
    ]
}

/// A breaker changed its state.
public struct BreakerTransition: WireRecord {
    public var name = Name.blank
    public var from: BreakerState = .closed
    public var to: BreakerState = .closed
    public var share: Double = 0
    public var consecutiveFailures: UInt32 = 0
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field("from", &from, "the state before")
        try visitor.field("to", &to, "the state now")
        try visitor.field("share", &share, "the share of traffic admitted now")
        try visitor.field("consecutiveFailures", &consecutiveFailures, "its place on the curve")
    }
}

/// A provider's mark began or was extended.
public struct ProviderExhausted: WireRecord {
    public var entry = ExhaustionEntry()
    public init() {}
    public init(entry: ExhaustionEntry) { self.entry = entry }
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the mark")
    }
}

/// A provider's mark ended.
public struct ProviderRestored: WireRecord {
    public var provider = Name.blank
    public var expired = false
    public init() {}
    public init(provider: Name, expired: Bool) {
        self.provider = provider
        self.expired = expired
    }
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("expired", &expired, "whether by time; else it was cleared by hand")
    }
}

/// A provider's spend crossed a threshold of its budget, upwards, for the first time in the period.
public struct ThresholdCrossed: WireRecord {
    public var provider = Name.blank
    public var model = Name.blank
    public var tier: ThresholdTier = .none
    public var spend = Money.zero
    public var budget = Money.zero
    public init() {}

    /// Spend over budget.
    public var utilization: Double { Double(spend.nanodollars) / Double(budget.nanodollars) }

    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model of the record that crossed it")
        try visitor.field("tier", &tier, "the threshold")
        try visitor.field("spend", &spend, "the provider's spend in this period")
        try visitor.field("budget", &budget, "its budget")
    }
}

/// A provider's budget will be used up soon; fired when the days left fall below 7, 3 and 1.
public struct DepletionProjected: WireRecord {
    public var provider = Name.blank
    public var tier: DepletionTier = .none
    public var daysRemaining: Double = 0
    public var depletesAt = Timestamp(milliseconds: 0)
    public var burnRate = BurnRate()
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("tier", &tier, "7 days, 3 days or 1 day")
        try visitor.field("daysRemaining", &daysRemaining, "at the burn rate of the last 24 hours")
        try visitor.field("depletesAt", &depletesAt, "when that will be")
        try visitor.field("burnRate", &burnRate, "what the estimate rests on")
    }
}

/// A budget period ended and a new one began.
public struct PeriodRolledOver: WireRecord {
    public var endedStart = Timestamp(milliseconds: 0)
    public var start = Timestamp(milliseconds: 0)
    public var spend = Money.zero
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("endedStart", &endedStart, "when the period that ended had begun, on the wall clock")
        try visitor.field("start", &start, "when the new one began, on the wall clock")
        try visitor.field("spend", &spend, "spent in the period that ended, by all providers")
    }
}

/// Something that happened, as `apply` tells it and as subscribers receive it.
public enum Event: Sendable, Equatable {
    case breakerTransition(BreakerTransition)
    case providerExhausted(ProviderExhausted)
    case providerRestored(ProviderRestored)
    case thresholdCrossed(ThresholdCrossed)
    case depletionProjected(DepletionProjected)
    case periodRolledOver(PeriodRolledOver)

    /// Its number in the header of an event frame. Never reused.
    public var number: UInt16 {
        switch self {
        case .breakerTransition: 1
        case .providerExhausted: 2
        case .providerRestored: 3
        case .thresholdCrossed: 4
        case .depletionProjected: 5
        case .periodRolledOver: 6
        }
    }

    public var topic: Topics {
        switch self {
        case .breakerTransition: .breaker
        case .providerExhausted, .providerRestored: .exhaustion
        case .thresholdCrossed, .depletionProjected: .ledger
        case .periodRolledOver: .period
        }
    }

    private var record: any WireRecord {
        switch self {
        case .breakerTransition(let record): record
        case .providerExhausted(let record): record
        case .providerRestored(let record): record
        case .thresholdCrossed(let record): record
        case .depletionProjected(let record): record
        case .periodRolledOver(let record): record
        }
    }

    /// The event's name in the reference.
    public var name: String { String("\(self)".prefix { $0 != "(" }) }

    public var rendered: Rendered { record.rendered }

    /// The highest number that an event has.
    public static let highestNumber: UInt16 = 6

    /// The event of this number with the fields that `fill` gives its record; nil if there is none.
    private static func make(
        _ number: UInt16, _ fill: (any WireRecord.Type) throws(Refusal) -> any WireRecord
    ) throws(Refusal) -> Event? {
        func record<R: WireRecord>(_ type: R.Type) throws(Refusal) -> R {
            guard let record = try fill(type) as? R else { preconditionFailure("fill returns the type it is given") }
            return record
        }
        switch number {
        case 1: return .breakerTransition(try record(BreakerTransition.self))
        case 2: return .providerExhausted(try record(ProviderExhausted.self))
        case 3: return .providerRestored(try record(ProviderRestored.self))
        case 4: return .thresholdCrossed(try record(ThresholdCrossed.self))
        case 5: return .depletionProjected(try record(DepletionProjected.self))
        case 6: return .periodRolledOver(try record(PeriodRolledOver.self))
        default: return nil
        }
    }

    /// Reads an event's own fields, those after `EventEnvelope`.
    public init(number: UInt16, from reader: inout ByteReader) throws(Refusal) {
        func decoded<R: WireRecord>(_ type: R.Type) throws(Refusal) -> any WireRecord {
            var record = R()
            try record.decode(from: &reader)
            return record
        }
        guard let event = try Event.make(number, { type throws(Refusal) in try decoded(type) }) else {
            throw Refusal(.unknownCommand, "no event has the number \(number)")
        }
        self = event
    }

    /// An example of the event of this number.
    public static func sample(_ number: UInt16, variant: Int) -> Event? {
        func sampled<R: WireRecord>(_ type: R.Type) -> any WireRecord { R.sample(variant) }
        do throws(Refusal) {
            return try make(number) { type throws(Refusal) in sampled(type) }
        } catch {
            preconditionFailure(error.message)
        }
    }

    public func encode(into writer: inout ByteWriter) {
        switch self {
        case .breakerTransition(let record): record.encode(into: &writer)
        case .providerExhausted(let record): record.encode(into: &writer)
        case .providerRestored(let record): record.encode(into: &writer)
        case .thresholdCrossed(let record): record.encode(into: &writer)
        case .depletionProjected(let record): record.encode(into: &writer)
        case .periodRolledOver(let record): record.encode(into: &writer)
        }
    }

    /// The fields of every event, in the order of their numbers, for the reference.
    public static func describe(into schema: inout Schema) -> [(number: UInt16, name: String, fields: [Schema.Field])] {
        (1...highestNumber).compactMap { number in
            guard let event = sample(number, variant: 0) else { return nil }
            func fields<R: WireRecord>(_ record: R) -> [Schema.Field] { schema.fields(of: R.self) }
            return (number, event.name, fields(event.record))
        }
    }
}

/// What every event frame carries before the event's own fields.
public struct EventEnvelope: WireRecord {
    public var number: UInt64 = 0
    public var missed: UInt64 = 0
    public var at = Timestamp(milliseconds: 0)
    public init() {}
    public init(number: UInt64, missed: UInt64, at: Timestamp) {
        self.number = number
        self.missed = missed
        self.at = at
    }
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("number", &number, "counts the daemon's events since its start, whoever subscribed")
        try visitor.field("missed", &missed, "events of the subscribed topics that were not sent since the last one, because this subscriber was slow")
        try visitor.field("at", &at, "when it happened, on the steady clock")
    }
}
