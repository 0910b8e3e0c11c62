import FuseboxWire
import Testing

struct MoneyTextTests {
    @Test(
        arguments: [
            ("1.23", "1.23"), ("-1.23", "-1.23"), ("+1.23", "1.23"), ("$1.23", "1.23"), ("-$1.23", "-1.23"),
            ("$-1.23", "-1.23"), ("- $ 1.23", "-1.23"), ("\u{2212}1.23", "-1.23"), ("US$5", "5"), ("5$", "5"),
            ("5 USD", "5"), ("USD 5", "5"), ("usd5", "5"), ("$5 USD", "5"), ("5 dollars", "5"), ("1 dollar", "1"),
            ("-5 dollars", "-5"), ("12 cents", "0.12"), ("-12¢", "-0.12"), ("1 cent", "0.01"), ("1,234.50", "1234.5"),
            ("$1,000,000", "1000000"), ("1_000", "1000"), ("1.5k", "1500"), ("$2M", "2000000"), ("7.5e-05", "0.000075"),
            (" 3 ", "3"), (".5", "0.5"), ("-0", "0"), ("0.0000000001", "0.000000001"),
            ("-0.0000000019", "-0.000000001"),
        ])
    func isUnderstood(text: String, dollars: String) {
        #expect(MoneyText.money(text) == Money(dollars))
    }

    @Test(
        arguments: [
            "", "-", "$", "USD", "--1", "-$-1", "1,23", "1,2345", "€5", "5 EUR", "5 apples", "five", "5 $ 5", "1 2",
            "$5 cents", "5 cents cents", "5%", "nan", "1e", "10000000000", "0x10",
        ])
    func isNoAmount(text: String) {
        #expect(MoneyText.money(text) == nil)
    }

    @Test(
        arguments: [
            ("2.50", "2.5"), ("$0.000000001", "0.000000001"), ("0.0000001 cents", "0.000000001"),
            ("0.00000005 cents", nil), ("0.00000000049", nil), ("0", "0"), ("0.30000000000000004", "0.3"),
            ("five", nil), ("10000000000", nil),
        ] as [(String, String?)])
    func isUnderstoodIfItIsExact(text: String, dollars: String?) {
        #expect(MoneyText.exactMoney(text) == dollars.flatMap { Money($0) })
    }
}
