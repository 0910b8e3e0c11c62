import FuseboxWire

extension StateMachine {
    /// Builds a state from the records of a snapshot or an import.
    ///
    /// It retains the names of every breaker, mark, account, model account and budget, and applies the limits. A record
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
            self.moment = moment
        }

        /// The state that was built.
        public func finish() -> StateMachine {
            var machine = machine
            machine.setDeadlines()
            return machine
        }
    }

    /// Replaces breakers, marks, ledger and names by those of another state. Profile, limits and time stay.
    ///
    /// The permits stay, because their calls are in flight.
    public mutating func replaceContents(with other: StateMachine) {
        let previous = self
        breakers = other.breakers
        exhaustion = other.exhaustion
        ledger = other.ledger
        ledger.closedPeriodLimit = bounds.closedPeriods
        names = other.names
        models = other.models
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
            retainRoute(of: permit.grant)
            _ = permits.add(permit)
        }
        keepLimits(of: previous)
        // The permits and limits of the other state are dropped.
        other.permits.forEach { releaseRoute(of: $0.grant) }
        for rule in other.limitTable.rules { releaseNames(of: rule.key) }
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

    /// The number that a name of before has now.
    private mutating func renamed(_ name: NameID, of previous: StateMachine) -> NameID {
        let parent = previous.names.parent(of: name).map { renamed($0, of: previous) }
        return names.intern(previous.names[name], below: parent, by: previous.names.user(of: name))
    }

    /// The number that a model of before has now.
    private mutating func renamed(_ model: ModelID, of previous: StateMachine) -> ModelID {
        models.intern(previous.models[model], by: previous.models.user(of: model))
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
    /// - Throws: `damagedData` for one that was settled, was not granted, comes twice or out of order; `outOfRange` for a
    ///   cost or a moment that none can have
    mutating func insertPermit(
        _ entry: PermitEntry, counted: UInt8, _ charges: [ChargeImage]
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
        for tag in entry.tags { scopes.add(machine.tags.intern(tag, by: entry.user, machine.limitTable)) }
        var grant = PermitRegistry.Grant(
            provider: provider, scopes: scopes, worker: entry.worker, user: entry.user, estimate: entry.estimate,
            counted: counted, grantedAt: entry.grantedAt, expiresAt: entry.expiresAt)
        grant.charge = try insertCharges(charges, grant.need)
        machine.retainNames(of: grant)
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
        try machine.admitName(record.name, by: application(of: user))
        let id = machine.names.intern(record.name, by: user)
        if !machine.breakers.contains(id) { machine.names.retain(id) }
        machine.breakers.insert(breaker, isConfigured: record.isConfigured, as: id)
    }

    /// Sets how long a mark without a reported end lasts.
    ///
    /// - Throws: `outOfRange` for a duration outside `ValueRanges.cooldown`.
    public mutating func setDefaultCooldown(milliseconds: Int64) throws(Refusal) {
        try validateDuration(milliseconds, "the default cooldown")
        machine.exhaustion.defaultCooldownMilliseconds = milliseconds
    }

    /// Adds a mark.
    ///
    /// - Throws: `outOfRange`, `limitReached`
    public mutating func insertMark(_ entry: ExhaustionEntry, by user: UInt32 = 0) throws(Refusal) {
        try validateMoment(entry.exhaustedAt, "exhaustedAt of a mark")
        try validateMoment(entry.resetsAt, "resetsAt of a mark")
        try machine.admitName(entry.provider, by: application(of: user))
        let id = machine.names.intern(entry.provider, by: user)
        if !machine.exhaustion.contains(id) { machine.names.retain(id) }
        machine.exhaustion.insert(
            ExhaustionRegistry.Mark(exhaustedAt: entry.exhaustedAt, resetsAt: entry.resetsAt), for: id)
    }
}

// MARK: The ledger

extension StateMachine.Builder {
    /// Sets the utilizations at which threshold events fire.
    ///
    /// - Throws: `outOfRange` for a utilization outside `ValueRanges.threshold`.
    public mutating func setThresholds(_ thresholds: Thresholds) throws(Refusal) {
        try machine.ledger.setThresholds(thresholds)
    }

