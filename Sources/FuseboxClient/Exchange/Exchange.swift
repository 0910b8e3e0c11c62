import FuseboxCollections
import FuseboxWire

/// The requests of one client in one process, and the one connection that they share.
///
/// Blocking calls have no thread of their own. The waiting threads work for each other:
///
/// - **Sending.** A thread with a request appends its frame to the output under the lock and sends at once, without
///   waiting. If the socket is full, one of the waiting threads *pushes*: it waits until the socket takes more. It also
///   reads if no other thread does, because a daemon whose replies are not read stops reading too.
/// - **Reading.** The connection lies on a *seat*. A waiting thread that finds it there takes it and is the reader.
///   Only the reader touches the connection's input. It hands every reply to its waiter. When its own reply has come,
///   it puts the connection back and wakes another thread, which reads on. So a lone caller makes two system calls:
///   `send` and `recv`.
/// - **Connecting.** After a loss the next call connects, and other calls wait for it. Requests that change state and
///   have no reply are sent again first; see `ExchangeMachine+Connection.swift`. Calls wait for a daemon that may be
///   restarting. If it stays away, calls fail at once. Where nobody listens, each call asks the kernel itself; otherwise
///   nobody connects until the backoff is over.
/// - **Tasks** do not block. One background thread, started with the first task, takes these duties for them when no
///   other thread has them. It also ends their waits at their deadlines.
///
/// All shared state is a `SharedExchange` under one lock. Its `ExchangeMachine` decides, and the `SharedExchange`
/// carries the decisions out. A thread asks for its next step, takes the step without the lock, and asks again. A
/// thread that lays down a duty wakes a sleeping thread to take it.
///
/// After a fork the child's client begins a new exchange; see `ForkGuard`.
final class Exchange: Sendable {
    /// The number of requests that may be under way at once.
    static let inFlightLimit = ClientLimits.requests

    let path: String
    let configuration: FuseboxClient.Configuration
    private let generation = ForkGuard.generation
    /// Whether the exchange belongs to this process. If not, it must not be touched.
    var isOfThisProcess: Bool { generation == ForkGuard.generation }
    private let shared: Lock<SharedExchange>
    let renewals = Renewals()
    private let delivery: SpoolDelivery
    private let backgroundParker = Parker()
    /// The socket pair that wakes the background thread while it reads. It is made when the thread starts.
    private let nudges = Lock<(ours: Socket, its: Socket)?>(nil)

    init(path: String, configuration: FuseboxClient.Configuration) {
        self.path = path
        self.configuration = configuration
        shared = Lock(SharedExchange(path: path, configuration: configuration))
        delivery = SpoolDelivery(path, configuration)
    }

    // MARK: The lock

    /// Changes the shared state under the lock, then wakes the threads and tasks that the change concerns.
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

    /// Reads the shared state under the lock. Nobody is woken.
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

