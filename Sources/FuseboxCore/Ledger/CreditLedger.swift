import FuseboxCollections
import FuseboxWire

/// What has been spent, on which provider and model.
///
/// Sums are exact and checked: a record that would leave their range is refused and changes nothing. Operations take
/// the time, which must not go backwards.
public struct CreditLedger: Sendable {
    /// The sums of one account, since it began or was reset.
    public struct Sums: Sendable, Equatable {
        /// What was spent, in nano-dollars.
        public var spend: Int64 = 0
        /// Tokens sent.
        public var inputTokens: Int64 = 0
        /// Tokens received.
        public var outputTokens: Int64 = 0
        /// The number of records.
        public var requests: Int64 = 0
        /// When the last record was made; nil if there is none.
        public var lastRecorded: Timestamp?

        /// The sums of an account without a record.
        public init() {}
    }

    /// A provider's account.
    public struct Provider: Sendable {
        /// Its sums.
        public var sums = Sums()
        /// The spend as a sum of doubles, where the profile reckons in them.
        public internal(set) var dollars = 0.0
        var history = SpendList()
        /// The model accounts of the provider, the newest first.
        var models = Chain()
        /// The peer user that the account was opened for.
        var user: UInt32 = 0
        /// The tiers that had fired when the budget was removed, where the profile keeps them.
        var fired: ThresholdTier = .none
        var firedDepletion: DepletionTier = .none

        init() {}
    }

    struct Model: Sendable {
        var provider: NameID
        var model: ModelID
        var sums = Sums()
        /// The spend as a sum of doubles, where the profile reckons in them.
        var dollars = 0.0
        /// The name that last answered for it, if that was another.
        var answering: ModelID?
        /// The peer user that the account was opened for.
        var user: UInt32 = 0
    }

    /// How many accounts were opened for a user.
    struct Opened: Sendable {
        var providers = 0
        var models = 0
    }

    /// What one record costs.
    public struct Charge: Sendable {
        /// What the call cost, $0 to `WireLimits.callCost`; the profile `llm-providers` knows no upper end.
        public var cost: Money
        /// Tokens sent, at least 0.
        public var inputTokens: Int64
        /// Tokens received, at least 0.
        public var outputTokens: Int64

        /// What one call cost, and the tokens that it used.
        public init(cost: Money, inputTokens: Int64, outputTokens: Int64) {
            self.cost = cost
            self.inputTokens = inputTokens
            self.outputTokens = outputTokens
        }

        /// Input and output together.
        var tokens: Int64 { inputTokens.saturatingAdd(outputTokens) }
    }

    /// Since when it counts, on the wall clock: its beginning, or the last reset of everything.
    public internal(set) var since: Timestamp
    /// What an export to `llm-providers` tells of budgets as they were told; it decides nothing.
    public internal(set) var listed = ListedBudgets()

    var providers = SparseTable<Provider>()
    var models = SlotTable<Model>()
    var modelLinks = ChainLinks()
    var modelIndex = HashIndex()
    /// What was opened for each user, as far as it is still there.
    private var openedByUser: [UInt32: Opened] = [:]
    var histories = SpendPool()
    /// The history of all providers together, where the profile keeps one.
    public internal(set) var sharedHistory = SharedSpendHistory()

    /// An empty ledger.
    public init(at wall: Timestamp) { since = wall }

    /// The number of provider accounts.
    public var providerCount: Int { providers.count }
    /// The number of model accounts.
    public var modelAccountCount: Int { models.count }

    /// Whether a provider has an account.
    public func contains(_ provider: NameID) -> Bool { providers.contains(provider.index) }

    /// The account of a provider; nil if it has none.
    public func provider(_ provider: NameID) -> Provider? { providers[provider.index] }

    // MARK: Recording

    /// Records what a call has cost.
    ///
    /// - Throws: `outOfRange` for a negative cost or, under the profile `fusebox`, one above `WireLimits.callCost`;
    ///   `overflow` if a sum would leave its range; then nothing has changed
    public mutating func record(
        _ charge: Charge, provider: NameID, model: ModelID, at now: Timestamp, by user: UInt32 = 0,
        under profile: Profile = .fusebox
    ) throws(Refusal) {
        try Self.check(charge, under: profile)
        let place = findModel(provider, model)
        let providerSums = try (providers[provider.index]?.sums ?? Sums()).adding(charge, at: now)
        let modelSums = try (place.map { models[$0].sums } ?? Sums()).adding(charge, at: now)

        create(provider, by: user)
        providers[existing: provider.index].sums = providerSums
        let account = place ?? addModel(provider, model, by: user)
        models[account].sums = modelSums
        if profile.reckonsInDollars {
            providers[existing: provider.index].dollars += charge.cost.dollars
            models[account].dollars += charge.cost.dollars
        }
        if profile.sharesHistory {
            sharedHistory.record(.init(at: now, provider: provider, cost: charge.cost.nanodollars))
        } else {
            histories.record(
                SpendEntry(at: now, cost: charge.cost.nanodollars),
                in: &providers[existing: provider.index].history)
        }
    }

