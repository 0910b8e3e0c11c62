/// An exact amount of US dollars, counted in nano-dollars (10⁻⁹ $).
///
/// The range is about ±9.2 billion dollars. Arithmetic is checked: what would leave the range is an error,
/// never a wrapped or rounded sum.
public struct Money: Sendable, Hashable {
    /// Billionths of a dollar.
    public var nanodollars: Int64

    /// Nothing.
    @inlinable public static var zero: Money { Money(nanodollars: 0) }
    /// What a dollar is.
    public static let nanodollarsPerDollar: Int64 = 1_000_000_000

    /// An amount in billionths of a dollar.
    @inlinable
    public init(nanodollars: Int64) { self.nanodollars = nanodollars }

    /// The amount that a decimal such as `12`, `0.0012` or `-3.5` spells, with at most nine decimals.
    ///
    /// Returns nil if the text is no such decimal or is out of range.
    public init?(_ text: some StringProtocol) {
        var digits = Substring(text)
        let negative = digits.first == "-"
        if negative || digits.first == "+" { digits.removeFirst() }
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, parts.count == 1 || !(whole.isEmpty && parts[1].isEmpty) else { return nil }
        let decimals = parts.count == 2 ? parts[1] : ""
        guard !digits.isEmpty, decimals.utf8.count <= 9 else { return nil }
        var magnitude: UInt64 = 0
        let padding = String(repeating: "0", count: 9 - decimals.utf8.count)
        for digit in "\(whole)\(decimals)\(padding)".utf8 {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            let (shifted, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (next, carry) = shifted.addingReportingOverflow(UInt64(digit - 0x30))
            guard !overflow, !carry else { return nil }
            magnitude = next
        }
        if negative, magnitude == Int64.min.magnitude {
            self.init(nanodollars: .min)
            return
        }
        guard let exact = Int64(exactly: magnitude) else { return nil }
        self.init(nanodollars: negative ? -exact : exact)
    }

    /// The nearest amount to a number of dollars; nil if it is not finite or out of range.
    public init?(dollars: Double) {
        let scaled = dollars * 1e9
        guard scaled.magnitude < 0x1p63 else { return nil }
        // Rounded by hand, halves away from zero: `rounded()` would make everything that links this need libm.
        let whole = Int64(scaled)
        let fraction = scaled - Double(whole)
        self.init(nanodollars: fraction >= 0.5 ? whole + 1 : fraction <= -0.5 ? whole - 1 : whole)
    }

    /// The nearest number of dollars, for ratios and for reading; sums are made with `Money`.
    ///
    /// It is the number that the amount's decimal spells, as any language reads it.
    public var dollars: Double {
        // Up to 2⁵³ the division alone rounds.
        if nanodollars.magnitude <= 1 << 53 { return Double(nanodollars) / 1e9 }
        // Beyond, more bits of the quotient than a double has, and whether any are left over, are rounded once.
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
            preconditionFailure("\(literal) is not an amount of dollars with at most nine decimals")
        }
        return amount
    }
}
