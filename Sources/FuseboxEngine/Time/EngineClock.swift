import FuseboxWire

/// Turns readings of the system's clocks into the daemon's time.
///
/// The steady clock runs on CLOCK_BOOTTIME. Across a restart it is continued from the last recorded moment by the
/// wall-clock time that has passed since, never less than zero.
///
/// The wall clock is the system's, forward only, and not in leaps: a lead of more than a day is doubted until the system's
/// clock has kept it for ten minutes, because budget periods that it ends do not come back. Until then dates go on as
/// the steady clock does. A lead that a start finds is believed at once if the system's clock is synchronised: then it is
/// the time that the daemon was down.
public struct EngineClock: Sendable {
    /// A wall-clock step larger than this is reported.
    public static let reportedStepMilliseconds: Int64 = 1_000
    /// A lead of the system's clock that is larger is doubted; a lead of the daemon's dates that is larger is wrong.
    public static let doubtedStepMilliseconds: Int64 = 86_400_000
    /// How long the system's clock has to keep a lead.
    public static let doubtMilliseconds: Int64 = 600_000

    private let offset: Int64
    private var wall: Timestamp
    /// The system's wall clock less its steady clock, as of the last step, and since when on the steady clock.
    private var wallMinusBoot: Int64
    private var keptSince: Int64
    /// The difference that dates follow.
    private var believed: Int64

    /// - Parameters:
    ///   - recorded: the last moment that the recovered state knows; nil at the very first start
    ///   - boottime: CLOCK_BOOTTIME now, in milliseconds
    ///   - realtime: CLOCK_REALTIME now, in milliseconds since the epoch
    ///   - isSynchronised: whether the system knows the time from elsewhere
    public init(continuing recorded: Moment?, boottime: Int64, realtime: Int64, isSynchronised: Bool) {
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
    public var isDoubting: Bool { believed != wallMinusBoot }

    /// The moment that two readings mean, and by how much the wall clock was stepped since the last, if it was.
    public mutating func moment(boottime: Int64, realtime: Int64) -> (moment: Moment, stepMilliseconds: Int64?) {
        let step = realtime - boottime - wallMinusBoot
        let isStep = step.magnitude > UInt64(Self.reportedStepMilliseconds)
        if isStep {
            wallMinusBoot += step
            keptSince = boottime
        }
        if wallMinusBoot - believed <= Self.doubtedStepMilliseconds || boottime - keptSince >= Self.doubtMilliseconds {
            believed = wallMinusBoot
        }
        // What has been slewed since the last step counts too.
        let shown = isDoubting ? boottime + believed : realtime
        wall = max(wall, Timestamp(milliseconds: shown))
        let moment = Moment(now: Timestamp(milliseconds: offset + boottime), wall: wall)
        return (moment, isStep ? step : nil)
    }

    /// Whether the daemon's dates are so far ahead of the system's wall clock that they have followed a wrong one.
    public func isFarAhead(of realtime: Int64) -> Bool {
        wall - Timestamp(milliseconds: realtime) > Self.doubtedStepMilliseconds
    }

    /// Takes the dates back to the system's wall clock; the steady clock goes on.
    public mutating func takeBack(to realtime: Int64) {
        wall = Timestamp(milliseconds: realtime)
        believed = wallMinusBoot
    }
}
