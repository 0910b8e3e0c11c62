import FuseboxWire

extension FuseboxClient {
    /// The exhaustion registry.
    public var exhaustion: Exhaustion { Exhaustion(client: self) }
}

/// The exhaustion registry: which providers have run out of quota, and until when.
///
/// Every method throws `ClientError`: `invalidArgument` for an invalid name, `refused` with the daemon's reason,
/// `unavailable` and the like. Changing what operators set needs an operator's rights.
public struct Exhaustion: Sendable {
    let client: FuseboxClient

    /// Marks a provider's quota as exhausted. A shorter mark does not cut a longer one short.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` keeps the report. Its cooldown then counts from its arrival.
    ///
    /// - Parameter cooldown: how long the mark lasts, 0 to 366 days. Nil: the default cooldown.
    @discardableResult
    public func mark(_ provider: String, for cooldown: Duration? = nil) throws(ClientError) -> Marking {
        let mark = ExhaustionMark(
            provider: try Name(checking: provider), resetAfterMilliseconds: cooldown?.wholeMilliseconds)
        return Marking(try client.report(mark))
    }

    /// Marks a provider's quota as exhausted. A shorter mark does not cut a longer one short.
    @discardableResult
    public func mark(_ provider: String, for cooldown: Duration? = nil) async throws(ClientError) -> Marking {
        let mark = ExhaustionMark(
            provider: try Name(checking: provider), resetAfterMilliseconds: cooldown?.wholeMilliseconds)
        return Marking(try await client.report(mark))
    }

    /// Removes a provider's mark. For operators.
    ///
    /// - Parameter mustBeKnown: whether an unknown name is refused with `notFound`
    public func clear(_ provider: String, mustBeKnown: Bool = false) throws(ClientError) {
        _ = try client.call(ExhaustionClear(provider: try Name(checking: provider), mustBeKnown: mustBeKnown))
    }

    /// Removes a provider's mark. For operators.
    ///
    /// - Parameter mustBeKnown: whether an unknown name is refused with `notFound`
    public func clear(_ provider: String, mustBeKnown: Bool = false) async throws(ClientError) {
        _ = try await client.call(ExhaustionClear(provider: try Name(checking: provider), mustBeKnown: mustBeKnown))
    }

    /// A provider's mark, if one is in force.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` assumes that there is none.
    public func get(_ provider: String) throws(ClientError) -> ExhaustionCheck {
        ExhaustionCheck(try client.decide(ExhaustionGet(provider: try Name(checking: provider))))
    }

    /// A provider's mark, if one is in force.
    public func get(_ provider: String) async throws(ClientError) -> ExhaustionCheck {
        ExhaustionCheck(try await client.decide(ExhaustionGet(provider: try Name(checking: provider))))
    }

    /// All marks in force.
    public func list() throws(ClientError) -> [ExhaustionEntry] { try client.all(ExhaustionList()) }

    /// All marks in force.
    public func list() async throws(ClientError) -> [ExhaustionEntry] { try await client.all(ExhaustionList()) }

    /// Removes every mark. For operators.
    public func reset() throws(ClientError) { _ = try client.call(ExhaustionReset()) }

    /// Removes every mark. For operators.
    public func reset() async throws(ClientError) { _ = try await client.call(ExhaustionReset()) }

    /// Sets the default cooldown, 0 to 366 days: how long a mark lasts that names no duration. For operators.
    public func setDefaultCooldown(_ cooldown: Duration) throws(ClientError) {
        _ = try client.call(ExhaustionSetDefault(cooldownMilliseconds: cooldown.wholeMilliseconds))
    }

    /// Sets the default cooldown, 0 to 366 days: how long a mark lasts that names no duration. For operators.
    public func setDefaultCooldown(_ cooldown: Duration) async throws(ClientError) {
        _ = try await client.call(ExhaustionSetDefault(cooldownMilliseconds: cooldown.wholeMilliseconds))
    }

    /// The default cooldown: how long a mark lasts that names no duration.
    public func defaultCooldown() throws(ClientError) -> Duration {
        .milliseconds(try client.call(ExhaustionDefault()).cooldownMilliseconds)
    }

    /// The default cooldown: how long a mark lasts that names no duration.
    public func defaultCooldown() async throws(ClientError) -> Duration {
        .milliseconds(try await client.call(ExhaustionDefault()).cooldownMilliseconds)
    }
}

/// The result of marking a provider.
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

/// Whether a provider is marked as exhausted.
public struct ExhaustionCheck: Sendable, Equatable {
    /// The mark. Nil if none is in force.
    public var entry: ExhaustionEntry?
    /// Whether the daemon did not answer and the client fails open. That there is no mark is then assumed.
    public var isAssumed: Bool

    /// Whether a mark is in force.
    public var isExhausted: Bool { entry != nil }

    init(_ reply: ExhaustionGet.Reply?) {
        entry = reply?.entry
        isAssumed = reply == nil
    }
}
