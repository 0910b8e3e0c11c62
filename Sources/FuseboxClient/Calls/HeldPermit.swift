import FuseboxCollections
import FuseboxWire

/// The permit of a call that is under way.
///
/// It is settled when the body of `withPermit` returns or throws. Usage that is added later does not count.
public final class HeldPermit: Sendable {
    /// What was granted.
    public let permit: Permit
    /// The exchange of the process that the permit was granted to.
    let exchange: Exchange
    private let used = Lock<Usage?>(nil)
    private let begin = ContinuousClock.now
    private let answered = Lock<Duration?>(nil)

    /// The provider to call.
    public var provider: String { permit.provider }
    /// The model to ask for; nil if the candidate named none.
    public var model: String? { permit.model }
    /// Whether the permit is assumed: the daemon did not answer and the client fails open. Nothing is held.
    public var isAssumed: Bool { permit.isAssumed }

    init(_ permit: Permit, _ exchange: Exchange, _ policy: CallPolicy) {
        self.permit = permit
        self.exchange = exchange
        guard let number = permit.number else { return }
        exchange.renew(
            number, ttlMilliseconds: policy.ttl.wholeMilliseconds, maxAgeMilliseconds: policy.maxAge.wholeMilliseconds)
    }

    /// Adds to what the call has used. A stream reports its usage as it arrives, and it counts even if the body throws
    /// later.
    public func use(_ usage: Usage) {
        guard isOfThisProcess else { return }
        used.withLock { used in used = used.map { $0 + usage } ?? usage }
    }

    /// Tells that the first token of the answer has arrived. Only the first time counts.
    ///
    /// Breakers with a rate of slow calls and `admission.outlooks` go by it. Without it they have the duration of the call.
    public func firstToken() {
        let now = begin.duration(to: .now)
        answered.withLock { $0 = $0 ?? now }
    }

    /// How long the call has taken until now.
    var timing: CallTiming {
        CallTiming(firstToken: answered.withLock { $0 }, duration: begin.duration(to: .now))
    }

    /// Whether this process settles the permit. In the child of a fork the permit belongs to the parent.
    var isOfThisProcess: Bool { exchange.isOfThisProcess }

    /// Ends the call. Returns the outcome with all that the call used.
    func end(_ outcome: CallOutcome) -> CallOutcome {
        guard isOfThisProcess else { return outcome }
        if let number = permit.number { exchange.stopRenewing(number) }
        guard let used = used.withLock({ $0 }) else { return outcome }
        let total = outcome.usage.map { used + $0 } ?? used
        // A call that was never sent has used nothing, so one with usage cannot be cancelled.
        let kind = outcome.outcome == .cancelled ? .abandoned : outcome.outcome
        return CallOutcome(kind, usage: total, retryAfter: outcome.retryAfter, markScope: outcome.markScope)
    }
}

extension HeldPermit: CustomStringConvertible {
    /// The permit, and what its call has used until now: `permit 12 for openai/gpt-4o, used 300 output tokens`.
    public var description: String {
        let used = used.withLock { $0 }
        return "\(permit)" + (used.map { ", used \($0)" } ?? "")
    }
}
