import FuseboxCollections
import FuseboxWire

/// The credit ledger: what was spent, by provider and model.
///
/// Sums are exact and checked: a record that would leave their range is refused and changes nothing. Operations take
/// the time, which must not go backwards.
public struct CreditLedger: Sendable {
    /// A provider's account.
    public struct Provider: Sendable {
        /// Its sums.
        public var sums = Sums()
        /// The spend as a sum of doubles, if the profile adds doubles.
        public internal(set) var dollars = 0.0
        var history = SpendList()
        var recent = RecentUse()
        var open = OpenDay()
        /// The model accounts of the provider, the newest first.
        var models = Chain()
        /// The peer user that the account was opened for.
        var user: UInt32 = 0
        /// The tiers that had fired when the budget was removed, if the profile keeps them.
        var fired: ThresholdTier = .none
        var firedDepletion: DepletionTier = .none

        init() {}
    }

    struct Model: Sendable {
        var provider: NameID
        var model: ModelID
        var sums = Sums()
        /// The spend as a sum of doubles, if the profile adds doubles.
        var dollars = 0.0
        var recent = RecentUse()
        var open = OpenDay()
        /// The name that last answered for the model, if it was another name.
        var answering: ModelID?
        /// The peer user that the account was opened for.
        var user: UInt32 = 0
    }

    /// The numbers of accounts that were opened for a user.
    struct Opened: Sendable {
        var providers = 0
        var models = 0
    }

    /// The start of the count on the wall clock: the beginning of the ledger, or the last reset of everything.
    public internal(set) var since: Timestamp
    /// The budgets for an export to `llm-providers`, as they were set. They decide nothing.
    public internal(set) var listed = ListedBudgets()

    /// The day on which use counts.
    var days = OpenDays()
    /// The account of all calls together.
    var host = Account()
    var providers = SparseTable<Provider>()
    /// Under the numbers of their names.
    var deployments = SparseTable<Account>()
    var tags = SparseTable<Account>()
    var recents = RecentUsePool()
    var models = SlotTable<Model>()
    var modelLinks = ChainLinks()
    var modelIndex = HashIndex()
    /// The numbers of accounts that were opened for each user and still exist.
    private var openedByUser: [UInt32: Opened] = [:]
    var histories = SpendPool()
    /// The history of all providers together, if the profile keeps one.
    public internal(set) var sharedHistory = SharedSpendHistory()
    private let passedByAddress = PassedByAddress()

    /// An empty ledger.
    public init(at wall: Timestamp) {
        since = wall
        days.begin(wall.milliseconds.floorDivided(by: BeginDay.milliseconds))
    }

    /// The number of provider accounts.
    public var providerCount: Int { providers.count }
    /// The number of model accounts.
    public var modelAccountCount: Int { models.count }

    /// Whether a provider has an account.
    public func contains(_ provider: NameID) -> Bool { providers.contains(provider.index) }

    /// The account of a provider. Nil if it has none.
    public func provider(_ provider: NameID) -> Provider? { providers[provider.index] }

    // MARK: Recording

    /// Records what a call has cost, on accounts that exist.
    ///
    /// - Parameters:
    ///   - scopes: the accounts: provider and model, and deployment and tags if it has any
    ///   - requests: 0 if the request was counted at its admission, otherwise 1
    /// - Throws: `outOfRange` for a negative cost or, under the profile `fusebox`, one above `WireLimits.callCost`;
    ///   `overflow` if a sum would leave its range; then nothing has changed
    mutating func record(
        _ charge: Charge, _ scopes: borrowing CallScopes, requests: Int64, at moment: Moment, under profile: Profile
    ) throws(Refusal) {
        try check(charge, scopes, requests: requests, under: profile)
        count(charge, scopes, requests: requests, at: moment, under: profile)
    }

    /// Records what a call has cost, after `check` has found room for it.
    mutating func count(
        _ charge: Charge, _ scopes: borrowing CallScopes, requests: Int64, at moment: Moment, under profile: Profile
    ) {
        add(charge.sums(requests: requests), parts: charge.parts, scopes, at: moment)
        guard let provider = scopes.provider, let cost = charge.cost else { return }
        if profile.reckonsInDollars {
            providers[existing: provider.index].dollars += cost.dollars
            if let model = scopes.model, let place = findModel(provider, model) {
                models[place].dollars += cost.dollars
            }
        }
        note(cost.nanodollars, of: provider, at: moment.now, under: profile)
    }

