import FuseboxWire

extension StateMachine {
    /// Builds a state from the records of a snapshot or an import.
    ///
    /// It retains the names of every breaker, mark, account, model account and limit, and applies the bounds. A record
    /// replaces an earlier one of the same name. `finish()` returns the state.
    public struct Builder: Sendable {
        var machine: StateMachine
        /// The current moment. Histories are summed up as of it.
        private let moment: Moment
        /// The number of the newest permit in force so far.
        var lastPermit: UInt64 = 0
        /// The number of the newest limit, and that of the newest use.
        var lastLimit: UInt64 = 0
        var lastLimitUse: UInt64 = 0
        /// The places of limits by their numbers, and of their uses.
        var limits: [UInt64: Int] = [:]
        var limitUses: [UInt64: Int] = [:]

        /// A builder of an empty state.
        public init(profile: Profile, bounds: Bounds = Bounds(), at moment: Moment) {
            machine = StateMachine(profile: profile, bounds: bounds, at: moment)
            // What an import holds was not used today. An image has days of its own.
            machine.ledger.days = OpenDays()
            self.moment = moment
        }

        /// The state that was built.
        public func finish() -> StateMachine {
            var machine = machine
            machine.ledger.completeDays()
            machine.keepProbesInForce()
            machine.setDeadlines()
            return machine
        }
    }

    /// Replaces breakers, marks, ledger and names by those of another state. Profile, limits, pauses and time stay.
    ///
    /// The permits stay, because their calls are in flight.
    public mutating func replaceContents(with other: StateMachine) {
        let previous = self
        breakers = other.breakers
        exhaustion = other.exhaustion
        exhaustion.keepProbes { _, _ in false }
        exhaustion.longestMilliseconds = previous.exhaustion.longestMilliseconds
        ledger = other.ledger
        if ledger.days.number > 0 { ledger.forgetDays() }
        ledger.keepTags(of: previous.ledger)
        ledger.keepDays(of: previous.ledger)
        names = other.names
        models = other.models
        // The routes that are known by numbers have other numbers now.
        latencies = RecentLatencies()
        keepPermits(of: previous, dropping: other)
        setDeadlines()
    }

    /// Keeps the permits of the previous state. Their names get numbers in the tables of names that are known now.
    private mutating func keepPermits(of previous: StateMachine, dropping other: StateMachine) {
        permits = PermitRegistry()
        permits.restore(
            previous.permits.totals, forgotten: previous.permits.forgotten, runs: previous.permits.runs)
        previous.permits.forEach { permit in
            var permit = permit
            permit.grant.deployment = permit.grant.deployment.map { renamed($0, of: previous) }
            permit.grant.provider = renamed(permit.grant.provider, of: previous)
            permit.grant.model = permit.grant.model.map { renamed($0, of: previous) }
            // Its tags are those of before.
            retainRoute(of: permit.grant.scopes)
            _ = permits.add(permit)
        }
        keepLimits(of: previous)
        keepCosts(of: previous)
        keepPauses(of: previous, dropping: other)
        // The permits and limits of the other state are dropped, but for the limits that came with its ledger.
        takeListedLimits(of: other)
        // What an import takes a limit to counts as told: a threshold left over would be told with the next command.
        limitTable.crossings.removeAll()
        other.permits.forEach { releaseRoute(of: $0.grant.scopes) }
        for rule in other.limitTable.rules { releaseNames(of: rule.key) }
        other.recentCosts.forEach { route, _, _ in releaseNames(of: route) }
    }

    /// Gives the routes whose costs are remembered their names among those that are known now.
    private mutating func keepCosts(of previous: StateMachine) {
        recentCosts = RecentCosts()
        previous.recentCosts.forEach { route, oldestFirst, user in
            var route = route
            route.place = route.place.map { renamed($0, of: previous) }
            route.model = route.model.map { renamed($0, of: previous) }
            retainNames(of: route)
            _ = recentCosts.restore(route, by: user, oldestFirst: oldestFirst)
        }
    }

    /// Gives the limits, which are those of before, their names among those that are known now.
    private mutating func keepLimits(of previous: StateMachine) {
        limitTable = previous.limitTable.renamed { key in
            var key = key
            key.place = key.place.map { renamed($0, of: previous) }
            key.model = key.model.map { renamed($0, of: previous) }
            return key
        }
        for rule in limitTable.rules { retainNames(of: rule.key) }
    }

