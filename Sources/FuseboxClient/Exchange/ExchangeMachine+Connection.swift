import FuseboxWire

/// Connections made, refused and lost.
///
/// What follows for a request when its connection is lost:
///
/// | request | frame sent | what follows |
/// |---|---|---|
/// | read | yes or no | it is sent again |
/// | sequenced | yes | it is sent again with its number, before anything else, in the order of numbers |
/// | sequenced | no | it is sent in its turn; if nobody waits for it any more, it is dropped |
/// | other | yes | `outcomeUnknown` |
/// | other | no | it is sent again |
///
/// A number whose frame was sent stays unacknowledged until the daemon has answered it, even if its caller has stopped
/// waiting. A late reply is dropped; until it comes, the request may have been carried out or not. There are never more
/// such numbers than the replies that the daemon keeps.
///
/// Numbers are sent again to a daemon of the same epoch that says `resumed`, or if nothing that was sent can have
/// counted (see `Acquaintance`). Otherwise the requests may have been applied and forgotten, and end with
/// `outcomeUnknown`.
extension ExchangeMachine {
    // MARK: Made

    /// What hello tells of this client.
    struct Introduction: Equatable {
        var worker: WorkerID
        /// The highest sequence number that the worker has used.
        var lastSequence: UInt64
    }

    /// What this client tells in hello.
    ///
    /// - Parameter fresh: a new worker id, for a client that has none
    mutating func introduction(orAs fresh: WorkerID) -> Introduction {
        let worker = identity.worker ?? fresh
        identity.worker = worker
        return Introduction(worker: worker, lastSequence: identity.window.next - 1)
    }

    /// The daemon has answered hello. Writes the requests that wait for a connection, kept reports first.
    ///
    /// Returns nil if the client was closed meanwhile.
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

    /// Ends the requests that may have arrived with `outcomeUnknown`.
    private mutating func giveUpUnacknowledged() {
        endQueued(where: { $0.mayHaveArrived }, .outcomeUnknown)
    }

    // MARK: Not made

    /// Whether calls wait for the next attempt to connect, because the daemon has just gone and may be restarting.
    ///
    /// Calls that fail open never wait: decisions are assumed, and reports are kept.
    var isExpectedBack: Bool {
        guard !policy.failsOpen, case .disconnected(let outage, let retryAt) = phase else { return false }
        return retryAt <= outage.returnBy
    }

    /// Whether a call connects although the backoff is not over, because the daemon may have come back since.
    ///
    /// The backoff protects a daemon that is there and cannot keep up. Where nobody listens, the kernel says so in
    /// microseconds and nobody is troubled. So each call that fails closed is told of an absence by an attempt that
    /// began after the call. One attempt is under way at a time, and it answers all calls that came before it.
    var asksAgain: Bool {
        guard !policy.failsOpen, case .disconnected(let outage, _) = phase else { return false }
        return outage.isVacant
    }

    /// The connect has failed. Unless the next attempt follows soon, requests that wait for a connection end, and
    /// reports are kept.
    ///
    /// - Parameters:
    ///   - isVacant: whether the kernel said that nobody listens. Then requests that came while the attempt was under
    ///     way get another one, and an attempt that did not wait for the end of the backoff does not prolong it
    ///   - holdsPermits: whether the client holds permits, which the daemon takes back if the client stays away
    ///   - chance: a random number from 0 to 1, which spreads the attempts of many clients
    mutating func connectFailed(
        _ reason: String, isVacant: Bool, holdsPermits: Bool, chance: Double, now: Deadline
    ) -> ExchangeActions {
        guard case .connecting(var outage) = phase else { return actions.take() }
        outage.isVacant = isVacant
        words.absence = reason
        var retryAt: Deadline
        if isVacant, let backoffEnds = outage.backoffEnds, now < backoffEnds {
            retryAt = backoffEnds
        } else {
            let waits = backlog.contains { requests[$0].hasWaited }
            let longest = holdsPermits || waits ? longestBackoffOfHolder : nil
            retryAt = now + min(backoff.afterFailure(chance), max(longest ?? .max, 1))
        }
        outage.backoffEnds = nil
        if !policy.failsOpen, now < outage.returnBy {
            let look = max(backoff.minimumMilliseconds, policy.patienceMilliseconds / ClientLimits.looksForRestart)
            retryAt = min(retryAt, now + look, outage.returnBy)
        }
        phase = .disconnected(outage, retryAt: retryAt)
        if !isExpectedBack {
            turnAway()
            if asksAgain, backlog.contains(where: { cameMeanwhile(requests[$0]) }) {
                phase = outage.hurried(until: retryAt)
            }
        }
        handOver()
        return actions.take()
    }

