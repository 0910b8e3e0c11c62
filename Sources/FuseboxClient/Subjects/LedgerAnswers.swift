import FuseboxWire

/// The result of recording or reporting a call.
public struct Recording: Sendable, Equatable {
    /// The event that the record fired, if it crossed a threshold of the provider's budget.
    public var threshold: ThresholdCrossed?
    /// The event that the record fired, if depletion came nearer.
    public var depletion: DepletionProjected?
    /// Whether the daemon has the record.
    public var delivery: Delivery
    /// Whether the daemon did not answer and the client fails open. Which events fired is then not known.
    public var isAssumed: Bool { delivery != .delivered }

    init(_ reported: FuseboxClient.Reported<LedgerRecord.Reply>) {
        threshold = reported.reply?.threshold
        depletion = reported.reply?.depletion
        delivery = reported.delivery
    }
}

/// What is left of a budget.
public struct Balance: Sendable, Equatable {
    /// What is left. Below 0 if the budget is overspent. Nil if there is no budget, or if the balance is not known.
    public var remaining: Money?
    /// The spend divided by the budget. 0 if there is no budget.
    public var utilization: Double
    /// Whether the daemon did not answer and the client fails open. The balance is then not known.
    public var isAssumed: Bool

    init(_ reply: LedgerBalance.Reply?) {
        remaining = reply?.remaining
        utilization = reply?.utilization ?? 0
        isAssumed = reply == nil
    }
}

/// Whether a rate limit has room.
public struct RateCheck: Sendable, Equatable {
    /// Whether the limit has room. True if there is no limit.
    public var allowed: Bool
    /// Requests or tokens counted in the current window.
    public var used: Int
    /// The limit; 0 if there is none.
    public var limit: Int
    /// Whether the daemon did not answer and the client fails open. The other values are then assumed.
    public var isAssumed: Bool

    init(_ reply: LedgerCheckRate.Reply?) {
        allowed = reply?.allowed ?? true
        used = Int(reply?.used ?? 0)
        limit = Int(reply?.limit ?? 0)
        isAssumed = reply == nil
    }
}
