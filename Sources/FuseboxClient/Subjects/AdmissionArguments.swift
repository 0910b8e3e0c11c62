import FuseboxWire

// What a program tells of a call: its candidates, its estimate, its outcome and its usage.

extension Candidate {
    /// A provider, and the model to ask it for.
    ///
    /// - Parameters:
    ///   - provider: the provider's name, which is also the name of its breaker
    ///   - model: the model, whose limits apply in addition to the provider's. Nil: no model.
    /// - Throws: `invalidArgument` if a name is not 1 to 127 bytes of UTF-8 without control characters
    public init(_ provider: String, model: String? = nil) throws(ClientError) {
        self.init(provider: try Name(checking: provider), model: try .optional(model))
    }
}

extension Candidate: ExpressibleByStringLiteral {
    /// A provider without a model, as in `["openai", "anthropic"]`.
    ///
    /// A literal that is not a valid name stops the program. Use `init(_:model:)` for names that come from elsewhere.
    public init(stringLiteral provider: String) {
        do throws(Refusal) { self.init(provider: try Name(provider)) } catch {
            preconditionFailure("\"\(provider)\" is not the name of a provider: \(error.message)")
        }
    }
}

extension Estimate {
    /// A call that uses at most this number of tokens, input and output together.
    ///
    /// - Parameter tokens: 0 to 4,294,967,295
    /// - Throws: `invalidArgument` if the number is out of range
    public static func tokens(_ tokens: Int) throws(ClientError) -> Estimate {
        Estimate(tokens: try UInt32(checking: tokens, "tokens"))
    }

    /// A call that costs at most this.
    ///
    /// - Parameters:
    ///   - cost: $0 to $1,000,000
    ///   - tokens: input and output together, 0 to 4,294,967,295
    /// - Throws: `invalidArgument` if the number of tokens is out of range
    public static func cost(_ cost: Money, tokens: Int = 0) throws(ClientError) -> Estimate {
        Estimate(cost: cost, tokens: try UInt32(checking: tokens, "tokens"))
    }
}

/// What a call has used.
public struct Usage: Sendable, Equatable {
    /// The name of the model that answered. If the candidate named a model, that model is charged, and this name is
    /// shown beside it. Otherwise this name is charged. Nil: `unspecified`.
    public var model: String?
    /// The cost, $0 to $1,000,000.
    public var cost: Money
    /// Tokens sent, 0 to 4,294,967,295.
    public var inputTokens: Int
    /// Tokens received, 0 to 4,294,967,295.
    public var outputTokens: Int

    /// What a call has used.
    public init(model: String? = nil, cost: Money = .zero, inputTokens: Int = 0, outputTokens: Int = 0) {
        self.model = model
        self.cost = cost
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
    }

    /// The sum of two usages, clamped to the ranges. The model is that of the later one, if it names one.
    static func + (earlier: Usage, later: Usage) -> Usage {
        func sum(_ left: Int, _ right: Int) -> Int {
            let (sum, overflow) = left.addingReportingOverflow(right)
            return overflow ? (left < 0 ? .min : .max) : sum
        }
        return Usage(
            model: later.model ?? earlier.model,
            cost: earlier.cost.adding(later.cost) ?? Money(nanodollars: earlier.cost < .zero ? .min : .max),
            inputTokens: sum(earlier.inputTokens, later.inputTokens),
            outputTokens: sum(earlier.outputTokens, later.outputTokens))
    }
}

/// How a call went, and what it used. A whole loop of retries counts as one call.
public struct CallOutcome: Sendable, Equatable {
    /// The outcome, which decides what happens to the provider's breaker and mark; see `Outcome`.
    public let outcome: Outcome
    /// What was used. Nil if that is not known.
    public internal(set) var usage: Usage?
    /// How long the provider takes no calls, with `failure`, `throttled` and `quotaExhausted`. Nil if it did not say.
    public let retryAfter: Duration?

    init(_ outcome: Outcome, usage: Usage? = nil, retryAfter: Duration? = nil) {
        self.outcome = outcome
        self.usage = usage
        self.retryAfter = retryAfter
    }

    /// The provider answered.
    public static let success = CallOutcome(.success)
    /// The provider answered.
    public static func success(usage: Usage?) -> CallOutcome { CallOutcome(.success, usage: usage) }

