import FuseboxWire

/// The requests of one client in one process, and the one connection that they share.
///
/// There is no thread of its own behind blocking calls. The threads that wait do the work for each other:
///
/// - **Sending.** Who has a request appends its frame to the output under the lock and sends at once, without waiting.
///   If the socket is full, one of the waiting threads *pushes*: it waits until the socket takes more. It also reads
///   if nobody else does, because a daemon whose replies are not read stops reading too.
/// - **Reading.** The connection lies on a *seat*. A waiting thread that finds it there takes it: it is the reader,
///   and the only one who touches the connection's input. It hands every reply to its waiter. When its own has come
///   it puts the connection back and wakes one other thread, which then reads. So a lone caller makes two system
///   calls: `send` and `recv`.
/// - **Connecting.** After a loss, the first call to come connects, the others wait for it. What changes state and has no
///   reply yet is sent again, first; see `ExchangeMachine+Connection.swift`. A daemon that restarts is waited for; one that
///   stays away is not, and calls are turned away at once until the backoff is over.
/// - **Tasks** do not block. For them one background thread, started when the first comes, has all these duties
///   whenever no other thread does, and ends their waits at their deadlines.
///
/// All shared state is a `SharedExchange` under one lock: an `ExchangeMachine` decides, and what it decides is carried out. A
/// thread asks for its next step, takes the step without the lock, and asks again. A duty that is laid down goes to somebody
/// who sleeps.
///
/// After a fork the child's client begins a new exchange; see `ForkGuard`.
final class Exchange: Sendable {
    /// The most requests that may be under way.
    static let inFlightLimit = ClientLimits.requests

    let path: String
    let configuration: FuseboxClient.Configuration
    private let generation = ForkGuard.generation
    /// Whether it is this process's; if not, it must be left alone.
    var isOfThisProcess: Bool { generation == ForkGuard.generation }
    private let shared: Lock<SharedExchange>
    let renewals = Renewals()
    private let delivery: SpoolDelivery
    private let backgroundParker = Parker()
    /// Both ends of what wakes the background thread while it reads; made when the thread starts.
    private let nudges = Lock<(ours: Socket, its: Socket)?>(nil)

    init(path: String, configuration: FuseboxClient.Configuration) {
        self.path = path
        self.configuration = configuration
        shared = Lock(SharedExchange(path: path, configuration: configuration))
        delivery = SpoolDelivery(path, configuration)
    }

    // MARK: The lock

    /// Changes what is shared under the lock, then wakes whom the change concerns.
    private func update<R: ~Copyable>(_ change: (inout SharedExchange) -> R) -> R {
        var wakeups: SharedExchange.Wakeups?
        let result = shared.withLock { shared in
            let result = Transfer(change(&shared))
            wakeups = shared.takeWakeups()
            return result
        }
        if let wakeups { wake(wakeups) }
        return result.value
    }

    /// Looks at what is shared under the lock. Nobody is concerned.
    private func look<R>(_ body: (borrowing SharedExchange) -> R) -> R {
        shared.withLock { Transfer(body($0)) }.value
    }

    private func wake(_ wakeups: SharedExchange.Wakeups) {
        if let first = wakeups.first { wake(first) }
        for sleeper in wakeups.others { wake(sleeper) }
        if let call = wakeups.background { callBackground(call) }
    }

    private func wake(_ sleeper: SharedExchange.Wakeups.Sleeper) {
        switch sleeper {
        case .thread(let waiter): waiter.parker.wake()
        case .task(let task): task.wake()
        }
    }

