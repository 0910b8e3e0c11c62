import FuseboxWire
import Testing

@testable import FuseboxCore

/// The differences between the profiles, one test each, in the order of the table in proto-docs/profiles.md.
struct ProfileTests {
    private static let minute: Int64 = 60_000
    private static let january: Int64 = 1_767_225_600_000

    private let p = name("p")

    private func record(_ cost: String, _ provider: Name? = nil) -> LedgerRecord {
        LedgerRecord(
            provider: provider ?? p, model: name("m"), cost: dollars(cost), inputTokens: 10, outputTokens: 5)
    }

    private func opened(_ profile: Profile) throws -> Rig {
        var rig = Rig(profile)
        try rig.apply(BreakerAcquire(name: p, draw: 0))
        for _ in 0..<5 { try rig.apply(BreakerFailure(name: p)) }
        return rig
    }

    @Test func steadyTrafficKeepsAnOpenBreakerOpenInTheLibrarysProfileNotInOurs() throws {
        for (profile, opens) in [(Profile.llmProviders, false), (.fusebox, true)] {
            var rig = try opened(profile)
            var admitted = false
            for second in 1...600 {
                let reply = try rig.apply(BreakerAcquire(name: p, draw: 0), at: Int64(second) * 1000)
                admitted = admitted || reply.admitted
            }
            #expect(admitted == opens, "\(profile)")
        }
    }

    @Test func failuresPastTheThresholdCountInTheLibrarysProfileAndAreClampedInOurs() throws {
        for (profile, failures) in [(Profile.llmProviders, UInt32(12)), (.fusebox, 5)] {
            var rig = try opened(profile)
            for _ in 0..<7 { try rig.apply(BreakerFailure(name: p)) }
            #expect(try rig.apply(BreakerGet(name: p)).status.consecutiveFailures == failures, "\(profile)")
        }
    }

    @Test func aDegradedShareIsACoinFlipInTheLibrarysProfileAndExactInOurs() throws {
        for (profile, expected) in [(Profile.llmProviders, 0), (.fusebox, 400)] {
            var rig = Rig(profile)
            for _ in 0..<3 { try rig.apply(BreakerFailure(name: p)) }
            var admitted = 0
            for _ in 0..<1000 where try rig.apply(BreakerAcquire(name: p, draw: 0.99)).admitted { admitted += 1 }
            #expect(admitted == expected, "\(profile)")
        }
    }

    @Test func aShorterMarkReplacesALongerOneInTheLibrarysProfileAndDoesNotShortenItInOurs() throws {
        for (profile, resetsAt) in [(Profile.llmProviders, Int64(1_010)), (.fusebox, 60_000)] {
            var rig = Rig(profile)
            try rig.apply(ExhaustionMark(provider: p, resetAfterMilliseconds: 60_000))
            let reply = try rig.apply(ExhaustionMark(provider: p, resetAfterMilliseconds: 10), at: 1000)
            #expect(reply.resetsAt == at(resetsAt), "\(profile)")
        }
    }

    @Test(arguments: [Profile.fusebox, .llmProviders]) func aLongerMarkExtendsInBoth(profile: Profile) throws {
        var rig = Rig(profile)
        try rig.apply(ExhaustionMark(provider: p, resetAfterMilliseconds: 10))
        #expect(try rig.apply(ExhaustionMark(provider: p, resetAfterMilliseconds: 10), at: 5).resetsAt == at(15))
    }

    @Test func failuresOfACallLongerThanTheResetTimeoutDecayAtOnceInTheLibrarysProfileNotInOurs() throws {
        for (profile, failures) in [(Profile.llmProviders, UInt32(0)), (.fusebox, 1)] {
            var rig = Rig(profile)
            try rig.apply(BreakerAcquire(name: p, draw: 0))
            try rig.apply(BreakerFailure(name: p), at: 2 * Self.minute)
            let status = try rig.apply(BreakerGet(name: p), at: 2 * Self.minute).status
            #expect(status.consecutiveFailures == failures, "\(profile)")
        }
    }

    @Test func failuresThatAreOnlyReportedNeverDecayInTheLibrarysProfileAndInOursTheyDo() throws {
        for (profile, failures) in [(Profile.llmProviders, UInt32(1)), (.fusebox, 0)] {
            var rig = Rig(profile)
            try rig.apply(BreakerFailure(name: p))
            let status = try rig.apply(BreakerGet(name: p), at: 10 * Self.minute).status
            #expect(status.consecutiveFailures == failures, "\(profile)")
        }
    }

    @Test func aResetClearsFixedWindowsAndHistoryInTheLibrarysProfileAndKeepsThemInOurs() throws {
        for (profile, kept) in [(Profile.llmProviders, false), (.fusebox, true)] {
            var rig = Rig(profile, at: Self.january)
            let fixed = "9 requests per day fixed"
            try rig.apply(LimitCalls.set("$1 until reset", fixed), at: Self.january)
            try rig.apply(record("0.96"), at: Self.january)
            let reset = Self.january + 1000
            let reply = try rig.apply(LedgerReset(scope: Scope(provider: p)), at: reset)
            #expect(reply.entries.count == (kept ? 1 : 2), "\(profile)")
            let account = try #require(try rig.apply(LedgerProvider(provider: p), at: reset).account)
            #expect(account.usage == AccountUsage())
            let entry = try #require(try LimitCalls.standing(fixed, &rig, at: reset))
            #expect(entry.used == (kept ? 1 : 0), "\(profile)")
            #expect(entry.startedAt == at(kept ? Self.january : reset), "\(profile)")
            #expect(try rig.apply(LedgerBurnRate(provider: p), at: reset).sampleCount == (kept ? 1 : 0), "\(profile)")
            let again = try rig.apply(record("0.96"), at: reset)
            #expect(again.reached.map(\.tier) == [.emergency], "tiers are cleared in both")
        }
    }

