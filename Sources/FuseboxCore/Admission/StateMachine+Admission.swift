import FuseboxWire

/// What stands against one candidate.
struct Objections: Sendable {
    /// The reason that lasts longest. Of reasons that last equally long it is the first in the order of `DenialReason`,
    /// where a pause comes before all.
    private(set) var longest: DenialReason?
    /// How long it lasts by time alone. Nil: for ever.
    private var milliseconds: Int64? = 0
    /// Whether its route is marked or paused.
    private(set) var hasMark = false
    /// The marks that the call may probe, if nothing stands against it.
    var probes: CallRoutes.Places = []
    /// Whether the share alone stands against it.
    var isShareOnly: Bool { longest == .share && !isMoreThanShare }
    private var isMoreThanShare = false
    /// The limit, if the reason that lasts longest is a limit.
    private(set) var limit: LimitTable.Objection?
    /// How the breaker was opened, if the reason that lasts longest is one of a breaker that has opened.
    private var opening: CircuitBreaker.Opening?

    /// Adds a reason. Reasons are added in the order of `DenialReason`.
    ///
    /// - Parameter milliseconds: until time alone lifts it; nil: never
    mutating func add(
        _ reason: DenialReason, for milliseconds: Int64?, opening: CircuitBreaker.Opening? = nil,
        of limit: @autoclosure () -> LimitTable.Objection? = nil
    ) {
        if reason != .share { isMoreThanShare = true }
        if reason == .exhausted || reason == .paused { hasMark = true }
        if longest != nil {
            guard let standing = self.milliseconds else { return }
            if let milliseconds, milliseconds <= standing { return }
        }
        longest = reason
        self.milliseconds = milliseconds
        self.opening = opening
        self.limit = limit()
    }

    var denial: Denial? {
        guard let longest else { return nil }
        var denial = Denial(reason: longest, retryAfterMilliseconds: milliseconds, openedBy: opening?.rule)
        if let opening, opening.failedRecoveries > 0 {
            denial.failedRecoveries = opening.failedRecoveries
            denial.resetTimeoutMilliseconds = opening.resetTimeoutMilliseconds
        }
        return denial
    }
}

/// The candidates of a call that waiting calls come first for.
struct PassedCandidates: Sendable {
    /// A bit for each, by its place.
    var bits: UInt16 = 0
    /// How long time alone keeps the call back. Nil: for ever.
    var milliseconds: Int64? = 0

    init() {}

    /// - Parameter milliseconds: as in `Admit`: negative means for ever
    init(bits: UInt16, milliseconds: Int64) {
        self.bits = bits
        self.milliseconds = milliseconds < 0 ? nil : milliseconds
    }

    func contains(_ place: Int) -> Bool { bits >> place & 1 != 0 }

    /// The same of one candidate alone.
    func alone(_ place: Int) -> PassedCandidates {
        var alone = self
        alone.bits = contains(place) ? 1 : 0
        return alone
    }
}

/// What is remembered of a candidate that was passed over.
struct PassedOver: Sendable {
    /// The breaker of its route. Nil if there is none.
    var breaker: BreakerRegistry.Place?
    /// The use of the limit that denied it, if one did and was used before.
    var deniedBy: Int?
    /// Whether its route is marked or paused.
    var hasMark = false
    /// Whether the share alone stands against it.
    var isShareOnly = false
    /// The cost that it would hold. Nil: nothing is known of it.
    var cost: Money?
}

/// The result for each candidate of an admission, in addition to what is reported.
struct WeighedCandidates<Text: NameText>: Sendable {
    /// The candidate that is admitted. Nil if none is.
    var chosen: Route<Text>?
    /// The marks that it probes.
    var probes: CallRoutes.Places = []
    /// The candidates before it, at their places in the request.
    var passedOver = Candidates.Values<PassedOver>(repeating: PassedOver())
}

