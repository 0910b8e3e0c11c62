/// A date of the proleptic Gregorian calendar, without a time zone.
///
/// Days and months are counted from 1970-01-01. Years must be within ±300,000; `Timestamp.latest` is in the year
/// 275760.
package struct CivilDate: Sendable, Hashable {
    package var year: Int64
    /// 1 to 12.
    package var month: Int64
    /// 1 to 31.
    package var day: Int64

    package init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date this many days after 1970-01-01.
    package init(dayNumber: Int64) {
        // Years begin in March here, so that the leap day is the last day of a year. An era is 400 years, after which
        // the calendar repeats. One began on 0000-03-01, which is 719,468 days before 1970-01-01.
        let days = dayNumber + 719_468
        let era = days.floorDivided(by: 146_097)
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// A day of the month that is this many months after January 1970; the month's last day if it is shorter.
    package init(monthNumber: Int64, day: Int64) {
        year = 1970 + monthNumber.floorDivided(by: 12)
        month = monthNumber - (year - 1970) * 12 + 1
        self.day = min(day, Self.length(ofMonth: month, year: year))
    }

    /// The days from 1970-01-01 to this date.
    package var dayNumber: Int64 {
        let shifted = month > 2 ? year : year - 1
        let era = shifted.floorDivided(by: 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The months from January 1970 to the month of this date.
    package var monthNumber: Int64 { (year - 1970) * 12 + month - 1 }

    /// Whether the calendar has this date.
    package var isValid: Bool {
        (1...12).contains(month) && day >= 1 && day <= Self.length(ofMonth: month, year: year)
    }

    /// The days of a month, 28 to 31.
    package static func length(ofMonth month: Int64, year: Int64) -> Int64 {
        guard month == 2 else { return [4, 6, 9, 11].contains(month) ? 30 : 31 }
        return isLeap(year) ? 29 : 28
    }

    package static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// The weekday of a day number, from Monday (0) to Sunday (6).
    package static func weekday(ofDay dayNumber: Int64) -> Int64 {
        // 1970-01-01 was a Thursday.
        let days = dayNumber + 3
        return days - days.floorDivided(by: 7) * 7
    }
}

extension Int64 {
    /// The quotient, rounded down. The divisor must be positive.
    package func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
