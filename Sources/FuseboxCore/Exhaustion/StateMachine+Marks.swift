import FuseboxWire

/// A call that has ended, as far as marks are concerned.
struct EndedCall {
    /// The routes that it was part of.
    var routes: CallRoutes
    /// When it was admitted. Nil: that is not known.
    var admittedAt: Timestamp?
    /// Its permit. 0: it had none.
    var permit: UInt64 = 0
    /// The marks that it probed.
    var probes: CallRoutes.Places = []

    /// A call without a permit.
    init(routes: CallRoutes) { self.routes = routes }

    /// The call of a permit.
    init(_ permit: borrowing PermitRegistry.Permit) {
        routes = permit.grant.scopes.routes
        admittedAt = permit.grant.grantedAt
        self.permit = permit.number
        probes = permit.grant.probes
    }
}

// MARK: - Admission

extension StateMachine {
    /// Adds the pauses and marks that stand against a call by these routes, and notes the marks that it may probe.
    @inline(__always)
    func addMarks(of routes: CallRoutes, at now: Timestamp, _ objections: inout Objections) {
        if exhaustion.isEmpty, pauses.isEmpty { return }
        lookForMarks(of: routes, at: now, &objections)
    }

    private func lookForMarks(of routes: CallRoutes, at now: Timestamp, _ objections: inout Objections) {
        if !pauses.isEmpty {
            for place in 0..<CallRoutes.count {
                guard let route = routes[place], let pause = pauses.pause(route, at: now) else { continue }
                objections.add(.paused, for: pause.until.map { $0 - now })
            }
        }
        guard !exhaustion.isEmpty else { return }
        for place in 0..<CallRoutes.count {
            guard let route = routes[place], let found = exhaustion.marks.find(route),
                exhaustion.marks[found].isInForce(at: now)
            else { continue }
            switch exhaustion.marks[found].stance(at: now, under: profile) {
            case .takesProbe: objections.probes.insert(.place(place))
            case .denies(let milliseconds): objections.add(.exhausted, for: milliseconds)
            }
        }
    }

    /// Lets the call of a permit take the probe places of marks on its route. Each must be free and due.
    @inline(__always)
    mutating func beginProbes(_ places: CallRoutes.Places, ofPermit permit: Int) {
        if !places.isEmpty { takeProbes(places, ofPermit: permit) }
    }

    private mutating func takeProbes(_ places: CallRoutes.Places, ofPermit permit: Int) {
        permits.permits[permit].grant.probes = places
        let routes = permits.permits[permit].grant.scopes.routes
        for place in 0..<CallRoutes.count where places.contains(.place(place)) {
            guard let route = routes[place], let mark = exhaustion.marks.find(route) else {
                preconditionFailure("a mark that is probed is there")
            }
            exhaustion.marks[mark].probe = permits.permits[permit].number
        }
    }
}

// MARK: - The ends of calls

extension StateMachine {
    /// Frees the probe places of a permit that ends without telling how its call went.
    @inline(__always)
    mutating func endProbes(ofPermit place: Int, at now: Timestamp) {
        guard !permits.permits[place].grant.probes.isEmpty else { return }
        endProbes(of: EndedCall(permits.permits[place]), failed: false, at: now)
    }

    private mutating func endProbes(of call: EndedCall, failed: Bool, at now: Timestamp) {
        for place in 0..<CallRoutes.count where call.probes.contains(.place(place)) {
            // The mark may have ended meanwhile, and there may be another by now.
            guard let route = call.routes[place], let mark = exhaustion.marks.find(route),
                exhaustion.marks[mark].probe == call.permit
            else { continue }
            exhaustion.marks[mark].endProbe(failed: failed, at: now)
        }
    }

    /// Notes at the marks on a call's route how the call went.
    ///
    /// - Parameters:
    ///   - retryAfter: how long the provider takes no calls, in milliseconds, if it said so
    ///   - scope: how much of the route is marked; nil: as the outcome is usually about
    @inline(__always)
    mutating func noteMarks(
        of call: EndedCall, _ outcome: Outcome, retryAfter: Int64?, _ scope: MarkScope?, _ application: Application,
        _ effects: inout [Event]
    ) {
        if !call.probes.isEmpty { endProbes(of: call, failed: outcome.isOfProvider, at: application.now) }
        if outcome == .success {
            if !exhaustion.isEmpty, profile.doubtsMarks { endMarks(refutedBy: call, &effects, at: application.now) }
            // The call was the last that a rate limit of the provider allowed.
            if let retryAfter, retryAfter > 0 {
                let rest = min(retryAfter, WireLimits.longestResetMilliseconds)
                noteClaim(.throttled, rest, of: call, scope, outcome, application, &effects)
            }
        } else if let reason = MarkReason(outcome, isTold: retryAfter != nil) {
            noteClaim(reason, retryAfter, of: call, scope, outcome, application, &effects)
        }
    }

