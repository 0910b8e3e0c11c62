import FuseboxWire

/// What an exchange knows, and every way in which it changes; see `Exchange` for who calls what.
///
/// All of it happens under the exchange's lock. The only system call made here is `send`, which does not wait.
struct ExchangeState: ~Copyable {
    enum Phase {
        /// No daemon at the moment. `retryAt` says from when on a call may try to connect.
        case absent
        /// One thread is connecting.
        case connecting
        case connected
        case closed
    }

    let path: String
    /// How many reports are kept while there is no daemon. Of a client that fails closed, these are settles only.
    let queueLimit: Int
    let failsOpen: Bool
    /// How long a daemon may let request after request time out, without a byte, before its connection is given up.
    let longestSilenceMilliseconds: Int
    /// How long a daemon that went away is waited for.
    let patienceMilliseconds: Int

    var phase = Phase.absent
    var retryAt = Deadline.past
    var absenceReason = "it was never connected"
    var backoff: Backoff
    /// Until when a daemon that went away is waited for, as one that restarts: until the first look at the least.
    var returnBy = Deadline.past

    /// Who the daemon takes this client for: the same over all connections, unless another process has the same id.
    var worker = WorkerID.random()
    /// The life of the state that the numbers in `window` belong to; nil before the first connection.
    var epoch: UInt64? { acquaintance?.epoch }
    /// How the daemon knows this worker, as far as it has told; nil before the first connection.
    var acquaintance: Acquaintance?

    /// Counts connections, so that what belonged to an earlier one is known by its number.
    var number: UInt64 = 0
    var socket: Socket?
    var hello: Hello.Reply?
    /// The connection, while nobody reads it. Who takes it is the reader until it puts it back.
    var seat: Connection?
    /// When a request first timed out after which no byte has come.
    var silentSince: Deadline?
    /// Why the daemon said it would close the connection.
    var closingReason: Refusal?

    /// Frames that the socket has not taken yet.
    var output = ByteWriter(capacity: 4096)
    /// Bytes that the socket has taken, of this connection.
    var sent: UInt64 = 0
    /// The socket takes nothing more; what can still be read from it decides what becomes of the requests.
    var outputFailed = false
    /// Whether a thread waits for the socket to take more.
    var isPushing = false

    var waiters = WaiterTable()
    var backlog = Backlog()
    var window = SequenceWindow()
    /// Parked threads, to choose the next reader from; some may have left meanwhile.
    var parked: [Waiter] = []

    /// Reports that wait for the daemon's return, and of which it has nothing yet.
    var queuedReports = 0
    /// Reports that were given up.
    var droppedReports: UInt64 = 0
    /// Reports that were left in the spool, or why they could not be.
    var spooling = Spooling()

    var background = Background.none
    /// Requests that a task waits for.
    var tasks = 0
    /// No task's deadline lies before this.
    var earliestTaskDeadline = Deadline.never

    /// What is to be done once the lock is released.
    var wakeups = Wakeups()

    init(path: String, configuration: FuseboxClient.Configuration) {
        self.path = path
        queueLimit = configuration.failurePolicy.queueLimit
        failsOpen = configuration.failurePolicy != .failClosed
        longestSilenceMilliseconds = 4 * min(max(configuration.requestTimeoutMilliseconds, 1), .max / 4)
        patienceMilliseconds = max(configuration.restartPatienceMilliseconds, 0)
        backoff = Backoff(configuration)
    }

    struct Wakeups {
        var threads: [Waiter] = []
        var tasks: [TaskSleep] = []
        var background: BackgroundCall?
    }

    // MARK: Requests in

    /// Takes a request whose bytes are ready: writes it, puts it in the backlog, or turns it away.
    mutating func submit(_ waiter: Waiter) {
        switch phase {
        case .closed: complete(waiter, .failed(.closed))
        case .connecting: backlog.append(waiter)
        case .connected:
            guard backlog.isEmpty, mayWrite(waiter) else { return backlog.append(waiter) }
            write(waiter)
            flush()
        case .absent:
            guard retryAt > .now, !isExpectedBack else { return backlog.append(waiter) }
            guard waiter.isReport else { return complete(waiter, .failed(absence)) }
            backlog.append(waiter)
            keep(waiter)
            dropExcessReports()
        }
    }

    var absence: ClientError { .unavailable(path: path, reason: absenceReason) }

    private func mayWrite(_ waiter: Waiter) -> Bool {
        // The worker is forgotten at goodbye: then nothing may be left that could have to be sent again.
        if waiter.command == Goodbye.declaration.number { return window.isQuiet }
        guard waiter.isSequenced else { return true }
        let sequence = waiter.sequence != 0 ? waiter.sequence : window.next
        return window.hasRoom(for: sequence, kept: hello?.keptReplies ?? 0)
    }

