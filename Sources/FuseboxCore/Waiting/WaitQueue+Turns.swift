import FuseboxCollections
import FuseboxWire

extension WaitQueue {
    /// What the owner applies next.
    package struct Turn: Sendable {
        package enum Kind: Sendable {
            /// The call is granted: apply `GrantTurn`, then call `granted`.
            case grant
            /// Nothing but the share of a breaker stands against this candidate: apply `DrawShare`, then call `drew`.
            case draw(Candidate)
        }

        package let kind: Kind
        package let worker: WorkerID
        package let user: UInt32
        package let isOperator: Bool
        package let ticket: UInt64
        /// The payload of the call's request, with the candidates that other calls come first for.
        package let request: [UInt8]
        let slot: Int
        let takesDraw: RouteKey?
    }

    /// What becomes of a call that arrives: it is decided by the state, with these candidates passed over.
    package struct Arrival: Sendable {
        package let passed: UInt16
        package let milliseconds: Int64
        /// If it `joins`, `join` adds it once its denial was applied.
        package let queue: QueueDecision
    }

    // MARK: Arriving

    /// Decides whether a call that arrives waits, is decided by the state, or stands behind others.
    ///
    /// - Throws: if the payload is no request
    package func arrive(
        _ payload: UnsafeRawBufferPointer, _ application: Application, _ machine: StateMachine
    ) throws(Refusal) -> (arrival: Arrival, marks: ArrivalMarks) {
        var reader = unsafe ByteReader(payload)
        var call = AdmitOf<NameView>()
        try call.fields(&reader)
        try reader.finish()
        let waits = call.waitMilliseconds > 0
        var examined = ExaminedCall(application: application, left: call.waitMilliseconds)
        if waits { examined.order = order(ofArriving: call.priority, user: application.user) }
        let found = examine(call, examined, machine)
        let milliseconds = found.passedMilliseconds ?? -1
        let marks = ArrivalMarks(hasDrawn: found.draws, leavesDraw: found.leavesDraw)
        let isValid =
            ValueRanges.wait.contains(call.waitMilliseconds) && ValueRanges.priority.contains(call.priority)
        let canWait = found.chosen == nil && waits && found.canComeFree && isValid
        let queue = canWait ? room(forUser: application.user) : .aside
        return (Arrival(passed: found.passed, milliseconds: milliseconds, queue: queue), marks)
    }

    /// What the arrival of a call means for the shares of breakers.
    package struct ArrivalMarks: Sendable {
        let hasDrawn: Bool
        let leavesDraw: RouteKey?
    }

    /// Notes that the arrival of a call was applied.
    package mutating func arrived(_ marks: ArrivalMarks) {
        if let breaker = marks.leavesDraw { lines.leaveDraw(at: breaker) }
    }

    /// Adds a call whose denial was applied.
    ///
    /// - Parameter payload: its request as it was sent
    package mutating func join(
        _ payload: UnsafeRawBufferPointer, _ application: Application, _ marks: ArrivalMarks,
        _ machine: inout StateMachine
    ) {
        var reader = unsafe ByteReader(payload)
        var call = AdmitOf<NameView>()
        guard (try? call.fields(&reader)) != nil else { return }
        let slot = unsafe add([UInt8](payload), call, application, hasDrawn: marks.hasDrawn)
        machine.news.waiting = count
        note(examine(slot, machine, at: application.moment), slot, &machine, at: application.moment)
    }

    /// Notes for the preview that is applied next which of its candidates waiting calls come first for. A call that is
    /// previewed would not wait, so it stands behind all of them.
    ///
    /// - Parameter payload: the request; one that makes no sense is left to the state machine
    package func look(
        aheadOf payload: UnsafeRawBufferPointer, _ application: Application, _ machine: inout StateMachine
    ) {
        var reader = unsafe ByteReader(payload)
        var preview = AdmitPreviewOf<NameView>()
        guard (try? preview.fields(&reader)) != nil else { return }
        var (bits, soonest) = (0 as UInt16, nil as Int64?)
        for place in preview.candidates.indices {
            // An admission is examined up to the first candidate that is free. A preview tells of each.
            var call = AdmitOf<NameView>()
            call.candidates.append(preview.candidates[place])
            call.tags = preview.tags
            call.estimate = preview.estimate
            let found = examine(call, ExaminedCall(application: application, left: 0), machine)
            guard found.passed != 0 else { continue }
            bits |= 1 << UInt16(place)
            if let lifts = found.passedMilliseconds { soonest = min(soonest ?? lifts, lifts) }
        }
        machine.news.pass(PassedCandidates(bits: bits, milliseconds: soonest ?? -1))
    }

