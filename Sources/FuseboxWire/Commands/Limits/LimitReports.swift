/// A limit and how it stands.
public struct LimitEntry: OpenRecord {
    /// What it limits; of a template's use the tag that used it.
    public var scope = Scope()
    /// The limit as it was set.
    public var limit = Limit()
    /// The template that it comes from; nil: it was set on the scope itself.
    public var template: Name?
    /// The higher amount that holds for a while; nil: none.
    public var raisedAmount: Int64?
    /// How long the higher amount still holds, in milliseconds; nil: there is none.
    public var raisedMilliseconds: Int64?
    /// What was used in the current window: nano-dollars for cost, else a count.
    public var used: Int64 = 0
    /// What was used, over the amount; 0 where the amount is.
    public var share: Double = 0
    /// What calls in force hold beside it: estimates of cost, or calls in flight.
    public var held: Int64 = 0
    /// The part of `used` that is the estimate of calls that were never settled.
    public var assumed: Int64 = 0
    /// When the current window began, on the steady clock; nil: it slides or has not begun.
    public var startedAt: Timestamp?
    /// How long the current window still lasts, in milliseconds; nil: it slides, has not begun, or has no end.
    public var endsInMilliseconds: Int64?
    /// The highest threshold that was told in this window.
    public var toldTier: ThresholdTier = .none
    /// Calls that it would have denied, if it did not only watch.
    public var wouldHaveDenied: UInt64 = 0
    /// How many tags have used a template; 0 for others.
    public var uses: UInt32 = 0

    /// Every field has its default.
    @inlinable public init() {}

    /// The amount in force.
    public var amount: Int64 { max(limit.amount, raisedAmount ?? 0) }

    /// What was used or is held, over the amount: how full it is for the next call. 1 where the amount is 0.
    public var fullness: Double { amount > 0 ? (Double(used) + Double(held)) / Double(amount) : 1 }

    /// What is left for new calls, at least 0.
    public var left: Int64 { Self.left(of: amount, used: used, held: held) }

    /// What is left of an amount, at least 0.
    static func left(of amount: Int64, used: Int64, held: Int64) -> Int64 {
        max(0, amount.subtractingClamped(used).subtractingClamped(held))
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("scope", &scope, "what it limits; of a template's use the tag that used it")
        try visitor.field("limit", &limit, "the limit as it was set")
        try visitor.field("template", &template, "the template that it comes from; absent: set on the scope itself")
        try visitor.field("raisedAmount", &raisedAmount, "the higher amount that holds for a while; absent: none")
        try visitor.field(
            "raisedMilliseconds", &raisedMilliseconds, "how long the higher amount still holds; absent: there is none")
        try visitor.field(
            "used", &used, "used in the current window: nano-dollars for `cost`, else a count; of a template 0")
        try visitor.field("share", &share, "what was used over the amount; 0 where the amount is")
        try visitor.field("held", &held, "what calls in force hold beside it: estimates of cost, or calls in flight")
        try visitor.field(
            "assumed", &assumed, "the part of `used` that is the estimate of calls that were never settled")
        try visitor.field(
            "startedAt", &startedAt,
            "when the current window began, on the steady clock; absent: it slides or has not begun")
        try visitor.field(
            "endsInMilliseconds", &endsInMilliseconds,
            "how long the current window still lasts; absent: it slides, has not begun, or has no end")
        try visitor.field("toldTier", &toldTier, "the highest threshold that was told in this window")
        try visitor.field("wouldHaveDenied", &wouldHaveDenied, "calls that a `shadow` limit would have denied")
        try visitor.field("uses", &uses, "how many tags have used a template; 0 for others")
    }
}

extension Int64 {
    /// The difference, or the range's end where it lies beyond.
    fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : difference
    }
}

/// What setting a limit has changed.
public struct LimitChange: OpenRecord {
    /// The limit before; nil: it is new.
    public var before: Limit?
    /// The limit now.
    public var entry = LimitEntry()

    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("before", &before, "the limit before; absent: it is new")
        try visitor.field("entry", &entry, "the limit now")
    }
}

/// A limit that stands against a candidate.
public struct LimitObjection: OpenRecord {
    /// The candidate's place, from 0.
    public var candidate: UInt8 = 0
    /// What the limit covers.
    public var scope = Scope()
    /// The limit as it was set.
    public var limit = Limit()
    /// The amount in force: the limit's own, or what it is raised to.
    public var amount: Int64 = 0
    /// What was used in the current window.
    public var used: Int64 = 0
    /// What calls in force hold beside it.
    public var held: Int64 = 0
    /// What the call would take: nano-dollars for `cost`, else a count.
    public var needed: Int64 = 0
    /// How long this limit alone lasts, in milliseconds; nil: time alone does not help.
    public var retryAfterMilliseconds: Int64?

    /// What is left for new calls, at least 0.
    public var left: Int64 { LimitEntry.left(of: amount, used: used, held: held) }

    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("candidate", &candidate, "the candidate's place, from 0")
        try visitor.field("scope", &scope, "what the limit covers")
        try visitor.field("limit", &limit, "the limit as it was set")
        try visitor.field("amount", &amount, "the amount in force: the limit's own, or what it is raised to")
        try visitor.field("used", &used, "used in the current window: nano-dollars for `cost`, else a count")
        try visitor.field("held", &held, "what calls in force hold beside it")
        try visitor.field("needed", &needed, "what the call would take: nano-dollars for `cost`, else a count")
        try visitor.field(
            "retryAfterMilliseconds", &retryAfterMilliseconds,
            "how long this limit alone lasts: trying again cannot succeed earlier; absent: time alone does not help")
    }
}
