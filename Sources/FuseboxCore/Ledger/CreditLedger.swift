import FuseboxCollections
import FuseboxWire

/// What has been spent, on which provider and model, against which budgets and rate limits.
///
/// Sums are exact and checked: a record that would leave their range is refused and changes nothing. Operations take
/// the time, which must not go backwards.
public struct CreditLedger: Sendable {
    /// The sums of one account in the current period.
    public struct Sums: Sendable, Equatable {
        /// What was spent, in nano-dollars.
        public var spend: Int64 = 0
        /// Tokens sent.
        public var inputTokens: Int64 = 0
        /// Tokens received.
        public var outputTokens: Int64 = 0
        /// The number of records.
        public var requests: Int64 = 0
        /// When the last record was made; nil if there is none in this period.
        public var lastRecorded: Timestamp?

        /// The sums of an account without a record.
        public init() {}
    }

    /// A rate limit's current window.
    public struct Window: Sendable, Equatable {
        /// Requests or tokens allowed in a window.
        public var limit: Int64
        /// Requests or tokens counted in the window.
        public var used: Int64
        /// When the window began.
        public var start: Timestamp

        /// A window of which so much is used.
        public init(limit: Int64, used: Int64, start: Timestamp) {
            self.limit = limit
            self.used = used
            self.start = start
        }
    }

    /// A provider's account.
    public struct Provider: Sendable {
        /// The sums of this period.
        public var sums = Sums()
        /// The spend as a sum of doubles, where the profile reckons in them.
        public internal(set) var dollars = 0.0
        /// The budget per period; nil: unlimited.
        public var budget: Money?
        /// Whether admission denies a call that the budget does not cover.
        public internal(set) var isEnforced = false
        var windows = Bounds.RateWindows<Window?>(repeating: nil)
        /// The highest threshold that has fired in this period.
        public internal(set) var firedThreshold: ThresholdTier = .none
        /// The nearest depletion tier that has fired in this period.
        public internal(set) var firedDepletion: DepletionTier = .none
        var history = SpendList()
        /// The model accounts of the provider, the newest first.
        var models = Chain()
        /// The peer user that the account was opened for.
        var user: UInt32 = 0

        init() {}

        /// The window of a rate limit as it was last counted in; nil if there is no such limit.
        public subscript(dimension: RateDimension) -> Window? {
            get { windows[Int(dimension.rawValue)] }
            set { windows[Int(dimension.rawValue)] = newValue }
        }
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

    /// A budget as it was set.
    public struct BudgetEntry: Sendable, Equatable {
        /// The provider.
        public var provider: NameID
        /// The model; nil: the budget is for the provider as a whole.
        public var model: ModelID?
        /// The budget per period, at least $0; nil: none is set.
        public var monthly: Money?
        /// Whether admission denies a call that `monthly` does not cover.
        public var isEnforced: Bool
        /// The rate limits that were set with it, in requests or tokens a window, each at least 0.
        public var limits: [RateDimension: Int64]
        /// Whether the last call that it was asked for was denied.
        var isDenying = false
        /// Members of imported JSON that came with it; see `ForeignMembers.swift`.
        public internal(set) var foreignMembers = ""

        /// A budget of this provider, or of a model with it.
        public init(
            provider: NameID, model: ModelID?, monthly: Money?, isEnforced: Bool = false,
            limits: [RateDimension: Int64]
        ) {
            self.provider = provider
            self.model = model
            self.monthly = monthly
            self.isEnforced = isEnforced
            self.limits = limits
        }
    }

    /// A period that has ended, with the sums of every provider that had any.
    public struct ClosedPeriod: Sendable, Equatable {
        /// When it began, on the wall clock.
        public var start: Timestamp
        /// When it ended, on the wall clock.
        public var end: Timestamp
        /// The sums of each provider.
        public var sums: [NameID: Sums]

        /// A period with these sums.
        public init(start: Timestamp, end: Timestamp, sums: [NameID: Sums]) {
            self.start = start
            self.end = end
            self.sums = sums
        }
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

