import FuseboxWire

extension StateMachine {
    /// A provider's account as the wire has it, its windows as they are stored.
    public func account(_ id: NameID) -> ProviderAccount? {
        guard let provider = ledger.provider(id) else { return nil }
        var account = ProviderAccount()
        account.provider = names[id]
        account.usage = provider.sums.usage
        account.budget = provider.budget
        account.isEnforced = provider.isEnforced
        account.held = Money(nanodollars: permits.held(of: id))
        account.inFlight = UInt32(permits.inFlight(of: id))
        account.models = UInt32(provider.models.count)
        for dimension in RateDimension.allCases { account[dimension] = provider[dimension].map(RateWindow.init) }
        return account
    }

    /// The balance of a budget; of an unknown provider or model, that of none.
    fileprivate func balance(_ command: LedgerBalance) throws(Refusal) -> LedgerBalance.Reply {
        guard let provider = names.find(command.provider) else { return LedgerBalance.Reply() }
        guard let modelName = command.model else { return try ledger.balance(provider, under: profile) }
        guard let model = models.find(modelName) else { return LedgerBalance.Reply() }
        return try ledger.balance(provider, model, under: profile)
    }

    func summary(_ id: NameID, windowMilliseconds: Int64, at now: Timestamp) -> SpendSummary {
        let sum = ledger.spend(of: id, windowMilliseconds: windowMilliseconds, at: now, under: profile)
        var summary = SpendSummary()
        summary.provider = names[id]
        summary.spend = Money(nanodollars: sum.cost)
        summary.requests = UInt64(clamping: sum.count)
        summary.windowMilliseconds = windowMilliseconds
        summary.isApproximate = sum.isApproximate
        return summary
    }

    fileprivate static func validateWindow(_ milliseconds: Int64) throws(Refusal) {
        guard ValueRanges.window.contains(milliseconds) else {
            throw Refusal(.outOfRange, "a window of \(milliseconds) ms must not be negative")
        }
    }
}

extension RateWindow {
    init(_ window: CreditLedger.Window) {
        self.init(limit: window.limit, used: window.used, windowStart: window.start)
    }
}

extension LedgerBalance: StateCommand {
    /// Returns the balance of the budget. Without a budget nothing is left, and nothing is used.
    ///
    /// - Throws: `overflow` if the difference leaves the range of money.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.balance(self)
    }
}

extension LedgerProvider: StateCommand {
    /// Returns the provider's account; none if the provider is unknown.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        reply.account = machine.names.find(provider).flatMap { machine.account($0) }
        return reply
    }
}

extension LedgerModel: StateCommand {
    /// Returns the model's account; none if nothing was recorded for it.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        if let provider = machine.names.find(provider), let id = machine.models.find(model),
            let sums = machine.ledger.model(provider, id)
        {
            var account = ModelAccount()
            account.model = model
            account.usage = sums.usage
            account.answering = machine.ledger.answering(provider, id).map { machine.models[$0] }
            reply.account = account
        }
        return reply
    }
}

extension LedgerProviders: StateCommand {
    /// Returns a page of the provider accounts.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        var index = Int(cursor)
        while let found = machine.ledger.providers.next(from: index) {
            guard reply.accounts.count < WireLimits.pageLength else {
                reply.next = UInt32(found)
                break
            }
            if let account = machine.account(NameID(index: found)) { reply.accounts.append(account) }
            index = found + 1
        }
        return reply
    }
}

extension LedgerModels: StateCommand {
    /// Returns a page of the provider's model accounts.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        guard let id = machine.names.find(provider) else { return reply }
        var position: UInt32 = 0
        machine.ledger.forEachModel(of: id) { model, sums in
            defer { position += 1 }
            guard position >= cursor, reply.next == Page.end else { return }
            guard reply.accounts.count < WireLimits.pageLength else {
                reply.next = position
                return
            }
            var account = ModelAccount()
            account.model = machine.models[model]
            account.usage = sums.usage
            account.answering = machine.ledger.answering(id, model).map { machine.models[$0] }
            reply.accounts.append(account)
        }
        return reply
    }
}

extension LedgerTotal: StateCommand {
    /// Returns the sum over all providers, and the current period.
    ///
    /// - Throws: `overflow` if the sum leaves the range of money.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        reply.spend = try machine.ledger.totalSpend()
        reply.periodStart = machine.ledger.period.start
        reply.periodEnd = machine.ledger.period.end
        reply.periodLength = machine.ledger.period.length
        return reply
    }
}

extension LedgerBurnRate: StateCommand {
    /// Returns the provider's burn rate; that of an empty history if the provider is unknown.
    ///
    /// - Throws: `outOfRange` for a negative window.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> BurnRate {
        let window = windowMilliseconds ?? CreditLedger.defaultBurnRateWindowMilliseconds
        try StateMachine.validateWindow(window)
        guard let id = machine.names.find(provider) else {
            return BurnRate(
                SpendSum(), windowMilliseconds: window,
                baseMilliseconds: machine.profile.measuresBurnRates ? 0 : window, under: machine.profile)
        }
        return machine.ledger.burnRate(id, windowMilliseconds: window, at: application.now, under: machine.profile)
    }
}