    /// Throws what recording this on a model without an account would throw; changes nothing.
    func check(
        _ charge: Charge, provider: NameID?, at now: Timestamp, under profile: Profile
    ) throws(Refusal) {
        try Self.check(charge, under: profile)
        let sums = provider.flatMap { providers[$0.index]?.sums } ?? Sums()
        _ = try sums.adding(charge, at: now)
    }

    private static func check(_ charge: Charge, under profile: Profile) throws(Refusal) {
        if profile.boundsRecords {
            try validate(callCost: charge.cost)
        } else if charge.cost < .zero {
            throw Refusal(.outOfRange, "a record's cost of $\(charge.cost) must not be negative")
        }
        guard charge.inputTokens >= 0, charge.outputTokens >= 0 else {
            throw Refusal(.outOfRange, "the tokens of a call must not be negative")
        }
    }

    /// Checks what a call costs, told or estimated.
    ///
    /// - Throws: `outOfRange`
    static func validate(callCost cost: Money) throws(Refusal) {
        guard cost >= .zero, cost <= WireLimits.callCost else { throw outOfRange(callCost: cost) }
    }

    @inline(never)
    private static func outOfRange(callCost cost: Money) -> Refusal {
        Refusal(
            .outOfRange,
            "a call's cost of $\(cost) must lie between $0 and $1,000,000; amounts are in nano-dollars, billionths of a dollar"
        )
    }

    // MARK: Accounts

    /// Makes sure that a provider has an account.
    mutating func create(_ provider: NameID, by user: UInt32) {
        guard !providers.contains(provider.index) else { return }
        var account = Provider()
        account.user = user
        insert(account, for: provider)
    }

    /// Puts an account in place for a provider that has none.
    mutating func insert(_ account: Provider, for provider: NameID) {
        providers.insert(account, at: provider.index)
        openedByUser[account.user, default: Opened()].providers += 1
    }

    /// How many accounts were opened for a user.
    func opened(by user: UInt32) -> Opened { openedByUser[user] ?? Opened() }

    static func modelHash(_ provider: NameID, _ model: ModelID) -> Int {
        var hasher = Hasher()
        hasher.combine(provider.index)
        hasher.combine(model.index)
        return hasher.finalize()
    }

    func findModel(_ provider: NameID, _ model: ModelID) -> Int? {
        modelIndex.find(Self.modelHash(provider, model)) {
            models[$0].provider == provider && models[$0].model == model
        }
    }

    /// Adds a model account to a provider that has one.
    mutating func addModel(_ provider: NameID, _ model: ModelID, by user: UInt32) -> Int {
        openedByUser[user, default: Opened()].models += 1
        let place = models.insert(Model(provider: provider, model: model, user: user))
        modelIndex.insert(place, hash: Self.modelHash(provider, model))
        providers[existing: provider.index].models.insert(place, after: nil, &modelLinks)
        return place
    }

    /// Forgets a provider: its account, its models, its history.
    ///
    /// - Returns: the models whose accounts are gone and those that answered for them, one mention for each
    mutating func forget(_ provider: NameID) -> [ModelID] {
        var forgotten: [ModelID] = []
        if providers.contains(provider.index) {
            var models = providers[existing: provider.index].models
            while let place = models.first {
                models.remove(place, &modelLinks)
                let account = self.models.remove(at: place)
                forgotten.append(account.model)
                if let answering = account.answering { forgotten.append(answering) }
                openedByUser[account.user, default: Opened()].models -= 1
                modelIndex.remove(place, hash: Self.modelHash(provider, account.model))
            }
            histories.remove(&providers[existing: provider.index].history)
            let user = providers[existing: provider.index].user
            openedByUser[user, default: Opened()].providers -= 1
            if opened(by: user).providers == 0, opened(by: user).models == 0 { openedByUser[user] = nil }
            providers.remove(at: provider.index)
        }
        sharedHistory.remove(provider)
        return forgotten
    }
}

extension CreditLedger.Sums {
    /// These sums with one more record.
    fileprivate func adding(_ charge: CreditLedger.Charge, at now: Timestamp) throws(Refusal) -> Self {
        let (spend, overSpend) = spend.addingReportingOverflow(charge.cost.nanodollars)
        let (input, overInput) = inputTokens.addingReportingOverflow(charge.inputTokens)
        let (output, overOutput) = outputTokens.addingReportingOverflow(charge.outputTokens)
        let (requests, overRequests) = requests.addingReportingOverflow(1)
        guard !overSpend, !overInput, !overOutput, !overRequests else {
            throw Refusal(
                .overflow, "the account's sum would leave its range; begin it anew with `fusebox ledger reset`")
        }
        var sums = self
        sums.spend = spend
        sums.inputTokens = input
        sums.outputTokens = output
        sums.requests = requests
        sums.lastRecorded = now
        return sums
    }

    /// The sums as the wire has them.
    public var usage: AccountUsage {
        var usage = AccountUsage()
        usage.spend = Money(nanodollars: spend)
        usage.inputTokens = inputTokens
        usage.outputTokens = outputTokens
        usage.requests = requests
        usage.lastRecorded = lastRecorded
        return usage
    }

    /// The sums that the wire has told.
    public init(_ usage: AccountUsage) {
        spend = usage.spend.nanodollars
        inputTokens = usage.inputTokens
        outputTokens = usage.outputTokens
        requests = usage.requests
        lastRecorded = usage.lastRecorded
    }
}
