import FuseboxCore
import FuseboxEngine
import FuseboxWire

/// What the model makes of frames and of time, and the comparison with what the daemon sends.
extension WaitWalk {
    // MARK: Events

    /// Time has passed. Workers whose grace is over are gone, and permits end.
    func passTime(to moment: Int) {
        let gone = losses.filter { $0.deadline <= moment }
        losses.removeAll { $0.deadline <= moment }
        for loss in gone.sorted(by: { ($0.deadline, $0.isGone ? 0 : 1) < ($1.deadline, $1.isGone ? 0 : 1) }) {
            let isMissed = model.waiters.contains { $0.call.worker == loss.worker }
            if isMissed || model.permits.contains(where: { $0.permit.call.worker == loss.worker }) {
                outcome.deaths += 1
            }
            model.bury(loss.worker)
        }
        model.pass(to: moment)
        serve()
    }

    /// Gives the model their turns, and notes what is to be journaled and told.
    func serve() {
        let present = Set(model.waiters.lazy.filter { !$0.isAway }.map(\.call.user))
        model.serve()
        for end in model.takeEnds() {
            if let session = speakers[end.worker] { untold.append((session, end)) }
            switch end.standing {
            case .granted: outcome.turns += 1
            case .expired: outcome.expired += 1
            case .withdrawn: outcome.withdrawn += 1
            default: break
            }
            if isPlain, end.standing == .granted, present.count == Self.userCount {
                outcome.shares[user(of: (end.worker & 255) - 1)] += 1
            }
        }
        coming += model.takeDeeds()
    }

    /// A frame is delivered to the daemon.
    func note(_ frame: [UInt8], _ line: Line) {
        let (header, payload) = SimulatedClient.parse(frame)
        let fields = payload.dropFirst(2 * MemoryLayout<UInt64>.size)
        let worker = Self.number(of: line.session.worker)
        switch header.command {
        case Hello.declaration.number:
            guard let hello = SimulatedClient.decode(Hello.self, payload) else { return fail("no hello") }
            let worker = Self.number(of: hello.worker)
            speakers[worker] = line.session.id
            losses.removeAll { $0.worker == worker }
            model.setAway(worker, false)
        case Goodbye.declaration.number:
            model.forget(worker)
            speakers[worker] = nil
            if isMissed(worker) { losses.append(Loss(worker: worker, deadline: model.now, isGone: true)) }
        case Withdraw.declaration.number:
            guard let withdraw = SimulatedClient.decode(Withdraw.self, payload) else { return fail("no withdrawal") }
            model.withdraw(worker, withdraw.ticket)
        case Settle.declaration.number:
            guard let settle = SimulatedClient.decode(Settle.self, fields) else { return fail("no settle") }
            noteSettle(settle, worker, UInt64(header.correlation))
        case Admit.declaration.number:
            guard let admit = SimulatedClient.decode(Admit.self, fields) else { return fail("no admission") }
            let answer = answer(to: admit, worker, UInt64(header.correlation), line)
            expected[line.session.id, default: [:]][header.correlation] = answer
        default: return
        }
        serve()
    }

    private func isMissed(_ worker: Int) -> Bool {
        model.permits.contains { $0.permit.call.worker == worker }
            || model.waiters.contains { $0.call.worker == worker }
    }

    private func noteSettle(_ settle: Settle, _ worker: Int, _ number: UInt64) {
        guard let request = requests[settle.permit], request.worker == worker else { return }
        let permit =
            model.permit(of: worker, request: request.number)
            ?? model.lapsedPermit(of: worker, request: request.number)?.id
        if let permit { model.settle(permit, by: number, isCancelled: settle.outcome == .cancelled) }
    }

