import FuseboxWire

/// What becomes of requests when their connection is lost.
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
extension ExchangeState {
    /// Losses after which a request that nobody waits for is not sent again: it may be what brings the daemon down.
    private static let lossLimit = 8
    /// A daemon that restarts is looked for at least so many times in the time that it is waited for.
    private static let looks = 8

    // MARK: A loss

    /// The connection is gone.
    mutating func lose(_ reason: String) {
        absenceReason = closingReason.map { "the daemon closed the connection: \($0)" } ?? reason
        phase = .absent
        disconnect()
        var again: [Waiter] = []
        for waiter in waiters.all where waiter.place == .written {
            let wasSent = waiter.frameEnd <= sent
            waiter.place = .nowhere
            waiter.losses += 1
            if goesOn(waiter, wasSent: wasSent) {
                again.append(waiter)
            } else {
                settle(waiter)
                reclaim(waiter)
            }
        }
        again.sort { ($0.resendOrder, $0.frameEnd) < ($1.resendOrder, $1.frameEnd) }
        // What is lost time and again must not make a busy loop.
        let isRepeated = again.contains { $0.losses > 1 }
        retryAt = isRepeated ? .after(milliseconds: backoff.minimumMilliseconds) : .past
        returnBy = max(.after(milliseconds: patienceMilliseconds), retryAt)
        backlog.prepend(again)
        if closingReason?.status == .fenced { becomeAnother() }
        dropExcessReports()
        handOver()
    }

    /// Whether a request that was written to a lost connection goes to the next one; if not, it gets its outcome.
    private mutating func goesOn(_ waiter: Waiter, wasSent: Bool) -> Bool {
        if waiter.isSequenced { return isSentAgain(waiter, wasSent: wasSent) }
        guard waiter.outcome == nil else { return false }
        guard !wasSent || waiter.effect == .read else {
            complete(waiter, .failed(.outcomeUnknown))
            return false
        }
        if waiter.losses > 1 { complete(waiter, .failed(absence)) }
        return waiter.losses == 1
    }

    private mutating func isSentAgain(_ waiter: Waiter, wasSent: Bool) -> Bool {
        if wasSent { waiter.mayHaveArrived = true }
        guard waiter.mayHaveArrived else {
            if waiter.isQueued { queuedReports += 1 }
            return waiter.isQueued || waiter.outcome == nil
        }
        guard waiter.outcome != nil, waiter.losses > Self.lossLimit else { return true }
        if waiter.isQueued { droppedReports += 1 }
        return false
    }

    /// Another process uses this worker's id, and has taken over: numbers mean nothing any more.
    private mutating func becomeAnother() {
        giveUpUnacknowledged()
        worker = .random()
        acquaintance?.isKnown = false
        window = SequenceWindow()
        for waiter in backlog.all { waiter.sequence = 0 }
    }

    // MARK: A daemon found again

    /// Looks whether the daemon is one that what was sent before can be sent to again.
    mutating func meetDaemon() {
        guard let hello else { return }
        let mayResend = acquaintance?.allowsResending(to: hello) ?? true
        if !mayResend { giveUpUnacknowledged() }
        acquaintance = Acquaintance(hello)
    }

    /// Nobody can tell any more what became of the requests that may have arrived.
    private mutating func giveUpUnacknowledged() {
        for waiter in backlog.removeAll(where: { $0.mayHaveArrived }) {
            settle(waiter)
            if waiter.isQueued { droppedReports += 1 }
            if waiter.outcome == nil { complete(waiter, .failed(.outcomeUnknown)) }
            reclaim(waiter)
        }
    }

    /// The daemon keeps no reply to a number that it has not been told to forget, and has had a higher one: it refused this
    /// one when it first came. That changed nothing, so the request is a new one.
    mutating func beginAnew(_ waiter: Waiter) {
        waiter.mayHaveArrived = false
        guard waiter.isQueued || waiter.outcome == nil else { return reclaim(waiter) }
        if waiter.isQueued { queuedReports += 1 }
        backlog.append(waiter)
    }