    /// The longest backoff of a client that holds permits, in milliseconds: a third of the grace. The daemon takes the
    /// permits back after the grace, and the client must return in time even if one attempt fails. Nil: the daemon has
    /// told no grace.
    var longestBackoffOfHolder: Int? {
        guard let grace = identity.acquaintance?.graceMilliseconds, grace > 0 else { return nil }
        return Int(clamping: grace / 3)
    }

    /// Whether a request came while the last attempt was under way, and waits for an answer of its own.
    private func cameMeanwhile(_ request: Request) -> Bool {
        isTurnedAway(request) && request.attemptsBefore == attempts
    }

    /// Whether a daemon that is away ends the request.
    private func isTurnedAway(_ request: Request) -> Bool {
        !request.isReport && !request.mayHaveArrived && !request.hasWaited && request.interest != .kept
    }

    private mutating func turnAway() {
        let asksAgain = asksAgain
        let ended = backlog.filter { isTurnedAway(requests[$0]) && !(asksAgain && cameMeanwhile(requests[$0])) }
        endQueued(ended, .absent)
        for id in backlog where requests[id].interest == .open {
            if requests[id].isReport {
                keep(id)
            } else if policy.failsOpen, requests[id].attendance != .none {
                // The failure policy answers the caller. The request stays until the daemon has answered it.
                complete(id, .failed(.timedOut))
            }
        }
        dropExcessReports()
    }

    // MARK: Lost

    /// The present connection is lost.
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
        // A request that is lost again and again must not cause a busy loop.
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

    /// Returns the requests of a lost connection that go to the next one, in their order. Ends the others.
    private mutating func takeUnanswered(of link: Link) -> [RequestID] {
        var again: [(id: RequestID, sequence: UInt64, frameEnd: UInt64)] = []
        for id in requests.ids(where: { if case .sent = $0.delivery { true } else { false } }) {
            guard case .sent(let frameEnd, let mayHaveArrived) = requests[id].delivery else { continue }
            let hasLeft = frameEnd <= link.sent
            requests.change(id) {
                $0.losses += 1
                $0.delivery = .queued(mayHaveArrived: mayHaveArrived || hasLeft && $0.isSequenced)
            }
            if requests[id].isWithdrawn, requests[id].interest == .open { complete(id, .failed(.cancelled)) }
            if let ending = endingAfterLoss(requests[id], hasLeft: hasLeft) {
                end(id, .failed(ending))
            } else {
                again.append((id, requests[id].resendOrder, frameEnd))
            }
        }
        return again.sorted { ($0.sequence, $0.frameEnd) < ($1.sequence, $1.frameEnd) }.map(\.id) + takeWaiting()
    }

    /// Why a request of a lost connection ends. Nil if it goes to the next connection.
    private func endingAfterLoss(_ request: Request, hasLeft: Bool) -> RequestFailure? {
        if request.mayHaveArrived {
            return request.interest != .open && request.losses > ClientLimits.losses ? .outcomeUnknown : nil
        }
        if request.interest == .none { return .cancelled }
        if request.isSequenced { return nil }
        if hasLeft, request.effect != .read { return .outcomeUnknown }
        // A restart may close more than one connection: that of a daemon that stops, and one that it still accepted.
        return request.losses > (policy.patienceMilliseconds > 0 ? ClientLimits.losses : 1) ? .absent : nil
    }

    /// Chooses a new worker id, because another process has taken this one over. The old sequence numbers are void.
    private mutating func becomeAnother() {
        giveUpUnacknowledged()
        identity.worker = nil
        identity.acquaintance?.isKnown = false
        identity.window = SequenceWindow()
        for id in backlog { requests.change(id) { $0.sequence = 0 } }
    }
}