    /// Appends the request's frame to the output. Sequence numbers are given here, so they leave in their order.
    private mutating func write(_ waiter: Waiter) {
        if waiter.isQueued, !waiter.mayHaveArrived { queuedReports -= 1 }
        if let substitute = waiter.substitute, substitute.epoch != epoch { waiter.becomeSubstitute() }
        waiter.place = .nowhere
        let start = output.beginFrame(
            FrameHeader(command: waiter.command, kind: .request, correlation: waiter.correlation))
        if waiter.isSequenced {
            if waiter.sequence == 0 { waiter.sequence = window.issue() }
            RequestSequence(sequence: waiter.sequence, oldestUnacknowledged: window.oldestUnacknowledged)
                .encode(into: &output)
        }
        unsafe waiter.request.withBytes { unsafe output.write(contentsOf: $0) }
        output.endFrame(start)
        let length = output.count - start - FrameHeader.lengthBytes
        if let limit = hello?.frameLimit, limit > 0, length > Int(limit) {
            output.truncate(to: start)
            settle(waiter)
            return reject(waiter, length: length, limit: limit)
        }
        waiter.place = .written
        waiter.frameEnd = sent + UInt64(output.count)
    }

    private mutating func reject(_ waiter: Waiter, length: Int, limit: UInt32) {
        if waiter.isQueued { return giveUpReport(waiter) }
        guard waiter.outcome == nil else { return reclaim(waiter) }
        let message = "a frame of \(length) bytes is longer than the \(limit) bytes that this daemon takes"
        complete(waiter, .failed(.invalidArgument(Refusal(.frameTooLarge, message))))
    }

    /// Writes from the backlog what may be written now.
    mutating func drainBacklog() {
        while let waiter = backlog.first, mayWrite(waiter) {
            backlog.removeFirst()
            write(waiter)
        }
    }

    /// Hands the socket as much output as it takes.
    mutating func flush() {
        guard !outputFailed, let socket else { return }
        while !output.isEmpty {
            switch unsafe output.withBytes({ unsafe socket.send($0) }) {
            case .bytes(let count):
                output.removeFirst(count)
                sent += UInt64(count)
            case .full: return
            case .failed:
                // Replies may still wait to be read: whoever reads finds the end of the connection behind them.
                outputFailed = true
                return wakeSenders()
            }
        }
        output.shrink(to: 64 * 1024)
        if isPushing { wakeSenders() }
    }

    private mutating func wakeSenders() {
        for waiter in waiters.all where waiter.onlySends {
            if case .parked = waiter.attendance { wakeups.threads.append(waiter) }
        }
    }

    /// Whether output waits for a thread that waits for the socket.
    var needsPush: Bool { phase == .connected && !output.isEmpty && !isPushing && !outputFailed }

    // MARK: Replies out

    /// Gives a request its outcome, and wakes who waits for it.
    mutating func complete(_ waiter: Waiter, _ outcome: Waiter.Outcome) {
        waiter.outcome = outcome
        switch waiter.attendance {
        case .none, .thread: break
        case .parked: wakeups.threads.append(waiter)
        case .task(let task):
            waiter.attendance = .none
            tasks -= 1
            wakeups.tasks.append(task)
        }
    }

    /// The caller has taken the outcome, or wants none any more.
    mutating func release(_ waiter: Waiter) {
        waiter.isOwned = false
        waiter.attendance = .none
        if waiter.outcome == nil {
            withdraw(waiter)
            waiter.outcome = .failed(.cancelled)
        }
        reclaim(waiter)
    }

    /// Gives the waiter back if neither a caller nor the daemon will come back to it.
    mutating func reclaim(_ waiter: Waiter) {
        if !waiter.isOwned, waiter.place == .nowhere { waiters.giveBack(waiter) }
    }

    /// The daemon has answered the request, or it is given up.
    mutating func settle(_ waiter: Waiter) {
        guard waiter.sequence != 0 else { return }
        window.settle(waiter.sequence)
        waiter.sequence = 0
    }

    /// The time of a request has come to its end.
    mutating func expire(_ waiter: Waiter) {
        guard waiter.place == .backlog else {
            complete(waiter, .failed(.timedOut))
            return noteSilence()
        }
        guard waiter.isReport else {
            // What never left and found no connection has changed nothing, and the caller is told so.
            let isAbsence = phase != .connected && !waiter.mayHaveArrived
            withdraw(waiter)
            return complete(waiter, .failed(isAbsence ? absence : .timedOut))
        }
        keep(waiter)
        dropExcessReports()
    }

    /// A request has timed out. One that answers none for long is as good as gone: what is written to it only piles up.
    private mutating func noteSilence() {
        let now = Deadline.now
        let since = silentSince ?? now
        silentSince = since
        if phase == .connected, since + longestSilenceMilliseconds <= now { lose("the daemon has stopped answering") }
    }

