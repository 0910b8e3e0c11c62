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

    /// Reasons are added in the order of `DenialReason`.
    ///
    /// - Parameter milliseconds: until time alone lifts it; nil: never
    mutating func add(_ reason: DenialReason, for milliseconds: Int64?) {
        if reason != .share { isMoreThanShare = true }
        if reason == .exhausted { hasMark = true }
        if longest != nil {
            guard let standing = self.milliseconds else { return }
            if let milliseconds, milliseconds <= standing { return }
        }
        longest = reason
        self.milliseconds = milliseconds
    }

    var denial: Denial? { longest.map { Denial(reason: $0, retryAfterMilliseconds: milliseconds) } }
}

extension StateMachine {
    // MARK: Looking

    /// Looks at the candidates in their order, up to the first that nothing stands against. Changes nothing.
    func decide(
        _ candidates: Candidates, _ estimate: Estimate, at moment: Moment
    ) -> (decision: AdmissionDecision, objections: Candidates.Values<Objections>) {
        var decision = AdmissionDecision()
        var all = Candidates.Values<Objections>(repeating: Objections())
        for place in candidates.indices {
            all[place] = objections(to: candidates[place], estimate, at: moment)
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
            if let wait = denial.retryAfterMilliseconds {
                decision.retryAfterMilliseconds = min(decision.retryAfterMilliseconds ?? .max, wait)
            }
        }
        decision.share = 0
        return (decision, all)
    }

