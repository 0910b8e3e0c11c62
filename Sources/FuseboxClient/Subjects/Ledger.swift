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
    ///   - provider: the provider
    ///   - deployment: the API key, region or endpoint, where limits are to tell them apart; nil: none
    ///   - model: the model that is charged
    ///   - tags: what the call was made for: at most 8
    ///   - usage: what it used; its model is not sent
    @discardableResult
    public func record(
        provider: String, deployment: String? = nil, model: String, tags: [String] = [], _ usage: Usage
    ) throws(ClientError) -> Recording {
        Recording(try client.report(try LedgerRecord(provider, deployment, model, tags, usage)))
    }

    /// Records what a call has cost.
    @discardableResult
    public func record(
        provider: String, deployment: String? = nil, model: String, tags: [String] = [], _ usage: Usage
    ) async throws(ClientError) -> Recording {
        Recording(try await client.report(try LedgerRecord(provider, deployment, model, tags, usage)))
    }

    /// Records what a call has cost.
    ///
    /// - Parameters:
    ///   - provider: the provider
    ///   - deployment: the API key, region or endpoint, where limits are to tell them apart; nil: none
    ///   - model: the model that is charged
    ///   - tags: what the call was made for: at most 8
    ///   - cost: $0 to $1,000,000
    ///   - inputTokens: tokens sent, 0 to 4,294,967,295; nil: not known
    ///   - outputTokens: tokens received, 0 to 4,294,967,295; nil: not known
    @discardableResult
    public func record(
        provider: String, deployment: String? = nil, model: String, tags: [String] = [], cost: Money,
        inputTokens: Int? = nil, outputTokens: Int? = nil
    ) throws(ClientError) -> Recording {
        try record(
            provider: provider, deployment: deployment, model: model, tags: tags,
            Usage(cost: cost, inputTokens: inputTokens, outputTokens: outputTokens))
    }

    /// Records what a call has cost.
    @discardableResult
    public func record(
        provider: String, deployment: String? = nil, model: String, tags: [String] = [], cost: Money,
        inputTokens: Int? = nil, outputTokens: Int? = nil
    ) async throws(ClientError) -> Recording {
        try await record(
            provider: provider, deployment: deployment, model: model, tags: tags,
            Usage(cost: cost, inputTokens: inputTokens, outputTokens: outputTokens))
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

    /// What all providers together have cost, and since when.
    public func total() throws(ClientError) -> LedgerTotal.Reply { try client.call(LedgerTotal()) }

    /// What all providers together have cost, and since when.
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

    /// When a limit of a provider's cost will be used up at its burn rate over `window`: the one that is used up first; nil if
    /// it has none that goes on for a week or more.
    public func depletion(_ provider: String, window: Duration? = nil) throws(ClientError) -> DepletionEstimate? {
        let name = try Name(checking: provider)
        return try client.call(LedgerDepletion(provider: name, windowMilliseconds: window?.wholeMilliseconds)).estimate
    }

    /// When a limit of a provider's cost will be used up at its burn rate over `window`: the one that is used up first; nil if
    /// it has none that goes on for a week or more.
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

    /// The summaries of all providers that have any history, or calls in the window whose cost nobody told.
    public func summaries(window: Duration = .seconds(86_400)) throws(ClientError) -> [SpendSummary] {
        try client.all(LedgerSummaries(windowMilliseconds: window.wholeMilliseconds, cursor: Page.end))
    }

    /// The summaries of all providers that have any history, or calls in the window whose cost nobody told.
    public func summaries(window: Duration = .seconds(86_400)) async throws(ClientError) -> [SpendSummary] {
        try await client.all(LedgerSummaries(windowMilliseconds: window.wholeMilliseconds, cursor: Page.end))
    }

    /// The account of a scope: the host, a provider, a deployment, a model with its provider, or a tag. Nil: nothing was
    /// counted for it yet, or scopes of its shape have none.
    public func account(_ scope: FuseboxClient.Scope) throws(ClientError) -> FuseboxClient.ScopeAccount? {
        try client.call(LedgerAccount(scope: scope)).account
    }

    /// The account of a scope: the host, a provider, a deployment, a model with its provider, or a tag. Nil: nothing was
    /// counted for it yet, or scopes of its shape have none.
    public func account(_ scope: FuseboxClient.Scope) async throws(ClientError) -> FuseboxClient.ScopeAccount? {
        try await client.call(LedgerAccount(scope: scope)).account
    }

    /// All accounts of one kind.
    public func accounts(_ kind: FuseboxClient.AccountKind) throws(ClientError) -> [FuseboxClient.ScopeAccount] {
        try client.all(LedgerAccounts(kind: kind))
    }

    /// All accounts of one kind.
    public func accounts(_ kind: FuseboxClient.AccountKind) async throws(ClientError) -> [FuseboxClient.ScopeAccount] {
        try await client.all(LedgerAccounts(kind: kind))
    }

    /// Corrects what was spent, as a call by a scope would count: in the accounts and limits that contain it. For
    /// operators.
    ///
    /// - Parameters:
    ///   - scope: the scope whose account is corrected
    ///   - cost: what is added; below $0 it is taken back, from the newest use backwards
    ///   - reason: why, for those who read of it later
    /// - Returns: the account of the scope; nil: scopes of its shape have none
    /// - Throws: `refused` with `notFound` if nothing was counted for the scope yet
    @discardableResult
    public func adjust(
        _ scope: FuseboxClient.Scope, cost: Money, reason: String
    ) throws(ClientError) -> FuseboxClient.ScopeAccount? {
        try client.call(LedgerAdjust(scope: scope, cost: cost, reason: reason)).account
    }

    /// Corrects what was spent, as a call by a scope would count: in the accounts and limits that contain it. For
    /// operators.
    @discardableResult
    public func adjust(
        _ scope: FuseboxClient.Scope, cost: Money, reason: String
    ) async throws(ClientError) -> FuseboxClient.ScopeAccount? {
        try await client.call(LedgerAdjust(scope: scope, cost: cost, reason: reason)).account
    }

    /// Records the difference between what a provider has billed for a month and what the ledger has of it. For
    /// operators.
    ///
    /// - Parameters:
    ///   - provider: the provider
    ///   - year: the year of the month
    ///   - month: the month, 1 to 12, in UTC; it has begun, and the history keeps it
    ///   - billed: what the provider has billed for the month
    ///   - reason: why, for those who read of it later
    /// - Returns: what the ledger had, and the difference that was recorded
    /// - Throws: `refused` with `notFound` if nothing was counted for the provider yet, with `outOfRange` for another
    ///   month
    @discardableResult
    public func reconcile(
        _ provider: String, year: Int, month: Int, billed: Money, reason: String
    ) throws(ClientError) -> FuseboxClient.Reconciliation {
        try client.call(try LedgerReconcile(provider, year, month, billed, reason))
    }

    /// Records the difference between what a provider has billed for a month and what the ledger has of it. For
    /// operators.
    @discardableResult
    public func reconcile(
        _ provider: String, year: Int, month: Int, billed: Money, reason: String
    ) async throws(ClientError) -> FuseboxClient.Reconciliation {
        try await client.call(try LedgerReconcile(provider, year, month, billed, reason))
    }

    /// Begins the accounts of a scope and of what lies within it anew, and their limits that go on until reset. For
    /// operators.
    ///
    /// - Returns: the limits that began anew
    /// - Throws: `refused` with `notFound` if the scope has neither
    @discardableResult
    public func reset(_ scope: FuseboxClient.Scope) throws(ClientError) -> [FuseboxClient.LimitEntry] {
        try client.call(LedgerReset(scope: scope)).entries
    }

    /// Begins the accounts of a scope and of what lies within it anew, and their limits that go on until reset. For
    /// operators.
    @discardableResult
    public func reset(_ scope: FuseboxClient.Scope) async throws(ClientError) -> [FuseboxClient.LimitEntry] {
        try await client.call(LedgerReset(scope: scope)).entries
    }
}

extension LedgerReconcile {
    fileprivate init(
        _ provider: String, _ year: Int, _ month: Int, _ billed: Money, _ reason: String
    ) throws(ClientError) {
        self.init(
            provider: try Name(checking: provider), year: try UInt32(checking: year, "year"),
            month: UInt8(clamping: month), billed: billed, reason: reason)
    }
}

extension LedgerRecord {
    fileprivate init(
        _ provider: String, _ deployment: String?, _ model: String, _ tags: [String], _ usage: Usage
    ) throws(ClientError) {
        self.init(
            provider: try Name(checking: provider), deployment: try .optional(deployment),
            model: try Name(checking: model), tags: try WireLimits.TagList(checking: tags), cost: usage.cost,
            tokens: try usage.sentTokens)
    }
}
