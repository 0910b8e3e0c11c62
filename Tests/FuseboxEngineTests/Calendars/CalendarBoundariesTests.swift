import FuseboxWire
import Testing

@testable import FuseboxEngine

/// Which boundary of the calendar counts, and when. `BoundaryScript` says how the scripts are read.
@Suite struct CalendarBoundariesTests {
    // MARK: Time itself

    @Test func aBoundaryThatTimePassesCountsAtOnce() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 23:50 synchronised
            sleep for ever
            use day      => 2026-11-30 to 2026-12-01
            use month:1  => 2026-11-01 to 2026-12-01
            pass 9m
            sleep 1m     => begin day 2026-12-01, begin month 2026-12-01
            pass 86399s
            sleep 1s     => begin day 2026-12-02
            """)
    }

    @Test func windowsThatNobodySawAreLeftOut() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 unsynchronised
            use day      => 2026-11-30 to 2026-12-01
            use hour     => 2026-11-30 12:00 to 2026-11-30 13:00
            pass 50d     => begin day 2027-01-19, begin hour 2027-01-19 12:00
            """)
    }

    @Test func eachCalendarHasTheBoundariesOfItsZone() throws {
        try BoundaryScript.run(
            """
            start 2026-03-08 07:00 synchronised
            use day America/Los_Angeles  => 2026-03-07 08:00 to 2026-03-08 08:00
            use day Europe/Berlin        => 2026-03-07 23:00 to 2026-03-08 23:00
            use day Europe/Berlin        => 2026-03-07 23:00 to 2026-03-08 23:00
            sleep 1h                     => begin day America/Los_Angeles 2026-03-08 08:00
            sleep 15h                    => begin day Europe/Berlin 2026-03-08 23:00
            sleep 8h                     => begin day America/Los_Angeles 2026-03-09 07:00
            """)
    }

    @Test func aCorrectionIsNoStep() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 23:59 synchronised
            use day      => 2026-11-30 to 2026-12-01
            step 1s
            step -1s
            step 1s
            sleep 59s    => begin day 2026-12-01
            step -1s
            step 1001ms  => stepped 1001ms
            """)
    }

    // MARK: Steps ahead

    @Test(arguments: ["synchronised", "unsynchronised"])
    func aClockThatIsFortyDaysAheadForThreeSecondsChangesNothing(_ state: String) throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 \(state)
            use day       => 2026-11-30 to 2026-12-01
            use month:1   => 2026-11-01 to 2026-12-01
            step 40d      => stepped 40d
            pass 3s
            step -40d     => returned -40d
            sleep 43197s  => begin day 2026-12-01, begin month 2026-12-01
            """)
    }

    @Test func aStepThatIsKeptForTenMinutesPassesBoundaries() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 unsynchronised
            use day      => 2026-11-30 to 2026-12-01
            use month:1  => 2026-11-01 to 2026-12-01
            step 40d     => stepped 40d
            pass 599999ms
            sleep 1ms    => believed 40d, begin day 2027-01-09, begin month 2027-01-01
            """)
        try BoundaryScript.run(
            """
            start 2026-11-30 23:00 synchronised
            use day      => 2026-11-30 to 2026-12-01
            step 2h      => stepped 2h
            sleep 10m    => believed 2h, begin day 2026-12-01
            """)
    }

    @Test func inDoubtABoundaryCountsThatTimeItselfPasses() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 23:55 synchronised
            use day      => 2026-11-30 to 2026-12-01
            step 40d     => stepped 40d
            sleep 5m     => begin day 2026-12-01
            sleep 5m     => believed 40d, begin day 2027-01-10
            """)
    }

    /// A wrong clock that goes from one wrong time to another has kept neither.
    @Test func eachStepBeginsTheWaitAnew() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 synchronised
            use month:1  => 2026-11-01 to 2026-12-01
            step 40d     => stepped 40d
            pass 9m
            step 40d     => stepped 40d
            pass 9m
            step -1h     => stepped -1h
            step 10s     => stepped 10s
            sleep 10m    => believed 6908410s, begin month 2027-02-01
            """)
    }

    // MARK: Steps back

    @Test func aStepBackThatIsKeptLengthensTheWindow() throws {
        try BoundaryScript.run(
            """
            start 2026-12-01 00:30 synchronised
            use day      => 2026-12-01 to 2026-12-02
            step -2h     => stepped -2h
            sleep 10m    => believed -2h
            sleep 1520m  => begin day 2026-12-02
            """)
    }

    /// The boundary that the clock would have passed without the step is put off, from the first moment on.
    @Test func aStepBackJustBeforeABoundaryPutsItOff() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 23:59 synchronised
            use day      => 2026-11-30 to 2026-12-01
            step -2h     => stepped -2h
            pass 2m
            sleep 8m     => believed -2h
            sleep 111m   => begin day 2026-12-01
            """)
    }

    @Test func aStepBackThatIsTakenBackWasNone() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 23:59 synchronised
            use day      => 2026-11-30 to 2026-12-01
            pass 59s
            step -2h     => stepped -2h
            pass 3s
            step 2h      => returned 2h, begin day 2026-12-01
            """)
    }

    // MARK: Starts

    @Test(arguments: ["down", "reboot"])
    func aBoundaryThatPassedWhileItWasDownCountsAtOnceByASynchronisedClock(_ start: String) throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 22:00 synchronised
            use day      => 2026-11-30 to 2026-12-01
            use month:1  => 2026-11-01 to 2026-12-01
            \(start) 3h  => begin day 2026-12-01, begin month 2026-12-01
            \(start) 1h
            """)
    }

    @Test(arguments: ["down", "reboot"])
    func byAnotherClockItCountsAfterTenMinutes(_ start: String) throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 22:00 unsynchronised
            use day      => 2026-11-30 to 2026-12-01
            \(start) 3h
            pass 9m
            sleep 1m     => believed 3h, begin day 2026-12-01
            """)
    }

    @Test func itCountsOnceTheClockIsSynchronised() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 22:00 unsynchronised
            use day      => 2026-11-30 to 2026-12-01
            reboot 3h
            pass 1m
            synchronised => believed 3h, begin day 2026-12-01
            """)
    }

    /// What came after the start is a step, and has to be kept whatever the kernel says.
    @Test func aStepAfterTheStartHasToBeKept() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 22:00 unsynchronised
            use day      => 2026-11-30 to 2026-12-01
            down 3h
            pass 1m
            step 40d     => stepped 40d
            synchronised
            sleep 10m    => believed 963h, begin day 2027-01-10
            """)
    }

    @Test func whatTimeItselfPassesAfterTheStartCountsBeforeThat() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 23:58 unsynchronised
            use day      => 2026-11-30 to 2026-12-01
            down 1h
            sleep 2m     => begin day 2026-12-01
            sleep 8m     => believed 1h
            """)
    }

    @Test func aRestartInDoubtPassesNoBoundary() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 23:00 unsynchronised
            use day      => 2026-11-30 to 2026-12-01
            step 40d     => stepped 40d
            pass 3s
            down 1m
            pass 3s
            step -40d    => stepped -40d
            sleep 10m    => believed 1m
            sleep 2934s  => begin day 2026-12-01
            """)
    }

    /// The step is less than a day. It stands while the daemon starts.
    @Test(arguments: ["down", "reboot"])
    func aStartDoesNotTakeAStepForTimeThatPassed(_ start: String) throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 unsynchronised
            use day      => 2026-11-30 to 2026-12-01
            step 13h     => stepped 13h
            pass 3m
            \(start) 1m
            pass 9m
            \(start) 1m
            pass 1m
            step -13h    => stepped -13h
            sleep 10m    => believed 2m
            sleep 695m   => begin day 2026-12-01
            """)
    }

    @Test func aStepThatIsKeptAfterTheStartPassesBoundaries() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 unsynchronised
            use day      => 2026-11-30 to 2026-12-01
            step 13h     => stepped 13h
            pass 9m
            down 1m
            sleep 10m    => believed 781m, begin day 2026-12-01
            """)
    }

    // MARK: Back to the truth

    private static let ahead = """
        start 2026-11-30 12:00 synchronised
        use day      => 2026-11-30 to 2026-12-01
        use month:1  => 2026-11-01 to 2026-12-01
        step 40d     => stepped 40d
        sleep 10m    => believed 40d, begin day 2027-01-09, begin month 2027-01-01

        """

    @Test(arguments: ["down", "reboot"])
    func aStartGoesBackFromRecordedTimesAheadOfASynchronisedClock(_ start: String) throws {
        try BoundaryScript.run(
            Self.ahead + """
                unseen -40d
                \(start) 1m  => reopen day 2026-11-30, reopen month 2026-11-01, take back to 2026-11-30 12:11
                \(start) 1m
                sleep 708m   => begin day 2026-12-01, begin month 2026-12-01
                """)
    }

    @Test func byAnotherClockAStartDoesNotGoBack() throws {
        try BoundaryScript.run(
            Self.ahead + """
                unsynchronised
                unseen -40d
                down 1m
                sleep 10m    => believed -57599m
                pass 1h
                synchronised => reopen day 2026-11-30, reopen month 2026-11-01, take back to 2026-11-30 13:21
                """)
    }

    @Test func aRunningDaemonGoesBackOnceTheClockHasKeptItsTime() throws {
        try BoundaryScript.run(
            Self.ahead + """
                step -40d    => stepped -40d
                pass 3s
                step 40d     => returned 40d
                step -40d    => stepped -40d
                sleep 10m    => believed -40d, reopen day 2026-11-30, reopen month 2026-11-01, take back to 2026-11-30 12:20
                """)
    }

    /// Windows that began before the true time stay, and so does what was used in them.
    @Test func onlyWindowsThatBeganAfterTheTrueTimeAreReopened() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 synchronised
            use day       => 2026-11-30 to 2026-12-01
            use year:1:1  => 2026-01-01 to 2027-01-01
            step 3d       => stepped 3d
            sleep 10m     => believed 3d, begin day 2026-12-03
            unseen -3d
            down 1m       => reopen day 2026-11-30, take back to 2026-11-30 12:11
            """)
    }

    @Test func aDayAheadIsNotFar() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 synchronised
            use day      => 2026-11-30 to 2026-12-01
            step 1d      => stepped 1d
            sleep 10m    => believed 1d, begin day 2026-12-01
            unseen -1d
            down 1m
            sleep 2149m  => begin day 2026-12-02
            """)
    }

    // MARK: Inputs that are refused

    @Test func aStepThatIsRefusedIsDueUntilItIsDone() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 23:50 synchronised
            use day      => 2026-11-30 to 2026-12-01
            refuse
            pass 20m
            sleep 0ms
            pass 1h
            accept       => begin day 2026-12-01
            """)
    }

    // MARK: Calendars

    private static let name = ZoneName("Test/Zone")!

    /// A zone with one offset.
    private static func zone(_ hours: Int64) -> Zone {
        Zone(name: name, first: hours * 3_600, transitions: [], rule: nil)
    }

    private static func clock(_ moment: String) throws -> EngineClock {
        EngineClock(at: Moment(milliseconds: try CalendarText.moment(moment).milliseconds))
    }

    /// New rules of a zone: the window gets the edges that they give it, and keeps its use.
    @Test func aZoneWithOtherRulesMovesItsWindows() throws {
        let clock = try Self.clock("2026-11-29 12:00")
        var boundaries = CalendarBoundaries()
        let rule = CalendarRule(.day, in: Self.name)
        let old = boundaries.use(ZonedCalendar(.day, in: Self.zone(0)), at: clock.time)
        boundaries.use(ZonedCalendar(.day, in: .utc), at: clock.time)
        boundaries.renew(Self.zone(0))
        #expect(boundaries.next(by: clock) == nil)
        boundaries.renew(Self.zone(2))
        let moved = try CalendarText.window("2026-11-28 22:00", "2026-11-29 22:00")
        let step = try #require(boundaries.next(by: clock))
        #expect(step == .move(.init(rule: rule, from: old, to: moved)))
        #expect(boundaries.wakes(by: clock) == clock.now)
        boundaries.done(step)
        #expect(boundaries.next(by: clock) == nil)
        #expect(boundaries.window(of: rule) == moved)
        #expect(boundaries.wakes(by: clock) == clock.now + 36_000_000)
    }

    /// The new rules came while the daemon was down, beyond the window's end: its use stays in the window that held the last of it.
    @Test func aRecordedWindowOfOldRulesMovesBeforeTheNextOneBegins() throws {
        let clock = try Self.clock("2026-11-30 01:00")
        var boundaries = CalendarBoundaries()
        let rule = CalendarRule(.day, in: Self.name)
        let old = try CalendarText.window("2026-11-29", "2026-11-30")
        #expect(boundaries.use(ZonedCalendar(.day, in: Self.zone(-2)), in: old) == old)
        let moved = try CalendarText.window("2026-11-29 02:00", "2026-11-30 02:00")
        let step = try #require(boundaries.next(by: clock))
        #expect(step == .move(.init(rule: rule, from: old, to: moved)), "the day goes on for an hour, by the new rules")
        boundaries.done(step)
        #expect(boundaries.next(by: clock) == nil)
        let next = CalendarWindow(start: moved.end, end: moved.end + 86_400_000)
        let begin = CalendarBoundaries.Step.begin(.init(rule: rule, from: moved, to: next))
        #expect(boundaries.next(by: try Self.clock("2026-11-30 02:00")) == begin)
    }

    @Test func aCalendarOutOfUseHasNoBoundaries() throws {
        let clock = try Self.clock("2026-11-29 12:00")
        var boundaries = CalendarBoundaries()
        boundaries.use(ZonedCalendar(.hour, in: .utc), at: clock.time)
        boundaries.use(ZonedCalendar(.day, in: Self.zone(0)), at: clock.time)
        #expect(boundaries.zones == [Self.name, .utc])
        #expect(boundaries.wakes(by: clock) == clock.now + 3_600_000)
        boundaries.drop(CalendarRule(.hour))
        #expect(boundaries.window(of: CalendarRule(.hour)) == nil)
        #expect(boundaries.zones == [Self.name])
        #expect(boundaries.wakes(by: clock) == clock.now + 43_200_000)
        boundaries.drop(CalendarRule(.day, in: Self.name))
        #expect(boundaries.wakes(by: clock) == nil)
    }
}
