import FuseboxCore
import FuseboxWire

/// Calls that wait for their turn: their arrival, their grants, their end.
extension Engine {
    // MARK: Arriving

    /// Whether an admission concerns the queue: calls wait, it may wait itself, or it pretends to know what the queue
    /// has decided.
    func mayWait(_ payload: UnsafeRawBufferPointer) -> Bool {
        if !queue.isEmpty { return true }
        guard let wait = unsafe AdmitTail.waitMilliseconds(in: payload) else { return false }
        if wait > 0 { return true }
        let decided = payload.count - AdmitTail.decidedBytes
        let first = unsafe payload.loadUnaligned(fromByteOffset: decided, as: UInt32.self)
        let rest = unsafe payload.loadUnaligned(fromByteOffset: payload.count - 8, as: UInt64.self)
        return first != 0 || rest != 0
    }

    /// Answers an admission that waits already: it was sent again, or it continues the wait of an earlier request.
    /// Returns false if nothing is known of such a wait, or if it has ended without a permit; then it is a new one.
    ///
    /// - Parameter resumed: the ticket of the earlier request; 0: none
    mutating func answerWaiting(_ caller: Caller, resuming resumed: UInt64, _ header: FrameHeader) -> Bool {
        var entry = entry(ofTicket: caller.request, of: caller.worker)
        // A request that resumes a wait may have begun one of its own, because the daemon had lost the earlier one.
        if entry.standing == .forgotten, resumed != 0 { entry = self.entry(ofTicket: resumed, of: caller.worker) }
        switch entry.standing {
        case .waiting:
            var answer = AdmitReply()
            answer.ticket = entry.ticket
            reply(answer, to: header)
            followPushes()
        case .granted:
            reply(entry.admission, to: header)
            watermark = commit.durability.watermark(for: .durable)
            followPushes()
        case .expired, .withdrawn, .refused, .forgotten, .unknown: return false
        }
        return true
    }

    /// Applies an admission while calls wait, or one that may wait.
    ///
    /// - Parameter finish: answers the request with this payload, which the journal gets
    mutating func admitInTurn(
        _ payload: UnsafeRawBufferPointer, _ caller: Caller, at moment: Moment,
        finish: (inout Engine, UnsafeRawBufferPointer) -> Void
    ) throws(Refusal) {
        let application = application(of: caller, at: moment)
        let (arrival, marks) = try unsafe queue.arrive(payload, application, state.machine)
        var decided = unsafe [UInt8](payload)
        AdmitTail.write(
            passed: arrival.passed, milliseconds: arrival.milliseconds, queue: arrival.queue, into: &decided)
        if let refusal = unsafe decided.withUnsafeBytes({ unsafe applyWithRoom(.admit, $0, caller, at: moment) }) {
            let substitute = try substitute(of: .admit, decided, refusal, caller, at: moment)
            decided = unsafe substitute.withBytes { bytes in unsafe [UInt8](bytes) }
        }
        unsafe decided.withUnsafeBytes { unsafe finish(&self, $0) }
        queue.arrived(marks)
        guard arrival.queue == .joins else { return }
        followPushes()
        unsafe decided.withUnsafeBytes { unsafe queue.join($0, application, marks, &state.machine) }
    }

    /// Keeps the reply behind the pushes so far. Among them may be the end of an earlier wait with the same ticket: its
    /// worker would take it for the end of this one.
    private mutating func followPushes() {
        followsPushes = true
        watermark = max(watermark, commit.durability.watermark(for: .written))
    }

    /// Lets the preview that is applied next tell whether calls that wait come first.
    mutating func lookAhead(of payload: UnsafeRawBufferPointer, _ caller: Caller, at moment: Moment) {
        unsafe queue.look(aheadOf: payload, application(of: caller, at: moment), &state.machine)
    }

    private func application(of caller: Caller, at moment: Moment) -> Application {
        state.machine.application(
            at: moment, by: caller.user, isOperator: caller.isOperator, worker: caller.worker, request: caller.request)
    }

    // MARK: Turns

    /// Tells the queue of an input that changes more than calls do.
    mutating func noteChange(by command: CommandNumber) {
        switch command {
        // What these free is noted where it happens.
        case .admit, .settle, .report, .renew, .revoke, .admitPreview, .permitList, .breakerAcquire, .breakerSuccess,
            .breakerFailure, .breakerForceOpen, .breakerReset, .breakerResetAll, .exhaustionMark, .exhaustionClear,
            .exhaustionReset, .ledgerRecord, .advance, .reclaimPermits, .beginPermitNumbers, .grantTurn, .drawShare,
            .beginDay, .takeClockBack, .recordClock, .forgetWorker:
            return
        case .beginWindow: queue.windowsBegan()
        // Whatever else changes the state may free anything. So a new command is safe here.
        default:
            guard command.declaration.effect == .written || command.declaration.effect == .durable else { return }
            queue.examineAll(&state.machine)
        }
    }

    /// Grants their permits to the calls that nothing stands against any more, and ends the waits whose time is over.
    mutating func takeTurns(at moment: Moment) {
        if let turnsAgainAt, now < turnsAgainAt { return }
        turnsAgainAt = nil
        queue.wake(at: moment.now)
        var turns = Bounds.grantsPerTurn
        var examinations = state.machine.bounds.examinationsPerTurn
        while turns > 0, let turn = queue.next(&state.machine, at: moment, &examinations) {
            do throws(Refusal) { try carryOut(turn, at: moment) } catch {
                // The journal has no room.
                turnsAgainAt = now + 1_000
                return
            }
            turns -= 1
        }
        // The last look at each of them is an examination too.
        while examinations > 0, let (worker, ticket, decision) = queue.nextExpired(&state.machine, at: moment) {
            examinations -= 1
            var entry = TicketEntry(ticket: ticket, standing: .expired)
            entry.admission.decision = decision
            push(entry, to: worker)
        }
    }

