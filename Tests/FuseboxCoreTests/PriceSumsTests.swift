import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

@testable import FuseboxCore

/// Sums of random calls against `price_sums.py`, which computes them with Python's `fractions`.
///
/// 20,000 calls are compared, or 1,000,000 with `FUSEBOX_FULL=1`.
struct PriceSumsTests {
    private static let calls = getenv("FUSEBOX_FULL") == nil ? 20_000 : 1_000_000
    private static let models = 8

    @Test func sumsOfRandomCallsAreThoseOfPython() throws {
        let folder = TemporaryFolder()
        var random = SplitMix64(seed: 11)
        var rig = Rig()
        var lines: [String] = []
        for model in 0..<Self.models - 1 {
            let price = Self.price(&random)
            guard !price.told.isEmpty else { continue }
            let entry = PriceEntry(provider: name("p"), model: name("m\(model)"), price: price)
            try rig.apply(PriceSet(prices: [entry]))
            let amounts = [
                price.input, price.cachedInput, price.cacheWrite, price.output, price.reasoning, price.request,
            ]
            lines.append("price m\(model) \(Self.words(amounts.map { $0?.nanodollars }))")
        }
        for _ in 0..<Self.calls {
            let model = random.below(Self.models)
            let tokens = TokenUsage(
                input: Self.count(&random), cachedInput: Self.count(&random), cacheWrite: Self.count(&random),
                output: Self.count(&random), reasoning: Self.count(&random))
            let cost = random.below(4) == 0 ? Money(nanodollars: Int64(random.below(3_000_000))) : nil
            try rig.apply(
                Report(
                    candidate: Candidate(provider: name("p"), model: name("m\(model)")), outcome: .success,
                    usage: CallUsage(cost: cost, tokens: tokens)))
            let counts = [tokens.input, tokens.cachedInput, tokens.cacheWrite, tokens.output, tokens.reasoning]
            lines.append("call m\(model) \(Self.words([cost?.nanodollars] + counts.map { $0.map { Int64($0) } }))")
        }
        let path = folder("calls")
        write(Array((lines.joined(separator: "\n") + "\n").utf8), to: path)
        let script = #filePath.replacing("FuseboxCoreTests/PriceSumsTests.swift", with: "tools/price_sums.py")
        let python = try Program.run(["/bin/sh", "-c", "exec /usr/bin/python3 '\(script)' < '\(path)'"])
        try #require(python.status == 0, "\(python.errors)")
        var found: [String] = []
        for model in 0..<Self.models {
            guard let usage = try rig.apply(LedgerModel(provider: name("p"), model: name("m\(model)"))).account?.usage
            else { continue }
            let numbers = [
                usage.spend.nanodollars, usage.sentTokens, usage.cachedInputTokens, usage.cacheWriteTokens,
                usage.receivedTokens, usage.reasoningTokens, usage.unpriced,
            ]
            found.append("m\(model) \(Self.words(numbers))")
        }
        #expect(found == python.lines)
        #expect(found.count == Self.models)
    }

    private static func words(_ numbers: [Int64?]) -> String {
        numbers.map { $0.map { "\($0)" } ?? "-" }.joined(separator: " ")
    }

    /// A price with amounts that are not told, 0, or of up to nine decimals.
    private static func price(_ random: inout SplitMix64) -> Price {
        func amount() -> Money? {
            switch random.below(5) {
            case 0: nil
            case 1: .zero
            default: Money(nanodollars: Int64(random.below(30_000_000_000)))
            }
        }
        var price = Price()
        (price.input, price.cachedInput, price.cacheWrite) = (amount(), amount(), amount())
        (price.output, price.reasoning, price.request) = (amount(), amount(), amount())
        return price
    }

    private static func count(_ random: inout SplitMix64) -> UInt32? {
        switch random.below(4) {
        case 0: nil
        case 1: 0
        default: UInt32(random.below(200_000))
        }
    }
}