    /// Replaces the limits that are part of a ledger of `llm-providers` by those of another state, whose names are
    /// those that are known now.
    ///
    /// A limit of both states keeps its charges and takes over what the other has counted: the calls in force are part
    /// of that already where a ledger comes back to its own daemon. A new one counts the calls in force.
    private mutating func takeListedLimits(of other: StateMachine) {
        var new: [Int] = []
        other.limitTable.rules.forEachSlot { if other.isOfLedger(other.limitTable.rules[$0]) { new.append($0) } }
        new.sort { other.limitTable.rules[$0].number < other.limitTable.rules[$1].number }
        let known = Set(new.map { ListedLimit(other.limitTable.rules[$0]) })
        removeListedLimits { !known.contains(ListedLimit($0)) }
        for theirs in new {
            let rule = other.limitTable.rules[theirs]
            let mark = limitTable.newestGeneration
            let (_, before) = limitTable.set(rule.key, nil, rule.limit, &tags, at: lastMoment.now)
            if before == nil { retainNames(of: rule.key) }
            guard let use = other.limitTable.ownEntry(of: rule),
                let place = limitTable.findEntry(like: rule.limit, in: rule.key)
            else { continue }
            limitTable.beginUse(place, as: other.limitTable.entries[use])
            chargeKnownCalls(newerThan: mark, LimitTarget(key: rule.key), at: lastMoment, countsPast: false)
        }
    }

    /// Removes the limits that are part of a ledger and that `isGone` tells to be.
    private mutating func removeListedLimits(_ isGone: (LimitTable.Rule) -> Bool) {
        var gone: [Int] = []
        limitTable.rules.forEachSlot { place in
            let rule = limitTable.rules[place]
            if isOfLedger(rule), isGone(rule) { gone.append(place) }
        }
        for rule in gone.sorted(by: { limitTable.rules[$0].number < limitTable.rules[$1].number }) {
            removeLimit(rule, at: lastMoment.now)
        }
    }

    /// Whether a limit is one of those that a ledger of `llm-providers` has.
    private func isOfLedger(_ rule: LimitTable.Rule) -> Bool {
        guard let place = rule.key.place, rule.prefix == nil, rule.key.tag == nil else { return false }
        return rule.limit.isListed && names.parent(of: place) == nil
    }

    /// The number that a name of before has now.
    mutating func renamed(_ name: NameID, of previous: StateMachine) -> NameID {
        let parent = previous.names.parent(of: name).map { renamed($0, of: previous) }
        return names.intern(previous.names[name], below: parent, by: previous.names.user(of: name))
    }

    /// The number that a model of before has now.
    mutating func renamed(_ model: ModelID, of previous: StateMachine) -> ModelID {
        models.intern(previous.models[model], by: previous.models.user(of: model))
    }
}

/// What tells one limit of a ledger of `llm-providers` from the others.
private struct ListedLimit: Hashable {
    var key: ScopeKey
    var dimension: UInt8
    var window: Int64

    init(_ rule: LimitTable.Rule) {
        key = rule.key
        dimension = rule.limit.dimension.rawValue
        // A budget goes on until reset, and its window has no length.
        window = rule.limit.window.lengthMilliseconds
    }
}

// MARK: Permits

extension StateMachine.Builder {
    /// Sets the totals of all permits, before single permits are added.
    ///
    /// - Throws: `damagedData` if there are no runs of numbers, if they are not in order, or if a user occurs twice.
    mutating func setPermitTotals(_ image: PermitTotalsImage) throws(Refusal) {
        var end: UInt64 = 0
        for run in image.runs {
            guard run.first > end, run.last >= run.first - 1 else {
                throw Refusal(.damagedData, "permits are numbered from \(run.first) to \(run.last) after \(end)")
            }
            end = run.last
        }
        guard !image.runs.isEmpty else { throw Refusal(.damagedData, "permits have no numbers") }
        for (user, next) in zip(image.forgotten, image.forgotten.dropFirst()) where user.user >= next.user {
            throw Refusal(.damagedData, "the forgotten permits of user \(next.user) follow those of user \(user.user)")
        }
        machine.permits.restore(
            image.totals, forgotten: ForgottenPermits(image, keeping: machine.bounds.forgettingUsers),
            runs: image.runs.map { PermitRegistry.NumberRun(first: $0.first, last: $0.last) })
    }