    /// The task that waits for it was cancelled. A correlation id that is not the waiter's any more changes nothing.
    mutating func cancel(_ waiter: Waiter, _ correlation: UInt32) {
        guard waiter.correlation == correlation, waiter.outcome == nil else { return }
        withdraw(waiter)
        complete(waiter, .failed(.cancelled))
    }

    /// Takes one frame. Returns what is wrong with it, if anything is.
    private mutating func deliver(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) -> String? {
        // Events have connections of their own; a program that subscribed through `call` gets none.
        if header.kind == FrameKind.event.rawValue { return nil }
        guard header.kind == FrameKind.reply.rawValue else { return "a frame of the unknown kind \(header.kind) came" }
        guard let waiter = waiters.find(header.correlation), waiter.place == .written else {
            guard header.detail != Status.ok.rawValue else { return "a reply came that answers no request" }
            closingReason = unsafe Payload.refusal(header.detail, payload)
            return nil
        }
        guard waiter.command == header.command else {
            return "a reply to command \(header.command) came for a request with command \(waiter.command)"
        }
        waiter.place = .nowhere
        if waiter.sequence != 0, header.detail == Status.ok.rawValue { acquaintance?.isKnown = true }
        settle(waiter)
        if waiter.mayHaveArrived, header.detail == Status.sequenceOutOfOrder.rawValue {
            beginAnew(waiter)
            return nil
        }
        if waiter.substitute != nil, header.detail == Status.notFound.rawValue {
            sendSubstitute(of: waiter)
            return nil
        }
        if waiter.outcome == nil {
            waiter.reply.removeAll()
            unsafe waiter.reply.write(contentsOf: payload)
            complete(waiter, .answered(status: header.detail))
        } else if waiter.isQueued, header.detail != Status.ok.rawValue {
            droppedReports += 1
        }
        reclaim(waiter)
        return nil
    }

    /// Takes what the reader has read, for its own request or, in the background, for no particular one.
    ///
    /// Returns whether it is to read on; if not, the connection has been put back or is gone.
    mutating func take(_ received: Socket.Received, from held: inout Connection?, for waiter: Waiter?) -> Bool {
        guard phase == .connected, held?.number == number else {
            held = nil
            return false
        }
        if let reason = whyLost(received, &held) {
            held = nil
            lose(reason)
            return false
        }
        if !backlog.isEmpty { drainBacklog() }
        if !output.isEmpty { flush() }
        if case .bytes = received, let waiter, waiter.outcome == nil, !needsPush { return true }
        seat = held.take()
        return false
    }

    /// Delivers the frames that have come; says why, if nothing more will.
    private mutating func whyLost(_ received: Socket.Received, _ held: inout Connection?) -> String? {
        switch received {
        case .timedOut: return nil
        case .failed(let failure): return failure.description
        case .ended: return "the daemon closed the connection"
        case .bytes: silentSince = nil
        }
        while true {
            do throws(Connection.Interruption) {
                let delivered = try unsafe held?.nextFrame { header, payload in unsafe deliver(header, payload) }
                guard let delivered else { return nil }
                if let violation = delivered { return Connection.Interruption.garbled(violation).description }
            } catch {
                return error.description
            }
        }
    }

    // MARK: Connections

    /// A connection has been made. What waits for it is written, reports of the time without one first.
    mutating func install(_ connection: inout Connection?) {
        guard phase == .connecting else {
            connection = nil
            return
        }
        number += 1
        connection?.number = number
        socket = connection?.socket
        hello = connection?.hello
        seat = connection.take()
        phase = .connected
        meetDaemon()
        sent = 0
        outputFailed = false
        closingReason = nil
        silentSince = nil
        backoff.succeeded()
        drainBacklog()
        flush()
        handOver()
    }

    mutating func disconnect() {
        socket?.end()
        socket = nil
        hello = nil
        seat = nil
        number += 1
        isPushing = false
        output.removeAll()
    }

    /// Whether something is under way that goodbye should wait for.
    var hasUnanswered: Bool { phase != .closed && !(window.isQuiet && backlog.isEmpty && output.isEmpty) }

    /// Ends everything; says goodbye, unless that has been done.
    mutating func close(isFarewellSaid: Bool) {
        guard phase != .closed else { return }
        if phase == .connected, !isFarewellSaid {
            let start = output.beginFrame(
                FrameHeader(command: Goodbye.declaration.number, kind: .request, correlation: .max))
            output.endFrame(start)
            flush()
        }
        phase = .closed
        disconnect()
        droppedReports += UInt64(queuedReports)
        queuedReports = 0
        backlog = Backlog()
        for waiter in waiters.all where waiter.isOwned || waiter.place != .nowhere {
            if waiter.isQueued, waiter.mayHaveArrived || waiter.place == .written { droppedReports += 1 }
            waiter.place = .nowhere
            settle(waiter)
            if waiter.outcome == nil { complete(waiter, .failed(.closed)) }
            reclaim(waiter)
        }
        alertBackground()
    }
}