    /// Sets the current budget period.
    ///
    /// - Throws: `outOfRange` if its start or end is impossible.
    public mutating func setPeriod(_ period: BudgetPeriod) throws(Refusal) {
        try validateMoment(period.start, "the start of the period")
        if let end = period.end { try validateMoment(end, "the end of the period") }
        machine.ledger.period = period
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
    ///   - threshold: the highest threshold tier that has fired in this period
    ///   - depletion: the highest depletion tier that has fired in this period
    ///   - dollars: the spend as a sum of doubles; nil means the exact sum
    /// - Throws: `outOfRange`, `limitReached`
    public mutating func insertAccount(
        _ account: ProviderAccount, firedThreshold threshold: ThresholdTier = .none,
        firedDepletion depletion: DepletionTier = .none, dollars: Double? = nil, by user: UInt32 = 0
    ) throws(Refusal) {
        try Self.validate(account.usage)
        for dimension in RateDimension.allCases {
            guard let window = account[dimension] else { continue }
            guard window.limit >= 0, window.used >= 0 else {
                throw Refusal(.outOfRange, "a rate limit and what is used of it must not be negative")
            }
            try validateMoment(window.windowStart, "windowStart of a rate limit")
        }
        let id = try self.account(account.provider, by: user)
        machine.ledger.providers[existing: id.index].sums = CreditLedger.Sums(account.usage)
        machine.ledger.providers[existing: id.index].dollars = dollars ?? account.usage.spend.dollars
        machine.ledger.providers[existing: id.index].budget = account.budget
        machine.ledger.providers[existing: id.index].isEnforced = account.isEnforced
        machine.ledger.providers[existing: id.index].firedThreshold = threshold
        machine.ledger.providers[existing: id.index].firedDepletion = depletion
        for dimension in RateDimension.allCases {
            machine.ledger.providers[existing: id.index][dimension] = account[dimension].map {
                CreditLedger.Window(limit: $0.limit, used: $0.used, start: $0.windowStart)
            }
        }
    }

    /// Adds a model account. Its provider gets an empty account if it has none.
    ///
    /// - Parameter dollars: the spend as a sum of doubles; nil means the exact sum
    /// - Throws: `outOfRange`, `limitReached`
    public mutating func insertModelAccount(
        _ account: ModelAccount, of provider: Name, dollars: Double? = nil, by user: UInt32 = 0
    ) throws(Refusal) {
        try Self.validate(account.usage)
        try machine.admitModel(account.model, by: application(of: user))
        let isNew = try machine.admitModelAccount(provider, account.model, by: application(of: user))
        let provider = try self.account(provider, by: user)
        let model = machine.models.intern(account.model, by: user)
        if isNew { machine.models.retain(model) }
        let place = machine.ledger.findModel(provider, model) ?? machine.ledger.addModel(provider, model, by: user)
        machine.ledger.models[place].sums = CreditLedger.Sums(account.usage)
        machine.ledger.models[place].dollars = dollars ?? account.usage.spend.dollars
        if let before = machine.ledger.models[place].answering { machine.models.release(before) }
        machine.ledger.models[place].answering = nil
        guard let answering = account.answering else { return }
        try machine.admitModel(answering, by: application(of: user))
        let id = machine.models.intern(answering, by: user)
        machine.models.retain(id)
        machine.ledger.models[place].answering = id
    }

    /// Adds a budget as it was set. Accounts are not changed, because they have copies of their own.
    ///
    /// - Parameter isDenying: whether it denied the last call that it was asked about
    /// - Throws: `outOfRange`, `limitReached`
    public mutating func insertBudget(
        _ budget: Budget, isDenying: Bool = false, by user: UInt32 = 0
    ) throws(Refusal) {
        let limits = try StateMachine.validated(budget)
        try machine.admitName(budget.provider, by: application(of: user))
        if let model = budget.model { try machine.admitModel(model, by: application(of: user)) }
        let isNew = try machine.admitBudget(budget)
        var entry = CreditLedger.BudgetEntry(
            provider: machine.names.intern(budget.provider, by: user),
            model: budget.model.map { machine.models.intern($0, by: user) }, monthly: budget.monthly,
            isEnforced: budget.isEnforced, limits: limits)
        entry.isDenying = isDenying
        if isNew { machine.retainNames(of: entry) }
        machine.ledger.budgets.put(entry)
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
        machine.ledger.histories.settle(&list, at: moment.now)
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

    /// Adds a closed period, oldest first. Providers without an account are left out. Beyond the limit the oldest
    /// period is dropped.
    ///
    /// - Throws: `outOfRange` if a moment is impossible or a number of requests is negative.
    public mutating func insertClosedPeriod(
        start: Timestamp, end: Timestamp, usage: some Sequence<(provider: Name, usage: AccountUsage)>
    ) throws(Refusal) {
        try validateMoment(start, "the start of a closed period")
        try validateMoment(end, "the end of a closed period")
        var closed = CreditLedger.ClosedPeriod(start: start, end: end, sums: [:])
        for (provider, usage) in usage {
            guard let id = machine.names.find(provider), machine.ledger.contains(id) else { continue }
            try Self.validate(usage)
            closed.sums[id] = CreditLedger.Sums(usage)
        }
        machine.ledger.keep(closed)
    }

    /// Marks the tiers as fired that spend and history have reached, without sending their events. This is for a state
    /// that came without its fired tiers.
    ///
    /// Depletion tiers are marked only if the profile keeps them over a restore.
    public mutating func deriveFiredTiers() {
        machine.ledger.deriveFiredTiers(at: moment.now, under: machine.profile)
    }

    /// The account of a provider, created empty if there is none.
    private mutating func account(_ provider: Name, by user: UInt32) throws(Refusal) -> NameID {
        try machine.admitAccount(provider, by: application(of: user))
        let id = machine.names.intern(provider, by: user)
        guard !machine.ledger.contains(id) else { return id }
        machine.names.retain(id)
        var account = CreditLedger.Provider()
        account.user = user
        machine.ledger.insert(account, for: id)
        return id
    }

    /// The circumstances of a record that this user has introduced.
    private func application(of user: UInt32) -> Application {
        Application(moment: moment, user: user, isOperator: user == 0, worker: WorkerID())
    }
}
