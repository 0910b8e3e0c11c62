/// A limit's use has reached a threshold.
public struct LimitReached: EventRecord {
    public static let declaration = EventDeclaration(
        .limitReached, "limitReached", .ledger, .durable,
        "What was used of a limit reached 80, 90 or 95 % of it, for the first time in its window.")
    public var event: Event { .limitReached(self) }

    /// The limit and how it stands.
    public var entry = LimitEntry()
    /// The threshold: 80, 90 or 95.
    public var percent: UInt8 = 0

    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the limit and how it stands")
        try visitor.field("percent", &percent, "the threshold")
    }
}

/// A limit has denied a call.
public struct LimitDenied: EventRecord {
    public static let declaration = EventDeclaration(
        .limitDenied, "limitDenied", .admission, .written,
        "A limit denied a call; told once until it admits one again.")
    public var event: Event { .limitDenied(self) }

    /// The limit and how it stands.
    public var entry = LimitEntry()
    /// What the call would have taken.
    public var needed: Int64 = 0

    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the limit and how it stands")
        try visitor.field("needed", &needed, "what the call would have taken")
    }
}

/// A raised limit is what it was before.
public struct LimitReverted: EventRecord {
    public static let declaration = EventDeclaration(
        .limitReverted, "limitReverted", .ledger, .written, "A limit that was raised for a while went back.")
    public var event: Event { .limitReverted(self) }

    /// The limit and how it stands.
    public var entry = LimitEntry()
    /// The amount that held until now.
    public var raisedAmount: Int64 = 0

    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the limit and how it stands")
        try visitor.field("raisedAmount", &raisedAmount, "the amount that held until now")
    }
}
