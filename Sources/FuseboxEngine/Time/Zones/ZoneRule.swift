import FuseboxWire

/// A zone's rule after its last listed transition: a TZ string of POSIX, from the footer of its file.
///
/// `CET-1CEST,M3.5.0,M10.5.0/3` is one hour ahead of universal time, and two hours from the last Sunday of March, 2:00,
/// to the last Sunday of October, 3:00. The format is that of RFC 9636, 3.3.
struct ZoneRule: Sendable, Equatable {
    /// The offset of standard time: seconds ahead of universal time.
    var standard: Int64
    var daylight: Daylight?

    struct Daylight: Sendable, Equatable {
        /// The offset of daylight time: seconds ahead of universal time. It may be less than that of standard time, as
        /// in Ireland's winters.
        var offset: Int64
        /// The beginning, on the clock of standard time.
        var start: Change
        /// The end, on the clock of daylight time.
        var end: Change
    }

    /// A moment of each year.
    struct Change: Sendable, Equatable {
        enum Day: Sendable, Equatable {
            /// `J60` is March 1 in every year: 1 to 365, without February 29.
            case withoutLeapDay(Int64)
            /// `59` is February 29 or March 1: 0 to 365.
            case ofYear(Int64)
            /// `M3.5.0`: the last (5) Sunday (0) of March.
            case weekday(Int64, week: Int64, month: Int64)
        }

        var day: Day
        /// Seconds from the day's midnight. The moment may lie in another day.
        var seconds: Int64

        /// The reading of the clock in a year.
        func reading(in year: Int64) -> Int64 { dayNumber(in: year) * 86_400 + seconds }

        private func dayNumber(in year: Int64) -> Int64 {
            let newYear = CivilDate(year: year, month: 1, day: 1).dayNumber
            switch day {
            case .withoutLeapDay(let day): return newYear + day - (CivilDate.isLeap(year) && day >= 60 ? 0 : 1)
            case .ofYear(let day): return newYear + day
            case .weekday(let weekday, let week, let month):
                let first = CivilDate(year: year, month: month, day: 1).dayNumber
                // The rule counts weekdays from Sunday.
                let wait = (weekday + 6 - CivilDate.weekday(ofDay: first)) % 7
                let inMonth = wait + (week - 1) * 7
                return first + (inMonth < CivilDate.length(ofMonth: month, year: year) ? inMonth : inMonth - 7)
            }
        }
    }

    /// The span that contains a moment.
    func span(containing moment: Int64) -> Zone.Span {
        guard let daylight else { return Zone.Span(start: .min, end: .max, offset: standard) }
        // Changes lie within eight days of their year.
        let year = CivilDate(dayNumber: moment.floorDivided(by: 86_400)).year
        var changes: [Zone.Transition] = []
        for year in year - 2...year + 2 {
            let start = Zone.Transition(at: daylight.start.reading(in: year) - standard, offset: daylight.offset)
            let end = Zone.Transition(at: daylight.end.reading(in: year) - daylight.offset, offset: standard)
            changes += start.at < end.at ? [start, end] : [end, start]
        }
        // If two changes fall on the same moment, that of the later year comes last. So daylight time that ends when it
        // begins again continues.
        var ordered: [Zone.Transition] = []
        for change in changes {
            let place = ordered.lastIndex { $0.at <= change.at }.map { $0 + 1 } ?? 0
            ordered.insert(change, at: place)
        }
        return Self.span(containing: moment, among: ordered)
    }

    private static func span(containing moment: Int64, among changes: [Zone.Transition]) -> Zone.Span {
        let following = changes.firstIndex { $0.at > moment } ?? changes.count
        // The changes of the neighbouring years lie on both sides of the moment.
        let offset = changes[following - 1].offset
        return Zone.Span(start: changes[following - 1].at, end: changes[following].at, offset: offset)
    }
}

/// Reads a rule.
struct ZoneRuleParser {
    private var rest: ArraySlice<UInt8>

    private init(_ text: ArraySlice<UInt8>) { rest = text }

    /// The rule of a text. Nil if the text is not a rule.
    static func rule(_ text: ArraySlice<UInt8>) -> ZoneRule? {
        var parser = ZoneRuleParser(text)
        guard let rule = parser.rule(), parser.rest.isEmpty else { return nil }
        return rule
    }

    private mutating func rule() -> ZoneRule? {
        // POSIX counts hours west of Greenwich.
        guard abbreviation(), let west = time(hours: 24) else { return nil }
        var rule = ZoneRule(standard: -west)
        if rest.isEmpty { return rule }
        guard abbreviation() else { return nil }
        var daylight = rule.standard + 3_600
        if rest.first != UInt8(ascii: ",") {
            guard let west = time(hours: 24) else { return nil }
            daylight = -west
        }
        guard take(","), let start = change(), take(","), let end = change() else { return nil }
        rule.daylight = ZoneRule.Daylight(offset: daylight, start: start, end: end)
        return rule
    }

    /// Reads an abbreviation such as `CET` or `<+0330>`, of three characters or more.
    private mutating func abbreviation() -> Bool {
        let isQuoted = take("<")
        let length = rest.prefix { byte in
            (0x41...0x5A).contains(byte & ~0x20)
                || isQuoted && ((0x30...0x39).contains(byte) || [0x2B, 0x2D].contains(byte))
        }.count
        rest.removeFirst(length)
        return length >= 3 && (!isQuoted || take(">"))
    }

    /// Reads a change such as `J60/2`, `59` or `M3.5.0/-1:30`. Without a time it is at 2:00.
    private mutating func change() -> ZoneRule.Change? {
        guard let day = day() else { return nil }
        guard take("/") else { return ZoneRule.Change(day: day, seconds: 7_200) }
        // A time may be up to a week either way.
        return time(hours: 167).map { ZoneRule.Change(day: day, seconds: $0) }
    }

    private mutating func day() -> ZoneRule.Change.Day? {
        if take("J") { return number(1...365).map { .withoutLeapDay($0) } }
        guard take("M") else { return number(0...365).map { .ofYear($0) } }
        guard let month = number(1...12), take("."), let week = number(1...5), take("."), let weekday = number(0...6)
        else {
            return nil
        }
        return .weekday(weekday, week: week, month: month)
    }

    /// Reads a time such as `2`, `-1:30` or `+0:44:30`. Returns seconds.
    private mutating func time(hours: Int64) -> Int64? {
        let isNegative = take("-")
        if !isNegative { _ = take("+") }
        guard let hour = number(0...hours) else { return nil }
        var seconds = hour * 3_600
        for unit in [60, 1] as [Int64] where take(":") {
            guard let part = number(0...59) else { return nil }
            seconds += part * unit
        }
        return isNegative ? -seconds : seconds
    }

    private mutating func number(_ range: ClosedRange<Int64>) -> Int64? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard (1...3).contains(digits.count) else { return nil }
        rest.removeFirst(digits.count)
        let number = digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        return range.contains(number) ? number : nil
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }
}
