import FuseboxCore

/// Which providers have run out of quota, and until when, as a value for programs that keep their state themselves.
///
/// Operations take the time. `snapshot()` and `restore(_:)` turn it into JSON text and back, the same text that
/// llm-providers' `ExhaustionRegistry.serialize()` gives and its `restore` takes.
///
/// A program that imports FuseboxCore too writes `FuseboxInterop.ExhaustionRegistry`.
public struct ExhaustionRegistry: Sendable {
    /// The semantics by which it decides.
    public var profile: Profile { machine.profile }
    private var machine: StateMachine

    /// A registry without marks.
    ///
    /// - Parameter defaultCooldownMilliseconds: how long a mark lasts that names no time
    /// - Throws: `outOfRange` for a cooldown below 0 or above 366 days
    public init(defaultCooldownMilliseconds: Int64 = 300_000, profile: Profile = .fusebox) throws(Refusal) {
        var builder = StateMachine.Builder(profile: profile, at: Moment(milliseconds: 0))
        try builder.setDefaultCooldown(milliseconds: defaultCooldownMilliseconds)
        machine = builder.finish()
    }

    // MARK: Marks

    /// Marks a provider as exhausted.
    ///
    /// - Parameter cooldown: how long, in whole milliseconds; nil: the default cooldown
    /// - Returns: when the mark in force ends
    /// - Throws: `badName`; `outOfRange` for a time below 0 or above 366 days; `limitReached`
    @discardableResult
    public mutating func mark(
        _ provider: String, for cooldown: Duration? = nil, at now: Timestamp
    ) throws(Refusal) -> Timestamp {
        let milliseconds = cooldown?.wholeMilliseconds
        return try machine.carryOut(
            ExhaustionMark(provider: try Name(provider), resetAfterMilliseconds: milliseconds), at: now
        ).resetsAt
    }

    /// Takes a provider's mark away.
    public mutating func clear(_ provider: String, at now: Timestamp) {
        guard let name = try? Name(provider) else { return }
        _ = try? machine.carryOut(ExhaustionClear(provider: name), at: now)
    }

    /// Takes all marks away.
    public mutating func reset(at now: Timestamp) { _ = try? machine.carryOut(ExhaustionReset(), at: now) }

    // MARK: Reading

    /// Whether a provider's mark is in force.
    public func isExhausted(_ provider: String, at now: Timestamp) -> Bool { entry(provider, at: now) != nil }

    /// A provider's mark, if it is in force.
    public func entry(_ provider: String, at now: Timestamp) -> ExhaustionEntry? {
        guard let name = try? Name(provider), let id = machine.names.find(name),
            let mark = machine.exhaustion.mark(id, at: now)
        else { return nil }
        return ExhaustionEntry(provider: name, exhaustedAt: mark.exhaustedAt, resetsAt: mark.resetsAt)
    }

    /// The marks in force, by their providers' names.
    public func entries(at now: Timestamp) -> [ExhaustionEntry] {
        var entries: [ExhaustionEntry] = []
        machine.exhaustion.forEach { id, mark in
            guard now < mark.resetsAt else { return }
            entries.append(
                ExhaustionEntry(provider: machine.names[id], exhaustedAt: mark.exhaustedAt, resetsAt: mark.resetsAt))
        }
        return entries.sorted { $0.provider < $1.provider }
    }

    // MARK: Persistence

    /// All marks that were in force at the last operation, and the default cooldown, as JSON text.
    public func snapshot() -> String {
        LLMProvidersSnapshot.exhaustion(of: machine, at: machine.lastMoment).text()
    }

    /// Replaces all marks by those of a JSON text: one of `snapshot()`, or of llm-providers' registry.
    ///
    /// - Throws: `JSONError` for a text that is no JSON, `JSONFieldError` for one that is no such snapshot; then
    ///   nothing has changed
    public mutating func restore(_ json: String) throws {
        let document = try LLMProvidersSnapshot.document(json, .exhaustion, "the exhaustion registry")
        // From the beginning of time on every mark lies ahead; which of them are over, the next question tells.
        machine = try LLMProvidersSnapshot.stateMachine(
            from: document, profile: profile, at: Moment(milliseconds: 0))
    }
}
