import FuseboxWire

/// What stands against one candidate.
struct Objections: Sendable {
    /// The reason that lasts longest; of those that last equally long the first in the order of `DenialReason`.
    private(set) var longest: DenialReason?
    /// How long it will stand by time alone; nil: for ever.
    private var milliseconds: Int64? = 0
    /// Whether its quota is marked as exhausted.
    private(set) var hasMark = false
    /// Whether nothing but the share stands against it.
    var isShareOnly: Bool { longest == .share && !isMoreThanShare }
    private var isMoreThanShare = false
    /// The limit behind the reason that lasts longest, if that is one.
    private(set) var limit: LimitTable.Objection?

    /// Reasons are added in the order of `DenialReason`.
    ///
    /// - Parameter milliseconds: until time alone lifts it; nil: never
    mutating func add(
        _ reason: DenialReason, for milliseconds: Int64?, of limit: @autoclosure () -> LimitTable.Objection? = nil
    ) {
        if reason != .share { isMoreThanShare = true }
        if reason == .exhausted { hasMark = true }
        if longest != nil {
            guard let standing = self.milliseconds else { return }
            if let milliseconds, milliseconds <= standing { return }
        }
        longest = reason
        self.milliseconds = milliseconds
        self.limit = limit()
    }

    var denial: Denial? { longest.map { Denial(reason: $0, retryAfterMilliseconds: milliseconds) } }
}

/// What an admission asks for, its candidates and tags aside.
private struct AdmissionTerms {
    var estimate: Estimate
    var ttlMilliseconds: Int64
    var explains: Bool
    var foldsTags: Bool
}

extension StateMachine {
    // MARK: Looking

    /// Looks at the candidates in their order, up to the first that nothing stands against. Changes nothing.
    func decide(
        _ candidates: borrowing Candidates, _ tags: borrowing WireLimits.TagList, foldsTags: Bool,
        _ estimate: Estimate, explains: Bool, _ application: Application
    ) -> (decision: AdmissionDecision, objections: Candidates.Values<Objections>) {
        let moment = application.moment
        var decision = AdmissionDecision()
        let need = CallNeed(estimate)
        var all = Candidates.Values<Objections>(repeating: Objections())
        let asked = limitTable.isEmpty ? nil : look(tags, folds: foldsTags, application)
        for place in candidates.indices {
            all[place] = objections(to: candidates[place], at: moment)
            if let asked {
                addLimits(
                    to: candidates[place], asked, need, at: moment, &all[place],
                    telling: explains ? UInt8(place) : nil, in: &decision.limits)
            }
            guard let denial = all[place].denial else {
                decision.candidate = UInt8(place)
                decision.retryAfterMilliseconds = nil
                if let breaker = names.find(candidates[place].provider).flatMap({ breakers[$0] }) {
                    let status = breaker.standing(at: moment.now)
                    decision.state = status.state
                    decision.share = status.share
                }
                return (decision, all)
            }
            decision.denials.append(denial)
            if !explains, let limit = all[place].limit {
                decision.limits.append(told(limit, asked?.new ?? [], need, of: UInt8(place), at: moment))
            }
            if let wait = denial.retryAfterMilliseconds {
                decision.retryAfterMilliseconds = min(decision.retryAfterMilliseconds ?? .max, wait)
            }
        }
        decision.share = 0
        decision.retryAfterMilliseconds = decision.retryAfterMilliseconds.map { spread($0, over: application) }
        return (decision, all)
    }

