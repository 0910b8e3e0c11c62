import FuseboxWire
import Testing

/// When a provider takes calls again.
struct RetryTimeTests {
    /// Wed, 25 Nov 2026 18:53:52.250 UTC
    private static let now = Timestamp(milliseconds: 1_795_632_832_250)

    private func read(_ text: String) -> Int64? { RetryTime.milliseconds(text, at: Self.now) }

    @Test(
        arguments: [
            ("30", 30_000), ("0", 0), ("1.5", 1_500), ("1.8", 1_800), ("0.0001", 1), ("1e2", 100_000), (" 30 ", 30_000),
            ("+7", 7_000), ("34.07s", 34_070), ("34.074824224s", 34_075), ("6m0s", 360_000), ("1h30m", 5_400_000),
            ("1500ms", 1_500), ("2m59.56s", 179_560), ("999999999", 999_999_999_000),
            ("-5", 0), ("-0.5", 0), ("-5s", 0), ("-1h30m", 0),
        ] as [(String, Int64)])
    func timesFromNowInEveryForm(text: String, milliseconds: Int64) {
        #expect(read(text) == milliseconds)
    }

    @Test(
        arguments: [
            // 120 s after the second that it is now: 119.75 s from now.
            ("Wed, 25 Nov 2026 18:55:52 GMT", 120_000), ("wed, 25 nov 2026 18:55:52 gmt", 120_000),
            ("Wed, 25 Nov 2026 18:55:52 UTC", 120_000), ("Wed, 25 Nov 2026 18:55:52 -0000", 120_000),
            ("Wed, 25 Nov 2026 20:55:52 +0200", 120_000),
            ("Wednesday, 25-Nov-26 18:55:52 GMT", 120_000), ("Wednesday, 25-Nov-2026 18:55:52 GMT", 120_000),
            ("Wed Nov 25 18:55:52 2026", 120_000), ("Sat Dec  5 18:53:52 2026", 864_000_000),
            ("2026-11-25T18:55:52Z", 120_000), ("2026-11-25t18:55:52z", 120_000), ("2026-11-25 18:55:52Z", 120_000),
            ("2026-11-25T19:55:52+01:00", 120_000), ("2026-11-25T10:55:52-0800", 120_000),
            ("2026-11-26T00:25:52+05:30", 120_000), ("1795632952", 120_000),
            // Parts of a second were told.
            ("2026-11-25T18:55:52.000Z", 119_750), ("2026-11-25T18:55:52.2501Z", 120_001), ("1795632952.25", 120_000),
            ("2026-11-25T18:55:52.123456789Z", 119_874), ("1795632952250", 120_000), ("1795632832251", 1),
            ("2026-12-31T23:59:60Z", 3_128_768_000),
            // Past, or now.
            ("1795632832250", 0), ("1795632832", 0), ("1000000000", 0), ("100000000000", 0),
            ("2026-11-25T18:53:52.25Z", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
            ("Sun Nov  6 08:49:37 1994", 0),
            ("1970-01-01T00:00:00Z", 0), ("0000-01-01T00:00:00Z", 0), ("2026-11-25T18:53:52Z", 0),
        ] as [(String, Int64)])
    func momentsInEveryFormAndThoseToldInWholeSecondsAreRoundedUpToWholeSecondsFromNow(
        text: String, milliseconds: Int64
    ) {
        #expect(read(text) == milliseconds)
    }

    @Test(arguments: [("76", true), ("77", false), ("27", true), ("99", false)])
    func aYearOfTwoDigitsIsAtMostFiftyYearsAhead(digits: String, isAhead: Bool) {
        #expect(read("Wednesday, 01-Dec-\(digits) 00:00:00 GMT").map { $0 > 0 } == isAhead)
    }

    @Test(
        arguments: [
            ("2028-02-29T00:00:00Z", true), ("2027-02-29T00:00:00Z", false), ("2100-02-29T00:00:00Z", false),
            ("2400-02-29T00:00:00Z", true), ("2026-11-31T00:00:00Z", false), ("2026-12-31T00:00:00Z", true),
            ("2026-13-01T00:00:00Z", false), ("2026-00-01T00:00:00Z", false), ("2026-12-00T00:00:00Z", false),
        ])
    func leapYearsAndTheLengthOfMonths(text: String, isDay: Bool) {
        #expect((read(text) != nil) == isDay)
    }

    @Test(
        arguments: [
            "", " ", "soon", "s", "-", "5x", "30 seconds", "1,5", "nan", "100000000000000", "1e40", "2026-11-25",
            "2026-11-25T18:55:52", "2026-11-25T18:55Z", "2026-11-25T18:55:52.Z", "2026-11-25T24:00:00Z",
            "2026-11-25T18:60:00Z",
            "2026-11-25T18:55:61Z", "2026-11-25T18:55:52+24:00", "2026-11-25T18:55:52Zx", "26-11-25T18:55:52Z",
            "Wed, 25 Nov 2026 18:55:52", "Wed, 25 Foo 2026 18:55:52 GMT", "Xyz, 25 Nov 2026 18:55:52 GMT",
            "Wed, 31 Nov 2026 18:55:52 GMT", "Wed Nov 25 18:55:52 26", "25 Nov 2026 18:55:52 GMT",
            "Wed,25 Nov 2026 18:55:52 GMT",
        ])
    func whatTellsNoTimeIsNoneNeverZero(text: String) {
        #expect(read(text) == nil)
    }
}
