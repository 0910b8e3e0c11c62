import FuseboxCore
import FuseboxWire

/// The engine's clock, and what the state records of it.
extension Engine {
    /// Takes a reading of the clocks, and does what time alone makes due. Call it once a turn, before any frame.
    ///
    /// - Returns: what operators may want to know
    @discardableResult
    package mutating func advance(_ reading: ClockReading) -> [EngineClock.News] {
        var news: [EngineClock.News] = []
        if let shown = clock.read(reading) { news.append(shown) }
        now = clock.now
        if let advanceAgainAt, now < advanceAgainAt { return news }
        advanceAgainAt = nil
        do throws(Refusal) {
            try recordLead()
            try turnCalendars()
            if clock.isFarAhead { news.append(try takeClockBack()) }
            try doWhatIsDue(at: clock.moment)
        } catch {
            // The journal has no room. What is due stays due.
            advanceAgainAt = now + Self.retryMilliseconds
        }
        if !queue.isEmpty { takeTurns(at: clock.moment) }
        return news
    }

    /// Advances to a moment of a clock that is synchronised.
    public mutating func advance(to moment: Moment) { advance(ClockReading(moment)) }

    private static var retryMilliseconds: Int64 { 1_000 }

    /// Records a step of the wall clock. A restart adds the wall-clock time since the last recorded moment to the
    /// steady clock, and the step would count as time that has passed.
    private mutating func recordLead() throws(Refusal) {
        guard (clock.lead - state.lead).magnitude > UInt64(EngineClock.stepMilliseconds) else { return }
        let placement = try commit.reserve(payload: Bounds.ownPayload)
        state.machine.passTime(to: clock.moment)
        state.lead = clock.lead
        recordOwn(RecordClock(lead: clock.lead), placement)
    }

    /// Takes dates back to the calendar's time, because they had followed a wrong clock.
    private mutating func takeClockBack() throws(Refusal) -> EngineClock.News {
        let placement = try commit.reserve(payload: Bounds.ownPayload)
        let ahead = clock.moment.wall
        clock.takeBack()
        let moment = clock.moment
        state.machine.takeClockBack(to: moment.wall, at: moment.now)
        startedAt = min(startedAt, moment.wall)
        recordOwn(TakeClockBack(wall: moment.wall), placement)
        return .takenBack(from: ahead, reopened: calendars?.takenBack() ?? 0)
    }
}
