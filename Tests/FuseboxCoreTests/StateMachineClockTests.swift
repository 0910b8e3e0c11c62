import FuseboxWire
import Testing

@testable import FuseboxCore

/// A wall clock that was ahead and is taken back. The engine tells the windows of calendars; see its own tests.
@Suite struct StateMachineClockTests {
    private static let day: Int64 = 86_400_000
    /// 2026-11-01 and ten years later.
    private static let today: Int64 = 1_793_491_200_000
    private static let wrong = today + 3_650 * day
    private static let text = "$8 per month"

    private func record(_ rig: inout Rig, _ cost: String, at moment: Moment) throws -> LedgerRecord.Reply {
        let record = LedgerRecord(
            provider: name("p"), model: name("m"), cost: dollars(cost), inputTokens: 1, outputTokens: 1)
        return try rig.machine.apply(record, at: moment, effects: &rig.events)
    }

    private func month(_ start: Int64, days: Int64, keepsUse: Bool) -> BeginWindow {
        var month = LimitCalls.month(from: start, days: days)
        month.keepsUse = keepsUse
        return month
    }

    private func standing(_ rig: inout Rig, at moment: Moment) throws -> LimitEntry {
        let get = LimitGet(scope: Scope(provider: name("p")), limit: try LimitCalls.bound(Self.text))
        return try #require(try rig.machine.apply(get, at: moment, effects: &rig.events).entry)
    }

    private func spend(_ rig: inout Rig, at moment: Moment) throws -> Money? {
        try rig.machine.apply(LedgerProvider(provider: name("p")), at: moment, effects: &rig.events).account?.usage
            .spend
    }

    /// Spends $3 of the month, and $4 ten years later on a clock that the engine doubted; then the clock is taken back.
    private func rigThatWasAhead() throws -> (rig: Rig, moment: Moment) {
        var rig = Rig(at: Self.today)
        try rig.apply(month(Self.today, days: 30, keepsUse: false), at: Self.today)
        try rig.apply(LimitCalls.set(Self.text), at: Self.today)
        _ = try record(&rig, "3", at: Moment(milliseconds: Self.today))
        let ahead = Moment(now: at(Self.today + 5), wall: at(Self.wrong))
        #expect(try record(&rig, "4", at: ahead).reached.map(\.tier) == [.warning])
        rig.machine.takeClockBack(to: at(Self.today + 5), at: at(Self.today + 6))
        return (rig, Moment(now: at(Self.today + 6), wall: at(Self.today + 5)))
    }

    @Test func theWallClockIsTakenBackAndTheSteadyClockGoesOn() throws {
        var (rig, moment) = try rigThatWasAhead()
        #expect(rig.machine.lastMoment == moment)
        // A later wall clock is not one that is taken back to, and the steady clock never goes back.
        rig.machine.takeClockBack(to: at(Self.wrong), at: at(Self.today))
        #expect(rig.machine.lastMoment == moment)
    }

    @Test func whatWasSpentStandsAndItsWindowEndsByTheRightClock() throws {
        var (rig, moment) = try rigThatWasAhead()
        var entry = try standing(&rig, at: moment)
        #expect(entry.used == dollars("7").nanodollars)
        #expect(entry.endsInMilliseconds == 30 * Self.day - 5)
        let end = Moment(now: moment.now + 30 * Self.day, wall: at(Self.today + 30 * Self.day))
        _ = try rig.machine.apply(
            month(Self.today + 30 * Self.day, days: 31, keepsUse: false), at: end, effects: &rig.events)
        entry = try standing(&rig, at: end)
        #expect(entry.used == 0 && entry.endsInMilliseconds == 31 * Self.day)
        #expect(try spend(&rig, at: end) == dollars("7"), "the end of a window begins no account anew")
    }

    /// Tiers that are reached do not fire again where the engine tells the right window anew: $7 of $8 is above 80 %.
    @Test func whatIsReachedDoesNotFireAgain() throws {
        var (rig, moment) = try rigThatWasAhead()
        _ = try rig.machine.apply(month(Self.today, days: 30, keepsUse: true), at: moment, effects: &rig.events)
        #expect(try standing(&rig, at: moment).toldTier == .warning)
        rig.events.removeAll()
        #expect(try record(&rig, "0.1", at: moment).reached.isEmpty)
        #expect(rig.events.isEmpty)
        #expect(try record(&rig, "0.1", at: moment).reached.map(\.tier) == [.critical])
    }

    @Test func whatTheSnapshotHoldsIsTheSame() throws {
        let rig = try rigThatWasAhead().rig
        #expect(try rig.machine.restored().image == rig.machine.image)
    }
}
