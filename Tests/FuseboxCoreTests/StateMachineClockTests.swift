import FuseboxWire
import Testing

@testable import FuseboxCore

/// A wall clock that was ahead and is taken back.
@Suite struct StateMachineClockTests {
    private static let day: Int64 = 86_400_000
    /// 2026-11-25 and ten years later.
    private static let today: Int64 = 1_795_564_800_000
    private static let wrong = today + 3_650 * day
    private static let name = try! Name("openai")

    private func record(_ rig: inout Rig, _ cost: Int64, at milliseconds: Int64) throws {
        try rig.apply(
            LedgerRecord(
                provider: Self.name, model: Self.name, cost: Money(nanodollars: cost), inputTokens: 1, outputTokens: 1),
            at: milliseconds)
    }

    private func spend(_ rig: Rig) -> Int64 {
        rig.machine.names.find(Self.name).flatMap { rig.machine.ledger.provider($0)?.sums.spend } ?? 0
    }

    /// Spends 3 today, and 4 ten years later.
    private func rigThatWasAhead() throws -> Rig {
        var rig = Rig(at: Self.today)
        try rig.apply(
            LedgerSetBudget(budget: Budget(provider: Self.name, monthly: Money(nanodollars: 8))), at: Self.today)
        try record(&rig, 3, at: Self.today)
        try rig.apply(Advance(), at: Self.wrong)
        #expect(rig.machine.ledger.closedPeriods.count == 1)
        try record(&rig, 4, at: Self.wrong)
        #expect(spend(rig) == 4)
        return rig
    }

    @Test func aPeriodThatWasClosedAheadIsOpenAgain() throws {
        var rig = try rigThatWasAhead()
        let now = rig.machine.lastMoment.now
        let wall = Timestamp(milliseconds: Self.today + 5)
        #expect(rig.machine.takeClockBack(to: wall, at: now + 1) == 1)
        #expect(rig.machine.lastMoment == Moment(now: now + 1, wall: wall))
        #expect(rig.machine.ledger.closedPeriods.isEmpty)
        #expect(rig.machine.ledger.period == BudgetPeriod(.month, start: Timestamp(milliseconds: Self.today)))
        #expect(spend(rig) == 7)
        // The budget renews at the end of the right month.
        let end = try #require(rig.machine.ledger.period.end)
        #expect(end.milliseconds == Self.today + 6 * Self.day, "1 December")
        #expect(!rig.machine.isDue(at: Moment(now: now, wall: end - 1)) || rig.machine.awaitsTime)
        _ = try rig.machine.apply(Advance(), at: Moment(now: now + 2, wall: end), effects: &rig.events)
        #expect(spend(rig) == 0)
        #expect(rig.machine.ledger.closedPeriods.map(\.end) == [end])
    }

    /// Tiers that are reached now do not fire again. 7 of 8 is above the warning at 80 %.
    @Test func whatIsReachedAgainDoesNotFireAgain() throws {
        var rig = try rigThatWasAhead()
        rig.machine.takeClockBack(to: Timestamp(milliseconds: Self.today), at: rig.machine.lastMoment.now)
        let id = try #require(rig.machine.names.find(Self.name))
        #expect(rig.machine.ledger.provider(id)?.firedThreshold == .warning)
    }

    @Test func aPeriodThatWasClosedByHandStaysClosed() throws {
        var rig = Rig(at: Self.today)
        try record(&rig, 3, at: Self.today)
        try rig.apply(Advance(), at: Self.wrong)
        try record(&rig, 4, at: Self.wrong)
        try rig.apply(LedgerResetPeriod(), at: Self.wrong + 12_345)
        let wall = Timestamp(milliseconds: Self.today + 5)
        #expect(rig.machine.takeClockBack(to: wall, at: rig.machine.lastMoment.now) == 0)
        #expect(rig.machine.ledger.closedPeriods.count == 2)
        #expect(rig.machine.ledger.period == BudgetPeriod(.month, start: wall))
        #expect(spend(rig) == 0)
    }

    /// The first start was ahead already.
    @Test func aPeriodThatBeganAheadBeginsNow() throws {
        var rig = Rig(at: Self.wrong)
        try record(&rig, 4, at: Self.wrong)
        let wall = Timestamp(milliseconds: Self.today)
        #expect(rig.machine.takeClockBack(to: wall, at: rig.machine.lastMoment.now) == 0)
        #expect(rig.machine.ledger.period == BudgetPeriod(.month, start: wall))
        #expect(spend(rig) == 4)
    }

    @Test func whatTheSnapshotHoldsIsTheSame() throws {
        var rig = try rigThatWasAhead()
        rig.machine.takeClockBack(to: Timestamp(milliseconds: Self.today), at: rig.machine.lastMoment.now)
        #expect(try rig.machine.restored().image == rig.machine.image)
    }
}
