import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// The system's clocks as the daemon reads them, and what it says and does when the wall clock is wrong.
extension Server {
    /// Reads the clocks: once a turn.
    func readClocks() {
        let realtime = SystemClock.wallMilliseconds
        let wasDoubting = clock.isDoubting
        let (moment, step) = clock.moment(boottime: SystemClock.bootMilliseconds, realtime: realtime)
        self.moment = moment
        keeper.engine.census.wallLead = Timestamp(milliseconds: realtime) - moment.wall
        if let step {
            log(.warning, "the wall clock was stepped by \(step) ms; windows and cooldowns are not affected")
        }
        if clock.isDoubting != wasDoubting { tellDoubt() }
    }

    /// Says whether dates follow the system's wall clock.
    func tellDoubt() {
        let system = Log.date(SystemClock.wallMilliseconds)
        if clock.isDoubting {
            log(
                .warning,
                "the wall clock says \(system), more than a day after \(Log.date(moment.wall.milliseconds)): dates and budget periods follow it once it has kept that time for ten minutes"
            )
        } else {
            log(.notice, "dates and budget periods follow the wall clock again: \(system)")
        }
    }

    /// Notes whether the wall clock is synchronised, and takes dates back to it that are far ahead of it. Call it in a
    /// turn, about once a second.
    func checkClock() {
        let isSynchronised = SystemClock.isSynchronised
        keeper.engine.census.isClockSynchronised = isSynchronised
        let realtime = SystemClock.wallMilliseconds
        guard isSynchronised, clock.isFarAhead(of: realtime) else { return }
        let ahead = moment.wall
        do throws(Refusal) {
            let reopened = try keeper.engine.takeClockBack(to: Timestamp(milliseconds: realtime), at: moment)
            clock.takeBack(to: realtime)
            readClocks()
            // A snapshot of this turn has the new date.
            keeper.beginTurn(at: moment)
            log(
                .critical,
                "the recorded time, \(Log.date(ahead.milliseconds)), is more than a day ahead of the wall clock, \(Log.date(realtime)), which is synchronised: dates are taken back to it; budget periods that are open again: \(reopened)"
            )
        } catch {
            let text = "dates are ahead of the wall clock and cannot be taken back yet: \(error.message)"
            if clockComplaint.isNews(text, at: moment.now) { log(.error, text) }
        }
    }
}
