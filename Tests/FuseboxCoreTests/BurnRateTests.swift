import FuseboxWire
import Testing

@testable import FuseboxCore

/// A burn rate covers the time in which it was measured.
struct BurnRateTests {
    private static let minute: Int64 = 60_000
    private static let hour = 60 * minute
    private static let day = 24 * hour

    private let p = try! Name("p")

    private func rig(_ profile: Profile = .fusebox, limit: String = "$50 until reset") throws -> Rig {
        var rig = Rig(profile)
        try rig.apply(LimitCalls.set(limit))
        return rig
    }

    private func record(_ cost: String) throws -> LedgerRecord {
        LedgerRecord(
            provider: p, model: p, cost: try #require(Money(cost) as Money?), inputTokens: 0, outputTokens: 0)
    }

    private func rate(_ rig: inout Rig, window: Int64? = nil, at now: Int64) throws -> BurnRate {
        try rig.apply(LedgerBurnRate(provider: p, windowMilliseconds: window), at: now)
    }

    @Test func noRateUntilSpendHasBeenSeenForAnHourAndThenItIsOverTheTimeSeenUpToTheWindow() throws {
        var rig = try rig()
        try rig.apply(record("0.6"))
        for (now, base, perDay) in [
            (0, 0, nil), (Self.hour - 1, Self.hour - 1, nil), (Self.hour, Self.hour, 14.4),
            (6 * Self.hour, 6 * Self.hour, 2.4), (Self.day, Self.day, 0.6),
        ] as [(Int64, Int64, Double?)] {
            let rate = try rate(&rig, at: now)
            #expect(rate.baseMilliseconds == base)
            #expect(rate.windowMilliseconds == Self.day)
            #expect(rate.costPerDay.map { ($0 * 1e9).rounded() / 1e9 } == perDay)
            #expect((rate.costPerHour == nil) == (perDay == nil))
            let estimate = try #require(try rig.apply(LedgerDepletion(provider: p), at: now).estimate)
            #expect((estimate.daysRemaining == nil) == (perDay == nil))
            #expect((estimate.depletesAt == nil) == (perDay == nil))
            let entry = try #require(try rig.apply(Overview(), at: now).entries.first)
            #expect(entry.daysRemaining == estimate.daysRemaining)
        }
        // A day later the record has left the window, and the measured spend is zero.
        #expect(try rate(&rig, at: 3 * Self.day).costPerDay == 0)
    }

    @Test func aWindowOfLessThanAnHourIsABaseIfAllOfItWasSeen() throws {
        var rig = try rig()
        try rig.apply(record("0.6"))
        #expect(try rate(&rig, window: Self.minute, at: Self.minute - 1).costPerHour == nil)
        #expect(try rate(&rig, window: Self.minute, at: Self.minute).costPerHour == 36)
        #expect(try rate(&rig, window: 0, at: Self.day).costPerHour == nil)
    }

    @Test func anAccountWithoutAnyHistoryHasNoRate() throws {
        var rig = try rig()
        let estimate = try #require(try rig.apply(LedgerDepletion(provider: p), at: Self.day).estimate)
        #expect(estimate.burnRate.costPerDay == nil)
        #expect(estimate.daysRemaining == nil)
        #expect(try rig.apply(LedgerBurnRate(provider: Name("nobody")), at: 0).costPerDay == nil)
    }

    @Test func eventsOfDepletionWaitForABaseTooAndTellTheRateOverIt() throws {
        var rig = try rig(limit: "$1 until reset")
        #expect(try rig.apply(record("0.1")).depletion == nil)
        #expect(try rig.apply(record("0.1"), at: Self.hour - 1).depletion == nil)
        // $0.3 in an hour are $7.2 a day, and $0.7 are left.
        let event = try #require(try rig.apply(record("0.1"), at: Self.hour).depletion)
        #expect(event.tier == .emergency)
        #expect(event.provider == p)
        #expect(event.limit == (try LimitCalls.bound("$1 until reset")))
        #expect(event.burnRate.baseMilliseconds == Self.hour)
        #expect(abs(event.daysRemaining - 0.7 / 7.2) < 1e-9)
    }

    @Test func historyThatIsKeptInSumsIsABaseOfAllThatItCoversAndSoIsOneThatWasRestored() throws {
        var rig = try rig()
        for _ in 0..<SpendPool.foldAt { try rig.apply(record("0.001")) }
        let told = try rate(&rig, at: 2 * Self.hour)
        #expect(told.baseMilliseconds == 2 * Self.hour)
        rig.machine = try rig.machine.restored()
        #expect(try rate(&rig, at: 2 * Self.hour) == told)
    }

    @Test func underLlmProvidersTheBaseIsTheWindowWhateverWasSeen() throws {
        var rig = try rig(.llmProviders)
        try rig.apply(record("0.6"))
        let rate = try rate(&rig, at: 1)
        #expect(rate.baseMilliseconds == Self.day)
        #expect(abs((rate.costPerDay ?? 0) - 0.6) < 1e-9)
        #expect(try rig.apply(LedgerDepletion(provider: p), at: 1).estimate?.daysRemaining != nil)
        #expect(try self.rate(&rig, window: 0, at: 1).costPerDay == 0)
    }
}
