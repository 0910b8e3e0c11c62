/// An exact amount of US dollars, counted in nano-dollars (10⁻⁹ $).
///
/// The range is about ±9.2 billion dollars. Arithmetic is checked: a sum outside the range is an error. No sum is
/// wrapped or rounded.
public struct Money: Sendable, Hashable {
    /// The amount in billionths of a dollar.
    public var nanodollars: Int64

    /// $0.
    @inlinable public static var zero: Money { Money(nanodollars: 0) }
    /// One dollar, in nano-dollars.
    public static let nanodollarsPerDollar: Int64 = 1_000_000_000

    /// An amount in billionths of a dollar.
    @inlinable
    public init(nanodollars: Int64) { self.nanodollars = nanodollars }

    /// The amount of dollars that a number spells, in any form in which programs print one: `12`, `0.0012`, `-3.5`,
    /// `7.5e-05`, `0.30000000000000004`.
    ///
    /// A number of whole nano-dollars is exact. Another number with more than 15 significant digits is a printed
    /// double, and is first rounded to 15 digits, half to even. The fraction of a nano-dollar that is left is rounded
    /// up, so that no cost becomes nothing. In a negative number it is dropped, so that no refund becomes more.
    ///
    /// Nil if the text is not such a number or is out of range.
    public init?(_ text: some StringProtocol) {
        guard var number = DecimalText(text) else { return nil }
        if !number.isWhole(decimals: Self.decimals) { number.round(toDigits: Self.digitsOfDoubles) }
        guard let magnitude = number.units(decimals: Self.decimals, number.isNegative ? .towardZero : .up) else {
            return nil
        }
        if number.isNegative, magnitude == Int64.min.magnitude {
            self.init(nanodollars: .min)
            return
        }
        guard let exact = Int64(exactly: magnitude) else { return nil }
        self.init(nanodollars: number.isNegative ? -exact : exact)
    }

    /// A nano-dollar is the ninth decimal of a dollar.
    private static let decimals = 9
    /// A double has 15 significant digits. The digits that are printed beyond them only distinguish doubles.
    private static let digitsOfDoubles = 15

    /// The exact amount of dollars that `factor`, a power of ten, times a number is; nil if the amount is not one of whole
    /// nano-dollars, or out of range.
    ///
    /// A number with more than 15 significant digits is a printed double, and is first rounded to 15 digits, half to even.
    package init?(exactly text: some StringProtocol, timesTenToThe exponent: Int) {
        guard var number = DecimalText(text) else { return nil }
        number.shift(exponent)
        if !number.isWhole(decimals: Self.decimals) { number.round(toDigits: Self.digitsOfDoubles) }
        guard number.isWhole(decimals: Self.decimals),
            let magnitude = number.units(decimals: Self.decimals, .up).flatMap({ Int64(exactly: $0) })
        else { return nil }
        self.init(nanodollars: number.isNegative ? -magnitude : magnitude)
    }

    /// A number of dollars, read by the rule for text as it is printed; nil if it is not finite or out of range.
    public init?(dollars: Double) { self.init(dollars.description) }

    /// The double nearest to the exact amount, for ratios and for display. Sums are made with `Money`.
    ///
    /// Every language reads the printed decimal of the amount as this number.
    public var dollars: Double {
        // Up to 2⁵³ the conversion is exact and only the division rounds.
        if nanodollars.magnitude <= 1 << 53 { return Double(nanodollars) / 1e9 }
        // Beyond, the quotient has more bits than a double, and its lowest bit says whether there is a remainder. It is
        // rounded once.
        let (quotient, remainder) = (UInt128(nanodollars.magnitude) << 64).quotientAndRemainder(
            dividingBy: 1_000_000_000)
        let dollars = Double(remainder == 0 ? quotient : quotient | 1) * 0x1p-64
        return nanodollars < 0 ? -dollars : dollars
    }

    /// The sum, or nil if it would leave the range.
    @inlinable
    public func adding(_ other: Money) -> Money? {
        let (sum, overflow) = nanodollars.addingReportingOverflow(other.nanodollars)
        return overflow ? nil : Money(nanodollars: sum)
    }

    /// The difference, or nil if it would leave the range.
    @inlinable
    public func subtracting(_ other: Money) -> Money? {
        let (difference, overflow) = nanodollars.subtractingReportingOverflow(other.nanodollars)
        return overflow ? nil : Money(nanodollars: difference)
    }
}

extension Money: Comparable {
    /// Whether the left amount is the smaller one.
    @inlinable
    public static func < (left: Money, right: Money) -> Bool { left.nanodollars < right.nanodollars }
}

extension Money: CustomStringConvertible {
    /// Dollars with as many decimals as the exact amount needs: `0.0012`, `50`.
    public var description: String {
        let magnitude = nanodollars.magnitude
        let whole = magnitude / 1_000_000_000
        let fraction = magnitude % 1_000_000_000
        let sign = nanodollars < 0 ? "-" : ""
        guard fraction != 0 else { return "\(sign)\(whole)" }
        var decimals = String(fraction + 1_000_000_000).dropFirst()
        while decimals.last == "0" { decimals.removeLast() }
        return "\(sign)\(whole).\(decimals)"
    }
}

extension Money {
    /// The amount that a decimal spells, as in `.dollars("0.00123")`.
    ///
    /// A literal that spells no amount is a mistake in the program and stops it; parse input with `Money(_:)`.
    public static func dollars(_ literal: StaticString) -> Money {
        guard let amount = Money(literal.description) else {
            preconditionFailure("\(literal) is not an amount of dollars")
        }
        return amount
    }
}
