/// Limits as people write them: `$50 per month`, `600 requests per minute`, `8 in flight`.
///
/// A limit consists of an amount, a dimension and a window:
///
/// | part | forms |
/// |---|---|
/// | amount | `$50`, `50 USD`, `US$50`, `USD 50`, `50 cents`, `600`, `1,500`, `200_000`, `200k`, `1.5M`, `1.5 million`, `1e6`; `at most`, `up to` or `max` may stand before it |
/// | dimension | `requests` (`req`, `calls`), `tokens`, `input tokens` (`prompt tokens`), `output tokens` (`completion tokens`), `in flight` (`concurrent`, `parallel`, `at once`); an amount of money limits cost; `rpm`, `rph`, `rpd`, `tpm`, `tpd` |
/// | sliding window | `per second`, `per minute`, `per hour`, `per 10s`, `per 24h`, `per 7 days`; `/min`; `per sliding day` |
/// | calendar window | `per day`, `per week`, `per month`, `per quarter`, `per year`, `per calendar hour`; `daily`, `monthly`, … |
/// | zone of a calendar window | `in Europe/Berlin` |
/// | beginning of a calendar window | `from the 15th`, `from Sunday`, `from April 6` |
/// | fixed window | a length, or a unit up to a week, followed by `fixed`, or `fixed` before it |
/// | no window | `prepaid`; `until reset` |
///
/// Case matters only in the name of a zone. A count of requests or tokens with a decimal point and no `k` or `M` is refused:
/// `200.000` may mean 200 or 200,000.
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

    /// The words of a text. A `/` means `per`, except in the name of a zone. A comma after a word means nothing.
    private static func words(_ text: String) -> [Substring] {
        var words: [Substring] = []
        for var word in text.split(whereSeparator: \.isWhitespace) {
            while word.count > 1, let last = word.last, ",;".contains(last) { word.removeLast() }
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

    /// The next word as it was written.
    private var nextWritten: Substring { rest.first ?? "" }

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
        _ = take("at", "most") || take("no", "more", "than") || take("up", "to") || takeOne(of: ["max", "maximum"])
        guard !rest.isEmpty else { throw failure("it is empty; write one such as '\(Self.examples[0])'") }
        let amount = try amount()
        if !amount.isMoney, let short = shortForm() {
            guard rest.isEmpty else { throw failure("nothing can follow '\(short.word)', but '\(rest[0])' does") }
            return Limit(short.dimension, try count(amount), short.window)
        }
        let dimension = try dimension(isMoney: amount.isMoney)
        let value = dimension == .cost ? try nanodollars(amount.number) : try count(amount)
        if dimension == .inFlight {
            guard rest.isEmpty else {
                throw failure("calls in flight are limited without a window, so '\(rest[0])' cannot follow")
            }
            return Limit(.inFlight, value, LimitWindow())
        }
        return Limit(dimension, value, try window())
    }

    /// The amount at the beginning.
    private struct Amount {
        var number: DecimalText
        var isMoney: Bool
        /// The number, if it has a decimal point that may be meant to group its digits.
        var pointed: Substring?
    }

    private static let factors: [(words: [String], exponent: Int)] = [
        (["k", "thousand"], 3), (["m", "million"], 6), (["b", "billion"], 9),
    ]
    private static let dollars = ["usd", "us$", "$", "dollar", "dollars"]
    private static let cents = ["cent", "cents", "¢"]
    private static let otherMoney = ["€", "eur", "euro", "euros", "£", "gbp", "pound", "pounds", "¥", "jpy", "yen"]

    private mutating func amount() throws(Failure) -> Amount {
        var word = rest.removeFirst()
        var isMoney = false
        if let sign = ["us$", "usd", "$"].first(where: { word.lowercased().hasPrefix($0) }) {
            isMoney = true
            word.removeFirst(sign.count)
            if word.isEmpty, !rest.isEmpty { word = rest.removeFirst() }
        }
        if let sign = word.first, "€£¥".contains(sign) { throw notDollars }
        // A unit may follow the number without a space, as in 600rpm.
        let number = Self.number(at: word)
        if number.endIndex != word.endIndex { rest.insert(word[number.endIndex...], at: 0) }
        var exponent = 0
        if let next, let factor = Self.factors.first(where: { $0.words.contains(next) }) {
            exponent = factor.exponent
            rest.removeFirst()
        }
        if takeOne(of: Self.dollars) {
            isMoney = true
        } else if !isMoney, takeOne(of: Self.cents) {
            isMoney = true
            exponent -= 2
        }
        if let next, Self.otherMoney.contains(next) { throw notDollars }
        guard let digits = DecimalText.ungrouped(number), DecimalText(digits) != nil,
            let value = DecimalText(Self.scaled(digits, by: exponent))
        else {
            let window = Self.windowWords.contains(word.lowercased()) ? "; \(Self.quoting)" : ""
            throw failure("it must begin with an amount, such as $50, 600, 1,500 or 200k, not with '\(word)'\(window)")
        }
        guard !value.isNegative else { throw failure("its amount must not be negative") }
        let isPointed = exponent == 0 && number.contains(".") && !number.lowercased().contains("e")
        return Amount(number: value, isMoney: isMoney, pointed: isPointed ? number : nil)
    }

    /// The number that a word begins with: digits with their separators, a point, an exponent.
    private static func number(at word: Substring) -> Substring {
        let mantissa = word.prefix { $0.isASCII && ($0.isNumber || ".,_-+".contains($0)) }
        var rest = word[mantissa.endIndex...]
        guard !mantissa.isEmpty, rest.first == "e" || rest.first == "E" else { return mantissa }
        rest.removeFirst()
        if let sign = rest.first, "+-".contains(sign) { rest.removeFirst() }
        let exponent = rest.prefix { $0.isASCII && $0.isNumber }
        return exponent.isEmpty ? mantissa : word[..<exponent.endIndex]
    }

    /// A number with a further power of ten.
    private static func scaled(_ digits: String, by exponent: Int) -> String {
        let parts = digits.lowercased().split(separator: "e", maxSplits: 1)
        // What is beyond every range stays so.
        let own = parts.count > 1 ? max(-1_000, min(Int(parts[1]) ?? 1_000, 1_000)) : 0
        return exponent == 0 ? digits : "\(parts.first ?? "")e\(own + exponent)"
    }

    private var notDollars: Failure { failure("amounts of money are in US dollars, as in $50") }

    /// The words that a window begins with.
    private static let windowWords = adverbs + ["per", "a", "an", "each", "every", "until", "prepaid", "pre-paid"]
    /// What has become of a limit of money that a shell has read.
    private static let quoting = "write '$50 per month' in single quotes, because a shell reads \"$5\" as a variable"

    private func count(_ amount: Amount) throws(Failure) -> Int64 {
        guard amount.number.isWhole(), let units = amount.number.units(.up), let count = Int64(exactly: units) else {
            throw failure("its amount must be a whole number below 2⁶³")
        }
        if let pointed = amount.pointed {
            throw failure("'\(pointed)' has a decimal point; write a count without one, as in 200 or 200,000")
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
        ("rph", .requests, .sliding(milliseconds: 3_600_000)), ("rpd", .requests, .calendar(.day)),
        ("tps", .tokens, .sliding(milliseconds: 1_000)), ("tpm", .tokens, .sliding(milliseconds: 60_000)),
        ("tph", .tokens, .sliding(milliseconds: 3_600_000)), ("tpd", .tokens, .calendar(.day)),
    ]

    private mutating func shortForm() -> (word: String, dimension: LimitDimension, window: LimitWindow)? {
        guard let form = Self.shortForms.first(where: { $0.word == next }) else { return nil }
        rest.removeFirst()
        return form
    }

    private static let requests = ["request", "requests", "req", "reqs", "call", "calls"]
    private static let tokens = ["token", "tokens", "tok", "toks"]
    private static let kinds: [(words: [String], dimension: LimitDimension)] = [
        (["input", "prompt"], .inputTokens), (["output", "completion"], .outputTokens),
    ]
    private static let inFlight = [
        ["in", "flight"], ["in-flight"], ["in_flight"], ["inflight"], ["at", "once"], ["at", "a", "time"],
        ["in", "parallel"], ["concurrent"], ["concurrently"], ["parallel"], ["simultaneous"], ["simultaneously"],
    ]

    private mutating func dimension(isMoney: Bool) throws(Failure) -> LimitDimension {
        if isMoney { return .cost }
        if let kind = tokenKind() { return kind }
        if let next, let kind = Self.kinds.first(where: { $0.words.contains(next) }) {
            rest.removeFirst()
            guard takeOne(of: Self.tokens) else { throw failure("'\(next)' must be followed by 'tokens'") }
            return kind.dimension
        }
        if takeOne(of: Self.tokens) { return .tokens }
        let hasRequests = takeOne(of: Self.requests)
        if isInFlight() {
            if !hasRequests { _ = takeOne(of: Self.requests) }
            return .inFlight
        }
        if hasRequests { return .requests }
        let kinds = "requests, tokens, input tokens, output tokens or in flight"
        if rest.isEmpty { throw failure("say what it counts: \(kinds); money has a $") }
        if let next, Self.windowWords.contains(next) {
            throw failure("say what it counts: \(kinds); money has a $: \(Self.quoting)")
        }
        throw failure("'\(nextWritten)' cannot be counted; write \(kinds), or an amount with a $")
    }

    /// Takes the tokens of one kind in a word, such as `input-tokens`.
    private mutating func tokenKind() -> LimitDimension? {
        guard let next else { return nil }
        let parts = next.split { $0 == "-" || $0 == "_" }.map(String.init)
        guard parts.count == 2, Self.tokens.contains(parts[1]),
            let kind = Self.kinds.first(where: { $0.words.contains(parts[0]) })
        else { return nil }
        rest.removeFirst()
        return kind.dimension
    }

    private mutating func isInFlight() -> Bool {
        let words = rest.map { $0.lowercased() }
        guard let form = Self.inFlight.first(where: { words.starts(with: $0) }) else { return false }
        rest.removeFirst(form.count)
        return true
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
        if takeOne(of: ["prepaid", "pre-paid"]) { return try end(.prepaid) }
        if take("until", "reset") || take("manual") { return try end(.manual) }
        guard let next else {
            throw failure("it needs a window, such as 'per minute' or 'per month', or 'prepaid'")
        }
        let isAdverb = Self.adverbs.contains(next)
        guard isAdverb || takeOne(of: ["per", "a", "an", "each", "every"]) else {
            throw failure(
                "a window begins with 'per', as in 'per minute', or is 'prepaid' or 'until reset'; '\(nextWritten)' does not begin one"
            )
        }
        let isCalendar = take("calendar")
        let course = course()
        if let unit = unit() { return try window(of: unit, isCalendar: isCalendar, course ?? self.course()) }
        guard !isCalendar else {
            throw failure("'calendar' must be followed by hour, day, week, month, quarter or year")
        }
        let milliseconds = try length()
        let isFixed = (course ?? self.course()) == .fixed
        guard ValueRanges.windowLength.contains(milliseconds) else {
            throw failure("a window lasts from 1 second to 366 days")
        }
        return try end(isFixed ? .fixed(milliseconds: milliseconds) : .sliding(milliseconds: milliseconds))
    }

    /// How a window of a length goes on.
    private enum Course {
        case fixed, sliding
    }

    private mutating func course() -> Course? {
        if take("fixed") { return .fixed }
        return takeOne(of: ["sliding", "rolling"]) ? .sliding : nil
    }

    private mutating func window(
        of unit: Unit, isCalendar: Bool, _ course: Course?
    ) throws(Failure) -> LimitWindow {
        if let course {
            let isFixed = course == .fixed
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
        guard let next else { return window }
        if ["in", "from", "starting", "beginning"].contains(next) {
            throw failure("only calendar windows have a zone and a beginning, so '\(nextWritten)' cannot follow")
        }
        throw notUnderstood("")
    }

    /// The failure for what follows the window.
    private func notUnderstood(_ possible: String) -> Failure {
        let begins = nextWritten.first.map { $0 == "$" || $0.isNumber } ?? false
        return failure(
            "'\(nextWritten)' is not understood after the window\(begins ? "; give each limit in quotes of its own" : possible)"
        )
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
        while !rest.isEmpty {
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
                throw notUnderstood("; 'in' a zone and 'from' a beginning can follow")
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
