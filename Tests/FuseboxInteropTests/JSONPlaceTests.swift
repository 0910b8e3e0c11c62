import FuseboxWire
import Testing

@testable import FuseboxInterop

struct JSONPlaceTests {
    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("1", 1_000_000_000), ("0.000000001", 1), ("1e-9", 1), ("1.5e-9", 2), ("1.4e-9", 2),
            ("-1.5E-9", -1), ("4e-10", 1), ("5e-10", 1), ("1e-400", 1), ("0.1", 100_000_000), ("1E2", 100_000_000_000),
            ("1e+2", 100_000_000_000), ("12.5e1", 125_000_000_000), ("10.344325154999998", 10_344_325_155),
            ("0.25537087700000005", 255_370_877), ("9223372036.854775807", .max), ("-9223372036.854775807", -.max),
            ("0e99", 0), ("9007199.254740993", 9_007_199_254_740_993),
        ] as [(String, Int64)])
    func dollarsAreReadDigitByDigit(literal: String, nanodollars: Int64) {
        #expect(Money(literal)?.nanodollars == nanodollars)
    }

    @Test(arguments: ["9223372036.854775808", "1e10", "1e400", "-1e99999999999999999999", "9223372036.8547758075"])
    func anAmountOutOfRangeIsNone(literal: String) {
        #expect(Money(literal) == nil)
    }

    @Test func aPlaceIsToldAsOneWouldWriteItInJavaScript() throws {
        let root = JSONPlace(["a": [["b c": 1, "d": ["é": true]]]])
        let element = try root["a"].elements()[0]
        #expect(element["b c"].error("!").description == #"a[0]["b c"]: !"#)
        #expect(element["d"]["é"].error("!").description == #"a[0].d["é"]: !"#)
        #expect(root["x"]["y"].error("!").path == "x.y")
        #expect(root.error("!").description == "!")
    }
}
