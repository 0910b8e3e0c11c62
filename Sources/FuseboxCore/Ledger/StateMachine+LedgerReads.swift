import FuseboxWire

extension StateMachine {
    /// A provider's account as the wire has it.
    public func account(_ id: NameID) -> ProviderAccount? {
        guard let provider = ledger.provider(id) else { return nil }
        var account = ProviderAccount()
        account.provider = names[id]
        account.usage = provider.sums.usage
        account.held = Money(nanodollars: permits.held(of: id))
        account.inFlight = UInt32(permits.inFlight(of: id))
        account.models = UInt32(provider.models.count)
        return account
    }

    func summary(_ id: NameID, windowMilliseconds: Int64, at moment: Moment) -> SpendSummary {
        let sum = ledger.spend(of: id, windowMilliseconds: windowMilliseconds, at: moment.now, under: profile)
        var summary = SpendSummary()
        summary.provider = names[id]
        summary.spend = Money(nanodollars: sum.cost)
        summary.requests = UInt64(clamping: sum.count)
        summary.windowMilliseconds = windowMilliseconds
        summary.isApproximate = sum.isApproximate
        summary.unpriced = ledger.unpriced(of: id, since: moment.wall - windowMilliseconds)
        return summary
    }

    fileprivate static func validateWindow(_ milliseconds: Int64) throws(Refusal) {
        guard ValueRanges.window.contains(milliseconds) else {
            throw Refusal(.outOfRange, "a window of \(milliseconds) ms must not be negative")
        }
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
    /// Returns the sum over all providers, and since when it is counted.
    ///
    /// - Throws: `overflow` if the sum leaves the range of money.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        reply.spend = try machine.ledger.totalSpend()
        reply.unpriced = machine.ledger.totalUnpriced()
        reply.since = machine.ledger.since
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
    /// Returns when a limit of the provider's cost will be used up; none if there is no such limit.
    ///
    /// - Throws: `outOfRange` for a negative window.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        let window = windowMilliseconds ?? CreditLedger.defaultBurnRateWindowMilliseconds
        try StateMachine.validateWindow(window)
        var reply = Reply()
        reply.estimate = machine.names.find(provider).flatMap {
            machine.depletion(of: $0, windowMilliseconds: window, at: application.moment)
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
        return machine.summary(id, windowMilliseconds: windowMilliseconds, at: application.moment)
    }
}

extension LedgerSummaries: StateCommand {
    /// Returns a page of the summaries of providers that have a history, or calls in the window whose cost nobody told.
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
            let summary = machine.summary(id, windowMilliseconds: windowMilliseconds, at: application.moment)
            guard summary.unpriced > 0 || machine.ledger.hasHistory(id, under: machine.profile) else { continue }
            guard reply.summaries.count < WireLimits.pageLength else {
                reply.next = UInt32(found)
                break
            }
            reply.summaries.append(summary)
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
        reply.waiting = UInt32(machine.news.waiting)
        let narrowMarks = machine.narrowMarks(at: application.now)
        var index = Int(cursor)
        let narrow = machine.narrowBreakers(at: application.now)
        while let id = machine.nextName(from: index, narrow) {
            guard reply.entries.count < WireLimits.pageLength else {
                reply.next = UInt32(id.index)
                break
            }
            var entry = machine.overview(of: id, at: application.moment)
            entry.narrowBreakers = narrow.first { $0.provider == id }?.notClosed ?? 0
            entry.narrowMarks = narrowMarks[id]?.marks ?? 0
            entry.narrowPauses = narrowMarks[id]?.pauses ?? 0
            reply.entries.append(entry)
            index = id.index + 1
        }
        return reply
    }
}

extension StateMachine {
    /// The first name at or after a place that is a breaker or a provider.
    fileprivate func nextName(from index: Int, _ narrow: [NarrowBreakers]) -> NameID? {
        [
            nextProviderBreaker(from: index)?.index, narrow.first { $0.provider.index >= index }?.provider.index,
            nextMarked(from: index)?.index, ledger.providers.next(from: index),
        ].compactMap(\.self).min().map { NameID(index: $0) }
    }

    fileprivate func overview(of id: NameID, at moment: Moment) -> Overview.Entry {
        var entry = Overview.Entry()
        entry.name = names[id]
        if let status = breakers[id]?.status(at: moment.now) {
            entry.state = status.state
            entry.share = status.share
        }
        entry.exhaustedUntil = exhaustion.mark(RouteKey(id), at: moment.now)?.resetsAt
        if let pause = pauses.pause(RouteKey(id), at: moment.now) {
            entry.isPaused = true
            entry.pausedUntil = pause.until
        }
        entry.held = Money(nanodollars: permits.held(of: id))
        entry.inFlight = UInt32(permits.inFlight(of: id))
        addLimits(of: id, to: &entry, at: moment)
        let latency = latencies.figures(ofProvider: id, names[id], at: moment.now)
        entry.duration = latency.duration
        entry.firstToken = latency.firstToken
        guard let provider = ledger.provider(id) else { return entry }
        entry.spend = Money(nanodollars: provider.sums.spend)
        entry.unpriced = provider.sums.parts.unpriced
        entry.daysRemaining = depletion(of: id, at: moment)?.daysRemaining
        return entry
    }

    private func addLimits(of id: NameID, to entry: inout Overview.Entry, at moment: Moment) {
        limitTable.forEachEntry(of: ScopeKey(place: id)) { place in
            entry.limits += 1
            let limit = limitEntry(limitTable.entries[place].rule, place, at: moment)
            if entry.fullest.map({ limit.matters(beside: $0) }) ?? true { entry.fullest = limit }
        }
    }
}

extension LimitEntry {
    /// Whether this limit says more of a scope than another: one that denies before one that only watches, then the fuller.
    fileprivate func matters(beside other: LimitEntry) -> Bool {
        (limit.mode == .deny) == (other.limit.mode == .deny) ? fullness > other.fullness : limit.mode == .deny
    }
}
