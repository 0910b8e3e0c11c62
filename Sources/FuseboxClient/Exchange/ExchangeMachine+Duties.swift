import FuseboxWire

/// What a thread does next.
enum Duty: Equatable {
    /// Return: what the thread waited for has come. The background thread ends.
    case leave
    /// Sleep until woken, at most until this moment or the thread's own deadline.
    case sleep(until: Deadline)
    /// Connect, for all waiting requests.
    case connect
    /// Wait until the socket of this connection takes more output.
    case push(number: UInt64)
    /// Read from this connection, for all waiting requests.
    case read(number: UInt64)
}

/// The duties of threads: which one connects, reads and pushes.
extension ExchangeMachine {
    /// The threads that sleep.
    struct Threads {
        /// Places of requests whose threads sleep. A thread that takes over a duty is chosen from these. Some may have
        /// left meanwhile.
        private var sleepers: [Int] = []
        private var isListed: [Bool] = []
        /// The number of threads that sleep until their frames are sent.
        var sleepingSenders = 0

        mutating func list(_ index: Int) {
            while isListed.count <= index { isListed.append(false) }
            guard !isListed[index] else { return }
            isListed[index] = true
            sleepers.append(index)
        }

        mutating func takeLast() -> Int? {
            guard let index = sleepers.popLast() else { return nil }
            isListed[index] = false
            return index
        }
    }

    /// The waiting tasks, and the background thread that takes the duties for them.
    struct Tasks {
        enum Background {
            /// It was not started yet.
            case none
            /// It runs, and looks at the state before it does anything else.
            case awake
            case parked
            /// It is the reader, and waits for bytes or a nudge.
            case polling
        }

        var background = Background.none
        /// The number of requests that tasks wait for.
        var waiting = 0
        /// A lower bound of the tasks' deadlines.
        var earliestDeadline = Deadline.never
    }

    /// Sets who waits for a request.
    mutating func stand(_ id: RequestID, _ attendance: Request.Attendance) {
        if case .none = attendance, case .none = requests[id].attendance { return }
        let before = requests.stand(id, attendance)
        if case .parked(.departure) = before { threads.sleepingSenders -= 1 }
        if case .parked(.departure) = attendance { threads.sleepingSenders += 1 }
        if case .task = before { tasks.waiting -= 1 }
        if case .task = attendance { tasks.waiting += 1 }
    }

    // MARK: Threads

    /// What a thread with a request does next.
    mutating func nextDuty(
        for id: RequestID, _ purpose: Request.Purpose, until deadline: Deadline, now: Deadline
    ) -> ExchangeTurn {
        var isThere = requests[id].has(purpose, phase)
        if !isThere, now >= deadline {
            stand(id, .thread)
            expire(id, now: now)
            isThere = requests[id].has(purpose, phase)
        }
        let duty = isThere ? nil : sharedDuty(reads: purpose == .reply, now)
        switch duty {
        case nil:
            stand(id, .none)
            handOver()
        case .sleep:
            stand(id, .parked(purpose))
            threads.list(id.index)
        default: stand(id, .thread)
        }
        return ExchangeTurn(duty: duty ?? .leave, actions: actions.take())
    }

    /// A duty that no thread has, or sleep. The calling thread has the duty from here on.
    private mutating func sharedDuty(reads: Bool, _ now: Deadline) -> Duty {
        switch phase {
        case .disconnected(let outage, let retryAt):
            guard retryAt <= now else { return .sleep(until: retryAt) }
            attempts += 1
            phase = .connecting(outage)
            return .connect
        case .open(let link):
            if link.needsPush {
                changeLink { $0.output = .pushed }
                return .push(number: link.number)
            }
            if reads, beginReading(link.number) { return .read(number: link.number) }
        case .connecting, .closed: break
        }
        return .sleep(until: .never)
    }

    /// Makes the calling thread the reader of this connection. Returns false if another thread reads.
    mutating func beginReading(_ number: UInt64) -> Bool {
        guard case .open(let link) = phase, link.number == number, !link.isRead else { return false }
        changeLink { $0.isRead = true }
        return true
    }

    /// The reader has read once. Returns whether it reads on, because its request has no outcome yet. If not, it is no
    /// longer the reader.
    mutating func readOn(_ number: UInt64, for id: RequestID?, hasBytes: Bool) -> Bool {
        guard case .open(let link) = phase, link.number == number else { return false }
        let isWaitedFor = id.map { requests[$0].interest == .open } ?? false
        let readsOn = hasBytes && isWaitedFor && !link.needsPush
        changeLink {
            if hasBytes { $0.silentSince = nil }
            $0.isRead = readsOn
        }
        return readsOn
    }

