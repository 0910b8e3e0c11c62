import FuseboxCollections
import FuseboxWire

/// The permits that this client holds. Those of `withPermit` are renewed each third of their time to live.
///
/// One thread serves all calls of a client, blocking ones and tasks alike. The first call starts it. The thread sleeps
/// until a renewal is due, and checks the connection to the daemon at intervals. A call that ends before its renewal is
/// due costs the thread nothing. A failed renewal is tried again a third later. If the permit lapses meanwhile, the
/// call still counts when it is settled.
final class Renewals: Sendable {
    private struct Renewal {
        var ttlMilliseconds: Int64
        /// Whether the permit is renewed when it is due. If not, it is dropped then.
        var isRenewed: Bool
        /// The permit is not renewed after this.
        var end: Deadline
        var due: Deadline

        mutating func postpone() {
            due = .after(milliseconds: Int(clamping: max(isRenewed ? ttlMilliseconds / 3 : ttlMilliseconds, 1)))
        }
    }

    private struct State {
        var renewals: [UInt64: Renewal] = [:]
        /// When the thread wakes. No renewal is due earlier.
        var wakesAt = Deadline.never
        /// Whether the thread checks the connection at intervals.
        var isLooking = false
        var hasThread = false
        var isClosed = false
    }

    private let state = Lock(State())
    private let parker = Parker()

    enum Duty {
        /// Start the thread.
        case start
        case nothing
    }

    /// Holds a permit until it is removed, or for its time to live if it is not renewed.
    func add(_ permit: UInt64, ttlMilliseconds: Int64, isRenewed: Bool, maxAgeMilliseconds: Int64 = .max) -> Duty {
        let end = Deadline.after(milliseconds: Int(max(maxAgeMilliseconds, 0)))
        var renewal = Renewal(ttlMilliseconds: ttlMilliseconds, isRenewed: isRenewed, end: end, due: .never)
        renewal.postpone()
        let (isEarlier, isFirst) = state.withLock { state in
            state.renewals[permit] = renewal
            // A thread that does not check the connection yet has to begin.
            let isEarlier = renewal.due < state.wakesAt || !state.isLooking
            let isFirst = !state.hasThread && !state.isClosed
            state.hasThread = state.hasThread || isFirst
            state.wakesAt = min(state.wakesAt, renewal.due)
            return (isEarlier, isFirst)
        }
        if isEarlier, !isFirst { parker.wake() }
        return isFirst ? .start : .nothing
    }

    func remove(_ permit: UInt64) { state.withLock { _ = $0.renewals.removeValue(forKey: permit) } }

    /// Extends a permit that the caller has renewed with `renew`.
    func extend(_ permit: UInt64, ttlMilliseconds: Int64) {
        state.withLock { state in
            guard var renewal = state.renewals[permit], !renewal.isRenewed else { return }
            let before = renewal.due
            renewal.ttlMilliseconds = ttlMilliseconds
            renewal.postpone()
            renewal.due = max(renewal.due, before)
            state.renewals[permit] = renewal
        }
    }

    /// Whether any permit is held.
    var holdsAny: Bool { state.withLock { !$0.renewals.isEmpty } }

    /// Whether the thread checks the connection at intervals.
    var isLooking: Bool { state.withLock { $0.isLooking } }

    /// The thread could not be started. The next call tries again.
    func threadFailed() { state.withLock { $0.hasThread = false } }

    /// Lets the thread end.
    func close() {
        state.withLock { $0.isClosed = true }
        parker.wake()
    }

    /// Runs the thread until `close`: calls `renew` for each permit that is due, and `stayConnected` at intervals while
    /// there are permits.
    ///
    /// - Parameter lookMilliseconds: the interval until the next check of the connection
    func run(
        _ renew: (_ permit: UInt64, _ ttlMilliseconds: Int64) -> Void, stayConnected: () -> Void,
        lookMilliseconds: () -> Int
    ) {
        while let due = takeDue() {
            for (permit, ttl) in due where isWanted(permit) { renew(permit, ttl) }
            guard due.isEmpty else { continue }
            let (isLooking, wakesAt) = state.withLock { state in
                state.isLooking = !state.renewals.isEmpty
                return (state.isLooking, state.wakesAt)
            }
            let look = Deadline.after(milliseconds: lookMilliseconds())
            parker.park(until: isLooking ? min(wakesAt, look) : wakesAt)
            if isLooking, look <= Deadline.now, holdsAny { stayConnected() }
        }
    }

    private func isWanted(_ permit: UInt64) -> Bool { state.withLock { $0.renewals[permit] != nil } }

    /// The renewals that are due now. Nil after `close`.
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
                    guard renewal.isRenewed else {
                        state.renewals[permit] = nil
                        continue
                    }
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
    /// Renews a permit until `stopRenewing`, at most for `maxAgeMilliseconds`.
    func renew(_ permit: UInt64, ttlMilliseconds: Int64, maxAgeMilliseconds: Int64) {
        hold(permit, ttlMilliseconds, isRenewed: true, maxAgeMilliseconds: maxAgeMilliseconds)
    }

    /// Stays connected for a permit until `stopRenewing`, or for its time to live.
    func hold(_ permit: UInt64, ttlMilliseconds: Int64) {
        hold(permit, ttlMilliseconds, isRenewed: false, maxAgeMilliseconds: .max)
    }

    private func hold(
        _ permit: UInt64, _ ttlMilliseconds: Int64, isRenewed: Bool, maxAgeMilliseconds: Int64
    ) {
        let duty = renewals.add(
            permit, ttlMilliseconds: ttlMilliseconds, isRenewed: isRenewed, maxAgeMilliseconds: maxAgeMilliseconds)
        guard case .start = duty else { return }
        do throws(SystemFailure) {
            try Thread.start {
                self.renewals.run { permit, ttl in
                    self.renewOnce(permit, ttl)
                } stayConnected: {
                    self.stayConnected()
                } lookMilliseconds: {
                    self.lookMilliseconds
                }
            }
        } catch {
            renewals.threadFailed()
        }
    }

    /// The interval between checks of the connection. Two checks, with a backoff of a third of the grace between them,
    /// are within the grace.
    private var lookMilliseconds: Int { min(ClientLimits.lookMilliseconds, max(longestBackoffOfHolder ?? .max, 1)) }

    func stopRenewing(_ permit: UInt64) { renewals.remove(permit) }

    /// Connects again if the daemon has restarted. A long call makes no request that would notice the restart.
    private func stayConnected() {
        do throws(ClientError) {
            let waiter = try prepare(Ping(), isReport: false)
            perform(waiter, until: .after(milliseconds: timeoutMilliseconds(of: Ping.declaration)))
            _ = try conclude(waiter, Ping.self)
        } catch {
            // The daemon is still away. The next check tries again.
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
            // A daemon that is away may be back in time. A daemon that does not know the permit will never renew it.
            if case .refused = error { stopRenewing(permit) }
        }
    }
}
