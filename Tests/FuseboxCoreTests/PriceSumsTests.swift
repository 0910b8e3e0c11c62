import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

@testable import FuseboxCore

/// Sums of random calls against `price_sums.py`, which computes them with Python's `fractions`: of every account, in all
/// and on each day of the history.
///
/// 20,000 calls are compared, or 1,000,000 with `FUSEBOX_FULL=1`.
struct PriceSumsTests {
    private static let calls = getenv("FUSEBOX_FULL") == nil ? 20_000 : 1_000_000
    private static let days = 5
    private static let providers = (0..<3).map { "p\($0)" }
    private static let deployments = [nil, "eu", "us"]
    private static let models = (0..<8).map { "m\($0)" }
    private static let tags = (0..<4).map { "t\($0)" }
    private static let users: [UInt32] = [7, 8]

    @Test func sumsOfRandomCallsAreThoseOfPython() throws {
        let folder = TemporaryFolder()
        var random = SplitMix64(seed: 11)
        var rig = Rig()
        var lines = try Self.setPrices(&rig, &random)
        for day in 0..<Self.days {
            try rig.apply(BeginDay(Int64(day), keepsUse: false))
            lines.append("day \(day)")
            for _ in 0..<Self.calls / Self.days { lines.append(try Self.call(&rig, &random)) }
            rig.events.removeAll()
        }
        try rig.apply(BeginDay(Int64(Self.days), keepsUse: false))
        while rig.machine.isClosingDays { try rig.apply(Advance()) }
        let path = folder("calls")
        write(Array((lines.joined(separator: "\n") + "\n").utf8), to: path)
        let script = #filePath.replacing("FuseboxCoreTests/PriceSumsTests.swift", with: "tools/price_sums.py")
        let python = try Program.run(["/bin/sh", "-c", "exec /usr/bin/python3 '\(script)' < '\(path)'"])
        try #require(python.status == 0, "\(python.errors)")
        let accounts = try Self.accounts(&rig)
        let history = Self.history(&rig)
        #expect((accounts + history).sorted() == python.lines)
        let (named, tagged) = (Self.deployments.count - 1 + Self.models.count, Self.tags.count + Self.users.count)
        #expect(accounts.count == 1 + Self.providers.count * (1 + named) + tagged)
        #expect(history.count == Self.days * accounts.count)
    }

    // MARK: Calls

    /// Sets prices of models with a provider, of a provider and of models with every provider. The last provider has none
    /// of its own, and some of its models have none at all.
    private static func setPrices(_ rig: inout Rig, _ random: inout SplitMix64) throws -> [String] {
        var routes: [(provider: String?, model: String?)] = [(providers[1], nil)]
        for model in models.prefix(6) { routes.append((providers[0], model)) }
        for model in models.prefix(5) { routes.append((nil, model)) }
        var lines: [String] = []
        for (provider, model) in routes {
            let price = Self.price(&random)
            guard !price.told.isEmpty else { continue }
            let entry = PriceEntry(provider: provider.map { name($0) }, model: model.map { name($0) }, price: price)
            try rig.apply(PriceSet(prices: [entry]))
            let amounts = [
                price.input, price.cachedInput, price.cacheWrite, price.output, price.reasoning, price.request,
            ]
            lines.append("price \(provider ?? "*") \(model ?? "*") \(words(amounts.map { $0?.nanodollars }))")
        }
        return lines
    }

    /// Reports a call. Returns its line.
    private static func call(_ rig: inout Rig, _ random: inout SplitMix64) throws -> String {
        let (provider, model) = (random.pick(providers), random.pick(models))
        let (deployment, user) = (random.pick(deployments), random.pick(users))
        let named = tags.filter { _ in random.once(in: 3) }
        let tokens = TokenUsage(
            input: count(&random), cachedInput: count(&random), cacheWrite: count(&random), output: count(&random),
            reasoning: count(&random))
        let cost = random.once(in: 4) ? Money(nanodollars: Int64(random.below(3_000_000))) : nil
        let candidate = Candidate(
            provider: name(provider), deployment: deployment.map { name($0) }, model: name(model))
        try rig.apply(
            Report(
                candidate: candidate, tags: try WireLimits.TagList(named.map { name($0) }), outcome: .success,
                usage: CallUsage(cost: cost, tokens: tokens)),
            by: user)
        let counts = [tokens.input, tokens.cachedInput, tokens.cacheWrite, tokens.output, tokens.reasoning]
        let numbers = words([cost?.nanodollars] + counts.map { $0.map { Int64($0) } })
        // The daemon adds the tag of the user.
        let all = (named + ["uid:\(user)"]).joined(separator: ",")
        return "call \(provider) \(deployment ?? "-") \(model) \(all) \(numbers)"
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

    // MARK: Sums

    /// A line for each account.
    private static func accounts(_ rig: inout Rig) throws -> [String] {
        var lines: [String] = []
        for kind in AccountKind.allCases {
            var cursor = Page.end
            repeat {
                let page = try rig.apply(LedgerAccounts(kind: kind, cursor: cursor))
                for account in page.accounts {
                    let usage = account.usage
                    let numbers = [
                        usage.spend.nanodollars, usage.requests, usage.sentTokens, usage.cachedInputTokens,
                        usage.cacheWriteTokens, usage.receivedTokens, usage.reasoningTokens, usage.unpriced,
                    ]
                    lines.append("\(account.scope) \(words(numbers))")
                }
                cursor = page.next
            } while cursor != Page.end
        }
        return lines
    }

    /// A line for each account on each day.
    private static func history(_ rig: inout Rig) -> [String] {
        rig.machine.takeClosedDays().map { closed in
            let (use, parts) = (closed.use, closed.use.parts)
            let numbers = [
                use.spend, use.requests, use.inputTokens, parts.cachedInput, parts.cacheWrite, use.outputTokens,
                parts.reasoning, parts.unpriced,
            ]
            return "day \(closed.day) \(closed.scope) \(words(numbers))"
        }
    }
}