    /// Marks a call's route for this reason.
    private mutating func noteClaim(
        _ reason: MarkReason, _ milliseconds: Int64?, of call: EndedCall, _ scope: MarkScope?, _ outcome: Outcome,
        _ application: Application, _ effects: inout [Event]
    ) {
        var claim = MarkClaim(reason: reason, milliseconds: milliseconds, isToldByProvider: milliseconds != nil)
        claim.user = application.user
        claim.admittedAt = call.admittedAt
        let scope = profile.doubtsMarks ? scope ?? outcome.markScope : .provider
        guard let route = call.routes.marked(scope) else { return }
        mark(withRoom(route, by: application.user), claim, application, &effects)
    }

    /// Ends the marks on a call's route that its success speaks against.
    private mutating func endMarks(refutedBy call: EndedCall, _ effects: inout [Event], at now: Timestamp) {
        guard let admittedAt = call.admittedAt else { return }
        for place in 0..<CallRoutes.count {
            guard let route = call.routes[place], let mark = exhaustion.marks.find(route),
                exhaustion.marks[mark].isRefuted(bySuccessAdmittedAt: admittedAt)
            else { continue }
            endMark(mark, .succeeded, at: now, &effects)
        }
    }

    /// A route, without its model if there is no room for one more mark of a model that this user tells.
    private func withRoom(_ route: RouteKey, by user: UInt32) -> RouteKey {
        guard route.model != nil, !exhaustion.contains(route) else { return route }
        let hasRoom = modelMarksBound.hasRoom(
            exhaustion.marks.modelledCount, ofUser: exhaustion.modelCount(of: user), by: user)
        return hasRoom ? route : RouteKey(route.place)
    }

    /// The bound on marks of models.
    var modelMarksBound: SharedBound {
        SharedBound(
            what: "marks of models", limit: bounds.modelMarks, limitPerUser: bounds.modelMarksPerUser,
            remedy: "mark the provider or the deployment")
    }

    /// Checks how much of a route an outcome is to mark.
    ///
    /// - Throws: `outOfRange` if the outcome marks nothing
    static func validate(_ scope: MarkScope?, _ outcome: Outcome) throws(Refusal) {
        guard scope == nil || outcome.isOfProvider else {
            throw Refusal(.outOfRange, "markScope does not go with \(outcome), which marks no route")
        }
    }
}

extension Outcome {
    /// How much of a call's route it usually is about.
    fileprivate var markScope: MarkScope { self == .unauthorized ? .deployment : .route }
}

extension MarkReason {
    /// Why a route is marked after a call ended so. Nil: it is not.
    ///
    /// - Parameter isTold: whether the provider said for how long
    fileprivate init?(_ outcome: Outcome, isTold: Bool) {
        switch outcome {
        case .quotaExhausted: self = .quotaExhausted
        case .unauthorized: self = .unauthorized
        case .throttled where isTold: self = .throttled
        case .failure where isTold: self = .failure
        case .success, .failure, .throttled, .rejected, .abandoned, .cancelled: return nil
        }
    }
}

// MARK: - Marks

extension StateMachine {
    /// Marks a route whose names are known. Reports a mark that is new or put off.
    ///
    /// - Returns: the route's mark
    @discardableResult
    mutating func mark(
        _ route: RouteKey, _ claim: MarkClaim, _ application: Application, _ effects: inout [Event]
    ) -> Mark {
        if !exhaustion.contains(route) { retainNames(of: route) }
        let (mark, changed) = exhaustion.mark(route, claim, at: application.now, under: profile)
        setDeadline(ofMark: route)
        if changed, mark.resetsAt > application.now {
            effects.append(.providerExhausted(ProviderExhausted(entry: entry(route, mark))))
        }
        return mark
    }

