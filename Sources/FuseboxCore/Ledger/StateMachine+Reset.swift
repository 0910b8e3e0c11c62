import FuseboxWire

extension StateMachine {
    fileprivate mutating func reset(
        _ scope: Scope, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> LedgerReset.Reply {
        try scope.validate()
        var reply = LedgerReset.Reply()
        guard let target = try find(scope) else { throw nothing(toReset: scope) }
        reply.before = resetAccounts(target, at: application.moment)?.usage
        var limits: [Int] = []
        limitTable.entries.forEachSlot { place in
            let use = limitTable.entries[place]
            guard beginsAnew(limitTable.rules[use.rule].limit.window.kind), isWithin(use, target) else { return }
            limits.append(place)
        }
        guard reply.before != nil || !limits.isEmpty || target.prefix != nil else { throw nothing(toReset: scope) }
        limits.sort { limitTable.entries[$0].generation < limitTable.entries[$1].generation }
        for place in limits {
            limitTable.beginWindow(place, at: application.now)
            guard reply.entries.count < WireLimits.limitPageLength else { continue }
            reply.entries.append(limitEntry(limitTable.entries[place].rule, place, at: application.moment))
        }
        var event = AccountReset()
        event.scope = scope
        event.spend = reply.before?.spend ?? .zero
        event.unpriced = reply.before?.unpriced ?? 0
        effects.append(.accountReset(event))
        return reply
    }

    private func nothing(toReset scope: Scope) -> Refusal {
        Refusal(.notFound, "\(scope) has no account and no limit that goes on until reset")
    }

    /// Whether a reset begins the windows of this kind anew.
    private func beginsAnew(_ kind: WindowKind) -> Bool {
        kind == .manual || (kind == .fixed && profile.resetClearsWindowsAndHistory)
    }

    /// Whether the use of a limit belongs to a scope or to one within it.
    private func isWithin(_ use: LimitTable.Entry, _ target: LimitTarget) -> Bool {
        let key = use.key
        if let place = target.key.place {
            guard let own = key.place, own == place || names.parent(of: own) == place else { return false }
        }
        if let model = target.key.model, key.model != model { return false }
        if let prefix = target.prefix {
            guard let tag = key.tag else { return false }
            return tags[tag].hasPrefix(prefix)
        }
        return target.key.tag == nil || key.tag == target.key.tag
    }

    /// - Returns: the sums of the scope's account before; nil if it has no account
    private mutating func resetAccounts(_ target: LimitTarget, at moment: Moment) -> CreditLedger.Sums? {
        let key = target.key
        if let prefix = target.prefix {
            // A template has no account. Those of its tags are reset.
            ledger.tags.forEachIndex { index in
                if key.place == nil, tags[TagID(index: index)].hasPrefix(prefix) {
                    _ = ledger.resetTag(TagID(index: index))
                }
            }
            return nil
        }
        if let tag = key.tag { return key.place == nil ? ledger.resetTag(tag) : nil }
        guard let place = key.place else { return ledger.resetAll(at: moment, under: profile) }
        guard names.parent(of: place) == nil else {
            return key.model == nil ? ledger.resetDeployment(place) : nil
        }
        if let model = key.model { return ledger.resetModel(place, model) }
        ledger.deployments.forEachIndex { index in
            if names.parent(of: NameID(index: index)) == place { _ = ledger.resetDeployment(NameID(index: index)) }
        }
        return ledger.resetProvider(place, under: profile)
    }
}

extension LedgerReset: StateCommand {
    /// Resets the accounts of a scope and of the scopes within it, and their limits that last until reset.
    ///
    /// - Throws: `outOfRange` for a scope of a shape that there is not; `notFound` if it has neither account nor limit.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.reset(machine.rules.charged(scope), application, &effects)
    }
}
