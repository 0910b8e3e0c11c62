/// A parser for moments: the three forms of dates in HTTP (RFC 9110, 5.6.7) and the form of RFC 3339.
struct MomentText {
    private var rest: ArraySlice<UInt8>

    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]

    /// The moment that a text spells, and whether its form has whole seconds only; nil if it spells none.
    ///
    /// - Parameter wall: the current time, which decides the century of a year of two digits
    static func moment(_ text: some StringProtocol, near wall: Timestamp) -> (moment: Timestamp, isCut: Bool)? {
        // Case does not matter.
        let bytes = Array(text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 })[...]
        var readers = [MomentText(rest: bytes), MomentText(rest: bytes)]
        guard let told = readers[0].rfc3339() ?? readers[1].http(near: wall) else { return nil }
        return (Timestamp(milliseconds: told.milliseconds), told.isCut)
    }

    // MARK: Forms

    /// `2026-11-25T19:53:52.5+01:00`
    private mutating func rfc3339() -> (milliseconds: Int64, isCut: Bool)? {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
            take("t") || take(" "), let seconds = time(), let days = Self.days(year, month, day)
        else { return nil }
        var milliseconds: Int64 = 0
        let hasFraction = take(".")
        if hasFraction {
            let digits = rest.prefix(while: Self.isDigit)
            guard !digits.isEmpty,
                let fraction = DecimalText("0.\(String(decoding: digits, as: UTF8.self))")?.units(decimals: 3, .up)
            else { return nil }
            milliseconds = Int64(fraction)
            rest.removeFirst(digits.count)
        }
        guard let offset = zone(), rest.isEmpty else { return nil }
        return ((days * 86_400 + seconds - offset) * 1_000 + milliseconds, !hasFraction)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
    private mutating func http(near wall: Timestamp) -> (milliseconds: Int64, isCut: Bool)? {
        let weekday = word()
        guard weekday.count >= 3, Self.weekdays.contains(where: { $0 == weekday || $0.prefix(3) == weekday }) else {
            return nil
        }
        let date: (year: Int64, month: Int64, day: Int64)
        let seconds: Int64
        var offset: Int64 = 0
        if take(",") {
            guard take(" "), let day = number(2) ?? number(1), take(" ") || take("-"), let month = month(),
                take(" ") || take("-"), let year = number(4) ?? number(2).map({ Self.year($0, near: wall) }), take(" "),
                let time = time(), take(" "), let zone = zone()
            else { return nil }
            (date, seconds, offset) = ((year, month, day), time, zone)
        } else {
            guard take(" "), let month = month(), take(" "), let day = number(2) ?? (take(" ") ? number(1) : nil),
                take(" "), let time = time(), take(" "), let year = number(4)
            else { return nil }
            (date, seconds) = ((year, month, day), time)
        }
        guard rest.isEmpty, let days = Self.days(date.year, date.month, date.day) else { return nil }
        return ((days * 86_400 + seconds - offset) * 1_000, true)
    }

    // MARK: Parts

    /// `08:49:37` in seconds. `:60`, a leap second, is accepted.
    private mutating func time() -> Int64? {
        guard let hour = number(2), hour < 24, take(":"), let minute = number(2), minute < 60, take(":"),
            let second = number(2), second <= 60
        else { return nil }
        return hour * 3_600 + minute * 60 + second
    }

    /// `GMT`, `Z`, `+01:00` or `-0800`, in seconds east of Greenwich.
    private mutating func zone() -> Int64? {
        if ["gmt", "utc", "z"].contains(where: { take($0) }) { return 0 }
        let isWest = take("-")
        guard isWest || take("+") else { return nil }
        let hours: Int64
        let minutes: Int64
        if let both = number(4) {
            (hours, minutes) = (both / 100, both % 100)
        } else {
            guard let first = number(2), take(":"), let second = number(2) else { return nil }
            (hours, minutes) = (first, second)
        }
        guard hours < 24, minutes < 60 else { return nil }
        return (hours * 3_600 + minutes * 60) * (isWest ? -1 : 1)
    }

    private mutating func month() -> Int64? {
        let name = word()
        return Self.months.firstIndex(of: name).map { Int64($0 + 1) }
    }

    private mutating func word() -> String {
        let letters = rest.prefix { (0x61...0x7A).contains($0) }
        rest.removeFirst(letters.count)
        return String(decoding: letters, as: UTF8.self)
    }

    /// A number of exactly this many digits.
    private mutating func number(_ count: Int) -> Int64? {
        let digits = rest.prefix(while: Self.isDigit)
        guard digits.count == count else { return nil }
        rest.removeFirst(count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    private mutating func take(_ text: String) -> Bool {
        guard rest.starts(with: text.utf8) else { return false }
        rest.removeFirst(text.utf8.count)
        return true
    }

    private static func isDigit(_ character: UInt8) -> Bool { (0x30...0x39).contains(character) }

    // MARK: The calendar

    /// The year that two digits stand for: it is at most 50 years ahead, and less than 50 years ago (RFC 9110).
    private static func year(_ lastDigits: Int64, near wall: Timestamp) -> Int64 {
        // The mean length of a year is precise enough to choose the century.
        let now = 1970 + wall.milliseconds / 31_556_952_000
        let year = now - now % 100 + lastDigits
        if year > now + 50 { return year - 100 }
        return year <= now - 50 ? year + 100 : year
    }

    /// The days from 1970-01-01 to a date; nil if there is no such date.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64? {
        let date = CivilDate(year: year, month: month, day: day)
        return date.isValid ? date.dayNumber : nil
    }
}