    /// The pushing thread has stopped.
    mutating func pushEnded(_ number: UInt64) -> ExchangeActions {
        guard let link, link.number == number else { return actions.take() }
        if link.output == .pushed { changeLink { $0.output = .flowing } }
        if link.sent < link.written, link.output != .failed { actions.append(.send) }
        return actions.take()
    }

    /// Wakes the threads that wait until their frames are sent.
    mutating func wakeSenders() {
        guard threads.sleepingSenders > 0 else { return }
        for id in requests.ids(where: { $0.attendance == .parked(.departure) }) { actions.append(.wake(id)) }
    }

    /// Wakes another thread if no thread has one of the duties to read, to push or to connect.
    mutating func handOver() {
        switch phase {
        case .disconnected: break
        case .open(let link): guard link.needsPush || !link.isRead else { return }
        case .connecting, .closed: return
        }
        while let index = threads.takeLast() {
            guard let request = requests.find(at: index), request.interest == .open,
                case .parked = request.attendance
            else { continue }
            actions.append(.wake(request.id))
            return
        }
        if tasks.waiting > 0 { callBackground() }
    }

    // MARK: The first connection

    /// Makes the first connect wait for a starting daemon as after a loss.
    mutating func expectDaemon(now: Deadline) {
        guard case .disconnected(var outage, let retryAt) = phase else { return }
        outage.returnBy = now + policy.patienceMilliseconds
        phase = .disconnected(outage, retryAt: retryAt)
    }

    /// The next duty of the thread that makes the first connection. There are no requests yet.
    mutating func nextDutyOfFirst(now: Deadline) -> Duty {
        guard case .disconnected = phase else { return .leave }
        return sharedDuty(reads: false, now)
    }

    // MARK: Tasks

    /// A task waits for a request from here on.
    mutating func attend(_ id: RequestID, until deadline: Deadline) -> ExchangeActions {
        guard requests[id].interest == .open else {
            actions.append(.resume(id))
            return actions.take()
        }
        stand(id, .task(until: deadline))
        let isEarliest = deadline < tasks.earliestDeadline
        if isEarliest { tasks.earliestDeadline = deadline }
        callBackground(toNewDeadline: isEarliest)
        return actions.take()
    }

    /// Makes the background thread look at the state, if it has a reason to.
    mutating func callBackground(toNewDeadline isEarliest: Bool = false) {
        switch tasks.background {
        case .none:
            guard !isClosed else { return }
            tasks.background = .awake
            actions.append(.background(.start))
        case .parked: actions.append(.background(.wake))
        case .polling:
            if link?.needsPush == true || isEarliest || isClosed { actions.append(.background(.nudge)) }
        case .awake: break
        }
    }

    /// The next duty of the background thread. It has a duty only while tasks wait.
    mutating func nextBackgroundDuty(now: Deadline) -> ExchangeTurn {
        tasks.background = .awake
        guard !isClosed else {
            tasks.background = .none
            return ExchangeTurn(duty: .leave, actions: actions.take())
        }
        expireTasks(now)
        var duty = Duty.sleep(until: .never)
        if tasks.waiting == 0 {
            handOver()
        } else if case .open(let link) = phase, beginReading(link.number) {
            duty = .read(number: link.number)
        } else {
            duty = sharedDuty(reads: false, now)
        }
        switch duty {
        case .sleep: tasks.background = .parked
        case .read: tasks.background = .polling
        default: break
        }
        return ExchangeTurn(duty: duty, actions: actions.take())
    }

    private mutating func expireTasks(_ now: Deadline) {
        guard tasks.earliestDeadline <= now else { return }
        tasks.earliestDeadline = .never
        let waiting = requests.ids { if case .task = $0.attendance { true } else { false } }
        for id in waiting {
            guard case .task(let deadline) = requests.find(id)?.attendance else { continue }
            if deadline <= now {
                expire(id, now: now)
            } else {
                tasks.earliestDeadline = min(tasks.earliestDeadline, deadline)
            }
        }
    }

    /// The background thread could not be started, so tasks cannot wait.
    mutating func backgroundFailed() -> ExchangeActions {
        tasks.background = .none
        for id in requests.ids(where: { if case .task = $0.attendance { true } else { false } }) {
            abandon(id, .noThread)
        }
        return actions.take()
    }
}

extension Request {
    /// Whether what its thread waits for has happened. A thread that only sends may return when its frame was sent, or
    /// when its request waits for the daemon's replies to others.
    fileprivate func has(_ purpose: Purpose, _ phase: ExchangeMachine.Phase) -> Bool {
        guard interest == .open else { return true }
        guard purpose == .departure else { return false }
        return switch (delivery, phase) {
        case (.idle, _), (.waiting, _): true
        case (.queued, .open): true
        case (.queued(let mayHaveArrived), _): mayHaveArrived
        case (.sent(let frameEnd, _), .open(let link)): frameEnd <= link.sent || link.output == .failed
        case (.sent, _): true
        }
    }
}
