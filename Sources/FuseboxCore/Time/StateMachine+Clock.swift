import FuseboxWire

extension StateMachine {
    /// Sets the wall clock back to an earlier moment.
    ///
    /// It is an input like a command, and the only one that moves a clock back. The steady clock is not set back. The
    /// windows of calendars are inputs of their own.
    public mutating func takeClockBack(to wall: Timestamp, at now: Timestamp) {
        lastMoment = Moment(now: max(now, lastMoment.now), wall: min(wall, lastMoment.wall))
    }
}
