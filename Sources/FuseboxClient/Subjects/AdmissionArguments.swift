import FuseboxWire

// What a program tells of a call: its candidates, its estimate, its outcome and its usage.

extension Candidate {
    /// A provider, and the model to ask it for.
    ///
    /// - Parameters:
    ///   - provider: which is also the name of its breaker
    ///   - deployment: the API key, region or endpoint, where limits are to tell them apart; nil: none
    ///   - model: whose limits count beside the provider's; nil: no model's
    /// - Throws: `invalidArgument` if one of them is no name: 1 to 127 bytes of UTF-8 without control characters
    public init(_ provider: String, deployment: String? = nil, model: String? = nil) throws(ClientError) {
        self.init(
            provider: try Name(checking: provider), deployment: try .optional(deployment), model: try .optional(model))
    }

    /// A route as text: `provider[@deployment][/model]`.
    ///
    /// It is cut at the first `/`; what stands before that is cut at its first `@`. Use `init(_:deployment:model:)` for
    /// a provider or deployment whose name holds one of these characters. A literal alone is a route, so write
    /// `Candidate("openai/compatible", model: nil)`.
    ///
    /// - Throws: `invalidArgument` if a part is no name
    public init(route: String) throws(ClientError) {
        do throws(Refusal) { self.init(try RouteText(route)) } catch { throw .invalidArgument(error) }
    }

    private init(_ route: RouteText) {
        self.init(provider: route.provider, deployment: route.deployment, model: route.model)
    }
}

