import Testing

@testable import FuseboxWire

/// Dates, counted one by one, and the forms of anchors and zone names.
@Suite struct CivilDateTests {
    @Test func everyDayFollowsTheOneBefore() {
        var date = CivilDate(year: 1583, month: 1, day: 1)
        for day in date.dayNumber...CivilDate(year: 2500, month: 1, day: 1).dayNumber {
            #expect(CivilDate(dayNumber: day) == date)
            guard date.dayNumber == day else {
                Issue.record("\(date) is day \(day)")
                return
            }
            date.day += 1
            if date.day > CivilDate.length(ofMonth: date.month, year: date.year) {
                date = CivilDate(monthNumber: date.monthNumber + 1, day: 1)
            }
        }
    }

    @Test(
        arguments: [
            (-719_468, 0, 3, 1), (-1, 1969, 12, 31), (0, 1970, 1, 1), (11_016, 2000, 2, 29), (20_786, 2026, 11, 29),
            (100_000_000, 275_760, 9, 13), (-100_000_000, -271_821, 4, 20),
        ] as [(Int64, Int64, Int64, Int64)])
    func knownDays(_ number: Int64, _ year: Int64, _ month: Int64, _ day: Int64) {
        let date = CivilDate(year: year, month: month, day: day)
        #expect(date.dayNumber == number)
        #expect(CivilDate(dayNumber: number) == date)
        #expect(date.isValid)
    }

    @Test func weekdaysCountFromMonday() {
        // 2026-11-29 was a Sunday, 1970-01-01 a Thursday.
        #expect(CivilDate.weekday(ofDay: 20_786) == 6)
        #expect(CivilDate.weekday(ofDay: 0) == 3)
        #expect(CivilDate.weekday(ofDay: -3) == 0)
        #expect(CivilDate.weekday(ofDay: -4) == 6)
    }

    @Test func aDayThatAMonthLacksIsItsLast() {
        #expect(CivilDate(monthNumber: 1, day: 31) == CivilDate(year: 1970, month: 2, day: 28))
        #expect(CivilDate(monthNumber: 25, day: 30) == CivilDate(year: 1972, month: 2, day: 29))
        #expect(CivilDate(monthNumber: -1, day: 31) == CivilDate(year: 1969, month: 12, day: 31))
        #expect(!CivilDate(year: 2026, month: 2, day: 29).isValid)
        #expect(!CivilDate(year: 2026, month: 13, day: 1).isValid)
        #expect(!CivilDate(year: 2026, month: 1, day: 0).isValid)
    }

    @Test func anchorsThatNoMonthOrYearHasCannotBeMade() {
        #expect((-1...40).filter { DayOfMonth($0) != nil } == Array(1...31))
        #expect(DayOfYear(month: 2, day: 29) != nil)
        for (month, day) in [(2, 30), (4, 31), (0, 1), (13, 1), (1, 0), (1, 32), (-1, -1), (1, 999)] {
            #expect(DayOfYear(month: month, day: day) == nil)
        }
    }

    @Test(arguments: [
        "UTC", "Europe/Berlin", "Etc/GMT+5", "America/Argentina/ComodRivadavia", "GMT-0", "EST5EDT", "W-SU",
    ])
    func namesOfZones(_ name: String) {
        #expect(ZoneName(name)?.text == name)
    }

    @Test(arguments: [
        "", "/", "/etc/passwd", "../../etc/passwd", "Europe/../../etc/passwd", "Europe/..", "Europe/.",
        "Europe//Berlin",
        "Europe/", "/Europe", "europe/berlin", "posix/UTC", "right/UTC", "localtime", "tzdata.zi", "Europe/Ber lin",
        "Europe/Berlin\n", "Europe/Berlin\0", "Europe\u{1B}[1m", "Zürich", "Europe/1", "CET-1CEST,M3.5.0,M10.5.0/3",
        "Ä",
    ])
    func textsThatAreNoNamesOfZones(_ text: String) {
        #expect(ZoneName(text) == nil)
    }

    @Test func aNameIsNoLongerThanItMayBe() {
        #expect(ZoneName("A" + String(repeating: "b", count: WireLimits.zoneNameLength - 1)) != nil)
        #expect(ZoneName("A" + String(repeating: "b", count: WireLimits.zoneNameLength)) == nil)
    }
}
