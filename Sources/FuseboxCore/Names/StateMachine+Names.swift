import FuseboxWire

extension StateMachine {
    /// The breaker of this name, created if there is none.
    ///
    /// - Throws: `limitReached`
    mutating func breaker<Text: NameText>(_ name: Text, _ application: Application) throws(Refusal) -> NameID {
        let id: NameID
        if let known = names.find(name) {
            id = known
        } else {
            try checkNewName(name, by: application)
            id = names.intern(name, by: application.user)
        }
        addBreaker(id, application)
        return id
    }

    /// Makes sure that a name has a breaker.
    mutating func addBreaker(_ id: NameID, _ application: Application) {
        guard !breakers.contains(id) else { return }
        names.retain(id)
        breakers.create(id, at: application.now)
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
        forgetMarks(of: id)
        let hadAccount = ledger.contains(id)
        forgetCosts(of: id)
        forgetDeployments(of: id)
        let forgotten = ledger.forget(id)
        nameClosedDays()
        for model in forgotten { models.release(model) }
        if hadAccount { names.release(id) }
        for entry in ledger.listed.entries where entry.provider == id { unlist(id, entry.model) }
        removeLimits(of: id, at: now)
        names.release(id)
    }
}

extension Forget: StateCommand {
    /// Forgets the name: its breaker, its marks, its account with all models, its limits. A pause stays.
    ///
    /// - Throws: `notFound` if the name is unknown.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try machine.forget(name, at: application.now)
        return Done()
    }
}

extension EvictIdleBreakers: StateCommand {
    /// Forgets the breakers that are closed, idle for `Bounds.idleBreakerMilliseconds` and have the default
    /// configuration, and whose names are not used otherwise.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        let since = application.now - machine.bounds.idleBreakerMilliseconds
        var idle: [NameID] = []
        machine.breakers.forEach { name in
            guard !machine.exhaustion.contains(RouteKey(name)), !machine.ledger.contains(name),
                !machine.permits.holds(name),
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
