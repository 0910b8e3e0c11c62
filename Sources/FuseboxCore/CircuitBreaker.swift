import FuseboxWire

/// A graduated circuit breaker: the more calls in a row fail, the smaller the share of traffic it lets through.
///
/// A degradation curve gives the share admitted at each number of consecutive failures; at the threshold nothing
/// passes. A success takes one failure off, and so does each reset timeout without traffic. Operations take the
/// time, which must not go backwards. The rules that differ between profiles are named in `Profile`'s extension.
public struct CircuitBreaker: Sendable, Equatable {
    public private(set) var configuration: BreakerConfiguration
    /// Failures less successes and decay: the place on the curve.
    public private(set) var consecutiveFailures: UInt32 = 0
    public private(set) var totalFailures: UInt64 = 0
    public private(set) var totalSuccesses: UInt64 = 0
    /// Outcomes reported.
    public private(set) var totalRequests: UInt64 = 0
    public private(set) var lastFailure: Timestamp?
    public private(set) var lastSuccess: Timestamp?
    /// When it was last asked, admitted or not.
    public private(set) var lastRequest: Timestamp?
    /// Where the decay clock stands; it does not run before the first traffic.
    private var lastDecay: Timestamp?
    /// When the monitoring window began; kept for exchange with other implementations.
    private var windowStart: Timestamp
    /// The part of an admission that is saved up, in billionths. It starts at a half, so that after n calls at a
    /// constant share the number admitted is n times the share, rounded.
    private var shareCredit: UInt32 = Self.initialShareCredit

    /// What a new breaker has saved up.
    public static let initialShareCredit: UInt32 = 500_000_000
    private static let wholeShare: UInt32 = 1_000_000_000

    /// A closed breaker.
    public init(_ configuration: BreakerConfiguration = BreakerConfiguration(), at now: Timestamp) {
        self.configuration = configuration
        windowStart = now
    }

    // MARK: Traffic

    /// Decides on one call.
    ///
    /// - Parameter draw: a random number in [0, 1); under `llm-providers` a share admits where it is not above the
    ///   share. Without one, and under `fusebox`, the share is exact over all calls (error diffusion).
    public mutating func acquire(
        at now: Timestamp, under profile: Profile = .fusebox, draw: Double? = nil
    ) -> BreakerAcquire.Reply {
        synchronise(at: now)
        lastRequest = now
        if profile.rejectionRestartsDecay { lastDecay = now }
        let share = share
        var reply = BreakerAcquire.Reply()
        reply.share = share
        reply.consecutiveFailures = consecutiveFailures
        reply.admitted = admits(share, draw: profile.usesDraw ? draw : nil)
        if reply.admitted {
            lastDecay = now
        } else if share <= 0 {
            reply.retryAfterMilliseconds = untilDecay(at: now)
        }
        return reply
    }

    private mutating func admits(_ share: Double, draw: Double?) -> Bool {
        if share >= 1 { return true }
        if share <= 0 { return false }
        if let draw { return draw <= share }
        // Below 2 · 10⁹, so the sum fits.
        shareCredit += UInt32((share * Double(Self.wholeShare)).rounded())
        guard shareCredit >= Self.wholeShare else { return false }
        shareCredit -= Self.wholeShare
        return true
    }

    /// Notes that a call succeeded.
    public mutating func recordSuccess(at now: Timestamp, under profile: Profile = .fusebox) {
        if profile.outcomesSynchronise { synchronise(at: now) }
        totalRequests += 1
        totalSuccesses += 1
        lastSuccess = now
        if consecutiveFailures > 0 { consecutiveFailures -= 1 }
    }

    /// Notes that a call failed.
    public mutating func recordFailure(at now: Timestamp, under profile: Profile = .fusebox) {
        if profile.outcomesSynchronise { synchronise(at: now) }
        totalRequests += 1
        totalFailures += 1
        lastFailure = now
        if profile.clampsFailures {
            if consecutiveFailures < configuration.failureThreshold { consecutiveFailures += 1 }
        } else if consecutiveFailures < .max {
            consecutiveFailures += 1
        }
        if profile.failureRestartsDecay { lastDecay = now }
    }

    // MARK: Operators

    /// Opens it by hand. Decay closes it again.
    public mutating func forceOpen(at now: Timestamp) {
        consecutiveFailures = configuration.failureThreshold
        lastFailure = now
        lastRequest = now
        lastDecay = now
    }

    /// Closes it and forgets failures and statistics; the configuration stays.
    public mutating func reset(at now: Timestamp) { self = CircuitBreaker(configuration, at: now) }

