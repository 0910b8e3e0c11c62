import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// The daemon's readings of the system's clocks.
extension Server {
    /// Reads the clocks, and does what time alone makes due. Called once a turn.
    func readClocks() {
        let reading = ClockReading(
            boottime: SystemClock.bootMilliseconds, realtime: SystemClock.wallMilliseconds,
            isSynchronised: isClockSynchronised)
        let news = keeper.beginTurn(reading)
        moment = keeper.engine.clock.moment
        for news in news { tell(news) }
        tellCalendars()
    }

    /// Logs that a start does not believe the wall clock yet.
    func logStart(of clock: EngineClock) {
        guard clock.isStartInDoubt else { return }
        log(
            .warning,
            "the wall clock shows \(date(clock.system)) and is not synchronised; the last recorded date is \(date(clock.moment.wall)); \(Self.rule), or is synchronised"
        )
    }

    private func tell(_ news: EngineClock.News) {
        let clock = keeper.engine.clock
        switch news {
        case .stepped(let step):
            log(
                .warning,
                "the wall clock was stepped by \(step) ms to \(date(clock.system)); durations are not affected; \(Self.rule)"
            )
        case .returned(let step):
            log(.notice, "the wall clock was stepped by \(step) ms and shows the time again that dates follow")
        case .believed:
            log(.notice, "dates follow the wall clock again: \(date(clock.system))")
        case .takenBack(let ahead, let reopened):
            log(
                .critical,
                "the recorded date \(date(ahead)) is more than a day ahead of the synchronised wall clock \(date(clock.system)); dates are taken back to the wall clock; windows of calendars that are open again: \(reopened)"
            )
        }
    }

    /// Logs that the zone of a limit cannot be read, and that all of them can be read again.
    private func tellCalendars() {
        let trouble = keeper.engine.calendarTrouble
        guard trouble != calendarTrouble else { return }
        calendarTrouble = trouble
        guard let trouble else { return log(.notice, "the time zones of all limits can be read again") }
        log(.warning, "\(trouble); windows of limits by this zone do not end until it can be read")
    }

    private func date(_ moment: Timestamp) -> String { Log.date(moment.milliseconds) }

    private static var rule: String {
        "dates and windows of calendars follow it once it has kept its time for ten minutes"
    }
}
