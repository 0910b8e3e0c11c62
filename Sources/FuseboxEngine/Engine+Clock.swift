import FuseboxCore
import FuseboxWire

extension Engine {
    /// Takes the daemon's dates back to the system's wall clock: they had followed a wrong one.
    ///
    /// - Returns: how many budget periods are open again that had been closed ahead of it
    /// - Throws: `storageFailed` or `busy` if it cannot be written down now; then nothing has changed
    public mutating func takeClockBack(to wall: Timestamp, at moment: Moment) throws(Refusal) -> Int {
        let isJournaled = try room.reserve(payload: 64)
        let reopened = state.machine.takeClockBack(to: wall, at: moment.now)
        startedAt = min(startedAt, wall)
        guard isJournaled else {
            state.sequence += 1
            return reopened
        }
        var payload = ByteWriter(capacity: 16)
        TakeClockBack(wall: wall).encode(into: &payload)
        unsafe payload.withBytes { unsafe record(TakeClockBack.declaration.number, $0, nil, by: 0) }
        return reopened
    }
}
