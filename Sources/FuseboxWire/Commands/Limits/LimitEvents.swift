/// A limit's use has reached a threshold.
public struct LimitReached: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .limitReached, "limitReached", .ledger, .durable,
        "What was used of a limit reached one of its thresholds, for the first time in its window.")
    /// The record as an event.
    public var event: Event { .limitReached(self) }

    /// The limit and how it stands.
    public var entry = LimitEntry()
    /// The threshold.
    public var tier: ThresholdTier = .none

    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the limit and how it stands")
        try visitor.field("tier", &tier, "the threshold")
    }
}

/// A limit has denied a call.
public struct LimitDenied: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .limitDenied, "limitDenied", .admission, .written,
        "A limit denied a call; told once until it admits one again.")
    /// The record as an event.
    public var event: Event { .limitDenied(self) }

    /// The limit and how it stands.
    public var entry = LimitEntry()
    /// What the call would have taken: nano-dollars for `cost`, else a count.
    public var needed: Int64 = 0

    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the limit and how it stands")
        try visitor.field("needed", &needed, "what the call would have taken: nano-dollars for `cost`, else a count")
    }
}

/// A raised limit is what it was before.
public struct LimitReverted: EventRecord {
    /// Number, name, topic, promise and summary.
    public static let declaration = EventDeclaration(
        .limitReverted, "limitReverted", .ledger, .written, "A limit that was raised for a while went back.")
    /// The record as an event.
    public var event: Event { .limitReverted(self) }

    /// The limit and how it stands.
    public var entry = LimitEntry()
    /// The amount that held until now: nano-dollars for `cost`, else a count.
    public var raisedAmount: Int64 = 0

    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the limit and how it stands")
        try visitor.field(
            "raisedAmount", &raisedAmount, "the amount that held until now: nano-dollars for `cost`, else a count")
    }
}
