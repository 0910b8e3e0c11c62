/// A point in time: milliseconds since the Unix epoch.
///
/// It is read from one of two clocks, the steady one or the wall clock: see `Moment`.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    public var milliseconds: Int64

    /// The earliest moment that the state knows: the epoch.
    public static let earliest = Timestamp(milliseconds: 0)

    /// The latest moment that the state knows, in the year 275760: the last one of JavaScript's dates. A duration of at
    /// most 366 days can be added to it without an overflow.
    public static let latest = Timestamp(milliseconds: 8_640_000_000_000_000)

    /// The moment this many milliseconds after the epoch.
    @inlinable
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Whether the left moment is the earlier one.
    @inlinable
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// The moment this many milliseconds later; the end of the range if it is beyond that.
    @inlinable
    public static func + (moment: Timestamp, milliseconds: Int64) -> Timestamp {
        let (sum, overflow) = moment.milliseconds.addingReportingOverflow(milliseconds)
        return Timestamp(milliseconds: overflow ? (milliseconds > 0 ? .max : .min) : sum)
    }

    /// The moment this many milliseconds earlier; the end of the range if it is beyond that.
    @inlinable
    public static func - (moment: Timestamp, milliseconds: Int64) -> Timestamp {
        let (difference, overflow) = moment.milliseconds.subtractingReportingOverflow(milliseconds)
        return Timestamp(milliseconds: overflow ? (milliseconds > 0 ? .min : .max) : difference)
    }

    /// The milliseconds from `earlier` to `later`; the end of the range if they do not fit.
    @inlinable
    public static func - (later: Timestamp, earlier: Timestamp) -> Int64 {
        let (difference, overflow) = later.milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        return overflow ? (later > earlier ? .max : .min) : difference
    }
}

/// One reading of both clocks. Every command is applied at a moment.
public struct Moment: Sendable, Hashable {
    /// The steady clock. Windows, cooldowns and decay run on it. It starts at wall-clock time, never goes backwards,
    /// and does not follow steps of the wall clock.
    public var now: Timestamp
    /// The wall clock. Calendar periods begin on it, and dates are shown in it.
    public var wall: Timestamp

    /// A moment of these two readings.
    public init(now: Timestamp, wall: Timestamp) {
        self.now = now
        self.wall = wall
    }

    /// This moment with both clocks brought into the range `Timestamp.earliest` to `Timestamp.latest`.
    public var clamped: Moment {
        Moment(
            now: min(max(now, .earliest), .latest), wall: min(max(wall, .earliest), .latest))
    }

    /// A moment at which both clocks agree.
    public init(milliseconds: Int64) {
        now = Timestamp(milliseconds: milliseconds)
        wall = now
    }
}
