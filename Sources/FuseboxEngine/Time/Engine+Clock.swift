import FuseboxCore
import FuseboxWire

extension Engine {
    /// Takes the daemon's dates back to the system's wall clock: they had followed a wrong one.
    ///
    /// - Returns: how many budget periods are open again that had been closed ahead of it
    /// - Throws: `storageFailed` or `busy` if it cannot be written down now; then nothing has changed
    public mutating func takeClockBack(to wall: Timestamp, at moment: Moment) throws(Refusal) -> Int {
        let placement = try commit.reserve(payload: Limits.ownPayload)
        let reopened = state.machine.takeClockBack(to: wall, at: moment.now)
        startedAt = min(startedAt, wall)
        recordOwn(TakeClockBack(wall: wall), placement)
        return reopened
    }
}