extension LedgerDepletion: StateCommand {
    /// Returns when the budget will be used up; none if there is no budget.
    ///
    /// - Throws: `outOfRange` for a negative window.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        let window = windowMilliseconds ?? CreditLedger.defaultBurnRateWindowMilliseconds
        try StateMachine.validateWindow(window)
        var reply = Reply()
        reply.estimate = machine.names.find(provider).flatMap {
            machine.ledger.depletion($0, windowMilliseconds: window, at: application.now, under: machine.profile)
        }
        return reply
    }
}

extension LedgerSummary: StateCommand {
    /// Returns what the provider has cost within the window; nothing if the provider is unknown.
    ///
    /// - Throws: `outOfRange` for a negative window.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> SpendSummary {
        try StateMachine.validateWindow(windowMilliseconds)
        guard let id = machine.names.find(provider) else {
            var summary = SpendSummary()
            summary.provider = provider
            summary.windowMilliseconds = windowMilliseconds
            return summary
        }
        return machine.summary(id, windowMilliseconds: windowMilliseconds, at: application.now)
    }
}

extension LedgerSummaries: StateCommand {
    /// Returns a page of the summaries of providers that have a history.
    ///
    /// - Throws: `outOfRange` for a negative window.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try StateMachine.validateWindow(windowMilliseconds)
        var reply = Reply()
        var index = Int(cursor)
        while let found = machine.ledger.providers.next(from: index) {
            let id = NameID(index: found)
            index = found + 1
            guard machine.ledger.hasHistory(id, under: machine.profile) else { continue }
            guard reply.summaries.count < WireLimits.pageLength else {
                reply.next = UInt32(found)
                break
            }
            reply.summaries.append(
                machine.summary(id, windowMilliseconds: windowMilliseconds, at: application.now))
        }
        return reply
    }
}

extension LedgerCheckRate: StateCommand {
    /// Returns whether the rate limit has room. Under the profile `llm-providers` a window that has ended begins anew.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        reply.allowed = true
        guard let id = machine.names.find(provider) else { return reply }
        if machine.profile.readsChangeState { machine.ledger.renewWindow(id, dimension, at: application.now) }
        guard let window = machine.ledger.window(id, dimension, at: application.now) else { return reply }
        reply.allowed = window.used < window.limit
        reply.used = window.used
        reply.limit = window.limit
        return reply
    }
}

extension LedgerThresholds: StateCommand {
    /// Returns the thresholds.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Thresholds {
        machine.ledger.thresholds
    }
}

extension LedgerBudgets: StateCommand {
    /// Returns a page of the budgets as they were set.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        let budgets = machine.ledger.budgets
        guard Int(cursor) < budgets.count else { return reply }
        reply.entries = budgets.dropFirst(Int(cursor)).prefix(WireLimits.pageLength).map { Entry(machine.budget($0)) }
        let next = Int(cursor) + WireLimits.pageLength
        if next < budgets.count { reply.next = UInt32(next) }
        return reply
    }
}

extension LedgerClosedPeriods: StateCommand {
    /// Returns the provider's sums in the closed periods that are kept, oldest first.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        guard let id = machine.names.find(provider) else { return reply }
        for closed in machine.ledger.closedPeriods {
            guard let sums = closed.sums[id] else { continue }
            var period = Period()
            period.start = closed.start
            period.end = closed.end
            period.usage = sums.usage
            reply.periods.append(period)
        }
        return reply
    }
}

extension Overview: StateCommand {
    /// Returns a page of all providers and breakers.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        reply.now = application.now
        var index = Int(cursor)
        while let id = machine.nextName(from: index) {
            guard reply.entries.count < WireLimits.pageLength else {
                reply.next = UInt32(id.index)
                break
            }
            reply.entries.append(machine.overview(of: id, at: application.now))
            index = id.index + 1
        }
        return reply
    }
}

extension StateMachine {
    /// The first name at or after a place that is a breaker or a provider.
    fileprivate func nextName(from index: Int) -> NameID? {
        [
            breakers.next(from: index)?.index, exhaustion.next(from: index)?.provider.index,
            ledger.providers.next(from: index),
        ].compactMap(\.self).min().map { NameID(index: $0) }
    }

    fileprivate func overview(of id: NameID, at now: Timestamp) -> Overview.Entry {
        var entry = Overview.Entry()
        entry.name = names[id]
        if let status = breakers[id]?.status(at: now) {
            entry.state = status.state
            entry.share = status.share
        }
        entry.exhaustedUntil = exhaustion.mark(id, at: now)?.resetsAt
        entry.held = Money(nanodollars: permits.held(of: id))
        entry.inFlight = UInt32(permits.inFlight(of: id))
        guard let provider = ledger.provider(id) else { return entry }
        entry.spend = Money(nanodollars: provider.sums.spend)
        entry.budget = provider.budget
        entry.isEnforced = provider.isEnforced
        if let budget = provider.budget {
            entry.utilization = provider.utilization(of: budget, under: profile)
        }
        entry.daysRemaining = ledger.depletion(id, at: now, under: profile)?.daysRemaining
        entry.rpm = ledger.window(id, .rpm, at: now).map(RateWindow.init)
        entry.rpd = ledger.window(id, .rpd, at: now).map(RateWindow.init)
        entry.tpm = ledger.window(id, .tpm, at: now).map(RateWindow.init)
        entry.tpd = ledger.window(id, .tpd, at: now).map(RateWindow.init)
        return entry
    }
}
