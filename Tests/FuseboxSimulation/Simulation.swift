import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxTestSupport
import FuseboxWire

/// The result of a run of one seed.
package struct SimulationResult: Sendable, Equatable {
    package var seed: UInt64 = 0
    /// The violation; nil if there is none. The same seed reproduces it.
    package var violation: String?
    /// A hash of everything that happened.
    package var trace: UInt64 = 0
    /// The number of crashes.
    package var crashes = 0
    /// The crashes that lost what was not on disk.
    package var powerLosses = 0
    /// The crashes after an error of the disk.
    package var diskErrors = 0
    /// The crashes while the daemon was starting.
    package var crashesAtStart = 0
    package var cleanStops = 0
    /// The number of restarts at which all acknowledged requests were checked.
    package var audits = 0
    /// The number of acknowledged requests.
    package var acknowledged = 0
    /// The number of requests that were refused or answered from a kept reply.
    package var repeatedOrRefused = 0
    /// Copies of the data directory with one bit flipped that were refused, recovered completely, or recovered without
    /// a last write that was not known to be on disk.
    package var flipsRefused = 0
    package var flipsWithoutLoss = 0
    package var flipsTorn = 0
    /// The same for copies whose journal had lost its end, or had a copy of a segment.
    package var lossesRefused = 0
    package var lossesWithoutLoss = 0
    package var lossesOfUnsafe = 0
    /// The number of restarts that dropped an incomplete write.
    package var tornTails = 0
    /// The number of acknowledged imports.
    package var imports = 0
    /// Permits that were granted, those that expired or were reclaimed, and calls that were settled after that.
    package var permits: UInt64 = 0
    package var lapsedPermits: UInt64 = 0
    package var lateSettles = 0
    /// How often every limit was compared with the plain model.
    package var limitAudits = 0
    /// Calls that have waited: the tickets that were told, those that ended with a permit, those that were withdrawn,
    /// and those that a restart has lost.
    package var tickets = 0
    package var turns = 0
    package var withdrawals = 0
    package var lostWaits = 0

    package init() {}
}

