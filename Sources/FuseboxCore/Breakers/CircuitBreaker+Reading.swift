import FuseboxWire

extension CircuitBreaker {
    /// What admissions ask of a breaker at a moment.
    struct Standing {
        var state: BreakerState
        var share: Double
        /// Whether the next decision without a draw admits the call.
        var nextPasses: Bool
        /// The milliseconds until decay removes the next failure; 0 if there is none to remove.
        var untilDecayMilliseconds: Int64
        /// The most calls of this episode in flight; 0: any number.
        var maxProbes: UInt32
        var episode: UInt32
        /// How it was opened. Nil if it has not opened since it last was closed.
        var opening: Opening?
    }

    /// How a breaker was opened that has not closed since.
    struct Opening {
        /// What has opened it first.
        var rule: BreakerRule
        /// How often it has opened again.
        var failedRecoveries: UInt32
        /// Quiet time that takes one failure off now.
        var resetTimeoutMilliseconds: Int64
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
            maxProbes: openedBy == nil ? 0 : configuration.maxProbes, episode: episode, opening: opening)
    }

    private var opening: Opening? {
        guard let openedBy else { return nil }
        return Opening(
            rule: openedBy, failedRecoveries: failedRecoveries, resetTimeoutMilliseconds: resetTimeoutMilliseconds)
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
        status.episode = current.episode
        status.openedBy = current.openedBy
        status.resetTimeoutMilliseconds = current.resetTimeoutMilliseconds
        status.failedRecoveries = current.failedRecoveries
        if configuration.hasRates { status.rates = current.rates(at: now) }
        status.minWorkers = configuration.minWorkers
        if configuration.minWorkers > 1 { status.failedWorkers = UInt32(clamping: current.failedWorkers(at: now)) }
        status.isHeldByWorkers = current.isHeldByWorkers(at: now)
        return status
    }

    private func rates(at now: Timestamp) -> BreakerRates {
        let sums = window.sums(at: now, over: configuration.monitoringPeriodMilliseconds)
        var rates = BreakerRates()
        rates.calls = sums.calls
        rates.failures = sums.failures
        rates.failureRate = configuration.failureRate
        rates.timed = sums.timed
        rates.slow = sums.slow
        rates.slowCallRate = configuration.slowCallRate
        rates.slowCallMilliseconds = configuration.slowCallMilliseconds
        rates.minRequests = configuration.minRequests
        rates.monitoringPeriodMilliseconds = configuration.monitoringPeriodMilliseconds
        return rates
    }
}
