import FuseboxCore
import FuseboxWire

extension Engine {
    /// Takes the daemon's dates back to the system's wall clock, because they had followed a wrong clock.
    ///
    /// - Returns: how many budget periods were closed too early and are open again
    /// - Throws: `storageFailed` or `busy` if this cannot be journaled now; nothing has changed then
    package mutating func takeClockBack(to wall: Timestamp, at moment: Moment) throws(Refusal) -> Int {
        let placement = try commit.reserve(payload: Bounds.ownPayload)
        let reopened = state.machine.takeClockBack(to: wall, at: moment.now)
        startedAt = min(startedAt, wall)
        recordOwn(TakeClockBack(wall: wall), placement)
        return reopened
    }
}
