import FuseboxWire

extension StateMachine {
    // MARK: Permits

    /// The place of a permit that is in force or lapsed; nil if it was settled.
    ///
    /// - Throws: `notFound` if nothing is known of it: it was never granted, a crash has undone it, or it is of very
    ///   long ago; `outcomeUnknown` if it may have been settled, and may as well not have been; `notPermitted` if it is
    ///   another user's
    func findPermit(_ number: UInt64, _ application: Application) throws(Refusal) -> Int? {
        guard let place = permits.find(number) else {
            let meaning =
                permits.wasGranted(number) ? permits.forgotten.meaning(of: number, to: application.user) : .forgotten
            switch meaning {
            case .settled: return nil
            case .forgotten:
                throw Refusal(
                    .notFound,
                    "nothing is known of a permit \(number); tell what its call used with `admission.report`")
            case .unknown:
                throw Refusal(
                    .outcomeUnknown,
                    "whether permit \(number) was settled before is not known any more; its call is not counted again")
            }
        }
        guard permits.permits[place].grant.user == application.user else {
            throw Refusal(.notPermitted, "permit \(number) was granted to a process of another user")
        }
        return place
    }

    /// Ends a permit that was not settled.
    mutating func lapse(
        _ place: Int, _ standing: PermitStanding, at now: Timestamp, _ effects: inout [Event]
    ) {
        deadlines.remove(.permit, place)
        let grant = permits.permits[place].grant
        limitTable.lapse(grant.charge, estimate: grant.need, givesBack: standing == .revoked, at: now)
        // Told before it lapses: where none are kept, it is forgotten at once, and its names perhaps with it.
        var lapsed = permits.permits[place]
        lapsed.standing = standing
        lapsed.isInFlight = false
        effects.append(.permitLapsed(PermitLapsed(entry: entry(lapsed, isVisible: true))))
        if let forgotten = permits.lapse(place, standing, keeping: bounds) {
            limitTable.forget(forgotten.grant.charge)
            releaseNames(of: forgotten.grant)
        }
    }

    /// A permit as the wire has it.
    ///
    /// - Parameter isVisible: whether others see it
    func entry(_ permit: PermitRegistry.Permit, isVisible: Bool) -> PermitEntry {
        var entry = PermitEntry()
        entry.permit = permit.number
        entry.provider = names[permit.grant.provider]
        entry.deployment = permit.grant.deployment.map { names[$0] }
        entry.model = permit.grant.model.map { models[$0] }
        permit.grant.scopes.forEachTag { entry.tags.append(tags[$0]) }
        entry.standing = permit.standing
        entry.worker = isVisible ? permit.grant.worker.visible : permit.grant.worker
        entry.user = permit.grant.user
        entry.estimate = permit.grant.estimate
        entry.grantedAt = permit.grant.grantedAt
        entry.expiresAt = permit.grant.expiresAt
        entry.isInFlight = permit.isInFlight
        return entry
    }

    mutating func retainNames(of grant: PermitRegistry.Grant) {
        retainRoute(of: grant)
        retainTags(of: grant.scopes)
    }

    mutating func releaseNames(of grant: PermitRegistry.Grant) {
        releaseRoute(of: grant)
        releaseTags(of: grant.scopes)
    }

    mutating func retainRoute(of grant: PermitRegistry.Grant) {
        names.retain(grant.provider)
        if let deployment = grant.deployment { names.retain(deployment) }
        if let model = grant.model { models.retain(model) }
    }

    mutating func releaseRoute(of grant: PermitRegistry.Grant) {
        if let deployment = grant.deployment { names.release(deployment) }
        names.release(grant.provider)
        if let model = grant.model { models.release(model) }
    }

    /// Takes back what a dead worker's calls hold, as many as one turn may take.
    ///
    /// A call that was sent may still be charged for: what is held against limits that deny stays until its time to
    /// live, and only stops counting as in flight.
    fileprivate mutating func reclaim(_ worker: WorkerID, at moment: Moment, _ effects: inout [Event]) {
        for _ in 0..<Bounds.duePerTurn {
            guard let place = permits.firstInFlight(of: worker) else { break }
            let grant = permits.permits[place].grant
            if limitTable.endFlight(grant.charge, estimate: grant.need, at: moment.now) {
                permits.endFlight(place)
            } else {
                lapse(place, .reclaimed, at: moment.now, &effects)
            }
        }
        _ = tellCrossings(at: moment, &effects)
    }

    /// Ends a permit in force by an operator's hand, whoever holds it.
    fileprivate mutating func revoke(
        _ number: UInt64, at now: Timestamp, _ effects: inout [Event]
    ) throws(Refusal) -> Revoke.Reply {
        var reply = Revoke.Reply()
        guard let place = permits.find(number) else {
            guard permits.wasGranted(number), number > permits.forgotten.highest else {
                throw Refusal(
                    .notFound, "nothing is known of a permit \(number); `fusebox permits list` shows those in force")
            }
            reply.standing = .settled
            return reply
        }
        let permit = permits.permits[place]
        reply.standing = permit.standing
        reply.entry = entry(permit, isVisible: true)
        if permit.standing == .inForce { lapse(place, .revoked, at: now, &effects) }
        return reply
    }

