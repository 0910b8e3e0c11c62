import FuseboxWire

extension CreditLedger {
    /// Begins every account anew.
    ///
    /// - Returns: the sums of the host before
    mutating func resetAll(at moment: Moment, under profile: Profile) -> Sums {
        let before = host.sums
        host.beginAnew()
        if profile.resetClearsWindowsAndHistory { sharedHistory.removeAll() }
        providers.forEachIndex { resetProvider(NameID(index: $0), under: profile) }
        deployments.forEachIndex { _ = resetDeployment(NameID(index: $0)) }
        tags.forEachIndex { _ = resetTag(TagID(index: $0)) }
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
        providers[existing: provider.index].beginAnew()
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

    /// Begins the account of a deployment anew.
    ///
    /// - Returns: its sums before; nil: it has no account
    mutating func resetDeployment(_ deployment: NameID) -> Sums? {
        guard let before = deployments[deployment.index]?.sums else { return nil }
        deployments[existing: deployment.index].beginAnew()
        return before
    }

    /// Begins the account of a tag anew.
    ///
    /// - Returns: its sums before; nil: it has no account
    mutating func resetTag(_ tag: TagID) -> Sums? {
        guard let before = tags[tag.index]?.sums else { return nil }
        tags[existing: tag.index].beginAnew()
        return before
    }

    private mutating func reset(_ model: Int) {
        models[model].beginAnew()
        models[model].dollars = 0
    }
}