/// The request of an admission without its candidates and tags.
struct AdmissionTerms {
    var estimate: Estimate
    var ttlMilliseconds: Int64
    var explains: Bool
    var foldsTags: Bool
    var waitMilliseconds: Int64
    var priority: UInt8
    /// The candidates that waiting calls come first for.
    var passed = PassedCandidates()
    /// Whether the call joins the queue, or why it cannot.
    var queue = QueueDecision.aside
    /// The ticket of a call that has waited; 0: it has not.
    var ticket: UInt64 = 0
    /// The candidate that is granted.
    var candidate: UInt8 = 0

    init<Text: NameText>(_ call: borrowing AdmitOf<Text>) {
        estimate = call.estimate
        ttlMilliseconds = call.ttlMilliseconds
        explains = call.explains
        foldsTags = call.foldsTags
        waitMilliseconds = call.waitMilliseconds
        priority = call.priority
        passed = PassedCandidates(bits: call.passed, milliseconds: call.passedMilliseconds)
        queue = call.queue
    }
}

extension StateMachine {
    // MARK: Looking

    /// Examines the candidates in order, up to the first that nothing stands against. Changes nothing.
    ///
    /// - Parameter decision: a new decision, which is filled in
    @inline(__always)
    func decide<Text: NameText>(
        _ candidates: borrowing CandidatesOf<Text>, _ asked: borrowing AskedTags, _ estimate: Estimate, explains: Bool,
        passed: PassedCandidates = PassedCandidates(), _ application: Application, _ decision: inout AdmissionDecision
    ) -> WeighedCandidates<Text> {
        let moment = application.moment
        var weighed = WeighedCandidates<Text>()
        for place in candidates.indices {
            let route = route(by: candidates[place])
            let (cost, basis) = heldCost(estimate, route, asked)
            var estimate = estimate
            estimate.cost = cost
            let need = CallNeed(estimate)
            let breaker = findBreaker(of: route, by: application.user)
            let standing = breaker.map { breakers.standing(of: $0, at: moment.now) }
            var objections = objections(to: route, breaker, standing, at: moment)
            if !limitTable.isEmpty {
                addLimits(
                    to: route, asked, need, at: moment, &objections, telling: explains ? UInt8(place) : nil,
                    in: &decision.limits)
            }
            if passed.contains(place) { objections.add(.waiting, for: passed.milliseconds) }
            guard let denial = objections.denial else {
                decision.candidate = UInt8(place)
                decision.retryAfterMilliseconds = nil
                decision.heldCost = cost
                decision.costBasis = basis
                if let standing {
                    decision.state = standing.state
                    decision.share = standing.share
                }
                weighed.chosen = route
                weighed.probes = objections.probes
                decision.isProbe = !objections.probes.isEmpty
                return weighed
            }
            decision.denials.append(denial)
            weighed.passedOver[place] = PassedOver(
                breaker: breaker, deniedBy: objections.limit?.entry, hasMark: objections.hasMark,
                isShareOnly: objections.isShareOnly, cost: cost)
            if !explains, let limit = objections.limit {
                decision.limits.append(told(limit, asked.new, need, of: UInt8(place), at: moment))
            }
            if let wait = denial.retryAfterMilliseconds {
                decision.retryAfterMilliseconds = min(decision.retryAfterMilliseconds ?? .max, wait)
            }
        }
        decision.share = 0
        decision.retryAfterMilliseconds = decision.retryAfterMilliseconds.map { spread($0, over: application) }
        return weighed
    }

