import FuseboxWire

/// How `withPermit` goes about a call.
public struct CallPolicy: Sendable {
    /// How long the permit lasts beyond the worker's death, 1 ms to 24 hours. While the call runs it is renewed each third
    /// of this.
    public var ttl = Duration.seconds(60)
    /// How long the permit is renewed at the most. A call that takes longer than that and `ttl` is not in flight any more: it
    /// keeps no probe and no part of a budget from others for ever. What it used still counts when it ends.
    public var maxAge = Duration.seconds(3_600)
    /// How many calls are made at the most, each to another provider; less than 1 counts as 1.
    public var attempts = WireLimits.candidates
    /// What an error that the body throws says about the call. The default is `outcome(of:)`.
    public var outcome: @Sendable (any Error) -> CallOutcome = { outcome(of: $0) }
    /// Called when the daemon refused to count a call, or what it used cannot be told at all. Such calls are also counted in
    /// `FuseboxClient.droppedReports`.
    public var unsettled: (@Sendable (UnsettledCall) -> Void)?

    /// The defaults.
    public init() {}

    /// The defaults with another time to live, number of attempts or table of errors.
    public init(
        ttl: Duration = .seconds(60), attempts: Int = WireLimits.candidates,
        outcome: @escaping @Sendable (any Error) -> CallOutcome = { CallPolicy.outcome(of: $0) }
    ) {
        self.ttl = ttl
        self.attempts = attempts
        self.outcome = outcome
    }

    /// What an error says about a call, unless the caller has a table of its own.
    ///
    /// | error | outcome |
    /// |---|---|
    /// | a `CallError` | what it says |
    /// | `CancellationError`, and whatever is thrown in a task that has been cancelled | `abandoned` |
    /// | `ClientError`, `AdmissionDenied`: they come from Fusebox, not from the provider | `abandoned` |
    /// | any other | `failure` |
    public static func outcome(of error: any Error) -> CallOutcome {
        if let told = error as? any CallError { return told.callOutcome }
        if error is CancellationError || Task.isCancelled { return .abandoned }
        return error is ClientError || error is AdmissionDenied ? .abandoned : .failure
    }
}

/// An error that knows how the call went that it ended: a provider's library conforms its errors to this.
public protocol CallError: Error {
    /// How the call went, how long the provider takes no calls, and what was used all the same.
    var callOutcome: CallOutcome { get }
}

/// A provider failed, as the body said without throwing, and there was no other to go to.
public struct ProviderFailed: CallError, Equatable {
    /// Where the last call went.
    public var candidate: Candidate
    /// How it went.
    public var callOutcome: CallOutcome
}

/// A call whose permit could not be settled.
public struct UnsettledCall: Sendable, Equatable {
    /// Its permit, which ends by its time to live.
    public var permit: Permit
    /// How it went and what it used.
    public var outcome: CallOutcome
    /// Why that does not count. After `invalidArgument` the outcome counts, and only the usage does not.
    public var error: ClientError
}

/// What the body of `withPermit` returns: how the call went and, unless the provider failed, its answer.
public struct CallResult<Value> {
    /// What the caller gets; nil: the next candidate is tried.
    let value: Value?
    let outcome: CallOutcome

    /// An answer, whatever the call was: the caller gets it, and no other candidate is tried.
    public init(_ value: Value, outcome: CallOutcome) {
        self.value = value
        self.outcome = outcome
    }

    private init(withoutValue outcome: CallOutcome) {
        value = nil
        self.outcome = outcome
    }

    /// The provider answered.
    ///
    /// - Parameter usage: what was used, beside what the permit was told by `HeldPermit.use`
    public static func success(_ value: Value, usage: Usage? = nil) -> CallResult {
        CallResult(value, outcome: .success(usage: usage))
    }

    /// The provider refused for the caller's fault: 400, content filter. Others would do the same.
    public static func rejected(_ value: Value, usage: Usage? = nil) -> CallResult {
        CallResult(value, outcome: .rejected(usage: usage))
    }

    /// The provider failed: 5xx, timeout, no connection. The next candidate is tried.
    public static var failure: CallResult { CallResult(withoutValue: .failure) }

    /// The provider failed: 5xx, timeout, no connection. The next candidate is tried.
    ///
    /// - Parameter retryAfter: how long nobody is to call it, where it said so; nil: the breaker alone decides
    public static func failure(retryAfter: Duration? = nil, usage: Usage? = nil) -> CallResult {
        CallResult(withoutValue: .failure(retryAfter: retryAfter, usage: usage))
    }

    /// The provider refused for now: 429. The next candidate is tried.
    ///
    /// - Parameter retryAfter: how long nobody is to call it; nil: the breaker alone decides
    public static func throttled(retryAfter: Duration? = nil, usage: Usage? = nil) -> CallResult {
        CallResult(withoutValue: .throttled(retryAfter: retryAfter, usage: usage))
    }

    /// The provider's quota is used up. The next candidate is tried.
    ///
    /// - Parameter resetAfter: for how long; nil: the default cooldown
    public static func quotaExhausted(resetAfter: Duration? = nil, usage: Usage? = nil) -> CallResult {
        CallResult(withoutValue: .quotaExhausted(resetAfter: resetAfter, usage: usage))
    }
}

extension CallResult: Sendable where Value: Sendable {}