    @Test func aFixedWindowBeginsWhenItsLimitIsSetInTheLibrarysProfileAndWithTheFirstUseInOurs() throws {
        let text = "9 requests per minute fixed"
        for (profile, start) in [(Profile.llmProviders, Int64(0)), (.fusebox, 40_000)] {
            var rig = Rig(profile)
            try rig.apply(LimitCalls.set(text))
            try rig.apply(record("0"), at: 40_000)
            #expect(try LimitCalls.standing(text, &rig, at: 40_000)?.startedAt == at(start), "\(profile)")
            let used = try #require(try LimitCalls.standing(text, &rig, at: 70_000)).used
            #expect(used == (profile == .llmProviders ? 0 : 1), "\(profile)")
        }
    }

    /// In the library's profile a look begins the next window too.
    @Test func aWindowThatIsOverBeginsAnewByALookInTheLibrarysProfileAndByUseInOurs() throws {
        let text = "9 requests per minute fixed"
        for (profile, start) in [(Profile.llmProviders, Int64(70_000)), (.fusebox, 80_000)] {
            var rig = Rig(profile)
            try rig.apply(LimitCalls.set(text))
            try rig.apply(record("0"))
            let before = rig.machine.image
            #expect(try LimitCalls.standing(text, &rig, at: 70_000)?.used == 0)
            #expect((rig.machine.image == before) == (profile == .fusebox), "\(profile)")
            try rig.apply(record("0"), at: 80_000)
            #expect(try LimitCalls.standing(text, &rig, at: 80_000)?.startedAt == at(start), "\(profile)")
        }
    }

    /// A raised amount arms thresholds again in ours; in the library's profile one that has fired stays fired.
    @Test func aChangedAmountArmsThresholdsAgainInOursAndNotInTheLibrarysProfile() throws {
        for (profile, tiers) in [
            (Profile.llmProviders, [ThresholdTier.critical]), (.fusebox, [.warning, .warning, .critical]),
        ] {
            var rig = Rig(profile)
            func told() -> [ThresholdTier] {
                rig.events.compactMap { if case .limitReached(let event) = $0 { event.tier } else { nil } }
            }
            try rig.apply(LimitCalls.set("$1 until reset"))
            try rig.apply(record("0.8"))
            #expect(told() == [.warning], "\(profile)")
            // Of $2 it is 40 %, of $1.6 half more makes 75 %, and a tenth after that more than 80 %.
            try rig.apply(LimitCalls.set("$2 until reset"))
            try rig.apply(record("0.4"))
            try rig.apply(LimitCalls.set("$1.6 until reset"))
            #expect(told() == [.warning], "\(profile)")
            try rig.apply(record("0.1"))
            try rig.apply(record("0.15"))
            let expected = profile == .fusebox ? tiers : [.warning] + tiers
            #expect(told() == expected, "\(profile)")
            // A raise for a while does the same.
            rig.events.removeAll()
            let raised = try LimitCalls.bound("$4 until reset")
            try rig.apply(LimitRaise(scope: Scope(provider: p), limit: raised, milliseconds: 5))
            try rig.apply(Advance(), at: 5)
            #expect(told() == (profile == .fusebox ? [.critical] : []), "\(profile)")
        }
    }

    @Test func firedDepletionTiersSurviveOurSnapshots() throws {
        var rig = Rig(at: Self.january)
        try rig.apply(LimitCalls.set("$1 until reset"), at: Self.january)
        try rig.apply(record("0"), at: Self.january)
        let day = Self.january + 86_400_000
        #expect(try rig.apply(record("0.3"), at: day).depletion?.tier == .critical)
        rig.machine = try rig.machine.restored()
        #expect(try rig.apply(record("0.001"), at: day).depletion == nil)
    }

    @Test func anExistingBreakerKeepsItsDefaultInTheLibrarysProfileAndHasThePresentOneInOurs() throws {
        for (profile, threshold) in [(Profile.llmProviders, UInt32(5)), (.fusebox, 2)] {
            var rig = Rig(profile)
            try rig.apply(BreakerFailure(name: p))
            try rig.apply(BreakerConfigureDefault(change: BreakerConfigurationChange(failureThreshold: 2)))
            let existing = try rig.apply(BreakerConfigurationGet(name: p))
            #expect(existing.failureThreshold == threshold, "\(profile)")
            try rig.apply(BreakerFailure(name: name("q")))
            #expect(try rig.apply(BreakerConfigurationGet(name: name("q"))).failureThreshold == 2, "\(profile)")
        }
    }

    /// 2,000 records are shared by all in the library's profile; in ours each provider has its own.
    @Test func history() throws {
        for (profile, count) in [(Profile.llmProviders, UInt64(500)), (.fusebox, 2_500)] {
            var rig = Rig(profile)
            for _ in 0..<2_500 { try rig.apply(record("0.001")) }
            for _ in 0..<1_500 { try rig.apply(record("0.001", name("q"))) }
            #expect(try rig.apply(LedgerBurnRate(provider: p)).sampleCount == count, "\(profile)")
            #expect(try rig.apply(LedgerBurnRate(provider: name("q"))).sampleCount == 1_500, "\(profile)")
        }
    }

    @Test func aLookCreatesABreakerInTheLibrarysProfileNotInOurs() throws {
        for (profile, exists) in [(Profile.llmProviders, true), (.fusebox, false)] {
            var rig = Rig(profile)
            #expect(try rig.apply(BreakerGet(name: p)).exists == exists)
            #expect(rig.machine.names.count == (exists ? 1 : 0))
        }
    }
}