    // MARK: Turns

    /// Whether `next` or `nextExpired` may have something to do. `nextWake` is apart.
    package func isDue(_ machine: StateMachine) -> Bool {
        guard !isEmpty else { return false }
        return !front.isEmpty || !lines.changed.isEmpty || hasExpired || !machine.limitTable.freed.isEmpty
            || !machine.news.changed.isEmpty
    }

    /// The next turn. Nil once every call that waits has something against it, or when no examinations are left; then
    /// `isDue` still holds, and the next call goes on where this one ended.
    ///
    /// The call of a turn is examined again unless it is `granted` or withdrawn before the next call.
    ///
    /// - Parameter examinations: how many calls may still be examined
    package mutating func next(
        _ machine: inout StateMachine, at moment: Moment, _ examinations: inout Int
    ) -> Turn? {
        lines.take(newsOf: &machine)
        while let line = lines.takeChanged() { addFront(of: line, machine, at: moment.now) }
        while examinations > 0 {
            guard let slot = firstOfFront(at: moment.now) else {
                lines.settle()
                return nil
            }
            examinations -= 1
            let found = examine(slot, machine, at: moment)
            if let turn = turn(of: slot, found) { return turn }
            examined(slot)
            let narrow = lines.narrowLines(of: waiters[slot].standings)
            note(found, slot, &machine, at: moment)
            // Who stands behind it may be let through, unless it still waits for the same.
            for line in narrow where lines.standing(in: line, of: waiters[slot].standings) == nil {
                addFront(of: line, machine, at: moment.now)
            }
        }
        return nil
    }

    /// Adds the calls of a line that may be let through to the front.
    private mutating func addFront(of line: Int, _ machine: StateMachine, at now: Timestamp) {
        guard lines.lines.contains(line) else { return }
        if case .limit(let entry) = lines.lines[line].subject {
            // An operator has removed the limit. All that wait are examined anew.
            guard machine.limitTable.entries.contains(entry) else { return }
            // A call needs one unit at least. Without room for that this limit stands against all that wait for it.
            guard machine.limitTable.hasRoom(for: 1, entry, at: now) else { return }
        }
        var reserved: Int128 = 0
        var walk = lines.walk(line)
        while let standing = walk.next(self, at: now) {
            let slot = lines.standings[standing].waiter
            if !waiters[slot].isPending { addToFront(slot, at: now) }
            switch lines.lines[line].subject {
            case .route, .share, .examination: return
            case .limit(let entry):
                guard lines.standings[standing].reserves else { continue }
                reserved += Int128(lines.standings[standing].need)
                // A call behind needs one unit at least.
                guard machine.limitTable.hasRoom(for: reserved + 1, entry, at: now) else { return }
            }
        }
    }

    private func turn(of slot: Int, _ found: Examination) -> Turn? {
        let waiter = waiters[slot]
        let kind: Turn.Kind
        if found.chosen != nil {
            kind = .grant
        } else if let place = found.mustDraw {
            kind = .draw(candidate(place, of: waiter))
        } else {
            return nil
        }
        var request = waiter.request
        AdmitTail.write(
            passed: found.passed, milliseconds: found.passedMilliseconds ?? -1, queue: .aside, into: &request)
        return Turn(
            kind: kind, worker: waiter.worker, user: users[waiter.user].number, isOperator: waiter.isOperator,
            ticket: waiter.ticket, request: request, slot: slot, takesDraw: found.takesDraw)
    }

    private func candidate(_ place: Int, of waiter: Waiter) -> Candidate {
        let call = waiter.call
        return call.candidates[place]
    }

    /// Examines a call that waits.
    private func examine(_ slot: Int, _ machine: StateMachine, at moment: Moment) -> Examination {
        let waiter = waiters[slot]
        return unsafe waiter.request.withUnsafeBytes { bytes in
            var reader = unsafe ByteReader(bytes)
            var call = AdmitOf<NameView>()
            guard (try? call.fields(&reader)) != nil else { preconditionFailure("it was decoded before") }
            let examined = ExaminedCall(
                slot: slot, application: application(of: waiter, at: moment), left: waiter.until - moment.now,
                order: order(of: slot, at: moment.now), hasDrawn: waiter.hasDrawn,
                isOld: Self.isOld(waiter, at: moment.now))
            return examine(call, examined, machine)
        }
    }

    /// Whether a call has waited for so long that it reserves of every limit that covers it.
    private static func isOld(_ waiter: Waiter, at now: Timestamp) -> Bool { now - waiter.since >= stepMilliseconds }

    private func application(of waiter: Waiter, at moment: Moment) -> Application {
        Application(
            moment: moment, user: users[waiter.user].number, isOperator: waiter.isOperator, worker: waiter.worker,
            request: waiter.ticket)
    }

