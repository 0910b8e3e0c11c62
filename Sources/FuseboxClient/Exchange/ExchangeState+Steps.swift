/// What a thread is to do next.
enum Step: ~Copyable {
    /// Nothing: what it came for is there. For the background thread: end.
    case leave
    /// Sleep until woken, at the longest until this moment or one's own deadline.
    case sleep(until: Deadline)
    /// Connect, for everybody.
    case connect
    /// Wait until the socket takes more output; `number` says of which connection it is.
    case push(Socket, number: UInt64)
    /// Read, for everybody, until its own reply is there.
    case read(Connection)
}

/// What the thread in the background is doing.
enum Background {
    /// There is none yet.
    case none
    /// It will look at the state before it does anything else.
    case awake
    case parked
    /// It reads, and waits for bytes or a nudge.
    case polling
}

/// How the background thread is called.
enum BackgroundCall {
    case start
    case wake
    case nudge
}

extension ExchangeState {
    /// What a thread with a request does next.
    mutating func nextStep(for waiter: Waiter, until deadline: Deadline) -> Step {
        waiter.attendance = .thread
        if waiter.outcome == nil, !isDelivered(waiter), Deadline.now >= deadline { expire(waiter) }
        if waiter.outcome != nil || isDelivered(waiter) {
            waiter.attendance = .none
            handOver()
            return .leave
        }
        var moment = Deadline.never
        switch phase {
        case .absent:
            guard retryAt > .now else {
                phase = .connecting
                return .connect
            }
            moment = retryAt
        case .connected:
            if needsPush, let socket {
                isPushing = true
                return .push(socket, number: number)
            }
            if !waiter.onlySends, let connection = seat.take() { return .read(connection) }
        case .connecting, .closed: break
        }
        waiter.attendance = .parked
        if !waiter.isListed {
            waiter.isListed = true
            parked.append(waiter)
        }
        return .sleep(until: moment)
    }

    /// Whether a thread that only sends may go: its frame has left, or waits for the daemon's replies to others.
    private func isDelivered(_ waiter: Waiter) -> Bool {
        guard waiter.onlySends else { return false }
        return switch waiter.place {
        case .nowhere: true
        case .backlog: phase == .connected || waiter.mayHaveArrived
        case .written: waiter.frameEnd <= sent || outputFailed
        }
    }

    /// A thread stops pushing.
    mutating func stopPushing(_ number: UInt64) {
        guard number == self.number else { return }
        flush()
        isPushing = false
    }

    /// Calls another thread if there is a duty that nobody has: to read, to push or to connect.
    mutating func handOver() {
        guard phase == .absent || needsPush || phase == .connected && seat != nil else { return }
        while let waiter = parked.popLast() {
            waiter.isListed = false
            guard case .parked = waiter.attendance, waiter.outcome == nil else { continue }
            wakeups.threads.append(waiter)
            return
        }
        if tasks > 0 { alertBackground() }
    }

    /// Begins as if a connection had just been lost.
    mutating func beginWaiting() { returnBy = .after(milliseconds: patienceMilliseconds) }

    /// What the thread that makes the first connection does next, when there are no requests yet.
    mutating func nextStepToConnectFirst() -> Step {
        guard phase == .absent else { return .leave }
        if retryAt > .now { return .sleep(until: retryAt) }
        phase = .connecting
        return .connect
    }

    // MARK: Tasks

    /// A task waits for a request from here on.
    mutating func attend(_ waiter: Waiter, _ task: TaskSleep, until deadline: Deadline) {
        guard waiter.outcome == nil else { return wakeups.tasks.append(task) }
        waiter.attendance = .task(task)
        waiter.deadline = deadline
        tasks += 1
        let isEarliest = deadline < earliestTaskDeadline
        if isEarliest { earliestTaskDeadline = deadline }
        if waiter.place == .nowhere { submit(waiter) }
        if tasks > 0 { alertBackground(toNewDeadline: isEarliest) }
    }

    /// Sees to it that the background thread looks at the state, if it has reason to.
    mutating func alertBackground(toNewDeadline isEarliest: Bool = false) {
        switch background {
        case .none:
            guard phase != .closed else { return }
            background = .awake
            wakeups.background = .start
        case .parked: wakeups.background = .wake
        case .polling: if needsPush || isEarliest || phase == .closed { wakeups.background = .nudge }
        case .awake: break
        }
    }

    /// What the background thread does next. It has a duty only while tasks wait.
    mutating func nextBackgroundStep() -> Step {
        background = .awake
        if phase == .closed {
            background = .none
            return .leave
        }
        expireTasks()
        var moment = Deadline.never
        if tasks > 0 {
            switch phase {
            case .absent where retryAt > .now: moment = retryAt
            case .absent:
                phase = .connecting
                return .connect
            case .connected:
                if let connection = seat.take() {
                    background = .polling
                    return .read(connection)
                }
                if needsPush, let socket {
                    isPushing = true
                    return .push(socket, number: number)
                }
            case .connecting, .closed: break
            }
        } else {
            handOver()
        }
        background = .parked
        return .sleep(until: moment)
    }

    private mutating func expireTasks() {
        let now = Deadline.now
        guard earliestTaskDeadline <= now else { return }
        earliestTaskDeadline = .never
        for waiter in waiters.all {
            guard case .task = waiter.attendance else { continue }
            if waiter.deadline <= now {
                expire(waiter)
            } else {
                earliestTaskDeadline = min(earliestTaskDeadline, waiter.deadline)
            }
        }
    }

    /// There is no background thread to be had: tasks cannot wait.
    mutating func backgroundFailed(_ failure: SystemFailure) {
        background = .none
        for waiter in waiters.all {
            guard case .task = waiter.attendance else { continue }
            withdraw(waiter)
            complete(waiter, .failed(.unavailable(path: path, reason: failure.description)))
        }
    }
}
