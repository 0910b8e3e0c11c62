import FuseboxCore
import FuseboxEngine
import FuseboxWire

/// What is known of calls that wait, or have waited: from the frames that left the daemon, and from its journal.
struct WaitAudit {
    /// A ticket of a worker.
    struct Ticket: Hashable {
        var worker: WorkerID
        var number: UInt64
    }

    /// Requests that were answered with a ticket. Such an answer uses no number.
    var queued: Set<Simulation.LateSettle> = []
    /// The permits of tickets, and the tickets of permits.
    private var permits: [Ticket: UInt64] = [:]
    private var tickets: [UInt64: Ticket] = [:]
    /// Permits that tickets had before they were told another one. They must have ended.
    var replaced: [UInt64] = []
    /// How many changes the daemon had made when a wait was withdrawn, and when a worker was gone.
    private var withdrawn: [Ticket: UInt64] = [:]
    private var gone: [WorkerID: UInt64] = [:]
    /// When a client's last connection ended.
    private(set) var lostAt: [Int: Timestamp] = [:]

    /// The daemon has ended. All waits are lost, and if not everything was in its journal, so may permits be.
    mutating func lifeEnded(keepsGrants: Bool) {
        gone = [:]
        lostAt = [:]
        guard !keepsGrants else { return }
        permits = [:]
        tickets = [:]
    }

    mutating func lost(_ line: Line, at now: Timestamp) { lostAt[line.client] = now }

    mutating func isGone(_ worker: WorkerID, after sequence: UInt64) { gone[worker] = sequence }

    mutating func isBack(_ worker: WorkerID) { gone[worker] = nil }

    mutating func wasWithdrawn(_ ticket: Ticket, after sequence: UInt64) { withdrawn[ticket] = sequence }

    /// A permit was told for a ticket. Returns the violation.
    mutating func told(_ permit: UInt64, for ticket: Ticket) -> String? {
        if withdrawn[ticket] != nil { return "ticket \(ticket.number) was withdrawn, and has permit \(permit)" }
        if let other = tickets[permit], other != ticket { return "permit \(permit) was told for two tickets" }
        if let earlier = permits[ticket], earlier != permit { replaced.append(earlier) }
        tickets[permit] = ticket
        permits[ticket] = permit
        return nil
    }

    func wasTold(_ permit: UInt64, for ticket: Ticket) -> Bool { tickets[permit] == ticket }

    /// A call had its turn. Returns the violation.
    func hadItsTurn(_ turn: LimitAudit.Turn) -> String? {
        let ticket = Ticket(worker: turn.worker, number: turn.ticket)
        if let sequence = withdrawn[ticket], turn.sequence > sequence {
            return "ticket \(turn.ticket) had its turn after it was withdrawn"
        }
        if let sequence = gone[turn.worker], turn.sequence > sequence {
            return "ticket \(turn.ticket) had its turn after its worker was gone"
        }
        return nil
    }
}

/// Calls that wait for their turn: the clients' use of them, and their invariants.
///
/// - No two permits in force were granted for one ticket, and no permit for two.
/// - Nobody has a turn who has withdrawn, said goodbye, or has no connection.
/// - Nobody is admitted by the queue's provider while a call of the same user waits for the same.
/// - A start finds no waiting call. Those that were lost come back with their tickets, and at the end nobody waits.
extension Simulation {
    func waitingDeed() -> Deed {
        guard clients.contains(where: \.knowsPlaces), !random.once(in: 30) else {
            return .places(Int64(random.within(1...3)))
        }
        return .admit(
            Admission(
                routes: [Admission.Route(provider: Account.queue, hasModel: false)], tags: [], cost: 0, tokens: 0,
                ttl: Int64(random.pick([200, 1_000, 20_000])), wait: Int64(random.pick([0, 0, 200, 3_000, 30_000])),
                priority: UInt8(random.pick([3, 3, 0, 5]))))
    }

    // MARK: What is told

    /// Records what a client is told of its waits.
    func noteWait(_ line: Line, _ header: FrameHeader, _ payload: ArraySlice<UInt8>) {
        let worker = line.session.worker
        guard header.kind == FrameKind.push.rawValue || header.command == Withdraw.declaration.number,
            header.detail == Status.ok.rawValue, let end = SimulatedClient.decode(TicketEntry.self, payload)
        else { return }
        let ticket = WaitAudit.Ticket(worker: worker, number: end.ticket)
        switch end.standing {
        case .granted:
            guard let permit = end.admission.permit else { return fail("a granted ticket has no permit") }
            if header.kind == FrameKind.push.rawValue { result.turns += 1 }
            if let violation = waits.told(permit, for: ticket) { fail(violation) }
        case .withdrawn where header.kind == FrameKind.reply.rawValue:
            result.withdrawals += 1
            waits.wasWithdrawn(ticket, after: daemon?.sequence ?? 0)
        default: return
        }
    }

    /// Whether a reply tells of a wait: a ticket, or what became of one. It is not kept, and its number is not used.
    func isOfQueue(_ line: Line, _ header: FrameHeader, _ payload: ArraySlice<UInt8>) -> Bool {
        guard header.command == Admit.declaration.number, header.detail == Status.ok.rawValue,
            let reply = SimulatedClient.decode(Admit.Reply.self, payload)
        else { return false }
        let request = LateSettle(client: line.client, generation: line.generation, number: header.correlation)
        if reply.ticket != nil, waits.queued.insert(request).inserted { result.tickets += 1 }
        // A call whose ticket was never told comes again, and has had its turn meanwhile.
        let number = UInt64(header.correlation)
        let ticket = WaitAudit.Ticket(worker: line.session.worker, number: number)
        if let permit = reply.permit, waits.wasTold(permit, for: ticket) { waits.queued.insert(request) }
        if waits.queued.contains(request) { return true }
        guard case .admit(let admission)? = books(of: line)?.deed(number) else { return false }
        return admission.resumes != 0
    }

