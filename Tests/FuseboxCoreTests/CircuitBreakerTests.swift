import FuseboxWire
import Testing

@testable import FuseboxCore

struct CircuitBreakerTests {
    private static let minute: Int64 = 60_000

    private func breaker(_ change: BreakerConfigurationChange = BreakerConfigurationChange()) throws -> CircuitBreaker {
        CircuitBreaker(try BreakerConfiguration().applying(change), at: at(0))
    }

    /// A breaker with this many failures, all at the same time.
    private func failed(_ times: Int, _ change: BreakerConfigurationChange = .init()) throws -> CircuitBreaker {
        var breaker = try breaker(change)
        for _ in 0..<times { breaker.recordFailure(at: at(0)) }
        return breaker
    }

    // MARK: The curve

    @Test(arguments: zip(0...6, [1.0, 0.9, 0.7, 0.4, 0.1, 0, 0]))
    func eachFailureIsAStepDownTheCurveAndAtTheThresholdNothingPasses(failures: Int, share: Double) throws {
        let breaker = try failed(failures)
        #expect(breaker.share == share)
        #expect(breaker.state == (share == 1 ? .closed : share == 0 ? .open : .degraded))
    }

    @Test func beyondTheCurveItsLastPointHoldsUpToTheThreshold() throws {
        let change = BreakerConfigurationChange(failureThreshold: 4, degradationCurve: [1, 0.5])
        #expect(try failed(1, change).share == 0.5)
        #expect(try failed(3, change).share == 0.5)
        #expect(try failed(4, change).share == 0)
    }

    @Test func aSuccessTakesOneFailureOffAndMakesADegradedBreakerARecoveringOne() throws {
        var breaker = try failed(3)
        breaker.recordSuccess(at: at(1))
        #expect(breaker.consecutiveFailures == 2)
        #expect(breaker.state == .recovering)
        breaker.recordFailure(at: at(2))
        #expect(breaker.state == .degraded)
        for moment in 3..<9 { breaker.recordSuccess(at: at(Int64(moment))) }
        #expect(breaker.consecutiveFailures == 0)
        #expect(breaker.state == .closed)
        #expect(breaker.totalRequests == 11)
        #expect(breaker.totalFailures == 4)
        #expect(breaker.totalSuccesses == 7)
    }

    @Test func aCurveThatIsNeverWholeNeverCloses() throws {
        #expect(try breaker(.init(degradationCurve: [0.5])).state == .degraded)
        #expect(try breaker(.init(degradationCurve: [0])).state == .open)
    }

    // MARK: Time

    @Test func eachFullResetTimeoutTakesOneFailureOff() throws {
        let breaker = try failed(3)
        #expect(breaker.status(at: at(Self.minute - 1)).consecutiveFailures == 3)
        #expect(breaker.status(at: at(Self.minute)).consecutiveFailures == 2)
        #expect(breaker.status(at: at(2 * Self.minute)).consecutiveFailures == 1)
        #expect(breaker.status(at: at(100 * Self.minute)).consecutiveFailures == 0)
        #expect(breaker.consecutiveFailures == 3, "a look changes nothing")
    }

    @Test func decayKeepsTheRemainderOfTheTime() throws {
        var breaker = try failed(3)
        breaker.synchronise(at: at(Self.minute + 59_999))
        #expect(breaker.consecutiveFailures == 2)
        breaker.synchronise(at: at(2 * Self.minute))
        #expect(breaker.consecutiveFailures == 1)
    }

    @Test func anOpenBreakerTellsWhenItWillLetTrafficThroughAgainAndKeepsItsWord() throws {
        var breaker = try failed(5)
        let rejected = breaker.acquire(at: at(10_000))
        #expect(!rejected.admitted)
        #expect(rejected.retryAfterMilliseconds == 50_000)
        #expect(breaker.status(at: at(10_000)).nextAttempt == at(60_000))
        #expect(breaker.acquire(at: at(59_999)).retryAfterMilliseconds == 1)
        #expect(breaker.acquire(at: at(60_000)).share == 0.1)
    }

    @Test func clockReadingsAtTheEndsOfTheirRangeDoNotTrapAndRecordsBeyondItAreRefused() throws {
        var record = try failed(3).record(name: name("a"), isConfigured: false)
        for lastDecay in [Int64.min, .max] {
            record.lastDecay = at(lastDecay)
            #expect(throws: Refusal.self) { try CircuitBreaker(record) }
        }
        for lastDecay in [-ValueRanges.longestMilliseconds, 8_640_000_000_000_000 + ValueRanges.longestMilliseconds] {
            record.lastDecay = at(lastDecay)
            record.windowStart = at(lastDecay)
            record.configuration.degradationCurve = [0]
            var breaker = try CircuitBreaker(record)
            #expect(!breaker.acquire(at: at(5)).admitted)
            #expect(!breaker.acquire(at: at(.max)).admitted)
        }
    }