    /// Changes the configuration; the failures stay, as far as the new threshold goes.
    public mutating func configure(
        _ configuration: BreakerConfiguration, at now: Timestamp, under profile: Profile = .fusebox
    ) {
        synchronise(at: now)
        self.configuration = configuration
        if profile.clampsFailures { consecutiveFailures = min(consecutiveFailures, configuration.failureThreshold) }
    }

    // MARK: Reading

    /// The share of traffic admitted, 0 to 1, as of the last synchronisation.
    public var share: Double {
        let curve = configuration.degradationCurve
        if consecutiveFailures >= configuration.failureThreshold { return 0 }
        return curve[min(Int(consecutiveFailures), curve.count - 1)]
    }

    /// The state as of the last synchronisation.
    public var state: BreakerState {
        let share = share
        if share >= 1 { return .closed }
        if share <= 0 { return .open }
        let success = lastSuccess?.milliseconds ?? 0
        return success > lastFailure?.milliseconds ?? 0 ? .recovering : .degraded
    }

    /// The state, health and statistics at a moment. Changes nothing.
    public func status(at now: Timestamp) -> BreakerStatus {
        var current = self
        current.synchronise(at: now)
        var status = BreakerStatus()
        status.state = current.state
        status.consecutiveFailures = current.consecutiveFailures
        status.failureThreshold = configuration.failureThreshold
        status.share = current.share
        status.totalFailures = totalFailures
        status.totalSuccesses = totalSuccesses
        status.totalRequests = totalRequests
        status.lastFailure = lastFailure
        status.lastSuccess = lastSuccess
        status.lastRequest = lastRequest
        if current.consecutiveFailures > 0, let lastDecay = current.lastDecay {
            status.nextAttempt = max(now, lastDecay + configuration.resetTimeoutMilliseconds)
        }
        return status
    }

    private func untilDecay(at now: Timestamp) -> Int64 {
        guard consecutiveFailures > 0, let lastDecay else { return 0 }
        return max(0, lastDecay + configuration.resetTimeoutMilliseconds - now)
    }

    // MARK: Time

    /// Brings the failures and the monitoring window up to a moment.
    public mutating func synchronise(at now: Timestamp) {
        if consecutiveFailures > 0, let lastDecay {
            let steps = (now - lastDecay) / configuration.resetTimeoutMilliseconds
            if steps > 0 {
                consecutiveFailures -= UInt32(min(Int64(consecutiveFailures), steps))
                self.lastDecay = lastDecay + steps * configuration.resetTimeoutMilliseconds
            }
        }
        if now - windowStart >= configuration.monitoringPeriodMilliseconds { windowStart = now }
    }
}

extension CircuitBreaker {
    /// Everything it remembers, under a name.
    public func record(name: Name, isConfigured: Bool) -> BreakerRecord {
        var record = BreakerRecord()
        record.name = name
        record.configuration = configuration
        record.isConfigured = isConfigured
        record.consecutiveFailures = consecutiveFailures
        record.totalFailures = totalFailures
        record.totalSuccesses = totalSuccesses
        record.totalRequests = totalRequests
        record.lastFailure = lastFailure
        record.lastSuccess = lastSuccess
        record.lastRequest = lastRequest
        record.lastDecay = lastDecay
        record.windowStart = windowStart
        record.shareCredit = shareCredit
        return record
    }

    /// The breaker that `record` describes; its failures as far as the threshold goes, where the profile clamps them.
    ///
    /// - Throws: `outOfRange` if the configuration, a count or the share's credit is.
    public init(_ record: BreakerRecord, under profile: Profile = .fusebox) throws(Refusal) {
        try record.configuration.validate()
        for count in [record.totalFailures, record.totalSuccesses, record.totalRequests] {
            guard count <= Int64.max else { throw Refusal(.outOfRange, "a total of \(count) must be below 2⁶³") }
        }
        guard record.shareCredit < Self.wholeShare else {
            throw Refusal(.outOfRange, "shareCredit \(record.shareCredit) must be below \(Self.wholeShare)")
        }
        configuration = record.configuration
        consecutiveFailures =
            profile.clampsFailures
            ? min(record.consecutiveFailures, record.configuration.failureThreshold) : record.consecutiveFailures
        totalFailures = record.totalFailures
        totalSuccesses = record.totalSuccesses
        totalRequests = record.totalRequests
        lastFailure = record.lastFailure
        lastSuccess = record.lastSuccess
        lastRequest = record.lastRequest
        lastDecay = record.lastDecay
        windowStart = record.windowStart
        shareCredit = record.shareCredit
    }
}
