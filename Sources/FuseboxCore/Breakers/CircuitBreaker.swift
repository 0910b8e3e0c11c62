import FuseboxWire

/// A graduated circuit breaker. The more consecutive calls fail, the smaller is the share of traffic that it admits.
///
/// A degradation curve gives the share at each number of consecutive failures. At the threshold the share is 0. A
/// success removes one failure, and so does each reset timeout without traffic. Operations take the current time, which
/// must not go backwards. The rules in which the profiles differ are an extension of `Profile`.
public struct CircuitBreaker: Sendable, Equatable {
    /// Threshold, timeouts and degradation curve.
    public private(set) var configuration: BreakerConfiguration
    /// Failures minus successes and decay, at least 0: the place on the curve.
    public private(set) var consecutiveFailures: UInt32 = 0
    /// Failures since the last reset, at most `WireLimits.breakerTotal`.
    public private(set) var totalFailures: UInt64 = 0
    /// Successes since the last reset, at most `WireLimits.breakerTotal`.
    public private(set) var totalSuccesses: UInt64 = 0
    /// Outcomes since the last reset, at most `WireLimits.breakerTotal`.
    public private(set) var totalRequests: UInt64 = 0
    /// When a failure was last reported; nil if none was since the last reset.
    public private(set) var lastFailure: Timestamp?
    /// When a success was last reported; nil if none was since the last reset.
    public private(set) var lastSuccess: Timestamp?
    /// When it was last asked, whether it admitted the call or not; nil if it was not asked since the last reset.
    public private(set) var lastRequest: Timestamp?
    /// The moment from which the next reset timeout counts; nil before the first traffic.
    private var lastDecay: Timestamp?
    /// When the monitoring window began. It is kept for exchange with other implementations only.
    private var windowStart: Timestamp
    /// The fraction of an admission that is saved up, in billionths. It starts at a half. After n calls at a constant
    /// share, the number of admitted calls is then n times the share, rounded.
    private var shareCredit: UInt32 = Self.initialShareCredit
    /// The workers whose failures count for `minWorkers`, at most that many; empty if `minWorkers` is 1.
    private var blames: [Blame] = []

    /// The `shareCredit` of a new breaker.
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
    /// - Parameter draw: a random number in [0, 1). Under `llm-providers` a call is admitted if it is not above the
    ///   share. Without a draw, and under `fusebox`, the share is exact over all calls (error diffusion).
    public mutating func acquire(
        at now: Timestamp, under profile: Profile = .fusebox, draw: Double? = nil
    ) -> BreakerAcquire.Reply {
        ask(at: now, under: profile)
        var reply = BreakerAcquire.Reply()
        reply.share = share
        reply.consecutiveFailures = consecutiveFailures
        reply.admitted = decide(at: now, draw: profile.usesDraw ? draw : nil)
        if !reply.admitted, reply.share <= 0 { reply.retryAfterMilliseconds = untilDecay(at: now) }
        return reply
    }

    /// Notes that a worker asks. The decision follows with `decide`, if nothing else denies the call.
    mutating func ask(at now: Timestamp, under profile: Profile) {
        synchronise(at: now)
        lastRequest = now
        if profile.rejectionRestartsDecay { lastDecay = now }
    }

    /// Whether the next decision without a draw admits the call.
    var nextPasses: Bool { share >= 1 || share > 0 && shareCredit + shareStep >= Self.wholeShare }

    /// Decides on a call that nothing else denies.
    mutating func decide(at now: Timestamp, draw: Double? = nil) -> Bool {
        let isAdmitted = admits(draw: draw)
        if isAdmitted { lastDecay = now }
        return isAdmitted
    }

    private mutating func admits(draw: Double?) -> Bool {
        let share = share
        if share >= 1 { return true }
        if share <= 0 { return false }
        if let draw { return draw <= share }
        // The sum is below 2 · 10⁹ and fits.
        shareCredit += shareStep
        guard shareCredit >= Self.wholeShare else { return false }
        shareCredit -= Self.wholeShare
        return true
    }

