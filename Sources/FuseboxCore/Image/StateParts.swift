import FuseboxWire

extension StateMachine {
    /// Takes over some of the three parts of another state, names included; the other parts, profile, limits and time
    /// stay.
    ///
    /// Permits stay as they are: calls are under way. Limits do not refuse what is already there.
    ///
    /// - Throws: what stands against a record; then nothing has changed
    public mutating func replace(_ parts: StateParts, with other: StateMachine) throws(Refusal) {
        guard parts != .all else { return replaceContents(with: other) }
        var unbounded = limits
        unbounded.admitEverything()
        var builder = Builder(profile: profile, limits: unbounded, at: lastMoment)
        try builder.copyBreakers(of: parts.contains(.breakers) ? other : self)
        try builder.copyMarks(of: parts.contains(.exhaustion) ? other : self)
        try builder.copyLedger(of: parts.contains(.ledger) ? other : self)
        replaceContents(with: builder.finish())
    }
}

extension StateMachine.Builder {
    fileprivate mutating func copyBreakers(of other: StateMachine) throws(Refusal) {
        machine.breakers.defaultConfiguration = other.breakers.defaultConfiguration
        var index = 0
        while let id = other.breakers.next(from: index), let breaker = other.breakers[id] {
            let record = breaker.record(name: other.names[id], isConfigured: other.breakers.isConfigured(id))
            try insertBreaker(record, by: other.names.user(of: id))
            index = id.index + 1
        }
    }

    fileprivate mutating func copyMarks(of other: StateMachine) throws(Refusal) {
        machine.exhaustion.defaultCooldownMilliseconds = other.exhaustion.defaultCooldownMilliseconds
        var index = 0
        while let (id, mark) = other.exhaustion.next(from: index) {
            try insertMark(other.entry(id, mark), by: other.names.user(of: id))
            if let members = other.exhaustion.foreignMembers[id] {
                machine.keepForeignMembers(members, ofMark: other.names[id])
            }
            index = id.index + 1
        }
    }

    fileprivate mutating func copyLedger(of other: StateMachine) throws(Refusal) {
        machine.ledger.thresholds = other.ledger.thresholds
        machine.ledger.foreignThresholds = other.ledger.foreignThresholds
        machine.ledger.period = other.ledger.period
        var index = 0
        while let found = other.ledger.providers.next(from: index) {
            try copyAccount(NameID(index: found), of: other)
            index = found + 1
        }
        for entry in other.ledger.budgets {
            let budget = other.budget(entry)
            try insertBudget(budget, isDenying: entry.isDenying, by: other.names.user(of: entry.provider))
            if !entry.foreignMembers.isEmpty {
                machine.keepForeignMembers(entry.foreignMembers, ofBudget: budget.provider, budget.model)
            }
        }
        for entry in other.ledger.sharedHistory.entries {
            try insertShared(
                other.names[entry.provider], at: entry.at, cost: Money(nanodollars: entry.cost),
                by: other.names.user(of: entry.provider))
        }
        for period in other.ledger.closedPeriods {
            let usage = period.sums.sorted { $0.key.index < $1.key.index }
                .map { (provider: other.names[$0.key], usage: $0.value.usage) }
            try insertClosedPeriod(start: period.start, end: period.end, usage: usage)
        }
    }

    private mutating func copyAccount(_ id: NameID, of other: StateMachine) throws(Refusal) {
        guard let account = other.account(id), let provider = other.ledger.provider(id) else { return }
        let user = other.names.user(of: id)
        try insertAccount(
            account, firedThreshold: provider.firedThreshold, firedDepletion: provider.firedDepletion,
            dollars: provider.dollars, by: provider.user)
        var models: [(id: ModelID, sums: CreditLedger.Sums)] = []
        other.ledger.forEachModel(of: id) { models.append(($0, $1)) }
        // A provider lists its newest model account first: they are added in the opposite order.
        for model in models.reversed() {
            var account = ModelAccount()
            account.model = other.models[model.id]
            account.usage = model.sums.usage
            let place = other.ledger.findModel(id, model.id)
            account.answering = place.flatMap { other.ledger.models[$0].answering }.map { other.models[$0] }
            try insertModelAccount(
                account, of: other.names[id], dollars: place.map { other.ledger.models[$0].dollars },
                by: place.map { other.ledger.models[$0].user } ?? other.models.user(of: model.id))
        }
        var entries: [SpendEntry] = []
        other.ledger.histories.forEach(of: provider.history) { entries.append($0) }
        guard !entries.isEmpty else { return }
        let stretches = entries.count - provider.history.exact
        try insertHistory(
            stretches: entries[..<stretches], singles: entries[stretches...], of: other.names[id], by: user)
    }
}
