import ArgumentParser
import FuseboxClient
import FuseboxWire

// The readers of arguments: durations, amounts of money, enumerations.

/// A duration on the command line.
struct DurationArgument: CustomStringConvertible {
    let duration: Duration

    init(duration: Duration) { self.duration = duration }

    var description: String { Self.text(duration) }

    /// A reader of durations within a range. Its error names the forms and the range.
    ///
    /// - Parameter range: in milliseconds
    static func within(_ range: ClosedRange<Int64>) -> @Sendable (String) throws -> DurationArgument {
        { text in
            guard let milliseconds = Quantity.milliseconds(text), range.contains(milliseconds) else {
                throw ValidationError("give \(Quantity.durationForms), \(Self.text(range))")
            }
            return DurationArgument(duration: .milliseconds(milliseconds))
        }
    }

    private static func text(_ range: ClosedRange<Int64>) -> String {
        let least = Quantity.text(milliseconds: range.lowerBound)
        guard range.upperBound < .max else { return "of at least \(least)" }
        return "from \(least) to \(Quantity.text(milliseconds: range.upperBound))"
    }

    /// Reads how long a provider accepts no calls, in every form that providers send.
    static func retryTime(_ text: String) throws -> DurationArgument {
        guard let duration = Duration(retryAfter: text), duration <= longest else {
            throw ValidationError("give \(RetryTime.forms), up to \(Self.text(longest)) from now")
        }
        return DurationArgument(duration: duration)
    }

    /// Reads how long a provider accepts no calls, as a person gives it. It must not be negative.
    static func cooldown(_ text: String) throws -> DurationArgument {
        try retryTime(text.hasPrefix("-") ? "" : text)
    }

    private static let longest = Duration.milliseconds(ValueRanges.cooldown.upperBound)
    /// The range of times that the tool itself waits for, in milliseconds.
    static let wait: ClosedRange<Int64> = 0...ValueRanges.longestMilliseconds
    /// The range of all other times, in milliseconds.
    static let positive: ClosedRange<Int64> = 1...ValueRanges.longestMilliseconds

    private static func text(_ duration: Duration) -> String {
        Quantity.text(milliseconds: Int64(duration / .milliseconds(1)))
    }
}

/// An amount of dollars on the command line.
struct MoneyArgument {
    let money: Money

    init(money: Money) { self.money = money }

    /// Reads the cost of a call.
    static func cost(_ text: String) throws -> MoneyArgument { try read(text, .zero...WireLimits.callCost) }

    /// Reads a price per million tokens.
    static func price(_ text: String) throws -> MoneyArgument { try exact(text, .millionTokens) }

    /// Reads a price per request.
    static func requestPrice(_ text: String) throws -> MoneyArgument { try exact(text, .request) }

    /// Reads a price. It must be exact: rounded, it would make each cost that is computed from it a wrong one.
    private static func exact(_ text: String, _ unit: PriceUnit) throws -> MoneyArgument {
        let price = try cost(text)
        guard MoneyText.exactMoney(text) != nil else {
            throw ValidationError("it is \(unit.inexact); give at most nine decimals of a dollar")
        }
        return price
    }

    /// Reads what a provider has billed.
    static func bill(_ text: String) throws -> MoneyArgument { try read(text, .zero...WireLimits.adjustment) }

    /// Reads what is added to an account; a negative amount is taken back.
    static func correction(_ text: String) throws -> MoneyArgument {
        let most = WireLimits.adjustment
        return try read(text, Money(nanodollars: -most.nanodollars)...most)
    }

    private static func read(_ text: String, _ range: ClosedRange<Money>) throws -> MoneyArgument {
        guard let money = MoneyText.money(text), range.contains(money) else {
            throw ValidationError("give \(MoneyText.forms), from \(range.lowerBound) to \(range.upperBound)")
        }
        return MoneyArgument(money: money)
    }
}

/// An enumeration of the protocol on the command line. Its values are the names of its cases.
protocol NamedArgument: ExpressibleByArgument, WireEnumeration {}

extension NamedArgument {
    /// The case with this name. Nil if there is none.
    public init?(argument: String) {
        guard let value = Self.allCases.first(where: { "\($0)" == argument }) else { return nil }
        self = value
    }

    /// The names of all cases, for help texts.
    public static var allValueStrings: [String] { allCases.map { "\($0)" } }
}

extension Profile: ExpressibleByArgument {
    /// The profile with this name. Nil if there is none.
    public init?(argument: String) { self.init(name: argument) }
    /// The names of all profiles, for help texts.
    public static var allValueStrings: [String] { allCases.map(\.name) }
    /// The profile's name, for help texts.
    public var defaultValueDescription: String { name }
}

/// The forms of durations, for help texts.
let durationHelp = "with a unit: 500ms, 60s, 1.5h, 1h30m, 7d"
/// The forms of times after which a provider accepts calls again, for help texts.
let retryTimeHelp = "30, 1.5h, 6m0s, 1500ms, or a date of HTTP or RFC 3339"
