import FuseboxWire
import Testing

struct MoneyTests {
    @Test(
        arguments: [
            ("0", 0, "0"), ("-0", 0, "0"), ("1", 1_000_000_000, "1"), ("0.0012", 1_200_000, "0.0012"),
            ("-3.5", -3_500_000_000, "-3.5"), ("+2", 2_000_000_000, "2"), (".5", 500_000_000, "0.5"),
            ("5.", 5_000_000_000, "5"),
            ("0.000000001", 1, "0.000000001"), ("-0.000000001", -1, "-0.000000001"), ("007.10", 7_100_000_000, "7.1"),
            ("9223372036.854775807", .max, "9223372036.854775807"),
            ("-9223372036.854775808", .min, "-9223372036.854775808"),
        ] as [(String, Int64, String)])
    func decimalsAndWhatTheyAreInNanoDollarsAndPrintingGivesTheShortest(
        text: String, nanodollars: Int64, printed: String
    ) {
        #expect(Money(text) == Money(nanodollars: nanodollars))
        #expect(Money(nanodollars: nanodollars).description == printed)
        #expect(Money(printed) == Money(nanodollars: nanodollars))
    }

    @Test(
        arguments: [
            "", "-", "+", ".", "-.", "1.2.3", "1,5", " 1", "1 ", "$1", "--1", "+-1", "0x1", "١", "1_000", "1 000",
            "1,000.5",
            "nan", "NaN", "inf", "Infinity", "-Infinity", "null", "None", "e5", ".e5", "1e", "1e+", "1e-", "1e5.0",
            "1ee5",
            "1e5e5", "1e 5", "e", "1d5", "1f", "0x1p3", "1\u{0}", "½", "1\n", "lots",
            "9223372036.854775808", "-9223372036.854775809", "99999999999999999999", "18446744073.709551616", "1e10",
            "1e19", "1e400", "1e999999999999999999999", "-1e10", "9223372036.8547758071",
        ])
    func whatIsNoAmount(text: String) {
        #expect(Money(text) == nil)
    }

    @Test(
        arguments: [
            // jq, Python and JavaScript print small numbers so.
            ("7.5e-05", 75_000), ("3.195e-05", 31_950), ("3.195E-05", 31_950), ("1.2e-3", 1_200_000),
            ("1e0", 1_000_000_000),
            ("1.5e+00", 1_500_000_000), ("1e3", 1_000_000_000_000), ("12e-1", 1_200_000_000), (".5e1", 5_000_000_000),
            ("5.e-1", 500_000_000), ("9.223372036e+09", 9_223_372_036_000_000_000), ("0e400", 0), ("0e-400", 0),
            ("0.00e99999999999999999999", 0), ("-7.5e-05", -75_000),
            // More than 15 significant digits: a printed double.
            ("0.30000000000000004", 300_000_000), ("0.29999999999999998889", 300_000_000),
            ("0.1000000000000000055", 100_000_000),
            ("1.1000000000000001", 1_100_000_000), ("0.000074999999999999996", 75_000),
            ("7.4999999999999996e-05", 75_000),
            ("999999.99999999994", 1_000_000_000_000_000), ("9.9999999999999999e-1", 1_000_000_000),
            ("-0.30000000000000004", -300_000_000),
            // Half to even, counted from the first digit that is not zero; then up below a nano-dollar.
            ("100000.0000000005", 100_000_000_000_000), ("100000.0000000015", 100_000_000_000_002),
            ("100000.0000000025", 100_000_000_000_002), ("100000.00000000050001", 100_000_000_000_001),
            ("0.00100000000000000500", 1_000_000), ("0.0010000000000000149", 1_000_001),
            // Fifteen digits and fewer are what they say.
            ("0.100000000000001", 100_000_001), ("0.0000000375", 38), ("3.75e-8", 38), ("0.0000000001", 1),
            ("1e-10", 1),
            ("5e-324", 1), ("1e-99999999999999999999", 1), ("1.0000000001", 1_000_000_001),
            ("1.000000000999", 1_000_000_001),
            // Of a negative number towards zero.
            ("-0.0000000375", -37), ("-1e-10", 0), ("-1.0000000009", -1_000_000_000),
            // Whole nano-dollars are exact, however many digits they have.
            ("1234567.123456789", 1_234_567_123_456_789), ("0.300000000000000000000000", 300_000_000),
            ("000000000000000000000.1", 100_000_000), ("9223372036.85477580700000", .max),
        ] as [(String, Int64)])
    func whatProgramsPrintIsReadAsTheAmountThatWasMeant(text: String, nanodollars: Int64) {
        #expect(Money(text)?.nanodollars == nanodollars)
    }

