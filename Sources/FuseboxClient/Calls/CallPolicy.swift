import FuseboxWire

/// The rules that `withPermit` makes a call by: the permit's duration, the number of attempts, the meaning of errors.
public struct CallPolicy: Sendable {
    /// The permit's time to live, 1 ms to 24 hours. The permit is renewed each third of it while the call runs, so it
    /// ends at most this long after the death of its worker.
    public var ttl = Duration.seconds(60)
    /// How long the permit is renewed at most. After that it ends by its `ttl`, so that a call that hangs does not hold
    /// a probe or a part of a limit for ever. What the call used still counts when it ends.
    public var maxAge = Duration.seconds(3_600)
    /// How many calls are made at most, each by another route. Less than 1 counts as 1.
    public var attempts = WireLimits.candidates
    /// Maps an error that the body throws to the outcome of the call. The default is `outcome(of:)`.
    public var outcome: @Sendable (any Error) -> CallOutcome = { outcome(of: $0) }
    /// Called when a call could not be counted: the daemon refused the settle, or the usage was out of range. Such
    /// calls also count in `FuseboxClient.droppedReports`.
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

    /// The default mapping of errors to outcomes.
    ///
    /// | error | outcome |
    /// |---|---|
    /// | a `CallError` | what it says |
    /// | `CancellationError`, and any error that a cancelled task throws | `abandoned` |
    /// | `ClientError`, `AdmissionDenied`: they come from Fusebox, not from the provider | `abandoned` |
    /// | any other | `failure` |
    public static func outcome(of error: any Error) -> CallOutcome {
        if let told = error as? any CallError { return told.callOutcome }
        if error is CancellationError || Task.isCancelled { return .abandoned }
        return error is ClientError || error is AdmissionDenied ? .abandoned : .failure
    }
}

/// An error that says how the call went that it ended. A provider's library conforms its errors to this.
public protocol CallError: Error {
    /// How the call went, how long the provider takes no calls, and what the failed call used.
    var callOutcome: CallOutcome { get }
}

/// The last provider failed. Its body returned a failure and did not throw.
public struct ProviderFailed: CallError, Equatable {
    /// Where the last call went.
    public var candidate: Candidate
    /// How it went.
    public var callOutcome: CallOutcome
}

extension ProviderFailed: CustomStringConvertible {
    /// Where the call went and how, as a sentence.
    public var description: String { "the call by \(candidate) failed: \(callOutcome)" }
}

/// A call whose permit could not be settled.
public struct UnsettledCall: Sendable, Equatable {
    /// Its permit, which ends by its time to live.
    public var permit: Permit
    /// How it went and what it used.
    public var outcome: CallOutcome
    /// Why the settle failed. After `invalidArgument` the outcome counts and only the usage does not.
    public var error: ClientError
}

extension UnsettledCall: CustomStringConvertible {
    /// The permit, how the call went, and why that does not count, as a sentence.
    public var description: String { "\(permit) could not be settled (\(outcome)): \(error)" }
}

/// What the body of `withPermit` returns: how the call went and, unless the provider failed, its answer.
public struct CallResult<Value> {
    /// What the caller gets. Nil: the next candidate is tried.
    let value: Value?
    let outcome: CallOutcome

    /// An answer with any outcome. The caller gets the answer, and no other candidate is tried.
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
    /// - Parameters:
    ///   - value: what the caller gets
    ///   - usage: what was used, in addition to what `HeldPermit.use` was told
    public static func success(_ value: Value, usage: Usage? = nil) -> CallResult {
        CallResult(value, outcome: .success(usage: usage))
    }

    /// The provider refused because of the request: 400, content filter. Other providers would refuse it too.
    public static func rejected(_ value: Value, usage: Usage? = nil) -> CallResult {
        CallResult(value, outcome: .rejected(usage: usage))
    }

    /// The provider failed: 5xx, timeout, no connection. The next candidate is tried.
    public static var failure: CallResult { CallResult(withoutValue: .failure) }

    /// The provider failed: 5xx, timeout, no connection. The next candidate is tried.
    ///
    /// - Parameters:
    ///   - retryAfter: how long the provider takes no calls, if it said so. Nil: the breaker alone decides.
    ///   - usage: what the failed call has used; nil: nothing is known of it
    public static func failure(retryAfter: Duration? = nil, usage: Usage? = nil) -> CallResult {
        CallResult(withoutValue: .failure(retryAfter: retryAfter, usage: usage))
    }

    /// The provider refused for now: 429. The next candidate is tried.
    ///
    /// - Parameters:
    ///   - retryAfter: how long the provider takes no calls. Nil: the breaker alone decides.
    ///   - usage: what the failed call has used; nil: nothing is known of it
    public static func throttled(retryAfter: Duration? = nil, usage: Usage? = nil) -> CallResult {
        CallResult(withoutValue: .throttled(retryAfter: retryAfter, usage: usage))
    }

    /// The provider's quota is used up. The next candidate is tried.
    ///
    /// - Parameters:
    ///   - resetAfter: the time until the quota is reset. Nil: the default cooldown.
    ///   - usage: what the failed call has used; nil: nothing is known of it
    public static func quotaExhausted(resetAfter: Duration? = nil, usage: Usage? = nil) -> CallResult {
        CallResult(withoutValue: .quotaExhausted(resetAfter: resetAfter, usage: usage))
    }

    /// The provider did not take the key: 401, 403. The next candidate is tried.
    ///
    /// - Parameters:
    ///   - scope: how much of the route is marked. Nil: the deployment, or the provider if the call names none. `route`
    ///     is right for a 403, where the key may not use this model.
    ///   - usage: what the failed call has used; nil: nothing is known of it
    public static func unauthorized(_ scope: MarkScope? = nil, usage: Usage? = nil) -> CallResult {
        CallResult(withoutValue: .unauthorized(scope, usage: usage))
    }
}

extension CallResult: Sendable where Value: Sendable {}