    /// Notes a cost in a provider's history.
    mutating func note(_ cost: Int64, of provider: NameID, at now: Timestamp, under profile: Profile) {
        if profile.sharesHistory {
            sharedHistory.record(.init(at: now, provider: provider, cost: cost))
        } else {
            histories.record(SpendEntry(at: now, cost: cost), in: &providers[existing: provider.index].history)
        }
    }

    /// Adds to every account of a call that exists. There must be room in those of its provider and model.
    mutating func add(
        _ sums: UseSums, parts: Parts = Parts(), _ scopes: borrowing CallScopes, at moment: Moment
    ) {
        var sums = sums
        sums.unpriced = parts.unpriced
        turnHost()
        host.sums.add(sums, parts, at: moment.now)
        recents.add(sums, at: moment.wall, to: &host.recent)
        if let provider = scopes.provider, providers.contains(provider.index) {
            turnProvider(provider.index)
            providers[existing: provider.index].sums.add(sums, parts, at: moment.now)
            recents.add(sums, at: moment.wall, to: &providers[existing: provider.index].recent)
            if let model = scopes.model, let place = findModel(provider, model) {
                turnModel(place)
                models[place].sums.add(sums, parts, at: moment.now)
                recents.add(sums, at: moment.wall, to: &models[place].recent)
            }
        }
        if let deployment = scopes.deployment, deployments.contains(deployment.index) {
            turnDeployment(deployment.index)
            deployments[existing: deployment.index].sums.add(sums, parts, at: moment.now)
            recents.add(sums, at: moment.wall, to: &deployments[existing: deployment.index].recent)
        }
        for place in 0..<scopes.tagCount {
            guard let tag = scopes.tags[place], tags.contains(tag.index) else { continue }
            turnTag(tag.index)
            tags[existing: tag.index].sums.add(sums, parts, at: moment.now)
            recents.add(sums, at: moment.wall, to: &tags[existing: tag.index].recent)
        }
    }

    /// Counts a request on the account of a model alone.
    mutating func countRequest(_ provider: NameID, _ model: ModelID?, at moment: Moment) {
        guard let model, let place = findModel(provider, model) else { return }
        turnModel(place)
        models[place].sums.add(UseSums(requests: 1), at: moment.now)
        recents.add(UseSums(requests: 1), at: moment.wall, to: &models[place].recent)
    }

    /// Takes back the request of a call that was never sent, wherever it was counted.
    mutating func takeBackRequest(_ scopes: borrowing CallScopes, grantedAt: Timestamp, at moment: Moment) {
        let wall = moment.wall - (moment.now - grantedAt)
        forEachAccount(of: scopes) { sums, recent, recents in
            // Sums that were reset meanwhile do not include it.
            if sums.firstRecorded.map({ $0 <= grantedAt }) ?? true { sums.requests = max(0, sums.requests - 1) }
            recents.takeBackRequest(countedAt: wall, from: recent)
        }
    }

    /// Calls `body` with every account of a call that exists.
    mutating func forEachAccount(
        of scopes: borrowing CallScopes, _ body: (inout Sums, RecentUse, inout RecentUsePool) -> Void
    ) {
        turnHost()
        body(&host.sums, host.recent, &recents)
        if let provider = scopes.provider, providers.contains(provider.index) {
            turnProvider(provider.index)
            let recent = providers[existing: provider.index].recent
            body(&providers[existing: provider.index].sums, recent, &recents)
            if let model = scopes.model, let place = findModel(provider, model) {
                turnModel(place)
                let recent = models[place].recent
                body(&models[place].sums, recent, &recents)
            }
        }
        if let deployment = scopes.deployment, deployments.contains(deployment.index) {
            turnDeployment(deployment.index)
            let recent = deployments[existing: deployment.index].recent
            body(&deployments[existing: deployment.index].sums, recent, &recents)
        }
        for place in 0..<scopes.tagCount {
            guard let tag = scopes.tags[place], tags.contains(tag.index) else { continue }
            turnTag(tag.index)
            let recent = tags[existing: tag.index].recent
            body(&tags[existing: tag.index].sums, recent, &recents)
        }
    }

