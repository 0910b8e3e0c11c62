/// A moment: milliseconds since the Unix epoch.
///
/// Moments of the daemon's clock never go backwards. They start at wall-clock time and keep running when the
/// wall clock is stepped; see `Moment`.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    public var milliseconds: Int64

    /// The earliest moment that the state knows: the epoch.
    public static let earliest = Timestamp(milliseconds: 0)

    /// The latest moment that the state knows, in the year 275760: the last that JavaScript's dates can name. A duration
    /// added to it stays far from the range's end.
    public static let latest = Timestamp(milliseconds: 8_640_000_000_000_000)

    /// The moment so many milliseconds after the epoch.
    @inlinable
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    @inlinable
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// The moment this many milliseconds later; the range's end if it lies beyond it.
    @inlinable
    public static func + (moment: Timestamp, milliseconds: Int64) -> Timestamp {
        let (sum, overflow) = moment.milliseconds.addingReportingOverflow(milliseconds)
        return Timestamp(milliseconds: overflow ? (milliseconds > 0 ? .max : .min) : sum)
    }

    /// The moment this many milliseconds earlier; the range's end if it lies beyond it.
    @inlinable
    public static func - (moment: Timestamp, milliseconds: Int64) -> Timestamp {
        let (difference, overflow) = moment.milliseconds.subtractingReportingOverflow(milliseconds)
        return Timestamp(milliseconds: overflow ? (milliseconds > 0 ? .min : .max) : difference)
    }

    /// The milliseconds from `earlier` to `later`.
    @inlinable
    public static func - (later: Timestamp, earlier: Timestamp) -> Int64 {
        let (difference, overflow) = later.milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        return overflow ? (later > earlier ? .max : .min) : difference
    }
}

/// The two clocks as one reading: what a decision is made at.
public struct Moment: Sendable, Hashable {
    /// The steady clock: every window, cooldown and decay runs on it. It is not stepped.
    public var now: Timestamp
    /// The wall clock: calendar periods begin on it, and people read it.
    public var wall: Timestamp

    /// The readings of both clocks.
    public init(now: Timestamp, wall: Timestamp) {
        self.now = now
        self.wall = wall
    }

    /// This moment, with clocks that lie outside the range that the state knows taken as the nearest end of it.
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