    /// A retry time, up to a quarter longer by chance: so that the workers that were denied do not all come back at
    /// once. It is the same for the same request, whatever the machine.
    private func spread(_ milliseconds: Int64, over application: Application) -> Int64 {
        guard milliseconds > 0, application.request != 0 else { return milliseconds }
        var hash = (application.worker.high ^ application.worker.low ^ application.request) &* 0x9E37_79B9_7F4A_7C15
        hash = (hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9
        return milliseconds.saturatingAdd(Int64(hash >> 33) % (milliseconds / 4 + 1))
    }

    /// What stands against a candidate, in the order of `DenialReason`.
    private func objections(to candidate: Candidate, at moment: Moment) -> Objections {
        var objections = Objections()
        // A provider that nobody has heard of has nothing against it.
        guard let provider = names.find(candidate.provider) else { return objections }
        let now = moment.now
        if let mark = exhaustion.mark(provider, at: now) { objections.add(.exhausted, for: mark.resetsAt - now) }
        addBreaker(provider, at: now, &objections)
        return objections
    }

    private func addBreaker(_ provider: NameID, at now: Timestamp, _ objections: inout Objections) {
        guard var breaker = breakers[provider] else { return }
        breaker.synchronise(at: now)
        let share = breaker.share
        guard share < 1 else { return }
        if share <= 0 {
            objections.add(.breakerOpen, for: breaker.untilDecay(at: now))
        } else if !breaker.nextPasses {
            objections.add(.share, for: 0)
        }
        let limit = breaker.configuration.maxProbes
        if limit > 0, permits.inFlight(of: provider) >= limit { objections.add(.probes, for: 0) }
    }

    /// Adds the limits that stand against a candidate.
    ///
    /// - Parameter candidate: its place, if each limit is told in `limits`; nil: none is
    private func addLimits(
        to route: Candidate, _ asked: AskedTags, _ need: CallNeed, at moment: Moment,
        _ objections: inout Objections, telling candidate: UInt8?, in limits: inout [LimitObjection]
    ) {
        var scopes = asked.known
        scopes.provider = names.find(route.provider)
        if let provider = scopes.provider, let deployment = route.deployment {
            scopes.deployment = names.find(deployment, below: provider)
        }
        scopes.model = route.model.flatMap { models.find($0) }
        for objection in limitTable.objections(to: scopes, tags, new: asked.new, need, at: moment) {
            objections.add(.limit, for: objection.obstacle.milliseconds, of: objection)
            guard let candidate, limits.count < AdmissionDecision.limitsTold else { continue }
            limits.append(told(objection, asked.new, need, of: candidate, at: moment))
        }
    }

    /// A limit that stands against a candidate, as the wire has it.
    private func told(
        _ objection: LimitTable.Objection, _ newTags: [Name], _ need: CallNeed, of candidate: UInt8, at moment: Moment
    ) -> LimitObjection {
        let entry = limitEntry(objection.rule, objection.entry, at: moment)
        var told = LimitObjection()
        told.candidate = candidate
        told.scope = entry.scope
        if let tag = objection.newTag { told.scope.tag = newTags[tag] }
        told.limit = entry.limit
        told.amount = entry.amount
        told.used = entry.used
        told.held = entry.held
        told.needed = need.room(entry.limit.dimension)
        told.retryAfterMilliseconds = objection.obstacle.milliseconds
        return told
    }

    // MARK: Granting

    /// - Parameters:
    ///   - candidates: passed by themselves, as the tags are: they are large, and what is passed in parts is not copied
    ///   - terms: the rest of the request
    fileprivate mutating func admit(
        _ candidates: borrowing Candidates, _ tags: borrowing WireLimits.TagList, _ terms: AdmissionTerms,
        _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Admit.Reply {
        try Self.validate(candidates, tags, terms.estimate)
        try checkRequiredTags(tags)
        try Self.validateTTL(terms.ttlMilliseconds)
        let (decision, objections) = decide(
            candidates, tags, foldsTags: terms.foldsTags, terms.estimate, explains: terms.explains, application)
        if let chosen = decision.candidate {
            try checkRoom(for: candidates[Int(chosen)], application)
            try admitTags(tags, folds: terms.foldsTags, by: application)
        }
        let known = effects.count
        for place in decision.denials.indices {
            guard let limit = objections[place].limit else { continue }
            noteDenial(limit, terms.estimate, at: application.moment, &effects)
        }
        var reply = Admit.Reply()
        reply.decision = decision
        if effects.count == known, Admit.leavesNoTrace(reply, under: profile) { return reply }
        noteAsked(candidates, objections, upTo: decision.denials.count, application, &effects)
        guard let chosen = decision.candidate else { return reply }
        let place = try grant(candidates[Int(chosen)], tags, terms, application, &effects)
        reply.permit = permits.permits[place].number
        reply.expiresAt = permits.permits[place].grant.expiresAt
        return reply
    }

    static func validate(
        _ candidates: borrowing Candidates, _ tags: borrowing WireLimits.TagList, _ estimate: Estimate
    ) throws(Refusal) {
        guard !candidates.isEmpty else {
            throw Refusal(.outOfRange, "an admission needs 1 to \(WireLimits.candidates) candidates")
        }
        try validate(tags)
        try validate(estimate)
    }

    /// Checks that an estimate can be one.
    ///
    /// - Throws: `outOfRange`
    static func validate(_ estimate: Estimate) throws(Refusal) {
        if let cost = estimate.cost { try CreditLedger.validate(callCost: cost) }
        guard estimate.tokens == nil || (estimate.inputTokens == nil && estimate.outputTokens == nil) else {
            throw Refusal(
                .outOfRange, "an estimate tells tokens together, or input and output tokens apart, not both")
        }
    }

    fileprivate static func validateTTL(_ milliseconds: Int64) throws(Refusal) {
        guard ValueRanges.timeToLive.contains(milliseconds) else {
            throw Refusal(.outOfRange, "the time to live of \(milliseconds) ms must lie between 1 ms and 24 hours")
        }
    }

    /// Checks that one more permit can be kept.
    private func checkRoom(for candidate: Candidate, _ application: Application) throws(Refusal) {
        try SharedBound(
            what: "permits in force", limit: bounds.permits, limitPerUser: bounds.permitsPerUser,
            remedy: "settle some"
        ).admit(permits.outstanding.count, ofUser: permits.count(of: application.user), by: application)
        guard permits.hasNumbers else {
            throw Refusal(.limitReached, "the numbers of permits are used up; restore an older snapshot")
        }
        try admitAccounts(of: candidate, by: application)
    }

    /// Lets the breakers of the candidates that were passed over know that they were asked. A share counts a call once,
    /// and only if nothing else stood against it.
    private mutating func noteAsked(
        _ candidates: borrowing Candidates, _ objections: borrowing Candidates.Values<Objections>, upTo end: Int,
        _ application: Application, _ effects: inout [Event]
    ) {
        for place in 0..<end where !objections[place].hasMark {
            guard let id = names.find(candidates[place].provider), breakers.contains(id) else { continue }
            let isShareOnly = objections[place].isShareOnly
            var isCounted = false
            for earlier in 0..<place where objections[earlier].isShareOnly {
                if candidates[earlier].provider == candidates[place].provider { isCounted = true }
            }
            changeBreaker(id, application, &effects) { breaker, now, profile in
                breaker.ask(at: now, under: profile)
                if isShareOnly, !isCounted { _ = breaker.decide(at: now) }
            }
        }
    }

    private mutating func grant(
        _ candidate: borrowing Candidate, _ tags: borrowing WireLimits.TagList, _ terms: AdmissionTerms,
        _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Int {
        let provider = try breaker(candidate.provider, application)
        changeBreaker(provider, application, &effects) { breaker, now, profile in
            breaker.ask(at: now, under: profile)
            _ = breaker.decide(at: now)
        }
        let scopes = openAccounts(of: candidate, tags, folds: terms.foldsTags, application)
        retainTags(of: scopes)
        ledger.add(UseSums(requests: 1), scopes, at: application.moment)
        let need = CallNeed(terms.estimate)
        var grant = PermitRegistry.Grant(
            provider: provider, scopes: scopes, worker: application.worker, user: application.user,
            estimate: terms.estimate, grantedAt: application.now, expiresAt: application.now + terms.ttlMilliseconds)
        grant.charge = limitTable.charge(scopes, &self.tags, need, at: application.moment)
        _ = tellCrossings(at: application.moment, &effects)
        retainRoute(of: grant)
        let place = permits.grant(grant)
        setDeadline(ofPermit: place)
        return place
    }

    /// Tells of a limit that begins to deny. One that no call has used yet denies only what it could never hold.
    private mutating func noteDenial(
        _ objection: LimitTable.Objection, _ estimate: Estimate, at moment: Moment, _ effects: inout [Event]
    ) {
        guard let entry = objection.entry, !limitTable.entries[entry].isDenying else { return }
        limitTable.entries[entry].isDenying = true
        var event = LimitDenied()
        event.entry = limitEntry(objection.rule, entry, at: moment)
        event.needed = CallNeed(estimate).room(event.entry.limit.dimension)
        effects.append(.limitDenied(event))
    }
}

// MARK: Commands

extension Admit: StateCommand {
    /// Grants a permit for the first candidate that nothing stands against. A denial is a reply, not a refusal.
    ///
    /// - Throws: `outOfRange` if there is no candidate, for an estimate or a time to live outside its range, for a tag
    ///   that callers may not name, and if a tag is missing that every call needs; `notFound` if the provider is new
    ///   and workers may not add one; `limitReached` if there is no room for one more permit, or for a new name,
    ///   account or tag.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        let terms = AdmissionTerms(
            estimate: estimate, ttlMilliseconds: ttlMilliseconds, explains: explains, foldsTags: foldsTags)
        guard machine.rules.aliases.isEmpty else {
            return try machine.admit(machine.rules.charged(candidates), tags, terms, application, &effects)
        }
        return try machine.admit(candidates, tags, terms, application, &effects)
    }

    /// A denial changes something only where a share is drawn, or where whoever asks is to be remembered.
    public static func leavesNoTrace(_ reply: Reply, under profile: Profile) -> Bool {
        guard reply.permit == nil, reply.decision.candidate == nil, !profile.rejectionRestartsDecay else {
            return false
        }
        return reply.decision.denials.indices.allSatisfy { reply.decision.denials[$0].reason != .share }
    }
}

extension AdmitPreview: StateCommand {
    /// Returns what an admission would decide. Takes nothing.
    ///
    /// - Throws: `outOfRange` if there is no candidate, for an estimate outside its range, for a tag that callers may
    ///   not name, and if a tag is missing that every call needs.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> AdmissionDecision {
        try StateMachine.validate(candidates, tags, estimate)
        try machine.checkRequiredTags(tags)
        let candidates = machine.rules.charged(candidates)
        let foldsTags = !machine.hasRoom(for: tags, application)
        return machine.decide(
            candidates, tags, foldsTags: foldsTags, estimate, explains: explains, application
        ).decision
    }
}

