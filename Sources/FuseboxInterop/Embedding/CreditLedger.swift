import FuseboxCore

/// What has been spent, on which provider and model, against which budgets and rate limits, as a value for programs that
/// keep their state themselves.
///
/// Amounts are exact. Operations take the time, which does not go backwards: an earlier one counts as the last. Reads take it
/// too, for under the profile `fusebox` the budget period rolls over with the month. `snapshot()` and `restore(_:)` turn
/// it into JSON text and back, the same text that llm-providers' `CreditLedger` writes and reads as an object.
///
/// A program that imports FuseboxCore too writes `FuseboxInterop.CreditLedger`.
public struct CreditLedger: Sendable {
    /// The semantics by which it counts.
    public var profile: Profile { machine.profile }
    private var machine: StateMachine

    /// An empty ledger whose budget period begins now.
    public init(profile: Profile = .fusebox, at now: Timestamp) {
        machine = StateMachine(profile: profile, at: Moment(now: now, wall: now))
    }

    // MARK: Recording

    /// Records what a call has cost.
    ///
    /// - Returns: the budget's threshold that this crossed, and the end of the budget that came near, each told once in
    ///   a period
    /// - Throws: `badName`; `outOfRange` for a negative cost, or tokens below 0 or above 2³²−1; `overflow` and
    ///   `limitReached`; then nothing has changed
    @discardableResult
    public mutating func record(
        provider: String, model: String, cost: Money, inputTokens: Int, outputTokens: Int, at now: Timestamp
    ) throws(Refusal) -> LedgerRecord.Reply {
        guard let input = UInt32(exactly: inputTokens), let output = UInt32(exactly: outputTokens) else {
            throw Refusal(.outOfRange, "tokens of a record must lie between 0 and \(UInt32.max)")
        }
        return try machine.carryOut(
            LedgerRecord(
                provider: try Name(provider), model: try Name(model), cost: cost, inputTokens: input,
                outputTokens: output), at: now)
    }

    // MARK: Budgets

    /// Sets a budget, and rate limits, in the place of those of the same provider and model.
    ///
    /// - Throws: `outOfRange` for a negative amount, `limitReached`; then nothing has changed
    public mutating func setBudget(_ budget: Budget, at now: Timestamp) throws(Refusal) {
        _ = try machine.carryOut(LedgerSetBudget(budget: budget), at: now)
    }

    /// Removes a budget; rate limits stay.
    ///
    /// - Throws: `badName`
    public mutating func removeBudget(_ provider: String, model: String? = nil, at now: Timestamp) throws(Refusal) {
        _ = try machine.carryOut(
            LedgerRemoveBudget(provider: try Name(provider), model: try model.map(Name.init(checking:))), at: now)
    }

    /// Ends the budget period by hand: sums begin anew.
    public mutating func resetPeriod(at now: Timestamp) { _ = try? machine.carryOut(LedgerResetPeriod(), at: now) }

    // MARK: Reading

    /// What is left of a budget, and how far it is used.
    ///
    /// - Throws: `badName`; `overflow` if the difference leaves the range of money
    public mutating func balance(
        _ provider: String, model: String? = nil, at now: Timestamp
    ) throws(Refusal) -> LedgerBalance.Reply {
        try machine.carryOut(
            LedgerBalance(provider: try Name(provider), model: try model.map(Name.init(checking:))), at: now)
    }

    /// A provider's sums in this period, its budget and its windows; nil if nothing was ever recorded or set.
    ///
    /// - Throws: `badName`
    public mutating func account(_ provider: String, at now: Timestamp) throws(Refusal) -> ProviderAccount? {
        try machine.carryOut(LedgerProvider(provider: try Name(provider)), at: now).account
    }

    /// A model's sums with a provider in this period; nil if nothing was ever recorded.
    ///
    /// - Throws: `badName`
    public mutating func account(
        _ provider: String, model: String, at now: Timestamp
    ) throws(Refusal) -> ModelAccount? {
        try machine.carryOut(LedgerModel(provider: try Name(provider), model: try Name(model)), at: now).account
    }

    /// What all providers together have cost in this period.
    ///
    /// - Throws: `overflow` if the sum leaves the range of money
    public mutating func totalSpend(at now: Timestamp) throws(Refusal) -> Money {
        try machine.carryOut(LedgerTotal(), at: now).spend
    }

    /// Whether a rate limit has room for a call.
    ///
    /// - Throws: `badName`
    public mutating func checkRate(
        _ provider: String, _ dimension: RateDimension, at now: Timestamp
    ) throws(Refusal) -> LedgerCheckRate.Reply {
        try machine.carryOut(LedgerCheckRate(provider: try Name(provider), dimension: dimension), at: now)
    }

    /// What a provider costs per hour and day, over the newest part of its history; nil: 24 hours. Of a history that is shorter
    /// than an hour, and than the window, no rate is told.
    ///
    /// - Throws: `badName`; `outOfRange` for a negative window
    public mutating func burnRate(
        _ provider: String, windowMilliseconds: Int64? = nil, at now: Timestamp
    ) throws(Refusal) -> BurnRate {
        try machine.carryOut(
            LedgerBurnRate(provider: try Name(provider), windowMilliseconds: windowMilliseconds), at: now)
    }

    /// When a provider's budget will be used up at its burn rate; nil without a budget above 0.
    ///
    /// - Throws: `badName`; `outOfRange` for a negative window
    public mutating func depletion(
        _ provider: String, windowMilliseconds: Int64? = nil, at now: Timestamp
    ) throws(Refusal) -> DepletionEstimate? {
        try machine.carryOut(
            LedgerDepletion(provider: try Name(provider), windowMilliseconds: windowMilliseconds), at: now
        ).estimate
    }

    // MARK: Persistence

    /// Accounts, budgets, thresholds and history as of the last change, as JSON text.
    public func snapshot() -> String {
        LLMProvidersSnapshot.ledger(of: machine, at: machine.lastMoment).text()
    }

    /// Replaces everything by what a JSON text holds: one of `snapshot()`, or of llm-providers' ledger.
    ///
    /// It is as of the moment at which the text was written; time goes on from there with the next operation.
    ///
    /// - Throws: `JSONError` for a text that is no JSON, `JSONFieldError` for one that is no such snapshot; then
    ///   nothing has changed
    public mutating func restore(_ json: String) throws {
        let document = try LLMProvidersSnapshot.document(json, .ledger, "the credit ledger")
        machine = try LLMProvidersSnapshot.stateMachine(
            from: document, profile: profile, at: LLMProvidersSnapshot.newestMoment(in: document))
    }
}
