/// The division of the calendar into the windows of a limit: a unit with its anchor, in a time zone.
public struct CalendarRule: Sendable, Hashable {
    /// The unit, with the day on which each one begins.
    public var unit: CalendarUnit
    /// The time zone of the boundaries.
    public var zone: ZoneName

    /// Windows of this unit in a zone.
    public init(_ unit: CalendarUnit, in zone: ZoneName = .utc) {
        self.unit = unit
        self.zone = zone
    }
}

/// A unit of the calendar, with the day on which each one begins.
///
/// Days and longer units begin at midnight. If a month lacks the day, the unit begins on the month's last day.
public enum CalendarUnit: Sendable, Hashable {
    /// From one full hour of the zone's clock to the next.
    case hour
    /// From midnight to midnight.
    case day
    /// Begins on this weekday.
    case week(from: Weekday)
    /// Begins on this day of each month.
    case month(from: DayOfMonth)
    /// Begins on this day of January, April, July and October.
    case quarter(from: DayOfMonth)
    /// Begins on this day of each year.
    case year(from: DayOfYear)
}

/// A day of the week.
public enum Weekday: UInt8, Sendable, CaseIterable {
    case monday, tuesday, wednesday, thursday, friday, saturday, sunday
}

/// A day of each month: 1 to 31.
public struct DayOfMonth: Sendable, Hashable {
    /// 1 to 31.
    public let day: UInt8

    /// The first of a month.
    public static let first = DayOfMonth(unchecked: 1)

    /// This day; nil unless it is 1 to 31.
    public init?(_ day: Int) {
        guard (1...31).contains(day) else { return nil }
        self.init(unchecked: UInt8(day))
    }

    private init(unchecked day: UInt8) { self.day = day }
}

/// A day of each year: a month and a day of it. In years without February 29, it is February 28.
public struct DayOfYear: Sendable, Hashable {
    /// 1 to 12.
    public let month: UInt8
    /// 1 to 31.
    public let day: UInt8

    /// January 1.
    public static let first = DayOfYear(uncheckedMonth: 1, day: 1)

    /// This day; nil if no year has it.
    public init?(month: Int, day: Int) {
        // 2000 is a leap year.
        guard (1...12).contains(month), (1...31).contains(day),
            CivilDate(year: 2000, month: Int64(month), day: Int64(day)).isValid
        else { return nil }
        self.init(uncheckedMonth: UInt8(month), day: UInt8(day))
    }

    private init(uncheckedMonth month: UInt8, day: UInt8) {
        self.month = month
        self.day = day
    }
}

/// One period of the calendar, on the wall clock. Its end is the start of the next.
public struct CalendarWindow: Sendable, Hashable {
    /// The first moment of the period.
    public var start: Timestamp
    /// The first moment after the period.
    public var end: Timestamp

    /// A period from `start` to just before `end`.
    public init(start: Timestamp, end: Timestamp) {
        self.start = start
        self.end = end
    }
}
