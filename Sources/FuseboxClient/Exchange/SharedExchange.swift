import FuseboxWire

/// The state that the threads of an exchange share: the machine that decides, and what its actions are carried out on.
///
/// Every method runs under the exchange's lock. The only system call here is `send`, which does not wait. Threads and
/// tasks that are to wake up are collected, and woken after the lock is released.
struct SharedExchange: ~Copyable {
    private(set) var machine: ExchangeMachine
    /// What was left in the spool, or why that failed.
    private(set) var spooling = Spooling()

    /// The waiters, indexed by the places of their requests.
    private var waiters: [Waiter?] = []
    /// The open connection's socket.
    private var socket: Socket?
    /// The protocol version of the open connection.
    private var version = ProtocolVersion.lowest
    /// The open connection while no thread reads from it.
    private var seat: Connection?
    /// Frames that the socket has not taken yet.
    private var output = ByteWriter(capacity: 4096)
    private var mustSend = false
    /// Why the last start of a background thread failed.
    private var threadFailure = ""
    private var wakeups = Wakeups()

    init(path: String, configuration: FuseboxClient.Configuration) {
        machine = ExchangeMachine(path: path, configuration: configuration)
    }

    // MARK: Requests

    /// Claims a waiter for a new request. Nil if too many are under way.
    mutating func claim(_ declaration: CommandDeclaration, isReport: Bool) -> Waiter? {
        guard let id = machine.claim(declaration, isReport: isReport) else { return nil }
        while waiters.count <= id.index { waiters.append(nil) }
        if let waiter = waiters[id.index] {
            waiter.id = id
            return waiter
        }
        let waiter = Waiter(id)
        waiters[id.index] = waiter
        return waiter
    }

    mutating func submit(_ waiter: Waiter, now: Deadline) {
        guard !waiter.isSubmitted else { return }
        waiter.isSubmitted = true
        let substitute = waiter.substitute.map { Request.Substitute(epoch: $0.epoch, length: $0.report.count) }
        carryOut(
            machine.submit(
                waiter.id, length: waiter.request.count, substitute: substitute, mayWait: waiter.waitsUntil != nil,
                now: now))
        flush()
    }

    mutating func attend(_ waiter: Waiter, _ task: TaskSleep, until deadline: Deadline) {
        waiter.task = task
        carryOut(machine.attend(waiter.id, until: deadline))
    }

    mutating func cancel(_ id: RequestID) {
        carryOut(machine.cancel(id))
        flush()
    }

    mutating func release(_ waiter: Waiter) {
        carryOut(machine.release(waiter.id))
        flush()
    }

    // MARK: Threads

    /// What a thread is to do next.
    enum Step: ~Copyable {
        case leave
        case sleep(until: Deadline)
        case connect
        case push(Socket, number: UInt64)
        case read(Connection)
    }

    /// What a thread with a request does next.
    mutating func nextStep(
        for waiter: Waiter, _ purpose: Request.Purpose, until deadline: Deadline, now: Deadline
    ) -> Step {
        let turn = machine.nextDuty(for: waiter.id, purpose, until: deadline, now: now)
        carryOut(turn.actions)
        flush()
        return step(turn.duty)
    }

    /// The next step of the background thread. Sets its deadline, and whether output waits meanwhile.
    mutating func nextBackgroundStep(now: Deadline, _ until: inout Deadline, _ hasOutput: inout Bool) -> Step {
        let turn = machine.nextBackgroundDuty(now: now)
        carryOut(turn.actions)
        flush()
        until = machine.tasks.earliestDeadline
        hasOutput = machine.link?.needsPush ?? false
        return step(turn.duty)
    }

    mutating func nextStepOfFirst(now: Deadline) -> Step { step(machine.nextDutyOfFirst(now: now)) }

    private mutating func step(_ duty: Duty) -> Step {
        switch duty {
        case .leave: return .leave
        case .sleep(let moment): return .sleep(until: moment)
        case .connect: return .connect
        case .push(let number):
            guard let socket else { return .leave }
            return .push(socket, number: number)
        case .read:
            guard let connection = seat.take() else { return .leave }
            return .read(connection)
        }
    }

    mutating func backgroundFailed(_ failure: SystemFailure) {
        threadFailure = failure.description
        carryOut(machine.backgroundFailed())
        flush()
    }

    mutating func expectDaemon(now: Deadline) { machine.expectDaemon(now: now) }

    // MARK: Connections

    mutating func introduction() -> ExchangeMachine.Introduction { machine.introduction(orAs: .random()) }

    /// Installs a connection that has been made.
    mutating func install(_ connection: inout Connection?) {
        guard let hello = connection?.hello, let actions = machine.connected(hello) else {
            connection = nil
            return
        }
        connection?.number = machine.connections
        version = hello.version
        socket = connection?.socket
        seat = connection.take()
        carryOut(actions)
        flush()
    }