    // MARK: Settling

    fileprivate mutating func settle(
        _ command: borrowing Settle, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Settle.Reply {
        try Self.validate(command.outcome, command.usage, command.retryAfterMilliseconds)
        var reply = Settle.Reply()
        guard let place = try findPermit(command.permit, application) else {
            reply.standing = .settled
            return reply
        }
        let permit = permits.permits[place]
        let grant = permit.grant
        let route = Candidate(provider: names[grant.provider], model: grant.model.map { models[$0] })
        let usage = grant.model == nil ? rules.charged(command.usage, of: route.provider) : command.usage
        let call = try chargedCall(usage, route, application, wasAdmitted: true)
        reply.standing = permit.standing
        if permit.standing == .inForce { deadlines.remove(.permit, place) }
        permits.settle(place)
        limitTable.settle(
            grant.charge, estimate: grant.need, LimitTable.Used(command.outcome, command.usage), at: application.now)
        if command.outcome == .cancelled {
            ledger.takeBackRequest(grant.scopes, grantedAt: grant.grantedAt, at: application.moment)
        }
        try count(command.outcome, retryAfter: command.retryAfterMilliseconds, grant.provider, application, &effects)
        if let call {
            try record(call, of: grant, application)
            noteAnswer(usage?.model, of: grant.model, grant.provider, application)
        }
        if !limitTable.isEmpty { reply.record = fire(grant.provider, at: application.moment, &effects) }
        releaseNames(of: grant)
        return reply
    }

    /// Records what a call with a permit has cost, on the accounts that it was admitted under.
    private mutating func record(
        _ call: borrowing ChargedCall, of grant: PermitRegistry.Grant, _ application: Application
    ) throws(Refusal) {
        var scopes = grant.scopes
        let asked = scopes.model
        if asked == nil { scopes.model = call.route.model.map { models.intern($0, by: application.user) } }
        // They are there, unless the provider was forgotten meanwhile, or no model was asked for.
        openAccounts(scopes, application)
        // The account of the model that answered counts the request now.
        if asked == nil { ledger.countRequest(grant.provider, scopes.model, at: application.moment) }
        try ledger.record(call.charge, scopes, requests: 0, at: application.moment, under: profile)
    }

    fileprivate mutating func report(
        _ command: borrowing Report, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Report.Reply {
        try Self.validate(command.outcome, command.usage, command.retryAfterMilliseconds)
        try Self.validate(command.tags)
        try checkRequiredTags(command.tags)
        try checkTags(command.tags, folds: command.foldsTags, application)
        let route = rules.charged(command.candidate)
        let told = route.model == nil ? rules.charged(command.usage, of: route.provider) : command.usage
        let used = try chargedCall(told, route, application)
        // Nobody told what it used: it was a request all the same.
        let nothing = CreditLedger.Charge(cost: .zero, inputTokens: 0, outputTokens: 0)
        let call = used ?? ChargedCall(route: route, charge: nothing)
        if used == nil, command.outcome != .cancelled { try check(call, application) }
        let provider = try breaker(route.provider, application)
        try count(command.outcome, retryAfter: command.retryAfterMilliseconds, provider, application, &effects)
        guard command.outcome != .cancelled else { return Report.Reply() }
        _ = try record(call, command.tags, folds: command.foldsTags, application, isChecked: true)
        if used != nil {
            noteAnswer(told?.model, of: route.model.flatMap { models.find($0) }, provider, application)
        }
        return limitTable.isEmpty ? Report.Reply() : fire(provider, at: application.moment, &effects)
    }

    /// Checks that there is room for the tags of a call without a permit.
    ///
    /// - Throws: `limitReached`
    func checkTags(
        _ told: borrowing WireLimits.TagList, folds: Bool, _ application: Application
    ) throws(Refusal) {
        if !told.isEmpty { try admitTags(told, folds: folds, by: application) }
    }

    /// Keeps the name that answered beside the account of the model that was asked for and is charged.
    ///
    /// `checkUsage` has found room for it.
    ///
    /// - Parameter asked: the model that was asked for; nil: none was, and the name that answered is charged itself
    private mutating func noteAnswer(
        _ answering: Name?, of asked: ModelID?, _ provider: NameID, _ application: Application
    ) {
        guard let answering, let asked, let account = ledger.findModel(provider, asked) else { return }
        let before = ledger.models[account].answering
        if answering == models[asked] {
            ledger.models[account].answering = nil
        } else {
            let known = models.find(answering)
            guard known == nil || known != before else { return }
            let id = known ?? models.intern(answering, by: application.user)
            models.retain(id)
            ledger.models[account].answering = id
        }
        if let before { models.release(before) }
    }

    /// Checks that an outcome, a usage and a time go together.
    private static func validate(
        _ outcome: Outcome, _ usage: CallUsage?, _ retryAfter: Int64?
    ) throws(Refusal) {
        if outcome == .cancelled, usage != nil {
            throw Refusal(.outOfRange, "a call that was never sent has used nothing; `abandoned` counts usage")
        }
        guard let retryAfter else { return }
        guard outcome.takesRetryAfter else {
            throw Refusal(
                .outOfRange,
                "retryAfter goes with `failure`, `throttled` and `quotaExhausted` only, not with \(outcome)")
        }
        try validateDuration(retryAfter, "retryAfter")
    }

    /// What a call is charged with: under the model that was asked for, whatever name answered, so that no limit is
    /// walked around. Checks that it can be recorded.
    ///
    /// - Parameter wasAdmitted: whether the call was admitted, and there is room for what it was admitted under
    /// - Returns: nil if nobody told what it used
    private func chargedCall(
        _ usage: CallUsage?, _ route: Candidate, _ application: Application, wasAdmitted: Bool = false
    ) throws(Refusal) -> ChargedCall? {
        guard let usage else {
            if !wasAdmitted { try admitName(route.provider, by: application) }
            return nil
        }
        // The name that answered is for display, but what is not kept must not be told to have been: whoever asks
        // leaves it out if it finds no room.
        if let answering = usage.model, route.model != nil, answering != route.model {
            try admitModel(answering, by: application)
        }
        var charged = route
        charged.model = route.model ?? usage.model ?? .unspecifiedModel
        let call = ChargedCall(
            route: charged,
            charge: CreditLedger.Charge(
                cost: usage.cost, inputTokens: Int64(usage.inputTokens), outputTokens: Int64(usage.outputTokens)))
        // Where none was asked for, the model that answered needs room; the one that was asked for has it.
        try check(call, application, isCovered: wasAdmitted && (usage.model == nil || route.model != nil))
        return call
    }

    /// Lets breaker and exhaustion know how a call went.
    private mutating func count(
        _ outcome: Outcome, retryAfter: Int64?, _ provider: NameID, _ application: Application,
        _ effects: inout [Event]
    ) throws(Refusal) {
        switch outcome {
        case .success:
            _ = try breaker(names[provider], application)
            recordSuccess(of: provider, application, &effects)
        case .failure, .throttled:
            // A provider that throttles and says for how long is healthy: the mark keeps calls away for just so long.
            if outcome == .failure || retryAfter == nil {
                _ = try breaker(names[provider], application)
                recordFailure(of: provider, application, &effects)
            }
            if let retryAfter { mark(provider, for: retryAfter, application, &effects) }
        case .quotaExhausted: mark(provider, for: retryAfter, application, &effects)
        case .rejected, .abandoned, .cancelled: return
        }
    }
}

// MARK: Commands

extension Settle: StateCommand {
    /// Closes the permit, and counts how its call went and what it used. A permit that was settled before changes
    /// nothing.
    ///
    /// - Throws: `outOfRange` for a usage or a time outside its range, or one that does not go with the outcome;
    ///   `notFound` if nothing is known of the permit; `outcomeUnknown` if it is not known any more whether it was
    ///   settled; `notPermitted` if it is another user's; `overflow` if a sum would leave its range; `limitReached` if
    ///   there is no room for the model that answered.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.settle(self, application, &effects)
    }
}

extension Report: StateCommand {
    /// Counts how the call went and what it used.
    ///
    /// - Throws: `outOfRange` for a usage or a time outside its range, or one that does not go with the outcome, for a
    ///   tag that callers may not name, and if a tag is missing that every call needs; `overflow` if a sum would leave
    ///   its range; `notFound` if the provider is new and workers may not add one; `limitReached` if there is no room
    ///   for a new name, account or tag.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.report(self, application, &effects)
    }
}

extension Revoke: StateCommand {
    /// Ends the permit if it is in force, and gives back what it holds.
    ///
    /// - Throws: `notFound` if nothing is known of the permit.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.revoke(permit, at: application.now, &effects)
    }
}

extension ReclaimPermits: StateCommand {
    /// Ends the worker's permits, at most `Bounds.duePerTurn` at a time. Those that hold something of a limit
    /// that denies only stop counting as in flight.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        machine.reclaim(worker, at: application.moment, &effects)
        return Done()
    }
}

extension BeginPermitNumbers: StateCommand {
    /// Begins a new run of permit numbers.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        machine.permits.beginRun(at: application.now, salt: salt)
        return Done()
    }
}

extension LimitTable.Used {
    /// What a call has used, by the way it went.
    init(_ outcome: Outcome, _ usage: CallUsage?) {
        if outcome == .cancelled {
            self = .cancelled
        } else if let usage {
            self = .told(
                CallNeed(
                    cost: usage.cost.nanodollars, inputTokens: Int64(usage.inputTokens),
                    outputTokens: Int64(usage.outputTokens)))
        } else {
            // A success has used something, though nobody says how much.
            self = outcome == .success ? .estimate : .told(CallNeed())
        }
    }
}