    private func answer(to admit: Admit, _ worker: Int, _ number: UInt64, _ line: Line) -> Expected {
        // A request that was sent again, or that resumes a wait, begins no other one.
        for request in [number, admit.resumes] where request != 0 {
            if model.isWaiting(worker, request) { return .ticket(request) }
            if model.permit(of: worker, request: request) != nil { return .permit(request: request) }
        }
        // The reply to a call that was granted at once is kept. That of one that has waited is looked up.
        if let lapsed = model.lapsedPermit(of: worker, request: number), !lapsed.permit.hasWaited {
            return .permit(request: number)
        }
        // So is a denial that was journaled.
        guard keptDenials[Request(worker: worker, number: number)] == nil else { return .denied }
        guard number > journaled[worker]?.last?.number ?? 0 else { return .tooLate }
        let present = model.waiters.contains { !$0.isAway }
        let call = WaitingModel.Call(
            worker: worker, user: user(of: line.client),
            candidates: admit.candidates.indices.map { admit.candidates[$0].provider.text },
            tags: admit.tags.indices.map { admit.tags[$0].text }, ttl: Int(admit.ttlMilliseconds))
        let answer = model.arrive(
            call, ticket: number, wait: Int(admit.waitMilliseconds), priority: Int(admit.priority))
        switch answer {
        case .permit:
            outcome.admitted += 1
            if isGreedy(line.client) { outcome.admittedPolls += 1 }
            if isPlain, present, admit.waitMilliseconds == 0 { fail("the model lets a call pass those that wait") }
            return .permit(request: number)
        case .ticket:
            denied.remove(Request(worker: worker, number: number))
            return .ticket(number)
        case .denied:
            denied.insert(Request(worker: worker, number: number))
            return .denied
        }
    }

    /// The daemon has noticed the end of a connection.
    func noteEnd(of line: Line, grace: Int) {
        untold.removeAll { $0.session == line.session.id }
        expected[line.session.id] = nil
        let worker = Self.number(of: line.session.worker)
        guard speakers[worker] == line.session.id else { return }
        speakers[worker] = nil
        if isMissed(worker) { losses.append(Loss(worker: worker, deadline: model.now + grace, isGone: false)) }
        model.setAway(worker, true)
        serve()
    }

    // MARK: What the daemon sends

    func sent(_ session: UInt64, _ frame: [UInt8]) {
        trace.add(frame)
        guard let line = lines.first(where: { $0.session.id == session }) else { return }
        line.downlink.append(frame)
        let (header, payload) = SimulatedClient.parse(frame)
        if header.kind == FrameKind.push.rawValue { return checkEnd(line, payload) }
        if header.command == Admit.declaration.number { checkAnswer(line, header, payload) }
    }

    /// The ends of waits are told in the order in which the model comes to them.
    private func checkEnd(_ line: Line, _ payload: ArraySlice<UInt8>) {
        guard let entry = SimulatedClient.decode(TicketEntry.self, payload) else { return fail("no end of a wait") }
        let worker = Self.number(of: line.session.worker)
        let end = WaitingModel.End(worker: worker, ticket: entry.ticket, standing: entry.standing)
        // Grants are told in their order. Waits whose time is over at the same moment end in any.
        let next = untold.first { end.standing != .granted || $0.end.standing == .granted }
        guard let place = untold.firstIndex(where: { $0.session == line.session.id && $0.end == end }),
            end.standing != .granted || next?.end == end
        else {
            let comes = next.map { "\($0.end)" } ?? "nothing"
            return fail("the daemon tells \(end), and the model says that \(comes) comes next\n\(model)")
        }
        untold.remove(at: place)
        if let permit = entry.admission.permit { requests[permit] = Request(worker: worker, number: entry.ticket) }
    }

    private func checkAnswer(_ line: Line, _ header: FrameHeader, _ payload: ArraySlice<UInt8>) {
        guard let awaited = expected[line.session.id]?.removeValue(forKey: header.correlation) else {
            return fail("client \(line.client) gets a reply that nobody awaits")
        }
        if awaited == .tooLate, header.detail == Status.sequenceOutOfOrder.rawValue { return }
        guard header.detail == Status.ok.rawValue, let reply = SimulatedClient.decode(Admit.Reply.self, payload) else {
            return fail("client \(line.client) is refused with status \(header.detail)")
        }
        let worker = Self.number(of: line.session.worker)
        let answer: Expected
        if let permit = reply.permit {
            var told = UInt64(header.correlation)
            if case .permit(let request) = awaited { told = request }
            requests[permit] = Request(worker: worker, number: told)
            answer = .permit(request: told)
        } else if let ticket = reply.ticket {
            answer = .ticket(ticket)
        } else {
            answer = .denied
        }
        if answer != awaited {
            fail("client \(line.client) is told \(reply), and the model says \(awaited)\n\(model)")
        }
    }
}
