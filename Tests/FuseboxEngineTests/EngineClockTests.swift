import FuseboxEngine
import FuseboxWire
import Testing

/// Durations follow the steady clock; dates follow the wall clock, forward only.
@Suite struct EngineClockTests {
    @Test func aStepOfTheWallClockIsToldAndChangesNoDuration() {
        var clock = EngineClock(continuing: nil, boottime: 1_000, realtime: 1_000_000)
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
        // The machine may have been started anew: its steady clock says nothing about the past.
        var clock = EngineClock(continuing: recorded, boottime: 10, realtime: realtime)
        let moment = clock.moment(boottime: 10, realtime: realtime).moment
        #expect(moment.now - recorded.now == passed)
        #expect(moment.wall >= recorded.wall)
    }
}
