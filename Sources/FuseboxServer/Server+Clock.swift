import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// The daemon's readings of the system's clocks, and its reaction to a wrong wall clock.
extension Server {
    /// Reads the clocks. Called once a turn.
    func readClocks() {
        let realtime = SystemClock.wallMilliseconds
        let boottime = SystemClock.bootMilliseconds
        let wasDoubting = clock.isDoubting
        let (moment, step) = clock.moment(boottime: boottime, realtime: realtime)
        self.moment = moment
        reading = ClockReading(
            boottime: boottime, realtime: realtime, isSynchronised: keeper.engine.census.isClockSynchronised)
        keeper.engine.census.wallLead = Timestamp(milliseconds: realtime) - moment.wall
        if let step {
            log(.warning, "the wall clock was stepped by \(step) ms; windows and cooldowns are not affected")
        }
        if clock.isDoubting != wasDoubting { logClockDoubt() }
    }

    /// Logs whether dates follow the system's wall clock.
    func logClockDoubt() {
        let system = Log.date(SystemClock.wallMilliseconds)
        if clock.isDoubting {
            log(
                .warning,
                "the wall clock shows \(system), more than a day after \(Log.date(moment.wall.milliseconds)); dates and budget periods follow it if it keeps that time for ten minutes"
            )
        } else {
            log(.notice, "dates and budget periods follow the wall clock again: \(system)")
        }
    }

    /// Records whether the wall clock is synchronised. If dates are more than a day ahead of a synchronised clock, they
    /// are taken back to it. Call this inside a turn, about once a second.
    func checkClock() {
        let isSynchronised = SystemClock.isSynchronised
        keeper.engine.census.isClockSynchronised = isSynchronised
        let realtime = SystemClock.wallMilliseconds
        guard isSynchronised, clock.isFarAhead(of: realtime) else { return }
        let ahead = moment.wall
        do throws(Refusal) {
            try keeper.engine.takeClockBack(to: Timestamp(milliseconds: realtime), at: moment)
            clock.takeBack(to: realtime)
            readClocks()
            // So that a snapshot of this turn has the new date.
            keeper.beginTurn(at: moment, reading)
            log(
                .critical,
                "the recorded time \(Log.date(ahead.milliseconds)) is more than a day ahead of the synchronised wall clock \(Log.date(realtime)); dates are taken back to the wall clock"
            )
        } catch {
            let text = "dates are ahead of the wall clock and cannot be taken back yet: \(error.message)"
            if clockComplaint.shouldLog(text, at: moment.now) { log(.error, text) }
        }
    }
}