    /// What a record has set off.
    public struct Fired: Sendable {
        /// The threshold that the spend has reached; nil: no higher one than before.
        public var threshold: ThresholdTier?
        /// The depletion tier that the budget came into, and the estimate behind it; nil: no nearer one than before.
        public var depletion: (tier: DepletionTier, estimate: DepletionEstimate)?
    }

    /// The utilizations at which threshold events fire.
    public internal(set) var thresholds = Thresholds()
    /// Members of imported JSON that came with the thresholds; see `ForeignMembers.swift`.
    public internal(set) var foreignThresholds = ""
    /// The budgets as they were set.
    public internal(set) var budgets = BudgetList()
    /// The current period.
    public internal(set) var period: BudgetPeriod
    /// The closed periods that are kept, oldest first.
    public internal(set) var closedPeriods: [ClosedPeriod] = []
    /// The most closed periods that are kept.
    public internal(set) var closedPeriodLimit = Bounds().closedPeriods

    var providers = SparseTable<Provider>()
    var models = SlotTable<Model>()
    var modelLinks = ChainLinks()
    var modelIndex = HashIndex()
    /// What was opened for each user, as far as it is still there.
    private var openedByUser: [UInt32: Opened] = [:]
    var histories = SpendPool()
    /// The history of all providers together, where the profile keeps one.
    public internal(set) var sharedHistory = SharedSpendHistory()