    /// The daemon knows nothing of what the request is about, and has changed nothing: its substitute is a new one. It is sent
    /// even if nobody waits for it any more, because money is told by it.
    mutating func sendSubstitute(of waiter: Waiter) {
        waiter.becomeSubstitute()
        waiter.mayHaveArrived = false
        if waiter.outcome != nil {
            waiter.outcome = .queued
            queuedReports += 1
        }
        backlog.append(waiter)
    }

    /// Takes a request that is not wanted any more out of the backlog, unless the daemon may have it.
    mutating func withdraw(_ waiter: Waiter) {
        guard waiter.place == .backlog, !waiter.mayHaveArrived else { return }
        backlog.remove(waiter)
        settle(waiter)
    }

    // MARK: A daemon that is away

    /// Whether calls wait for the next attempt to connect: the daemon has just gone, and may be restarting.
    ///
    /// Under a policy to fail open nobody waits: decisions are assumed, reports are kept.
    var isExpectedBack: Bool { !failsOpen && retryAt <= returnBy }

    /// No connection could be made: if it is not soon tried again, who waits for one is told, and reports are kept.
    ///
    /// - Parameter longestBackoff: the most that the next attempt may be away, in milliseconds; nil: as usual
    mutating func connectFailed(_ reason: String, longestBackoff: Int? = nil) {
        guard phase == .connecting else { return }
        phase = .absent
        absenceReason = reason
        let usual = min(backoff.afterFailure(), max(longestBackoff ?? .max, 1))
        let now = Deadline.now
        retryAt = now + usual
        if !failsOpen, now < returnBy {
            let look = max(backoff.minimumMilliseconds, patienceMilliseconds / Self.looks)
            retryAt = min(retryAt, now + look, returnBy)
        }
        if !isExpectedBack { turnAway() }
        handOver()
    }

    /// The most that a client may back off which holds permits: the daemon takes them back if it is not there after its
    /// grace, and then even one missed attempt must be made up for. Nil: the daemon has told no grace.
    var longestBackoffOfHolder: Int? {
        guard let grace = acquaintance?.graceMilliseconds, grace > 0 else { return nil }
        return Int(clamping: grace / 3)
    }

    private mutating func turnAway() {
        for waiter in backlog.removeAll(where: { !$0.isReport && !$0.mayHaveArrived }) {
            settle(waiter)
            if waiter.outcome == nil { complete(waiter, .failed(absence)) }
            reclaim(waiter)
        }
        for waiter in backlog.all where waiter.outcome == nil {
            if waiter.isReport {
                keep(waiter)
            } else if failsOpen, waiter.isAttended {
                // The policy has an answer for who waits; the request stays, until the daemon has confirmed it.
                complete(waiter, .failed(.timedOut))
            }
        }
        dropExcessReports()
    }

    // MARK: Kept reports

    /// The report stays in the backlog; its caller need not wait for it.
    mutating func keep(_ waiter: Waiter) {
        if !waiter.mayHaveArrived { queuedReports += 1 }
        complete(waiter, .queued)
    }

    /// Keeps the queue within its limit. Reports that may have arrived are bounded by what the daemon keeps.
    mutating func dropExcessReports() {
        while queuedReports > queueLimit,
            let oldest = backlog.all.first(where: { $0.isQueued && !$0.mayHaveArrived })
        {
            queuedReports -= 1
            backlog.remove(oldest)
            giveUpReport(oldest)
        }
    }

    mutating func giveUpReport(_ waiter: Waiter) {
        droppedReports += 1
        settle(waiter)
        reclaim(waiter)
    }
}

extension Waiter {
    /// Numbered requests come first, in the order of their numbers.
    fileprivate var resendOrder: UInt64 { sequence == 0 ? .max : sequence }

    /// Whether a thread or a task waits for its outcome.
    fileprivate var isAttended: Bool { if case .none = attendance { false } else { true } }
}
