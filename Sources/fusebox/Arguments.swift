import ArgumentParser
import FuseboxWire

// How arguments are read that are more than text and whole numbers.

/// A length of time on the command line.
struct DurationArgument: ExpressibleByArgument {
    let duration: Duration

    init(duration: Duration) { self.duration = duration }

    /// Nil if it has no unit, is negative or no whole number of milliseconds.
    init?(argument: String) {
        guard let milliseconds = Quantity.milliseconds(argument) else { return nil }
        duration = .milliseconds(milliseconds)
    }

    var defaultValueDescription: String { Quantity.text(milliseconds: Int64(duration / .milliseconds(1))) }
}

/// An amount of dollars on the command line, at least 0.
struct MoneyArgument: ExpressibleByArgument {
    let money: Money

    init?(argument: String) {
        guard let money = Money(argument), money >= .zero else { return nil }
        self.money = money
    }
}

/// An enumeration of the protocol on the command line, by the names of its cases.
protocol NamedArgument: ExpressibleByArgument, WireEnumeration {}

extension NamedArgument {
    public init?(argument: String) {
        guard let value = Self.allCases.first(where: { "\($0)" == argument }) else { return nil }
        self = value
    }

    public static var allValueStrings: [String] { allCases.map { "\($0)" } }
}

extension RateDimension: ExpressibleByArgument {}
extension RateDimension: NamedArgument {}
extension PeriodLength: ExpressibleByArgument {}
extension PeriodLength: NamedArgument {}

extension Profile: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
    public static var allValueStrings: [String] { allCases.map(\.name) }
    public var defaultValueDescription: String { name }
}

/// How durations are written, for help texts.
let durationHelp = "with a unit: 500ms, 60s, 5m, 24h, 7d"