/// One run from a seed: a daemon, its clients and its disk.
package final class Simulation {
    private static let clientCount = 5

    let storage: SimulatedStorage
    var random: SplitMix64
    var trace = Trace()
    var options = SimulatedDaemon.Options()
    private let wantedCrashes: Int
    let clients: [SimulatedClient]
    var retired: [(client: Int, generation: Int, books: Books)] = []
    var lines: [Line] = []
    var nextSession: UInt64 = 1
    var daemon: SimulatedDaemon?
    var result = SimulationResult()

    private var boottime: Int64 = 1_000_000
    var realtime: Int64 = 1_790_000_000_000
    /// Whether power was lost since the last audit.
    var hasLostPower = false
    /// The highest sequences that the daemon has reported as durable and as written.
    var durableFloor: UInt64 = 0
    var writtenFloor: UInt64 = 0
    /// Earlier states, by sequence.
    var images: [(sequence: UInt64, image: [UInt8])] = []
    /// Replies to the auditor.
    var audited: [UInt8]?
    /// Whether workers may be forgotten for others.
    var mayForget = false
    /// The limit of cost of the provider that is only used by admission. It is used up soon, or so large that the limit
    /// of requests is reached.
    let costLimit: Int64
    /// The plain model of limits beside the journal; nil: not in this run.
    var limitAudit: LimitAudit?
    var draw: LimitDraw
    /// Some of the limits that were set.
    var knownLimits: [(scope: Scope, limit: Limit)] = []
    /// Settles after the end of their permits.
    var lateSettles: Set<LateSettle> = []
    /// What is known of calls that wait, or have waited.
    var waits = WaitAudit()
    /// The session whose import is being decoded. Until its state is in force, requests wait.
    var importing: UInt64?

    package init(seed: UInt64, crashes: Int, bug: PlantedBug = .none) {
        random = SplitMix64(seed: seed)
        storage = SimulatedStorage(seed: random.next())
        storage.ignoresDirectorySync = bug == .forgetsDirectorySync
        storage.ignoresMarks = bug == .forgetsMarks
        storage.delaysEntries = bug == .acknowledgesBeforeWrite
        wantedCrashes = crashes
        costLimit = random.pick([15_000_000, 15_000_000_000])
        draw = LimitDraw(
            random: SplitMix64(seed: random.next()), providers: ["p0", "p1", "p2"], deployments: ["eu", "us"],
            models: [], cost: 1_000_000, tokens: 250)
        clients = (0..<Self.clientCount).map { SimulatedClient(index: $0) }
        options.bug = bug
        options.storekeeping.segmentLength = random.pick([8, 16, 64]) * 1024
        options.storekeeping.snapshotIntervalMilliseconds = Int64(random.pick([100, 500, 3_000]))
        options.storekeeping.durability = random.pick([.commit, .commit, .commit, .commit, .interval, .snapshot])
        // An unknown worker may have been lost or forgotten. The books can only represent one of the two.
        mayForget = durability == .commit && random.once(in: 3)
        if mayForget { options.bounds.workers = Self.clientCount - 1 }
        // What a full disk leaves out of the journal, and what an import replaces, the model would not know.
        if durability == .commit, random.once(in: 2) {
            limitAudit = LimitAudit(bounds: options.bounds, losesSettles: bug == .losesSettles)
        }
        result.seed = seed
    }

    var durability: Durability { options.storekeeping.durability }

    package func run() -> SimulationResult {
        while result.violation == nil, result.crashes < wantedCrashes { live() }
        if result.violation == nil { finish() }
        result.trace = trace.value
        return result
    }

    func fail(_ what: String) {
        if result.violation == nil { result.violation = what }
    }

    // MARK: Lives

    /// One life of the daemon, from its start to its end.
    private func live() {
        if random.once(in: 2) {
            let fault: SimulatedStorage.Fault = random.once(in: 5) ? .failure : .death
            storage.plan(
                fault, afterOperations: random.below(random.pick([8, 40, 160])),
                random.pick(SimulatedStorage.Progress.allCases))
        }
        do throws(Ending) {
            try start()
            for _ in 0..<random.within(1...60) where result.violation == nil { try turn() }
            if random.once(in: 8) {
                storage.cancelPlan()
                storage.isFull = false
                try daemon?.stop()
                result.cleanStops += 1
                return end(isCrash: false)
            }
        } catch {
            if case .refused(let why) = error { return fail("the daemon does not start: \(why)") }
        }
        end(isCrash: true)
    }

    private func start() throws(Ending) {
        if random.once(in: 4) { damage() }
        storage.isFull = random.once(in: 20) && limitAudit == nil
        limitAudit?.read(storage)
        let daemon: SimulatedDaemon
        do throws(Ending) {
            daemon = try SimulatedDaemon(
                storage, options, newEpoch: random.next() | 1, boottime: boottime, realtime: realtime,
                seed: random.next())
        } catch {
            if !storage.isFull { result.crashesAtStart += 1 }
            throw error
        }
        daemon.send = { [unowned self] in sent($0, $1, $2) }
        daemon.tell = { [unowned self] in heard($0) }
        self.daemon = daemon
        if case .torn = daemon.situation.tail { result.tornTails += 1 }
        trace.add(daemon.recoveredSequence)
        audit(daemon)
        auditLimits(afterStart: daemon)
        auditWaits(afterStart: daemon)
    }

    /// Ends the life. The daemon's memory is lost, and possibly more.
    private func end(isCrash: Bool) {
        let losesPower = storage.hasFailedSync || random.once(in: 2)
        waits.lifeEnded(keepsGrants: !losesPower && durability != .snapshot && limitAudit != nil)
        if isCrash {
            result.crashes += 1
            if storage.hasFailedSync { result.diskErrors += 1 }
            if losesPower { result.powerLosses += 1 }
        }
        remember()
        daemon = nil
        lines = []
        importing = nil
        for client in clients { client.leave() }
        hasLostPower = hasLostPower || losesPower
        if losesPower {
            storage.losePower()
            boottime = 0
        } else {
            storage.killProcess()
        }
        boottime += Int64(random.within(1...3_000))
        // The wall clock may have been set back meanwhile.
        realtime += Int64(random.once(in: 20) ? -random.within(0...60_000) : random.within(1...3_000))
    }

    /// Keeps the present state, for a comparison with the recovered one.
    private func remember() {
        guard let daemon, daemon.isJournalCurrent else { return }
        images.append((daemon.sequence, daemon.image))
        if images.count > 4 { images.removeFirst() }
    }

    /// The last life without faults. Every request gets its reply, and all sums must be correct.
    private func finish() {
        do throws(Ending) {
            try start()
            storage.isFull = false
            for _ in 0..<5_000 {
                if clients.allSatisfy({ $0.isGreeted && $0.unacknowledged.isEmpty }), lines.count == clients.count {
                    break
                }
                try turn(isLast: true)
            }
            guard clients.allSatisfy(\.unacknowledged.isEmpty), let daemon else {
                return fail("requests got no answer")
            }
            for client in clients {
                let account = account(client.index, client.generation, daemon)
                if account != client.books.total {
                    fail("client \(client.index) has \(account), and its books say \(client.books.total)")
                }
            }
            checkConservation(daemon)
            try letPermitsLapse(daemon)
        } catch { fail("the daemon ended without a fault") }
    }

    // MARK: Turns

    private func turn(isLast: Bool = false) throws(Ending) {
        guard let daemon else { return }
        let passed = Int64(random.once(in: 20) ? random.within(100...1_500) : random.within(0...30))
        boottime += passed
        realtime += passed
        if !isLast, random.once(in: 150), limitAudit == nil { storage.isFull.toggle() }
        try daemon.beginTurn(boottime: boottime, realtime: realtime)
        if isLast, lines.contains(where: \.isAbandoned) { dropAbandoned(daemon) }
        for client in clients { act(client, daemon, isLast) }
        if importing == nil {
            for line in lines { deliver(line, daemon) }
            if !isLast, random.once(in: 120), limitAudit == nil { importOwnState(daemon) }
        }
        try daemon.endTurn()
        followLimits()
        trace.add(daemon.sequence)
        if daemon.isJournalCurrent, durability != .snapshot {
            durableFloor = max(durableFloor, daemon.syncedSequence)
            writtenFloor = daemon.sequence
        }
        if random.once(in: 16) { remember() }
        if random.once(in: 32), importing == nil {
            checkPermits(daemon)
            compareLimits(daemon)
            checkWaits(daemon)
        }
    }

    /// One time to live after the end, nothing is held any more.
    private func letPermitsLapse(_ daemon: SimulatedDaemon) throws(Ending) {
        for _ in 0..<12 {
            boottime += 20_000
            realtime += 20_000
            try turn(isLast: true)
        }
        checkPermits(daemon)
        checkNobodyWaits(daemon)
        let totals = permitTotals(daemon)
        if totals.outstanding != 0 || totals.held != .zero {
            fail("\(totals.outstanding) permits are in force long after the end")
        }
        result.permits = totals.granted
        result.lapsedPermits = totals.expired + totals.reclaimed
    }

    private func dropAbandoned(_ daemon: SimulatedDaemon) {
        for line in lines where line.isAbandoned { close(line, daemon) }
    }

    private func act(_ client: SimulatedClient, _ daemon: SimulatedDaemon, _ isLast: Bool) {
        guard let line = client.line else {
            if random.once(in: 3) { connect(client) }
            return
        }
        for _ in 0..<min(line.downlink.count, random.below(6)) where client.line === line {
            receive(line.downlink.removeFirst(), client)
        }
        guard client.line === line, client.isGreeted, !isLast else { return }
        for _ in 0..<random.below(4) where client.unacknowledged.count < 12 {
            client.send(random.once(in: 3) ? admissionDeed(client) : deed())
        }
        if random.once(in: 10) { client.ask(LedgerProviders()) }
        if random.once(in: 20), let ticket = client.waits.keys.min() { client.withdraw(ticket) }
        if random.once(in: 60) {
            // The connection breaks. The daemon notices at once, or only when the worker reconnects.
            client.leave()
            if random.once(in: 2) { close(line, daemon) }
        } else if client.unacknowledged.isEmpty, random.once(in: 100) {
            client.sayGoodbye()
            retire(client)
        }
    }

    private func deed() -> Deed {
        switch random.below(20) {
        case 0..<8:
            .record(
                provider: random.below(Account.limited), cost: Int64(random.below(1_000_000)),
                inputTokens: Int64(random.below(5_000)), outputTokens: Int64(random.below(5_000)))
        case 8..<12: .success
        case 12..<14: .failure
        case 14: .acquire
        case 15: .configure(threshold: UInt32(random.within(2...9)))
        case 16: .reset
        case 17: .ownLimit(Int64(random.below(1_000_000)))
        case 18:
            .mark(
                milliseconds: random.once(in: 4) ? nil : Int64(random.within(1...5_000)),
                isNarrow: random.once(in: 2))
        default: random.once(in: 2) ? .clear : pause()
        }
    }

    private func pause() -> Deed {
        switch random.below(3) {
        case 0: .pause(milliseconds: Int64(random.within(1...5_000)))
        case 1: .pause(milliseconds: nil)
        default: .resume
        }
    }

    private func connect(_ client: SimulatedClient) {
        let peer = Peer(processID: Int32(client.index), user: UInt32(1000 + client.index % 2), isOperator: true)
        let line = Line(Session(id: nextSession, peer: peer), client: client.index, generation: client.generation)
        nextSession += 1
        lines.append(line)
        client.enter(line)
    }

    private func receive(_ frame: [UInt8], _ client: SimulatedClient) {
        switch client.receive(frame) {
        case .none: return
        case .wrong(let what): fail("client \(client.index): \(what)")
        case .forgotten:
            if !mayForget, client.books.promised(durability, afterPowerLoss: true) > 0 {
                fail("client \(client.index) was forgotten though there is room")
            }
            retire(client)
        }
    }

    private func retire(_ client: SimulatedClient) {
        let generation = client.generation
        let books = client.beginAnew()
        retired.append((client.index, generation, books))
        if retired.count > 8 { retired.removeFirst() }
    }

    /// Delivers some frames of a connection to the daemon.
    private func deliver(_ line: Line, _ daemon: SimulatedDaemon) {
        var count = random.below(8)
        while count > 0, let frame = line.uplink.first, lines.contains(where: { $0 === line }),
            daemon.canTake(frameLength: frame.count, line.session)
        {
            count -= 1
            line.uplink.removeFirst()
            trace.add(frame)
            var session = line.session
            noteUntoldTurn(line, daemon, before: frame)
            let before = permitsOfQueue(daemon, before: frame)
            let verdict = daemon.handle(frame, &session)
            line.session = session
            if let before { checkNobodyPassed(line, before, daemon) }
            if case .close = verdict {} else { noteConnection(line, daemon, isOpen: true) }
            switch verdict {
            case .proceed:
                for session in daemon.takeFenced() {
                    if let fenced = lines.first(where: { $0.session.id == session }) { close(fenced, daemon) }
                }
            case .close: close(line, daemon)
            case .deferred: fail("no client asks for what is deferred")
            }
        }
    }

    private func close(_ line: Line, _ daemon: SimulatedDaemon) {
        daemon.ended(line.session)
        waits.lost(line, at: daemon.moment.now)
        lines.removeAll { $0 === line }
        noteConnection(line, daemon, isOpen: false)
        if clients[line.client].line === line { clients[line.client].leave() }
    }

    // MARK: Replies

    private func sent(_ session: UInt64, _ frame: [UInt8], _ departure: SimulatedDaemon.Departure) {
        trace.add(frame)
        guard let line = lines.first(where: { $0.session.id == session }) else {
            audited = frame
            importAnswered(session, frame)
            return
        }
        line.downlink.append(frame)
        let (header, payload) = SimulatedClient.parse(frame)
        noteWait(line, header, payload)
        guard header.correlation < SimulatedClient.helloCorrelation - 1, header.kind == FrameKind.reply.rawValue else {
            return
        }
        // A reply without an effect is not kept. If the request is sent again, it is a new one.
        let number = UInt64(header.correlation)
        let isOfQueue = isOfQueue(line, header, payload)
        let hasTrace = departure == .held || !leavesNoTrace(header, payload) || books(of: line)?.isDone(number) == true
        let isKept = hasTrace && !isOfQueue
        let isDone = header.detail == Status.ok.rawValue && isKept
        if isDone { result.acknowledged += 1 } else { result.repeatedOrRefused += 1 }
        if isDone, departure == .atOnce, durability != .snapshot, daemon?.takesUnjournaledOutcomes != true {
            fail("a change was acknowledged at once")
        }
        if isDone { noteAdmission(line, header, payload) }
        // While the journal has a gap, a resent request may be in no journal.
        let isInFile = departure == .held || (departure == .repeated && daemon?.isJournalCurrent == true)
        let wrong = answered(
            line, number, isDone ? Array(payload) : nil,
            isUnjournaled: isDone && (!isInFile || durability == .snapshot))
        if let wrong { fail("client \(line.client): \(wrong)") }
    }

    private func leavesNoTrace(_ header: FrameHeader, _ payload: ArraySlice<UInt8>) -> Bool {
        switch header.command {
        case Admit.declaration.number:
            SimulatedClient.decode(Admit.Reply.self, payload).map { Admit.leavesNoTrace($0, under: .fusebox) } ?? false
        case BreakerAcquire.declaration.number:
            SimulatedClient.decode(BreakerAcquire.Reply.self, payload)
                .map { BreakerAcquire.leavesNoTrace($0, under: .fusebox) } ?? false
        default: false
        }
    }

    /// The books of a connection's worker; nil if they are not kept any more.
    func books(of line: Line) -> Books? {
        let client = clients[line.client]
        if client.generation == line.generation { return client.books }
        return retired.first { $0.client == line.client && $0.generation == line.generation }?.books
    }

    private func answered(_ line: Line, _ number: UInt64, _ payload: [UInt8]?, isUnjournaled: Bool) -> String? {
        let client = clients[line.client]
        if client.generation == line.generation {
            return client.books.answered(number, payload, isUnjournaled: isUnjournaled)
        }
        guard let index = retired.firstIndex(where: { $0.client == line.client && $0.generation == line.generation })
        else { return nil }
        return retired[index].books.answered(number, payload, isUnjournaled: isUnjournaled)
    }
}
