import FuseboxEngine
import FuseboxWire
import Testing

/// Durations follow the steady clock; dates follow the wall clock, forward only.
@Suite struct EngineClockTests {
    @Test func aStepOfTheWallClockIsToldAndChangesNoDuration() {
        var clock = EngineClock(continuing: nil, boottime: 1_000, realtime: 1_000_000, isSynchronised: false)
        let (first, none) = clock.moment(boottime: 1_500, realtime: 1_000_500)
        #expect(none == nil)
        let (forward, step) = clock.moment(boottime: 1_600, realtime: 4_600_600)
        #expect(step == 3_600_000)
        #expect(forward.now - first.now == 100)
        #expect(forward.wall == Timestamp(milliseconds: 4_600_600))
        let (back, stepBack) = clock.moment(boottime: 1_700, realtime: 1_000_700)
        #expect(stepBack == -3_600_000)
        #expect(back.now - forward.now == 100)
        #expect(back.wall == forward.wall, "dates do not go back")
        #expect(clock.moment(boottime: 1_800, realtime: 1_000_800).stepMilliseconds == nil, "a step is told once")
    }

    @Test(arguments: [(5_000_000, 3_000_000), (2_000_000, 0), (1_000_000, 0)] as [(Int64, Int64)])
    func aRestartContinuesByTheTimeThatPassed(_ realtime: Int64, _ passed: Int64) {
        let recorded = Moment(now: Timestamp(milliseconds: 700), wall: Timestamp(milliseconds: 2_000_000))
        // The machine may have been booted, so its steady clock says nothing about the past.
        var clock = EngineClock(continuing: recorded, boottime: 10, realtime: realtime, isSynchronised: false)
        let moment = clock.moment(boottime: 10, realtime: realtime).moment
        #expect(moment.now - recorded.now == passed)
        #expect(moment.wall >= recorded.wall)
    }

    private static let day: Int64 = 86_400_000
    private static let doubt = EngineClock.doubtMilliseconds

    @Test func dateFollowsALeapOfMoreThanADayOnlyOnceItWasKept() {
        var clock = EngineClock(continuing: nil, boottime: 0, realtime: 1_000_000, isSynchronised: true)
        let leap = 40 * Self.day
        let (moment, step) = clock.moment(boottime: 5, realtime: 1_000_005 + leap)
        #expect(step == leap && clock.isDoubting)
        #expect(moment.wall == Timestamp(milliseconds: 1_000_005), "dates go on as the steady clock does")
        let last = clock.moment(boottime: 4 + Self.doubt, realtime: 1_000_004 + Self.doubt + leap).moment
        #expect(last.wall == Timestamp(milliseconds: 1_000_004 + Self.doubt))
        let kept = clock.moment(boottime: 5 + Self.doubt, realtime: 1_000_005 + Self.doubt + leap).moment
        #expect(kept.wall == Timestamp(milliseconds: 1_000_005 + Self.doubt + leap) && !clock.isDoubting)
        #expect(kept.now - last.now == 1)
    }

    @Test func aLeapThatIsTakenBackWasNone() {
        var clock = EngineClock(continuing: nil, boottime: 0, realtime: 1_000_000, isSynchronised: false)
        _ = clock.moment(boottime: 1_000, realtime: 1_001_000 + 40 * Self.day)
        let back = clock.moment(boottime: 4_000, realtime: 1_004_000)
        #expect(back.stepMilliseconds == -40 * Self.day && !clock.isDoubting)
        #expect(back.moment.wall == Timestamp(milliseconds: 1_004_000))
        #expect(!clock.isFarAhead(of: 1_004_000))
    }

    /// A clock that jumps between two wrong times has kept neither.
    @Test func everyStepBeginsTheWaitAnew() {
        var clock = EngineClock(continuing: nil, boottime: 0, realtime: 0, isSynchronised: false)
        for step in 1...5 as ClosedRange<Int64> {
            let boottime = step * (Self.doubt - 1)
            _ = clock.moment(boottime: boottime, realtime: boottime + (1 + step) * 40 * Self.day)
            #expect(clock.isDoubting)
        }
    }

    @Test(arguments: [true, false])
    func aLeadAtTheStartIsBelievedIfTheClockIsSynchronised(isSynchronised: Bool) {
        let recorded = Moment(milliseconds: 2_000_000)
        let realtime = 2_000_000 + 3_650 * Self.day
        var clock = EngineClock(
            continuing: recorded, boottime: 10, realtime: realtime, isSynchronised: isSynchronised)
        let moment = clock.moment(boottime: 10, realtime: realtime).moment
        #expect(clock.isDoubting != isSynchronised)
        #expect(moment.wall == (isSynchronised ? Timestamp(milliseconds: realtime) : recorded.wall))
        #expect(moment.now == Timestamp(milliseconds: realtime), "durations count the time that may have passed")
        // A day is not a leap.
        var next = EngineClock(
            continuing: recorded, boottime: 10, realtime: 2_000_000 + Self.day, isSynchronised: isSynchronised)
        #expect(next.moment(boottime: 10, realtime: 2_000_000 + Self.day).moment.wall == recorded.wall + Self.day)
    }

    @Test func datesThatWereTakenBackGoOnFromThere() {
        let recorded = Moment(milliseconds: 40 * Self.day)
        var clock = EngineClock(continuing: recorded, boottime: 10, realtime: 1_000, isSynchronised: true)
        #expect(clock.moment(boottime: 10, realtime: 1_000).moment.wall == recorded.wall)
        #expect(clock.isFarAhead(of: 1_000))
        clock.takeBack(to: 1_000)
        let moment = clock.moment(boottime: 20, realtime: 1_010).moment
        #expect(moment.wall == Timestamp(milliseconds: 1_010))
        #expect(moment.now == recorded.now + 10, "the steady clock stays")
    }
}
