import FuseboxWire

extension StateMachine {
    /// Checks that a name is known or may become so.
    ///
    /// - Throws: `limitReached`
    func admitName(_ name: Name, by user: UInt32) throws(Refusal) {
        guard names.find(name) == nil else { return }
        guard names.count < limits.names else {
            throw Refusal(
                .limitReached,
                "\(limits.names) names are in use, which is the limit; an operator can `forget` some")
        }
        guard names.count(of: user) < limits.namesPerUser else {
            throw Refusal(
                .limitReached,
                "user \(user) has introduced \(limits.namesPerUser) names, which is the limit; an operator can `forget` some"
            )
        }
    }

    /// Checks that a model is known or may become so.
    ///
    /// - Throws: `limitReached`
    func admitModel(_ model: Name) throws(Refusal) {
        guard models.find(model) == nil, models.count >= limits.models else { return }
        throw Refusal(
            .limitReached,
            "\(limits.models) models are in use, which is the limit; an operator can `forget` a provider with many")
    }

    /// Checks that a provider has an account or may get one.
    ///
    /// - Throws: `limitReached`
    func admitAccount(_ provider: Name, by user: UInt32) throws(Refusal) {
        try admitName(provider, by: user)
        if let id = names.find(provider), ledger.contains(id) { return }
        guard ledger.providerCount < limits.providerAccounts else {
            throw Refusal(
                .limitReached,
                "\(limits.providerAccounts) providers have an account, which is the limit; an operator can `forget` some"
            )
        }
    }

    /// The breaker of this name, created if there is none.
    ///
    /// - Throws: `limitReached`
    mutating func breaker(_ name: Name, _ application: Application) throws(Refusal) -> NameID {
        if let known = names.find(name), breakers.contains(known) { return known }
        try admitName(name, by: application.user)
        let id = names.intern(name, by: application.user)
        names.retain(id)
        breakers.create(id, at: application.now)
        return id
    }

    /// Checks that something is known under a name, where a command says that it must be.
    ///
    /// - Throws: `notFound`
    func find(_ name: Name, ifItMustBeKnown mustBeKnown: Bool) throws(Refusal) {
        guard mustBeKnown, names.find(name) == nil else { return }
        throw Refusal(.notFound, "nothing is known of '\(name.text)'")
    }

    /// Forgets everything under a name.
    ///
    /// - Throws: `notFound`
    mutating func forget(_ name: Name, at now: Timestamp) throws(Refusal) {
        guard let id = names.find(name) else {
            throw Refusal(.notFound, "no breaker or provider is named \(name.text)")
        }
        // The name goes with its last record; this one keeps it until all are gone.
        names.retain(id)
        if breakers.contains(id) {
            breakers.remove(id)
            setDeadline(ofBreaker: id)
            names.release(id)
        }
        if exhaustion.contains(id) {
            exhaustion.clear(id, at: now)
            setDeadline(ofMark: id)
            names.release(id)
        }
        let hadAccount = ledger.contains(id)
        let removed = ledger.forget(id)
        for model in removed.models { models.release(model) }
        for budget in removed.budgets { releaseNames(of: budget) }
        if hadAccount { names.release(id) }
        names.release(id)
    }

    mutating func retainNames(of budget: CreditLedger.BudgetEntry) {
        names.retain(budget.provider)
        if let model = budget.model { models.retain(model) }
    }

    mutating func releaseNames(of budget: CreditLedger.BudgetEntry) {
        names.release(budget.provider)
        if let model = budget.model { models.release(model) }
    }
}

extension Forget: StateCommand {
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.forget(name, at: application.now)
        return Done()
    }
}

extension EvictIdleBreakers: StateCommand {
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        let since = application.now - machine.limits.idleBreakerMilliseconds
        var idle: [NameID] = []
        machine.breakers.forEach { name in
            guard !machine.exhaustion.contains(name), !machine.ledger.contains(name), !machine.permits.holds(name),
                machine.breakers.isIdle(name, since: since, at: application.now)
            else { return }
            idle.append(name)
        }
        for name in idle {
            machine.breakers.remove(name)
            machine.setDeadline(ofBreaker: name)
            machine.names.release(name)
        }
        var reply = Reply()
        reply.forgotten = UInt32(idle.count)
        return reply
    }
}