    @Test func aNumberOfVeryManyDigitsIsReadAndNothingAboveZeroIsEverZero() {
        let zeros = String(repeating: "0", count: 10_000)
        #expect(Money("0.\(zeros)1")?.nanodollars == 1)
        #expect(Money("1\(zeros)e-10000") == Money("1"))
        #expect(Money("0.5\(zeros)") == Money("0.5"))
        #expect(Money("1\(zeros)") == nil)
        #expect(Money("0.\(String(repeating: "3", count: 10_000))")?.nanodollars == 333_333_334)
        for exponent in 0...400 { #expect(Money("1e-\(exponent)").map { $0 > .zero } == true) }
    }

    @Test(
        arguments: [
            (0, 0), (1.5, 1_500_000_000), (-0.1, -100_000_000), (0.1 + 0.2, 300_000_000), (3 * 25 * 1e-6, 75_000),
            (0.4999e-9, 1), (-0.5e-9, 0), (2.5e-9, 3), (3.75e-8, 38), (1e-30, 1),
            (9_223_372_036, 9_223_372_036_000_000_000),
        ] as [(Double, Int64)])
    func aDoubleIsTheAmountThatItIsPrintedAs(dollars: Double, nanodollars: Int64) {
        #expect(Money(dollars: dollars)?.nanodollars == nanodollars)
    }

    @Test(
        arguments: [
            0, 1, -1, 720_000_000, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1, 123_456_789_123_456_789,
            9_007_199_254_740_993_001, .max, .min, 4_611_686_018_427_387_905, 8_999_999_999_999_999_999,
        ] as [Int64])
    func asANumberOfDollarsItIsTheOneThatItsDecimalSpellsWhateverItsSize(nanodollars: Int64) throws {
        let money = Money(nanodollars: nanodollars)
        #expect(money.dollars == Double(money.description))
        for offset in 1...200 as ClosedRange<Int64> {
            let money = Money(nanodollars: nanodollars / 2 + offset * 7_919_999_993)
            #expect(money.dollars == Double(money.description))
        }
    }

    @Test(arguments: [9_223_372_037, -9_223_372_037, .nan, .infinity, -.infinity, 1e300])
    func aDoubleOutOfRangeIsNoAmount(dollars: Double) {
        #expect(Money(dollars: dollars) == nil)
    }

    @Test func sumsAndDifferencesThatLeaveTheRangeAreNone() {
        let most = Money(nanodollars: .max), least = Money(nanodollars: .min), one = Money(nanodollars: 1)
        #expect(most.adding(one) == nil)
        #expect(least.subtracting(one) == nil)
        #expect(Money.zero.subtracting(least) == nil)
        #expect(most.adding(least) == Money(nanodollars: -1))
        #expect(most.subtracting(one)?.adding(one) == most)
        #expect(least < .zero && .zero < one && one < most)
    }

    @Test func aLiteralInTheProgram() {
        #expect(Money.dollars("0.00123").nanodollars == 1_230_000)
        #expect(Money.dollars("0.00123").dollars == 0.00123)
        #expect(Money.dollars("7.5e-05").nanodollars == 75_000)
    }
}
