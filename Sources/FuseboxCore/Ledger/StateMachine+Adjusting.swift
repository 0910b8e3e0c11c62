import FuseboxWire

extension StateMachine {
    fileprivate mutating func adjust(
        _ command: LedgerAdjust, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> LedgerAdjust.Reply {
        let target = try adjustable(command)
        let scopes = callScopes(of: target.key)
        var sums = UseSums()
        sums.cost = command.cost.nanodollars
        guard ledger.hasRoom(for: sums, scopes) else {
            throw Refusal(.overflow, "the sum of an account of \(command.scope) would leave its range")
        }
        ledger.adjust(sums, scopes, at: application.moment, under: profile)
        limitTable.adjust(command.cost.nanodollars, scopes, &tags, at: application.moment)
        var event = AccountAdjusted()
        event.scope = command.scope
        event.cost = command.cost
        event.reason = command.reason
        effects.append(.accountAdjusted(event))
        if let provider = scopes.provider {
            _ = fire(provider, at: application.moment, &effects)
        } else {
            _ = tellCrossings(at: application.moment, &effects)
        }
        var reply = LedgerAdjust.Reply()
        reply.account = scopeAccount(target.key, at: application.moment)
        return reply
    }

    /// The scope of a correction.
    private func adjustable(_ command: LedgerAdjust) throws(Refusal) -> LimitTarget {
        try command.scope.validate()
        guard command.cost.nanodollars.magnitude <= WireLimits.adjustment.nanodollars.magnitude else {
            throw Refusal(
                .outOfRange,
                "a correction of $\(command.cost) must lie between -\(Quantity.dollars(WireLimits.adjustment)) and \(Quantity.dollars(WireLimits.adjustment))"
            )
        }
        guard !command.reason.isEmpty else { throw Refusal(.outOfRange, "a correction needs a reason") }
        guard let target = try find(command.scope) else {
            throw Refusal(.notFound, "nothing is known of \(command.scope)")
        }
        guard target.prefix == nil else {
            throw Refusal(.outOfRange, "a template has no account; correct that of a tag")
        }
        let key = target.key
        for account in accounts(in: key) where self.account(of: account) == nil {
            throw Refusal(.notFound, "nothing was counted for \(scope(of: account)) yet")
        }
        return target
    }

    /// The accounts that a scope names. A tag with a route has no account of its own, nor has a deployment with a
    /// model. Each of the two parts has one.
    private func accounts(in key: ScopeKey) -> [ScopeKey] {
        var accounts = key.tag == nil ? [] : [ScopeKey(tag: key.tag)]
        guard let place = key.place else { return accounts.isEmpty ? [.host] : accounts }
        let provider = names.parent(of: place)
        if provider != nil || key.model == nil { accounts.append(ScopeKey(place: place)) }
        if let model = key.model { accounts.append(ScopeKey(place: provider ?? place, model: model)) }
        return accounts
    }

    /// The accounts that contain a scope: those of a call by it.
    private func callScopes(of key: ScopeKey) -> CallScopes {
        var scopes = CallScopes(model: key.model)
        if let place = key.place {
            let parent = names.parent(of: place)
            scopes.provider = parent ?? place
            scopes.deployment = parent == nil ? nil : place
        }
        if let tag = key.tag { scopes.add(tag) }
        return scopes
    }
}

extension CreditLedger {
    /// Corrects every account of a call that exists. There must be room in those of its provider and model.
    fileprivate mutating func adjust(
        _ sums: UseSums, _ scopes: borrowing CallScopes, at moment: Moment, under profile: Profile
    ) {
        if sums.cost >= 0 {
            add(sums, scopes, at: moment)
            if let provider = scopes.provider { note(sums.cost, of: provider, at: moment.now, under: profile) }
        } else {
            forEachAccount(of: scopes) { account, recent, recents in
                account.spend = account.spend.saturatingAdd(sums.cost)
                recents.takeBack(cost: -sums.cost, from: recent)
            }
        }
        guard profile.reckonsInDollars, let provider = scopes.provider, providers.contains(provider.index) else {
            return
        }
        providers[existing: provider.index].dollars += Money(nanodollars: sums.cost).dollars
        if let place = scopes.model.flatMap({ findModel(provider, $0) }) {
            models[place].dollars += Money(nanodollars: sums.cost).dollars
        }
    }
}

extension LimitTable {
    /// Corrects every limit of cost that covers a call. A negative correction is taken back from the newest use
    /// backwards.
    mutating func adjust(
        _ cost: Int64, _ call: borrowing CallScopes, _ tags: inout TagTable, at moment: Moment
    ) {
        forEachUse(of: call, &tags) { table, place in
            guard table.rules[table.entries[place].rule].limit.dimension == .cost else { return }
            if cost >= 0 {
                table.count(cost, place, at: moment.now)
            } else if !table.isOver(place, at: moment.now) {
                table.takeBack(-cost, place, at: moment.now)
                table.rearm(place, at: moment.now)
            }
        }
    }
}

extension LedgerAdjust: StateCommand {
    /// Adds to or takes from the spend of a scope, in every account and limit that contains it.
    ///
    /// - Throws: `outOfRange` for a scope of a shape that there is not, a template, a cost outside its range, and
    ///   without a reason; `notFound` if the scope has no account; `overflow` if a sum would leave its range.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var command = self
        command.scope = machine.rules.charged(scope)
        return try machine.adjust(command, application, &effects)
    }
}
