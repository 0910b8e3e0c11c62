/// Durations, sizes and counts as people write them: `500ms`, `60s`, `1.5h`, `1h30m`, `7d`; `512B`, `64KiB`, `1MiB`.
public enum Quantity {
    private static let durations: [(unit: String, nanoseconds: UInt128)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1_000), ("µs", 1_000), ("μs", 1_000), ("ns", 1),
    ]

    private static let sizes: [(unit: String, bytes: UInt128)] = [
        ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
    ]

    /// The forms of a duration, for messages and help texts.
    public static let durationForms = "a number with a unit, such as 500ms, 60s, 1.5h, 1h30m or 7d"

    /// The milliseconds that a duration such as `90s`, `1.5h` or `1h30m` spells; nil if it spells none or is negative.
    ///
    /// The units are d, h, m, s, ms, us (or µs) and ns, each at most once, the largest first. Spaces are allowed
    /// between the parts. Only 0 needs no unit. Parts of a millisecond are rounded up.
    public static func milliseconds(_ text: some StringProtocol) -> Int64? {
        if text == "0" { return 0 }
        var nanoseconds: UInt128 = 0
        var smallest: UInt128 = .max
        var rest = Substring(text)
        repeat {
            guard let (number, unit) = part(&rest),
                let factor = durations.first(where: { $0.unit == unit })?.nanoseconds,
                factor < smallest, let billionths = number.units(decimals: 9, .up)
            else { return nil }
            smallest = factor
            let (product, overflow) = billionths.multipliedReportingOverflow(by: factor)
            guard !overflow else { return nil }
            let (whole, remainder) = product.quotientAndRemainder(dividingBy: 1_000_000_000)
            nanoseconds += whole + (remainder > 0 ? 1 : 0)
            while rest.first == " ", rest.count > 1 { rest.removeFirst() }
        } while !rest.isEmpty
        let (whole, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return Int64(exactly: whole + (remainder > 0 ? 1 : 0))
    }

    /// The bytes that a size such as `64KiB` spells; nil if it spells none or not a whole number of bytes.
    ///
    /// The units are B, KiB, MiB and GiB. Only 0 needs no unit.
    public static func bytes(_ text: some StringProtocol) -> Int64? {
        if text == "0" { return 0 }
        var rest = Substring(text)
        guard let (number, unit) = part(&rest), rest.isEmpty, number.isWhole(decimals: 9),
            let factor = sizes.first(where: { $0.unit == unit })?.bytes,
            let billionths = number.units(decimals: 9, .up)
        else { return nil }
        let (product, overflow) = billionths.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        let (bytes, remainder) = product.quotientAndRemainder(dividingBy: 1_000_000_000)
        return remainder == 0 ? Int64(exactly: bytes) : nil
    }

    /// A number with a noun: `1 entry`, `2 entries`.
    ///
    /// - Parameter plural: the plural, if it is not the singular with an s
    public static func count(_ number: some BinaryInteger, _ singular: String, plural: String? = nil) -> String {
        number == 1 ? "1 \(singular)" : "\(number) \(plural ?? singular + "s")"
    }

    /// A duration in the largest unit that spells it exactly: `90s`, `5m`.
    public static func text(milliseconds: Int64) -> String {
        guard milliseconds != 0 else { return "0s" }
        for (unit, factor): (String, Int64) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)]
        where milliseconds % factor == 0 {
            return "\(milliseconds / factor)\(unit)"
        }
        return "\(milliseconds)ms"
    }

    /// A range of durations: `1ms to 366d`.
    public static func text(_ milliseconds: ClosedRange<Int64>) -> String {
        "\(text(milliseconds: milliseconds.lowerBound)) to \(text(milliseconds: milliseconds.upperBound))"
    }

    /// A number with its digits in groups of three: `4,294,967,295`.
    public static func grouped(_ number: some UnsignedInteger) -> String {
        var digits = Array(String(number))
        for place in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: place) }
        return String(digits)
    }

    /// An amount of at least $0 with a dollar sign: `$1,000,000`. A fraction of a dollar is cut off.
    public static func dollars(_ money: Money) -> String {
        "$\(grouped(UInt64(money.nanodollars / Money.nanodollarsPerDollar)))"
    }

    /// Takes a number and its unit from the beginning of the text.
    private static func part(_ text: inout Substring) -> (number: DecimalText, unit: String)? {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let value = DecimalText(number) else { return nil }
        text = text[number.endIndex...]
        let unit = text.prefix(while: \.isLetter)
        text = text[unit.endIndex...]
        return (value, String(unit))
    }
}