    // MARK: Shares

    @Test(arguments: [0.1, 0.4, 0.7, 0.9, 0.999, 0.001]) func theShareAdmittedIsExact(share: Double) throws {
        var breaker = try breaker(.init(failureThreshold: 2, degradationCurve: [share]))
        var admitted = 0
        for calls in 1...10_000 {
            if breaker.acquire(at: at(0)).admitted { admitted += 1 }
            #expect(abs(Double(admitted) - share * Double(calls)) <= 1, "after \(calls) calls")
        }
        #expect(abs(Double(admitted) - share * 10_000) <= 1)
    }

    @Test func aDrawDecidesUnderLlmProvidersOnly() throws {
        var theirs = try failed(3)
        #expect(theirs.acquire(at: at(0), under: .llmProviders, draw: 0.4).admitted)
        #expect(!theirs.acquire(at: at(0), under: .llmProviders, draw: 0.400001).admitted)
        var ours = try failed(3)
        var admitted = 0
        for _ in 0..<100 where ours.acquire(at: at(0), draw: 0.999).admitted { admitted += 1 }
        #expect(admitted == 40)
    }

    // MARK: Operators

    @Test func forcedOpenItIsOpenAndDecayClosesIt() throws {
        var breaker = try breaker()
        breaker.forceOpen(at: at(5))
        #expect(breaker.state == .open)
        #expect(breaker.status(at: at(5 + 5 * Self.minute)).state == .closed)
    }

    @Test func aResetForgetsAllButTheConfiguration() throws {
        var breaker = try failed(7, .init(failureThreshold: 9))
        breaker.reset(at: at(5))
        #expect(breaker == CircuitBreaker(breaker.configuration, at: at(5)))
        #expect(breaker.configuration.failureThreshold == 9)
    }

    @Test func aNewConfigurationKeepsTheFailuresAsFarAsItsThresholdGoes() throws {
        var breaker = try failed(4)
        breaker.configure(try BreakerConfiguration().applying(.init(failureThreshold: 3)), at: at(0))
        #expect(breaker.consecutiveFailures == 3)
        #expect(breaker.state == .open)
        breaker.configure(try BreakerConfiguration().applying(.init(failureThreshold: 8)), at: at(0))
        #expect(breaker.consecutiveFailures == 3)
    }

    @Test func asInTheLibraryAThresholdOf0CountsAs1PointsAreClampedAnEmptyCurveIsTheDefaultOne() throws {
        let configuration = try BreakerConfiguration().applying(
            .init(failureThreshold: 0, degradationCurve: [1.5, -0.2, 0.3]))
        #expect(configuration.failureThreshold == 1)
        #expect(configuration.degradationCurve == [1, 0, 0.3])
        let curve = try configuration.applying(.init(degradationCurve: [])).degradationCurve
        #expect(curve == BreakerConfiguration().degradationCurve)
    }

    @Test(
        arguments: [
            BreakerConfigurationChange(resetTimeoutMilliseconds: 0),
            BreakerConfigurationChange(resetTimeoutMilliseconds: ValueRanges.longestMilliseconds + 1),
            BreakerConfigurationChange(monitoringPeriodMilliseconds: -1),
            BreakerConfigurationChange(degradationCurve: Array(repeating: 1, count: 33)),
        ])
    func aConfigurationOutOfRangeIsRefused(change: BreakerConfigurationChange) {
        #expect(
            refusal { () throws(Refusal) in _ = try BreakerConfiguration().applying(change) }?.status == .outOfRange)
    }

    // MARK: Records

    @Test func aRecordBringsEverythingBack() throws {
        var breaker = try failed(3, .init(failureThreshold: 7))
        _ = breaker.acquire(at: at(100))
        breaker.recordSuccess(at: at(200))
        let record = breaker.record(name: name("a"), isConfigured: true)
        #expect(try CircuitBreaker(record) == breaker)
    }

    @Test func aRecordWithTotalsOrCreditOutOfRangeIsRefused() throws {
        let good = try breaker().record(name: name("a"), isConfigured: false)
        var totals = good
        totals.totalRequests = .max
        var credit = good
        credit.shareCredit = 1_000_000_000
        for record in [totals, credit] {
            #expect(refusal { () throws(Refusal) in _ = try CircuitBreaker(record) }?.status == .outOfRange)
        }
    }
}
