import FuseboxWire

extension FuseboxClient {
    /// The exhaustion registry.
    public var exhaustion: Exhaustion { Exhaustion(client: self) }
}

/// The exhaustion registry: which routes have run out of quota, and until when; and which ones operators have paused.
///
/// A route is a provider, or one of its deployments or models. A mark or a pause keeps the calls away that go by that
/// route, and leaves the provider's other deployments and models in use.
///
/// Every method throws `ClientError`: `invalidArgument` for an invalid name, `refused` with the daemon's reason,
/// `unavailable` and the like. Changing what operators set needs an operator's rights.
public struct Exhaustion: Sendable {
    let client: FuseboxClient

    // MARK: Marks

    /// Marks a route as exhausted. A mark does not cut a longer one short, and lasts no longer than the longest mark
    /// may.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` keeps the report. Its cooldown then counts from its arrival.
    ///
    /// - Parameters:
    ///   - provider: the provider
    ///   - deployment: the API key, region or endpoint; nil: the route names none
    ///   - model: the model; nil: the route names none
    ///   - cooldown: how long the mark lasts, 0 to 366 days. Nil: the default cooldown, doubled by each mark in a row.
    @discardableResult
    public func mark(
        _ provider: String, deployment: String? = nil, model: String? = nil, for cooldown: Duration? = nil
    ) throws(ClientError) -> Marking {
        let mark = ExhaustionMark(
            provider: try Name(checking: provider), deployment: try .optional(deployment), model: try .optional(model),
            resetAfterMilliseconds: cooldown?.wholeMilliseconds)
        return Marking(try client.report(mark))
    }

    /// Marks a route as exhausted. A mark does not cut a longer one short.
    @discardableResult
    public func mark(
        _ provider: String, deployment: String? = nil, model: String? = nil, for cooldown: Duration? = nil
    ) async throws(ClientError) -> Marking {
        let mark = ExhaustionMark(
            provider: try Name(checking: provider), deployment: try .optional(deployment), model: try .optional(model),
            resetAfterMilliseconds: cooldown?.wholeMilliseconds)
        return Marking(try await client.report(mark))
    }

    /// Removes a route's own mark. Wider and narrower marks stay, and pauses do. For operators.
    ///
    /// - Parameters:
    ///   - provider: the provider
    ///   - deployment: the API key, region or endpoint; nil: the route names none
    ///   - model: the model; nil: the route names none
    ///   - mustBeKnown: whether an unknown name is refused with `notFound`
    public func clear(
        _ provider: String, deployment: String? = nil, model: String? = nil, mustBeKnown: Bool = false
    ) throws(ClientError) {
        let clear = ExhaustionClear(
            provider: try Name(checking: provider), deployment: try .optional(deployment), model: try .optional(model),
            mustBeKnown: mustBeKnown)
        _ = try client.call(clear)
    }

    /// Removes a route's own mark. For operators.
    public func clear(
        _ provider: String, deployment: String? = nil, model: String? = nil, mustBeKnown: Bool = false
    ) async throws(ClientError) {
        let clear = ExhaustionClear(
            provider: try Name(checking: provider), deployment: try .optional(deployment), model: try .optional(model),
            mustBeKnown: mustBeKnown)
        _ = try await client.call(clear)
    }

    /// The mark and the pause that keep calls by a route away the longest, be they of the route or of what it is part
    /// of.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` assumes that there is none.
    public func get(
        _ provider: String, deployment: String? = nil, model: String? = nil
    ) throws(ClientError) -> ExhaustionCheck {
        let get = ExhaustionGet(
            provider: try Name(checking: provider), deployment: try .optional(deployment), model: try .optional(model))
        return ExhaustionCheck(try client.decide(get))
    }

    /// The mark and the pause that keep calls by a route away the longest.
    public func get(
        _ provider: String, deployment: String? = nil, model: String? = nil
    ) async throws(ClientError) -> ExhaustionCheck {
        let get = ExhaustionGet(
            provider: try Name(checking: provider), deployment: try .optional(deployment), model: try .optional(model))
        return ExhaustionCheck(try await client.decide(get))
    }

    /// All marks in force.
    public func list() throws(ClientError) -> [ExhaustionEntry] { try client.all(ExhaustionList()) }

    /// All marks in force.
    public func list() async throws(ClientError) -> [ExhaustionEntry] { try await client.all(ExhaustionList()) }

    /// Removes every mark. Pauses stay. For operators.
    public func reset() throws(ClientError) { _ = try client.call(ExhaustionReset()) }

    /// Removes every mark. Pauses stay. For operators.
    public func reset() async throws(ClientError) { _ = try await client.call(ExhaustionReset()) }

    // MARK: Defaults

    /// Sets the default cooldown, 0 to 366 days: how long a mark lasts that names no duration. For operators.
    public func setDefaultCooldown(_ cooldown: Duration) throws(ClientError) {
        _ = try client.call(ExhaustionSetDefault(cooldownMilliseconds: cooldown.wholeMilliseconds))
    }

    /// Sets the default cooldown, 0 to 366 days: how long a mark lasts that names no duration. For operators.
    public func setDefaultCooldown(_ cooldown: Duration) async throws(ClientError) {
        _ = try await client.call(ExhaustionSetDefault(cooldownMilliseconds: cooldown.wholeMilliseconds))
    }

    /// Sets how long a mark lasts at most, a minute to 366 days: one that is made or put off from now on. For
    /// operators.
    public func setLongestMark(_ longest: Duration) throws(ClientError) {
        _ = try client.call(ExhaustionSetDefault(longestMilliseconds: longest.wholeMilliseconds))
    }