    /// A retry time that is spread by up to a quarter, so that denied workers do not all come back at once. The same
    /// request gets the same time on every machine.
    private func spread(_ milliseconds: Int64, over application: Application) -> Int64 {
        guard milliseconds > 0, application.request != 0 else { return milliseconds }
        var hash = (application.worker.high ^ application.worker.low ^ application.request) &* 0x9E37_79B9_7F4A_7C15
        hash = (hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9
        return milliseconds.saturatingAdd(Int64(hash >> 33) % (milliseconds / 4 + 1))
    }

    /// Adds what a breaker has against a candidate.
    ///
    /// - Parameters:
    ///   - breaker: the breaker of calls by its route; nil if there is none
    ///   - standing: how that stands
    @inline(__always)
    func objections<Text: NameText>(
        to route: borrowing Route<Text>, _ breaker: BreakerRegistry.Place?, _ standing: CircuitBreaker.Standing?,
        at moment: Moment
    ) -> Objections {
        var objections = Objections()
        guard route.providerID != nil else { return objections }
        addMarks(of: route.routes, at: moment.now, &objections)
        if let forced = forcedBreaker(above: route, breaker, at: moment.now) {
            let above = breakers.standing(of: forced, at: moment.now)
            objections.add(.breakerOpen, for: above.untilDecayMilliseconds, opening: above.opening)
        }
        guard let breaker, let standing, standing.share < 1 else { return objections }
        if standing.share <= 0 {
            objections.add(.breakerOpen, for: standing.untilDecayMilliseconds, opening: standing.opening)
        } else if !standing.nextPasses {
            objections.add(.share, for: 0, opening: standing.opening)
        }
        let limit = standing.maxProbes
        if limit > 0, permits.probes(of: breakers.key(of: breaker), in: standing.episode) >= limit {
            objections.add(.probes, for: 0, opening: standing.opening)
        }
        return objections
    }

    /// Adds the limits that stand against a candidate.
    ///
    /// - Parameter candidate: its place, if each limit is to be listed in `limits`; nil otherwise
    @inline(__always)
    private func addLimits<Text: NameText>(
        to route: Route<Text>, _ asked: borrowing AskedTags, _ need: CallNeed, at moment: Moment,
        _ objections: inout Objections, telling candidate: UInt8?, in limits: inout [LimitObjection]
    ) {
        let scopes = asked.scopes(of: route)
        var walk = LimitTable.Walk()
        while let found = walk.next(limitTable, scopes, tags) {
            guard let objection = limitTable.objection(of: found, to: need, at: moment) else { continue }
            add(objection, &objections, asked, need, at: moment, telling: candidate, in: &limits)
        }
        if route.model == nil {
            limitTable.forEachModelObjection(to: scopes, need, at: moment) { objection in
                add(objection, &objections, asked, need, at: moment, telling: candidate, in: &limits)
            }
        }
        guard !asked.new.isEmpty else { return }
        for objection in limitTable.objections(to: scopes, newTags: asked.new, need, at: moment) {
            add(objection, &objections, asked, need, at: moment, telling: candidate, in: &limits)
        }
    }

    private func add(
        _ objection: LimitTable.Objection, _ objections: inout Objections, _ asked: borrowing AskedTags,
        _ need: CallNeed, at moment: Moment, telling candidate: UInt8?, in limits: inout [LimitObjection]
    ) {
        objections.add(.limit, for: objection.obstacle.milliseconds, of: objection)
        guard let candidate, limits.count < WireLimits.limitsTold else { return }
        limits.append(told(objection, asked.new, need, of: candidate, at: moment))
    }

    /// A limit that stands against a candidate, as the protocol's record.
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
    ///   - candidates: the candidates; they are passed apart from the terms, as the tags are, so that they are not
    ///     copied
    ///   - terms: the rest of the request
    mutating func admit<Text: NameText>(
        _ candidates: borrowing CandidatesOf<Text>, _ tags: borrowing WireLimits.TagListOf<Text>,
        _ terms: AdmissionTerms, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> AdmitReply {
        try Self.validate(candidates, tags, terms.estimate)
        try checkRequiredTags(tags)
        try Self.validateTTL(terms.ttlMilliseconds)
        try Self.validate(waitMilliseconds: terms.waitMilliseconds, priority: terms.priority)
        let asked = look(tags, folds: terms.foldsTags, application)
        var reply = AdmitReply()
        let weighed = decide(
            candidates, asked, terms.estimate, explains: terms.explains, passed: terms.passed, application,
            &reply.decision)
        if weighed.chosen == nil {
            switch terms.queue {
            case .aside: break
            case .joins: reply.ticket = application.request
            case .fullForUser: reply.decision.fullQueue = .user
            case .full: reply.decision.fullQueue = .everybody
            }
        }
        var terms = terms
        terms.estimate.cost = reply.decision.heldCost
        if let chosen = weighed.chosen {
            try checkRoom(for: chosen, application)
            try checkTags(asked, folds: terms.foldsTags, by: application)
        }
        let known = effects.count
        let denied = reply.decision.denials.count
        for place in 0..<denied {
            guard let entry = weighed.passedOver[place].deniedBy else { continue }
            var estimate = terms.estimate
            estimate.cost = weighed.passedOver[place].cost
            noteDenial(entry, estimate, at: application.moment, &effects)
        }
        if effects.count == known, Admit.leavesNoTrace(reply, under: profile) { return reply }
        noteAsked(weighed.passedOver, upTo: denied, application, &effects)
        guard let chosen = weighed.chosen else { return reply }
        let scopes = openAccounts(of: chosen, asked, tags, folds: terms.foldsTags, application)
        terms.candidate = reply.decision.candidate ?? 0
        let passage = passBreaker(scopes, application, &effects)
        let place = grant(scopes, passage, terms, application, &effects)
        beginProbes(weighed.probes, ofPermit: place)
        reply.permit = permits.permits[place].number
        reply.expiresAt = permits.permits[place].grant.expiresAt
        return reply
    }

    static func validate<Text: NameText>(
        _ candidates: borrowing CandidatesOf<Text>, _ tags: borrowing WireLimits.TagListOf<Text>, _ estimate: Estimate
    ) throws(Refusal) {
        guard !candidates.isEmpty else {
            throw Refusal(.outOfRange, "an admission needs 1 to \(WireLimits.candidates) candidates")
        }
        try validate(tags)
        try validate(estimate)
    }

    /// Checks that an estimate is in range.
    ///
    /// - Throws: `outOfRange`
    static func validate(_ estimate: Estimate) throws(Refusal) {
        if let cost = estimate.cost { try CreditLedger.validate(callCost: cost) }
        guard estimate.tokens == nil || (estimate.inputTokens == nil && estimate.outputTokens == nil) else {
            throw Refusal(
                .outOfRange, "an estimate tells tokens together, or input and output tokens apart, not both")
        }
    }

    /// Checks how long a call may wait, and how urgent it is.
    ///
    /// - Throws: `outOfRange`
    fileprivate static func validate(waitMilliseconds: Int64, priority: UInt8) throws(Refusal) {
        guard ValueRanges.wait.contains(waitMilliseconds) else {
            throw Refusal(
                .outOfRange, "a wait of \(waitMilliseconds) ms must lie between 0 and 24 hours")
        }
        guard ValueRanges.priority.contains(priority) else {
            throw Refusal(
                .outOfRange,
                "priority \(priority) must lie between 0, the most urgent, and \(WireLimits.priorities - 1)")
        }
    }

    static func validateTTL(_ milliseconds: Int64) throws(Refusal) {
        guard ValueRanges.timeToLive.contains(milliseconds) else {
            throw Refusal(.outOfRange, "the time to live of \(milliseconds) ms must lie between 1 ms and 24 hours")
        }
    }

    /// Checks that one more permit can be kept.
    @inline(__always)
    private func checkRoom<Text: NameText>(
        for route: Route<Text>, _ application: Application
    ) throws(Refusal) {
        try SharedBound(
            what: "permits in force", limit: bounds.permits, limitPerUser: bounds.permitsPerUser,
            remedy: "settle some"
        ).check(permits.outstanding.count, ofUser: permits.count(of: application.user), by: application)
        guard permits.hasNumbers else {
            throw Refusal(.limitReached, "the numbers of permits are used up; restore an older snapshot")
        }
        try checkAccounts(of: route, by: application)
    }

    /// Notes a call at the breakers of the candidates that were passed over. A share counts a call once, and only if
    /// nothing else stood against it.
    private mutating func noteAsked(
        _ passedOver: borrowing Candidates.Values<PassedOver>, upTo end: Int, _ application: Application,
        _ effects: inout [Event]
    ) {
        for place in 0..<end where !passedOver[place].hasMark {
            guard let breaker = passedOver[place].breaker else { continue }
            let isShareOnly = passedOver[place].isShareOnly
            var isCounted = false
            for earlier in 0..<place where passedOver[earlier].isShareOnly {
                if passedOver[earlier].breaker == breaker { isCounted = true }
            }
            changeBreaker(breaker, application, &effects) { breaker, now, profile in
                breaker.ask(at: now, under: profile)
                if isShareOnly, !isCounted { _ = breaker.decide(at: now) }
            }
        }
    }

    /// The permit of a worker's call in flight that has waited with this ticket, as it was granted. Nil if there is none.
    package func admission(ofTicket ticket: UInt64, of worker: WorkerID) -> AdmitReply? {
        guard ticket != 0, let place = permits.find(ticket: ticket, of: worker) else { return nil }
        let permit = permits.permits[place]
        var reply = AdmitReply()
        reply.permit = permit.number
        reply.expiresAt = permit.grant.expiresAt
        reply.decision.candidate = permit.grant.candidate
        reply.decision.heldCost = permit.grant.estimate.cost
        if permit.grant.estimate.cost != nil { reply.decision.costBasis = .told }
        if let breaker = breakers.find(breakerKey(of: permit.grant.scopes, by: permit.grant.user)) {
            let standing = breakers.standing(of: breaker, at: lastMoment.now)
            reply.decision.state = standing.state
            reply.decision.share = standing.share
        }
        return reply
    }

    /// Draws at the share of a breaker for a call that is not granted.
    mutating func drawShare(
        _ candidate: borrowing Candidate, _ application: Application, _ effects: inout [Event]
    ) {
        guard let breaker = findBreaker(of: route(by: candidate), by: application.user) else { return }
        changeBreaker(breaker, application, &effects) { breaker, now, profile in
            breaker.ask(at: now, under: profile)
            _ = breaker.decide(at: now)
        }
    }

    /// Grants a permit to a call. The accounts of its scopes must exist.
    private mutating func grant(
        _ scopes: CallScopes, _ passage: PermitRegistry.Passage, _ terms: AdmissionTerms, _ application: Application,
        _ effects: inout [Event]
    ) -> Int {
        retainTags(of: scopes)
        ledger.add(UseSums(requests: 1), scopes, at: application.moment)
        let need = CallNeed(terms.estimate)
        guard let provider = scopes.provider else { preconditionFailure("a call has a provider") }
        var grant = PermitRegistry.Grant(
            provider: provider, scopes: scopes, worker: application.worker, user: application.user,
            estimate: terms.estimate, grantedAt: application.now, expiresAt: application.now + terms.ttlMilliseconds)
        grant.ticket = terms.ticket
        if terms.ticket != 0 { grant.candidate = terms.candidate }
        grant.passage = passage
        grant.charge = limitTable.charge(scopes, &self.tags, need, at: application.moment)
        _ = tellCrossings(at: application.moment, &effects)
        retainRoute(of: grant.scopes)
        let place = permits.grant(grant)
        setDeadline(ofPermit: place)
        return place
    }

    /// Reports that a limit begins to deny. A limit without use denies only what it could never hold.
    private mutating func noteDenial(
        _ entry: Int, _ estimate: Estimate, at moment: Moment, _ effects: inout [Event]
    ) {
        guard !limitTable.entries[entry].isDenying else { return }
        limitTable.entries[entry].isDenying = true
        var event = LimitDenied()
        let rule = limitTable.entries[entry].rule
        event.entry = limitEntry(rule, entry, at: moment)
        event.needed = CallNeed(estimate).room(event.entry.limit.dimension)
        effects.append(.limitDenied(event))
    }
}
