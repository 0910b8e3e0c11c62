import FuseboxWire

extension FuseboxClient {
    /// The credit ledger.
    public var ledger: Ledger { Ledger(client: self) }
}

/// The credit ledger: what has been spent, what is left, at what rate, and within which limits.
///
/// Every method throws `ClientError`: `invalidArgument` for an invalid name or a number out of range, `refused` with
/// the daemon's reason, `unavailable` and the like. Changing what operators set needs an operator's rights.
public struct Ledger: Sendable {
    let client: FuseboxClient

    // MARK: Spending

    /// Records what a call has cost.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` keeps the report; it is then dated by its arrival.
    ///
    /// - Parameters:
    ///   - deployment: the API key, region or endpoint, where limits are to tell them apart; nil: none
    ///   - tags: what the call was made for: at most 8
    ///   - cost: at least 0
    ///   - inputTokens: tokens sent, 0 to 4,294,967,295
    ///   - outputTokens: tokens received, 0 to 4,294,967,295
    @discardableResult
    public func record(
        provider: String, deployment: String? = nil, model: String, tags: [String] = [], cost: Money,
        inputTokens: Int = 0, outputTokens: Int = 0
    ) throws(ClientError) -> Recording {
        var record = try LedgerRecord(provider, model, cost, inputTokens, outputTokens)
        record.deployment = try .optional(deployment)
        record.tags = try WireLimits.TagList(checking: tags)
        return Recording(try client.report(record))
    }

    /// Records what a call has cost.
    @discardableResult
    public func record(
        provider: String, deployment: String? = nil, model: String, tags: [String] = [], cost: Money,
        inputTokens: Int = 0, outputTokens: Int = 0
    ) async throws(ClientError) -> Recording {
        var record = try LedgerRecord(provider, model, cost, inputTokens, outputTokens)
        record.deployment = try .optional(deployment)
        record.tags = try WireLimits.TagList(checking: tags)
        return Recording(try await client.report(record))
    }

    /// What is left of a provider's budget, or of its budget for one model.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` answers that it is unknown.
    public func balance(_ provider: String, model: String? = nil) throws(ClientError) -> Balance {
        let command = LedgerBalance(provider: try Name(checking: provider), model: try .optional(model))
        return Balance(try client.decide(command))
    }

    /// What is left of a provider's budget, or of its budget for one model.
    public func balance(_ provider: String, model: String? = nil) async throws(ClientError) -> Balance {
        let command = LedgerBalance(provider: try Name(checking: provider), model: try .optional(model))
        return Balance(try await client.decide(command))
    }

    /// A provider's account; nil if the provider is unknown.
    public func provider(_ provider: String) throws(ClientError) -> ProviderAccount? {
        try client.call(LedgerProvider(provider: try Name(checking: provider))).account
    }

    /// A provider's account; nil if the provider is unknown.
    public func provider(_ provider: String) async throws(ClientError) -> ProviderAccount? {
        try await client.call(LedgerProvider(provider: try Name(checking: provider))).account
    }

    /// A model's account with a provider; nil if nothing was recorded for it.
    public func model(_ model: String, of provider: String) throws(ClientError) -> ModelAccount? {
        let command = LedgerModel(provider: try Name(checking: provider), model: try Name(checking: model))
        return try client.call(command).account
    }

    /// A model's account with a provider; nil if nothing was recorded for it.
    public func model(_ model: String, of provider: String) async throws(ClientError) -> ModelAccount? {
        let command = LedgerModel(provider: try Name(checking: provider), model: try Name(checking: model))
        return try await client.call(command).account
    }

    /// All provider accounts.
    public func providers() throws(ClientError) -> [ProviderAccount] { try client.all(LedgerProviders()) }

    /// All provider accounts.
    public func providers() async throws(ClientError) -> [ProviderAccount] { try await client.all(LedgerProviders()) }

    /// All model accounts of a provider.
    public func models(of provider: String) throws(ClientError) -> [ModelAccount] {
        try client.all(LedgerModels(provider: try Name(checking: provider), cursor: Page.end))
    }

    /// All model accounts of a provider.
    public func models(of provider: String) async throws(ClientError) -> [ModelAccount] {
        try await client.all(LedgerModels(provider: try Name(checking: provider), cursor: Page.end))
    }

    /// What all providers together have cost in this period, and when it ends.
    public func total() throws(ClientError) -> LedgerTotal.Reply { try client.call(LedgerTotal()) }

    /// What all providers together have cost in this period, and when it ends.
    public func total() async throws(ClientError) -> LedgerTotal.Reply { try await client.call(LedgerTotal()) }

    // MARK: Rates and forecasts

