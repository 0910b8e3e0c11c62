import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxTestSupport
import FuseboxWire

/// Workers of five users that wait for limits of calls in flight and of requests, with deaths and crashes, against
/// `WaitingModel`: the same answers, and the same grants in the same order.
///
/// In every other seed all wait at one priority for the same four places, and one user has most of the workers. Then no
/// call without waiting passes those that wait, whatever the model says, and each user gets a fair share of the turns.
/// In the other seeds there are several limits, priorities and candidates, and an operator changes amounts.
package final class WaitWalk {
    package struct Outcome: Sendable, Equatable {
        /// The violation; nil if there is none. The same seed reproduces it.
        package var violation: String?
        /// A hash of everything that happened.
        package var trace: UInt64 = 0
        package var crashes = 0
        package var powerLosses = 0
        /// Journaled inputs that were compared with those of the model.
        package var compared = 0
        /// Calls that had their turn, were admitted at once, and were withdrawn.
        package var turns = 0
        package var admitted = 0
        package var withdrawn = 0
        /// Waits that ended at their deadline, and those that a crash has ended.
        package var expired = 0
        package var lost = 0
        /// Workers that were gone for good, with calls in flight or waiting.
        package var deaths = 0
        /// The changes of a limit by an operator.
        package var changes = 0
        /// Calls of the greedy worker, which never waits, and those that were admitted.
        package var polls = 0
        package var admittedPolls = 0
        /// The turns of each user while calls of all users waited. Only counted where all wait for the same.
        package var shares = [Int](repeating: 0, count: WaitWalk.userCount)

        package init() {}
    }

    /// What the model says that the reply to a call is.
    enum Expected: Equatable {
        /// It has the permit of this request or ticket of its worker.
        case permit(request: UInt64)
        case ticket(UInt64)
        case denied
        /// It was denied before, and the daemon has seen later requests of its worker.
        case tooLate
    }

    /// A request of a worker.
    struct Request: Hashable {
        var worker: Int
        var number: UInt64
    }

    /// A worker that is gone, or may come back until its deadline.
    struct Loss {
        let worker: Int
        let deadline: Int
        /// Whether it has said goodbye.
        let isGone: Bool
    }

    static let userCount = 5

    let storage: SimulatedStorage
    var random: SplitMix64
    var trace = Trace()
    private var options = SimulatedDaemon.Options()
    /// Whether all wait for the same four places at one priority.
    let isPlain: Bool
    private let clients: [SimulatedClient]
    /// The user of each client. The last client is the greedy one.
    private let users: [Int]
    private let limits: [WaitingModel.Limit]
    var lines: [Line] = []
    private var nextSession: UInt64 = 1
    private var boottime: Int64 = 1_000_000
    private var realtime: Int64 = 1_790_000_000_000
    private var life: UInt64 = 0
    private var operatorSession = Session(id: 0, peer: Peer(processID: 1, user: 0, isOperator: true))
    private var operatorRequest: UInt64 = 0
    /// When calls end, by the numbers of their permits.
    private var callEnds: [UInt64: Int] = [:]
    var outcome = Outcome()

    var model: WaitingModel
    private let mistake: WaitingModel.Mistake
    private var tail = JournalTail()
    /// What a restart brings back, by the sequence of the input that it follows.
    private var past: [(sequence: UInt64, state: WaitingModel.State)] = []
    /// What the daemon is to journal next.
    var coming: [(deed: WaitingModel.Deed, after: WaitingModel.State)] = []
    /// The requests of calls that were denied, and the denials that are journaled, by their sequences.
    var denied: Set<Request> = []
    var keptDenials: [Request: UInt64] = [:]
    /// The numbers that each worker has used, with the sequences of their inputs.
    var journaled: [Int: [(sequence: UInt64, number: UInt64)]] = [:]
    /// The ends of waits that are to be told next, by session.
    var untold: [(session: UInt64, end: WaitingModel.End)] = []
    /// The replies to calls, by session and request.
    var expected: [UInt64: [UInt32: Expected]] = [:]
    /// The request or ticket of each permit that was told.
    var requests: [UInt64: Request] = [:]
    /// The sessions that the daemon tells the ends of waits.
    var speakers: [Int: UInt64] = [:]
    /// Workers without a connection, in the order of their loss.
    var losses: [Loss] = []

    package init(seed: UInt64, mistake: WaitingModel.Mistake = .none) {
        var random = SplitMix64(seed: seed)
        storage = SimulatedStorage(seed: random.next())
        self.mistake = mistake
        isPlain = seed % 2 == 0
        let count = isPlain ? 50 : random.pick([12, 12, 50])
        clients = (0...count).map { SimulatedClient(index: $0) }
        users = (0...count).map { [isPlain] place in
            // Each user has some. In a plain run one has all the others.
            place < 2 * Self.userCount ? place % Self.userCount : isPlain ? 0 : random.below(Self.userCount)
        }
        limits = isPlain ? [WaitingModel.Limit(kind: .inFlight, amount: 4)] : Self.limits(&random)
        model = WaitingModel(now: 0, limits: [])
        options.storekeeping.segmentLength = 64 * 1024
        options.storekeeping.snapshotIntervalMilliseconds = Int64(random.pick([500, 3_000]))
        self.random = random
    }

    private static func limits(_ random: inout SplitMix64) -> [WaitingModel.Limit] {
        var limits: [WaitingModel.Limit] = []
        for _ in 0..<random.within(1...3) {
            let limit = WaitingModel.Limit(
                kind: random.pick([.inFlight, .inFlight, .requests]), amount: random.within(2...6),
                provider: random.pick([nil, "p0", "p1"]), tag: random.once(in: 3) ? "team:a" : nil)
            let isKnown = limits.contains {
                $0.kind == limit.kind && $0.provider == limit.provider && $0.tag == limit.tag
            }
            if !isKnown { limits.append(limit) }
        }
        return limits
    }

    /// Runs this many lives of the daemon.
    package func run(lives: Int) -> Outcome {
        for _ in 0..<lives where outcome.violation == nil { live() }
        if outcome.violation == nil { checkShares() }
        outcome.trace = trace.value
        return outcome
    }

    func fail(_ what: String) {
        if outcome.violation == nil { outcome.violation = "life \(life): \(what)" }
    }

    /// Each user gets at least half of an equal share.
    private func checkShares() {
        let all = outcome.shares.reduce(0, +)
        guard all >= 200, let least = outcome.shares.min(), least * 2 * Self.userCount < all else { return }
        fail("of \(all) turns the users got \(outcome.shares), and an equal share is \(all / Self.userCount)")
    }

    // MARK: Lives

    private func live() {
        life += 1
        if life > 1, random.once(in: 2) {
            storage.plan(
                random.once(in: 5) ? .failure : .death, afterOperations: random.below(random.pick([20, 100, 800])),
                random.pick(SimulatedStorage.Progress.allCases))
        }
        do throws(Ending) {
            let daemon = try start()
            for _ in 0..<random.within(10...250) where outcome.violation == nil { try turn(daemon) }
            if random.once(in: 8) {
                storage.cancelPlan()
                try daemon.stop()
                return end(isCrash: false)
            }
        } catch {
            if case .refused(let why) = error { return fail("the daemon does not start: \(why)") }
        }
        end(isCrash: true)
    }

    private func start() throws(Ending) -> SimulatedDaemon {
        // What was written in the last turn is not known yet.
        follow()
        let daemon = try SimulatedDaemon(
            storage, options, newEpoch: random.next() | 1, boottime: boottime, realtime: realtime, seed: random.next())
        daemon.send = { [unowned self] session, frame, _ in sent(session, frame) }
        let now = Int(daemon.moment.now.milliseconds)
        operatorSession = Session(id: nextSession, peer: Peer(processID: 1, user: 0, isOperator: true))
        nextSession += 1
        operatorRequest = 0
        guard let kept = past.last(where: { $0.sequence <= daemon.recoveredSequence }) else {
            guard life == 1 else {
                fail("the limits are lost")
                return daemon
            }
            model = WaitingModel(now: now, limits: limits, mistake: mistake)
            try setLimits(daemon)
            return daemon
        }
        past = [kept]
        tail.sequence = daemon.recoveredSequence
        keptDenials = keptDenials.filter { $0.value <= daemon.recoveredSequence }
        journaled = journaled.mapValues { $0.filter { $0.sequence <= daemon.recoveredSequence } }
        coming = []
        model.restart(with: kept.state, at: now)
        greetOperator(daemon)
        let grace = Int(options.bounds.workerGraceMilliseconds)
        for (_, permit) in model.permits where !losses.contains(where: { $0.worker == permit.call.worker }) {
            losses.append(Loss(worker: permit.call.worker, deadline: now + grace, isGone: false))
        }
        return daemon
    }

    /// Sets the limits, and waits until they are on disk.
    private func setLimits(_ daemon: SimulatedDaemon) throws(Ending) {
        greetOperator(daemon)
        for place in limits.indices { set(place, to: limits[place].amount, daemon) }
        repeat {
            pass(10)
            try daemon.beginTurn(boottime: boottime, realtime: realtime)
            try daemon.endTurn()
        } while daemon.syncedSequence < daemon.sequence
        model.pass(to: Int(daemon.moment.now.milliseconds))
        _ = tail.read(storage)
        past = [(daemon.sequence, model.state)]
    }

    /// Ends the life. The daemon's memory is lost, and possibly more.
    private func end(isCrash: Bool) {
        let losesPower = storage.hasFailedSync || random.once(in: 2)
        outcome.lost += model.waiters.count
        if isCrash {
            outcome.crashes += 1
            if losesPower { outcome.powerLosses += 1 }
        }
        lines = []
        untold = []
        expected = [:]
        speakers = [:]
        losses = []
        for client in clients { client.leave() }
        if losesPower {
            storage.losePower()
            boottime = 0
        } else {
            storage.killProcess()
        }
        pass(Int64(random.within(1...3_000)))
    }

    private func pass(_ milliseconds: Int64) {
        boottime += milliseconds
        realtime += milliseconds
    }

    // MARK: Turns

    private func turn(_ daemon: SimulatedDaemon) throws(Ending) {
        let isLong = random.once(in: isPlain ? 150 : 20)
        pass(Int64(isLong ? random.within(100...4_000) : random.within(0...40)))
        var ending: Ending?
        do throws(Ending) { try daemon.beginTurn(boottime: boottime, realtime: realtime) } catch { ending = error }
        passTime(to: Int(daemon.moment.now.milliseconds))
        if let ending { throw ending }
        for client in clients.shuffled(using: &random) { act(client, daemon) }
        for line in lines where line.isAbandoned && random.once(in: 10) { close(line, daemon) }
        if !isPlain, random.once(in: 40) { change(daemon) }
        try daemon.endTurn()
        trace.add(daemon.sequence)
        follow()
        if let first = coming.first { fail("the daemon has not \(first.deed)\n\(model)") }
        // Those that can no longer be lost are not needed.
        let safe = past.lastIndex { $0.sequence <= daemon.syncedSequence } ?? 0
        past.removeFirst(safe)
    }

    private func act(_ client: SimulatedClient, _ daemon: SimulatedDaemon) {
        guard let line = client.line else {
            if random.once(in: 3) { connect(client) }
            return
        }
        if !random.once(in: 4) {
            while client.line === line, !line.downlink.isEmpty { receive(line.downlink.removeFirst(), client) }
        }
        if client.line === line, client.isGreeted { work(client) }
        deliver(line, daemon)
        guard client.line === line, client.isGreeted else { return }
        if random.once(in: 120), lines.filter(\.isAbandoned).count + losses.count < 10 {
            // The connection breaks. The daemon notices at once, or later, and the worker may never come back.
            client.leave()
            if random.once(in: 3) { _ = client.beginAnew() }
            if random.once(in: 2) { close(line, daemon) }
        } else if client.unacknowledged.isEmpty, random.once(in: 300) {
            client.sayGoodbye()
            deliver(line, daemon)
            _ = client.beginAnew()
        }
    }

    private func work(_ client: SimulatedClient) {
        endCalls(of: client)
        if client === clients.last {
            for _ in 0..<random.below(4) where client.unacknowledged.count < 12 {
                client.send(.admit(call(isPatient: false)))
                outcome.polls += 1
            }
        } else if client.waits.isEmpty, client.permits.isEmpty, client.unacknowledged.isEmpty, random.once(in: 2) {
            client.send(.admit(call(isPatient: isPlain || !random.once(in: 6))))
        } else if random.once(in: 60), let ticket = client.waits.keys.min() {
            client.withdraw(ticket)
        }
    }

    private func call(isPatient: Bool) -> Admission {
        let routes = isPlain ? [0] : random.pick([[0], [1], [0, 1], [1, 0]])
        let wait = !isPatient ? 0 : isPlain ? random.pick([800, 30_000, 30_000]) : random.pick([300, 3_000, 30_000])
        return Admission(
            routes: routes.map { Admission.Route(provider: $0, hasModel: false) },
            tags: !isPlain && random.once(in: 2) ? ["team:a"] : [], cost: 0, tokens: 0,
            ttl: Int64(random.pick([1_000, 20_000, 60_000])), wait: Int64(wait),
            priority: isPlain ? WireLimits.defaultPriority : UInt8(random.pick([3, 3, 3, 0, 2, 7])))
    }

    /// Settles the calls of a client that have ended. Some are never settled.
    private func endCalls(of client: SimulatedClient) {
        for place in client.permits.indices.reversed() {
            let number = client.permits[place].number
            guard let end = callEnds[number] else {
                let length = random.once(in: 30) ? 0 : random.within(1...(isPlain ? 250 : 800))
                callEnds[number] = length == 0 ? .max : model.now + length
                continue
            }
            guard end != .max else {
                _ = client.takePermit(place)
                continue
            }
            guard end <= model.now else { continue }
            let permit = client.takePermit(place)
            callEnds[number] = nil
            client.send(
                .settle(
                    permit: permit.number, provider: permit.provider, cost: 0, tokens: 0,
                    isCancelled: random.once(in: 8)))
        }
    }

    private func connect(_ client: SimulatedClient) {
        let user = UInt32(1000 + users[client.index])
        let peer = Peer(processID: Int32(client.index), user: user, isOperator: false)
        let line = Line(Session(id: nextSession, peer: peer), client: client.index, generation: client.generation)
        nextSession += 1
        lines.append(line)
        client.enter(line)
    }

    private func receive(_ frame: [UInt8], _ client: SimulatedClient) {
        switch client.receive(frame) {
        case .none: return
        case .wrong(let what): fail("client \(client.index): \(what)")
        case .forgotten: _ = client.beginAnew()
        }
    }

    private func deliver(_ line: Line, _ daemon: SimulatedDaemon) {
        while let frame = line.uplink.first, lines.contains(where: { $0 === line }),
            daemon.canTake(frameLength: frame.count, line.session)
        {
            line.uplink.removeFirst()
            trace.add(frame)
            note(frame, line)
            var session = line.session
            let verdict = daemon.handle(frame, &session)
            line.session = session
            if case .close = verdict { close(line, daemon) }
            for session in daemon.takeFenced() {
                if let fenced = lines.first(where: { $0.session.id == session }) { close(fenced, daemon) }
            }
        }
    }

    private func close(_ line: Line, _ daemon: SimulatedDaemon) {
        daemon.ended(line.session)
        lines.removeAll { $0 === line }
        noteEnd(of: line, grace: Int(options.bounds.workerGraceMilliseconds))
        if clients[line.client].line === line { clients[line.client].leave() }
    }

    func user(of client: Int) -> Int { users[client] }

    func isGreedy(_ client: Int) -> Bool { client == clients.count - 1 }

    // MARK: The operator

    private func greetOperator(_ daemon: SimulatedDaemon) {
        let hello = Hello(worker: WorkerID(high: 255, low: life), client: "operator")
        _ = daemon.handle(SimulatedClient.frame(hello, 0), &operatorSession)
    }

    /// Changes the amount of a limit.
    private func change(_ daemon: SimulatedDaemon) {
        let place = random.below(limits.count)
        let amount = random.within(1...7)
        guard model.limits[place].amount != amount, daemon.canTake(frameLength: 200, operatorSession) else { return }
        outcome.changes += 1
        model.change(place, to: amount)
        set(place, to: amount, daemon)
        serve()
    }

    private func set(_ place: Int, to amount: Int, _ daemon: SimulatedDaemon) {
        let limit = limits[place]
        let scope = Scope(provider: limit.provider.map { Names.name($0) }, tag: limit.tag.map { Names.name($0) })
        let window = limit.kind == .inFlight ? LimitWindow() : .sliding(milliseconds: 10_000)
        let dimension = limit.kind == .inFlight ? LimitDimension.inFlight : .requests
        var frame = ByteWriter()
        let start = frame.beginFrame(
            FrameHeader(command: LimitSet.declaration.number, kind: .request, correlation: 1))
        operatorRequest += 1
        RequestSequence(sequence: operatorRequest, oldestUnacknowledged: operatorRequest).encode(into: &frame)
        LimitSet(scope: scope, limits: [Limit(dimension, Int64(amount), window)]).encode(into: &frame)
        frame.endFrame(start)
        _ = daemon.handle(frame.bytes, &operatorSession)
    }

    // MARK: The journal

    /// Compares what was journaled since the last time with what the model has done.
    private func follow() {
        for input in tail.read(storage) {
            noteNumber(of: input)
            guard let place = place(of: input) else { continue }
            outcome.compared += 1
            let next = coming.remove(at: place)
            var state = next.after
            // Those that are gone at the same time are gone in any order.
            if case .died(let worker) = next.deed, let before = past.last?.state {
                state = before
                state.lapse(worker)
            }
            past.append((input.entry.sequence, state))
        }
    }

    /// Notes the number of a request that was journaled. A call that joins the queue uses none.
    private func noteNumber(of input: JournalTail.Input) {
        let entry = input.entry
        guard entry.request != 0 else { return }
        if entry.command == Admit.declaration.number,
            input.payload.withUnsafeBytes({ AdmitTail.isQueued(in: $0) })
        {
            return
        }
        journaled[Self.number(of: entry.worker), default: []].append((entry.sequence, entry.request))
    }

    /// The place of an input among those that are to come. Nil if the model knows nothing of it.
    private func place(of input: JournalTail.Input) -> Int? {
        guard let deed = deed(input) else { return nil }
        if coming.first?.deed == deed { return 0 }
        let known = coming.firstIndex { $0.deed == deed }
        switch deed {
        // What is denied, or comes after the end of a permit, may be journaled too.
        case .admitted(let worker, let number) where known == nil:
            let request = Request(worker: worker, number: number)
            if denied.contains(request) { keptDenials[request] = input.entry.sequence }
            return nil
        case .settled where known == nil: return nil
        case .died where coming.prefix(known ?? 0).allSatisfy({ $0.deed.isDeath }): return known
        default: break
        }
        let next = coming.first.map { "\($0.deed)" } ?? "nothing"
        fail("the daemon has \(deed), and the model says that \(next) comes next\n\(model)")
        return nil
    }

    private func deed(_ input: JournalTail.Input) -> WaitingModel.Deed? {
        let entry = input.entry
        let worker = Self.number(of: entry.worker)
        switch entry.command {
        case Admit.declaration.number: return .admitted(worker: worker, request: entry.request)
        case Settle.declaration.number: return .settled(worker: worker, request: entry.request)
        case GrantTurn.declaration.number:
            guard let turn = SimulatedClient.decode(GrantTurn.self, input.payload[...]) else { return nil }
            return .granted(worker: worker, ticket: turn.ticket)
        case ReclaimPermits.declaration.number:
            guard let gone = SimulatedClient.decode(ReclaimPermits.self, input.payload[...]) else { return nil }
            return .died(worker: Self.number(of: gone.worker))
        case LimitSet.declaration.number:
            guard case .changed(let limit, let amount)? = coming.first?.deed else { return nil }
            return .changed(limit: limit, amount: amount)
        default: return nil
        }
    }

    static func number(of worker: WorkerID) -> Int { Int(worker.low) << 8 | Int(worker.high) }
}

extension WaitingModel.Deed {
    fileprivate var isDeath: Bool {
        if case .died = self { return true }
        return false
    }
}