    /// The provider failed: 5xx, timeout, no connection.
    public static let failure = CallOutcome(.failure)
    /// The provider failed: 5xx, timeout, no connection.
    ///
    /// - Parameter retryAfter: how long the provider takes no calls, if it said so (503, 529). Nil: the breaker alone
    ///   decides. Less than 0 counts as 0, more than 366 days as 366 days.
    public static func failure(retryAfter: Duration? = nil, usage: Usage? = nil) -> CallOutcome {
        CallOutcome(.failure, usage: usage, retryAfter: retryAfter)
    }

    /// The provider refused for now: 429. The breaker counts a failure, unless the provider told a time.
    ///
    /// - Parameter retryAfter: how long the provider takes no calls. Nil: the breaker alone decides. Less than 0 counts
    ///   as 0, more than 366 days as 366 days.
    public static func throttled(retryAfter: Duration? = nil, usage: Usage? = nil) -> CallOutcome {
        CallOutcome(.throttled, usage: usage, retryAfter: retryAfter)
    }

    /// The provider's quota is used up.
    ///
    /// - Parameter resetAfter: the time until the quota is reset. Nil: the default cooldown. Less than 0 counts as 0,
    ///   more than 366 days as 366 days.
    public static func quotaExhausted(resetAfter: Duration? = nil, usage: Usage? = nil) -> CallOutcome {
        CallOutcome(.quotaExhausted, usage: usage, retryAfter: resetAfter)
    }

    /// The provider refused because of the request: 400, content filter.
    public static let rejected = CallOutcome(.rejected)
    /// The provider refused because of the request: 400, content filter.
    public static func rejected(usage: Usage?) -> CallOutcome { CallOutcome(.rejected, usage: usage) }

    /// The caller went away before the answer.
    public static let abandoned = CallOutcome(.abandoned)
    /// The caller went away before the answer.
    public static func abandoned(usage: Usage?) -> CallOutcome { CallOutcome(.abandoned, usage: usage) }

    /// The call was never sent. Its admission is undone.
    public static let cancelled = CallOutcome(.cancelled)
}

// MARK: As the wire has it

extension Candidates {
    /// Checks the number of candidates.
    ///
    /// - Throws: `invalidArgument` if there are none or too many
    init(checking candidates: [Candidate]) throws(ClientError) {
        guard !candidates.isEmpty else {
            throw .invalidArgument(
                Refusal(.outOfRange, "candidates: an admission needs 1 to \(WireLimits.candidates) of them"))
        }
        do throws(Refusal) { try self.init(candidates) } catch { throw .invalidArgument(error.inside("candidates")) }
    }
}

extension Admit {
    init(_ candidates: [Candidate], _ estimate: Estimate, _ ttl: Duration) throws(ClientError) {
        self.init(
            candidates: try Candidates(checking: candidates), estimate: estimate,
            ttlMilliseconds: ttl.wholeMilliseconds)
    }
}

extension Settle {
    init(_ permit: UInt64, _ outcome: CallOutcome) throws(ClientError) {
        self.init(
            permit: permit, outcome: outcome.outcome, usage: try outcome.sentUsage,
            retryAfterMilliseconds: outcome.sentRetryAfter)
    }
}

extension Report {
    init(_ candidate: Candidate, _ outcome: CallOutcome) throws(ClientError) {
        self.init(
            candidate: candidate, outcome: outcome.outcome, usage: try outcome.sentUsage,
            retryAfterMilliseconds: outcome.sentRetryAfter)
    }
}

extension Report {
    /// The substitute of a settle, for a daemon that does not know the permit any more.
    init(of permit: Permit, _ settle: Settle) {
        self.init(
            candidate: permit.candidate, outcome: settle.outcome, usage: settle.usage,
            retryAfterMilliseconds: settle.retryAfterMilliseconds)
    }
}

extension CallOutcome {
    private static let longestRetryMilliseconds = ValueRanges.cooldown.upperBound

    fileprivate var sentRetryAfter: Int64? {
        retryAfter.map { min(max($0.wholeMilliseconds, 0), Self.longestRetryMilliseconds) }
    }

    fileprivate var sentUsage: CallUsage? {
        get throws(ClientError) {
            guard let usage else { return nil }
            guard usage.cost >= .zero, usage.cost <= WireLimits.callCost else {
                throw .invalidArgument(
                    Refusal(
                        .outOfRange, "cost: $\(usage.cost) is not between $0 and $\(WireLimits.callCost), for one call")
                )
            }
            return CallUsage(
                model: try .optional(usage.model), cost: usage.cost,
                inputTokens: try UInt32(checking: usage.inputTokens, "inputTokens"),
                outputTokens: try UInt32(checking: usage.outputTokens, "outputTokens"))
        }
    }
}