    /// The fraction of an admission that each call adds, in billionths.
    private var shareStep: UInt32 { UInt32((share * Double(Self.wholeShare)).rounded()) }

    /// Notes that a call succeeded.
    public mutating func recordSuccess(at now: Timestamp, under profile: Profile = .fusebox) {
        if profile.outcomesSynchronise { synchronise(at: now) }
        Self.countOne(&totalRequests)
        Self.countOne(&totalSuccesses)
        lastSuccess = now
        if consecutiveFailures > 0 { consecutiveFailures -= 1 }
    }

    /// Notes that a call failed.
    ///
    /// - Parameter worker: the worker that made the call. Until failures of `minWorkers` workers were reported within
    ///   the monitoring period, the breaker stops at the last step of its curve with a share above 0.
    public mutating func recordFailure(
        at now: Timestamp, by worker: WorkerID = WorkerID(), under profile: Profile = .fusebox
    ) {
        if profile.outcomesSynchronise { synchronise(at: now) }
        Self.countOne(&totalRequests)
        Self.countOne(&totalFailures)
        lastFailure = now
        let most = mostFailures(blaming: worker.visible, at: now, under: profile)
        if consecutiveFailures < most { consecutiveFailures += 1 }
        if profile.failureRestartsDecay { lastDecay = now }
    }

    /// Adds one to a total. The total stays at the bound, as a number of JavaScript would.
    private static func countOne(_ total: inout UInt64) {
        if total < WireLimits.breakerTotal { total += 1 }
    }

    /// The highest number of consecutive failures now that a worker has reported one.
    private mutating func mostFailures(
        blaming worker: WorkerID, at now: Timestamp, under profile: Profile
    ) -> UInt32 {
        let most = profile.clampsFailures ? configuration.failureThreshold : .max
        guard configuration.minWorkers > 1 else { return most }
        blame(worker, at: now)
        let since = now - configuration.monitoringPeriodMilliseconds
        let blamed = blames.count { $0.at >= since }
        return blamed >= configuration.minWorkers ? most : lastDegradedStep
    }

    /// Notes a worker's failure. It replaces the worker's last one, or the oldest if the list is full.
    private mutating func blame(_ worker: WorkerID, at now: Timestamp) {
        if let place = blames.firstIndex(where: { $0.worker == worker }) {
            blames.remove(at: place)
        } else if blames.count >= configuration.minWorkers {
            blames.removeFirst()
        }
        blames.append(Blame(worker: worker, at: now))
    }

    /// The highest number of consecutive failures at which the share is above 0.
    private var lastDegradedStep: UInt32 {
        let curve = configuration.degradationCurve
        let last = configuration.failureThreshold - 1
        if last >= curve.count, let end = curve.last, end > 0 { return last }
        let step = curve.prefix(Int(last) + 1).lastIndex { $0 > 0 }
        return UInt32(step ?? 0)
    }

    // MARK: Operators

    /// Opens the breaker by hand. Decay closes it again.
    public mutating func forceOpen(at now: Timestamp) {
        consecutiveFailures = configuration.failureThreshold
        lastFailure = now
        lastRequest = now
        lastDecay = now
    }

    /// Closes the breaker and forgets failures and statistics. The configuration stays.
    public mutating func reset(at now: Timestamp) { self = CircuitBreaker(configuration, at: now) }

    /// Changes the configuration. The failures stay; under `fusebox` they are at most the new threshold.
    public mutating func configure(
        _ configuration: BreakerConfiguration, at now: Timestamp, under profile: Profile = .fusebox
    ) {
        synchronise(at: now)
        self.configuration = configuration
        blames.removeFirst(max(0, blames.count - (configuration.minWorkers > 1 ? Int(configuration.minWorkers) : 0)))
        enter(profile)
    }

    /// Brings the failures into the range of a profile.
    mutating func enter(_ profile: Profile) {
        if profile.clampsFailures { consecutiveFailures = min(consecutiveFailures, configuration.failureThreshold) }
    }

    // MARK: Reading

