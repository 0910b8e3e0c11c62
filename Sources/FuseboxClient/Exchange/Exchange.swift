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
///   reply yet is sent again, first; see `ExchangeState+Resend.swift`. A daemon that restarts is waited for; one that
///   stays away is not, and calls are turned away at once until the backoff is over.
/// - **Tasks** do not block. For them one background thread, started when the first comes, has all these duties
///   whenever no other thread does, and ends their waits at their deadlines.
///
/// All shared state is an `ExchangeState` under one lock; a thread asks it for its next `Step`, takes the step without
/// the lock, and asks again. A duty that is laid down (`handOver`) goes to somebody who sleeps.
///
/// After a fork the child's client begins a new exchange; see `ForkGuard`.
final class Exchange: Sendable {
    /// The most requests that may be under way.
    static let inFlightLimit = WaiterTable.capacity

    let path: String
    let configuration: FuseboxClient.Configuration
    private let generation = ForkGuard.generation
    /// Whether it is this process's; if not, it must be left alone.
    var isOfThisProcess: Bool { generation == ForkGuard.generation }
    private let state: Lock<ExchangeState>
    let renewals = Renewals()
    private let delivery: SpoolDelivery
    private let backgroundParker = Parker()
    /// Both ends of what wakes the background thread while it reads; made when the thread starts.
    private let nudges = Lock<(ours: Socket, its: Socket)?>(nil)

    init(path: String, configuration: FuseboxClient.Configuration) {
        self.path = path
        self.configuration = configuration
        state = Lock(ExchangeState(path: path, configuration: configuration))
        delivery = SpoolDelivery(path, configuration)
    }

    // MARK: The lock

    /// Changes the state under the lock, then wakes whom the change concerns.
    private func update<R: ~Copyable>(_ change: (inout ExchangeState) -> R) -> R {
        var wakeups = ExchangeState.Wakeups()
        let result = state.withLock { state in
            let result = Transfer(change(&state))
            swap(&wakeups, &state.wakeups)
            return result
        }
        for waiter in wakeups.threads { waiter.parker.wake() }
        for task in wakeups.tasks { task.wake() }
        if let call = wakeups.background { callBackground(call) }
        return result.value
    }

