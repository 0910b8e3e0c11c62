import FuseboxWire
import Testing

@testable import fusebox

struct FormattingTests {
    @Test(
        arguments: [
            (0, "0ms"), (-5, "0ms"), (850, "850ms"), (12_000, "12s"), (250_000, "4m 10s"), (300_000, "5m"),
            (3_600_000, "1h"), (3_661_000, "1h 1m"), (183_600_000, "2d 3h"), (86_400_000 + 5_000, "1d"),
        ] as [(Int64, String)])
    func spans(_ milliseconds: Int64, _ text: String) { #expect(Formatting.span(milliseconds: milliseconds) == text) }

    @Test(
        arguments: [
            (0, "$0.00"), (1, "$0.000000001"), (1_200_000, "$0.0012"), (50_000_000_000, "$50.00"),
            (1_500_000_000, "$1.50"), (-500_000_000, "-$0.50"), (Int64.min, "-$9223372036.854775807"),
        ] as [(Int64, String)])
    func money(_ nanodollars: Int64, _ text: String) {
        #expect(Formatting.dollars(Money(nanodollars: nanodollars)) == text)
    }

    @Test(arguments: [(0.9, "90%"), (1, "100%"), (0.333333, "33.3%"), (0, "0%"), (0.0004, "0%"), (2.5, "250%")])
    func percents(_ ratio: Double, _ text: String) { #expect(Formatting.percent(ratio) == text) }

    @Test(
        "A burn rate of a day tells no more than a year",
        arguments: [
            (0.27, "0.3 days"), (3, "3.0 days"), (366, "366.0 days"), (41_665.7, "over a year"),
            (7_686_143_363_332.3, "over a year"),
        ])
    func days(_ days: Double, _ text: String) { #expect(Formatting.days(days) == text) }

    @Test(arguments: [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_572_864, "1.5 MiB")] as [(UInt64, String)])
    func lengths(_ bytes: UInt64, _ text: String) { #expect(Formatting.bytes(bytes) == text) }

    @Test func momentsAreSeenFromNow() {
        let clock = DaemonClock(now: Timestamp(milliseconds: 100_000), wall: Timestamp(milliseconds: 500_000))
        #expect(clock.relative(Timestamp(milliseconds: 350_000)) == "in 4m 10s")
        #expect(clock.relative(Timestamp(milliseconds: 88_000)) == "12s ago")
        #expect(clock.relative(Timestamp(milliseconds: 100_000)) == "now")
        #expect(clock.relative(nil) == "-")
        #expect(clock.relative(wall: Timestamp(milliseconds: 501_000)) == "in 1s")
    }
}

struct TableTests {
    @Test func columnsAreAsWideAsTheirWidestCell() {
        let table = Table([.left("NAME"), .right("N")], rows: [["a", "1"], ["longer", "1000"]])
        #expect(table.text == "NAME       N\na          1\nlonger  1000")
    }

    @Test(arguments: [
        (["0", "0"], "NAME  LAST\na     x\nb     y"),
        (["0", "12"], "NAME  UNPRICED  LAST\na            0  x\nb           12  y"),
    ])
    func aColumnOfZerosIsLeftOut(_ counts: [String], _ text: String) {
        let table = Table(
            [.left("NAME"), .nonzero("UNPRICED"), .left("LAST")],
            rows: [["a", counts[0], "x"], ["b", counts[1], "y"]])
        #expect(table.text == text)
    }

    @Test(arguments: [("abc", 3), ("模型", 4), ("ﾊﾝ", 2), ("e\u{301}", 1), ("한국", 4), ("🚀", 2), ("é", 1)])
    func widthsAreThoseOfATerminal(_ text: String, _ width: Int) { #expect(Table.width(text) == width) }

    @Test func whatWouldCommandATerminalIsShownInstead() {
        #expect(Table.printable("a\u{9B}31mb\u{202E}c") == "a\u{FFFD}31mb\u{FFFD}c")
        #expect(Table.printable("模型 🚀") == "模型 🚀")
    }

    @Test func listingsStandInTwoColumns() {
        let listing: Listing = ["a": "1", "longer": "2", "absent": nil]
        #expect(listing.text == "a       1\nlonger  2")
    }
}
