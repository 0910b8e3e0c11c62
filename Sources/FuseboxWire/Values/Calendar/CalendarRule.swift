/// How the calendar is divided into the windows of a limit: a unit with its anchor, in a time zone.
public struct CalendarRule: Sendable, Hashable {
    public var unit: CalendarUnit
    public var zone: ZoneName

    public init(_ unit: CalendarUnit, in zone: ZoneName = .utc) {
        self.unit = unit
        self.zone = zone
    }
}

/// A unit of the calendar and where each one begins.
///
/// A day begins at midnight, and each longer unit with the midnight of a date. If a month lacks that date, it is the month's
/// last day.
public enum CalendarUnit: Sendable, Hashable {
    /// From one full hour of the zone's clock to the next.
    case hour
    case day
    case week(from: Weekday)
    case month(from: DayOfMonth)
    /// Begins in January, April, July and October.
    case quarter(from: DayOfMonth)
    case year(from: DayOfYear)
}

/// A day of the week.
public enum Weekday: UInt8, Sendable, CaseIterable {
    case monday, tuesday, wednesday, thursday, friday, saturday, sunday
}

/// A day of each month: 1 to 31.
public struct DayOfMonth: Sendable, Hashable {
    public let day: UInt8

    /// The first of a month.
    public static let first = DayOfMonth(unchecked: 1)

    /// Nil if no month has such a day.
    public init?(_ day: Int) {
        guard (1...31).contains(day) else { return nil }
        self.init(unchecked: UInt8(day))
    }

    private init(unchecked day: UInt8) { self.day = day }
}

/// A day of each year: a month and a day of it. February 29 is the last day of February in years without it.
public struct DayOfYear: Sendable, Hashable {
    /// 1 to 12.
    public let month: UInt8
    /// 1 to 31.
    public let day: UInt8

    /// January 1.
    public static let first = DayOfYear(uncheckedMonth: 1, day: 1)

    /// Nil if no year has such a day.
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
    public var start: Timestamp
    /// The first moment after it.
    public var end: Timestamp

    public init(start: Timestamp, end: Timestamp) {
        self.start = start
        self.end = end
    }

    /// Whether a moment lies in it.
    public func holds(_ moment: Timestamp) -> Bool { start <= moment && moment < end }
}