    /// Adds a permit that is in force or lapsed.
    ///
    /// - Throws: `damagedData` for one that was settled, was not granted, comes twice or out of order; `outOfRange` for
    ///   a cost or a moment that none can have
    mutating func insertPermit(
        _ entry: PermitEntry, candidate: UInt8, _ charges: [ChargeImage], _ passage: PermitRegistry.Passage,
        probes: CallRoutes.Places
    ) throws(Refusal) {
        let isInOrder = entry.standing != .inForce || entry.permit > lastPermit
        guard entry.standing != .settled, isInOrder, machine.permits.lastNumber >= entry.permit, entry.permit >= 1,
            machine.permits.find(entry.permit) == nil, !entry.isInFlight || entry.standing == .inForce
        else {
            throw Refusal(.damagedData, "the permit \(entry.permit) (\(entry.standing)) cannot be there")
        }
        try StateMachine.validate(entry.estimate)
        try validateMoment(entry.grantedAt, "grantedAt of a permit")
        try validateMoment(entry.expiresAt, "expiresAt of a permit")
        if entry.standing == .inForce { lastPermit = entry.permit }
        guard entry.tags.count <= CallScopes.tagLimit else {
            throw Refusal(.damagedData, "the permit \(entry.permit) has \(entry.tags.count) tags")
        }
        let provider = machine.names.intern(entry.provider, by: entry.user)
        var scopes = CallScopes(
            provider: provider,
            deployment: entry.deployment.map { machine.names.intern($0, below: provider, by: entry.user) },
            model: entry.model.map { machine.models.intern($0, by: entry.user) })
        for tag in entry.tags { scopes.add(machine.tags.intern(tag, by: entry.user)) }
        var grant = PermitRegistry.Grant(
            provider: provider, scopes: scopes, worker: entry.worker, user: entry.user, estimate: entry.estimate,
            grantedAt: entry.grantedAt, expiresAt: entry.expiresAt)
        grant.passage = passage
        grant.charge = try insertCharges(charges, grant.need)
        grant.ticket = entry.ticket
        grant.candidate = candidate
        grant.probes = probes
        machine.retainNames(of: grant.scopes)
        var permit = PermitRegistry.Permit(grant: grant)
        permit.number = entry.permit
        permit.standing = entry.standing
        permit.isInFlight = entry.isInFlight
        _ = machine.permits.add(permit)
    }
}

// MARK: Breakers and marks

extension StateMachine.Builder {
    /// Sets the configuration that breakers are created with.
    ///
    /// - Throws: `outOfRange` for a value outside its range.
    public mutating func setDefaultConfiguration(_ configuration: BreakerConfiguration) throws(Refusal) {
        try configuration.validate()
        machine.breakers.defaultConfiguration = configuration
    }

    /// Adds a breaker.
    ///
    /// - Throws: `outOfRange`, `limitReached`
    public mutating func insertBreaker(_ record: BreakerRecord, by user: UInt32 = 0) throws(Refusal) {
        let breaker = try CircuitBreaker(record, under: machine.profile)
        try machine.checkName(record.name, by: application(of: user))
        let provider = machine.names.intern(record.name, by: user)
        let deployment = record.deployment.map { machine.names.intern($0, below: provider, by: user) }
        let model = record.model.map { machine.models.intern($0, by: user) }
        let key = RouteKey(deployment ?? provider, model)
        if !machine.breakers.contains(key) { machine.retainNames(of: key) }
        machine.breakers.insert(breaker, isConfigured: record.isConfigured, by: user, for: key)
    }

    /// Sets how long a mark without a reported end lasts.
    ///
    /// - Throws: `outOfRange` for a duration outside `ValueRanges.cooldown`.
    public mutating func setDefaultCooldown(milliseconds: Int64) throws(Refusal) {
        try validateDuration(milliseconds, "the default cooldown")
        machine.exhaustion.defaultCooldownMilliseconds = milliseconds
    }
}

