import FuseboxWire
import Testing

@testable import FuseboxCore

/// The transitions of each rule that opens a breaker, and of its way back.
struct BreakerRulesTests {
    @Test(arguments: episodes + rates + slowCalls + recoveries + workers)
    func aBreakerGoesTheWayOfItsScript(script: BreakerScript) throws { try script.run() }

    static let episodes = [
        BreakerScript(
            "calls that time out after the breaker has recovered leave it closed", .init(),
            """
            0s   | admit 10  | closed 0   | 0 | -
            1s   | 5 failure | open 5     | 1 | failures
            61s  | -         | degraded 4 | 1 | failures
            301s | -         | closed 0   | 2 | -
            302s | 5 failure | closed 0   | 2 | -
            """),
        BreakerScript(
            "late successes do not close an open breaker", .init(),
            """
            0s  | admit 10  | closed 0   | 0 | -
            1s  | 5 failure | open 5     | 1 | failures
            2s  | 5 success | open 5     | 1 | failures
            61s | -         | degraded 4 | 1 | failures
            """),
        BreakerScript(
            "late results move it under llm-providers", .init(), under: .llmProviders,
            """
            0s  | admit 10           | closed 0     | 0 | -
            1s  | 5 failure          | open 5       | 1 | failures
            2s  | 3 success          | recovering 2 | 1 | failures
            3s  | 2 success          | closed 0     | 2 | -
            """),
        BreakerScript(
            "a report without a permit is of the present episode", .init(),
            """
            0s | admit 5        | closed 0     | 0 | -
            1s | 5 failure      | open 5       | 1 | failures
            2s | report success | recovering 4 | 1 | failures
            3s | report failure | open 5       | 2 | failures
            """),
        BreakerScript(
            "a probe that fails begins an episode, and the other probe is not of it",
            .init(degradationCurve: [1, 1, 1, 1, 0.9]),
            """
            0s   | admit 5   | closed 0   | 0 | -
            1s   | 5 failure | open 5     | 1 | failures
            61s  | admit 2   | degraded 4 | 1 | failures
            62s  | 1 failure | open 5     | 2 | failures
            63s  | 1 success | open 5     | 2 | failures
            """),
        BreakerScript(
            "a degraded breaker that closes goes on with its episode", .init(),
            """
            0s | admit 3   | closed 0   | 0 | -
            1s | 1 failure | degraded 1 | 0 | -
            2s | 1 success | closed 0   | 0 | -
            3s | 1 failure | degraded 1 | 0 | -
            """),
        BreakerScript(
            "operators", .init(),
            """
            0s | admit 2     | closed 0   | 0 | -
            1s | open        | open 5     | 1 | forced
            2s | open        | open 5     | 1 | forced
            3s | 1 success   | open 5     | 1 | forced
            4s | reset       | closed 0   | 2 | -
            5s | 1 failure   | closed 0   | 2 | -
            6s | reset       | closed 0   | 2 | -
            7s | admit 2     | closed 0   | 2 | -
            8s | 2 failure   | degraded 2 | 2 | -
            9s | threshold 2 | open 2     | 3 | failures
            """),
    ]