    /// What a provider costs per hour and day, measured over the newest `window` of its history. Nil: 24 hours.
    public func burnRate(_ provider: String, window: Duration? = nil) throws(ClientError) -> BurnRate {
        let name = try Name(checking: provider)
        return try client.call(LedgerBurnRate(provider: name, windowMilliseconds: window?.wholeMilliseconds))
    }

    /// What a provider costs per hour and day, measured over the newest `window` of its history. Nil: 24 hours.
    public func burnRate(_ provider: String, window: Duration? = nil) async throws(ClientError) -> BurnRate {
        let name = try Name(checking: provider)
        return try await client.call(LedgerBurnRate(provider: name, windowMilliseconds: window?.wholeMilliseconds))
    }

    /// When a provider's budget will be used up at its burn rate over `window`; nil if it has no budget.
    public func depletion(_ provider: String, window: Duration? = nil) throws(ClientError) -> DepletionEstimate? {
        let name = try Name(checking: provider)
        return try client.call(LedgerDepletion(provider: name, windowMilliseconds: window?.wholeMilliseconds)).estimate
    }

    /// When a provider's budget will be used up at its burn rate over `window`; nil if it has no budget.
    public func depletion(_ provider: String, window: Duration? = nil) async throws(ClientError) -> DepletionEstimate? {
        let name = try Name(checking: provider)
        return try await client.call(LedgerDepletion(provider: name, windowMilliseconds: window?.wholeMilliseconds))
            .estimate
    }

    /// What a provider has cost within the newest `window` of its history.
    public func summary(_ provider: String, window: Duration = .seconds(86_400)) throws(ClientError) -> SpendSummary {
        let name = try Name(checking: provider)
        return try client.call(LedgerSummary(provider: name, windowMilliseconds: window.wholeMilliseconds))
    }

    /// What a provider has cost within the newest `window` of its history.
    public func summary(_ provider: String, window: Duration = .seconds(86_400)) async throws(ClientError)
        -> SpendSummary
    {
        let name = try Name(checking: provider)
        return try await client.call(LedgerSummary(provider: name, windowMilliseconds: window.wholeMilliseconds))
    }

    /// The summaries of all providers that have any history.
    public func summaries(window: Duration = .seconds(86_400)) throws(ClientError) -> [SpendSummary] {
        try client.all(LedgerSummaries(windowMilliseconds: window.wholeMilliseconds, cursor: Page.end))
    }

    /// The summaries of all providers that have any history.
    public func summaries(window: Duration = .seconds(86_400)) async throws(ClientError) -> [SpendSummary] {
        try await client.all(LedgerSummaries(windowMilliseconds: window.wholeMilliseconds, cursor: Page.end))
    }

    /// Whether a provider's rate limit has room in its current window.
    ///
    /// While the daemon is away, `FailurePolicy.failOpen` allows.
    public func checkRate(_ provider: String, _ dimension: RateDimension) throws(ClientError) -> RateCheck {
        let name = try Name(checking: provider)
        return RateCheck(try client.decide(LedgerCheckRate(provider: name, dimension: dimension)))
    }

    /// Whether a provider's rate limit has room in its current window.
    public func checkRate(_ provider: String, _ dimension: RateDimension) async throws(ClientError) -> RateCheck {
        let name = try Name(checking: provider)
        return RateCheck(try await client.decide(LedgerCheckRate(provider: name, dimension: dimension)))
    }

    // MARK: Budgets and periods

    /// Sets a budget per period and rate limits; what is nil stays as it is. For operators.
    ///
    /// - Parameters:
    ///   - model: the model that the budget is for. Nil: the provider as a whole. Rate limits always apply to the
    ///     provider.
    ///   - monthly: dollars per period
    ///   - rpm: requests per minute
    ///   - rpd: requests per day
    ///   - tpm: tokens per minute
    ///   - tpd: tokens per day
    ///   - enforced: whether admission denies calls that `monthly` does not cover, counting what calls under way may
    ///     use. False: it only notifies. Needs `monthly`.
    public func setBudget(
        _ provider: String, model: String? = nil, monthly: Money? = nil, rpm: Int? = nil, rpd: Int? = nil,
        tpm: Int? = nil, tpd: Int? = nil, enforced: Bool = false
    ) throws(ClientError) {
        let budget = try Budget(provider, model, monthly, enforced, rpm, rpd, tpm, tpd)
        try setBudget(budget)
    }

    /// Sets a budget per period and rate limits; what is nil stays as it is. For operators.
    public func setBudget(
        _ provider: String, model: String? = nil, monthly: Money? = nil, rpm: Int? = nil, rpd: Int? = nil,
        tpm: Int? = nil, tpd: Int? = nil, enforced: Bool = false
    ) async throws(ClientError) {
        let budget = try Budget(provider, model, monthly, enforced, rpm, rpd, tpm, tpd)
        try await setBudget(budget)
    }

