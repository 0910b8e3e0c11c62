/// Limits as people write them: `$50 per month`, `600 requests per minute`, `8 in flight`.
///
/// A limit consists of an amount, a dimension and a window:
///
/// | part | forms |
/// |---|---|
/// | amount | `$50`, `50 USD`, `600`, `1,500`, `200_000`, `200k`, `1.5M` |
/// | dimension | `requests` (`req`, `calls`), `tokens`, `input tokens`, `output tokens`, `in flight` (`concurrent`); an amount of money limits cost; `rpm`, `rpd`, `tpm`, `tpd` |
/// | sliding window | `per second`, `per minute`, `per hour`, `per 10s`, `per 24h`, `per 7 days`; `/min` |
/// | calendar window | `per day`, `per week`, `per month`, `per quarter`, `per year`, `per calendar hour`; `daily`, `monthly`, … |
/// | zone of a calendar window | `in Europe/Berlin` |
/// | beginning of a calendar window | `from the 15th`, `from Sunday`, `from April 6` |
/// | fixed window | a length, or a unit up to a week, followed by `fixed` |
/// | no window | `prepaid`; `until reset` |
///
/// Case matters only in the name of a zone.
public struct LimitText {
    /// The reason why a text is not a limit.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// One sentence: what is wrong, and what to write.
        public var description: String
    }

    /// Examples of every form, for messages and help texts.
    public static let examples = [
        "$50 per month", "$2 per day in Europe/Berlin", "$100 per month from the 15th", "$200 prepaid",
        "600 requests per minute", "10 requests per 10s", "200k tokens per minute", "1M input tokens per day",
        "600 requests per minute fixed", "8 in flight",
    ]

    private let text: String
    /// The words that were not read yet, as they were written.
    private var rest: [Substring]

    /// The limit that a text spells.
    ///
    /// - Throws: a `Failure` if the text is not a limit.
    public static func limit(_ text: some StringProtocol) throws(Failure) -> Limit {
        var reader = LimitText(String(text))
        return try reader.read()
    }

    private init(_ text: String) {
        self.text = text
        rest = Self.words(text)
    }

    /// The words of a text. A `/` means `per`, except in the name of a zone.
    private static func words(_ text: String) -> [Substring] {
        var words: [Substring] = []
        for word in text.split(whereSeparator: \.isWhitespace) {
            guard words.last?.lowercased() != "in", let slash = word.firstIndex(of: "/") else {
                words.append(word)
                continue
            }
            if slash != word.startIndex { words.append(word[..<slash]) }
            words.append("per")
            let unit = word[word.index(after: slash)...]
            if !unit.isEmpty { words.append(unit) }
        }
        return words
    }

    private func failure(_ reason: String) -> Failure {
        Failure(description: "'\(text)' is not a limit: \(reason)")
    }

    // MARK: Words

    private var next: String? { rest.first?.lowercased() }

    /// Takes the words if they come next.
    private mutating func take(_ words: String...) -> Bool {
        guard rest.count >= words.count, zip(rest, words).allSatisfy({ $0.lowercased() == $1 }) else { return false }
        rest.removeFirst(words.count)
        return true
    }

    private mutating func takeOne(of words: [String]) -> Bool {
        guard let next, words.contains(next) else { return false }
        rest.removeFirst()
        return true
    }

    // MARK: The parts

    private mutating func read() throws(Failure) -> Limit {
        guard !rest.isEmpty else { throw failure("it is empty; write one such as '\(Self.examples[0])'") }
        let (amount, isMoney) = try amount()
        if !isMoney, let short = shortForm() {
            guard rest.isEmpty else { throw failure("nothing can follow '\(short.word)', but '\(rest[0])' does") }
            return Limit(short.dimension, try count(amount), short.window)
        }
        let dimension = try dimension(isMoney: isMoney)
        let value = dimension == .cost ? try nanodollars(amount) : try count(amount)
        if dimension == .inFlight {
            guard rest.isEmpty else {
                throw failure("calls in flight are limited without a window, so '\(rest[0])' cannot follow")
            }
            return Limit(.inFlight, value, LimitWindow())
        }
        return Limit(dimension, value, try window())
    }

    private static let suffixes: [(letter: Character, factor: Int)] = [("k", 3), ("m", 6), ("b", 9)]

    /// Reads the number at the beginning, and whether it is money.
    private mutating func amount() throws(Failure) -> (DecimalText, isMoney: Bool) {
        var word = rest.removeFirst()
        var isMoney = word.first == "$"
        if isMoney { word.removeFirst() }
        if isMoney, word.isEmpty, !rest.isEmpty { word = rest.removeFirst() }
        if let sign = word.first, "€£¥".contains(sign) {
            throw failure("amounts of money are in US dollars, as in $50")
        }
        if !isMoney, word.last == "$" {
            isMoney = true
            word.removeLast()
        }
        // A unit may follow the number without a space, as in 600rpm.
        let number = word.prefix { $0.isASCII && ($0.isNumber || ".,_-+".contains($0)) }
        var unit = word[number.endIndex...]
        var exponent = 0
        if let first = unit.lowercased().first, let suffix = Self.suffixes.first(where: { $0.letter == first }),
            unit.count == 1
        {
            exponent = suffix.factor
            unit = ""
        }
        if !unit.isEmpty { rest.insert(unit, at: 0) }
        guard let digits = DecimalText.ungrouped(number), let value = DecimalText("\(digits)e\(exponent)") else {
            throw failure("it must begin with an amount, such as $50, 600, 1,500 or 200k, not with '\(word)'")
        }
        guard !value.isNegative else { throw failure("its amount must not be negative") }
        if !isMoney, takeOne(of: ["usd", "dollar", "dollars", "us$"]) { isMoney = true }
        return (value, isMoney)
    }

    private func count(_ number: DecimalText) throws(Failure) -> Int64 {
        guard number.isWhole(), let units = number.units(.up), let count = Int64(exactly: units) else {
            throw failure("its amount must be a whole number below 2⁶³")
        }
        return count
    }

    private func nanodollars(_ number: DecimalText) throws(Failure) -> Int64 {
        guard number.isWhole(decimals: 9) else { throw failure("an amount of money has at most nine decimals") }
        guard let units = number.units(decimals: 9, .up), let amount = Int64(exactly: units) else {
            throw failure("an amount of money is at most $9,223,372,036")
        }
        return amount
    }

    private static let shortForms: [(word: String, dimension: LimitDimension, window: LimitWindow)] = [
        ("rps", .requests, .sliding(milliseconds: 1_000)), ("rpm", .requests, .sliding(milliseconds: 60_000)),
        ("rpd", .requests, .calendar(.day)), ("tpm", .tokens, .sliding(milliseconds: 60_000)),
        ("tpd", .tokens, .calendar(.day)),
    ]

    private mutating func shortForm() -> (word: String, dimension: LimitDimension, window: LimitWindow)? {
        guard let form = Self.shortForms.first(where: { $0.word == next }) else { return nil }
        rest.removeFirst()
        return form
    }

    private static let requests = ["request", "requests", "req", "reqs", "call", "calls"]
    private static let tokens = ["token", "tokens", "tok", "toks"]

    private mutating func dimension(isMoney: Bool) throws(Failure) -> LimitDimension {
        if isMoney { return .cost }
        for (word, dimension) in [("input", LimitDimension.inputTokens), ("output", .outputTokens)] where take(word) {
            guard takeOne(of: Self.tokens) else { throw failure("'\(word)' must be followed by 'tokens'") }
            return dimension
        }
        if takeOne(of: Self.tokens) { return .tokens }
        if take("concurrent") {
            _ = takeOne(of: Self.requests)
            return .inFlight
        }
        let hasRequests = takeOne(of: Self.requests)
        if take("in", "flight") || take("at", "once") || takeOne(of: ["in-flight", "inflight"]) { return .inFlight }
        if hasRequests { return .requests }
        guard let next else {
            throw failure(
                "say what it counts: requests, tokens, input tokens, output tokens or in flight; money has a $")
        }
        throw failure(
            "'\(next)' cannot be counted; write requests, tokens, input tokens, output tokens or in flight, or an amount with a $"
        )
    }

    // MARK: The window

    private enum Unit {
        case second, minute
        case calendar(WindowUnit)

        /// Its length; nil if not all units of this kind are equally long.
        var milliseconds: Int64? {
            switch self {
            case .second: 1_000
            case .minute: 60_000
            case .calendar(.hour): 3_600_000
            case .calendar(.day): 86_400_000
            case .calendar(.week): 7 * 86_400_000
            case .calendar: nil
            }
        }
    }

    private static let units: [(words: [String], unit: Unit)] = [
        (["second", "seconds", "sec", "secs", "s"], .second), (["minute", "minutes", "min", "mins"], .minute),
        (["hour", "hours", "hr", "hrs", "h", "hourly"], .calendar(.hour)),
        (["day", "days", "d", "daily"], .calendar(.day)), (["week", "weeks", "wk", "w", "weekly"], .calendar(.week)),
        (["month", "months", "mo", "monthly"], .calendar(.month)),
        (["quarter", "quarters", "qtr", "quarterly"], .calendar(.quarter)),
        (["year", "years", "yr", "y", "yearly", "annually"], .calendar(.year)),
    ]
    private static let adverbs = ["hourly", "daily", "weekly", "monthly", "quarterly", "yearly", "annually"]

    private mutating func unit() -> Unit? {
        guard let next, let unit = Self.units.first(where: { $0.words.contains(next) })?.unit else { return nil }
        rest.removeFirst()
        return unit
    }

    private mutating func window() throws(Failure) -> LimitWindow {
        if take("prepaid") { return try end(.prepaid) }
        if take("until", "reset") || take("manual") { return try end(.manual) }
        guard let next else {
            throw failure("it needs a window, such as 'per minute' or 'per month', or 'prepaid'")
        }
        let isAdverb = Self.adverbs.contains(next)
        guard isAdverb || takeOne(of: ["per", "a", "an", "each", "every"]) else {
            throw failure("a window begins with 'per', as in 'per minute'; '\(next)' does not begin one")
        }
        let isCalendar = take("calendar")
        if let unit = unit() { return try window(of: unit, isCalendar: isCalendar) }
        guard !isCalendar else {
            throw failure("'calendar' must be followed by hour, day, week, month, quarter or year")
        }
        let milliseconds = try length()
        let isFixed = take("fixed")
        if !isFixed { _ = take("sliding") }
        guard ValueRanges.windowLength.contains(milliseconds) else {
            throw failure("a window lasts from 1 second to 366 days")
        }
        return try end(isFixed ? .fixed(milliseconds: milliseconds) : .sliding(milliseconds: milliseconds))
    }

    private mutating func window(of unit: Unit, isCalendar: Bool) throws(Failure) -> LimitWindow {
        let isFixed = take("fixed")
        let isSliding = !isFixed && take("sliding")
        if isFixed || isSliding {
            guard let milliseconds = unit.milliseconds, !isCalendar else {
                throw failure(
                    "\(isFixed ? "a fixed" : "a sliding") window needs a constant length, such as 'per 30 days'"
                )
            }
            return try end(isFixed ? .fixed(milliseconds: milliseconds) : .sliding(milliseconds: milliseconds))
        }
        switch unit {
        case .calendar(.hour) where !isCalendar: return try end(.sliding(milliseconds: 3_600_000))
        case .calendar(let unit): return try calendar(unit)
        case .second, .minute:
            guard !isCalendar, let milliseconds = unit.milliseconds else {
                throw failure("'calendar' must be followed by hour, day, week, month, quarter or year")
            }
            return try end(.sliding(milliseconds: milliseconds))
        }
    }

    /// Returns the window if it ends the text.
    private func end(_ window: LimitWindow) throws(Failure) -> LimitWindow {
        guard let next = rest.first else { return window }
        if ["in", "from", "starting"].contains(next.lowercased()) {
            throw failure("only calendar windows have a zone and a beginning, so '\(next)' cannot follow")
        }
        throw failure("'\(next)' is not understood after the window")
    }

    /// A length such as `10s`, `1h30m`, `10 seconds`.
    private mutating func length() throws(Failure) -> Int64 {
        guard let word = next else {
            throw failure("'per' must be followed by a unit or a length, such as minute or 10s")
        }
        rest.removeFirst()
        if let count = DecimalText(word) {
            let following = rest.first
            guard let unit = unit() else {
                throw failure("'\(word)' must be followed by its unit, as in \(word)s or '\(word) days'")
            }
            guard let milliseconds = unit.milliseconds else {
                throw failure("'\(following ?? "")' has no length of its own; write a number of days")
            }
            guard count.isWhole(decimals: 3), let thousandths = count.units(decimals: 3, .up),
                let product = Int64(exactly: min(thousandths, 1 << 40) * UInt128(milliseconds / 1_000))
            else { throw failure("'\(word)' is not a number of units") }
            return product
        }
        guard let milliseconds = Quantity.milliseconds(word) else {
            throw failure(
                "'\(word)' is neither a unit nor a length; write second, minute, hour, day, week, month, quarter or year, or \(Quantity.durationForms)"
            )
        }
        return milliseconds
    }

    // MARK: Calendar windows

    private static let weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    private static let months = [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december",
    ]

    private mutating func calendar(_ unit: WindowUnit) throws(Failure) -> LimitWindow {
        var window = LimitWindow.calendar(unit)
        while let word = next {
            if take("in") {
                guard let zone = rest.first else {
                    throw failure("'in' must be followed by a zone, such as Europe/Berlin")
                }
                guard window.zone == nil else { throw failure("it names two zones") }
                rest.removeFirst()
                guard let name = try? Name(String(zone)) else { throw failure("'\(zone)' is not the name of a zone") }
                window.zone = name
            } else if takeOne(of: ["from", "starting", "beginning"]) {
                _ = take("on")
                try readAnchor(of: unit, into: &window)
            } else {
                throw failure(
                    "'\(word)' is not understood after the window; 'in' a zone and 'from' a beginning can follow")
            }
        }
        return window
    }

    private mutating func readAnchor(of unit: WindowUnit, into window: inout LimitWindow) throws(Failure) {
        switch unit {
        case .hour, .day, .unknown:
            throw failure("a \(unit) has no other beginning; weeks, months, quarters and years begin 'from' a day")
        case .week:
            guard let day = name(of: Self.weekdays) else {
                throw failure("a week begins from a weekday, such as Monday")
            }
            window.anchorDay = day
        case .month, .quarter:
            guard let day = ordinal() else {
                throw failure("a \(unit) begins from a day, such as 'the 15th'; it takes the 1st to the 31st")
            }
            window.anchorDay = day
        case .year:
            var day = ordinal()
            _ = day != nil && take("of")
            guard let month = name(of: Self.months) else {
                throw failure("a year begins from a month and a day, such as 'April 6'")
            }
            if day == nil { day = ordinal() }
            window.anchorMonth = month
            window.anchorDay = day ?? 1
        }
    }

    /// Reads a name, in full or as its first three or more letters. Returns its place in the list, from 1.
    private mutating func name(of names: [String]) -> UInt8? {
        guard let next, next.count >= 3, let place = names.firstIndex(where: { $0.hasPrefix(next) }) else { return nil }
        rest.removeFirst()
        return UInt8(place + 1)
    }

    /// Reads a day such as `15`, `15th`, `the 15th`, `day 15`.
    private mutating func ordinal() -> UInt8? {
        let before = rest
        _ = take("the")
        _ = take("day")
        guard let next else {
            rest = before
            return nil
        }
        let digits = next.prefix(while: \.isNumber)
        guard let day = UInt8(digits), (1...31).contains(day),
            ["", "st", "nd", "rd", "th", "."].contains(String(next[digits.endIndex...]))
        else {
            rest = before
            return nil
        }
        rest.removeFirst()
        return day
    }
}
