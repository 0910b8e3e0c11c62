import FuseboxWire

/// Connections made, refused and lost.
///
/// What becomes of requests when their connection is lost:
///
/// | request | its frame has left | what follows |
/// |---|---|---|
/// | read | yes or no | asked once more |
/// | sequenced | yes | sent again with its number, in the order of numbers, before anything else |
/// | sequenced | no | sent, in its place; nobody waits any more: given up |
/// | other | yes | `outcomeUnknown` |
/// | other | no | sent once more |
///
/// A number whose frame has left stays unacknowledged until the daemon has answered it, even if its caller has stopped
/// waiting: the late reply is dropped, but until it has come the number may have been carried out or not. There are never
/// more of these than the daemon keeps replies.
///
/// Numbers are sent again to a daemon of the same epoch, if it says `resumed`, or if nothing that was sent can have counted
/// (see `Acquaintance`). Otherwise the requests may have been applied and forgotten, and are `outcomeUnknown`.
extension ExchangeMachine {
    // MARK: Made

    /// What hello says of this client.
    struct Introduction: Equatable {
        var worker: WorkerID
        /// The highest sequence number that the worker has used.
        var lastSequence: UInt64
    }

    /// How this client introduces itself.
    ///
    /// - Parameter fresh: an id that nobody else has, for a client that has none
    mutating func introduction(orAs fresh: WorkerID) -> Introduction {
        let worker = identity.worker ?? fresh
        identity.worker = worker
        return Introduction(worker: worker, lastSequence: identity.window.next - 1)
    }

    /// The daemon has answered hello. What waits for a connection is written, reports of the time without one first.
    ///
    /// Returns nil if nobody waits for this connection any more.
    mutating func connected(_ hello: Hello.Reply) -> ExchangeActions? {
        guard case .connecting = phase else { return nil }
        connections += 1
        phase = .open(Link(number: connections, hello: hello))
        words = Words(hello: hello)
        let mayResend = identity.acquaintance?.allowsResending(to: hello) ?? true
        if !mayResend { giveUpUnacknowledged() }
        identity.acquaintance = Acquaintance(hello)
        backoff.succeeded()
        drain()
        handOver()
        return actions.take()
    }

    /// Nobody can tell any more what became of the requests that may have arrived.
    private mutating func giveUpUnacknowledged() {
        endQueued(where: { $0.mayHaveArrived }, .outcomeUnknown)
    }

    // MARK: Not made

    /// Whether calls wait for the next attempt to connect: the daemon has just gone, and may be restarting.
    ///
    /// Under a policy to fail open nobody waits: decisions are assumed, reports are kept.
    var isExpectedBack: Bool {
        guard !policy.failsOpen, case .disconnected(let outage, let retryAt) = phase else { return false }
        return retryAt <= outage.returnBy
    }

    /// No connection could be made: if it is not soon tried again, who waits for one is told, and reports are kept.
    ///
    /// - Parameters:
    ///   - holdsPermits: whether the daemon would take something back if this client stayed away for long
    ///   - chance: from 0 to 1; spreads the attempts of many clients
    mutating func connectFailed(
        _ reason: String, holdsPermits: Bool, chance: Double, now: Deadline
    ) -> ExchangeActions {
        guard case .connecting(let outage) = phase else { return actions.take() }
        words.absence = reason
        let longest = holdsPermits ? longestBackoffOfHolder : nil
        var retryAt = now + min(backoff.afterFailure(chance), max(longest ?? .max, 1))
        if !policy.failsOpen, now < outage.returnBy {
            let look = max(backoff.minimumMilliseconds, policy.patienceMilliseconds / ClientLimits.looksForRestart)
            retryAt = min(retryAt, now + look, outage.returnBy)
        }
        phase = .disconnected(outage, retryAt: retryAt)
        if !isExpectedBack { turnAway() }
        handOver()
        return actions.take()
    }

    /// The most that a client may back off which holds permits: the daemon takes them back if it is not there after its
    /// grace, and then even one missed attempt must be made up for. Nil: the daemon has told no grace.
    var longestBackoffOfHolder: Int? {
        guard let grace = identity.acquaintance?.graceMilliseconds, grace > 0 else { return nil }
        return Int(clamping: grace / 3)
    }

    private mutating func turnAway() {
        endQueued(where: { !$0.isReport && !$0.mayHaveArrived && $0.interest != .kept }, .absent)
        for id in backlog where requests[id].interest == .open {
            if requests[id].isReport {
                keep(id)
            } else if policy.failsOpen, requests[id].attendance != .none {
                // The policy has an answer for who waits; the request stays, until the daemon has confirmed it.
                complete(id, .failed(.timedOut))
            }
        }
        dropExcessReports()
    }

    // MARK: Lost

    /// The present connection is gone.
    mutating func lost(_ reason: String, now: Deadline) -> ExchangeActions {
        lose(reason, now)
        return actions.take()
    }

    mutating func lose(_ reason: String, _ now: Deadline) {
        guard case .open(let link) = phase else { return }
        var outage = Outage(returnBy: now + policy.patienceMilliseconds)
        words.absence = words.farewell.map { "the daemon closed the connection: \($0)" } ?? reason
        phase = .disconnected(outage, retryAt: .past)
        actions.append(.close)
        let again = takeUnanswered(of: link)
        // What is lost time and again must not make a busy loop.
        if again.contains(where: { requests[$0].losses > 1 }) {
            let retryAt = now + backoff.minimumMilliseconds
            outage.returnBy = max(outage.returnBy, retryAt)
            phase = .disconnected(outage, retryAt: retryAt)
        }
        for id in again.reversed() { backlog.prepend(id) }
        if words.farewell?.status == .fenced { becomeAnother() }
        dropExcessReports()
        handOver()
    }

    /// The requests of a lost connection that go to the next one, in their order; the others end.
    private mutating func takeUnanswered(of link: Link) -> [RequestID] {
        var again: [(id: RequestID, sequence: UInt64, frameEnd: UInt64)] = []
        for id in requests.ids(where: { if case .sent = $0.delivery { true } else { false } }) {
            guard case .sent(let frameEnd, let mayHaveArrived) = requests[id].delivery else { continue }
            let hasLeft = frameEnd <= link.sent
            requests.change(id) {
                $0.losses += 1
                $0.delivery = .queued(mayHaveArrived: mayHaveArrived || hasLeft && $0.isSequenced)
            }
            if let ending = endingAfterLoss(requests[id], hasLeft: hasLeft) {
                end(id, .failed(ending))
            } else {
                again.append((id, requests[id].resendOrder, frameEnd))
            }
        }
        return again.sorted { ($0.sequence, $0.frameEnd) < ($1.sequence, $1.frameEnd) }.map(\.id)
    }

    /// What a request ends with whose connection is lost; nil if it goes to the next one.
    private func endingAfterLoss(_ request: Request, hasLeft: Bool) -> RequestFailure? {
        if request.mayHaveArrived {
            return request.interest != .open && request.losses > ClientLimits.losses ? .outcomeUnknown : nil
        }
        if request.interest == .none { return .cancelled }
        if request.isSequenced { return nil }
        if hasLeft, request.effect != .read { return .outcomeUnknown }
        return request.losses > 1 ? .absent : nil
    }

    /// Another process uses this worker's id, and has taken over: numbers mean nothing any more.
    private mutating func becomeAnother() {
        giveUpUnacknowledged()
        identity.worker = nil
        identity.acquaintance?.isKnown = false
        identity.window = SequenceWindow()
        for id in backlog { requests.change(id) { $0.sequence = 0 } }
    }
}