    /// Takes over what was found about a call that goes on waiting.
    private mutating func note(
        _ found: Examination, _ slot: Int, _ machine: inout StateMachine, at moment: Moment
    ) {
        if let reason = found.reason { waiters[slot].reason = reason }
        waiters[slot].liftsAt = found.untilLifted.map { moment.now + $0 } ?? (found.canComeFree ? moment.now : nil)
        let reserved = standAnew(slot, &machine)
        for standing in waiters[slot].standings where !lines.standings[standing].reserves {
            let subject = lines.lines[lines.standings[standing].line].subject
            if !found.obstacles.contains(where: { $0.subject == subject }) {
                waiters[slot].standings.removeAll { $0 == standing }
                lines.leave(standing, &machine)
            }
        }
        for obstacle in found.obstacles {
            let standing = lines.join(obstacle.subject, need: obstacle.need, slot, &waiters[slot], &machine)
            if found.obstacles.count == 1, case .limit = obstacle.subject { lines.reserve(standing) }
        }
        for limit in found.covering {
            lines.reserve(lines.join(limit.subject, need: limit.need, slot, &waiters[slot], &machine))
        }
        // Those behind it find room where it reserves less than before.
        for (line, need) in reserved where lines.reserved(in: line, of: waiters[slot].standings) < need {
            addFront(of: line, machine, at: moment.now)
        }
        setWake(slot, at: moment.now, lifting: found.untilLifted.map { moment.now + $0 })
    }

    /// Takes a call out of all its lines if what it waits for is not known any more: limits, names or prices were changed.
    /// Returns what it had reserved until now, by line.
    private mutating func standAnew(_ slot: Int, _ machine: inout StateMachine) -> [(line: Int, need: Int64)] {
        guard lines.isInLine(.examination, of: waiters[slot].standings) else { return [] }
        var reserved: [(line: Int, need: Int64)] = []
        for standing in waiters[slot].standings {
            let left = lines.standings[standing]
            if left.reserves { reserved.append((left.line, left.need)) }
            lines.leave(standing, &machine)
        }
        waiters[slot].standings.removeAll(keepingCapacity: true)
        return reserved
    }

    /// Why a call whose time is over has no permit.
    func lastDecision(of slot: Int, _ machine: StateMachine, at moment: Moment) -> AdmissionDecision {
        let waiter = waiters[slot]
        let found = examine(slot, machine, at: moment)
        let call = waiter.call
        let application = application(of: waiter, at: moment)
        var decision = AdmissionDecision()
        _ = machine.decide(
            call.candidates, machine.look(call.tags, folds: call.foldsTags, application), call.estimate,
            explains: call.explains,
            passed: PassedCandidates(bits: found.passed, milliseconds: found.passedMilliseconds ?? -1), application,
            &decision)
        return decision
    }
}

extension WaitQueue.Waiter {
    /// Its request.
    var call: Admit {
        unsafe request.withUnsafeBytes { bytes in
            var reader = unsafe ByteReader(bytes)
            var call = Admit()
            guard (try? call.fields(&reader)) != nil else { preconditionFailure("it was decoded before") }
            return call
        }
    }
}

extension WaitQueue {
    /// A page of the calls that wait, in the order of their arrival.
    ///
    /// - Parameter own: the user whose calls are told; nil: those of all
    package func page(after arrival: UInt64, of own: UInt32? = nil, at moment: Moment) -> WaitingList.Reply {
        var reply = WaitingList.Reply()
        reply.waiting = UInt32(count)
        reply.limit = UInt32(limit)
        reply.limitPerUser = UInt32(limitPerUser)
        reply.now = moment.now
        var last = arrival
        forEach(after: arrival) { waiter, user in
            guard reply.entries.count < WireLimits.waitingPageLength else {
                reply.next = last
                return false
            }
            last = waiter.arrival
            if let own, user.number != own { return true }
            reply.entries.append(WaitingEntry(waiter, user))
            return true
        }
        return reply
    }
}

extension WaitingEntry {
    fileprivate init(_ waiter: WaitQueue.Waiter, _ user: WaitQueue.User) {
        self.init()
        let call = waiter.call
        ticket = waiter.ticket
        worker = waiter.worker.visible
        self.user = user.number
        for place in call.candidates.indices { candidates.append(call.candidates[place]) }
        for place in call.tags.indices { tags.append(call.tags[place]) }
        estimate = call.estimate
        priority = waiter.priority
        since = waiter.since
        until = waiter.until
        reason = waiter.reason
        isAway = waiter.isAway
    }
}
