/// Amounts of money as people write them.
///
/// | part | forms |
/// |---|---|
/// | number | `1.23`, `1,234.50`, `1_000`, `1.2e-3`, `1.5k`, `2M` |
/// | currency | `$5`, `US$5`, `5$`, `5 USD`, `USD 5`, `5 dollars`; `12 cents`, `12¢`; none: dollars |
/// | sign | `-$5`, `$-5`, `+5` |
///
/// Case does not matter.
public enum MoneyText {
    /// Examples of the forms, for messages.
    public static let forms = "dollars, such as 0.0012, $1,200.50, '5 USD' or '12 cents'"

    /// The amount that a text spells. Nil if it spells none, or one out of range.
    ///
    /// A fraction of a nano-dollar is rounded as `Money` does it: a cost up, a refund down.
    public static func money(_ text: some StringProtocol) -> Money? { number(text).flatMap { Money($0) } }

    /// The amount that a text spells, if it is one of whole nano-dollars. Nil if it spells none, another, or one out of range.
    package static func exactMoney(_ text: some StringProtocol) -> Money? {
        number(text).flatMap { Money(exactly: $0, timesTenToThe: 0) }
    }

    /// The number of dollars that a text spells, as `DecimalText` reads it. Nil if it spells none.
    private static func number(_ text: some StringProtocol) -> String? {
        var rest = text.lowercased().replacing("\u{2212}", with: "-")[...]
        trim(&rest)
        var isNegative = takeSign(&rest)
        let isDollars = dollarWords.contains { takePrefix($0, &rest) }
        if isNegative == nil { isNegative = takeSign(&rest) }
        guard rest.first.map({ $0.isASCII && ($0.isNumber || $0 == ".") }) == true else { return nil }
        var exponent = 0
        if let unit = units.first(where: { takeSuffix($0.word, &rest) }) {
            // `$5 USD` names the currency twice, and `$5 cents` is not an amount.
            guard !isDollars || unit.exponent == 0 else { return nil }
            exponent = unit.exponent
        }
        if let factor = factors.first(where: { takeSuffix($0.word, &rest) }) { exponent += factor.exponent }
        guard let digits = DecimalText.ungrouped(rest) else { return nil }
        let number = exponent == 0 ? digits : "\(digits)e\(exponent)"
        return "\(isNegative == true ? "-" : "")\(number)"
    }

    private static let dollarWords = ["us$", "$", "usd"]
    private static let units = [
        ("us$", 0), ("$", 0), ("usd", 0), ("dollars", 0), ("dollar", 0), ("cents", -2), ("cent", -2), ("¢", -2),
    ].map { (word: $0.0, exponent: $0.1) }
    private static let factors = [("k", 3), ("m", 6), ("b", 9)].map { (word: $0.0, exponent: $0.1) }

    /// Takes a sign. Nil: there is none; false: a plus.
    private static func takeSign(_ rest: inout Substring) -> Bool? {
        guard let sign = rest.first, sign == "-" || sign == "+" else { return nil }
        rest.removeFirst()
        trim(&rest)
        return sign == "-"
    }

    private static func takePrefix(_ word: String, _ rest: inout Substring) -> Bool {
        guard rest.hasPrefix(word) else { return false }
        rest.removeFirst(word.count)
        trim(&rest)
        return true
    }

    private static func takeSuffix(_ word: String, _ rest: inout Substring) -> Bool {
        guard rest.hasSuffix(word) else { return false }
        rest.removeLast(word.count)
        trim(&rest)
        return true
    }

    private static func trim(_ rest: inout Substring) {
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
    }
}
