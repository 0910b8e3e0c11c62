import FuseboxWire

extension AdmitOf: StateCommand {
    /// The form in which the engine decodes it.
    public typealias InPlace = AdmitOf<NameView>

    /// Grants a permit for the first candidate that nothing stands against. A denial is a reply, not a refusal.
    ///
    /// - Throws: `outOfRange` if there is no candidate, for an estimate or a time to live outside its range, for a tag
    ///   that callers may not name, and if a tag is missing that every call needs; `notFound` if the provider is new
    ///   and workers may not add one; `limitReached` if there is no room for one more permit, or for a new name,
    ///   account or tag.
    @specialized(where Text == NameView)
    @specialized(where Text == Name)
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.admit(candidates, tags, AdmissionTerms(self), application, &effects)
    }

    /// A denial changes something only if a share is drawn, or if the asking worker is remembered.
    public static func leavesNoTrace(_ reply: Reply, under profile: Profile) -> Bool {
        guard reply.permit == nil, reply.decision.candidate == nil, !profile.rejectionRestartsDecay else {
            return false
        }
        // A closure would copy the reply.
        for place in reply.decision.denials.indices where reply.decision.denials[place].reason == .share {
            return false
        }
        return true
    }
}

extension GrantTurnOf: StateCommand {
    /// The form in which the engine decodes it.
    public typealias InPlace = GrantTurnOf<NameView>

    /// Grants its permit to a call that has waited.
    ///
    /// - Throws: what an admission throws
    @specialized(where Text == NameView)
    @specialized(where Text == Name)
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        var terms = AdmissionTerms(call)
        terms.queue = .aside
        terms.ticket = ticket
        return try machine.admit(call.candidates, call.tags, terms, application, &effects)
    }

    /// A grant that finds something against the call changes what a denial changes.
    public static func leavesNoTrace(_ reply: Reply, under profile: Profile) -> Bool {
        AdmitOf<Text>.leavesNoTrace(reply, under: profile)
    }
}

extension DrawShare: StateCommand {
    /// Draws at the share of the candidate's breaker, if there is one.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        machine.drawShare(candidate, application, &effects)
        return Done()
    }
}

extension AdmitPreviewOf: StateCommand {
    /// The form in which the engine decodes it.
    public typealias InPlace = AdmitPreviewOf<NameView>

    /// Returns what an admission would decide. Changes nothing.
    ///
    /// - Throws: `outOfRange` if there is no candidate, for an estimate outside its range, for a tag that callers may
    ///   not name, and if a tag is missing that every call needs.
    @specialized(where Text == NameView)
    @specialized(where Text == Name)
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        let passed = machine.news.takePassed()
        try StateMachine.validate(candidates, tags, estimate)
        try machine.checkRequiredTags(tags)
        var asked = machine.look(tags, folds: false, application)
        if !machine.hasRoom(for: asked, application) { asked = machine.look(tags, folds: true, application) }
        var reply = Reply()
        _ = machine.decide(
            candidates, asked, estimate, explains: explains, passed: passed, application, &reply.decision)
        for place in candidates.indices {
            reply.outlooks.append(
                machine.outlook(
                    of: candidates[place], asked, estimate, passed: passed.alone(place), application))
        }
        return reply
    }
}

extension Renew: StateCommand {
    /// Extends the permit if it is in force. An earlier end than the present one changes nothing.
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
    /// Returns a page of the permits in force, and the totals of all. Who may not read everything sees the permits of its
    /// own user.
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
            let permit = machine.permits.permits[found]
            place = machine.permits.nextInForce(after: found)
            guard application.mayReadAll || permit.grant.user == application.user else { continue }
            reply.permits.append(machine.entry(permit, isVisible: true))
        }
        return reply
    }
}
