import FuseboxCore

/// The providers that have run out of quota, as a value for programs that keep their state themselves.
///
/// A *mark* says that a provider's quota is exhausted until a time. Operations take the time as an argument.
/// `snapshot()` and `restore(_:)` convert the registry to JSON text and back. The text has the format of llm-providers'
/// `ExhaustionRegistry`.
///
/// A program that also imports FuseboxCore must write `FuseboxInterop.ExhaustionRegistry`.
public struct ExhaustionRegistry: Sendable {
    /// The semantics of the registry.
    public var profile: Profile { machine.profile }
    private var machine: StateMachine

    /// A registry without marks.
    ///
    /// - Parameter defaultCooldownMilliseconds: the length of a mark without a given time, 0 to 366 days
    /// - Throws: `outOfRange` for a cooldown below 0 or above 366 days
    public init(defaultCooldownMilliseconds: Int64 = 300_000, profile: Profile = .fusebox) throws(Refusal) {
        var builder = StateMachine.Builder(profile: profile, at: Moment(milliseconds: 0))
        try builder.setDefaultCooldown(milliseconds: defaultCooldownMilliseconds)
        machine = builder.finish()
    }

    // MARK: Marks

    /// Marks a provider as exhausted.
    ///
    /// A shorter mark does not shorten a longer one. Under `fusebox` a mark lasts 24 hours at most, and one without a
    /// length twice as long as the one before.
    ///
    /// - Parameter cooldown: the length of the mark, 0 to 366 days, rounded up to milliseconds; nil: the default
    ///   cooldown
    /// - Returns: the end of the mark that is in force
    /// - Throws: `badName`; `outOfRange` for a length outside its range; `limitReached`
    @discardableResult
    public mutating func mark(
        _ provider: String, for cooldown: Duration? = nil, at now: Timestamp
    ) throws(Refusal) -> Timestamp {
        let milliseconds = cooldown?.wholeMilliseconds
        return try machine.carryOut(
            ExhaustionMark(provider: try Name(provider), resetAfterMilliseconds: milliseconds), at: now
        ).resetsAt
    }

    /// Removes a provider's mark.
    public mutating func clear(_ provider: String, at now: Timestamp) {
        guard let name = try? Name(provider) else { return }
        _ = try? machine.carryOut(ExhaustionClear(provider: name), at: now)
    }

    /// Removes all marks.
    public mutating func reset(at now: Timestamp) { _ = try? machine.carryOut(ExhaustionReset(), at: now) }

    // MARK: Reading

    /// Whether a provider's mark is in force.
    public func isExhausted(_ provider: String, at now: Timestamp) -> Bool { entry(provider, at: now) != nil }

    /// A provider's mark; nil if none is in force.
    public func entry(_ provider: String, at now: Timestamp) -> ExhaustionEntry? {
        guard let name = try? Name(provider), let id = machine.names.find(name),
            let mark = machine.exhaustion.mark(RouteKey(id), at: now)
        else { return nil }
        return ExhaustionEntry(provider: name, exhaustedAt: mark.exhaustedAt, resetsAt: mark.resetsAt)
    }

    /// The marks in force, sorted by provider name.
    public func entries(at now: Timestamp) -> [ExhaustionEntry] {
        var entries: [ExhaustionEntry] = []
        machine.exhaustion.forEach { route, mark in
            guard now < mark.resetsAt else { return }
            entries.append(
                ExhaustionEntry(
                    provider: machine.names[route.place], exhaustedAt: mark.exhaustedAt, resetsAt: mark.resetsAt))
        }
        return entries.sorted { $0.provider < $1.provider }
    }

    // MARK: Persistence

    /// The default cooldown and all marks that were in force at the last operation, as JSON text.
    public func snapshot() -> String {
        LLMProvidersSnapshot.exhaustion(of: machine, at: machine.lastMoment).text()
    }

    /// Replaces the default cooldown and all marks with a snapshot in JSON text, of this type or of llm-providers'
    /// registry.
    ///
    /// - Throws: `JSONError` if the text is not JSON, `JSONFieldError` if it is not such a snapshot; nothing has
    ///   changed then
    public mutating func restore(_ json: String) throws {
        let document = try LLMProvidersSnapshot.document(json, .exhaustion, "the exhaustion registry")
        // At time 0 no mark has ended, so all are read. The next operation has the time and ignores those that have
        // ended.
        machine = try LLMProvidersSnapshot.stateMachine(
            from: document, profile: profile, at: Moment(milliseconds: 0))
    }
}