    mutating func connectFailed(_ reason: String, isVacant: Bool, holdsPermits: Bool) {
        carryOut(
            machine.connectFailed(
                reason, isVacant: isVacant, holdsPermits: holdsPermits, chance: .random(in: 0...1), now: .now))
        flush()
    }

    /// Takes the frames that the reader has read. The background thread passes no waiter.
    ///
    /// Returns whether the reader reads on. If not, the connection has been put back or is closed.
    mutating func take(_ received: Socket.Received, from held: inout Connection?, for waiter: Waiter?) -> Bool {
        guard let number = held?.number, machine.isOpen(number) else {
            held = nil
            return false
        }
        var hasBytes = false
        switch received {
        case .timedOut: break
        case .failed(let failure): carryOut(machine.lost(failure.description, now: .now))
        case .ended: carryOut(machine.lost("the daemon closed the connection", now: .now))
        case .bytes:
            hasBytes = true
            takeFrames(&held, number)
        }
        flush()
        let readsOn = machine.readOn(number, for: waiter?.id, hasBytes: hasBytes)
        if readsOn { return true }
        if machine.isOpen(number) { seat = held.take() } else { held = nil }
        return false
    }

    private mutating func takeFrames(_ held: inout Connection?, _ number: UInt64) {
        let now = Deadline.now
        var hasMore = true
        while hasMore, machine.isOpen(number) {
            do throws(Connection.Interruption) {
                let taken: Void? = try unsafe held?.nextFrame { header, payload in
                    let actions = machine.receive(
                        header, refusal: { unsafe Payload.refusal(header.detail, payload) },
                        announcement: { unsafe Payload.announcement(header, payload, version) }, now: now)
                    unsafe carryOut(actions, payload)
                }
                hasMore = taken != nil
            } catch {
                carryOut(machine.lost(error.description, now: now))
            }
        }
    }

    /// Sends more output, because the socket may take more.
    mutating func sendOn(_ number: UInt64) {
        carryOut(machine.writable(number))
        flush()
    }

    /// Ends the pushing of a thread. Returns the connection if there is something to read and no other thread reads.
    mutating func endPush(_ number: UInt64, isReadable: Bool) -> Connection? {
        carryOut(machine.pushEnded(number))
        flush()
        return isReadable && machine.beginReading(number) ? seat.take() : nil
    }

    // MARK: The end

    /// Ends all requests. Returns the reports without a reply. Nil if there are none, or if they are not to be kept.
    mutating func close(isFarewellSaid: Bool, keepsReports: Bool) -> LeftReports? {
        let closing = machine.close(isFarewellSaid: isFarewellSaid, keepsReports: keepsReports, orAs: .random())
        let reports = closing.left.map { report(of: $0) }
        carryOut(closing.actions)
        guard !reports.isEmpty else { return nil }
        var header = SpoolHeader()
        header.workerHigh = closing.worker.high
        header.workerLow = closing.worker.low
        header.lastSequence = closing.lastSequence
        header.socket = machine.policy.path
        header.acquaintance = closing.acquaintance?.written
        header.reports = UInt32(reports.count)
        return LeftReports(header: header, reports: reports)
    }

    private func report(of left: ExchangeMachine.LeftRequest) -> SpoolReport {
        let waiter = waiter(left.id)
        var report = SpoolReport()
        report.sequence = left.sequence
        report.command = left.command
        report.payload = Bytes(waiter.request.bytes)
        report.mayHaveLeft = left.mayHaveLeft
        if left.substitute != nil, let substitute = waiter.substitute {
            report.permitEpoch = substitute.epoch
            report.substitute = Bytes(substitute.report)
        }
        return report
    }

    mutating func noteSpooled(_ count: Int, _ outcome: Result<String, SystemFailure>) {
        switch outcome {
        case .success(let file):
            spooling.reports += count
            spooling.file = spooling.file ?? file
        case .failure(let failure):
            spooling.failure = failure.description
            machine.droppedReports += UInt64(count)
        }
    }

    /// Counts a dropped report that never was a request of this exchange.
    mutating func noteDroppedReport() { machine.droppedReports += 1 }

    // MARK: Actions

    /// The threads and tasks to wake after the lock is released.
    struct Wakeups {
        enum Sleeper {
            case thread(Waiter)
            case task(TaskSleep)
        }

        /// Whether there are none.
        private(set) var isEmpty = true
        // The first one is stored inline. Usually there is only one.
        private(set) var first: Sleeper?
        private(set) var others: [Sleeper] = []
        private(set) var background: BackgroundCall?

        mutating func append(_ sleeper: Sleeper) {
            isEmpty = false
            if first == nil { first = sleeper } else { others.append(sleeper) }
        }

        mutating func call(_ background: BackgroundCall) {
            isEmpty = false
            self.background = background
        }
    }