    /// Takes a value out of the lock. What is taken out is either a plain value or has left the state altogether.
    private struct Transfer<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
        let value: Value
        init(_ value: consuming Value) { self.value = value }
    }

    var hello: Hello.Reply? { look { $0.machine.hello } }
    /// The life of the daemon's state, as it was told last.
    var epoch: UInt64? { look { $0.machine.epoch } }
    var queuedReports: Int { look { $0.machine.queuedReports } }
    var droppedReports: UInt64 { look { $0.machine.droppedReports } }
    var spooling: Spooling { look { $0.spooling } }
    /// See `ExchangeMachine`.
    var longestBackoffOfHolder: Int? { look { $0.machine.longestBackoffOfHolder } }

    /// Counts a report as given up that the exchange knows nothing of.
    func noteDroppedReport() { update { $0.noteDroppedReport() } }

    // MARK: One request

    /// A waiter that holds the encoded command. It must be concluded, or released.
    func prepare<C: Command>(_ command: C, isReport: Bool) throws(ClientError) -> Waiter {
        guard let waiter = update({ $0.claim(C.declaration, isReport: isReport) }) else {
            throw .tooManyRequests
        }
        encode(command, into: &waiter.request)
        return waiter
    }

    /// A waiter that holds a settle, and the report that takes its place if the daemon does not know the permit, or not this
    /// one by its number: a state that was restored deals the numbers again.
    func prepare(
        _ settle: Settle, orElse report: Report, permitOf epoch: UInt64?, isReport: Bool
    ) throws(ClientError) -> Waiter {
        let waiter = try prepare(settle, isReport: isReport)
        var writer = ByteWriter()
        report.encode(into: &writer)
        waiter.substitute = Waiter.Substitute(epoch: epoch, report: writer.bytes)
        return waiter
    }

    private func encode<C: Command>(_ command: C, into request: inout ByteWriter) {
        if C.self == BreakerAcquire.self, var acquire = command as? BreakerAcquire, acquire.draw == nil {
            // Only this profile looks at the draw; as long as the profile is not known, it may be that one.
            if look({ $0.machine.profile }) != .fusebox { acquire.draw = .random(in: 0..<1) }
            return acquire.encode(into: &request)
        }
        command.encode(into: &request)
    }

    func timeoutMilliseconds(of declaration: CommandDeclaration) -> Int {
        // Operator commands beyond single changes of state wait for a whole snapshot to reach the disk.
        let isLong = declaration.effect == .session && declaration.access == .operator
        return max(isLong ? configuration.operatorTimeoutMilliseconds : configuration.requestTimeoutMilliseconds, 1)
    }

    /// Submits the request and blocks until it has its outcome.
    func perform(_ waiter: Waiter, until deadline: Deadline) {
        work(for: waiter, .reply, until: deadline)
    }

    /// Submits the request and returns when its frame has left. If it throws, it ends the use of the waiter.
    func send(_ waiter: Waiter, until deadline: Deadline) throws(ClientError) {
        work(for: waiter, .departure, until: deadline)
        guard case .failed(let error) = look({ _ in waiter.outcome }) else { return }
        release(waiter)
        throw error
    }

    /// Blocks until a request that was sent has its outcome.
    func wait(for waiter: Waiter, until deadline: Deadline) {
        work(for: waiter, .reply, until: deadline)
    }

    /// Waits as a task until the request has its outcome, submitting it if that has not been done.
    ///
    /// - Parameter heedsCancellation: whether the wait ends when the task is cancelled
    func attend(_ waiter: Waiter, until deadline: Deadline, heedsCancellation: Bool = true) async {
        // A task that was resumed has seen nothing yet of what was written under the lock before that.
        defer { look { _ in } }
        let id = waiter.id
        guard heedsCancellation else { return await sleep(for: waiter, until: deadline) }
        await withTaskCancellationHandler {
            await sleep(for: waiter, until: deadline)
        } onCancel: {
            update { $0.cancel(id) }
        }
    }

    private func sleep(for waiter: Waiter, until deadline: Deadline) async {
        await TaskSleep.sleep { task in
            update { shared in
                shared.submit(waiter, now: .now)
                shared.attend(waiter, task, until: deadline)
            }
        }
    }

    /// What became of a request that has its outcome; nil for a report that is kept. Ends the use of the waiter.
    func conclude<C: Command>(_ waiter: Waiter, _ command: C.Type) throws(ClientError) -> C.Reply? {
        defer { release(waiter) }
        switch waiter.outcome {
        case .answered(let status):
            let version = waiter.reply.version
            let answer = unsafe waiter.reply.withBytes { unsafe Payload.reply(to: C.self, status: status, $0, version) }
            switch answer {
            case .success(let reply): return reply
            case .failure(let refusal):
                if status == Status.ok.rawValue { throw .protocolViolation(refusal.message) }
                throw .refused(refusal)
            }
        case .failed(let error): throw error
        case .kept: return nil
        case nil: preconditionFailure("a request is concluded before it has an outcome")
        }
    }

    /// What became of a settle, or of its substitute. Ends the use of the waiter.
    func concludeSettle(_ waiter: Waiter) throws(ClientError) -> Settling {
        guard waiter.isSubstituted else {
            let reply = try conclude(waiter, Settle.self)
            return Settling(reply?.standing, reply?.record, reply == nil ? .queued : .delivered)
        }
        let record = try conclude(waiter, Report.self)
        return Settling(nil, record, record == nil ? .queued : .delivered)
    }

    /// Ends the use of a waiter, whatever becomes of its request.
    func release(_ waiter: Waiter) { update { $0.release(waiter) } }

    // MARK: The steps of a thread

    /// Submits the request, if that has not been done, and does what falls to its thread until what it waits for is there.
    private func work(for waiter: Waiter, _ purpose: Request.Purpose, until deadline: Deadline) {
        while true {
            let step = update { shared in
                let now = Deadline.now
                shared.submit(waiter, now: now)
                return shared.nextStep(for: waiter, purpose, until: deadline, now: now)
            }
            switch consume step {
            case .leave: return
            case .sleep(let moment): waiter.parker.park(until: min(moment, deadline))
            case .connect: connect(until: deadline)
            case .push(let socket, let number): push(socket, number, for: waiter, until: deadline)
            case .read(let connection): read(connection, for: waiter, until: deadline)
            }
        }
    }

    private func read(_ connection: consuming Connection, for waiter: Waiter?, until deadline: Deadline) {
        var held: Connection? = connection
        var readsOn = true
        while readsOn {
            let received = held?.fill(until: deadline) ?? .timedOut
            readsOn = update { $0.take(received, from: &held, for: waiter) }
        }
    }

    private func push(_ socket: Socket, _ number: UInt64, for waiter: Waiter?, until deadline: Deadline) {
        let ready = socket.wait([.readable, .writable], until: deadline)
        let connection = update { $0.endPush(number, isReadable: ready.contains(.readable)) }
        if let connection {
            read(connection, for: waiter, until: .past)
        } else if ready == .readable {
            // Another reads what came, but has not done so yet.
            yieldProcessor()
        }
    }

    private func connect(until deadline: Deadline) {
        do throws(ClientError) {
            var connection: Connection? = try open(until: deadline)
            update { $0.install(&connection) }
            delivery.begin()
        } catch {
            let holdsPermits = renewals.holdsAny
            update { $0.connectFailed(error.reasonOfAbsence, holdsPermits: holdsPermits) }
        }
    }

    private func open(until deadline: Deadline) throws(ClientError) -> Connection {
        let introduction = update { $0.introduction() }
        return try Connection.open(
            path, as: introduction.worker, lastSequence: introduction.lastSequence, name: configuration.sentName,
            patienceMilliseconds: configuration.requestTimeoutMilliseconds,
            until: min(deadline, .after(milliseconds: max(configuration.connectTimeoutMilliseconds, 1))))
    }

    /// Connects for the first time, before there are any calls. A daemon that restarts is waited for as after a loss.
    func connectFirst() throws(ClientError) {
        update { $0.expectDaemon(now: .now) }
        while true {
            let step = update { $0.nextStepOfFirst(now: .now) }
            switch consume step {
            case .connect: connect(until: .never)
            case .sleep(let moment): Parker().park(until: moment)
            default: break
            }
            let (isOpen, failure) = look {
                ($0.machine.link != nil, $0.machine.isExpectedBack ? nil : $0.absence)
            }
            if isOpen { return }
            if let failure { throw failure }
        }
    }

    /// Waits for what is under way, for a short time, and says goodbye, unless reports are left that have no reply: those go to
    /// the spool. What still has no reply then, and every later request, fails with `closed`.
    func close() {
        renewals.close()
        let deadline = Deadline.after(
            milliseconds: min(max(configuration.requestTimeoutMilliseconds, 1), ClientLimits.farewellMilliseconds))
        var isFarewellSaid = false
        if look({ $0.machine.hasUnanswered }), let waiter = try? prepare(Goodbye(), isReport: false) {
            perform(waiter, until: deadline)
            update { shared in
                if case .answered = waiter.outcome { isFarewellSaid = true }
                shared.release(waiter)
            }
        }
        let left = update { $0.close(isFarewellSaid: isFarewellSaid, keepsReports: configuration.spool != .none) }
        if let left { spool(left) }
        delivery.end(by: deadline)
    }

    /// Waits until what lay in the spool when the connection was made has been delivered, or cannot be.
    func waitForSpool(until deadline: Deadline) { delivery.wait(until: deadline) }

    private func spool(_ left: LeftReports) {
        var left = left
        left.header.client = configuration.sentName
        for (rank, file) in left.divided().enumerated() {
            let outcome = file.write(to: configuration.spool, rank: rank)
            update { $0.noteSpooled(file.reports.count, outcome) }
        }
    }

    // MARK: The background thread

    private func callBackground(_ call: BackgroundCall) {
        switch call {
        case .wake: backgroundParker.wake()
        case .nudge: nudges.withLock { $0?.ours }?.nudge()
        case .start:
            do throws(SystemFailure) {
                let pair = try Socket.pair()
                nudges.withLock { $0 = (ours: pair.0, its: pair.1) }
                try Thread.start { self.runInBackground(pair.1) }
            } catch {
                update { $0.backgroundFailed(error) }
            }
        }
    }

    private func runInBackground(_ nudge: Socket) {
        while true {
            var until = Deadline.never
            var hasOutput = false
            let step = update { $0.nextBackgroundStep(now: .now, &until, &hasOutput) }
            switch consume step {
            case .leave: return
            case .sleep(let moment): backgroundParker.park(until: min(moment, until))
            case .connect: connect(until: .never)
            case .push(let socket, let number): push(socket, number, for: nil, until: until)
            case .read(let connection): poll(connection, hasOutput, nudge, until: until)
            }
        }
    }

    /// Reads once, and sends what did not fit before.
    private func poll(_ connection: consuming Connection, _ hasOutput: Bool, _ nudge: Socket, until deadline: Deadline)
    {
        var held: Connection? = connection
        let socket = held?.socket
        let wanted: Socket.Readiness = hasOutput ? [.readable, .writable] : .readable
        let ready = socket?.wait(wanted, orNudgedBy: nudge, until: deadline) ?? []
        if ready.contains(.nudged) { nudge.takeNudges() }
        let received = ready.contains(.readable) ? held?.fill(until: .past) ?? .timedOut : .timedOut
        let number = held?.number
        update { shared in
            if ready.contains(.writable), let number { shared.sendOn(number) }
            _ = shared.take(received, from: &held, for: nil)
        }
    }
}

extension ClientError {
    /// The reason inside `unavailable`, for those who say it again later.
    var reasonOfAbsence: String {
        guard case .unavailable(_, let reason) = self else { return description }
        return reason
    }
}
