import FuseboxWire

/// The windows of a calendar rule. Each window begins where the one before it ends.
///
/// If the zone's clock skips midnight, the day begins with the first moment after the change. If midnight comes twice,
/// the day begins with the first one. An hour begins when the clock shows a full hour, and when the clock is put
/// forward past one. So an hour that the clock shows twice is two windows, and a clock that is put back by half an hour
/// makes a window of 90 minutes.
package struct ZonedCalendar: Sendable, Equatable {
    /// The unit of the windows.
    package let unit: CalendarUnit
    /// The zone whose clock counts.
    package let zone: Zone

    /// The calendar of a unit in a zone.
    package init(_ unit: CalendarUnit, in zone: Zone) {
        self.unit = unit
        self.zone = zone
    }

    /// The calendar's rule.
    package var rule: CalendarRule { CalendarRule(unit, in: zone.name) }

    /// The window that contains a moment. Moments are clamped to `Timestamp.latest`, and to the same distance before
    /// the epoch.
    package func window(containing moment: Timestamp) -> CalendarWindow {
        let reach = Timestamp.latest.milliseconds
        let second = min(max(moment.milliseconds, -reach), reach).floorDivided(by: 1_000)
        let (start, end) = DateStride(unit).map { dates(second, $0) } ?? hour(second)
        return CalendarWindow(
            start: Timestamp(milliseconds: start * 1_000), end: Timestamp(milliseconds: end * 1_000))
    }

    // MARK: Units that begin with a date

    private func dates(_ moment: Int64, _ dates: DateStride) -> (start: Int64, end: Int64) {
        func start(_ index: Int64) -> Int64 { zone.firstMoment(reading: dates.firstDay(index) * 86_400) }
        let reading = moment + zone.span(containing: moment).offset
        // This is an estimate. A clock that was put back may show a day although the next one has begun.
        var index = dates.index(containing: reading.floorDivided(by: 86_400))
        while start(index) > moment { index -= 1 }
        // A day that was skipped completely has the start of the next day, and no window.
        while start(index + 1) <= moment { index += 1 }
        return (start(index), start(index + 1))
    }

    // MARK: Hours

    private func hour(_ moment: Int64) -> (start: Int64, end: Int64) {
        (lastHour(until: moment), nextHour(after: moment))
    }

    private static func fullHour(_ reading: Int64) -> Int64 { reading.floorDivided(by: 3_600) * 3_600 }

    /// The last moment up to and including this one at which an hour begins.
    private func lastHour(until moment: Int64) -> Int64 {
        var moment = moment
        var span = zone.span(containing: moment)
        while true {
            let full = Self.fullHour(moment + span.offset)
            if full - span.offset >= span.start { return full - span.offset }
            moment = span.start - 1
            let before = zone.span(containing: moment)
            // The clock was put forward past the full hour.
            if full >= span.start + before.offset { return span.start }
            span = before
        }
    }

    /// The first moment after this one at which an hour begins.
    private func nextHour(after moment: Int64) -> Int64 {
        var moment = moment
        var span = zone.span(containing: moment)
        while true {
            let full = Self.fullHour(moment + span.offset) + 3_600
            if full - span.offset < span.end { return full - span.offset }
            moment = span.end
            span = zone.span(containing: moment)
            let reading = moment + span.offset
            if reading == Self.fullHour(reading) || full < reading { return moment }
        }
    }
}

/// The dates at which the windows of a unit begin, numbered in order.
private enum DateStride {
    /// Every n days, counted from a day.
    case days(Int64, from: Int64)
    /// On a certain day of every n months, counted from a month.
    case months(Int64, from: Int64, day: Int64)

    /// The stride of a unit. Nil for hours, which do not begin with a date.
    init?(_ unit: CalendarUnit) {
        switch unit {
        case .hour: return nil
        case .day: self = .days(1, from: 0)
        // 1970-01-05 was a Monday.
        case .week(let weekday): self = .days(7, from: 4 + Int64(weekday.rawValue))
        case .month(let anchor): self = .months(1, from: 0, day: Int64(anchor.day))
        case .quarter(let anchor): self = .months(3, from: 0, day: Int64(anchor.day))
        case .year(let anchor): self = .months(12, from: Int64(anchor.month) - 1, day: Int64(anchor.day))
        }
    }

    /// The first day of a window.
    func firstDay(_ index: Int64) -> Int64 {
        switch self {
        case .days(let length, let first): index * length + first
        case .months(let length, let first, let day):
            CivilDate(monthNumber: index * length + first, day: day).dayNumber
        }
    }

    /// The index of the window that holds a day, or of the one after it.
    func index(containing day: Int64) -> Int64 {
        switch self {
        case .days(let length, let first): (day - first).floorDivided(by: length)
        case .months(let length, let first, _):
            (CivilDate(dayNumber: day).monthNumber - first).floorDivided(by: length)
        }
    }
}
