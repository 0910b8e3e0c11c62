import FuseboxWire

extension StateMachine {
    /// The number of routes that operators have paused.
    public var pauseCount: Int { pauses.count }

    fileprivate mutating func pause(
        _ command: ExhaustionPause, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> ExhaustionPause.Reply {
        guard 1...WireLimits.textLength ~= command.reason.utf8.count else {
            throw Refusal(.outOfRange, "a pause needs a reason, of at most \(WireLimits.textLength) bytes")
        }
        if let milliseconds = command.durationMilliseconds, !ValueRanges.pause.contains(milliseconds) {
            throw Refusal(.outOfRange, "the pause of \(milliseconds) ms must lie between 1 ms and 366 days")
        }
        let route = route(command.provider, command.deployment, command.model)
        let known = try find(route, ifItMustBeKnown: command.mustBeKnown)
        try check(route, by: application)
        let before = known.flatMap { pauses.table[$0] }
        guard before != nil || pauses.count < bounds.pauses else {
            throw Refusal(.limitReached, "there are \(pauses.count) pauses, which is the limit; resume some")
        }
        let key = intern(route, by: application.user)
        if before == nil { retainNames(of: key) }
        let standing = before.flatMap { $0.isInForce(at: application.now) ? $0 : nil }
        let pause = PauseTable.Pause(
            since: standing?.since ?? application.now,
            until: command.durationMilliseconds.map { application.now + $0 }, user: application.user,
            reason: command.reason)
        setDeadline(ofPause: pauses.table.insert(pause, for: key))
        var reply = ExhaustionPause.Reply()
        reply.entry = entry(key, pause)
        effects.append(.routePaused(RoutePaused(entry: reply.entry)))
        return reply
    }

    /// Removes a pause, and reports it.
    private mutating func endPause(_ place: PauseTable.Place, expired: Bool, _ effects: inout [Event]) {
        let route = pauses.table.key(of: place)
        effects.append(
            .routeResumed(RouteResumed(entry: entry(route, pauses.table[place]), expired: expired)))
        deadlines.remove(.pause, place.number)
        pauses.table.remove(at: place)
        news.note(route.place)
        releaseNames(of: route)
    }

    fileprivate mutating func resume(_ key: RouteKey, at now: Timestamp, _ effects: inout [Event]) -> Bool {
        guard let place = pauses.table.find(key) else { return false }
        // One whose time has passed ends by that, if a moment late.
        let wasPaused = pauses.table[place].isInForce(at: now)
        endPause(place, expired: !wasPaused, &effects)
        return wasPaused
    }

    /// The pause that keeps calls by a route away the longest. Nil if none is in force.
    func longestPause(of routes: CallRoutes, at now: Timestamp) -> PauseEntry? {
        var longest: (route: RouteKey, pause: PauseTable.Pause)?
        for place in 0..<CallRoutes.count {
            guard let route = routes[place], let pause = pauses.pause(route, at: now) else { continue }
            if longest.map({ $0.pause.ends(before: pause) }) ?? true { longest = (route, pause) }
        }
        return longest.map { entry($0.route, $0.pause) }
    }

    /// A pause with the names of its route.
    func entry(_ route: RouteKey, _ pause: PauseTable.Pause) -> PauseEntry {
        let names = candidate(of: route)
        var entry = PauseEntry()
        entry.provider = names.provider
        entry.deployment = names.deployment
        entry.model = names.model
        entry.since = pause.since
        entry.until = pause.until
        entry.user = pause.user
        entry.reason = pause.reason
        return entry
    }

    // MARK: Deadlines

    /// Brings the deadline of a pause in line with its end.
    private mutating func setDeadline(ofPause place: PauseTable.Place) {
        if let until = pauses.table[place].until {
            deadlines.set(.pause, place.number, order: pauses.table.key(of: place).order, at: until.milliseconds)
        } else {
            deadlines.remove(.pause, place.number)
        }
    }

    /// Sets the deadline of every pause.
    mutating func setDeadlinesOfPauses() {
        let table = pauses.table
        table.forEach { _, place in setDeadline(ofPause: place) }
    }

    /// Ends a pause whose time has passed.
    mutating func meetDeadline(ofPause place: PauseTable.Place, _ effects: inout [Event]) {
        endPause(place, expired: true, &effects)
    }
}

extension PauseTable.Pause {
    /// Whether another pause lasts longer.
    fileprivate func ends(before other: PauseTable.Pause) -> Bool {
        guard let until else { return false }
        return other.until.map { until < $0 } ?? true
    }
}

extension ExhaustionPause: StateCommand {
    /// Pauses the route.
    ///
    /// - Throws: `outOfRange` without a reason, and for a duration outside its range; `notFound` if the names must be
    ///   known and one is not; `limitReached` if there is no room for a new name, or for one more pause.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.pause(self, application, &effects)
    }
}

extension ExhaustionResume: StateCommand {
    /// Ends the route's pause.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        let route = machine.route(provider, deployment, model)
        let routes = route.routes
        var reply = Reply()
        for key in [machine.literalKey(provider, deployment, model), machine.find(route)].compactMap(\.self)
        where !reply.wasPaused {
            reply.wasPaused = machine.resume(key, at: application.now, &effects)
        }
        reply.remaining = machine.longestPause(of: routes, at: application.now)
        return reply
    }
}

extension ExhaustionPauses: StateCommand {
    /// Returns a page of the pauses in force.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        let routes = machine.pauses.table.keys(from: cursor, atMost: WireLimits.pausesPerPage + 1)
        for route in routes.prefix(WireLimits.pausesPerPage) {
            guard let pause = machine.pauses.pause(route, at: application.now) else { continue }
            reply.entries.append(machine.entry(route, pause))
        }
        if routes.count > WireLimits.pausesPerPage { reply.next = routes[WireLimits.pausesPerPage].order }
        return reply
    }
}