// MARK: The ledger

extension StateMachine.Builder {
    /// Sets the thresholds that an export lists.
    ///
    /// - Parameter foreign: members that came with them, as the text of a JSON object
    /// - Throws: `outOfRange` for a share outside `ValueRanges.threshold`, and for a text longer than
    ///   `WireLimits.textLength`
    public mutating func setThresholds(_ thresholds: Thresholds, foreign: String = "") throws(Refusal) {
        try thresholds.validate()
        try Self.check(foreign)
        machine.ledger.listed.thresholds = thresholds
        machine.ledger.listed.foreignThresholds = foreign
    }

    /// Lists a budget for the next export. Its provider gets an account if the budget was told for the provider.
    ///
    /// - Throws: `limitReached`; `outOfRange` for a text longer than `WireLimits.textLength`
    public mutating func listBudget(_ text: String, provider: Name, model: Name?) throws(Refusal) {
        try Self.check(text)
        try machine.checkName(provider, by: application(of: 0))
        if let model { try machine.checkModel(model, by: application(of: 0)) }
        let entry = ListedBudgets.Entry(
            provider: machine.names.intern(provider, by: 0), model: model.map { machine.models.intern($0, by: 0) },
            text: text)
        if !machine.ledger.listed.put(entry) { machine.retainNames(of: entry) }
    }

    /// Sets a limit with what was used of it, as a reset or a first use begins one.
    ///
    /// - Parameters:
    ///   - used: nano-dollars for cost, else a count; below 0 where refunds were imported
    ///   - dollars: what was used as a sum of doubles; nil: the exact sum
    ///   - start: when its window began, on the steady clock; nil: it has not
    /// - Throws: `outOfRange`, `limitReached`
    public mutating func insertLimit(
        _ scope: Scope, _ limit: Limit, used: Int64, dollars: Double?, start: Timestamp?
    ) throws(Refusal) {
        if let start { try validateMoment(start, "the start of a window") }
        try machine.setListed([limit], on: scope, at: moment)
        guard let target = try machine.find(scope),
            let place = machine.limitTable.findEntry(like: limit, in: target.key)
        else { return }
        machine.limitTable.setUse(
            place, used: used, dollars: dollars ?? Money(nanodollars: used).dollars, start: start)
    }

    /// Sets since when the ledger counts, on the wall clock.
    ///
    /// - Throws: `outOfRange` if it is impossible.
    public mutating func setSince(_ since: Timestamp) throws(Refusal) {
        try validateMoment(since, "the start of the ledger")
        machine.ledger.since = since
    }

    /// Checks the sums of an account. Spend and tokens may be negative, because refunds can be imported. Requests may
    /// not.
    ///
    /// - Throws: `outOfRange`
    private static func validate(_ usage: AccountUsage) throws(Refusal) {
        guard usage.requests >= 0 else {
            throw Refusal(.outOfRange, "the requests of an account must not be negative")
        }
        if let moment = usage.lastRecorded { try validateMoment(moment, "lastRecorded of an account") }
    }

    /// Adds a provider's account. Its number of models is counted and not taken from the record.
    ///
    /// - Parameters:
    ///   - dollars: the spend as a sum of doubles; nil means the exact sum
    /// - Throws: `outOfRange`, `limitReached`
    public mutating func insertAccount(
        _ account: ProviderAccount, dollars: Double? = nil, by user: UInt32 = 0
    ) throws(Refusal) {
        try Self.validate(account.usage)
        let id = try self.account(account.provider, by: user)
        machine.ledger.providers[existing: id.index].sums = CreditLedger.Sums(account.usage)
        machine.ledger.providers[existing: id.index].dollars = dollars ?? account.usage.spend.dollars
    }

    /// Sets the tiers that had fired when the budget of a provider with an account was removed.
    mutating func setFired(_ threshold: ThresholdTier, _ depletion: DepletionTier, of provider: Name) {
        guard let id = machine.names.find(provider), machine.ledger.contains(id) else { return }
        machine.ledger.providers[existing: id.index].fired = threshold
        machine.ledger.providers[existing: id.index].firedDepletion = depletion
    }

