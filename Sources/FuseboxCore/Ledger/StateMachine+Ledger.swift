import FuseboxWire

/// What a call is charged with, and to whom.
struct ChargedCall {
    var provider: Name
    var model: Name
    var charge: CreditLedger.Charge
}

extension StateMachine {
    /// Records what a call has cost.
    ///
    /// - Parameters:
    ///   - isPermits: whether the call had a permit: then it counts in rate limits already
    ///   - wasAdmitted: whether there is room for its accounts, whatever the limits say: the call was admitted
    mutating func record(
        _ call: ChargedCall, _ application: Application, _ effects: inout [Event], isPermits: Bool = false,
        wasAdmitted: Bool = false
    ) throws(Refusal) -> LedgerRecord.Reply {
        // Nearly every record is one more on accounts that exist.
        if let provider = names.find(call.provider), let model = models.find(call.model),
            ledger.model(provider, model) != nil
        {
            let fired = try ledger.record(
                call.charge, provider: provider, model: model, at: application.now, by: application.user,
                under: profile, countingInWindows: !isPermits)
            return reply(to: call, fired, provider, &effects)
        }
        return try recordOnNewAccount(call, application, &effects, isPermits, wasAdmitted)
    }

    /// Throws what recording this would throw; changes nothing.
    func check(_ call: ChargedCall, _ application: Application, wasAdmitted: Bool = false) throws(Refusal) {
        if !wasAdmitted {
            try admitAccount(call.provider, by: application)
            try admitModel(call.model, by: application)
            _ = try admitModelAccount(call.provider, call.model, by: application)
        }
        try ledger.check(call.charge, provider: names.find(call.provider), at: application.now, under: profile)
    }

    private mutating func recordOnNewAccount(
        _ call: ChargedCall, _ application: Application, _ effects: inout [Event], _ isPermits: Bool,
        _ wasAdmitted: Bool
    ) throws(Refusal) -> LedgerRecord.Reply {
        // Before a name becomes known: a refused record leaves no trace.
        try check(call, application, wasAdmitted: wasAdmitted)
        let hadAccount = names.find(call.provider).map(ledger.contains) ?? false
        let provider = names.intern(call.provider, by: application.user)
        let model = models.intern(call.model, by: application.user)
        names.retain(provider)
        models.retain(model)
        let fired = try ledger.record(
            call.charge, provider: provider, model: model, at: application.now, by: application.user,
            under: profile, countingInWindows: !isPermits)
        if hadAccount { names.release(provider) }
        return reply(to: call, fired, provider, &effects)
    }

