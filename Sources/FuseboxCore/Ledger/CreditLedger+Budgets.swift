import FuseboxWire

extension CreditLedger {
    /// Sets a budget in the place of the one for the same provider and model.
    ///
    /// As in the reference library: a budget without a model gives the provider's account its limit if it names
    /// one, and rate limits are always the provider's. Limits that it does not name stay as they are.
    public mutating func setBudget(_ budget: BudgetEntry, at now: Timestamp, by user: UInt32 = 0) {
        budgets.put(budget)
        create(budget.provider, at: now, by: user)
        if budget.model == nil, let monthly = budget.monthly {
            providers[existing: budget.provider.index].budget = monthly
            providers[existing: budget.provider.index].isEnforced = budget.isEnforced
        }
        for (dimension, limit) in budget.limits {
            if providers[existing: budget.provider.index][dimension] == nil {
                providers[existing: budget.provider.index][dimension] = Window(limit: limit, used: 0, start: now)
            } else {
                providers[existing: budget.provider.index][dimension]?.limit = limit
            }
        }
    }

    /// Removes a budget; rate limits stay. Returns what was removed.
    public mutating func removeBudget(_ provider: NameID, _ model: ModelID? = nil) -> BudgetEntry? {
        let removed = budgets.remove(provider, model)
        if model == nil, providers.contains(provider.index) {
            providers[existing: provider.index].budget = nil
            providers[existing: provider.index].isEnforced = false
        }
        return removed
    }

    // MARK: Balances

    /// A model's budget with a provider; nil if there is none, or none but rate limits. 0 counts as none.
    private func modelBudget(_ provider: NameID, _ model: ModelID) -> Money? {
        guard let place = budgets.find(provider, model), let monthly = budgets[place].monthly, monthly != .zero else {
            return nil
        }
        return monthly
    }

    /// What is left of a budget and how far it is used. Without a budget nothing is left to tell.
    ///
    /// - Throws: `overflow` if the difference leaves the range of money
    public func balance(
        _ provider: NameID, _ model: ModelID? = nil, under profile: Profile = .fusebox
    ) throws(Refusal) -> LedgerBalance.Reply {
        var reply = LedgerBalance.Reply()
        guard let account = providers[provider.index] else { return reply }
        let budget: Money?
        let spend: Int64
        let dollars: Double
        if let model {
            budget = modelBudget(provider, model)
            let place = findModel(provider, model)
            spend = place.map { models[$0].sums.spend } ?? 0
            dollars = place.map { models[$0].dollars } ?? 0
        } else {
            budget = account.budget
            spend = account.sums.spend
            dollars = account.dollars
        }
        guard let budget else { return reply }
        guard let remaining = budget.subtracting(Money(nanodollars: spend)) else {
            throw Refusal(.overflow, "what is left of the budget leaves the range of money")
        }
        reply.remaining = remaining
        reply.utilization = profile.utilization(of: budget, spend: spend, dollars: dollars)
        return reply
    }

    /// Sets the utilizations at which threshold events fire.
    ///
    /// - Throws: `outOfRange` for one that is negative or no number
    public mutating func setThresholds(_ thresholds: Thresholds) throws(Refusal) {
        for value in [thresholds.warning, thresholds.critical, thresholds.emergency] {
            guard ValueRanges.threshold.contains(value) else {
                throw Refusal(.outOfRange, "a threshold must be at least 0")
            }
        }
        self.thresholds = thresholds
    }

    // MARK: Rate limits

    /// A rate limit's window as it stands at a moment. Changes nothing.
    public func window(_ provider: NameID, _ dimension: RateDimension, at now: Timestamp) -> Window? {
        guard var window = providers[provider.index]?[dimension] else { return nil }
        window.renew(dimension, at: now)
        return window
    }

    /// Begins a new window where the current one is over: what a look at it does under `llm-providers`.
    public mutating func renewWindow(_ provider: NameID, _ dimension: RateDimension, at now: Timestamp) {
        guard providers.contains(provider.index) else { return }
        providers[existing: provider.index][dimension]?.renew(dimension, at: now)
    }

    // MARK: Periods

    /// Whether the period's end has come.
    public func isPeriodOver(at wall: Timestamp) -> Bool { period.isOver(at: wall) }

    /// Closes the period because its end has come.
    public mutating func rollOver(at moment: Moment, under profile: Profile = .fusebox) -> PeriodRolledOver {
        close(beginning: period.successor(at: moment.wall), at: moment, under: profile)
    }

    /// Closes the period by hand.
    @discardableResult
    public mutating func resetPeriod(at moment: Moment, under profile: Profile = .fusebox) -> PeriodRolledOver {
        close(beginning: BudgetPeriod(period.length, start: moment.wall), at: moment, under: profile)
    }

    /// Sets how long periods are. The current one keeps its start, and ends at the first boundary after `wall`.
    public mutating func setPeriod(_ length: PeriodLength, at wall: Timestamp) {
        period = period.resized(to: length, at: wall)
    }

    private mutating func close(
        beginning next: BudgetPeriod, at moment: Moment, under profile: Profile
    ) -> PeriodRolledOver {
        var event = PeriodRolledOver()
        event.endedStart = period.start
        event.start = next.start
        var closed = ClosedPeriod(start: period.start, end: next.start, sums: [:])
        // Told, not kept: the end of the range stands for what lies beyond it.
        var total: Int128 = 0
        providers.forEachIndex { index in
            let sums = providers[existing: index].sums
            guard sums.requests > 0 else { return }
            closed.sums[NameID(index: index)] = sums
            total += Int128(sums.spend)
        }
        event.spend = Money(nanodollars: Int64(clamping: total))
        keep(closed)
        period = next
        clear(at: moment.now, under: profile)
        return event
    }

    /// Keeps a closed period; the oldest beyond the limit goes.
    mutating func keep(_ closed: ClosedPeriod) {
        closedPeriods.append(closed)
        closedPeriods.removeFirst(max(0, closedPeriods.count - closedPeriodLimit))
    }

    private mutating func clear(at now: Timestamp, under profile: Profile) {
        let clearsAll = profile.resetClearsWindowsAndHistory
        providers.forEachIndex { index in
            providers[existing: index].sums = Sums()
            providers[existing: index].dollars = 0
            providers[existing: index].firedThreshold = .none
            providers[existing: index].firedDepletion = .none
            guard clearsAll else { return }
            for dimension in RateDimension.allCases {
                providers[existing: index][dimension]?.used = 0
                providers[existing: index][dimension]?.start = now
            }
            histories.remove(&providers[existing: index].history)
        }
        for place in 0..<models.end where models.contains(place) {
            models[place].sums = Sums()
            models[place].dollars = 0
        }
        if clearsAll { sharedHistory.removeAll() }
    }
}
