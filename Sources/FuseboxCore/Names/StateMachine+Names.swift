import FuseboxWire

extension StateMachine {
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
        removeBreakers(of: id)
        forgetMarks(of: id)
        let hadAccount = ledger.contains(id)
        forgetCosts(of: id)
        latencies.forget(name)
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
    /// Forgets the breakers that are closed, idle for `Bounds.idleBreakerMilliseconds` and have no configuration of their
    /// own, and whose providers have no permits. Those of providers also must not be used otherwise.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        let since = application.now - machine.bounds.idleBreakerMilliseconds
        var idle: [BreakerRegistry.Place] = []
        machine.breakers.forEach { key in
            let provider = machine.provider(of: key)
            guard let place = machine.breakers.find(key), !machine.permits.holds(provider),
                key != RouteKey(provider)
                    || !machine.exhaustion.contains(RouteKey(provider)) && !machine.ledger.contains(provider),
                machine.breakers.isIdle(place, since: since, at: application.now)
            else { return }
            idle.append(place)
        }
        for place in idle { machine.removeBreaker(place) }
        var reply = Reply()
        reply.forgotten = UInt32(idle.count)
        return reply
    }
}
