import FuseboxWire

/// The stretch of the calendar that budgets are for. All of it is UTC, on the wall clock.
public struct BudgetPeriod: Sendable, Equatable {
    /// How long a period is.
    public private(set) var length: PeriodLength
    /// When it began.
    public private(set) var start: Timestamp
    /// When it ends; nil if it ends by a reset alone.
    public private(set) var end: Timestamp?

    /// A period that ends at the first boundary of the calendar after its start.
    public init(_ length: PeriodLength, start: Timestamp) {
        self.length = length
        self.start = start
        end = Self.boundary(after: start, length)
    }

    /// A period whose end is known: that of a restored state.
    public init(_ length: PeriodLength, start: Timestamp, end: Timestamp?) {
        self.length = length
        self.start = start
        self.end = end
    }

    /// Whether a moment lies beyond its end.
    public func isOver(at wall: Timestamp) -> Bool {
        guard let end else { return false }
        return wall >= end
    }

    /// The period that a moment lies in, where this one is over.
    public func successor(at wall: Timestamp) -> BudgetPeriod {
        BudgetPeriod(length, start: Self.boundary(before: wall, length) ?? wall)
    }

    /// This period with another length; it keeps its start.
    public func resized(to length: PeriodLength, at wall: Timestamp) -> BudgetPeriod {
        BudgetPeriod(length, start: start, end: Self.boundary(after: wall, length))
    }

    private static let day: Int64 = 86_400_000

    // What follows counts days of moments up to the year 275760, and as far before the epoch: fewer than 2²⁷ of them,
    // whose milliseconds stay far from the range's end. Other moments are taken as the nearest end of that range.

    /// The last boundary at or before a moment.
    static func boundary(before moment: Timestamp, _ length: PeriodLength) -> Timestamp? {
        let reach = Timestamp.latest.milliseconds
        let days = floorDivide(min(max(moment.milliseconds, -reach), reach), day)
        switch length {
        case .manual, .unknown: return nil
        case .day: return Timestamp(milliseconds: days * day)
        case .week:
            // The epoch was a Thursday: Monday is three days before it.
            return Timestamp(milliseconds: (floorDivide(days + 3, 7) * 7 - 3) * day)
        case .month:
            let (year, month) = yearAndMonth(ofDay: days)
            return Timestamp(milliseconds: firstDay(year: year, month: month) * day)
        }
    }

    /// The first boundary after a moment.
    static func boundary(after moment: Timestamp, _ length: PeriodLength) -> Timestamp? {
        guard let start = boundary(before: moment, length) else { return nil }
        switch length {
        case .manual, .unknown: return nil
        case .day: return start + day
        case .week: return start + 7 * day
        case .month:
            let (year, month) = yearAndMonth(ofDay: floorDivide(start.milliseconds, day))
            let next = month == 12 ? (year: year + 1, month: 1) : (year: year, month: month + 1)
            return Timestamp(milliseconds: firstDay(year: next.year, month: next.month) * day)
        }
    }

    // MARK: The proleptic Gregorian calendar

    /// The number of days from the epoch to the first of a month.
    private static func firstDay(year: Int64, month: Int64) -> Int64 {
        let (leapBase, monthIndex) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
        // Years begin in March here, so that the leap day is the last of a year.
        let daysBeforeMonth = (153 * monthIndex + 2) / 5
        return leapBase * 365 + floorDivide(leapBase, 4) - floorDivide(leapBase, 100) + floorDivide(leapBase, 400)
            + daysBeforeMonth - 719_468
    }

    private static func yearAndMonth(ofDay day: Int64) -> (year: Int64, month: Int64) {
        // An estimate that is at most one year off, then the exact answer.
        var year = floorDivide(day * 400, 146_097) + 1970
        while firstDay(year: year, month: 1) > day { year -= 1 }
        while firstDay(year: year + 1, month: 1) <= day { year += 1 }
        var month: Int64 = 12
        while firstDay(year: year, month: month) > day { month -= 1 }
        return (year, month)
    }

    private static func floorDivide(_ dividend: Int64, _ divisor: Int64) -> Int64 {
        let quotient = dividend / divisor
        return dividend % divisor < 0 ? quotient - 1 : quotient
    }
}
