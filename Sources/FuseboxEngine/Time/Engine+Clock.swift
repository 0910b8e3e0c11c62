import FuseboxCore
import FuseboxWire

extension Engine {
    /// Takes the daemon's dates back to the system's wall clock, because they had followed a wrong clock.
    ///
    /// - Throws: `storageFailed` or `busy` if this cannot be journaled now; nothing has changed then
    package mutating func takeClockBack(to wall: Timestamp, at moment: Moment) throws(Refusal) {
        let placement = try commit.reserve(payload: Bounds.ownPayload)
        state.machine.takeClockBack(to: wall, at: moment.now)
        startedAt = min(startedAt, wall)
        recordOwn(TakeClockBack(wall: wall), placement)
    }
}