    fileprivate mutating func record(
        _ command: borrowing LedgerRecord, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> LedgerRecord.Reply {
        if !command.tags.isEmpty {
            try Self.validate(command.tags)
            try checkTags(command.tags, folds: command.foldsTags, application)
        }
        try checkRequiredTags(command.tags)
        let call = ChargedCall(
            provider: command.provider, model: rules.model(command.model, of: command.provider),
            charge: CreditLedger.Charge(
                cost: command.cost, inputTokens: Int64(command.inputTokens),
                outputTokens: Int64(command.outputTokens)))
        let reply = try record(call, application, &effects)
        if !limitTable.isEmpty {
            let route = Candidate(provider: call.provider, deployment: command.deployment, model: call.model)
            countInLimits(
                route, command.tags, folds: command.foldsTags, CallNeed(call.charge), application, &effects)
        }
        return reply
    }

    private func reply(
        to call: ChargedCall, _ fired: CreditLedger.Fired, _ provider: NameID, _ effects: inout [Event]
    ) -> LedgerRecord.Reply {
        var reply = LedgerRecord.Reply()
        if let tier = fired.threshold, let account = ledger.provider(provider), let budget = account.budget {
            var event = ThresholdCrossed()
            event.provider = call.provider
            event.model = call.model
            event.tier = tier
            event.spend = Money(nanodollars: account.sums.spend)
            event.budget = budget
            effects.append(.thresholdCrossed(event))
            reply.threshold = event
        }
        if let (tier, estimate) = fired.depletion {
            var event = DepletionProjected()
            event.provider = call.provider
            event.tier = tier
            event.daysRemaining = estimate.daysRemaining ?? 0
            event.depletesAt = estimate.depletesAt ?? Timestamp(milliseconds: .max)
            event.burnRate = estimate.burnRate
            effects.append(.depletionProjected(event))
            reply.depletion = event
        }
        return reply
    }

    fileprivate mutating func setBudget(_ budget: Budget, _ application: Application) throws(Refusal) {
        let limitsByDimension = try Self.validated(budget)
        try admitAccount(budget.provider, by: application)
        if let model = budget.model { try admitModel(model, by: application) }
        let isNew = try admitBudget(budget)
        let provider = names.intern(budget.provider, by: application.user)
        let entry = CreditLedger.BudgetEntry(
            provider: provider, model: budget.model.map { models.intern($0, by: application.user) },
            monthly: budget.monthly, isEnforced: budget.isEnforced, limits: limitsByDimension)
        if isNew { retainNames(of: entry) }
        if !ledger.contains(provider) { names.retain(provider) }
        ledger.setBudget(entry, at: application.now, by: application.user)
    }

    /// The rate limits that a budget names.
    ///
    /// - Throws: `outOfRange` for a negative amount or limit
    static func validated(_ budget: Budget) throws(Refusal) -> [RateDimension: Int64] {
        guard (budget.monthly ?? .zero) >= .zero else {
            throw Refusal(.outOfRange, "the monthly budget must not be negative")
        }
        guard budget.monthly != nil || !budget.isEnforced else {
            throw Refusal(.outOfRange, "isEnforced needs a monthly budget that it is about; rate limits always hold")
        }
        var limits: [RateDimension: Int64] = [:]
        for dimension in RateDimension.allCases {
            guard let limit = budget[dimension] else { continue }
            guard limit >= 0 else { throw Refusal(.outOfRange, "the limit \(dimension) must not be negative") }
            limits[dimension] = limit
        }
        return limits
    }

    /// Whether a budget is new; throws if it may not be.
    func admitBudget(_ budget: Budget) throws(Refusal) -> Bool {
        if find(budget) { return false }
        guard ledger.budgets.count < bounds.budgets else {
            throw Refusal(
                .limitReached,
                "\(bounds.budgets) budgets are set, which is the limit; remove one with `ledger budget remove`")
        }
        return true
    }

    private func find(_ budget: Budget) -> Bool {
        guard let provider = names.find(budget.provider) else { return false }
        guard let modelName = budget.model else { return ledger.budgets.find(provider, nil) != nil }
        guard let model = models.find(modelName) else { return false }
        return ledger.budgets.find(provider, model) != nil
    }

    fileprivate mutating func removeBudget(_ command: LedgerRemoveBudget) throws(Refusal) {
        guard let (provider, model) = place(of: command), let removed = ledger.removeBudget(provider, model) else {
            guard command.mustExist else { return }
            let account = command.provider.text + (command.model.map { "/\($0.text)" } ?? "")
            throw Refusal(.notFound, "no budget is set for '\(account)'")
        }
        releaseNames(of: removed)
    }

    /// Whose budget is meant; nil if a name in it is unknown.
    private func place(of command: LedgerRemoveBudget) -> (provider: NameID, model: ModelID?)? {
        guard let provider = names.find(command.provider) else { return nil }
        guard let name = command.model else { return (provider, nil) }
        return models.find(name).map { (provider, $0) }
    }

    /// The budgets as the wire has them.
    public func budget(_ entry: CreditLedger.BudgetEntry) -> Budget {
        var budget = Budget(provider: names[entry.provider], model: entry.model.map { models[$0] })
        budget.monthly = entry.monthly
        budget.isEnforced = entry.isEnforced
        for (dimension, limit) in entry.limits { budget[dimension] = limit }
        return budget
    }
}

// MARK: Commands

extension LedgerRecord: StateCommand {
    /// Records what the call has cost and counts it in the limits that cover it. Opens its accounts if they are new.
    ///
    /// - Throws: `outOfRange` for a cost outside its range, for a tag that callers may not name, and if a tag is
    ///   missing that every call needs; `overflow` if a sum would leave its range; `notFound` if the provider is new
    ///   and workers may not add one; `limitReached` if there is no room for a new name, account or tag.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.record(self, application, &effects)
    }
}

extension LedgerSetBudget: StateCommand {
    /// Sets the budget, and the rate limits that it names.
    ///
    /// - Throws: `outOfRange` for a negative amount or limit, and for an enforced budget without an amount;
    ///   `limitReached` if there is no room for a new name, account or budget.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.setBudget(budget, application)
        return Done()
    }
}

extension LedgerRemoveBudget: StateCommand {
    /// Removes the budget. Rate limits stay.
    ///
    /// - Throws: `notFound` if the budget must exist and does not.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.removeBudget(self)
        return Done()
    }
}

extension LedgerResetPeriod: StateCommand {
    /// Closes the period and begins a new one of the same length.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        effects.append(.periodRolledOver(machine.ledger.resetPeriod(at: application.moment, under: machine.profile)))
        return Done()
    }
}

extension LedgerSetThresholds: StateCommand {
    /// Sets the thresholds that are given.
    ///
    /// - Throws: `outOfRange` for one that is negative or no number.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        var thresholds = machine.ledger.thresholds
        thresholds.warning = warning ?? thresholds.warning
        thresholds.critical = critical ?? thresholds.critical
        thresholds.emergency = emergency ?? thresholds.emergency
        try machine.ledger.setThresholds(thresholds)
        return Done()
    }
}

extension LedgerSetPeriod: StateCommand {
    /// Sets how long periods are. The current one keeps its start.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        machine.ledger.setPeriod(length, at: application.moment.wall)
        return Done()
    }
}
