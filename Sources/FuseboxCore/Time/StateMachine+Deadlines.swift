import FuseboxWire

extension StateMachine {
    /// Whether something is due. `Advance` must then be applied before other commands.
    public func isDue(at moment: Moment) -> Bool {
        if isClosingDays { return true }
        // `apply` clamps the moment too. Otherwise something could be due forever and never be done.
        let moment = moment.clamped
        guard let next = deadlines.first else { return false }
        return next.milliseconds <= moment.now.milliseconds
    }

    /// Whether anything ends by time alone: a mark, a permit, a breaker's timeout, a raise of a limit.
    public var awaitsTime: Bool { deadlines.first != nil }

    /// The milliseconds until something is due, at least 0; nil if nothing will be due.
    public func untilDue(at moment: Moment) -> Int64? {
        if isClosingDays { return 0 }
        let moment = moment.clamped
        return deadlines.first.map { max(0, Timestamp(milliseconds: $0.milliseconds) - moment.now) }
    }

    // MARK: Setting them

    /// Sets the deadline of a breaker to its next decay. Under `llm-providers` it has none: the next acquire applies
    /// the decay.
    mutating func setDeadline(ofBreaker place: BreakerRegistry.Place) {
        setDeadline(ofBreaker: place, at: breakers.nextDecay(of: place))
    }

    /// Sets the deadline of a breaker whose next decay is at this moment; nil: no decay is due.
    mutating func setDeadline(ofBreaker place: BreakerRegistry.Place, at nextDecay: Timestamp?) {
        if profile.outcomesSynchronise, let nextDecay {
            deadlines.set(
                .breaker, place.number, order: breakers.key(of: place).order, at: nextDecay.milliseconds)
        } else {
            deadlines.remove(.breaker, place.number)
        }
    }

    /// Sets the deadline of a mark to its end.
    mutating func setDeadline(ofMark id: NameID) {
        if let end = exhaustion.end(of: id) {
            deadlines.set(.mark, id.index, order: UInt64(id.index), at: end.milliseconds)
        } else {
            deadlines.remove(.mark, id.index)
        }
    }

    /// Sets the deadline of a permit in force to the end of its time to live.
    mutating func setDeadline(ofPermit place: Int) {
        deadlines.set(
            .permit, place, order: permits.permits[place].number,
            at: permits.permits[place].grant.expiresAt.milliseconds)
    }

    /// Brings the deadline of a raised limit in line with it.
    mutating func setDeadline(ofRaise rule: Int) {
        if let raise = limitTable.rules[rule].raise {
            deadlines.set(.raise, rule, order: limitTable.rules[rule].number, at: raise.until.milliseconds)
        } else {
            deadlines.remove(.raise, rule)
        }
    }

    /// Sets every deadline anew.
    mutating func setDeadlines() {
        deadlines = DeadlineHeap()
        for key in breakers.keys { if let place = breakers.find(key) { setDeadline(ofBreaker: place) } }
        exhaustion.forEach { id, _ in setDeadline(ofMark: id) }
        var place = permits.firstInForce(after: 0)
        while let found = place {
            setDeadline(ofPermit: found)
            place = permits.nextInForce(after: found)
        }
        limitTable.rules.forEachSlot { setDeadline(ofRaise: $0) }
    }
}

extension Advance: StateCommand {
    /// Does what is due: at most `Bounds.duePerTurn` deadlines, and at most `Bounds.closedDaysPerStep` accounts of a day
    /// that is over.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        machine.meetDeadlines(application, &effects)
        machine.closeDays()
        _ = machine.tellCrossings(at: application.moment, &effects)
        return Done()
    }
}

extension StateMachine {
    /// Meets the deadlines that are due, at most `Bounds.duePerTurn` of them.
    fileprivate mutating func meetDeadlines(_ application: Application, _ effects: inout [Event]) {
        for _ in 0..<Bounds.duePerTurn {
            guard let due = deadlines.first, due.milliseconds <= application.now.milliseconds else { return }
            switch due.kind {
            case .mark: expireMark(NameID(index: due.subject), application, &effects)
            case .breaker: synchroniseBreaker(BreakerRegistry.Place(number: due.subject), application, &effects)
            case .permit: lapse(due.subject, .expired, at: application.now, &effects)
            case .raise: endRaise(due.subject, at: application.moment, &effects)
            case .wait: preconditionFailure("waiting calls are not part of the state")
            }
        }
    }

    private mutating func expireMark(_ id: NameID, _ application: Application, _ effects: inout [Event]) {
        exhaustion.clear(id, at: application.now)
        setDeadline(ofMark: id)
        news.note(id)
        effects.append(.providerRestored(ProviderRestored(provider: names[id], expired: true)))
        names.release(id)
    }
}
