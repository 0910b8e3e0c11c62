import FuseboxWire

/// Turns readings of the system's clocks into the daemon's time.
///
/// The steady clock runs on CLOCK_BOOTTIME. Across a restart it is continued from the last recorded moment by the
/// wall-clock time that has passed since, never less than zero. The wall clock is the system's, forward only.
public struct EngineClock: Sendable {
    /// A wall-clock step larger than this is reported.
    public static let reportedStepMilliseconds: Int64 = 1_000

    private let offset: Int64
    private var wall: Timestamp
    private var wallMinusBoot: Int64

    /// - Parameters:
    ///   - recorded: the last moment that the recovered state knows; nil at the very first start
    ///   - boottime: CLOCK_BOOTTIME now, in milliseconds
    ///   - realtime: CLOCK_REALTIME now, in milliseconds since the epoch
    public init(continuing recorded: Moment?, boottime: Int64, realtime: Int64) {
        if let recorded {
            let passed = max(0, realtime - recorded.wall.milliseconds)
            offset = recorded.now.milliseconds + passed - boottime
            wall = max(recorded.wall, Timestamp(milliseconds: realtime))
        } else {
            offset = realtime - boottime
            wall = Timestamp(milliseconds: realtime)
        }
        wallMinusBoot = realtime - boottime
    }

    /// The moment that two readings mean, and by how much the wall clock was stepped since the last, if it was.
    public mutating func moment(boottime: Int64, realtime: Int64) -> (moment: Moment, stepMilliseconds: Int64?) {
        wall = max(wall, Timestamp(milliseconds: realtime))
        let moment = Moment(now: Timestamp(milliseconds: offset + boottime), wall: wall)
        let step = realtime - boottime - wallMinusBoot
        guard step.magnitude > UInt64(Self.reportedStepMilliseconds) else { return (moment, nil) }
        wallMinusBoot += step
        return (moment, step)
    }
}
