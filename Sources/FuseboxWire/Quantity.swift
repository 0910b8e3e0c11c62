/// Durations and sizes as people write them: `500ms`, `60s`, `5m`, `24h`, `7d`; `512B`, `64KiB`, `1MiB`.
public enum Quantity {
    private static let durations: [(unit: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    private static let sizes: [(unit: String, bytes: Int64)] = [
        ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
    ]

    /// The milliseconds that a duration such as `1.5h` spells; nil if it spells none, is negative or no whole number
    /// of milliseconds. The unit must be there; only 0 does without.
    public static func milliseconds(_ text: some StringProtocol) -> Int64? {
        parse(text, units: durations.map { ($0.unit, $0.milliseconds) })
    }

    /// The bytes that a size such as `64KiB` spells; nil if it spells none.
    public static func bytes(_ text: some StringProtocol) -> Int64? {
        parse(text, units: sizes.map { ($0.unit, $0.bytes) })
    }

    /// A duration in the largest unit that spells it exactly: `90s`, `5m`.
    public static func text(milliseconds: Int64) -> String {
        guard milliseconds != 0 else { return "0s" }
        for (unit, factor) in durations.reversed() where milliseconds % factor == 0 {
            return "\(milliseconds / factor)\(unit)"
        }
        return "\(milliseconds)ms"
    }

    private static func parse(_ text: some StringProtocol, units: [(unit: String, factor: Int64)]) -> Int64? {
        if text == "0" { return 0 }
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let factor = units.first(where: { $0.unit == text.dropFirst(number.count) })?.factor else { return nil }
        // Money reads decimals exactly to nine places, which is more than any unit here needs.
        guard let billionths = Money(number)?.nanodollars else { return nil }
        let (high, low) = billionths.multipliedFullWidth(by: factor)
        guard high >= 0, high < Money.nanodollarsPerDollar / 2 else { return nil }
        let (quotient, remainder) = Money.nanodollarsPerDollar.dividingFullWidth((high, low))
        return remainder == 0 ? quotient : nil
    }
}