    /// A call that is asked for again may have had its turn while its worker was away. Nothing has told so, and the reply
    /// to this frame will.
    func noteUntoldTurn(_ line: Line, _ daemon: SimulatedDaemon, before frame: [UInt8]) {
        let (header, _) = SimulatedClient.parse(frame)
        guard header.command == Admit.declaration.number else { return }
        let ticket = WaitAudit.Ticket(worker: line.session.worker, number: UInt64(header.correlation))
        guard let permit = daemon.permit(ofTicket: ticket.number, of: ticket.worker) else { return }
        if let violation = waits.told(permit, for: ticket) { fail(violation) }
    }

    /// Records that the daemon was told of a connection's begin or end.
    func noteConnection(_ line: Line, _ daemon: SimulatedDaemon, isOpen: Bool) {
        let worker = line.session.worker
        guard worker.high != 0 else { return }
        if isOpen {
            waits.isBack(worker)
        } else if !lines.contains(where: { $0 !== line && $0.session.worker == worker }) {
            waits.isGone(worker, after: daemon.sequence)
        }
    }

    // MARK: Invariants

    private func waitingCalls(_ daemon: SimulatedDaemon) -> [WaitingEntry] {
        var session = openAuditSession(daemon)
        defer { daemon.ended(session) }
        var calls: [WaitingEntry] = []
        var cursor: UInt64 = 0
        repeat {
            guard let page = ask(WaitingList(cursor: cursor), &session, daemon) else { return calls }
            calls += page.entries
            cursor = page.next
        } while cursor != 0
        return calls
    }

    private func permitsInForce(_ daemon: SimulatedDaemon) -> [PermitEntry] {
        var session = openAuditSession(daemon)
        defer { daemon.ended(session) }
        var permits: [PermitEntry] = []
        var cursor: UInt64 = 0
        repeat {
            guard let page = ask(PermitList(cursor: cursor), &session, daemon) else { return permits }
            permits += page.permits
            cursor = page.next
        } while cursor != 0
        return permits
    }

    /// The daemon has started.
    func auditWaits(afterStart daemon: SimulatedDaemon) {
        for client in clients { result.lostWaits += client.waits.count }
        checkNobodyWaits(daemon)
    }

    func checkNobodyWaits(_ daemon: SimulatedDaemon) {
        let calls = waitingCalls(daemon)
        if !calls.isEmpty { fail("\(calls.count) calls wait") }
    }

    /// Every call that waits belongs to a worker that is connected, or may still come back.
    func checkWaits(_ daemon: SimulatedDaemon) {
        for call in waitingCalls(daemon) {
            let client = Int(call.worker.high) - 1
            if call.isAway {
                // A full disk keeps the daemon from burying workers.
                guard limitAudit != nil, let lost = waits.lostAt[client] else { continue }
                let away = daemon.moment.now - lost
                if away > options.bounds.workerGraceMilliseconds {
                    fail("a call waits whose worker is lost for \(away) ms")
                }
            } else if !lines.contains(where: { $0.client == client }) {
                fail("a call waits as if its worker was connected")
            }
        }
        guard !waits.replaced.isEmpty else { return }
        let inForce = Set(permitsInForce(daemon).map(\.permit))
        for permit in waits.replaced where inForce.contains(permit) {
            fail("a ticket has permit \(permit) and another")
        }
        waits.replaced = []
    }

    /// What was there before a call was asked for by the queue's provider.
    struct QueueStanding {
        var permits: Set<UInt64>
        var waiting: [WaitingEntry]
    }

    /// The standing before a frame is handled; nil if it asks for no such call.
    ///
    /// A full disk may leave calls waiting that nothing else stands against, so only runs without one are looked at.
    func permitsOfQueue(_ daemon: SimulatedDaemon, before frame: [UInt8]) -> QueueStanding? {
        let (header, payload) = SimulatedClient.parse(frame)
        guard limitAudit != nil, header.command == Admit.declaration.number,
            let admit = SimulatedClient.decode(Admit.self, payload.dropFirst(2 * MemoryLayout<UInt64>.size)),
            admit.candidates.count == 1, admit.candidates[0].provider == Names.provider(Account.queue)
        else { return nil }
        return queueStanding(daemon)
    }

    private func queueStanding(_ daemon: SimulatedDaemon) -> QueueStanding {
        let queue = Names.provider(Account.queue)
        let permits = permitsInForce(daemon).filter { $0.provider == queue }.map(\.permit)
        return QueueStanding(
            permits: Set(permits), waiting: waitingCalls(daemon).filter { $0.candidates.map(\.provider) == [queue] })
    }

    /// Calls by the queue's provider need the same of every limit if they are of one user. So none passes another.
    func checkNobodyPassed(_ line: Line, _ before: QueueStanding, _ daemon: SimulatedDaemon) {
        let after = queueStanding(daemon)
        let stay = before.waiting.filter { call in
            after.waiting.contains { $0.worker == call.worker && $0.ticket == call.ticket }
        }
        let turns = before.waiting.count - stay.count
        guard after.permits.subtracting(before.permits).count > turns else { return }
        let passed = stay.filter { !$0.isAway && $0.user == line.session.peer.user }
        if let first = passed.first { fail("ticket \(first.ticket) waits, and a call that came later is admitted") }
    }
}
