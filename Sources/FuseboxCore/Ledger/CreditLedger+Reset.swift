import FuseboxWire

extension CreditLedger {
    /// Begins every account anew.
    ///
    /// - Returns: the sums of all providers before
    mutating func resetAll(at moment: Moment, under profile: Profile) -> Sums {
        var before = Sums()
        if profile.resetClearsWindowsAndHistory { sharedHistory.removeAll() }
        providers.forEachIndex { index in
            before.add(providers[existing: index].sums)
            resetProvider(NameID(index: index), under: profile)
        }
        since = moment.wall
        return before
    }

    /// Begins the account of a provider and those of its models anew.
    ///
    /// - Returns: its sums before; nil: it has no account
    @discardableResult
    mutating func resetProvider(_ provider: NameID, under profile: Profile) -> Sums? {
        guard providers.contains(provider.index) else { return nil }
        let before = providers[existing: provider.index].sums
        providers[existing: provider.index].sums = Sums()
        providers[existing: provider.index].dollars = 0
        providers[existing: provider.index].fired = .none
        providers[existing: provider.index].firedDepletion = .none
        if profile.resetClearsWindowsAndHistory {
            histories.remove(&providers[existing: provider.index].history)
            sharedHistory.remove(provider)
        }
        var place = providers[existing: provider.index].models.first
        while let model = place {
            reset(model)
            place = modelLinks.next(after: model)
        }
        return before
    }

    /// Begins the account of a model with a provider anew.
    ///
    /// - Returns: its sums before; nil: it has no account
    mutating func resetModel(_ provider: NameID, _ model: ModelID) -> Sums? {
        guard let place = findModel(provider, model) else { return nil }
        let before = models[place].sums
        reset(place)
        return before
    }

    private mutating func reset(_ model: Int) {
        models[model].sums = Sums()
        models[model].dollars = 0
    }
}

extension CreditLedger.Sums {
    /// Adds other sums; told, not kept: the end of the range stands for what lies beyond it.
    mutating func add(_ other: Self) {
        spend = spend.saturatingAdd(other.spend)
        inputTokens = inputTokens.saturatingAdd(other.inputTokens)
        outputTokens = outputTokens.saturatingAdd(other.outputTokens)
        requests = requests.saturatingAdd(other.requests)
        if let last = other.lastRecorded { lastRecorded = max(last, lastRecorded ?? last) }
    }
}