    /// The share of traffic admitted, 0 to 1, as of the last synchronisation.
    @inline(__always)
    public var share: Double {
        let curve = configuration.degradationCurve
        if consecutiveFailures >= configuration.failureThreshold { return 0 }
        return curve[min(Int(consecutiveFailures), curve.count - 1)]
    }

    /// The state as of the last synchronisation.
    @inline(__always)
    public var state: BreakerState {
        let share = share
        if share >= 1 { return .closed }
        if share <= 0 { return .open }
        let success = lastSuccess?.milliseconds ?? 0
        return success > lastFailure?.milliseconds ?? 0 ? .recovering : .degraded
    }

    /// What admissions ask of a breaker at a moment.
    struct Standing {
        var state: BreakerState
        var share: Double
        /// Whether the next decision without a draw admits the call.
        var nextPasses: Bool
        /// The milliseconds until decay removes the next failure; 0 if there is none to remove.
        var untilDecayMilliseconds: Int64
        /// The most calls in flight while the share is below 1; 0: any number.
        var maxProbes: UInt32
    }

    /// How it stands at a moment. Changes nothing.
    @inline(__always)
    func standing(at now: Timestamp) -> Standing {
        // Without failures no decay is due, and nothing has to be copied.
        guard consecutiveFailures > 0 else { return synchronisedStanding(at: now) }
        var current = self
        current.synchronise(at: now)
        return current.synchronisedStanding(at: now)
    }

    @inline(__always)
    private func synchronisedStanding(at now: Timestamp) -> Standing {
        Standing(
            state: state, share: share, nextPasses: nextPasses, untilDecayMilliseconds: untilDecay(at: now),
            maxProbes: configuration.maxProbes)
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
        status.nextAttempt = current.nextDecay.map { max(now, $0) }
        return status
    }

    /// The milliseconds until decay removes the next failure; 0 if there is none to remove.
    func untilDecay(at now: Timestamp) -> Int64 {
        guard let nextDecay else { return 0 }
        return max(0, nextDecay - now)
    }

    /// When decay removes the next failure; nil if there is none to remove.
    var nextDecay: Timestamp? {
        guard consecutiveFailures > 0, let lastDecay else { return nil }
        return lastDecay + configuration.resetTimeoutMilliseconds
    }

    // MARK: Time

    /// Applies the decay that is due at a moment, and begins a new monitoring window if the last one is over.
    public mutating func synchronise(at now: Timestamp) {
        if consecutiveFailures > 0, let lastDecay {
            // The divisor is at least 1. The product below is at most the time that has passed.
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
    /// The whole state of the breaker as a record with this name.
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
        record.blames = blames
        return record
    }

    /// The breaker of a record. Under a profile that clamps failures, they are at most the threshold.
    ///
    /// - Throws: `outOfRange` if the configuration, a total, a moment, the share's credit or the number of blames is
    ///   out of range.
    public init(_ record: BreakerRecord, under profile: Profile = .fusebox) throws(Refusal) {
        try record.configuration.validate()
        for count in [record.totalFailures, record.totalSuccesses, record.totalRequests] {
            guard count <= WireLimits.breakerTotal else {
                throw Refusal(
                    .outOfRange, "a total of \(count) must lie between 0 and 2⁵³ (\(WireLimits.breakerTotal))")
            }
        }
        guard record.blames.count <= record.configuration.minWorkers else {
            throw Refusal(
                .outOfRange, "\(record.blames.count) blames are more than minWorkers \(record.configuration.minWorkers)"
            )
        }
        guard record.shareCredit < Self.wholeShare else {
            throw Refusal(.outOfRange, "shareCredit \(record.shareCredit) must be below \(Self.wholeShare)")
        }
        for moment in [record.lastFailure, record.lastSuccess, record.lastRequest, record.lastDecay] {
            if let moment { try validateMoment(moment, "a moment of the breaker") }
        }
        try validateMoment(record.windowStart, "windowStart")
        for blame in record.blames { try validateMoment(blame.at, "the moment of a blame") }
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
        blames = record.blames
    }
}
