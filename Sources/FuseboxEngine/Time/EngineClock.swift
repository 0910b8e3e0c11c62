import FuseboxCore
import FuseboxWire

/// Turns readings of the system's clocks into the daemon's time.
///
/// The steady clock runs on CLOCK_BOOTTIME. A restart continues it from the last recorded moment and adds the
/// wall-clock time that has passed since, if that is positive.
///
/// Dates follow the system's wall clock, but never go back and do not leap. If the system's clock leaps ahead by more
/// than a day, the lead is doubted until the clock has kept it for ten minutes, because a budget period that ends does
/// not come back. Until then dates run with the steady clock. A lead at a start is believed at once if the system's
/// clock is synchronised, because it is then the time that the daemon was down.
package struct EngineClock: Sendable {
    /// A wall-clock step larger than this is reported.
    package static let reportedStepMilliseconds: Int64 = 1_000
    /// A larger lead of the system's clock is doubted. If the daemon's dates are ahead by more than this, they are
    /// wrong.
    package static let doubtedStepMilliseconds: Int64 = 86_400_000
    /// How long the system's clock must keep a lead before it is believed.
    package static let doubtMilliseconds = Bounds.clockDoubtMilliseconds

    private let offset: Int64
    private var wall: Timestamp
    /// The system's wall clock minus its steady clock since the last step, and when that step was on the steady clock.
    private var wallMinusBoot: Int64
    private var keptSince: Int64
    /// The difference that dates follow.
    private var believed: Int64

    /// A clock that continues after a start.
    ///
    /// - Parameters:
    ///   - recorded: the last moment in the recovered state; nil at the very first start
    ///   - boottime: CLOCK_BOOTTIME now, in milliseconds
    ///   - realtime: CLOCK_REALTIME now, in milliseconds since the epoch
    ///   - isSynchronised: whether the kernel reports a synchronised clock
    package init(continuing recorded: Moment?, boottime: Int64, realtime: Int64, isSynchronised: Bool) {
        wallMinusBoot = realtime - boottime
        believed = wallMinusBoot
        keptSince = boottime
        guard let recorded else {
            offset = realtime - boottime
            wall = Timestamp(milliseconds: realtime)
            return
        }
        let lead = Timestamp(milliseconds: realtime) - recorded.wall
        offset = recorded.now.milliseconds + max(0, lead) - boottime
        wall = recorded.wall
        if lead > Self.doubtedStepMilliseconds, !isSynchronised { believed = recorded.wall.milliseconds - boottime }
        wall = max(wall, Timestamp(milliseconds: boottime + believed))
    }

    /// Whether the system's wall clock is so far ahead that dates do not follow it yet.
    package var isDoubting: Bool { believed != wallMinusBoot }

    /// The moment of two readings. Also returns by how much the wall clock was stepped since the last readings; nil if
    /// it was not.
    package mutating func moment(boottime: Int64, realtime: Int64) -> (moment: Moment, stepMilliseconds: Int64?) {
        let step = realtime - boottime - wallMinusBoot
        let isStep = step.magnitude > UInt64(Self.reportedStepMilliseconds)
        if isStep {
            wallMinusBoot += step
            keptSince = boottime
        }
        if wallMinusBoot - believed <= Self.doubtedStepMilliseconds || boottime - keptSince >= Self.doubtMilliseconds {
            believed = wallMinusBoot
        }
        // Small corrections since the last step count too.
        let shown = isDoubting ? boottime + believed : realtime
        wall = max(wall, Timestamp(milliseconds: shown))
        let moment = Moment(now: Timestamp(milliseconds: offset + boottime), wall: wall)
        return (moment, isStep ? step : nil)
    }

    /// Whether the daemon's dates are so far ahead of the system's wall clock that they have followed a wrong one.
    package func isFarAhead(of realtime: Int64) -> Bool {
        wall - Timestamp(milliseconds: realtime) > Self.doubtedStepMilliseconds
    }

    /// Takes the dates back to the system's wall clock. The steady clock continues.
    package mutating func takeBack(to realtime: Int64) {
        wall = Timestamp(milliseconds: realtime)
        believed = wallMinusBoot
    }
}
