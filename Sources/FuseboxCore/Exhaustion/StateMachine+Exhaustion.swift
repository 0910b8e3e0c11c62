import FuseboxWire

/// Checks that a duration is in the range of cooldowns.
///
/// - Throws: `outOfRange`. The message begins with `what`.
func validateDuration(_ milliseconds: Int64, _ what: StaticString) throws(Refusal) {
    guard ValueRanges.cooldown.contains(milliseconds) else {
        throw Refusal(.outOfRange, "\(what) \(milliseconds) ms must lie between 0 and 366 days")
    }
}

/// Checks a moment in an imported record. It must be within the range of clocks, extended by the longest duration at
/// both ends.
///
/// - Throws: `outOfRange`. The message begins with `what`.
func validateMoment(_ moment: Timestamp, _ what: StaticString) throws(Refusal) {
    let earliest = Timestamp.earliest - ValueRanges.longestMilliseconds
    let latest = Timestamp.latest + ValueRanges.longestMilliseconds
    guard earliest <= moment, moment <= latest else {
        throw Refusal(
            .outOfRange, "\(what), \(moment.milliseconds) ms, must lie between the years 1969 and 275761")
    }
}

extension StateMachine {
    fileprivate mutating func mark(
        _ command: ExhaustionMark, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> ExhaustionMark.Reply {
        if let milliseconds = command.resetAfterMilliseconds {
            try validateDuration(milliseconds, "resetAfter")
        }
        if let moment = command.exhaustedAt {
            try validateMoment(moment, "exhaustedAt")
            guard moment <= application.now else {
                throw Refusal(.outOfRange, "exhaustedAt, \(moment.milliseconds) ms, must not lie in the future")
            }
        }
        let route = route(command.provider, command.deployment, command.model)
        try check(route, by: application)
        if route.model != nil, find(route).map({ !exhaustion.contains($0) }) ?? true {
            try modelMarksBound.check(
                exhaustion.marks.modelledCount, ofUser: exhaustion.modelCount(of: application.user), by: application)
        }
        let key = intern(route, by: application.user)
        let claim = MarkClaim(
            reason: .told, milliseconds: command.resetAfterMilliseconds, user: application.user,
            exhaustedAt: command.exhaustedAt)
        var reply = ExhaustionMark.Reply()
        reply.resetsAt = mark(key, claim, application, &effects).resetsAt
        return reply
    }

    /// The mark that keeps calls by a route away the longest. Nil if none is in force.
    func longestMark(of routes: CallRoutes, at now: Timestamp) -> ExhaustionEntry? {
        var longest: (route: RouteKey, mark: Mark)?
        for place in 0..<CallRoutes.count {
            guard let route = routes[place], let mark = exhaustion.mark(route, at: now) else { continue }
            if longest.map({ $0.mark.resetsAt < mark.resetsAt }) ?? true { longest = (route, mark) }
        }
        return longest.map { entry($0.route, $0.mark) }
    }
}

extension ExhaustionMark: StateCommand {
    /// Marks the route.
    ///
    /// - Throws: `outOfRange` for a duration outside its range; `notFound` if the provider is new and workers may not
    ///   add one; `limitReached` if there is no room for a new name, or for one more mark of a model.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.mark(self, application, &effects)
    }
}

extension ExhaustionClear: StateCommand {
    /// Removes the route's mark.
    ///
    /// - Throws: `notFound` if the names must be known and one is not.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        let route = machine.route(provider, deployment, model)
        let key = try machine.find(route, ifItMustBeKnown: mustBeKnown)
        for key in [machine.literalKey(provider, deployment, model), key].compactMap(\.self) {
            guard let place = machine.exhaustion.marks.find(key) else { continue }
            machine.endMark(place, .cleared, at: application.now, &effects)
            break
        }
        return Done()
    }
}

extension ExhaustionReset: StateCommand {
    /// Removes every mark.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        for route in machine.exhaustion.marks.keys {
            guard let place = machine.exhaustion.marks.find(route) else { continue }
            machine.endMark(place, .cleared, at: application.now, &effects)
        }
        return Done()
    }
}

extension ExhaustionSetDefault: StateCommand {
    /// Sets the default cooldown and the longest mark, as far as they are told.
    ///
    /// - Throws: `outOfRange` for a duration outside its range.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        if let cooldownMilliseconds { try validateDuration(cooldownMilliseconds, "the default cooldown") }
        if let longestMilliseconds { try validateLongestMark(longestMilliseconds) }
        if let cooldownMilliseconds { machine.exhaustion.defaultCooldownMilliseconds = cooldownMilliseconds }
        if let longestMilliseconds { machine.exhaustion.longestMilliseconds = longestMilliseconds }
        return Done()
    }
}

/// Checks how long marks may last at most.
///
/// - Throws: `outOfRange`
func validateLongestMark(_ milliseconds: Int64) throws(Refusal) {
    guard ValueRanges.longestMark.contains(milliseconds) else {
        throw Refusal(.outOfRange, "the longest mark \(milliseconds) ms must lie between a minute and 366 days")
    }
}

extension ExhaustionGet: StateCommand {
    /// Returns the mark and the pause that keep calls by the route away the longest.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        let routes = machine.route(provider, deployment, model).routes
        var reply = Reply()
        reply.entry = machine.longestMark(of: routes, at: application.now)
        reply.pause = machine.longestPause(of: routes, at: application.now)
        return reply
    }
}

extension ExhaustionList: StateCommand {
    /// Returns a page of the marks in force.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        // Marks that have ended are passed over, so a page may have fewer, or none.
        let routes = machine.exhaustion.marks.keys(from: cursor, atMost: WireLimits.marksPerPage + 1)
        for route in routes.prefix(WireLimits.marksPerPage) {
            guard let mark = machine.exhaustion.mark(route, at: application.now) else { continue }
            reply.entries.append(machine.entry(route, mark))
        }
        if routes.count > WireLimits.marksPerPage { reply.next = routes[WireLimits.marksPerPage].order }
        return reply
    }
}

extension ExhaustionDefault: StateCommand {
    /// Returns the default cooldown and the longest mark.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        reply.cooldownMilliseconds = machine.exhaustion.defaultCooldownMilliseconds
        reply.longestMilliseconds = machine.exhaustion.longestMilliseconds
        return reply
    }
}
