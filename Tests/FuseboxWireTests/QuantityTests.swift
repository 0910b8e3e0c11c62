import FuseboxWire
import Testing

/// Durations and sizes as text.
struct QuantityTests {
    @Test(
        arguments: [
            ("0", 0), ("0s", 0), ("500ms", 500), ("60s", 60_000), ("5m", 300_000), ("24h", 86_400_000),
            ("7d", 604_800_000),
            ("1.5h", 5_400_000), ("1h30m", 5_400_000), ("1h 30m", 5_400_000), ("6m0s", 360_000),
            ("1d2h3m4s5ms", 93_784_005),
            ("2m59.56s", 179_560), (".5s", 500), ("366d", 31_622_400_000), ("34.074824224s", 34_075), ("0.1ms", 1),
            ("1us", 1), ("999µs", 1), ("1001μs", 2), ("1ns", 1), ("1s1ns", 1_001),
            ("106751991167d", 9_223_372_036_828_800_000),
        ] as [(String, Int64)])
    func durationsTakeFractionsAndSeveralUnits(text: String, milliseconds: Int64) {
        #expect(Quantity.milliseconds(text) == milliseconds)
    }

    @Test(
        arguments: [
            "", "5", "1.5", "s", "5 s", "5x", "-5s", "+5s", "1m1h", "1h1h", "1m1m", "5s ", " 5s", "1h30", "1h,30m",
            "1..5h",
            "1e3s", "5S", "1hour", "١s", "1h  ", "106751991168d", "999999999999999999999999999999999999999999s",
        ])
    func whatIsNoDuration(text: String) {
        #expect(Quantity.milliseconds(text) == nil)
    }

    @Test(
        arguments: [
            ("512B", 512), ("64KiB", 65_536), ("1.5MiB", 1_572_864), ("1GiB", 1 << 30), ("0", 0), ("5", nil),
            ("1.5B", nil),
            ("1KiB1B", nil), ("-1B", nil), ("1kB", nil),
        ] as [(String, Int64?)])
    func sizesAreWholeBytes(text: String, bytes: Int64?) {
        #expect(Quantity.bytes(text) == bytes)
    }

    @Test(arguments: [(0, "0 entries"), (1, "1 entry"), (2, "2 entries")])
    func oneOfAThingIsSingular(number: Int, text: String) {
        #expect(Quantity.count(number, "entry", plural: "entries") == text)
        #expect(Quantity.count(UInt8(number), "mark") == "\(number) mark\(number == 1 ? "" : "s")")
    }

    @Test(arguments: [0, 1, 999, 1_000, 90_000, 5_400_000, 86_400_000, 90_061_001])
    func aDurationIsPrintedInOneUnitAndReadAgain(milliseconds: Int64) {
        #expect(Quantity.milliseconds(Quantity.text(milliseconds: milliseconds)) == milliseconds)
    }
}