extension Renew: StateCommand {
    /// Extends the permit if it is in force. An earlier end than its own changes nothing.
    ///
    /// - Throws: `outOfRange` for a time to live outside its range; `notFound` if nothing is known of the permit;
    ///   `outcomeUnknown` if it is not known any more whether it was settled; `notPermitted` if it is another user's.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try StateMachine.validateTTL(ttlMilliseconds)
        var reply = Reply()
        guard let place = try machine.findPermit(permit, application) else {
            reply.standing = .settled
            return reply
        }
        reply.standing = machine.permits.permits[place].standing
        if reply.standing == .inForce {
            let later = application.now + ttlMilliseconds
            machine.permits.extend(place, to: max(later, machine.permits.permits[place].grant.expiresAt))
            machine.setDeadline(ofPermit: place)
        }
        reply.expiresAt = machine.permits.permits[place].grant.expiresAt
        return reply
    }
}

extension PermitList: StateCommand {
    /// Returns a page of the permits in force, and the totals of all.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var reply = Reply()
        reply.now = application.now
        reply.totals = machine.permits.totals
        var place = machine.permits.firstInForce(after: cursor)
        while let found = place {
            guard reply.permits.count < WireLimits.pageLength else {
                reply.next = reply.permits.last?.permit ?? 0
                break
            }
            reply.permits.append(machine.entry(machine.permits.permits[found], isVisible: true))
            place = machine.permits.nextInForce(after: found)
        }
        return reply
    }
}
