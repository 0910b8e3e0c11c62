extension LimitWindow {
    /// The division of the calendar of a calendar window. Without a zone it is in UTC.
    ///
    /// - Throws: `outOfRange` for an impossible name of a zone, or an anchor outside the unit
    public func calendarRule() throws(Refusal) -> CalendarRule {
        var zone = ZoneName.utc
        if let told = self.zone {
            guard let name = ZoneName(told.text) else {
                throw Refusal(
                    .outOfRange, "'\(told)' is not the name of a time zone; write one such as 'Europe/Berlin' or 'UTC'")
            }
            zone = name
        }
        guard let unit = calendarUnit else {
            throw Refusal(
                .outOfRange, "a calendar \(self.unit) cannot begin on day \(anchorDay) of month \(anchorMonth)")
        }
        return CalendarRule(unit, in: zone)
    }

    private var calendarUnit: CalendarUnit? {
        switch unit {
        case .hour: .hour
        case .day: .day
        case .week: Weekday(rawValue: anchorDay &- 1).map { .week(from: $0) }
        case .month: DayOfMonth(Int(anchorDay)).map { .month(from: $0) }
        case .quarter: DayOfMonth(Int(anchorDay)).map { .quarter(from: $0) }
        case .year: DayOfYear(month: Int(anchorMonth), day: Int(anchorDay)).map { .year(from: $0) }
        case .unknown: nil
        }
    }
}