    static let rates = [
        BreakerScript(
            "half of the calls fail", .init(monitoringPeriodMilliseconds: 60_000, minRequests: 4, failureRate: 0.5),
            """
            0s   | report failure | degraded 1   | 0 | -
            1s   | report success | closed 0     | 0 | -
            2s   | report success | closed 0     | 0 | -
            3s   | report failure | open 5       | 1 | failureRate
            303s | -              | closed 0     | 2 | -
            304s | report failure | degraded 1   | 2 | -
            """),
        BreakerScript(
            "only a failure opens it", .init(minRequests: 3, failureRate: 0.5),
            """
            0s | report failure | degraded 1   | 0 | -
            1s | report failure | degraded 2   | 0 | -
            2s | report success | recovering 1 | 0 | -
            3s | report success | closed 0     | 0 | -
            4s | report failure | open 5       | 1 | failureRate
            """),
        BreakerScript(
            "below the rate it stays as it is",
            .init(minRequests: 1, degradationCurve: [1, 1, 1, 1, 1], failureRate: 0.75),
            """
            0s | report success | closed 0 | 0 | -
            1s | report failure | closed 1 | 0 | -
            2s | report failure | closed 2 | 0 | -
            3s | report failure | open 5   | 1 | failureRate
            """),
        BreakerScript(
            "a call counts for the period and no more than a twentieth longer",
            .init(monitoringPeriodMilliseconds: 20_000, minRequests: 2, failureRate: 1),
            """
            0s   | report failure | degraded 1 | 0 | -
            19s  | reset          | closed 0   | 0 | -
            20s  | report failure | degraded 1 | 0 | -
            40s  | report failure | open 5     | 1 | failureRate
            41s  | reset          | closed 0   | 2 | -
            42s  | report failure | degraded 1 | 2 | -
            63s  | report failure | degraded 2 | 2 | -
            """),
        BreakerScript(
            "neutral results and those of other episodes do not count", .init(minRequests: 3, failureRate: 0.6),
            """
            0s   | admit 8     | closed 0   | 0 | -
            1s   | 4 rejected  | closed 0   | 0 | -
            2s   | 2 failure   | degraded 2 | 0 | -
            3s   | open        | open 5     | 1 | forced
            303s | -           | closed 0   | 2 | -
            304s | 2 failure   | closed 0   | 2 | -
            305s | admit 2     | closed 0   | 2 | -
            306s | 2 failure   | degraded 2 | 2 | -
            """),
        BreakerScript(
            "in the recovery the rate is still reached, so one failed probe ends it",
            .init(
                minRequests: 2, degradationCurve: [1, 1, 1, 1, 0.9], failureRate: 0.5),
            """
            0s  | report failure | closed 1   | 0 | -
            1s  | report failure | open 5     | 1 | failureRate
            61s | admit 1        | degraded 4 | 1 | failureRate
            62s | 1 failure      | open 5     | 2 | failureRate
            """),
        BreakerScript(
            "the rule that opened it first counts until it closes",
            .init(minRequests: 2, degradationCurve: [1, 1, 1, 1, 0.9], failureRate: 0.5),
            """
            0s   | report failure | closed 1   | 0 | -
            1s   | report failure | open 5     | 1 | failureRate
            61s  | report failure | open 5     | 2 | failureRate
            62s  | open           | open 5     | 2 | forced
            122s | report failure | open 5     | 3 | failures
            123s | reset          | closed 0   | 4 | -
            """),
        BreakerScript(
            "no rates under llm-providers", .init(minRequests: 1, failureRate: 0.1), under: .llmProviders,
            """
            0s | report failure | degraded 1 | 0 | -
            1s | report failure | degraded 2 | 0 | -
            """),
    ]

    private static let slow = BreakerConfigurationChange(
        minRequests: 2, slowCallRate: 0.5, slowCallMilliseconds: 10_000)

    static let slowCalls = [
        BreakerScript(
            "a call is slow from the duration on", slow,
            """
            0s     | admit 4   | closed 0 | 0 | -
            9999ms | 2 success | closed 0 | 0 | -
            10s    | 1 success | closed 0 | 0 | -
            11s    | 1 success | open 5   | 1 | slowCallRate
            """),
        BreakerScript(
            "a failure that took long is a slow call too", slow,
            """
            0s  | admit 2   | closed 0   | 0 | -
            10s | 1 failure | degraded 1 | 0 | -
            11s | 1 failure | open 5     | 1 | slowCallRate
            """),
        BreakerScript(
            "only a slow call opens it, and a report without a permit took nobody knows how long", slow,
            """
            0s  | admit 2        | closed 0 | 0 | -
            10s | 1 success      | closed 0 | 0 | -
            11s | report success | closed 0 | 0 | -
            12s | report success | closed 0 | 0 | -
            13s | admit 1        | closed 0 | 0 | -
            14s | 1 success      | open 5   | 1 | slowCallRate
            """),
    ]