    /// Takes a value out of the lock. The value is either plain or was moved out of the shared state.
    private struct Transfer<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
        let value: Value
        init(_ value: consuming Value) { self.value = value }
    }

    var hello: Hello.Reply? { look { $0.machine.hello } }
    /// The epoch of the daemon's state, as it was last told.
    var epoch: UInt64? { look { $0.machine.epoch } }
    var queuedReports: Int { look { $0.machine.queuedReports } }
    var droppedReports: UInt64 { look { $0.machine.droppedReports } }
    var spooling: Spooling { look { $0.spooling } }
    /// The longest backoff of a client that holds permits, in milliseconds; see `ExchangeMachine`.
    var longestBackoffOfHolder: Int? { look { $0.machine.longestBackoffOfHolder } }

    /// Counts a dropped report that never was a request of this exchange.
    func noteDroppedReport() { update { $0.noteDroppedReport() } }

    // MARK: One request

    /// A waiter with the encoded command. The caller must conclude or release it.
    ///
    /// - Parameter waiting: how long an admission may wait for its turn, in milliseconds
    func prepare<C: Command>(_ command: C, isReport: Bool, waiting: Int = 0) throws(ClientError) -> Waiter {
        guard let waiter = update({ $0.claim(C.declaration, isReport: isReport) }) else {
            throw .tooManyRequests
        }
        if waiting > 0 { waiter.waitsUntil = .after(milliseconds: waiting) }
        encode(command, into: &waiter.request)
        return waiter
    }

    /// A waiter with a settle and its substitute. The substitute is a report, which is sent if the daemon does not know
    /// the permit, or if its state was restored, because a restored state gives permit numbers out again.
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
            // Only the profile llm-providers uses the draw. A profile that is not known yet may be that one.
            if look({ $0.machine.profile }) != .fusebox { acquire.draw = .random(in: 0..<1) }
            return acquire.encode(into: &request)
        }
        command.encode(into: &request)
    }

    func timeoutMilliseconds(of declaration: CommandDeclaration) -> Int {
        // Snapshots and imports wait until a whole snapshot is on disk.
        let isLong = declaration.effect == .session && declaration.access != .worker
        return max(isLong ? configuration.operatorTimeoutMilliseconds : configuration.requestTimeoutMilliseconds, 1)
    }

    /// Submits the request and blocks until its outcome is known.
    func perform(_ waiter: Waiter, until deadline: Deadline) {
        work(for: waiter, .reply, until: deadline)
    }

    /// Submits the request and returns when its frame was sent. If this throws, the waiter is released.
    func send(_ waiter: Waiter, until deadline: Deadline) throws(ClientError) {
        work(for: waiter, .departure, until: deadline)
        guard case .failed(let error) = look({ _ in waiter.outcome }) else { return }
        release(waiter)
        throw error
    }

    /// Blocks until the outcome of a sent request is known.
    func wait(for waiter: Waiter, until deadline: Deadline) {
        work(for: waiter, .reply, until: deadline)
    }

    /// Suspends the task until the outcome of the request is known. Submits the request first, unless it was submitted.
    ///
    /// - Parameter heedsCancellation: whether the wait ends when the task is cancelled
    func attend(_ waiter: Waiter, until deadline: Deadline, heedsCancellation: Bool = true) async {
        // Taking the lock makes what was written under it before the resumption visible to this task.
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

    /// The reply to a request whose outcome is known. Nil for a report that is kept. Releases the waiter.
    func conclude<C: Command>(_ waiter: Waiter, _ command: C.Type) throws(ClientError) -> C.Reply? {
        defer { release(waiter) }
        switch waiter.outcome {
        case .answered(let status, let version):
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

    /// The result of a settle or of its substitute. Releases the waiter.
    func concludeSettle(_ waiter: Waiter) throws(ClientError) -> Settling {
        guard waiter.isSubstituted else {
            let reply = try conclude(waiter, Settle.self)
            return Settling(reply?.standing, reply?.record, reply == nil ? .queued : .delivered)
        }
        let record = try conclude(waiter, Report.self)
        return Settling(nil, record, record == nil ? .queued : .delivered)
    }

    /// Releases a waiter, in any phase of its request.
    func release(_ waiter: Waiter) { update { $0.release(waiter) } }

    // MARK: The steps of a thread

    /// Submits the request, unless it was submitted, and takes the steps of its thread until `purpose` is fulfilled.
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
            // Another thread is about to read what has come.
            yieldProcessor()
        }
    }

    private func connect(until deadline: Deadline) {
        do throws(Connection.Failure) {
            var connection: Connection? = try open(until: deadline)
            update { $0.install(&connection) }
            delivery.begin()
        } catch {
            let holdsPermits = renewals.holdsAny
            update {
                $0.connectFailed(error.error.reasonOfAbsence, isVacant: error.isVacant, holdsPermits: holdsPermits)
            }
        }
    }

    private func open(until deadline: Deadline) throws(Connection.Failure) -> Connection {
        let introduction = update { $0.introduction() }
        return try Connection.attempt(
            path, as: introduction.worker, lastSequence: introduction.lastSequence, name: configuration.sentName,
            patienceMilliseconds: configuration.requestTimeoutMilliseconds,
            until: min(deadline, .after(milliseconds: max(configuration.connectTimeoutMilliseconds, 1))))
    }

    /// Connects for the first time, before there are any calls. Waits for a restarting daemon as after a loss.
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

    /// Waits a short time for requests under way, then closes. Reports without a reply go to the spool; if there are
    /// none, the client says goodbye. Other requests without a reply, and all later ones, fail with `closed`.
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

    /// Waits until the files that were in the spool at the connect are delivered, or cannot be.
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

    /// Reads once, and sends the output that did not fit before.
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
    /// The reason inside `unavailable`, which is stored and told again later.
    var reasonOfAbsence: String {
        guard case .unavailable(_, let reason) = self else { return description }
        return reason
    }
}