    /// - Throws: the refusal, if it cannot be journaled now
    private mutating func carryOut(_ turn: WaitQueue.Turn, at moment: Moment) throws(Refusal) {
        switch turn.kind {
        case .grant: try grant(turn, at: moment)
        case .draw(let candidate):
            let input = DrawShare(candidate: candidate)
            let placement = try commit.reserve(payload: turn.request.count)
            _ = try state.machine.apply(input, at: moment, by: turn.user, effects: &state.effects)
            recordOwn(input, placement)
            queue.drew(turn)
        }
    }

    private mutating func grant(_ turn: WaitQueue.Turn, at moment: Moment) throws(Refusal) {
        try beginPermitNumbers(at: moment)
        var payload = ByteWriter(capacity: turn.request.count + 8)
        payload.write(turn.ticket)
        unsafe turn.request.withUnsafeBytes { unsafe payload.write(contentsOf: $0) }
        let placement = try commit.reserve(payload: payload.count)
        let caller = Caller(turn)
        if let refusal = unsafe payload.withBytes({ unsafe applyWithRoom(.grantTurn, $0, caller, at: moment) }) {
            let request = unsafe payload.withBytes { bytes in unsafe [UInt8](bytes) }
            do throws(Refusal) {
                payload = try substitute(of: .grantTurn, request, refusal, caller, at: moment)
            } catch { return refuse(turn) }
        }
        let reply = unsafe state.reply.withBytes { unsafe AdmitReply(in: $0) }
        guard let admission = reply, admission.permit != nil else { return refuse(turn) }
        switch placement {
        case .journaled:
            let number = RequestSequence(sequence: 0, oldestUnacknowledged: 0)
            unsafe payload.withBytes {
                unsafe record(
                    CommandNumber.grantTurn.rawValue, $0, (number, turn.worker), by: turn.user,
                    sharing: turn.isOperator ? nil : turn.user)
            }
        case .unjournaled: applied()
        }
        var entry = TicketEntry(ticket: turn.ticket, standing: .granted)
        entry.admission = admission
        push(entry, to: turn.worker)
        queue.granted(turn, &state.machine)
    }

    /// Applies the substitute of a request that was refused, and returns its payload.
    private mutating func substitute(
        of command: CommandNumber, _ payload: [UInt8], _ refusal: Refusal, _ caller: Caller, at moment: Moment
    ) throws(Refusal) -> ByteWriter {
        // Typed errors do not pass through `withUnsafeBytes`.
        var result: Result<ByteWriter, Refusal>?
        unsafe payload.withUnsafeBytes { bytes in
            do throws(Refusal) {
                result = .success(try unsafe applySubstitute(of: command, bytes, refusal, caller, at: moment))
            } catch { result = .failure(error) }
        }
        guard let result else { throw refusal }
        return try result.get()
    }

    /// Ends the wait of a call that cannot be granted although its turn has come.
    private mutating func refuse(_ turn: WaitQueue.Turn) {
        _ = queue.withdraw(turn.worker, ticket: turn.ticket, &state.machine)
        push(TicketEntry(ticket: turn.ticket, standing: .refused), to: turn.worker)
    }

    /// Sends the end of a wait to its worker, once the inputs so far are written. The ticket is sent before it.
    private mutating func push(_ entry: TicketEntry, to worker: WorkerID) {
        guard let speaker = speakers[worker] else { return }
        pushed.version = speaker.version
        let start = pushed.beginFrame(FrameHeader(command: Tickets.declaration.number, kind: .push, correlation: 0))
        entry.encode(into: &pushed)
        pushed.endFrame(start)
        let watermark = commit.durability.watermark(for: .written)
        unsafe pushed.withBytes { unsafe commit.push($0, to: speaker.session, until: watermark) }
        pushed.removeAll()
    }

    // MARK: Asking

    /// Whether calls of a session's worker wait for their turn.
    package func awaitsTurn(_ session: borrowing Session) -> Bool {
        speakers[session.worker]?.session == session.id && queue.contains(session.worker)
    }

    /// What became of a ticket of a worker.
    func entry(ofTicket ticket: UInt64, of worker: WorkerID) -> TicketEntry {
        if queue.contains(worker, ticket: ticket) { return TicketEntry(ticket: ticket, standing: .waiting) }
        guard let admission = state.machine.admission(ofTicket: ticket, of: worker) else {
            return TicketEntry(ticket: ticket, standing: .forgotten)
        }
        var entry = TicketEntry(ticket: ticket, standing: .granted)
        entry.admission = admission
        return entry
    }

    /// Handles `admission.tickets`.
    func answer(_ command: Tickets, of worker: WorkerID) throws(Refusal) -> Tickets.Reply {
        guard command.tickets.count <= WireLimits.ticketsPerRequest else {
            throw Refusal(
                .outOfRange, "\(command.tickets.count) tickets are more than \(WireLimits.ticketsPerRequest)")
        }
        var reply = Tickets.Reply()
        reply.entries = command.tickets.map { entry(ofTicket: $0, of: worker) }
        return reply
    }

    /// Handles `admission.withdraw`.
    mutating func answer(_ command: Withdraw, of worker: WorkerID) -> TicketEntry {
        if queue.withdraw(worker, ticket: command.ticket, &state.machine) {
            let entry = TicketEntry(ticket: command.ticket, standing: .withdrawn)
            push(entry, to: worker)
            return entry
        }
        return entry(ofTicket: command.ticket, of: worker)
    }
}
