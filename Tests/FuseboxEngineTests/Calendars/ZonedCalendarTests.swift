import FuseboxSimulation
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// Where windows of the calendar begin and end. Moments are in UTC.
@Suite struct ZonedCalendarTests {
    private static func calendar(_ unit: String, _ zone: String) throws -> ZonedCalendar {
        let name = try #require(ZoneName(zone))
        return ZonedCalendar(try CalendarText.unit(unit), in: try ZoneDatabase.system.zone(name))
    }

    /// A window, and that it is found from its first moment, its last, and one between the two.
    private static func expect(
        _ unit: String, _ zone: String, _ start: String, _ end: String, location: SourceLocation = #_sourceLocation
    ) throws {
        let (calendar, window) = (try calendar(unit, zone), try CalendarText.window(start, end))
        for moment in [window.start, window.start + (window.end - window.start) / 2, window.end - 1] {
            let found = calendar.window(containing: moment)
            #expect(
                found == window, "\(CalendarText.text(found.start)) to \(CalendarText.text(found.end))",
                sourceLocation: location)
        }
        #expect(calendar.window(containing: window.start - 1).end == window.start, sourceLocation: location)
        #expect(calendar.window(containing: window.end).start == window.end, sourceLocation: location)
    }

    @Test(
        "Units and anchors",
        arguments: [
            ("hour", "2026-11-29 13:00", "2026-11-29 14:00"),
            ("day", "2026-11-29", "2026-11-30"),
            ("week:0", "2026-11-23", "2026-11-30"),
            ("week:6", "2026-11-29", "2026-12-06"),
            ("week:3", "2026-12-31", "2027-01-07"),
            ("month:1", "2026-11-01", "2026-12-01"),
            ("month:15", "2026-12-15", "2027-01-15"),
            ("month:30", "2026-01-30", "2026-02-28"),
            ("month:31", "2026-02-28", "2026-03-31"),
            ("month:31", "2026-03-31", "2026-04-30"),
            ("month:31", "2024-01-31", "2024-02-29"),
            ("month:31", "2025-12-31", "2026-01-31"),
            ("quarter:1", "2026-10-01", "2027-01-01"),
            ("quarter:15", "2026-01-15", "2026-04-15"),
            ("quarter:31", "2026-04-30", "2026-07-31"),
            ("quarter:31", "2026-10-31", "2027-01-31"),
            ("year:1:1", "2026-01-01", "2027-01-01"),
            ("year:4:6", "2025-04-06", "2026-04-06"),
            ("year:2:29", "2023-02-28", "2024-02-29"),
            ("year:2:29", "2024-02-29", "2025-02-28"),
            ("year:2:29", "2026-02-28", "2027-02-28"),
            ("year:12:31", "2025-12-31", "2026-12-31"),
        ])
    func anchors(_ unit: String, _ start: String, _ end: String) throws {
        try Self.expect(unit, "UTC", start, end)
    }

    @Test(
        "Days whose clock is changed",
        arguments: [
            ("America/Los_Angeles", "2026-03-08 08:00", "2026-03-09 07:00"),  // 23 hours
            ("America/Los_Angeles", "2026-11-01 07:00", "2026-11-02 08:00"),  // 25
            ("Europe/Berlin", "2026-03-28 23:00", "2026-03-29 22:00"),
            ("Europe/Berlin", "2026-10-24 22:00", "2026-10-25 23:00"),
            ("Australia/Lord_Howe", "2026-04-04 13:00", "2026-04-05 13:30"),  // 24 and a half
            ("Australia/Lord_Howe", "2026-10-03 13:30", "2026-10-04 13:00"),
            // The clock goes from 23:59 to 1:00: the day begins there.
            ("America/Sao_Paulo", "2018-11-04 03:00", "2018-11-05 02:00"),
            // It goes from 23:59 to 23:00 of the same day.
            ("America/Sao_Paulo", "2018-02-17 02:00", "2018-02-18 03:00"),
            ("Asia/Beirut", "2022-03-26 22:00", "2022-03-27 21:00"),
            ("Asia/Beirut", "2022-10-28 21:00", "2022-10-29 22:00"),
            ("Africa/Cairo", "2026-04-23 22:00", "2026-04-24 21:00"),
            ("Africa/Cairo", "2026-10-28 21:00", "2026-10-29 22:00"),
            // From 0:59 back to 0:00, so that midnight comes twice: the first counts.
            ("America/Havana", "2026-11-01 04:00", "2026-11-02 05:00"),
            // From 0:00:59 back to 23:01 of the day before: the new day has begun all the same.
            ("America/St_Johns", "2010-11-07 02:30", "2010-11-08 03:30"),
            // December 30 was left out as a whole.
            ("Pacific/Apia", "2011-12-29 10:00", "2011-12-30 10:00"),
            ("Pacific/Apia", "2011-12-30 10:00", "2011-12-31 10:00"),
            ("Asia/Kathmandu", "1985-12-30 18:30", "1985-12-31 18:30"),
            ("Asia/Kathmandu", "1985-12-31 18:30", "1986-01-01 18:15"),
        ])
    func days(_ zone: String, _ start: String, _ end: String) throws {
        try Self.expect("day", zone, start, end)
    }

    @Test(
        "Longer windows begin as their first day does",
        arguments: [
            ("week:6", "America/Sao_Paulo", "2018-11-04 03:00", "2018-11-11 02:00"),
            ("month:1", "Europe/Berlin", "2026-02-28 23:00", "2026-03-31 22:00"),
            ("month:30", "Pacific/Apia", "2011-12-30 10:00", "2012-01-29 10:00"),
            ("quarter:1", "America/Los_Angeles", "2026-10-01 07:00", "2027-01-01 08:00"),
            ("year:1:1", "Asia/Kathmandu", "1985-12-31 18:30", "1986-12-31 18:15"),
            ("year:4:6", "Europe/London", "2026-04-05 23:00", "2027-04-05 23:00"),
        ])
    func longer(_ unit: String, _ zone: String, _ start: String, _ end: String) throws {
        try Self.expect(unit, zone, start, end)
    }

    @Test(
        "Hours begin where the zone's clock reads hh:00, or is put past it",
        arguments: [
            ("Asia/Kathmandu", "2026-11-29 12:15", "2026-11-29 13:15"),
            ("America/Los_Angeles", "2026-03-08 09:00", "2026-03-08 10:00"),
            ("America/Los_Angeles", "2026-03-08 10:00", "2026-03-08 11:00"),
            // From 1:00 to 2:00 twice: two hours.
            ("America/Los_Angeles", "2026-11-01 08:00", "2026-11-01 09:00"),
            ("America/Los_Angeles", "2026-11-01 09:00", "2026-11-01 10:00"),
            // From 2:00 back to 1:30: 90 minutes.
            ("Australia/Lord_Howe", "2026-04-04 14:00", "2026-04-04 15:30"),
            // From 2:00 on to 2:30: the rest of an hour.
            ("Australia/Lord_Howe", "2026-10-03 14:30", "2026-10-03 15:30"),
            ("Australia/Lord_Howe", "2026-10-03 15:30", "2026-10-03 16:00"),
            // From 0:00 on to 0:15.
            ("Asia/Kathmandu", "1985-12-31 18:30", "1985-12-31 19:15"),
            // From 0:01 back to 23:01: midnight comes twice.
            ("America/St_Johns", "2010-11-07 02:30", "2010-11-07 03:30"),
            // From 3:00 back to 2:30, for good.
            ("America/Caracas", "2007-12-09 06:00", "2007-12-09 07:30"),
        ])
    func hours(_ zone: String, _ start: String, _ end: String) throws {
        try Self.expect("hour", zone, start, end)
    }

    @Test func momentsOutsideOfAllDatesAreTakenAsTheNearestOfThem() throws {
        for zone in ["UTC", "America/Los_Angeles", "Asia/Kathmandu"] {
            for unit in ["hour", "day", "week:0", "month:31", "quarter:1", "year:2:29"] {
                let calendar = try Self.calendar(unit, zone)
                #expect(calendar.window(containing: .latest).contains(.latest))
                #expect(
                    calendar.window(containing: Timestamp(milliseconds: .max)) == calendar.window(containing: .latest))
                let first = Timestamp(milliseconds: -Timestamp.latest.milliseconds)
                #expect(
                    calendar.window(containing: Timestamp(milliseconds: .min)) == calendar.window(containing: first))
                #expect(calendar.window(containing: .earliest).contains(.earliest))
            }
        }
    }

    @Test func windowsTileTime() throws {
        let database = ZoneDatabase.system
        var random = SplitMix64(seed: 1)
        for name in database.names() {
            let zone = try database.zone(name)
            let unit = try CalendarText.unit(
                ["hour", "day", "week:4", "month:31", "quarter:30", "year:2:29"].randomElement(using: &random)!)
            let calendar = ZonedCalendar(unit, in: zone)
            var window = calendar.window(
                containing: Timestamp(milliseconds: .random(in: 0...4_102_444_800_000, using: &random)))
            for _ in 0..<12 {
                let following = calendar.window(containing: window.end)
                #expect(following.start == window.end && following.end > following.start, "\(name) \(unit)")
                let moment = Timestamp(
                    milliseconds: .random(in: window.start.milliseconds..<window.end.milliseconds, using: &random))
                #expect(calendar.window(containing: moment) == window, "\(name) \(unit)")
                #expect(calendar.window(containing: window.start - 1).end == window.start, "\(name) \(unit)")
                window = following
            }
        }
    }
}