    /// Returns the threads and tasks to wake, and clears the list. Nil: none.
    mutating func takeWakeups() -> Wakeups? {
        guard !wakeups.isEmpty else { return nil }
        defer { wakeups = Wakeups() }
        return wakeups
    }

    private func waiter(_ id: RequestID) -> Waiter {
        guard let waiter = waiters[id.index], waiter.id == id else {
            preconditionFailure("a request has no memory")
        }
        return waiter
    }

    private mutating func carryOut(_ actions: borrowing ExchangeActions) {
        unsafe carryOut(actions, UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Carries out actions.
    ///
    /// - Parameter payload: the payload of the frame that the actions follow from
    private mutating func carryOut(_ actions: borrowing ExchangeActions, _ payload: UnsafeRawBufferPointer) {
        for index in 0..<actions.count { unsafe carryOut(actions[index], payload) }
    }

    private mutating func carryOut(_ action: ExchangeAction, _ payload: UnsafeRawBufferPointer) {
        switch action {
        case .write(let id, let numbers): write(waiter(id), numbers)
        case .send: mustSend = true
        case .complete(let id, .answered(let status)):
            unsafe waiter(id).answer(status, payload, version)
        case .complete(let id, .pushed): unsafe waiter(id).answer(pushed: payload, version)
        case .complete(let id, .failed(let failure)): waiter(id).outcome = .failed(error(failure))
        case .complete(let id, .kept): waiter(id).outcome = .kept
        case .substitute(let id): waiter(id).becomeSubstitute()
        case .askAgain(let id, let ticket): waiter(id).resumes = ticket
        case .withdraw(let ticket): submitOwn(Withdraw(ticket: ticket))
        case .giveBack(let permit): submitOwn(Settle(permit: permit, outcome: .cancelled))
        case .free(let id): rest(waiter(id))
        case .wake(let id): wakeups.append(.thread(waiter(id)))
        case .resume(let id): if let task = waiter(id).task.take() { wakeups.append(.task(task)) }
        case .background(let call): wakeups.call(call)
        case .sayGoodbye: sayGoodbye()
        case .close: disconnect()
        }
    }

    /// Submits a request that nobody waits for.
    private mutating func submitOwn<C: Command>(_ command: C) {
        guard let waiter = claim(C.declaration, isReport: false) else { return }
        command.encode(into: &waiter.request)
        submit(waiter, now: .now)
        release(waiter)
    }

    /// The error that the caller of a failed request gets.
    private func error(_ failure: RequestFailure) -> ClientError {
        switch failure {
        case .absent: absence
        case .noThread: .unavailable(path: machine.policy.path, reason: threadFailure)
        case .timedOut: .timedOut
        case .outcomeUnknown: .outcomeUnknown
        case .cancelled: .cancelled
        case .closed: .closed
        case .frameTooLong(let length, let limit):
            .invalidArgument(
                Refusal(
                    .frameTooLarge,
                    "a frame of \(length) bytes is longer than the \(limit) bytes that this daemon takes"))
        }
    }

    /// The error of a request that finds no connection.
    var absence: ClientError {
        .unavailable(path: machine.policy.path, reason: machine.absence ?? "there is no connection")
    }

    /// Frees memory that a burst needed, beyond the resting places.
    private mutating func rest(_ waiter: Waiter) {
        let index = waiter.id.index
        waiter.rest()
        if index >= ClientLimits.restingRequests { waiters[index] = nil }
    }

    private mutating func disconnect() {
        socket?.end()
        socket = nil
        seat = nil
        output.removeAll()
        mustSend = false
    }

    // MARK: Output

    private mutating func write(_ waiter: Waiter, _ numbers: RequestSequence?) {
        guard let command = machine.requests.find(waiter.id)?.command else { return }
        waiter.continueWait()
        let start = output.beginFrame(
            FrameHeader(command: command, kind: .request, correlation: waiter.id.correlation))
        numbers?.encode(into: &output)
        unsafe waiter.request.withBytes { unsafe output.write(contentsOf: $0) }
        output.endFrame(start)
    }

    /// Hands the socket as much output as it takes, if the machine asked for it.
    private mutating func flush() {
        guard mustSend, let socket else { return }
        mustSend = false
        while !output.isEmpty {
            switch unsafe output.withBytes({ unsafe socket.send($0) }) {
            case .bytes(let count):
                output.removeFirst(count)
                carryOut(machine.sent(count))
            case .full: return
            case .failed: return carryOut(machine.sendFailed())
            }
        }
        output.shrink(to: ClientLimits.restingOutput)
    }

    private mutating func sayGoodbye() {
        let start = output.beginFrame(
            FrameHeader(command: Goodbye.declaration.number, kind: .request, correlation: .max))
        output.endFrame(start)
        while !output.isEmpty, let socket {
            guard case .bytes(let count) = unsafe output.withBytes({ unsafe socket.send($0) }) else { return }
            output.removeFirst(count)
        }
    }
}
