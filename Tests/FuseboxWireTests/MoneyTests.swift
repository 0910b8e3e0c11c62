import FuseboxWire
import Testing

@Suite("Money")
struct MoneyTests {
    @Test(
        "Decimals and what they are in nano-dollars; printing gives the shortest",
        arguments: [
            ("0", 0, "0"), ("-0", 0, "0"), ("1", 1_000_000_000, "1"), ("0.0012", 1_200_000, "0.0012"),
            ("-3.5", -3_500_000_000, "-3.5"), ("+2", 2_000_000_000, "2"), (".5", 500_000_000, "0.5"),
            ("5.", 5_000_000_000, "5"),
            ("0.000000001", 1, "0.000000001"), ("-0.000000001", -1, "-0.000000001"), ("007.10", 7_100_000_000, "7.1"),
            ("9223372036.854775807", .max, "9223372036.854775807"),
            ("-9223372036.854775808", .min, "-9223372036.854775808"),
        ] as [(String, Int64, String)])
    func decimals(text: String, nanodollars: Int64, printed: String) {
        #expect(Money(text) == Money(nanodollars: nanodollars))
        #expect(Money(nanodollars: nanodollars).description == printed)
        #expect(Money(printed) == Money(nanodollars: nanodollars))
    }

    @Test(
        "What is no amount",
        arguments: [
            "", "-", "+", ".", "-.", "1.2.3", "1,5", " 1", "1 ", "1e3", "$1", "--1", "+-1", "0x1", "١", "1.0000000001",
            "nan",
            "9223372036.854775808", "-9223372036.854775809", "99999999999999999999", "18446744073.709551616",
        ])
    func refused(text: String) {
        #expect(Money(text) == nil)
    }

    @Test(
        "The nearest amount to a double, halves away from zero",
        arguments: [
            (0, 0), (1.5, 1_500_000_000), (-0.1, -100_000_000), (0.1 + 0.2, 300_000_000), (0.4999e-9, 0), (0.5e-9, 1),
            (-0.5e-9, -1), (2.5e-9, 3), (1e-30, 0), (9_223_372_036, 9_223_372_036_000_000_000),
        ] as [(Double, Int64)])
    func doubles(dollars: Double, nanodollars: Int64) {
        #expect(Money(dollars: dollars)?.nanodollars == nanodollars)
    }

    @Test(
        "As a number of dollars it is the one that its decimal spells, whatever its size",
        arguments: [
            0, 1, -1, 720_000_000, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1, 123_456_789_123_456_789,
            9_007_199_254_740_993_001, .max, .min, 4_611_686_018_427_387_905, 8_999_999_999_999_999_999,
        ] as [Int64])
    func nearestDouble(nanodollars: Int64) throws {
        let money = Money(nanodollars: nanodollars)
        #expect(money.dollars == Double(money.description))
        for offset in 1...200 as ClosedRange<Int64> {
            let money = Money(nanodollars: nanodollars / 2 + offset * 7_919_999_993)
            #expect(money.dollars == Double(money.description))
        }
    }

    @Test(
        "A double out of range is no amount",
        arguments: [9_223_372_037, -9_223_372_037, .nan, .infinity, -.infinity, 1e300])
    func doublesOutOfRange(dollars: Double) {
        #expect(Money(dollars: dollars) == nil)
    }

    @Test("Sums and differences that leave the range are none")
    func arithmetic() {
        let most = Money(nanodollars: .max), least = Money(nanodollars: .min), one = Money(nanodollars: 1)
        #expect(most.adding(one) == nil)
        #expect(least.subtracting(one) == nil)
        #expect(Money.zero.subtracting(least) == nil)
        #expect(most.adding(least) == Money(nanodollars: -1))
        #expect(most.subtracting(one)?.adding(one) == most)
        #expect(least < .zero && .zero < one && one < most)
    }

    @Test("A literal in the program")
    func literal() {
        #expect(Money.dollars("0.00123").nanodollars == 1_230_000)
        #expect(Money.dollars("0.00123").dollars == 0.00123)
    }
}
