import FuseboxCore
import FuseboxEngine
import FuseboxWire

/// Limits: the operators' changes of them, and what the daemon makes of them against the plain model.
extension Simulation {
    /// A change of a limit that is not on the provider with limits of its own.
    func limitDeed() -> Deed {
        draw.models = clients.map { Names(client: $0.index, generation: $0.generation).model.text }
        var change = draw.change(of: knownLimits)
        // The books tell the accounts of providers and models, which a reset would begin anew.
        if case .reset(let reset) = change, reset.scope.tag == nil {
            change = .set(LimitSet(scope: reset.scope, limits: [draw.limit()]))
        }
        if case .set(let set) = change {
            knownLimits += set.limits.map { (set.scope, $0) }
            if knownLimits.count > 12 { knownLimits.remove(at: random.below(knownLimits.count)) }
        }
        return .change(change)
    }

    /// A call with a random route and tags.
    func admission(of provider: Int) -> Admission {
        var routes = [Admission.Route(provider: provider)]
        while random.once(in: 2), routes.count < 3 { routes.append(Admission.Route(provider: random.below(3))) }
        for place in routes.indices {
            if random.once(in: 3) { routes[place].deployment = random.pick(draw.deployments) }
            routes[place].hasModel = random.below(5) > 0
        }
        let tags = (0..<random.below(4)).map { _ in random.pick(LimitDraw.tags) }
        return Admission(
            routes: routes, tags: tags, cost: Int64(random.below(2_000_000)), tokens: Int64(random.below(500)),
            ttl: Int64(random.pick([50, 1_000, 20_000, 60_000])), wait: random.once(in: 4) ? 3_000 : 0)
    }

    // MARK: Audits

    /// Follows the journal, and notes what the model says of it.
    func followLimits() {
        guard limitAudit != nil else { return }
        limitAudit?.read(storage)
        if let violation = limitAudit?.violation { fail("limits: \(violation)") }
        for turn in limitAudit?.takeTurns() ?? [] {
            if let violation = waits.hadItsTurn(turn) { fail(violation) }
        }
    }

    /// The daemon has started. What is left must be what the model makes of the inputs that are left.
    func auditLimits(afterStart daemon: SimulatedDaemon) {
        guard limitAudit != nil else { return }
        limitAudit?.goBack(to: daemon.recoveredSequence)
        // They are of a life that has ended.
        _ = limitAudit?.takeTurns()
        if let violation = limitAudit?.violation { fail("limits: \(violation)") }
        compareLimits(daemon)
    }

    /// Compares every limit with the model, unless the daemon is ahead of its journal.
    func compareLimits(_ daemon: SimulatedDaemon) {
        guard let limitAudit, limitAudit.sequence == daemon.sequence else { return }
        var session = openAuditSession(daemon)
        defer { daemon.ended(session) }
        result.limitAudits += 1
        if let difference = limitAudit.difference(at: daemon.moment.now, { ask($0, &session, daemon) }) {
            fail("limits: \(difference)")
        }
        if let difference = limitAudit.accountDifference({ ask($0, &session, daemon) }) {
            fail("accounts: \(difference)")
        }
    }
}
