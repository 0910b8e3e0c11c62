import FuseboxWire

/// A graduated circuit breaker. The more consecutive calls fail, the smaller is the share of traffic that it admits.
///
/// A degradation curve gives the share at each number of consecutive failures. At the threshold the share is 0. A
/// success removes one failure, and so does each reset timeout without traffic. Rates of failed and of slow calls can
/// open it too, by setting the failures to the threshold.
///
/// An episode begins when the breaker opens, and when it closes after having been open. Only outcomes of calls that were
/// admitted in the present episode move it: what was sent before it opened says nothing about its recovery, nor
/// about what comes after that. Operations take the current time, which must not go backwards. The rules in which the
/// profiles differ are an extension of `Profile`.
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
    /// How often it has opened, and closed after that. It goes on after a reset.
    public private(set) var episode: UInt32 = 0
    /// What has opened it first since it last was closed. Nil if it has not opened. A rule that opens it again after an
    /// operator did takes the place of `forced`.
    public private(set) var openedBy: BreakerRule?
    /// How often it has opened again since it last was closed.
    public private(set) var failedRecoveries: UInt32 = 0
    /// The moment from which the next reset timeout counts; nil before the first traffic.
    private(set) var lastDecay: Timestamp?
    /// When the monitoring window began. It is kept for exchange with other implementations only.
    private(set) var windowStart: Timestamp
    /// The fraction of an admission that is saved up, in billionths. It starts at a half. After n calls at a constant
    /// share, the number of admitted calls is then n times the share, rounded.
    private(set) var shareCredit: UInt32 = Self.initialShareCredit
    /// The workers whose failures count for `minWorkers`, at most that many; empty if `minWorkers` is 1.
    private(set) var blames: [Blame] = []
    /// The calls that count for the rates.
    private(set) var window: RateWindow

    /// The `shareCredit` of a new breaker.
    public static let initialShareCredit: UInt32 = 500_000_000
    static let wholeShare: UInt32 = 1_000_000_000

    /// A closed breaker.
    public init(_ configuration: BreakerConfiguration = BreakerConfiguration(), at now: Timestamp) {
        self.configuration = configuration
        windowStart = now
        window = RateWindow(isKept: configuration.hasRates)
        if share <= 0 { openedBy = .failures }
    }

    /// The breaker of a record whose values are in range.
    ///
    /// Whether it has opened follows from its share at the ends: open, it has; closed, it has not.
    init(checked record: BreakerRecord, _ calls: RateWindow, under profile: Profile) {
        configuration = record.configuration
        consecutiveFailures = record.consecutiveFailures
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
        episode = record.episode
        openedBy = record.openedBy
        failedRecoveries = record.failedRecoveries
        window = calls
        enter(profile)
        if share <= 0, openedBy == nil { openedBy = .failures }
        if share >= 1 { openedBy = nil }
        if openedBy == nil { failedRecoveries = 0 }
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

    /// Notes that a call succeeded. If it was slow, it may open the breaker.
    public mutating func recordSuccess(
        at now: Timestamp, of call: ReportedCall = ReportedCall(), under profile: Profile = .fusebox
    ) {
        if profile.outcomesSynchronise { synchronise(at: now) }
        Self.countOne(&totalRequests)
        Self.countOne(&totalSuccesses)
        guard counts(call, under: profile) else { return }
        lastSuccess = now
        if let rate = countForRates(call, isFailure: false, at: now, under: profile) {
            open(to: mostFailures(blaming: call.worker.visible, at: now, under: profile), by: rate)
            if profile.failureRestartsDecay { lastDecay = now }
        } else if consecutiveFailures > 0 {
            setFailures(consecutiveFailures - 1)
        }
    }

    /// Notes that a call failed.
    ///
    /// Until failures of `minWorkers` workers were reported within the monitoring period, the breaker stops at the last
    /// step of its curve with a share above 0.
    public mutating func recordFailure(
        at now: Timestamp, of call: ReportedCall = ReportedCall(), under profile: Profile = .fusebox
    ) {
        if profile.outcomesSynchronise { synchronise(at: now) }
        Self.countOne(&totalRequests)
        Self.countOne(&totalFailures)
        guard counts(call, under: profile) else { return }
        lastFailure = now
        let most = mostFailures(blaming: call.worker.visible, at: now, under: profile)
        let rate = countForRates(call, isFailure: true, at: now, under: profile)
        if consecutiveFailures < most { setFailures(consecutiveFailures + 1, by: .failures) }
        if let rate { open(to: most, by: rate) }
        if profile.failureRestartsDecay { lastDecay = now }
    }

    /// Whether an outcome moves the breaker.
    private func counts(_ call: ReportedCall, under profile: Profile) -> Bool {
        guard let admittedIn = call.episode, profile.hasEpisodes else { return true }
        return admittedIn == episode
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
        return failedWorkers(at: now) >= configuration.minWorkers ? most : lastDegradedStep
    }

    /// How many workers have reported failures within the monitoring period; none are known if `minWorkers` is 1.
    func failedWorkers(at now: Timestamp) -> Int {
        let since = now - configuration.monitoringPeriodMilliseconds
        return blames.count { $0.at >= since }
    }

    /// Whether it stands at the last step before it opens because too few workers have reported failures.
    func isHeldByWorkers(at now: Timestamp) -> Bool {
        configuration.minWorkers > 1 && consecutiveFailures > 0 && consecutiveFailures == lastDegradedStep
            && failedWorkers(at: now) < configuration.minWorkers
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

    // MARK: Rates

    /// Counts a call for the rates. Returns the rate that it has reached; nil if it has reached none.
    private mutating func countForRates(
        _ call: ReportedCall, isFailure: Bool, at now: Timestamp, under profile: Profile
    ) -> BreakerRule? {
        guard configuration.hasRates, profile.hasRates else { return nil }
        let slowFrom = configuration.slowCallMilliseconds
        let isSlow = slowFrom > 0 ? call.milliseconds.map { $0 >= slowFrom } : nil
        let period = configuration.monitoringPeriodMilliseconds
        window.count(isFailure: isFailure, isSlow: isSlow, at: now, over: period)
        let mayFail = configuration.failureRate == 0 || !isFailure
        let maySlow = configuration.slowCallRate == 0 || isSlow != true
        guard !mayFail || !maySlow else { return nil }
        let sums = window.sums(at: now, over: period)
        if !mayFail, isReached(configuration.failureRate, sums.failures, of: sums.calls) { return .failureRate }
        if !maySlow, isReached(configuration.slowCallRate, sums.slow, of: sums.timed) { return .slowCallRate }
        return nil
    }

    /// Whether a share of calls is at least a rate, and the calls are enough for it.
    private func isReached(_ rate: Double, _ part: UInt64, of calls: UInt64) -> Bool {
        // Division is exact enough: 7 of 100 calls is the same double as the 0.07 of a configuration.
        calls >= configuration.minRequests && Double(part) / Double(calls) >= rate
    }

    // MARK: Episodes

    /// Sets the failures to the threshold, or as far as they may go.
    private mutating func open(to most: UInt32, by rule: BreakerRule) {
        if consecutiveFailures < most { setFailures(most, by: rule) }
    }

    /// Changes the number of failures.
    ///
    /// - Parameter rule: what opens the breaker, if this does; nil if no call has failed
    private mutating func setFailures(_ failures: UInt32, by rule: BreakerRule? = nil) {
        let wasOpen = share <= 0
        consecutiveFailures = failures
        noteShare(wasOpen: wasOpen, by: rule)
    }

    /// Begins an episode if the breaker has opened, or has closed after having been open.
    private mutating func noteShare(wasOpen: Bool, by rule: BreakerRule? = nil) {
        let share = share
        if share <= 0 {
            guard !wasOpen else { return }
            episode &+= 1
            if openedBy != nil, rule != nil, failedRecoveries < .max { failedRecoveries += 1 }
            if openedBy == nil || openedBy == .forced { openedBy = rule ?? .failures }
        } else if share >= 1 {
            shareCredit = Self.initialShareCredit
            guard openedBy != nil else { return }
            episode &+= 1
            openedBy = nil
            failedRecoveries = 0
            window.empty()
        }
    }

    // MARK: Operators

    /// Opens the breaker by hand. Decay closes it again.
    public mutating func forceOpen(at now: Timestamp) {
        if share > 0 { episode &+= 1 }
        consecutiveFailures = configuration.failureThreshold
        openedBy = .forced
        lastFailure = now
        lastRequest = now
        lastDecay = now
    }

    /// Closes the breaker and forgets failures and statistics. The configuration and the number of the episode stay; an
    /// episode begins if the breaker was not closed since it opened.
    public mutating func reset(at now: Timestamp) {
        let next = openedBy == nil ? episode : episode &+ 1
        self = CircuitBreaker(configuration, at: now)
        episode = next
    }

    /// Changes the configuration. The failures stay; under `fusebox` they are at most the new threshold. Calls that
    /// counted for the rates do not count any more if the monitoring period changes.
    public mutating func configure(
        _ configuration: BreakerConfiguration, at now: Timestamp, under profile: Profile = .fusebox
    ) {
        synchronise(at: now)
        let wasOpen = share <= 0
        let hadRates = self.configuration.hasRates
        let period = self.configuration.monitoringPeriodMilliseconds
        self.configuration = configuration
        blames.removeFirst(max(0, blames.count - (configuration.minWorkers > 1 ? Int(configuration.minWorkers) : 0)))
        if configuration.hasRates != hadRates || configuration.monitoringPeriodMilliseconds != period {
            window = RateWindow(isKept: configuration.hasRates)
        }
        enter(profile)
        noteShare(wasOpen: wasOpen)
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

    /// The milliseconds until decay removes the next failure; 0 if there is none to remove.
    func untilDecay(at now: Timestamp) -> Int64 {
        guard let nextDecay else { return 0 }
        return max(0, nextDecay - now)
    }

    /// When decay removes the next failure; nil if there is none to remove.
    var nextDecay: Timestamp? {
        guard consecutiveFailures > 0, let lastDecay else { return nil }
        return lastDecay + resetTimeoutMilliseconds
    }

    /// Quiet time that takes one failure off now. It doubles with each recovery that fails, up to the limit that is
    /// configured.
    public var resetTimeoutMilliseconds: Int64 {
        let first = configuration.resetTimeoutMilliseconds
        let limit = configuration.maxResetTimeoutMilliseconds
        guard failedRecoveries > 0, limit > first else { return first }
        // Below the limit the shift loses nothing.
        let doublings = min(failedRecoveries, 62)
        return first > limit >> doublings ? limit : first << doublings
    }

    // MARK: Time

    /// Applies the decay that is due at a moment, and begins a new monitoring window if the last one is over.
    public mutating func synchronise(at now: Timestamp) {
        if consecutiveFailures > 0 {
            // Once it is closed, the reset timeout is that of the configuration again.
            if failedRecoveries > 0 { decay(downTo: closingFailures, at: now) }
            decay(downTo: 0, at: now)
        }
        if now - windowStart >= configuration.monitoringPeriodMilliseconds { windowStart = now }
    }

    /// Takes off a failure for each reset timeout that has passed.
    private mutating func decay(downTo least: UInt32, at now: Timestamp) {
        guard let lastDecay else { return }
        // The divisor is at least 1. The product below is at most the time that has passed.
        let timeout = resetTimeoutMilliseconds
        var steps = (now - lastDecay) / timeout
        if least > 0 { steps = min(steps, Int64(consecutiveFailures - least)) }
        guard steps > 0 else { return }
        self.lastDecay = lastDecay + steps * timeout
        setFailures(consecutiveFailures - UInt32(min(Int64(consecutiveFailures), steps)))
    }

    /// The highest number of failures below the present one at which it is closed; 0 if there is none.
    private var closingFailures: UInt32 {
        let curve = configuration.degradationCurve
        let highest = min(consecutiveFailures, configuration.failureThreshold) - 1
        // Beyond the curve its last point goes on.
        if highest >= curve.count - 1, let end = curve.last, end >= 1 { return highest }
        return UInt32(curve.prefix(Int(highest) + 1).lastIndex { $0 >= 1 } ?? 0)
    }
}

extension BreakerConfiguration {
    /// Whether a rate can open the breaker.
    var hasRates: Bool { failureRate > 0 || slowCallRate > 0 }
}
