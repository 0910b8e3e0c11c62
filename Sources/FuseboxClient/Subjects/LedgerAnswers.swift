import FuseboxWire

/// What became of a record of spending.
public struct Recording: Sendable, Equatable {
    /// The event that the record fired, if it crossed a threshold of the provider's budget.
    public var threshold: ThresholdCrossed?
    /// The event that the record fired, if depletion came nearer.
    public var depletion: DepletionProjected?
    /// Whether the daemon has it.
    public var delivery: Delivery
    /// Whether the daemon did not answer and the policy is to fail open: which events fired is not known.
    public var isAssumed: Bool { delivery != .delivered }

    init(_ reported: FuseboxClient.Reported<LedgerRecord.Reply>) {
        threshold = reported.reply?.threshold
        depletion = reported.reply?.depletion
        delivery = reported.delivery
    }
}

/// What is left of a budget.
public struct Balance: Sendable, Equatable {
    /// Below 0 if overspent; nil if there is no budget, or if it is not known.
    public var remaining: Money?
    /// Spend over budget; 0 if there is no budget.
    public var utilization: Double
    /// Whether the daemon did not answer and the policy is to fail open: the balance is not known.
    public var isAssumed: Bool

    init(_ reply: LedgerBalance.Reply?) {
        remaining = reply?.remaining
        utilization = reply?.utilization ?? 0
        isAssumed = reply == nil
    }
}

/// Whether a rate limit has room.
public struct RateCheck: Sendable, Equatable {
    /// Whether it has; true if there is no limit.
    public var allowed: Bool
    /// Requests or tokens counted in the current window.
    public var used: Int
    /// The limit; 0 if there is none.
    public var limit: Int
    /// Whether the daemon did not answer and the policy is to fail open: the rest is made up.
    public var isAssumed: Bool

    init(_ reply: LedgerCheckRate.Reply?) {
        allowed = reply?.allowed ?? true
        used = Int(reply?.used ?? 0)
        limit = Int(reply?.limit ?? 0)
        isAssumed = reply == nil
    }
}
