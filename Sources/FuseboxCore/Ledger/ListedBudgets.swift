import FuseboxWire

/// The budgets that a snapshot of `llm-providers` lists, as they were imported, and the thresholds of all.
///
/// Limits take the place of budgets and rate limits, and decide. This list serves only the next export, because the
/// library writes a budget as it was set and not as it stands.
public struct ListedBudgets: Sendable, Equatable {
    /// A budget as it was imported.
    public struct Entry: Sendable, Equatable {
        /// The provider.
        public var provider: NameID
        /// The model. Nil if the budget is for the provider as a whole.
        public var model: ModelID?
        /// The budget as the text of a JSON object.
        public var text: String
    }

    /// The shares at which threshold events fire.
    public internal(set) var thresholds = Thresholds()
    /// Members of imported JSON that came with the thresholds; see `ForeignMembers.swift`.
    public internal(set) var foreignThresholds = ""
    /// The budgets, in the order in which they were last set.
    public private(set) var entries: [Entry] = []

    /// Puts a budget at the end, in place of one for the same provider and model. Returns whether there was one.
    mutating func put(_ entry: Entry) -> Bool {
        let isKnown = remove(entry.provider, entry.model)
        entries.append(entry)
        return isKnown
    }

    /// Removes a budget. Returns whether there was one.
    mutating func remove(_ provider: NameID, _ model: ModelID?) -> Bool {
        guard let place = entries.firstIndex(where: { $0.provider == provider && $0.model == model }) else {
            return false
        }
        entries.remove(at: place)
        return true
    }
}

extension StateMachine {
    /// Lists a budget for the next export. Its provider gets an account.
    ///
    /// - Throws: `limitReached` if there is no room for a name or an account; `outOfRange` if the text is longer than
    ///   `WireLimits.textLength`
    public mutating func listBudget(
        _ text: String, provider: Name, model: Name?, by user: UInt32 = 0
    ) throws(Refusal) {
        guard text.utf8.count <= WireLimits.textLength else {
            throw Refusal(
                .outOfRange, "a budget is kept up to \(WireLimits.textLength) bytes; this one has \(text.utf8.count)")
        }
        let application = Application(moment: lastMoment, user: user, isOperator: user == 0, worker: WorkerID())
        try checkAccount(provider, by: application)
        if let model { try checkModel(model, by: application) }
        let id = openAccount(provider, by: user)
        let entry = ListedBudgets.Entry(
            provider: id, model: model.map { models.intern($0, by: user) }, text: text)
        if !ledger.listed.put(entry) { retainNames(of: entry) }
    }

    /// Sets limits of a listed budget. The list stays.
    ///
    /// - Throws: what `LimitSet` throws
    public mutating func setListed(_ limits: [Limit], on scope: Scope, at moment: Moment) throws(Refusal) {
        passTime(to: moment)
        let application = Application(moment: lastMoment, user: 0, isOperator: true, worker: WorkerID())
        var events: [Event] = []
        let mark = limitTable.newestGeneration
        _ = try set(LimitSet(scope: scope, limits: limits), application, &events, opensAccounts: false)
        noteFired(scope) { entry, account in
            guard entry.generation > mark else { return }
            (entry.fired, entry.firedDepletion) = (account.fired, account.firedDepletion)
        }
    }

    /// Removes a limit of a listed budget. The list stays.
    ///
    /// - Throws: what `LimitRemove` throws
    public mutating func removeListed(_ limit: Limit, on scope: Scope, at moment: Moment) throws(Refusal) {
        passTime(to: moment)
        let application = Application(moment: lastMoment, user: 0, isOperator: true, worker: WorkerID())
        noteFired(scope) { entry, account in
            (account.fired, account.firedDepletion) = (entry.fired, entry.firedDepletion)
        }
        _ = try remove(LimitRemove(scope: scope, limits: [limit]), application)
    }

    /// Moves the tiers that have fired between a provider's budget and its account. In the library the account keeps
    /// them when the budget is removed.
    private mutating func noteFired(
        _ scope: Scope, _ pass: (inout LimitTable.Entry, inout CreditLedger.Provider) -> Void
    ) {
        guard profile == .llmProviders, scope.model == nil, let provider = scope.provider.flatMap({ names.find($0) }),
            ledger.contains(provider)
        else { return }
        limitTable.forEachEntry(of: ScopeKey(place: provider)) { place in
            guard limitTable.rules[limitTable.entries[place].rule].limit.dimension == .cost else { return }
            pass(&limitTable.entries[place], &ledger.providers[existing: provider.index])
        }
    }

    /// Removes the budget of a scope from the list when one of its limits changes. An export then has the limits.
    mutating func unlistBudget(of scope: Scope, _ limits: [Limit]) {
        guard scope.tag == nil, scope.deployment == nil, let provider = scope.provider,
            limits.contains(where: \.isListed)
        else { return }
        unlistBudget(provider: provider, model: scope.model)
    }

    /// Removes a budget from the list.
    public mutating func unlistBudget(provider: Name, model: Name?) {
        guard let id = names.find(provider) else { return }
        if let model {
            guard let model = models.find(model) else { return }
            unlist(id, model)
        } else {
            unlist(id, nil)
        }
    }

    mutating func unlist(_ provider: NameID, _ model: ModelID?) {
        guard ledger.listed.remove(provider, model) else { return }
        names.release(provider)
        if let model { models.release(model) }
    }

    mutating func retainNames(of entry: ListedBudgets.Entry) {
        names.retain(entry.provider)
        if let model = entry.model { models.retain(model) }
    }

    /// The account of a provider, opened if there is none. There must be room for it.
    mutating func openAccount(_ provider: Name, by user: UInt32) -> NameID {
        let id = names.intern(provider, by: user)
        guard !ledger.contains(id) else { return id }
        names.retain(id)
        ledger.create(id, by: user)
        return id
    }
}

extension Limit {
    /// Whether a snapshot of `llm-providers` has such limits: a budget until reset, or a rate in fixed windows.
    var isListed: Bool {
        switch window.kind {
        case .manual: dimension == .cost
        case .fixed: dimension == .requests || dimension == .tokens
        case .none, .sliding, .calendar, .prepaid, .unknown: false
        }
    }
}