    /// Sets how long a mark lasts at most, a minute to 366 days: one that is made or put off from now on. For
    /// operators.
    public func setLongestMark(_ longest: Duration) async throws(ClientError) {
        _ = try await client.call(ExhaustionSetDefault(longestMilliseconds: longest.wholeMilliseconds))
    }

    /// The default cooldown: how long a mark lasts that names no duration.
    public func defaultCooldown() throws(ClientError) -> Duration {
        .milliseconds(try client.call(ExhaustionDefault()).cooldownMilliseconds)
    }

    /// The default cooldown: how long a mark lasts that names no duration.
    public func defaultCooldown() async throws(ClientError) -> Duration {
        .milliseconds(try await client.call(ExhaustionDefault()).cooldownMilliseconds)
    }

    /// How long a mark lasts at most.
    public func longestMark() throws(ClientError) -> Duration {
        .milliseconds(try client.call(ExhaustionDefault()).longestMilliseconds)
    }

    /// How long a mark lasts at most.
    public func longestMark() async throws(ClientError) -> Duration {
        .milliseconds(try await client.call(ExhaustionDefault()).longestMilliseconds)
    }

    // MARK: Pauses

    /// Pauses a route: no call is admitted by it until the pause ends by its time or is resumed. Nothing else ends it,
    /// no success and no reset. Pausing a paused route again changes its end and its reason. For operators.
    ///
    /// - Parameters:
    ///   - provider: the provider
    ///   - deployment: the API key, region or endpoint; nil: the route names none
    ///   - model: the model; nil: the route names none
    ///   - reason: why, for those who meet the pause; 1 to 1,024 bytes
    ///   - duration: how long it lasts, 1 ms to 366 days. Nil: until it is resumed
    ///   - mustBeKnown: whether an unknown name is refused with `notFound`
    @discardableResult
    public func pause(
        _ provider: String, deployment: String? = nil, model: String? = nil, reason: String,
        for duration: Duration? = nil, mustBeKnown: Bool = false
    ) throws(ClientError) -> PauseEntry {
        let pause = ExhaustionPause(
            provider: try Name(checking: provider), deployment: try .optional(deployment), model: try .optional(model),
            reason: reason, durationMilliseconds: duration?.wholeMilliseconds, mustBeKnown: mustBeKnown)
        return try client.call(pause).entry
    }

    /// Pauses a route: no call is admitted by it until the pause ends by its time or is resumed. For operators.
    @discardableResult
    public func pause(
        _ provider: String, deployment: String? = nil, model: String? = nil, reason: String,
        for duration: Duration? = nil, mustBeKnown: Bool = false
    ) async throws(ClientError) -> PauseEntry {
        let pause = ExhaustionPause(
            provider: try Name(checking: provider), deployment: try .optional(deployment), model: try .optional(model),
            reason: reason, durationMilliseconds: duration?.wholeMilliseconds, mustBeKnown: mustBeKnown)
        return try await client.call(pause).entry
    }

    /// Ends a route's own pause. Wider and narrower pauses stay. For operators.
    ///
    /// - Returns: whether it was paused, and a wider pause that still keeps its calls away
    @discardableResult
    public func resume(
        _ provider: String, deployment: String? = nil, model: String? = nil
    ) throws(ClientError) -> ExhaustionResume.Reply {
        let resume = ExhaustionResume(
            provider: try Name(checking: provider), deployment: try .optional(deployment), model: try .optional(model))
        return try client.call(resume)
    }

    /// Ends a route's own pause. For operators.
    @discardableResult
    public func resume(
        _ provider: String, deployment: String? = nil, model: String? = nil
    ) async throws(ClientError) -> ExhaustionResume.Reply {
        let resume = ExhaustionResume(
            provider: try Name(checking: provider), deployment: try .optional(deployment), model: try .optional(model))
        return try await client.call(resume)
    }

    /// All pauses in force.
    public func pauses() throws(ClientError) -> [PauseEntry] { try client.all(ExhaustionPauses()) }

    /// All pauses in force.
    public func pauses() async throws(ClientError) -> [PauseEntry] { try await client.all(ExhaustionPauses()) }
}

/// The result of marking a route.
public struct Marking: Sendable, Equatable {
    /// When the mark now in force expires, on the daemon's steady clock. Nil if the daemon did not answer.
    public var resetsAt: Timestamp?
    /// Whether the daemon has the report.
    public var delivery: Delivery
    /// Whether the daemon did not answer and the client fails open.
    public var isAssumed: Bool { delivery != .delivered }

    init(_ reported: FuseboxClient.Reported<ExhaustionMark.Reply>) {
        resetsAt = reported.reply?.resetsAt
        delivery = reported.delivery
    }
}

/// Whether a route is marked as exhausted, or paused.
public struct ExhaustionCheck: Sendable, Equatable {
    /// The mark that ends last. Nil if none is in force.
    public var entry: ExhaustionEntry?
    /// The pause that ends last. Nil if none is in force.
    public var pause: PauseEntry?
    /// Whether the daemon did not answer and the client fails open. That there is no mark is then assumed.
    public var isAssumed: Bool

    /// Whether a mark is in force.
    public var isExhausted: Bool { entry != nil }
    /// Whether an operator has paused the route.
    public var isPaused: Bool { pause != nil }

    init(_ reply: ExhaustionGet.Reply?) {
        entry = reply?.entry
        pause = reply?.pause
        isAssumed = reply == nil
    }
}