    /// An empty ledger whose first period begins now.
    public init(period length: PeriodLength = .month, at wall: Timestamp) {
        period = BudgetPeriod(length, start: wall)
    }

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
    /// - Parameter countingInWindows: whether it counts against rate limits; a call with a permit does so already
    /// - Throws: `outOfRange` for a negative cost or, under the profile `fusebox`, one above `WireLimits.callCost`;
    ///   `overflow` if a sum would leave its range; then nothing has changed
    public mutating func record(
        _ charge: Charge, provider: NameID, model: ModelID, at now: Timestamp, by user: UInt32 = 0,
        under profile: Profile = .fusebox, countingInWindows: Bool = true
    ) throws(Refusal) -> Fired {
        try Self.check(charge, under: profile)
        let place = findModel(provider, model)
        let providerSums = try (providers[provider.index]?.sums ?? Sums()).adding(charge, at: now)
        let modelSums = try (place.map { models[$0].sums } ?? Sums()).adding(charge, at: now)

        create(provider, at: now, by: user)
        providers[existing: provider.index].sums = providerSums
        let account = place ?? addModel(provider, model, by: user)
        models[account].sums = modelSums
        if profile.reckonsInDollars {
            providers[existing: provider.index].dollars += charge.cost.dollars
            models[account].dollars += charge.cost.dollars
        }
        if countingInWindows { count(requests: 1, tokens: charge.tokens, provider, at: now) }
        if profile.sharesHistory {
            sharedHistory.record(.init(at: now, provider: provider, cost: charge.cost.nanodollars))
        } else {
            histories.record(
                SpendEntry(at: now, cost: charge.cost.nanodollars),
                in: &providers[existing: provider.index].history)
        }
        return fire(provider, at: now, under: profile)
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

    /// Counts against a provider's rate limits, as far as it has any.
    mutating func count(requests: Int64, tokens: Int64, _ provider: NameID, at now: Timestamp) {
        for dimension in RateDimension.allCases {
            guard var window = providers[existing: provider.index][dimension] else { continue }
            window.renew(dimension, at: now)
            // A window that was counted to the end of the range stays full for its minute or day: no limit is above it.
            window.used = window.used.saturatingAdd(dimension.countsTokens ? tokens : requests)
            providers[existing: provider.index][dimension] = window
        }
    }

    /// Fires what the newest record has set off: each tier once, and only upwards.
    private mutating func fire(_ provider: NameID, at now: Timestamp, under profile: Profile) -> Fired {
        var fired = Fired()
        guard let budget = providers[existing: provider.index].budget, budget > .zero else { return fired }
        let tier = thresholds.tier(at: providers[existing: provider.index].utilization(of: budget, under: profile))
        if tier.rawValue > providers[existing: provider.index].firedThreshold.rawValue {
            providers[existing: provider.index].firedThreshold = tier
            fired.threshold = tier
        }
        let estimate = projectedDepletion(provider, budget: budget, at: now, under: profile)
        let depletion = estimate.tier
        if depletion.rawValue > providers[existing: provider.index].firedDepletion.rawValue {
            providers[existing: provider.index].firedDepletion = depletion
            fired.depletion = (depletion, estimate)
        }
        return fired
    }

    /// When the budget will be used up at the burn rate of the last 24 hours.
    private mutating func projectedDepletion(
        _ provider: NameID, budget: Money, at now: Timestamp, under profile: Profile
    ) -> DepletionEstimate {
        let sum: SpendSum
        if profile.sharesHistory {
            sum = sharedHistory.sum(of: provider, since: now - SpendPool.rollingWindowMilliseconds)
        } else {
            sum = histories.rollingSum(of: &providers[existing: provider.index].history, at: now)
        }
        let window = SpendPool.rollingWindowMilliseconds
        let burnRate = BurnRate(
            sum, windowMilliseconds: window,
            baseMilliseconds: base(of: provider, windowMilliseconds: window, at: now, under: profile), under: profile)
        return DepletionEstimate(
            budget: budget, spend: providers[existing: provider.index].sums.spend,
            dollars: profile.reckonsInDollars ? providers[existing: provider.index].dollars : nil, burnRate: burnRate,
            at: now)
    }

    /// Notes every tier that is reached as fired.
    mutating func deriveFiredTiers(at now: Timestamp, under profile: Profile) {
        providers.forEachIndex { index in
            guard let budget = providers[existing: index].budget, budget > .zero else { return }
            providers[existing: index].firedThreshold = thresholds.tier(
                at: providers[existing: index].utilization(of: budget, under: profile))
            guard profile.keepsDepletionTiers else { return }
            let estimate = projectedDepletion(NameID(index: index), budget: budget, at: now, under: profile)
            providers[existing: index].firedDepletion = estimate.tier
        }
    }

    // MARK: Accounts

    /// Makes sure that a provider has an account, with the budgets that are already set for it.
    mutating func create(_ provider: NameID, at now: Timestamp, by user: UInt32) {
        guard !providers.contains(provider.index) else { return }
        var account = Provider()
        account.user = user
        for budget in budgets where budget.provider == provider {
            if budget.model == nil {
                account.budget = budget.monthly
                account.isEnforced = budget.isEnforced
            }
            for (dimension, limit) in budget.limits {
                account[dimension] = Window(limit: limit, used: 0, start: now)
            }
        }
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

    /// Forgets a provider: its account, its models, its history, its budgets.
    ///
    /// - Returns: the models whose accounts and budgets are gone and those that answered for them, one mention for each
    mutating func forget(_ provider: NameID) -> (models: [ModelID], budgets: [BudgetEntry]) {
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
        let removed = budgets.filter { $0.provider == provider }
        for budget in removed { _ = budgets.remove(provider, budget.model) }
        for index in closedPeriods.indices { closedPeriods[index].sums[provider] = nil }
        return (forgotten, removed)
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
                .overflow, "the account's sum would leave its range; close the period with `ledger reset-period`")
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

extension CreditLedger.Window {
    /// Begins a new window where the current one is over.
    mutating func renew(_ dimension: RateDimension, at now: Timestamp) {
        guard now - start >= dimension.windowMilliseconds else { return }
        used = 0
        start = now
    }
}

extension Thresholds {
    /// The highest threshold that a utilization has reached.
    func tier(at utilization: Double) -> ThresholdTier {
        if utilization >= emergency { return .emergency }
        if utilization >= critical { return .critical }
        if utilization >= warning { return .warning }
        return .none
    }
}
