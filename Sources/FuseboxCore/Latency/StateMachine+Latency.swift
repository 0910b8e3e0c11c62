import FuseboxWire

extension StateMachine {
    /// Forgets how long calls have taken, as a start from a snapshot does.
    package mutating func forgetLatencies() { latencies = RecentLatencies() }

    /// Notes how long a call that has succeeded took.
    ///
    /// - Parameters:
    ///   - timing: what its worker has measured; without a duration the time until this settle counts, unless the permit
    ///     had ended before
    ///   - standing: the permit's standing before the settle
    mutating func noteLatency(
        _ timing: CallTiming, grantedAt: Timestamp, _ standing: PermitStanding, _ scopes: CallScopes,
        _ application: Application
    ) {
        guard let provider = scopes.provider else { return }
        let duration: Int64
        if let told = timing.durationMilliseconds {
            duration = Int64(told)
        } else if standing == .inForce {
            duration = application.now - grantedAt
        } else {
            return
        }
        latencies.add(
            duration: duration, firstToken: timing.firstTokenMilliseconds.map { Int64($0) },
            of: ScopeKey(place: scopes.deployment ?? provider, model: scopes.model), provider: provider,
            routeNames(scopes, provider), by: application.user, at: application.now, bounds)
    }

    /// What is known of a candidate, to rank it.
    func outlook<Text: NameText>(
        of candidate: borrowing CandidateOf<Text>, _ asked: borrowing AskedTags, _ estimate: Estimate,
        passed: PassedCandidates, _ application: Application
    ) -> CandidateOutlook {
        var decision = AdmissionDecision()
        var alone = CandidatesOf<Text>()
        alone.append(copy candidate)
        _ = decide(alone, asked, estimate, explains: false, passed: passed, application, &decision)
        var outlook = CandidateOutlook()
        if !decision.denials.isEmpty { outlook.denial = decision.denials[0] }
        let route = route(by: candidate)
        (outlook.heldCost, outlook.costBasis) = heldCost(estimate, route, asked)
        guard let provider = route.providerID else { return outlook }
        if let breaker = findBreaker(of: route, by: application.user) {
            let standing = breakers.standing(of: breaker, at: application.now)
            outlook.state = standing.state
            outlook.share = standing.share
        }
        guard route.isKnown else { return outlook }
        var scopes = CallScopes()
        scopes.provider = provider
        scopes.deployment = route.deploymentID
        scopes.model = route.modelID
        let figures = latencies.figures(
            of: ScopeKey(place: scopes.deployment ?? provider, model: scopes.model), routeNames(scopes, provider),
            at: application.now)
        outlook.duration = figures.duration
        outlook.firstToken = figures.firstToken
        return outlook
    }

    private func routeNames(_ scopes: CallScopes, _ provider: NameID) -> RecentLatencies.Names {
        RecentLatencies.Names(
            provider: names[provider], deployment: scopes.deployment.map { names[$0] },
            model: scopes.model.map { models[$0] })
    }
}

extension LatencyList: StateCommand {
    /// Returns a page of the routes with recent calls.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        var place = Int(cursor)
        while let found = machine.latencies.next(from: place, at: application.now) {
            guard reply.entries.count < WireLimits.pageLength else {
                reply.next = UInt32(found.place)
                break
            }
            place = found.place + 1
            guard let duration = found.figures.duration else { continue }
            var entry = RouteLatency()
            entry.provider = found.names.provider
            entry.deployment = found.names.deployment
            entry.model = found.names.model
            entry.duration = duration
            entry.firstToken = found.figures.firstToken
            reply.entries.append(entry)
        }
        return reply
    }
}