    /// Throws what recording this would throw. Changes nothing. An account that does not exist has room.
    @inline(__always)
    func check(
        _ charge: Charge, _ scopes: borrowing CallScopes, requests: Int64, under profile: Profile
    ) throws(Refusal) {
        try Self.check(charge, under: profile)
        guard hasRoom(for: charge.sums(requests: requests), scopes) else {
            throw Refusal(
                .overflow, "the account's sum would leave its range; begin it anew with `fusebox ledger reset`")
        }
    }

    /// Whether what is used fits the range of the accounts of a call's provider and model.
    @inline(__always)
    func hasRoom(for use: UseSums, _ scopes: borrowing CallScopes) -> Bool {
        guard let provider = scopes.provider, providers.contains(provider.index) else { return true }
        guard providers[existing: provider.index].sums.hasRoom(for: use) else { return false }
        guard let model = scopes.model, let place = findModel(provider, model) else { return true }
        return models[place].sums.hasRoom(for: use)
    }

    private static func check(_ charge: Charge, under profile: Profile) throws(Refusal) {
        if profile.boundsRecords {
            if let cost = charge.cost { try validate(callCost: cost) }
        } else if let cost = charge.cost, cost < .zero {
            throw Refusal(.outOfRange, "a record's cost of $\(cost) must not be negative")
        }
        guard charge.inputTokens ?? 0 >= 0, charge.outputTokens ?? 0 >= 0 else {
            throw Refusal(.outOfRange, "the tokens of a call must not be negative")
        }
    }

    /// Checks the cost of a call, reported or estimated.
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

    /// Restores an account of a provider that has none.
    mutating func insert(_ account: Provider, for provider: NameID) {
        providers.insert(account, at: provider.index)
        openedByUser[account.user, default: Opened()].providers += 1
    }

    /// The numbers of accounts that were opened for a user.
    func opened(by user: UInt32) -> Opened { openedByUser[user] ?? Opened() }

    static func modelHash(_ provider: NameID, _ model: ModelID) -> Int {
        ScopeKey(place: provider, model: model).hash
    }

    @inline(__always)
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
            days.cursor = OpenDays.Cursor()
            closeProvider(provider.index)
            while let place = models.first {
                closeModel(place)
                models.remove(place, &modelLinks)
                let account = self.models.remove(at: place)
                forgotten.append(account.model)
                if let answering = account.answering { forgotten.append(answering) }
                var recent = account.recent
                recents.removeAll(&recent)
                openedByUser[account.user, default: Opened()].models -= 1
                modelIndex.remove(place, hash: Self.modelHash(provider, account.model))
            }
            histories.remove(&providers[existing: provider.index].history)
            recents.removeAll(&providers[existing: provider.index].recent)
            let user = providers[existing: provider.index].user
            openedByUser[user, default: Opened()].providers -= 1
            if opened(by: user).providers == 0, opened(by: user).models == 0 { openedByUser[user] = nil }
            providers.remove(at: provider.index)
        }
        sharedHistory.remove(provider)
        return forgotten
    }
}

extension CreditLedger {
    /// Keeps the accounts of tags of another ledger, because an import has none. If the import has no account of the
    /// host, that account begins with what the providers have spent.
    mutating func keepTags(of other: CreditLedger) {
        tags.forEachIndex { recents.removeAll(&tags[existing: $0].recent) }
        tags = SparseTable()
        other.tags.forEachIndex { index in
            var account = other.tags[existing: index]
            let stretches = other.recents.stretches(of: account.recent)
            account.recent = RecentUse()
            for stretch in stretches { recents.restore(stretch, in: &account.recent) }
            tags.insert(account, at: index)
        }
    }

    /// Forgets the account of a tag, with what it has used on the open day and on days that nobody was told of yet.
    mutating func forget(_ tag: TagID) {
        recents.removeAll(&tags[existing: tag.index].recent)
        tags.remove(at: tag.index)
        days.cursor = OpenDays.Cursor()
        days.closed.removeAll { $0.key.tag == tag }
    }

    /// Keeps the open day of another ledger, whose accounts of providers are replaced. What its host has used on the day
    /// is told before its account goes.
    mutating func keepDays(of other: CreditLedger) {
        days = other.days
        days.cursor = OpenDays.Cursor()
        var open = other.host.open
        days.close(&open, other.host.sums, .host)
    }

    /// Gives the host an account of what the providers have spent, in a ledger that was imported without one.
    mutating func deriveHost() {
        host = Account()
        providers.forEachIndex { host.sums.add(providers[existing: $0].sums) }
    }
}
