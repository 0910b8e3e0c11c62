import FuseboxCore

/// The spend by provider and model, with budgets and rate limits, as a value for programs that keep their state
/// themselves.
///
/// Amounts are exact. Operations take the time as an argument. Time does not go back: an earlier time counts as the
/// latest one. Reads take the time too, because under the profile `fusebox` the budget period rolls over with the
/// month. `snapshot()` and `restore(_:)` convert the ledger to JSON text and back. The text has the format of
/// llm-providers' `CreditLedger`.
///
/// A program that also imports FuseboxCore must write `FuseboxInterop.CreditLedger`.
public struct CreditLedger: Sendable {
    /// The semantics of the ledger.
    public var profile: Profile { machine.profile }
    private var machine: StateMachine

    /// An empty ledger. Its budget period begins at `now`.
    public init(profile: Profile = .fusebox, at now: Timestamp) {
        machine = StateMachine(profile: profile, at: Moment(now: now, wall: now))
    }

    // MARK: Recording

    /// Records the cost and the tokens of a call.
    ///
    /// - Returns: the threshold of the budget that this record crossed, and the projected end of the budget; each comes
    ///   once in a period
    /// - Throws: `badName`; `outOfRange` for a negative cost, or tokens below 0 or above 2³²−1; `overflow` or
    ///   `limitReached`. Nothing has changed then
    @discardableResult
    public mutating func record(
        provider: String, model: String, cost: Money, inputTokens: Int, outputTokens: Int, at now: Timestamp
    ) throws(Refusal) -> LedgerRecord.Reply {
        guard let input = UInt32(exactly: inputTokens), let output = UInt32(exactly: outputTokens) else {
            throw Refusal(.outOfRange, "the tokens of a record must be from 0 to \(UInt32.max)")
        }
        return try machine.carryOut(
            LedgerRecord(
                provider: try Name(provider), model: try Name(model), cost: cost, inputTokens: input,
                outputTokens: output), at: now)
    }

    // MARK: Budgets

    /// Sets a budget and rate limits. They replace those of the same provider and model.
    ///
    /// - Throws: `outOfRange` for a negative amount, `limitReached`; nothing has changed then
    public mutating func setBudget(_ budget: Budget, at now: Timestamp) throws(Refusal) {
        try machine.setBudget(budget, at: machine.advance(to: now))
    }

    /// Removes a budget. Rate limits stay.
    ///
    /// - Throws: `badName`
    public mutating func removeBudget(_ provider: String, model: String? = nil, at now: Timestamp) throws(Refusal) {
        try machine.removeBudget(
            try Name(provider), try model.map(Name.init(checking:)), at: machine.advance(to: now))
    }

    /// Ends the budget period by hand. All sums begin at zero.
    public mutating func resetPeriod(at now: Timestamp) { _ = try? machine.carryOut(LedgerReset(), at: now) }

    // MARK: Reading

    /// The rest of a budget and its utilization.
    ///
    /// - Throws: `badName`; `overflow` if the difference leaves the range of money
    public mutating func balance(
        _ provider: String, model: String? = nil, at now: Timestamp
    ) throws(Refusal) -> Balance {
        try machine.balance(try Name(provider), try model.map(Name.init(checking:)), at: machine.advance(to: now))
    }

    /// A provider's sums in this period, its budget and its rate windows; nil if nothing was ever recorded or set.
    ///
    /// - Throws: `badName`
    public mutating func account(_ provider: String, at now: Timestamp) throws(Refusal) -> BudgetedAccount? {
        let account = try machine.carryOut(LedgerProvider(provider: try Name(provider)), at: now).account
        return account.map { machine.budgeted($0, at: Moment(now: now, wall: now)) }
    }

    /// A model's sums with a provider in this period; nil if nothing was ever recorded.
    ///
    /// - Throws: `badName`
    public mutating func account(
        _ provider: String, model: String, at now: Timestamp
    ) throws(Refusal) -> ModelAccount? {
        try machine.carryOut(LedgerModel(provider: try Name(provider), model: try Name(model)), at: now).account
    }

    /// The spend of all providers in this period.
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
    ) throws(Refusal) -> RateCheck {
        try machine.checkRate(try Name(provider), dimension, at: machine.advance(to: now))
    }

    /// The cost of a provider per hour and per day. The rate is nil if the history is shorter than an hour and shorter
    /// than the window.
    ///
    /// - Parameter windowMilliseconds: the length of the newest part of the history that counts; nil: 24 hours
    /// - Throws: `badName`; `outOfRange` for a negative window
    public mutating func burnRate(
        _ provider: String, windowMilliseconds: Int64? = nil, at now: Timestamp
    ) throws(Refusal) -> BurnRate {
        try machine.carryOut(
            LedgerBurnRate(provider: try Name(provider), windowMilliseconds: windowMilliseconds), at: now)
    }

    /// When a provider's budget will be used up at its burn rate; nil without a budget above 0.
    ///
    /// - Parameter windowMilliseconds: as for `burnRate`
    /// - Throws: `badName`; `outOfRange` for a negative window
    public mutating func depletion(
        _ provider: String, windowMilliseconds: Int64? = nil, at now: Timestamp
    ) throws(Refusal) -> DepletionEstimate? {
        try machine.carryOut(
            LedgerDepletion(provider: try Name(provider), windowMilliseconds: windowMilliseconds), at: now
        ).estimate
    }

    // MARK: Persistence

    /// Accounts, budgets, thresholds and history after the last change, as JSON text.
    public func snapshot() -> String {
        LLMProvidersSnapshot.ledger(of: machine, at: machine.lastMoment).text()
    }

    /// Replaces the whole ledger with a snapshot in JSON text, of this type or of llm-providers' ledger.
    ///
    /// The ledger's time is then that of the snapshot, until the next operation.
    ///
    /// - Throws: `JSONError` if the text is not JSON, `JSONFieldError` if it is not such a snapshot; nothing has
    ///   changed then
    public mutating func restore(_ json: String) throws {
        let document = try LLMProvidersSnapshot.document(json, .ledger, "the credit ledger")
        machine = try LLMProvidersSnapshot.stateMachine(
            from: document, profile: profile, at: LLMProvidersSnapshot.newestMoment(in: document))
    }
}