    static let recoveries = [
        BreakerScript(
            "each recovery that fails doubles the reset timeout, up to its limit",
            .init(degradationCurve: [1, 1, 1, 1, 0.9], maxResetTimeoutMilliseconds: 200_000),
            """
            0s       | open           | open 5     | 1 | forced
            59999ms  | -              | open 5     | 1 | forced
            60s      | -              | degraded 4 | 1 | forced
            61s      | report failure | open 5     | 2 | failures
            180999ms | -              | open 5     | 2 | failures
            181s     | -              | degraded 4 | 2 | failures
            182s     | report failure | open 5     | 3 | failures
            381999ms | -              | open 5     | 3 | failures
            382s     | -              | degraded 4 | 3 | failures
            383s     | report failure | open 5     | 4 | failures
            582999ms | -              | open 5     | 4 | failures
            583s     | -              | degraded 4 | 4 | failures
            783s     | -              | closed 3   | 5 | -
            843s     | -              | closed 2   | 5 | -
            """),
        BreakerScript(
            "without a limit the reset timeout stays", .init(degradationCurve: [1, 1, 1, 1, 0.9]),
            """
            0s   | open           | open 5     | 1 | forced
            60s  | report failure | open 5     | 2 | failures
            120s | -              | degraded 4 | 2 | failures
            """),
        BreakerScript(
            "of the calls since it opened only so many are in flight",
            .init(degradationCurve: [1, 1, 1, 0.9, 0.9], maxProbes: 2),
            """
            0s   | admit 4             | closed 0     | 0 | -
            1s   | open                | open 5       | 1 | forced
            2s   | admit denied breakerOpen | open 5  | 1 | forced
            61s  | -                   | degraded 4   | 1 | forced
            62s  | admit 2             | degraded 4   | 1 | forced
            63s  | admit denied probes | degraded 4   | 1 | forced
            64s  | 4 success           | degraded 4   | 1 | forced
            65s  | admit denied probes | degraded 4   | 1 | forced
            66s  | 1 success           | recovering 3 | 1 | forced
            67s  | admit 1             | recovering 3 | 1 | forced
            68s  | admit denied probes | recovering 3 | 1 | forced
            69s  | 2 success           | closed 2     | 2 | -
            70s  | admit 9             | closed 2     | 2 | -
            """),
        BreakerScript(
            "before it opens there are no probes", .init(degradationCurve: [1, 0.9, 0.9], maxProbes: 1),
            """
            0s | report failure | degraded 1 | 0 | -
            1s | admit 3        | degraded 1 | 0 | -
            """),
    ]

    static let workers = [
        BreakerScript(
            "the failures of one worker stop one short of the threshold", .init(minWorkers: 2),
            """
            0s | report failure      | degraded 1 | 0 | -
            1s | report failure      | degraded 2 | 0 | -
            2s | report failure      | degraded 3 | 0 | -
            3s | report failure      | degraded 4 | 0 | -
            4s | report failure      | degraded 4 | 0 | -
            5s | by 2 report failure | open 5     | 1 | failures
            """),
        BreakerScript(
            "and so does a rate that one worker reaches", .init(minRequests: 2, minWorkers: 2, failureRate: 0.5),
            """
            0s | report failure      | degraded 1 | 0 | -
            1s | report failure      | degraded 4 | 0 | -
            2s | report failure      | degraded 4 | 0 | -
            3s | by 2 report failure | open 5     | 1 | failures
            """),
    ]

    @Test func aDenialAndTheStatusTellWhichRuleHasOpenedTheBreakerAndHowItsRatesAre() throws {
        var rig = Rig()
        let change = BreakerConfigurationChange(
            monitoringPeriodMilliseconds: 60_000, minRequests: 4, failureRate: 0.5, slowCallRate: 0.9,
            slowCallMilliseconds: 30_000, maxResetTimeoutMilliseconds: 600_000)
        try rig.apply(BreakerConfigure(name: name("p"), change: change))
        for outcome in [Outcome.failure, .success, .success, .failure] {
            try rig.apply(Report(candidate: Candidate(provider: name("p")), outcome: outcome))
        }
        let admit = Admit(candidates: .only(Candidate(provider: name("p"))), ttlMilliseconds: 1_000)
        let denial = try #require(try rig.apply(admit).decision.denials.array.first)
        #expect(denial.reason == .breakerOpen)
        #expect(denial.openedBy == .failureRate)
        #expect(denial.retryAfterMilliseconds == 60_000)

        let status = try rig.apply(BreakerGet(name: name("p"))).status
        #expect(status.resetTimeoutMilliseconds == 60_000)
        let rates = try #require(status.rates)
        #expect((rates.calls, rates.failures, rates.failureRate) == (4, 2, 0.5))
        #expect((rates.timed, rates.slow, rates.slowCallRate) == (0, 0, 0.9))
        #expect((rates.minRequests, rates.slowCallMilliseconds) == (4, 30_000))

        // A failed recovery doubles the reset timeout that is shown.
        try rig.apply(Advance(), at: 60_000)
        try rig.apply(Report(candidate: Candidate(provider: name("p")), outcome: .failure), at: 60_000)
        let again = try rig.apply(BreakerGet(name: name("p")), at: 60_000).status
        #expect((again.resetTimeoutMilliseconds, again.failedRecoveries) == (120_000, 1))
        // So does the denial, with the rule that has opened it first.
        let second = try #require(try rig.apply(admit, at: 61_000).decision.denials.array.first)
        #expect((second.openedBy, second.failedRecoveries) == (.failureRate, 1))
        #expect((second.resetTimeoutMilliseconds, second.retryAfterMilliseconds) == (120_000, 119_000))
        #expect((denial.failedRecoveries, denial.resetTimeoutMilliseconds) == (0, nil))
    }