extension Candidate: ExpressibleByUnicodeScalarLiteral, ExpressibleByExtendedGraphemeClusterLiteral,
    ExpressibleByStringLiteral
{
    /// A route, as in `["openai/gpt-4o", "anthropic"]`: `provider[@deployment][/model]`.
    ///
    /// A literal that is no route is a mistake in the program and stops it; use `init(route:)` for text that comes from
    /// elsewhere.
    public init(stringLiteral route: String) {
        do throws(Refusal) { self.init(try RouteText(route)) } catch {
            preconditionFailure("\"\(route)\" is no route: \(error.message)")
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

    /// A call that uses no more than so many tokens of each kind, each 0 to 4,294,967,295; nil: not known.
    ///
    /// - Throws: `invalidArgument` if a number is out of range
    public static func tokens(input: Int?, output: Int?) throws(ClientError) -> Estimate {
        Estimate(inputTokens: try .optional(input, "input"), outputTokens: try .optional(output, "output"))
    }

    /// A call that costs no more than this.
    ///
    /// - Parameters:
    ///   - cost: $0 to $1,000,000
    ///   - tokens: input and output together, 0 to 4,294,967,295; nil: not known
    /// - Throws: `invalidArgument` if the number of tokens is out of range
    public static func cost(_ cost: Money, tokens: Int? = nil) throws(ClientError) -> Estimate {
        Estimate(cost: cost, tokens: try .optional(tokens, "tokens"))
    }

    /// A call that costs no more than this, and uses no more than so many tokens of each kind; nil: not known.
    ///
    /// - Throws: `invalidArgument` if a number of tokens is out of range
    public static func cost(_ cost: Money, input: Int?, output: Int?) throws(ClientError) -> Estimate {
        Estimate(
            cost: cost, inputTokens: try .optional(input, "input"), outputTokens: try .optional(output, "output"))
    }
}

/// How a call went, and what it used. A whole loop of retries counts as one call.
public struct CallOutcome: Sendable, Equatable {
    /// The outcome, which decides what happens to the provider's breaker and mark; see `Outcome`.
    public let outcome: Outcome
    /// What was used. Nil if that is not known.
    public internal(set) var usage: Usage?
    /// How long the provider takes no calls, with an outcome that `takesRetryAfter`. Nil if it did not say.
    public let retryAfter: Duration?
    /// How much of the call's route the outcome marks, if it marks. Nil: the whole route; with `unauthorized` the
    /// deployment, or the provider if the call names none.
    public var markScope: MarkScope?

    init(_ outcome: Outcome, usage: Usage? = nil, retryAfter: Duration? = nil, markScope: MarkScope? = nil) {
        self.outcome = outcome
        self.usage = usage
        self.retryAfter = retryAfter
        self.markScope = markScope
    }

    /// An outcome with its time and its usage. What the outcome does not take is dropped.
    package init(_ outcome: Outcome, retryAfter: Duration?, usage: Usage?) {
        self.outcome = outcome
        self.usage = outcome.takesUsage ? usage : nil
        self.retryAfter = outcome.takesRetryAfter ? retryAfter : nil
    }

    /// The provider answered.
    public static let success = CallOutcome(.success)
    /// The provider answered.
    ///
    /// - Parameters:
    ///   - usage: what the call has used; nil: nothing is known of it
    ///   - retryAfter: how long the provider takes no more calls, if its rate limit has nothing left. It counts for
    ///     60 s at most.
    public static func success(usage: Usage?, retryAfter: Duration? = nil) -> CallOutcome {
        CallOutcome(.success, usage: usage, retryAfter: retryAfter)
    }

    /// The provider failed: 5xx, timeout, no connection.
    public static let failure = CallOutcome(.failure)
    /// The provider failed: 5xx, timeout, no connection.
    ///
    /// - Parameters:
    ///   - retryAfter: how long the provider takes no calls, if it said so (503, 529). Nil: the breaker alone decides.
    ///     Less than 0 counts as 0, more than 366 days as 366 days.
    ///   - usage: what the call has used; nil: nothing is known of it
    public static func failure(retryAfter: Duration? = nil, usage: Usage? = nil) -> CallOutcome {
        CallOutcome(.failure, usage: usage, retryAfter: retryAfter)
    }

    /// The provider refused for now: 429. The breaker counts a failure, unless the provider told a time.
    ///
    /// - Parameters:
    ///   - retryAfter: how long the provider takes no calls. Nil: the breaker alone decides. Less than 0 counts as 0,
    ///     more than 366 days as 366 days.
    ///   - usage: what the call has used; nil: nothing is known of it
    public static func throttled(retryAfter: Duration? = nil, usage: Usage? = nil) -> CallOutcome {
        CallOutcome(.throttled, usage: usage, retryAfter: retryAfter)
    }

    /// The provider's quota is used up.
    ///
    /// - Parameters:
    ///   - resetAfter: the time until the quota is reset. Nil: the default cooldown. Less than 0 counts as 0, more than
    ///     366 days as 366 days.
    ///   - usage: what the call has used; nil: nothing is known of it
    public static func quotaExhausted(resetAfter: Duration? = nil, usage: Usage? = nil) -> CallOutcome {
        CallOutcome(.quotaExhausted, usage: usage, retryAfter: resetAfter)
    }

    /// The provider did not take the key: 401, 403. The key is marked for as long as a mark may last, and probed.
    public static let unauthorized = CallOutcome(.unauthorized)
    /// The provider did not take the key: 401, 403.
    ///
    /// - Parameters:
    ///   - scope: how much of the route is marked. Nil: the deployment, or the provider if the call names none. `route`
    ///     is right for a 403, where the key may not use this model.
    ///   - usage: what the call has used; nil: nothing is known of it
    public static func unauthorized(_ scope: MarkScope? = nil, usage: Usage? = nil) -> CallOutcome {
        CallOutcome(.unauthorized, usage: usage, markScope: scope)
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

extension CallOutcome: CustomStringConvertible {
    /// The outcome and what was told with it: `throttled, retry after 30.0 seconds, 1200 input tokens`.
    public var description: String {
        var parts = ["\(outcome)"]
        if let retryAfter { parts.append("retry after \(retryAfter)") }
        if let markScope { parts.append("marks the \(markScope)") }
        if let usage { parts.append("\(usage)") }
        return parts.joined(separator: ", ")
    }
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

extension WireLimits.TagList {
    /// - Throws: `invalidArgument` if there are too many, or one is no name
    init(checking tags: [String]) throws(ClientError) {
        self.init()
        guard tags.count <= WireLimits.TagList.capacity else {
            throw .invalidArgument(
                Refusal(.outOfRange, "tags: a call has at most \(WireLimits.TagList.capacity), not \(tags.count)"))
        }
        for tag in tags { append(try Name(checking: tag)) }
    }
}

extension Admit {
    init(
        _ candidates: [Candidate], _ tags: [String], _ estimate: Estimate, _ ttl: Duration, _ wait: Duration = .zero,
        _ priority: Int = Int(WireLimits.defaultPriority), explains: Bool = false
    ) throws(ClientError) {
        let milliseconds = wait.wholeMilliseconds
        guard ValueRanges.wait.contains(milliseconds) else {
            throw .invalidArgument(
                Refusal(.outOfRange, "waiting: \(milliseconds) ms is not between 0 and 24 hours"))
        }
        guard let urgency = UInt8(exactly: priority), ValueRanges.priority.contains(urgency) else {
            throw .invalidArgument(
                Refusal(
                    .outOfRange,
                    "priority: \(priority) is not between 0, the most urgent, and \(WireLimits.priorities - 1)"))
        }
        self.init(
            candidates: try Candidates(checking: candidates), tags: try WireLimits.TagList(checking: tags),
            estimate: estimate, ttlMilliseconds: ttl.wholeMilliseconds, waitMilliseconds: milliseconds,
            priority: urgency)
        self.explains = explains
    }
}

extension AdmitPreview {
    init(
        _ candidates: [Candidate], _ tags: [String], _ estimate: Estimate, explains: Bool
    ) throws(ClientError) {
        self.init(
            candidates: try Candidates(checking: candidates), tags: try WireLimits.TagList(checking: tags),
            estimate: estimate)
        self.explains = explains
    }
}

extension Settle {
    init(_ permit: UInt64, _ outcome: CallOutcome, _ timing: CallTiming) throws(ClientError) {
        self.init(
            permit: permit, outcome: outcome.outcome, usage: try outcome.sentUsage,
            retryAfterMilliseconds: outcome.sentRetryAfter, timing: timing)
        markScope = outcome.sentMarkScope
    }
}

extension CallTiming {
    /// Times in whole milliseconds, within their range.
    init(firstToken: Duration?, duration: Duration?) {
        self.init(
            firstTokenMilliseconds: firstToken.map { UInt32(clamping: $0.wholeMilliseconds) },
            durationMilliseconds: duration.map { UInt32(clamping: $0.wholeMilliseconds) })
    }
}

extension Report {
    init(_ candidate: Candidate, _ tags: [String], _ outcome: CallOutcome) throws(ClientError) {
        self.init(
            candidate: candidate, tags: try WireLimits.TagList(checking: tags), outcome: outcome.outcome,
            usage: try outcome.sentUsage,
            retryAfterMilliseconds: outcome.sentRetryAfter)
        markScope = outcome.sentMarkScope
    }
}

extension Report {
    /// The substitute of a settle, for a daemon that does not know the permit any more.
    init(of permit: Permit, _ settle: Settle) {
        self.init(
            candidate: permit.candidate, tags: permit.sentTags, outcome: settle.outcome, usage: settle.usage,
            retryAfterMilliseconds: settle.retryAfterMilliseconds)
        markScope = settle.markScope
    }
}

extension CallOutcome {
    private static let longestRetryMilliseconds = ValueRanges.cooldown.upperBound

    fileprivate var sentRetryAfter: Int64? {
        retryAfter.map { min(max($0.wholeMilliseconds, 0), Self.longestRetryMilliseconds) }
    }

    /// An outcome that marks nothing takes no scope.
    fileprivate var sentMarkScope: MarkScope? { outcome.isOfProvider ? markScope : nil }

    fileprivate var sentUsage: CallUsage? {
        get throws(ClientError) {
            guard let usage else { return nil }
            if let cost = usage.cost, !(Money.zero...WireLimits.callCost).contains(cost) {
                throw .invalidArgument(
                    Refusal(.outOfRange, "cost: $\(cost) is not between $0 and $\(WireLimits.callCost), for one call"))
            }
            return CallUsage(model: try .optional(usage.model), cost: usage.cost, tokens: try usage.sentTokens)
        }
    }
}
