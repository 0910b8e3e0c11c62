import FuseboxWire

/// The accounts of a call: those of the host, of its route and of its tags.
extension StateMachine {
    /// The accounts of a call, if all of them exist. Changes nothing.
    @inline(__always)
    func knownAccounts<Text: NameText>(
        of route: Route<Text>, _ asked: borrowing AskedTags
    ) -> CallScopes? {
        guard asked.isComplete, let provider = route.providerID, ledger.contains(provider) else { return nil }
        if route.model != nil {
            guard let model = route.modelID, ledger.findModel(provider, model) != nil else { return nil }
        }
        if route.deployment != nil {
            guard let deployment = route.deploymentID, ledger.deployments.contains(deployment.index) else { return nil }
        }
        for place in 0..<asked.known.tagCount {
            guard let tag = asked.known.tags[place], ledger.tags.contains(tag.index) else { return nil }
        }
        var scopes = asked.known
        scopes.provider = provider
        scopes.deployment = route.deploymentID
        scopes.model = route.modelID
        return scopes
    }

    /// Gives a call its accounts and opens those that are new. There must be room for them.
    ///
    /// - Parameters:
    ///   - asked: the call's tags, looked up
    ///   - told: its tags, as the call names them
    mutating func openAccounts<Text: NameText>(
        of route: Route<Text>, _ asked: borrowing AskedTags, _ told: borrowing WireLimits.TagListOf<Text>,
        folds: Bool, _ application: Application
    ) -> CallScopes {
        let user = application.user
        let provider = route.providerID ?? names.intern(route.provider, by: user)
        var scopes = asked.isComplete ? asked.known : CallScopes()
        scopes.provider = provider
        scopes.deployment = route.deploymentID ?? route.deployment.map { names.intern($0, below: provider, by: user) }
        scopes.model = route.modelID ?? route.model.map { intern($0, by: user) }
        if !asked.isComplete { assign(told, folds: folds, to: &scopes, application) }
        openAccounts(scopes, application)
        return scopes
    }

    /// Opens the accounts of a call that are new.
    mutating func openAccounts(_ scopes: borrowing CallScopes, _ application: Application) {
        if let provider = scopes.provider { openAccounts(provider, scopes.model, application) }
        if let deployment = scopes.deployment, !ledger.deployments.contains(deployment.index) {
            names.retain(deployment)
            ledger.deployments.insert(CreditLedger.Account(), at: deployment.index)
        }
        for place in 0..<scopes.tagCount {
            guard let tag = scopes.tags[place], !ledger.tags.contains(tag.index) else { continue }
            tags.retain(tag)
            ledger.tags.insert(CreditLedger.Account(), at: tag.index)
        }
        noteUser(of: scopes, application)
    }

    /// Notes that a call of a user has these tags, whose accounts exist.
    @inline(__always)
    mutating func noteUser(of scopes: borrowing CallScopes, _ application: Application) {
        for place in 0..<scopes.tagCount {
            guard let tag = scopes.tags[place], ledger.tags[existing: tag.index].users.changes(with: application.user)
            else { continue }
            ledger.tags[existing: tag.index].users.add(application.user)
        }
    }

    /// Opens the accounts of a provider and of a model with it, if they do not exist.
    mutating func openAccounts(_ provider: NameID, _ model: ModelID?, _ application: Application) {
        if !ledger.contains(provider) {
            names.retain(provider)
            ledger.create(provider, by: application.user)
        }
        guard let model, ledger.findModel(provider, model) == nil else { return }
        models.retain(model)
        _ = ledger.addModel(provider, model, by: application.user)
    }

    /// Forgets the accounts of a provider's deployments.
    mutating func forgetDeployments(of provider: NameID) {
        var gone: [Int] = []
        ledger.deployments.forEachIndex { index in
            if names.parent(of: NameID(index: index)) == provider { gone.append(index) }
        }
        // The records need the names.
        for index in gone { ledger.closeDeployment(index) }
        nameClosedDays()
        for index in gone {
            ledger.recents.removeAll(&ledger.deployments[existing: index].recent)
            ledger.deployments.remove(at: index)
            names.release(NameID(index: index))
        }
    }

    /// The account of a scope. Nil if there is none.
    func account(
        of key: ScopeKey
    ) -> (sums: CreditLedger.Sums, recent: RecentUse, open: OpenDay, dollars: Double)? {
        if let tag = key.tag {
            guard key.place == nil, let account = ledger.tags[tag.index] else { return nil }
            return (account.sums, account.recent, account.open, 0)
        }
        guard let place = key.place else { return (ledger.host.sums, ledger.host.recent, ledger.host.open, 0) }
        guard names.parent(of: place) == nil else {
            guard key.model == nil, let account = ledger.deployments[place.index] else { return nil }
            return (account.sums, account.recent, account.open, 0)
        }
        guard let model = key.model else {
            return ledger.provider(place).map { ($0.sums, $0.recent, $0.open, $0.dollars) }
        }
        return ledger.findModel(place, model).map { found in
            let account = ledger.models[found]
            return (account.sums, account.recent, account.open, account.dollars)
        }
    }
}
