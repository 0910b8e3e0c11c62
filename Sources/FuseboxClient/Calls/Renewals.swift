import FuseboxWire

/// The permits of calls under way, each renewed every third of its time to live.
///
/// Blocking calls and tasks are treated alike: one thread for all of a client's calls, started by the first of them, sleeps
/// until a renewal is due, and looks twice a second whether the daemon is still there. A call that ends before that costs it nothing. A renewal that fails is tried again a third later;
/// should the permit lapse meanwhile, its call still counts when it is settled.
final class Renewals: Sendable {
    private struct Renewal {
        var ttlMilliseconds: Int64
        /// After this it is not renewed any more.
        var end: Deadline
        var due: Deadline

        mutating func postpone() { due = .after(milliseconds: Int(max(ttlMilliseconds / 3, 1))) }
    }

    private struct State {
        var renewals: [UInt64: Renewal] = [:]
        /// When the thread looks again by itself.
        var wakesAt = Deadline.never
        var hasThread = false
        var isClosed = false
    }

    private let state = Lock(State())
    private let parker = Parker()

    enum Duty {
        /// The thread is to be started.
        case start
        case nothing
    }

    func add(_ permit: UInt64, ttlMilliseconds: Int64, maxAgeMilliseconds: Int64 = .max) -> Duty {
        let end = Deadline.after(milliseconds: Int(max(maxAgeMilliseconds, 0)))
        var renewal = Renewal(ttlMilliseconds: ttlMilliseconds, end: end, due: .never)
        renewal.postpone()
        let (isEarlier, isFirst) = state.withLock { state in
            state.renewals[permit] = renewal
            let isEarlier = renewal.due < state.wakesAt
            let isFirst = !state.hasThread && !state.isClosed
            state.hasThread = state.hasThread || isFirst
            if isEarlier { state.wakesAt = renewal.due }
            return (isEarlier, isFirst)
        }
        if isEarlier, !isFirst { parker.wake() }
        return isFirst ? .start : .nothing
    }

    func remove(_ permit: UInt64) { state.withLock { _ = $0.renewals.removeValue(forKey: permit) } }

    /// There is no thread to be had; the next call tries again.
    func threadFailed() { state.withLock { $0.hasThread = false } }

    /// Lets the thread end.
    func close() {
        state.withLock { $0.isClosed = true }
        parker.wake()
    }

    /// The thread, until closed: calls `renew` with what is due, and `stayConnected` now and then while there are permits.
    func run(
        _ renew: (_ permit: UInt64, _ ttlMilliseconds: Int64) -> Void, stayConnected: () -> Void
    ) {
        while let due = takeDue() {
            for (permit, ttl) in due where isWanted(permit) { renew(permit, ttl) }
            guard due.isEmpty else { continue }
            let (holdsAny, wakesAt) = state.withLock { (!$0.renewals.isEmpty, $0.wakesAt) }
            let look = Deadline.after(milliseconds: Self.lookMilliseconds)
            parker.park(until: holdsAny ? min(wakesAt, look) : wakesAt)
            if holdsAny, look <= Deadline.now { stayConnected() }
        }
    }

    /// How often it is made sure that the connection stands: a daemon that has started again takes back what a worker
    /// holds that is not there after its grace time.
    private static let lookMilliseconds = 500

    private func isWanted(_ permit: UInt64) -> Bool { state.withLock { $0.renewals[permit] != nil } }

    /// What is due now; nil if it is closed.
    private func takeDue() -> [(permit: UInt64, ttlMilliseconds: Int64)]? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            let now = Deadline.now
            guard state.wakesAt <= now else { return [] }
            var due: [(permit: UInt64, ttlMilliseconds: Int64)] = []
            state.wakesAt = .never
            for (permit, renewal) in state.renewals {
                var renewal = renewal
                guard now < renewal.end else {
                    state.renewals[permit] = nil
                    continue
                }
                if renewal.due <= now {
                    due.append((permit, renewal.ttlMilliseconds))
                    renewal.postpone()
                    state.renewals[permit] = renewal
                }
                state.wakesAt = min(state.wakesAt, renewal.due)
            }
            return due
        }
    }
}

extension Exchange {
    /// Renews a permit until `stopRenewing`, or until it has been renewed for so long.
    func renew(_ permit: UInt64, ttlMilliseconds: Int64, maxAgeMilliseconds: Int64) {
        guard
            case .start = renewals.add(
                permit, ttlMilliseconds: ttlMilliseconds, maxAgeMilliseconds: maxAgeMilliseconds)
        else { return }
        do throws(SystemFailure) {
            try Thread.start {
                self.renewals.run { permit, ttl in
                    self.renewOnce(permit, ttl)
                } stayConnected: {
                    self.stayConnected()
                }
            }
        } catch {
            renewals.threadFailed()
        }
    }

    func stopRenewing(_ permit: UInt64) { renewals.remove(permit) }

    /// Connects anew if the daemon has gone and come back: calls that take long make no request that would notice.
    private func stayConnected() {
        do throws(ClientError) {
            let waiter = try prepare(Ping(), isReport: false)
            perform(waiter, until: .after(milliseconds: timeoutMilliseconds(of: Ping.declaration)))
            _ = try conclude(waiter, Ping.self)
        } catch {
            // It is still away; the next look tries again.
        }
    }

    private func renewOnce(_ permit: UInt64, _ ttlMilliseconds: Int64) {
        let command = Renew(permit: permit, ttlMilliseconds: ttlMilliseconds)
        do throws(ClientError) {
            let waiter = try prepare(command, isReport: false)
            perform(waiter, until: .after(milliseconds: timeoutMilliseconds(of: Renew.declaration)))
            guard let reply = try conclude(waiter, Renew.self), reply.standing != .inForce else { return }
            stopRenewing(permit)
        } catch {
            // A daemon that is away may be back in time; one that does not know the permit will never renew it.
            if case .refused = error { stopRenewing(permit) }
        }
    }
}