    /// Removes a mark, and reports it if it was in force.
    mutating func endMark(
        _ place: ExhaustionRegistry.Place, _ end: MarkEnd, at now: Timestamp, _ effects: inout [Event]
    ) {
        if exhaustion.marks[place].isInForce(at: now) { tellEnd(of: place, end, &effects) }
        removeMark(place)
    }

    /// Removes a mark.
    mutating func removeMark(_ place: ExhaustionRegistry.Place) {
        let route = exhaustion.marks.key(of: place)
        deadlines.remove(.mark, place.number)
        exhaustion.remove(place)
        news.note(route.place)
        releaseNames(of: route)
    }

    /// Removes the marks of a provider, its deployments and its models.
    mutating func forgetMarks(of provider: NameID) {
        for route in exhaustion.marks.keys where self.provider(of: route) == provider {
            if let place = exhaustion.marks.find(route) { removeMark(place) }
        }
    }

    private func tellEnd(of place: ExhaustionRegistry.Place, _ end: MarkEnd, _ effects: inout [Event]) {
        let route = candidate(of: exhaustion.marks.key(of: place))
        effects.append(
            .providerRestored(
                ProviderRestored(provider: route.provider, deployment: route.deployment, model: route.model, end: end)))
    }

    /// A mark with the names of its route.
    func entry(_ route: RouteKey, _ mark: Mark) -> ExhaustionEntry {
        let names = candidate(of: route)
        var entry = ExhaustionEntry(
            provider: names.provider, exhaustedAt: mark.exhaustedAt, resetsAt: mark.resetsAt)
        entry.deployment = names.deployment
        entry.model = names.model
        entry.reason = mark.reason
        entry.user = mark.user
        entry.changedAt = mark.changedAt
        if profile.doubtsMarks, let due = mark.probeDueAt, due < mark.resetsAt { entry.probeAt = due }
        entry.isProbed = mark.probe != nil
        entry.failedProbes = mark.failedProbes
        return entry
    }

    /// The first provider at or after a number that is marked or paused as a whole.
    func nextMarked(from number: Int) -> NameID? {
        var number = number
        while let id = [exhaustion.marks.nextPlain(from: number), pauses.table.nextPlain(from: number)]
            .compactMap(\.self).min(by: { $0.index < $1.index })
        {
            if names.parent(of: id) == nil { return id }
            number = id.index + 1
        }
        return nil
    }

    /// How many marks and pauses in force each provider has, of its deployments and models.
    func narrowMarks(at now: Timestamp) -> [NameID: (marks: UInt32, pauses: UInt32)] {
        var counts: [NameID: (marks: UInt32, pauses: UInt32)] = [:]
        exhaustion.marks.forEach { route, place in
            guard exhaustion.marks[place].isInForce(at: now), isNarrow(route) else { return }
            counts[provider(of: route), default: (0, 0)].marks += 1
        }
        pauses.table.forEach { route, place in
            guard pauses.table[place].isInForce(at: now), isNarrow(route) else { return }
            counts[provider(of: route), default: (0, 0)].pauses += 1
        }
        return counts
    }

    private func isNarrow(_ route: RouteKey) -> Bool { route.model != nil || names.parent(of: route.place) != nil }

    // MARK: Deadlines

    /// Sets the deadline of a route's mark: its end, or when it is forgotten.
    mutating func setDeadline(ofMark route: RouteKey) {
        if let place = exhaustion.marks.find(route) { setDeadline(ofMark: place) }
    }

    private mutating func setDeadline(ofMark place: ExhaustionRegistry.Place) {
        deadlines.set(
            .mark, place.number, order: exhaustion.marks.key(of: place).order,
            at: exhaustion.marks[place].deadline.milliseconds)
    }

    /// Sets the deadline of every mark.
    mutating func setDeadlinesOfMarks() {
        let marks = exhaustion.marks
        marks.forEach { _, place in setDeadline(ofMark: place) }
    }

    /// Ends a mark whose end has come, or forgets one that was remembered for long enough.
    mutating func meetDeadline(ofMark place: ExhaustionRegistry.Place, _ effects: inout [Event]) {
        guard !exhaustion.marks[place].hasEnded else { return removeMark(place) }
        tellEnd(of: place, .expired, &effects)
        if exhaustion.end(place) { setDeadline(ofMark: place) } else { removeMark(place) }
    }
}