    /// What stands against a candidate, in the order of `DenialReason`.
    private func objections(to candidate: Candidate, _ estimate: Estimate, at moment: Moment) -> Objections {
        var objections = Objections()
        // A provider that nobody has heard of has nothing against it.
        guard let provider = names.find(candidate.provider) else { return objections }
        let now = moment.now
        if let mark = exhaustion.mark(provider, at: now) { objections.add(.exhausted, for: mark.resetsAt - now) }
        addBreaker(provider, at: now, &objections)
        addRates(provider, estimate, at: now, &objections)
        addBudgets(provider, candidate.model, estimate, at: moment, &objections)
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

    private func addRates(
        _ provider: NameID, _ estimate: Estimate, at now: Timestamp, _ objections: inout Objections
    ) {
        for dimension in RateDimension.allCases {
            let amount = dimension.countsTokens ? Int64(estimate.tokens) : 1
            let (isFull, end, isTooSmall) = ledger.isFull(dimension, of: provider, for: amount, at: now)
            if isFull { objections.add(DenialReason(dimension), for: isTooSmall ? nil : end - now) }
        }
    }

    private func addBudgets(
        _ provider: NameID, _ modelName: Name?, _ estimate: Estimate, at moment: Moment,
        _ objections: inout Objections
    ) {
        if let budget = ledger.enforcedBudget(of: provider) {
            let spend = ledger.provider(provider)?.sums.spend ?? 0
            add(.providerBudget, budget, spend, permits.exactlyHeld(of: provider), estimate, at: moment, &objections)
        }
        guard let model = modelName.flatMap({ models.find($0) }),
            let budget = ledger.enforcedBudget(of: provider, model)
        else { return }
        let spend = ledger.model(provider, model)?.spend ?? 0
        add(.modelBudget, budget, spend, permits.exactlyHeld(of: provider, model), estimate, at: moment, &objections)
    }

    private func add(
        _ reason: DenialReason, _ budget: Money, _ spend: Int64, _ held: Int128, _ estimate: Estimate,
        at moment: Moment, _ objections: inout Objections
    ) {
        // Whatever is estimated, a budget that is used up takes no more.
        let needed = max(1, estimate.cost.nanodollars)
        let committed = Int128(spend) + Int128(needed)
        guard committed + held > Int128(budget.nanodollars) else { return }
        if committed <= Int128(budget.nanodollars) {
            // Another call may end and give back what it holds.
            objections.add(reason, for: 0)
        } else if needed <= budget.nanodollars, profile.periodsRollOver, let end = ledger.period.end {
            objections.add(reason, for: max(0, end - moment.wall))
        } else {
            objections.add(reason, for: nil)
        }
    }

    // MARK: Granting

    fileprivate mutating func admit(
        _ command: Admit, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Admit.Reply {
        try Self.validate(command.candidates, command.estimate)
        try Self.validateTTL(command.ttlMilliseconds)
        let (decision, objections) = decide(command.candidates, command.estimate, at: application.moment)
        if let chosen = decision.candidate {
            try checkRoom(for: command.candidates[Int(chosen)], application)
        }
        let known = effects.count
        noteDenials(command, objections, upTo: decision.denials.count, &effects)
        var reply = Admit.Reply()
        reply.decision = decision
        if effects.count == known, Admit.leavesNoTrace(reply, under: profile) { return reply }
        noteAsked(command.candidates, objections, upTo: decision.denials.count, application, &effects)
        guard let chosen = decision.candidate else { return reply }
        let place = try grant(command, command.candidates[Int(chosen)], application, &effects)
        reply.permit = permits.permits[place].number
        reply.expiresAt = permits.permits[place].grant.expiresAt
        return reply
    }

    static func validate(_ candidates: Candidates, _ estimate: Estimate) throws(Refusal) {
        guard !candidates.isEmpty else {
            throw Refusal(.outOfRange, "an admission needs 1 to \(WireLimits.candidates) candidates")
        }
        try CreditLedger.validate(callCost: estimate.cost)
    }

    fileprivate static func validateTTL(_ milliseconds: Int64) throws(Refusal) {
        guard ValueRanges.timeToLive.contains(milliseconds) else {
            throw Refusal(.outOfRange, "the time to live of \(milliseconds) ms must lie between 1 ms and 24 hours")
        }
    }

    /// Checks that one more permit can be kept.
    private func checkRoom(for candidate: Candidate, _ application: Application) throws(Refusal) {
        try SharedBound(
            what: "permits in force", limit: limits.permits, limitPerUser: limits.permitsPerUser,
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
        _ candidates: Candidates, _ objections: Candidates.Values<Objections>, upTo end: Int,
        _ application: Application,
        _ effects: inout [Event]
    ) {
        for place in 0..<end where !objections[place].hasMark {
            guard let id = names.find(candidates[place].provider), breakers.contains(id) else { continue }
            let isShareOnly = objections[place].isShareOnly
            let isCounted = (0..<place).contains {
                candidates[$0].provider == candidates[place].provider && objections[$0].isShareOnly
            }
            changeBreaker(id, application, &effects) { breaker, now, profile in
                breaker.ask(at: now, under: profile)
                if isShareOnly, !isCounted { _ = breaker.decide(at: now) }
            }
        }
    }

    private mutating func grant(
        _ command: Admit, _ candidate: Candidate, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Int {
        let provider = try breaker(candidate.provider, application)
        changeBreaker(provider, application, &effects) { breaker, now, profile in
            breaker.ask(at: now, under: profile)
            _ = breaker.decide(at: now)
        }
        let model = candidate.model.map { models.intern($0, by: application.user) }
        openAccounts(provider, model, application)
        let tokens = Int64(command.estimate.tokens)
        let grant = PermitRegistry.Grant(
            provider: provider, model: model, worker: application.worker, user: application.user,
            cost: command.estimate.cost.nanodollars, tokens: tokens,
            counted: ledger.takeFromWindows(provider, tokens: tokens, at: application.now),
            grantedAt: application.now, expiresAt: application.now + command.ttlMilliseconds)
        _ = ledger.noteDenial(false, by: provider, nil)
        if let model { _ = ledger.noteDenial(false, by: provider, model) }
        retainNames(of: grant)
        let place = permits.grant(grant)
        setDeadline(ofPermit: place)
        return place
    }

    /// Tells of budgets that begin to deny.
    private mutating func noteDenials(
        _ command: Admit, _ objections: Candidates.Values<Objections>, upTo end: Int, _ effects: inout [Event]
    ) {
        for place in 0..<end {
            let candidate = command.candidates[place]
            guard let reason = objections[place].longest, reason == .providerBudget || reason == .modelBudget,
                let provider = names.find(candidate.provider)
            else { continue }
            let model = reason == .modelBudget ? candidate.model.flatMap { models.find($0) } : nil
            guard ledger.noteDenial(true, by: provider, model) else { continue }
            var event = BudgetDenied()
            event.provider = candidate.provider
            event.model = model.map { models[$0] }
            event.estimate = command.estimate.cost
            if let model {
                event.spend = Money(nanodollars: ledger.model(provider, model)?.spend ?? 0)
                event.held = Money(nanodollars: permits.held(of: provider, model))
                event.budget = ledger.enforcedBudget(of: provider, model) ?? .zero
            } else {
                event.spend = Money(nanodollars: ledger.provider(provider)?.sums.spend ?? 0)
                event.held = Money(nanodollars: permits.held(of: provider))
                event.budget = ledger.enforcedBudget(of: provider) ?? .zero
            }
            effects.append(.budgetDenied(event))
        }
    }
}

extension DenialReason {
    fileprivate init(_ dimension: RateDimension) {
        switch dimension {
        case .rpm: self = .rpm
        case .rpd: self = .rpd
        case .tpm: self = .tpm
        case .tpd: self = .tpd
        }
    }
}

// MARK: Commands

extension Admit: StateCommand {
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.admit(self, application, &effects)
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
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> AdmissionDecision {
        try StateMachine.validate(candidates, estimate)
        return machine.decide(candidates, estimate, at: application.moment).decision
    }
}

extension Renew: StateCommand {
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