    /// Sets a budget and rate limits; what is absent stays as it is. For operators.
    public func setBudget(_ budget: Budget) throws(ClientError) { _ = try client.call(LedgerSetBudget(budget: budget)) }

    /// Sets a budget and rate limits; what is absent stays as it is. For operators.
    public func setBudget(_ budget: Budget) async throws(ClientError) {
        _ = try await client.call(LedgerSetBudget(budget: budget))
    }

    /// Removes a budget; rate limits stay. For operators.
    ///
    /// - Parameter mustExist: whether it is refused with `notFound` if there is no such budget
    public func removeBudget(_ provider: String, model: String? = nil, mustExist: Bool = false) throws(ClientError) {
        let command = LedgerRemoveBudget(
            provider: try Name(checking: provider), model: try .optional(model), mustExist: mustExist)
        _ = try client.call(command)
    }

    /// Removes a budget; rate limits stay. For operators.
    ///
    /// - Parameter mustExist: whether it is refused with `notFound` if there is no such budget
    public func removeBudget(_ provider: String, model: String? = nil, mustExist: Bool = false)
        async throws(ClientError)
    {
        let command = LedgerRemoveBudget(
            provider: try Name(checking: provider), model: try .optional(model), mustExist: mustExist)
        _ = try await client.call(command)
    }

    /// All budgets as they were set.
    public func budgets() throws(ClientError) -> [Budget] { try client.all(LedgerBudgets()) }

    /// All budgets as they were set.
    public func budgets() async throws(ClientError) -> [Budget] { try await client.all(LedgerBudgets()) }

    /// Sets the utilizations at which threshold events fire, each at least 0; what is nil stays. For operators.
    public func setThresholds(
        warning: Double? = nil, critical: Double? = nil, emergency: Double? = nil
    ) throws(ClientError) {
        let command = LedgerSetThresholds(warning: warning, critical: critical, emergency: emergency)
        _ = try client.call(command)
    }

    /// Sets the utilizations at which threshold events fire, each at least 0; what is nil stays. For operators.
    public func setThresholds(
        warning: Double? = nil, critical: Double? = nil, emergency: Double? = nil
    ) async throws(ClientError) {
        let command = LedgerSetThresholds(warning: warning, critical: critical, emergency: emergency)
        _ = try await client.call(command)
    }

    /// The utilizations at which threshold events fire.
    public func thresholds() throws(ClientError) -> Thresholds { try client.call(LedgerThresholds()) }

    /// The utilizations at which threshold events fire.
    public func thresholds() async throws(ClientError) -> Thresholds { try await client.call(LedgerThresholds()) }

    /// Closes the period now and begins a new one. For operators.
    public func resetPeriod() throws(ClientError) { _ = try client.call(LedgerResetPeriod()) }

    /// Closes the period now and begins a new one. For operators.
    public func resetPeriod() async throws(ClientError) { _ = try await client.call(LedgerResetPeriod()) }

    /// Sets how long periods are. For operators.
    public func setPeriod(_ length: PeriodLength) throws(ClientError) {
        _ = try client.call(LedgerSetPeriod(length: length))
    }

    /// Sets how long periods are. For operators.
    public func setPeriod(_ length: PeriodLength) async throws(ClientError) {
        _ = try await client.call(LedgerSetPeriod(length: length))
    }

    /// A provider's sums in the periods that have ended, oldest first.
    public func closedPeriods(of provider: String) throws(ClientError) -> [LedgerClosedPeriods.Period] {
        try client.call(LedgerClosedPeriods(provider: try Name(checking: provider))).periods
    }

    /// A provider's sums in the periods that have ended, oldest first.
    public func closedPeriods(of provider: String) async throws(ClientError) -> [LedgerClosedPeriods.Period] {
        try await client.call(LedgerClosedPeriods(provider: try Name(checking: provider))).periods
    }
}

extension LedgerRecord {
    fileprivate init(
        _ provider: String, _ model: String, _ cost: Money, _ inputTokens: Int, _ outputTokens: Int
    ) throws(ClientError) {
        self.init(
            provider: try Name(checking: provider), model: try Name(checking: model), cost: cost,
            inputTokens: try UInt32(checking: inputTokens, "inputTokens"),
            outputTokens: try UInt32(checking: outputTokens, "outputTokens"))
    }
}

extension Budget {
    fileprivate init(
        _ provider: String, _ model: String?, _ monthly: Money?, _ enforced: Bool, _ rpm: Int?, _ rpd: Int?,
        _ tpm: Int?,
        _ tpd: Int?
    ) throws(ClientError) {
        self.init(
            provider: try Name(checking: provider), model: try .optional(model), monthly: monthly,
            isEnforced: enforced, rpm: rpm.map(Int64.init), rpd: rpd.map(Int64.init), tpm: tpm.map(Int64.init),
            tpd: tpd.map(Int64.init))
    }
}
