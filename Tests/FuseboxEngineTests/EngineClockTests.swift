import Testing

/// The steady clock and dates. `BoundaryScript` says how the scripts are read, and `CalendarBoundariesTests` has those of
/// the calendar's time.
@Suite struct EngineClockTests {
    // MARK: While it runs

    @Test func bothClocksBeginAtTheWallClock() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 unsynchronised
            look         => now 2026-11-30 12:00, dates 2026-11-30 12:00, wall 2026-11-30 12:00
            pass 5m
            look         => now 2026-11-30 12:05, dates 2026-11-30 12:05, wall 2026-11-30 12:05
            """)
    }

    @Test func noStepChangesTheSteadyClock() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 synchronised
            step 2h      => stepped 2h
            look         => now 2026-11-30 12:00, dates 2026-11-30 12:00, wall 2026-11-30 14:00
            pass 10m     => believed 2h
            look         => now 2026-11-30 12:10, dates 2026-11-30 14:10, wall 2026-11-30 14:10
            step -5h     => stepped -5h
            pass 10m     => believed -5h
            look         => now 2026-11-30 12:20, dates 2026-11-30 14:10, wall 2026-11-30 09:20
            """)
    }

    @Test func datesGoOnWithoutAStepThatIsInDoubt() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 synchronised
            step 40d     => stepped 40d
            pass 9m
            look         => now 2026-11-30 12:09, dates 2026-11-30 12:09, wall 2027-01-09 12:09
            step -40d    => returned -40d
            pass 1h
            look         => now 2026-11-30 13:09, dates 2026-11-30 13:09, wall 2026-11-30 13:09
            """)
    }

    @Test func datesStandStillWhileTheWallClockIsBehindThem() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 synchronised
            step -2h     => stepped -2h
            pass 1h      => believed -2h
            look         => now 2026-11-30 13:00, dates 2026-11-30 12:00, wall 2026-11-30 11:00
            pass 90m
            look         => now 2026-11-30 14:30, dates 2026-11-30 12:30, wall 2026-11-30 12:30
            """)
    }

    @Test func aCorrectionMovesDatesAtOnce() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 11:59 synchronised
            pass 59s
            step 1s
            look         => now 2026-11-30 11:59, dates 2026-11-30 12:00, wall 2026-11-30 12:00
            """)
    }

    // MARK: From one start to the next

    @Test(arguments: ["down", "reboot"])
    func aStartAddsTheTimeThatPassed(_ start: String) throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 synchronised
            pass 5m
            \(start) 3h
            look         => now 2026-11-30 15:05, dates 2026-11-30 15:05, wall 2026-11-30 15:05
            """)
    }

    @Test(arguments: ["down", "reboot"])
    func datesWaitForAClockThatIsNotSynchronised(_ start: String) throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 unsynchronised
            \(start) 3h
            look         => now 2026-11-30 15:00, dates 2026-11-30 12:00, wall 2026-11-30 15:00
            pass 1m
            look         => now 2026-11-30 15:01, dates 2026-11-30 12:01, wall 2026-11-30 15:01
            synchronised => believed 3h
            look         => now 2026-11-30 15:01, dates 2026-11-30 15:01, wall 2026-11-30 15:01
            """)
    }

    /// The state records how far the wall clock is ahead of the steady clock, in doubt or not.
    @Test(arguments: ["down", "reboot"])
    func aStepBeforeAStartIsNotTimeThatPassed(_ start: String) throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 unsynchronised
            step 2h      => stepped 2h
            pass 5m
            \(start) 3m
            look         => now 2026-11-30 12:08, dates 2026-11-30 12:05, wall 2026-11-30 14:08
            pass 10m     => believed 123m
            \(start) 1m
            look         => now 2026-11-30 12:19, dates 2026-11-30 14:18, wall 2026-11-30 14:19
            """)
    }

    @Test(arguments: ["down", "reboot"])
    func aStepBackBeforeAStartTakesNoTimeAway(_ start: String) throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 unsynchronised
            step -2h     => stepped -2h
            pass 5m
            \(start) 3m
            look         => now 2026-11-30 12:08, dates 2026-11-30 12:00, wall 2026-11-30 10:08
            pass 10m     => believed -112m
            \(start) 1m
            look         => now 2026-11-30 12:19, dates 2026-11-30 12:00, wall 2026-11-30 10:19
            """)
    }

    @Test(arguments: ["down", "reboot"])
    func ifTheWallClockIsSetBackMeanwhileTimeStandsStill(_ start: String) throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 synchronised
            pass 5m
            unseen -2h
            \(start) 1h
            look         => now 2026-11-30 12:05, dates 2026-11-30 12:05, wall 2026-11-30 11:05
            pass 1m
            look         => now 2026-11-30 12:06, dates 2026-11-30 12:05, wall 2026-11-30 11:06
            """)
    }

    // MARK: Back to the truth

    @Test func datesFarAheadOfASynchronisedClockGoBackAndTheSteadyClockGoesOn() throws {
        try BoundaryScript.run(
            """
            start 2036-11-30 12:00 unsynchronised
            pass 5m
            unseen -3653d
            down 1m
            look         => now 2036-11-30 12:05, dates 2036-11-30 12:05, wall 2026-11-30 12:06
            pass 1m
            synchronised => believed -5260319m, take back to 2026-11-30 12:07
            look         => now 2036-11-30 12:06, dates 2026-11-30 12:07, wall 2026-11-30 12:07
            reboot 1m
            look         => now 2036-11-30 12:07, dates 2026-11-30 12:08, wall 2026-11-30 12:08
            """)
    }

    @Test func aDayIsNotFar() throws {
        try BoundaryScript.run(
            """
            start 2026-11-30 12:00 unsynchronised
            pass 5m
            unseen -1d
            down 1m
            synchronised => believed -1439m
            look         => now 2026-11-30 12:05, dates 2026-11-30 12:05, wall 2026-11-29 12:06
            """)
    }
}
