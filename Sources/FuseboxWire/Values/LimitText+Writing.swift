extension Limit: CustomStringConvertible {
    /// The limit in the form that `LimitText` reads, without its mode: `$50 per month in Europe/Berlin`,
    /// `600 requests per minute`, `8 in flight`.
    public var description: String {
        switch dimension {
        case .inFlight: "\(dimension.text(of: amount)) in flight"
        default: "\(dimension.text(of: amount)) \(window)"
        }
    }
}

extension LimitDimension {
    /// An amount in this dimension: `$50`, `$0.50`, `1 request`, `200,000 input tokens`. For calls in flight it is the number
    /// alone.
    public func text(of amount: Int64) -> String {
        let number = Self.grouped(amount)
        return switch self {
        case .cost: Self.dollars(Money(nanodollars: amount))
        case .requests: "\(number) \(amount == 1 ? "request" : "requests")"
        case .tokens: "\(number) \(amount == 1 ? "token" : "tokens")"
        case .inputTokens: "\(number) input \(amount == 1 ? "token" : "tokens")"
        case .outputTokens: "\(number) output \(amount == 1 ? "token" : "tokens")"
        case .inFlight: number
        case .unknown: "\(number) \(self)"
        }
    }

    /// Dollars: whole ones alone, others with at least two decimals.
    private static func dollars(_ money: Money) -> String {
        let text = "\(money)"
        let decimals = text.firstIndex(of: ".").map { text.distance(from: $0, to: text.endIndex) - 1 }
        let cents = decimals == 1 ? text + "0" : text
        return cents.first == "-" ? "-$\(cents.dropFirst())" : "$\(cents)"
    }

    /// A count. Its digits are grouped in threes from 10,000 on.
    private static func grouped(_ count: Int64) -> String {
        guard count.magnitude >= 10_000 else { return "\(count)" }
        var text = ""
        for (place, digit) in String(count.magnitude).reversed().enumerated() {
            if place > 0, place % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (count < 0 ? "-" : "") + String(text.reversed())
    }
}

extension LimitWindow: CustomStringConvertible {
    /// The window in the form that `LimitText` reads: `per minute`, `per 10s`, `per month in Europe/Berlin from the
    /// 15th`, `prepaid`.
    public var description: String {
        switch kind {
        case .none: ""
        case .sliding: "per \(Self.length(lengthMilliseconds))"
        case .fixed: "per \(Self.length(lengthMilliseconds)) fixed"
        case .calendar: calendarDescription
        case .manual: "until reset"
        case .prepaid: "prepaid"
        case .unknown: "\(kind)"
        }
    }

    private static func length(_ milliseconds: Int64) -> String {
        switch milliseconds {
        case 1_000: "second"
        case 60_000: "minute"
        case 3_600_000: "hour"
        case 86_400_000: "24h"
        default: Quantity.text(milliseconds: milliseconds)
        }
    }

    private var calendarDescription: String {
        var text = unit == .hour ? "per calendar hour" : "per \(unit)"
        if let zone { text += " in \(zone)" }
        switch unit {
        case .hour, .day: break
        case .week where anchorDay != 1: text += " from \(Self.name(anchorDay, among: Self.weekdays))"
        case .month where anchorDay != 1, .quarter where anchorDay != 1: text += " from the \(Self.ordinal(anchorDay))"
        case .year where anchorDay != 1 || anchorMonth != 1:
            text += " from \(Self.name(anchorMonth, among: Self.months)) \(anchorDay)"
        case .week, .month, .quarter, .year, .unknown: break
        }
        return text
    }

    /// The name of a number from 1 on. A number that has none comes from a peer, and is told as it is.
    private static func name(_ number: UInt8, among names: [String]) -> String {
        names.indices.contains(Int(number) - 1) ? names[Int(number) - 1] : "\(number)"
    }

    private static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    private static func ordinal(_ day: UInt8) -> String {
        let ending =
            switch (day / 10, day % 10) {
            case (1, _): "th"
            case (_, 1): "st"
            case (_, 2): "nd"
            case (_, 3): "rd"
            default: "th"
            }
        return "\(day)\(ending)"
    }
}
