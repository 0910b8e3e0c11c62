import FuseboxWire

/// The charge for a call with a permit.
private struct SettledUse<Text: NameText> {
    var charge: CreditLedger.Charge
    /// The number of the model that is charged; nil if it is new.
    var modelID: ModelID?
    /// The model that is charged, if none was asked for.
    var model: ChargedModel<Text>?
    /// The name that answered, if a model was asked for and a name was reported.
    var answer: Answer<Text>?
}

/// The name of the model that answered, and its number if it is known.
private struct Answer<Text: NameText> {
    var name: Text
    var id: ModelID?
}

extension StateMachine {
    // MARK: Permits

    /// The place of a permit that is in force or lapsed. Nil if it was settled.
    ///
    /// - Throws: `notFound` if nothing is known of it: it was never granted, a crash has undone it, or it is of very
    ///   long ago; `outcomeUnknown` if it may have been settled, and may as well not have been; `notPermitted` if it is
    ///   another user's
    @inline(__always)
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
        endProbes(ofPermit: place, at: now)
        let grant = permits.permits[place].grant
        news.note(grant.provider)
        limitTable.lapse(grant.charge, estimate: grant.need, givesBack: standing == .revoked, at: now)
        // The event is made before the permit lapses. If no lapsed permits are kept, it is forgotten at once, perhaps
        // with its names.
        var lapsed = permits.permits[place]
        lapsed.standing = standing
        lapsed.isInFlight = false
        lapsed.grant.expiresAt = now
        effects.append(.permitLapsed(PermitLapsed(entry: entry(lapsed, isVisible: true))))
        if let forgotten = permits.lapse(place, standing, at: now, keeping: bounds) {
            limitTable.forget(forgotten.grant.charge)
            releaseNames(of: forgotten.grant.scopes)
        }
    }

    /// A permit as the protocol's record.
    ///
    /// - Parameter isVisible: whether other users see it
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
        entry.ticket = permit.grant.ticket
        return entry
    }

    mutating func retainNames(of scopes: CallScopes) {
        retainRoute(of: scopes)
        retainTags(of: scopes)
    }

    mutating func releaseNames(of scopes: CallScopes) {
        releaseRoute(of: scopes)
        releaseTags(of: scopes)
    }

    mutating func retainRoute(of scopes: CallScopes) {
        if let provider = scopes.provider { names.retain(provider) }
        if let deployment = scopes.deployment { names.retain(deployment) }
        if let model = scopes.model { models.retain(model) }
    }

    mutating func releaseRoute(of scopes: CallScopes) {
        if let deployment = scopes.deployment { names.release(deployment) }
        if let provider = scopes.provider { names.release(provider) }
        if let model = scopes.model { models.release(model) }
    }

    /// Takes back what a dead worker's calls hold, as many as one turn may take.
    ///
    /// The provider may still charge for a call that was sent. So what is held against limits that deny stays until the
    /// end of its time to live. The call only stops counting as in flight.
    fileprivate mutating func reclaim(_ worker: WorkerID, at moment: Moment, _ effects: inout [Event]) {
        for _ in 0..<Bounds.duePerTurn {
            guard let place = permits.firstInFlight(of: worker) else { break }
            let grant = permits.permits[place].grant
            if limitTable.endFlight(grant.charge, estimate: grant.need, at: moment.now) {
                endProbes(ofPermit: place, at: moment.now)
                permits.endFlight(place)
                news.note(grant.provider)
            } else {
                lapse(place, .reclaimed, at: moment.now, &effects)
            }
        }
        _ = tellCrossings(at: moment, &effects)
    }

    /// Ends a permit in force by an operator's hand, whoever holds it. Of one that has ended gives back what limits assume.
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
        switch permit.standing {
        case .inForce: lapse(place, .revoked, at: now, &effects)
        case .expired, .reclaimed:
            limitTable.giveBackAssumed(permit.grant.charge, estimate: permit.grant.need, at: now)
            permits.giveBack(place)
        case .settled, .revoked, .unknown: break
        }
        return reply
    }

    // MARK: Settling

    fileprivate mutating func settle<Text: NameText>(
        _ command: SettleOf<Text>, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> SettleReply {
        try Self.validate(command.outcome, hasUsage: command.usage != nil, command.retryAfterMilliseconds)
        try Self.validate(command.markScope, command.outcome)
        var reply = SettleReply()
        guard let place = try findPermit(command.permit, application) else {
            reply.standing = .settled
            return reply
        }
        // What follows needs a few members of the permit, which is long.
        let provider = permits.permits[place].grant.provider
        let scopes = permits.permits[place].grant.scopes
        var use: SettledUse<Text>?
        if let usage = command.usage {
            use = try settledUse(usage, command.outcome, provider, scopes, application)
        }
        reply.standing = permits.permits[place].standing
        if reply.standing == .inForce { deadlines.remove(.permit, place) }
        limitTable.settle(
            permits.permits[place].grant.charge, estimate: permits.permits[place].grant.need,
            LimitTable.Used(command.outcome, use?.charge, estimate: permits.permits[place].grant.need),
            at: application.now)
        if command.outcome == .cancelled {
            ledger.takeBackRequest(
                scopes, grantedAt: permits.permits[place].grant.grantedAt, at: application.moment)
        }
        let need = permits.permits[place].grant.need
        let call = BreakerCall(permits.permits[place].grant, command.timing, application)
        if command.outcome == .success {
            noteLatency(
                command.timing, grantedAt: permits.permits[place].grant.grantedAt, reply.standing, scopes, application)
        }
        let ended = EndedCall(permits.permits[place])
        permits.settle(place)
        news.note(provider)
        count(command.outcome, retryAfter: command.retryAfterMilliseconds, call, application, &effects)
        noteMarks(
            of: ended, command.outcome, retryAfter: command.retryAfterMilliseconds, command.markScope, application,
            &effects)
        if let use {
            let used = command.outcome == .success ? CallNeed(use.charge, orAs: need) : CallNeed(use.charge)
            record(use, used, provider, scopes, application)
            noteCost(use.charge, command.outcome, scopes, by: application.user)
        } else if command.outcome == .success {
            ledger.add(UseSums(), parts: .unpriced, scopes, at: application.moment)
        }
        if !limitTable.isEmpty { reply.record = fire(provider, at: application.moment, &effects) }
        releaseNames(of: scopes)
        return reply
    }

    /// The charge for a call with a permit. It counts under the model that was asked for, whatever name answered, so
    /// that no limit is evaded. Checks that it can be recorded.
    @inline(__always)
    private func settledUse<Text: NameText>(
        _ usage: CallUsageOf<Text>, _ outcome: Outcome, _ provider: NameID, _ scopes: CallScopes,
        _ application: Application
    ) throws(Refusal) -> SettledUse<Text> {
        let charge = try charge(usage, outcome, of: names[provider], asked: scopes.model.map { models[$0] })
        var use = SettledUse<Text>(charge: charge, modelID: scopes.model)
        if scopes.model == nil {
            let model = chargedModel(usage.model, of: names[provider])
            use.model = model
            use.modelID = find(model)
            // The model that answered needs room. There is always some for the one of calls that name none.
            if usage.model != nil {
                try checkAccounts(
                    provider, isOther: names[provider] == .otherProvider, model, use.modelID, by: application)
            }
        } else if let name = usage.model {
            use.answer = try answer(name, application)
        }
        var charged = scopes
        charged.model = use.modelID
        try ledger.check(use.charge, charged, requests: 1, under: profile)
        return use
    }

    /// Records what a call with a permit has cost, on the accounts that it was admitted under.
    private mutating func record<Text: NameText>(
        _ use: SettledUse<Text>, _ need: CallNeed, _ provider: NameID, _ scopes: CallScopes,
        _ application: Application
    ) {
        var charged = scopes
        charged.model = use.modelID
        if let model = use.model, charged.model == nil { charged.model = intern(model, by: application.user) }
        // The accounts exist, unless the provider was forgotten meanwhile or no model was asked for.
        openAccounts(charged, application)
        // The account and the limits of the model that answered count the request now.
        if use.model != nil {
            ledger.countRequest(provider, charged.model, at: application.moment)
            limitTable.report(charged, &tags, need, isOfModelAlone: true, at: application.moment)
        }
        ledger.count(use.charge, charged, requests: 0, at: application.moment, under: profile)
        if let answer = use.answer, let asked = scopes.model { note(answer, of: asked, provider, application) }
    }

    fileprivate mutating func report<Text: NameText>(
        _ command: ReportOf<Text>, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> LedgerRecordReply {
        try Self.validate(command.outcome, hasUsage: command.usage != nil, command.retryAfterMilliseconds)
        try Self.validate(command.markScope, command.outcome)
        try Self.validate(command.tags)
        try checkRequiredTags(command.tags)
        let asked = look(command.tags, folds: command.foldsTags, application)
        try checkTags(asked, folds: command.foldsTags, by: application)
        var route = route(by: command.candidate)
        var answer: Answer<Text>?
        // Nobody told what it used: it was a request all the same.
        let charge = try charge(command.usage, command.outcome, by: route)
        if let usage = command.usage {
            if route.model == nil {
                self.charge(usage.model, &route)
            } else if let name = usage.model, !isCharged(name, by: route) {
                answer = try self.answer(name, application)
            }
        } else if route.providerID == nil {
            try checkNewName(route.provider, by: application)
        }
        if command.usage != nil || command.outcome != .cancelled { try check(charge, route, application) }
        let breaker = try breaker(of: &route, namesModel: command.candidate.model != nil, application)
        let call = BreakerCall(of: breakers.key(of: breaker), application)
        let provider = provider(of: call.breaker)
        count(command.outcome, retryAfter: command.retryAfterMilliseconds, call, application, &effects)
        guard command.outcome != .cancelled else { return LedgerRecordReply() }
        let scopes = try record(
            charge, route, asked, command.tags, folds: command.foldsTags, application, isChecked: true)
        var asking = scopes
        if command.candidate.model == nil { asking.model = nil }
        noteMarks(
            of: EndedCall(routes: asking.routes), command.outcome, retryAfter: command.retryAfterMilliseconds,
            command.markScope, application, &effects)
        noteCost(charge, command.outcome, asking, by: application.user)
        if let usage = command.usage, let name = usage.model, command.candidate.model != nil, let model = scopes.model {
            // Without a report, the name that was asked for has answered.
            note(answer ?? Answer(name: name, id: model), of: model, provider, application)
        }
        return limitTable.isEmpty ? LedgerRecordReply() : fire(provider, at: application.moment, &effects)
    }

    /// A name that has answered in the place of the model that was asked for.
    ///
    /// The name is for display. The engine leaves it out if there is no room for it, so that the reply does not claim
    /// that it was kept.
    ///
    /// - Throws: `limitReached`
    private func answer<Text: NameText>(_ name: Text, _ application: Application) throws(Refusal) -> Answer<Text> {
        let id = models.find(name)
        if id == nil { try checkNewModel(isUnspecified: name.isSame(as: .unspecifiedModel), by: application) }
        return Answer(name: name, id: id)
    }

    /// Keeps the name that answered beside the account of the model that was asked for and is charged.
    private mutating func note<Text: NameText>(
        _ answer: Answer<Text>, of asked: ModelID, _ provider: NameID, _ application: Application
    ) {
        guard let account = ledger.findModel(provider, asked) else { return }
        let before = ledger.models[account].answering
        // The call itself may have made it known.
        let known = answer.id ?? models.find(answer.name)
        if known == asked {
            guard before != nil else { return }
            ledger.models[account].answering = nil
        } else {
            guard known == nil || known != before else { return }
            let id = known ?? models.intern(answer.name, by: application.user)
            models.retain(id)
            ledger.models[account].answering = id
        }
        if let before { models.release(before) }
    }

    /// Checks that an outcome, a usage and a time go together.
    private static func validate(
        _ outcome: Outcome, hasUsage: Bool, _ retryAfter: Int64?
    ) throws(Refusal) {
        if !outcome.takesUsage, hasUsage {
            throw Refusal(.outOfRange, "a call that was never sent has used nothing; `abandoned` counts usage")
        }
        guard let retryAfter else { return }
        guard outcome.takesRetryAfter else {
            throw Refusal(
                .outOfRange,
                "retryAfter goes with \(Outcome.withRetryAfter()) only, not with \(outcome)")
        }
        try validateDuration(retryAfter, "retryAfter")
    }

    /// Counts at the breaker how a call went.
    private mutating func count(
        _ outcome: Outcome, retryAfter: Int64?, _ call: BreakerCall, _ application: Application,
        _ effects: inout [Event]
    ) {
        switch outcome {
        case .success: countAtBreaker(isFailure: false, call, application, &effects)
        case .failure, .throttled:
            // A provider that throttles and says for how long is healthy. The mark keeps calls away for that time.
            if outcome == .failure || retryAfter == nil {
                countAtBreaker(isFailure: true, call, application, &effects)
            }
        case .quotaExhausted, .unauthorized, .rejected, .abandoned, .cancelled: return
        }
    }
}

// MARK: Commands

extension SettleOf: StateCommand {
    /// The form in which the engine decodes it.
    public typealias InPlace = SettleOf<NameView>

    /// Closes the permit, and counts how its call went and what it used. A permit that was settled before changes
    /// nothing.
    ///
    /// - Throws: `outOfRange` for a usage or a time outside its range, or one that does not go with the outcome;
    ///   `notFound` if nothing is known of the permit; `outcomeUnknown` if it is not known any more whether it was
    ///   settled; `notPermitted` if it is another user's; `overflow` if a sum would leave its range; `limitReached` if
    ///   there is no room for the model that answered.
    @specialized(where Text == NameView)
    @specialized(where Text == Name)
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.settle(self, application, &effects)
    }
}

extension ReportOf: StateCommand {
    /// The form in which the engine decodes it.
    public typealias InPlace = ReportOf<NameView>

    /// Counts how the call went and what it used.
    ///
    /// - Throws: `outOfRange` for a usage or a time outside its range, or one that does not go with the outcome, for a
    ///   tag that callers may not name, and if a tag is missing that every call needs; `overflow` if a sum would leave
    ///   its range; `notFound` if the provider is new and workers may not add one; `limitReached` if there is no room
    ///   for a new name, account or tag.
    @specialized(where Text == NameView)
    @specialized(where Text == Name)
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.report(self, application, &effects)
    }
}

extension Revoke: StateCommand {
    /// Ends the permit if it is in force, and gives back what it holds, or what limits assume of it if it has ended unsettled.
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
    init(_ outcome: Outcome, _ charge: CreditLedger.Charge?, estimate: CallNeed) {
        if outcome == .cancelled {
            self = .cancelled
        } else if let charge {
            self = .told(outcome == .success ? CallNeed(charge, orAs: estimate) : CallNeed(charge))
        } else {
            // A success has used something, even if the amount is unknown.
            self = outcome == .success ? .estimate : .told(CallNeed())
        }
    }
}