    /// Takes a value out of the lock. What is taken out is either a plain value or has left the state altogether.
    private struct Transfer<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
        let value: Value
        init(_ value: consuming Value) { self.value = value }
    }

    var hello: Hello.Reply? { update { $0.hello } }
    /// The life of the daemon's state, as it was told last.
    var epoch: UInt64? { update { $0.epoch } }
    var queuedReports: Int { update { $0.queuedReports } }
    var droppedReports: UInt64 { update { $0.droppedReports } }

    var spooling: Spooling { update { $0.spooling } }
    /// See `ExchangeState`.
    var longestBackoffOfHolder: Int? { update { $0.longestBackoffOfHolder } }

    /// Counts a report as given up that the state knows nothing of.
    func noteDroppedReport() { update { $0.droppedReports += 1 } }

    // MARK: One request

    /// A waiter that holds the encoded command. It must be concluded, or released.
    func prepare<C: Command>(_ command: C, isReport: Bool) throws(ClientError) -> Waiter {
        guard let waiter = update({ $0.waiters.claim(for: C.declaration, isReport: isReport) }) else {
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
            if update({ $0.hello?.profile }) != .fusebox { acquire.draw = .random(in: 0..<1) }
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
        let step = update { state in
            state.submit(waiter)
            return state.nextStep(for: waiter, until: deadline)
        }
        work(for: waiter, from: step, until: deadline)
    }

    /// Submits the request and returns when its frame has left. If it throws, it ends the use of the waiter.
    func send(_ waiter: Waiter, until deadline: Deadline) throws(ClientError) {
        let step = update { state in
            waiter.onlySends = true
            state.submit(waiter)
            return state.nextStep(for: waiter, until: deadline)
        }
        work(for: waiter, from: step, until: deadline)
        let outcome = update { _ in waiter.outcome }
        guard case .failed(let error) = outcome else { return }
        release(waiter)
        throw error
    }

    /// Blocks until a request that was sent has its outcome.
    func wait(for waiter: Waiter, until deadline: Deadline) {
        let step = update { state in
            waiter.onlySends = false
            return state.nextStep(for: waiter, until: deadline)
        }
        work(for: waiter, from: step, until: deadline)
    }

    /// Waits as a task until the request has its outcome, submitting it if that has not been done.
    ///
    /// - Parameter heedsCancellation: whether the wait ends when the task is cancelled
    func attend(_ waiter: Waiter, until deadline: Deadline, heedsCancellation: Bool = true) async {
        let correlation = waiter.correlation
        guard heedsCancellation else { return await sleep(for: waiter, until: deadline) }
        await withTaskCancellationHandler {
            await sleep(for: waiter, until: deadline)
        } onCancel: {
            update { $0.cancel(waiter, correlation) }
        }
    }

    private func sleep(for waiter: Waiter, until deadline: Deadline) async {
        await TaskSleep.sleep { task in
            update { state in
                waiter.onlySends = false
                state.attend(waiter, task, until: deadline)
            }
        }
    }

    /// What became of a request that has its outcome; nil for a report that is kept. Ends the use of the waiter.
    func conclude<C: Command>(_ waiter: Waiter, _ command: C.Type) throws(ClientError) -> C.Reply? {
        defer { release(waiter) }
        // Under the lock: a task that was resumed has seen nothing yet of what was written before that.
        let outcome = update { _ in waiter.outcome }
        switch outcome {
        case .answered(let status):
            let answer = unsafe waiter.reply.withBytes { unsafe Payload.reply(to: C.self, status: status, $0) }
            switch answer {
            case .success(let reply): return reply
            case .failure(let refusal):
                if status == Status.ok.rawValue { throw .protocolViolation(refusal.message) }
                throw .refused(refusal)
            }
        case .failed(let error): throw error
        case .queued: return nil
        case nil: preconditionFailure("a request is concluded before it has an outcome")
        }
    }

    /// What became of a settle, or of its substitute. Ends the use of the waiter.
    func concludeSettle(_ waiter: Waiter) throws(ClientError) -> Settling {
        guard update({ _ in waiter.command }) == Report.declaration.number else {
            let reply = try conclude(waiter, Settle.self)
            return Settling(reply?.standing, reply?.record, reply == nil ? .queued : .delivered)
        }
        let record = try conclude(waiter, Report.self)
        return Settling(nil, record, record == nil ? .queued : .delivered)
    }

    /// Ends the use of a waiter, whatever becomes of its request.
    func release(_ waiter: Waiter) { update { $0.release(waiter) } }

    // MARK: The steps of a thread

    private func work(for waiter: Waiter, from first: consuming Step, until deadline: Deadline) {
        var step = first
        while true {
            switch consume step {
            case .leave: return
            case .sleep(let moment): waiter.parker.park(until: min(moment, deadline))
            case .connect: connect(until: deadline)
            case .push(let socket, let number): push(socket, number, for: waiter, until: deadline)
            case .read(let connection): read(connection, for: waiter, until: deadline)
            }
            step = update { $0.nextStep(for: waiter, until: deadline) }
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
        let connection = update { state -> Connection? in
            state.stopPushing(number)
            return ready.contains(.readable) && state.number == number ? state.seat.take() : nil
        }
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
            update { state in
                state.connectFailed(
                    error.reasonOfAbsence, longestBackoff: holdsPermits ? state.longestBackoffOfHolder : nil)
            }
        }
    }

    private func open(until deadline: Deadline) throws(ClientError) -> Connection {
        let (worker, lastSequence) = update { ($0.worker, $0.window.next - 1) }
        return try Connection.open(
            path, as: worker, lastSequence: lastSequence, name: configuration.sentName,
            patienceMilliseconds: configuration.requestTimeoutMilliseconds,
            until: min(deadline, .after(milliseconds: max(configuration.connectTimeoutMilliseconds, 1))))
    }

    /// Connects for the first time, before there are any calls. A daemon that restarts is waited for as after a loss.
    func connectFirst() throws(ClientError) {
        update { $0.beginWaiting() }
        while true {
            let step = update { $0.nextStepToConnectFirst() }
            switch consume step {
            case .connect: connect(until: .never)
            case .sleep(let moment): Parker().park(until: moment)
            default: break
            }
            let (isOver, failure) = update { state -> (Bool, ClientError?) in
                if state.phase == .connected { return (true, nil) }
                return (!state.isExpectedBack, state.absence)
            }
            if isOver, let failure { throw failure }
            if isOver { return }
        }
    }

    /// How long closing may wait for the replies to what is under way, in milliseconds.
    private static let farewellMilliseconds = 1_000

    /// Waits for what is under way, for a short time, and says goodbye, unless reports are left that have no reply: those go to
    /// the spool. What still has no reply then, and every later request, fails with `closed`.
    func close() {
        renewals.close()
        let deadline = Deadline.after(
            milliseconds: min(max(configuration.requestTimeoutMilliseconds, 1), Self.farewellMilliseconds))
        var isFarewellSaid = false
        if update({ $0.hasUnanswered }), let waiter = try? prepare(Goodbye(), isReport: false) {
            perform(waiter, until: deadline)
            update { state in
                if case .answered = waiter.outcome { isFarewellSaid = true }
                state.release(waiter)
            }
        }
        let left = update { $0.end(isFarewellSaid: isFarewellSaid, keepsReports: configuration.spool != .none) }
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
            let step = update { state in
                let step = state.nextBackgroundStep()
                until = state.earliestTaskDeadline
                hasOutput = state.needsPush
                return step
            }
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
        _ = update { $0.take(received, from: &held, for: nil) }
    }
}

extension ClientError {
    /// The reason inside `unavailable`, for those who say it again later.
    var reasonOfAbsence: String {
        guard case .unavailable(_, let reason) = self else { return description }
        return reason
    }
}
