import FuseboxWire
import Testing

@testable import FuseboxCore

struct BudgetPeriodTests {
    private static let day: Int64 = 86_400_000

    /// Days from the epoch to a date, counted one by one.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        var days: Int64 = 0
        for other in min(year, 1970)..<max(year, 1970) { days += isLeap(other) ? 366 : 365 }
        if year < 1970 { days = -days }
        for other in 1..<month { days += length(year, other) }
        return days + Int64(day - 1)
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func length(_ year: Int, _ month: Int) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func moment(_ year: Int, _ month: Int, _ day: Int, plus milliseconds: Int64 = 0) -> Timestamp {
        Timestamp(milliseconds: days(year, month, day) * Self.day + milliseconds)
    }

    @Test(arguments: [1900, 1969, 1970, 1999, 2000, 2023, 2024, 2026, 2100, 2400, 9999])
    func aMonthBeginsOnItsFirstAndEndsWhereTheNextBegins(year: Int) {
        for month in 1...12 {
            let start = Self.moment(year, month, 1)
            let end = start + Self.length(year, month) * Self.day
            for moment in [start, start + 1, start + 12 * Self.day, end - 1] {
                #expect(BudgetPeriod.boundary(before: moment, .month) == start)
                #expect(BudgetPeriod.boundary(after: moment, .month) == end)
            }
        }
    }

    @Test func aWeekBeginsOnMonday() {
        // 2026-01-05 was a Monday.
        let monday = Self.moment(2026, 1, 5)
        for moment in [monday, monday + 1, monday + 3 * Self.day, monday + 7 * Self.day - 1] {
            #expect(BudgetPeriod.boundary(before: moment, .week) == monday)
            #expect(BudgetPeriod.boundary(after: moment, .week) == monday + 7 * Self.day)
        }
        // 1969-12-29 was a Monday too.
        #expect(BudgetPeriod.boundary(before: Timestamp(milliseconds: -1), .week) == Self.moment(1969, 12, 29))
    }

    @Test func aDayBeginsAtMidnightBeforeTheEpochToo() {
        #expect(BudgetPeriod.boundary(before: Timestamp(milliseconds: -1), .day)?.milliseconds == -Self.day)
        #expect(BudgetPeriod.boundary(after: Timestamp(milliseconds: 0), .day)?.milliseconds == Self.day)
    }

    @Test func aPeriodByHandHasNoEnd() {
        let period = BudgetPeriod(.manual, start: Self.moment(2026, 1, 5))
        #expect(period.end == nil)
        #expect(!period.isOver(at: Timestamp(milliseconds: .max)))
    }

    @Test func theSuccessorIsThePeriodThatTheMomentLiesInHoweverLate() {
        let period = BudgetPeriod(.month, start: Self.moment(2026, 1, 10))
        #expect(!period.isOver(at: Self.moment(2026, 2, 1, plus: -1)))
        #expect(period.isOver(at: Self.moment(2026, 2, 1)))
        let next = period.successor(at: Self.moment(2026, 5, 20))
        #expect(next.start == Self.moment(2026, 5, 1))
        #expect(next.end == Self.moment(2026, 6, 1))
    }

    @Test func anotherLengthKeepsTheStartAndEndsAtTheNextBoundaryAfterNow() {
        let period = BudgetPeriod(.month, start: Self.moment(2026, 1, 10))
        let now = Self.moment(2026, 1, 14, plus: 5)
        let daily = period.resized(to: .day, at: now)
        #expect(daily.start == period.start)
        #expect(daily.end == Self.moment(2026, 1, 15))
        #expect(period.resized(to: .week, at: now).end == Self.moment(2026, 1, 19))
        #expect(period.resized(to: .manual, at: now).end == nil)
    }
}