    /// Adds a model account. Its provider gets an empty account if it has none.
    ///
    /// - Parameter dollars: the spend as a sum of doubles; nil means the exact sum
    /// - Throws: `outOfRange`, `limitReached`
    public mutating func insertModelAccount(
        _ account: ModelAccount, of provider: Name, dollars: Double? = nil, by user: UInt32 = 0
    ) throws(Refusal) {
        try Self.validate(account.usage)
        try machine.checkModel(account.model, by: application(of: user))
        let isNew = try machine.checkModelAccount(provider, account.model, by: application(of: user))
        let provider = try self.account(provider, by: user)
        let model = machine.models.intern(account.model, by: user)
        if isNew { machine.models.retain(model) }
        let place = machine.ledger.findModel(provider, model) ?? machine.ledger.addModel(provider, model, by: user)
        machine.ledger.models[place].sums = CreditLedger.Sums(account.usage)
        machine.ledger.models[place].dollars = dollars ?? account.usage.spend.dollars
        if let before = machine.ledger.models[place].answering { machine.models.release(before) }
        machine.ledger.models[place].answering = nil
        guard let answering = account.answering else { return }
        try machine.checkModel(answering, by: application(of: user))
        let id = machine.models.intern(answering, by: user)
        machine.models.retain(id)
        machine.ledger.models[place].answering = id
    }

    /// Sets the history of a provider, in place of one that it has. The provider gets an empty account if it has none.
    ///
    /// - Parameters:
    ///   - stretches: the older part, in sums of several records, oldest first
    ///   - singles: the newer part, in single records, oldest first
    /// - Throws: `outOfRange`, `limitReached`
    public mutating func insertHistory(
        stretches: some Sequence<SpendEntry>, singles: some Sequence<SpendEntry>, of provider: Name,
        by user: UInt32 = 0
    ) throws(Refusal) {
        let id = try account(provider, by: user)
        var list = machine.ledger.providers[existing: id.index].history
        machine.ledger.histories.remove(&list)
        for entry in stretches {
            try Self.validate(entry)
            machine.ledger.histories.restore(entry, isExact: false, in: &list)
        }
        for entry in singles {
            try Self.validate(entry)
            machine.ledger.histories.restore(entry, isExact: true, in: &list)
        }
        machine.ledger.histories.finishRestoring(&list, at: moment.now)
        machine.ledger.providers[existing: id.index].history = list
    }

    private static func validate(_ entry: SpendEntry) throws(Refusal) {
        guard entry.count >= 1 else { throw Refusal(.outOfRange, "a stretch of a history has at least one record") }
        try validateMoment(entry.start, "the start of a stretch of a history")
        try validateMoment(entry.end, "the end of a stretch of a history")
    }

    /// Adds an entry to the history that all providers share under `llm-providers`, oldest first. The provider gets an
    /// empty account if it has none.
    ///
    /// - Throws: `outOfRange`, `limitReached`
    public mutating func insertShared(
        _ provider: Name, at time: Timestamp, cost: Money, by user: UInt32 = 0
    ) throws(Refusal) {
        try validateMoment(time, "the moment of a history's entry")
        let id = try account(provider, by: user)
        machine.ledger.sharedHistory.restore(.init(at: time, provider: id, cost: cost.nanodollars))
    }

    /// Adds what a ledger of `llm-providers` does not tell. The host's account is the sum of the providers'. The tiers
    /// that spend and history have reached count as fired, and their events are not sent.
    ///
    /// Depletion tiers are marked only if the profile keeps them over a restore.
    public mutating func completeLedger() {
        machine.ledger.deriveHost()
        machine.deriveFiredTiers(at: moment)
    }

    /// The account of a provider, created empty if there is none.
    private mutating func account(_ provider: Name, by user: UInt32) throws(Refusal) -> NameID {
        try machine.checkAccount(provider, by: application(of: user))
        let id = machine.names.intern(provider, by: user)
        guard !machine.ledger.contains(id) else { return id }
        machine.names.retain(id)
        var account = CreditLedger.Provider()
        account.user = user
        machine.ledger.insert(account, for: id)
        return id
    }

    /// The circumstances of a record that this user has introduced.
    func application(of user: UInt32) -> Application {
        Application(moment: moment, user: user, isOperator: user == 0, worker: WorkerID())
    }
}
