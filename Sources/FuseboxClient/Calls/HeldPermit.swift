import FuseboxWire

/// The permit of a call that is under way.
///
/// It is settled when the body of `withPermit` ends, however that is; what it is told later does not count.
public final class HeldPermit: Sendable {
    /// What was granted.
    public let permit: Permit
    /// The exchange of the process that it was granted to.
    let exchange: Exchange
    private let used = Lock<Usage?>(nil)

    /// The provider to call.
    public var provider: String { permit.provider }
    /// The model to ask for; nil if the candidate named none.
    public var model: String? { permit.model }
    /// Whether the daemon did not answer and the policy is to fail open: nothing is held.
    public var isAssumed: Bool { permit.isAssumed }

    init(_ permit: Permit, _ exchange: Exchange, _ policy: CallPolicy) {
        self.permit = permit
        self.exchange = exchange
        guard let number = permit.number else { return }
        exchange.renew(
            number, ttlMilliseconds: policy.ttl.wholeMilliseconds, maxAgeMilliseconds: policy.maxAge.wholeMilliseconds)
    }

    /// Adds to what the call has used. It counts even if the body throws after that: a stream tells what has come as it
    /// comes.
    public func use(_ usage: Usage) {
        guard isOfThisProcess else { return }
        used.withLock { used in used = used.map { $0 + usage } ?? usage }
    }

    /// Whether it is this process's to settle. In the child of a fork it is the parent's.
    var isOfThisProcess: Bool { exchange.isOfThisProcess }

    /// The call has ended; an outcome together with all that it used.
    func end(_ outcome: CallOutcome) -> CallOutcome {
        guard isOfThisProcess else { return outcome }
        if let number = permit.number { exchange.stopRenewing(number) }
        guard let used = used.withLock({ $0 }) else { return outcome }
        let total = outcome.usage.map { used + $0 } ?? used
        // What was never sent has used nothing.
        let kind = outcome.outcome == .cancelled ? .abandoned : outcome.outcome
        return CallOutcome(kind, usage: total, retryAfter: outcome.retryAfter)
    }
}
