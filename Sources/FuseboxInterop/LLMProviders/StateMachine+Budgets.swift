import FuseboxCore
import FuseboxWire

/// The budgets and rate limits of `llm-providers`, told in limits.
extension StateMachine {
    // MARK: Setting

    /// Sets a budget as the library does: what it tells replaces what was told for the same provider and model, and
    /// what it does not tell of a provider stays in force.
    ///
    /// - Parameter foreign: members of the budget that the library keeps and does not use
    /// - Throws: `outOfRange` for a negative amount; `limitReached`
    package mutating func setBudget(_ budget: Budget, foreign: JSONValue? = nil, at moment: Moment) throws(Refusal) {
        if let monthly = budget.monthly {
            let limit = Budget.limit(monthly, budget.model, listedThresholds)
            try setListed([limit], on: budget.scope, at: moment)
        } else if budget.model != nil {
            try removeLimit(budget.scope, Budget.limit(.zero, budget.model), at: moment)
        }
        if !budget.rateLimits.isEmpty {
            try setListed(budget.rateLimits, on: Scope(provider: budget.provider), at: moment)
        }
        try listBudget(
            LLMProvidersJSON.budget(budget, foreign: foreign).text(), provider: budget.provider, model: budget.model)
    }

    /// Removes a budget. Rate limits stay.
    package mutating func removeBudget(_ provider: Name, _ model: Name?, at moment: Moment) throws(Refusal) {
        try removeLimit(Scope(provider: provider, model: model), Budget.limit(.zero, model), at: moment)
        unlistBudget(provider: provider, model: model)
    }

    private mutating func removeLimit(_ scope: Scope, _ limit: Limit, at moment: Moment) throws(Refusal) {
        guard try self.limit(scope, like: limit, at: moment) != nil else { return }
        try removeListed(limit, on: scope, at: moment)
    }

    /// The thresholds of budgets; nil: those of any limit.
    private var listedThresholds: Thresholds? {
        ledger.listed.thresholds == Thresholds() ? nil : ledger.listed.thresholds
    }

    // MARK: Reading

    /// The budget of a provider or a model; nil: none is set. As in the library, $0 is none for a model.
    package func budget(_ provider: Name, _ model: Name?, at moment: Moment) -> LimitEntry? {
        let scope = Scope(provider: provider, model: model)
        guard let entry = try? limit(scope, like: Budget.limit(.zero, model), at: moment) else { return nil }
        return model != nil && entry.limit.amount == 0 ? nil : entry
    }

    /// What is left of a budget.
    ///
    /// - Throws: `overflow` if the difference leaves the range of money
    package func balance(_ provider: Name, _ model: Name?, at moment: Moment) throws(Refusal) -> Balance {
        guard let entry = budget(provider, model, at: moment) else { return Balance() }
        guard let remaining = Money(nanodollars: entry.limit.amount).subtracting(Money(nanodollars: entry.used)) else {
            throw Refusal(.overflow, "what is left of the budget leaves the range of money")
        }
        return Balance(remaining: remaining, utilization: entry.share)
    }

    /// Whether a rate limit has room. As in the library, a window that is over begins anew.
    package mutating func checkRate(
        _ provider: Name, _ dimension: RateDimension, at moment: Moment
    ) throws(Refusal) -> RateCheck {
        var events: [Event] = []
        let command = LimitGet(scope: Scope(provider: provider), limit: dimension.limit(0))
        guard let entry = try apply(command, at: moment, effects: &events).entry else { return RateCheck() }
        return RateCheck(allowed: entry.used < entry.limit.amount, used: entry.used, limit: entry.limit.amount)
    }

    /// An account with its budget, and with its rate limits as they were last counted in.
    package func budgeted(_ account: ProviderAccount, at moment: Moment) -> BudgetedAccount {
        var budgeted = BudgetedAccount(account: account, windows: [:])
        budgeted.budget = budget(account.provider, nil, at: moment).map { Money(nanodollars: $0.limit.amount) }
        for dimension in RateDimension.allCases {
            let scope = Scope(provider: account.provider)
            guard let entry = try? limit(scope, like: dimension.limit(0), asCounted: true, at: moment) else {
                continue
            }
            budgeted.windows[dimension] = RateWindow(entry, at: moment)
        }
        return budgeted
    }

    /// The budgets that an export lists: those that were told, and behind them other limits of cost that go on until
    /// reset, each with the rates of its provider.
    func listedBudgets(at moment: Moment) -> [JSONValue] {
        let told = ledger.listed.entries
        let isTold = Set(told.map { [names[$0.provider], $0.model.map { models[$0] }] })
        var others: [Budget] = []
        forEachLimit { scope, limit in
            guard scope.tag == nil, scope.deployment == nil, let provider = scope.provider,
                limit.isSame(as: Budget.limit(.zero, scope.model)), !isTold.contains([provider, scope.model])
            else { return }
            var budget = Budget(
                provider: provider, model: scope.model, monthly: Money(nanodollars: limit.amount))
            for dimension in RateDimension.allCases where scope.model == nil {
                budget.rates[dimension] =
                    (try? self.limit(scope, like: dimension.limit(0), at: moment))??.limit.amount
            }
            others.append(budget)
        }
        return told.compactMap { try? JSONValue(parsing: $0.text.utf8) } + others.map { LLMProvidersJSON.budget($0) }
    }
}

extension RateWindow {
    /// The window of a limit. One that has not begun counts from now.
    init(_ entry: LimitEntry, at moment: Moment) {
        self.init(limit: entry.limit.amount, used: entry.used, windowStart: entry.startedAt ?? moment.now)
    }
}
