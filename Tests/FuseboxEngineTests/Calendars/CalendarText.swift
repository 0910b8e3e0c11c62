import FuseboxWire
import Testing

/// Moments as the tests of calendars write them: `2026-03-08 10:00`, `2026-03-08` or `2026-03-08 10:00:30.500`, in UTC.
enum CalendarText {
    static func moment(_ text: some StringProtocol) throws -> Timestamp {
        let halves = text.split(separator: " ")
        let date = try halves[0].split(separator: "-").map { try #require(Int64($0)) }
        var milliseconds = CivilDate(year: date[0], month: date[1], day: date[2]).dayNumber * 86_400_000
        if halves.count > 1 {
            let parts = halves[1].split { ":.".contains($0) }
            for (part, unit) in zip(parts, [3_600_000, 60_000, 1_000, 1] as [Int64]) {
                milliseconds += try #require(Int64(part)) * unit
            }
        }
        return Timestamp(milliseconds: milliseconds)
    }

    static func window(_ start: String, _ end: String) throws -> CalendarWindow {
        CalendarWindow(start: try moment(start), end: try moment(end))
    }

    /// A moment to the minute; only its date if it is a midnight.
    static func text(_ moment: Timestamp) -> String {
        let day = moment.milliseconds.floorDivided(by: 86_400_000)
        let date = CivilDate(dayNumber: day)
        let minutes = (moment.milliseconds - day * 86_400_000) / 60_000
        let dateText = "\(date.year)-\(digits(date.month))-\(digits(date.day))"
        return minutes == 0 ? dateText : "\(dateText) \(digits(minutes / 60)):\(digits(minutes % 60))"
    }

    private static func digits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// `hour`, `day`, `week:6` (from Sunday), `month:31`, `quarter:1`, `year:2:29`.
    static func unit(_ text: some StringProtocol) throws -> CalendarUnit {
        let parts = text.split(separator: ":")
        let numbers = try parts.dropFirst().map { try #require(Int($0)) }
        switch parts[0] {
        case "hour": return .hour
        case "day": return .day
        case "week": return .week(from: try #require(Weekday(rawValue: UInt8(numbers[0]))))
        case "month": return .month(from: try #require(DayOfMonth(numbers[0])))
        case "quarter": return .quarter(from: try #require(DayOfMonth(numbers[0])))
        default: return .year(from: try #require(DayOfYear(month: numbers[0], day: numbers[1])))
        }
    }
}

extension CalendarWindow {
    func contains(_ moment: Timestamp) -> Bool { start <= moment && moment < end }
}