    @Test func theStatusTellsThatABreakerIsHeldUntilEnoughWorkersReportFailures() throws {
        var rig = Rig()
        let report = Report(candidate: Candidate(provider: name("p")), outcome: .failure)
        try rig.apply(BreakerConfigure(name: name("p"), change: .init(minWorkers: 2)))
        func told(at milliseconds: Int64) throws -> [String] {
            let status = try rig.apply(BreakerGet(name: name("p")), at: milliseconds).status
            return [
                "\(status.state) \(status.consecutiveFailures)", "\(status.failedWorkers) of \(status.minWorkers)",
                status.isHeldByWorkers ? "held" : "free",
            ]
        }
        #expect(try told(at: 0) == ["closed 0", "0 of 2", "free"])
        for _ in 0..<3 { try rig.apply(report, worker: 1) }
        #expect(try told(at: 0) == ["degraded 3", "1 of 2", "free"])
        for _ in 0..<4 { try rig.apply(report, worker: 1) }
        #expect(try told(at: 0) == ["degraded 4", "1 of 2", "held"])
        try rig.apply(report, worker: 2)
        #expect(try told(at: 0) == ["open 5", "2 of 2", "free"])
        // A failure counts for the monitoring period.
        #expect(try told(at: 300_001)[1] == "0 of 2")
    }

    @Test func theTimeToTheFirstTokenCountsIfItIsToldElseThatToTheEndOfTheCall() throws {
        let timings = [
            (CallTiming(firstTokenMilliseconds: 100, durationMilliseconds: 20_000), 0),
            (CallTiming(durationMilliseconds: 9_999), 0), (CallTiming(durationMilliseconds: 10_000), 1),
            (CallTiming(firstTokenMilliseconds: 10_000, durationMilliseconds: 1), 1), (CallTiming(), 1),
        ]
        for (timing, slow) in timings {
            var rig = Rig()
            let change = BreakerConfigurationChange(minRequests: 9, slowCallRate: 1, slowCallMilliseconds: 10_000)
            try rig.apply(BreakerConfigure(name: name("p"), change: change))
            let admit = Admit(candidates: .only(Candidate(provider: name("p"))), ttlMilliseconds: 60_000)
            let permit = try #require(try rig.apply(admit).permit)
            try rig.apply(Settle(permit: permit, outcome: .success, timing: timing), at: 30_000)
            let rates = try #require(try rig.apply(BreakerGet(name: name("p")), at: 30_000).status.rates)
            #expect((rates.timed, rates.slow) == (1, UInt64(slow)), "\(timing)")
        }
    }

    @Test func theRemainderOfTheShareIsClearedOnClosing() throws {
        var breaker = CircuitBreaker(try BreakerConfiguration().applying(.init(degradationCurve: [1, 0.7])), at: at(0))
        breaker.recordFailure(at: at(0))
        #expect(breaker.acquire(at: at(0)).admitted)
        #expect(breaker.record(name: name("p"), isConfigured: false).shareCredit == 200_000_000)
        breaker.recordSuccess(at: at(0))
        #expect(
            breaker.record(name: name("p"), isConfigured: false).shareCredit == CircuitBreaker.initialShareCredit)
    }
}
