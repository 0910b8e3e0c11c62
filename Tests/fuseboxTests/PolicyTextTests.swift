import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import fusebox

/// A policy that is written and read again is the same.
struct PolicyTextTests {
    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func aPolicyThatIsWrittenIsReadBack(seed: UInt64) throws {
        var values = PolicyValues(seed: seed)
        let policy = values.policy()
        let text = try PolicyText.text(of: policy)
        let read: Policy
        do throws(PolicyFaults) { read = try PolicyReader.read(text, label: "export").policy } catch {
            Issue.record("\(error.lines)\n\(text)")
            return
        }
        #expect(read == policy, "\(text)")
        #expect(try PolicyText.text(of: read) == text)
    }

    @Test(
        arguments: [
            ("gpt-4o", "gpt-4o"), ("openai@eu/gpt", "openai@eu/gpt"), ("team:search", "team:search"),
            ("user:*", "\"user:*\""), ("yes", "\"yes\""), ("NULL", "\"NULL\""), ("1e5", "\"1e5\""),
            ("2024-01-01", "\"2024-01-01\""), ("0o17", "\"0o17\""), ("4o-mini", "4o-mini"), ("a b", "\"a b\""),
            ("a: b", "\"a: b\""), ("a:", "\"a:\""), ("say \"x\\\"", "\"say \\\"x\\\\\\\"\""), ("提供者", "\"提供者\""),
            ("a\u{2028}b", "\"a\\u2028b\""), ("-a", "\"-a\""), ("#a", "\"#a\""),
        ] as [(String, String)])
    func aTextIsQuotedWhereItCouldBeTakenForSomethingElse(_ text: String, _ written: String) {
        #expect(YAMLText.scalar(text) == written)
    }

    @Test(arguments: [0.8, 0.9, 0.95, 0.07, 1.0 / 3, 0.1 + 0.2, 1e-9, 123.456, 5e300] as [Double])
    func aPercentageIsReadBackExactly(_ share: Double) {
        #expect(ThresholdsArgument.share(percent: ThresholdsArgument.percent(share)) == share)
    }
}

/// Random policies that a daemon takes: whose items go together.
struct PolicyValues {
    var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func policy() -> Policy {
        var policy = Policy()
        var known: [(Scope, Limit)] = []
        for _ in 0..<random.below(9) {
            let (scope, limit) = (scope(), limit())
            guard !known.contains(where: { $0.0 == scope && $0.1.isSame(as: limit) }) else { continue }
            known.append((scope, limit))
        }
        // In groups, as they are written.
        for scope in known.map(\.0) where !policy.limits.contains(where: { $0.scope == scope }) {
            policy.limits += known.filter { $0.0 == scope }.map { PolicyLimit(scope: $0.0, limit: $0.1) }
        }
        for provider in [nil, "a", "openai"] {
            for model in [nil, "gpt-4o", "1e5", "名"] where random.once(in: 3) && (provider ?? model) != nil {
                policy.prices.append(
                    PriceEntry(provider: provider.map { name($0) }, model: model.map { name($0) }, price: price()))
            }
        }
        for (provider, alias) in [("a", "latest"), ("openai", "gpt-4o-latest"), ("openai", "mini: 1")]
        where random.once(in: 2) {
            policy.aliases.append(ModelAlias(provider: name(provider), name: name(alias), model: name("gpt-4o")))
        }
        for provider in [nil, "a", "default", "openai"] where random.once(in: 2) {
            let place: [String?] = provider == nil ? [nil] : [nil, "eu"]
            for deployment in place where random.once(in: 2) {
                let change = change(isOfProvider: deployment == nil)
                policy.breakers.append(
                    PolicyBreaker(
                        provider: provider.map { name($0) }, deployment: deployment.map { name($0) }, change: change))
            }
        }
        if random.once(in: 2) { policy.cooldownMilliseconds = Int64(random.below(90_000)) }
        if random.once(in: 2) { policy.longestMarkMilliseconds = Int64(random.within(60_000...9_000_000)) }
        if random.once(in: 2) { policy.isStrict = random.once(in: 2) }
        if random.once(in: 2) { policy.requiredTags = random.once(in: 2) ? [] : [name("team:*"), name("x")] }
        return policy
    }

    private func name(_ text: String) -> Name {
        guard let name = try? Name(text) else { preconditionFailure("\(text) is a name") }
        return name
    }

    private mutating func scope() -> Scope {
        let provider = name(random.pick(["openai", "a/b", "host", "名 前", "on", "c@d"]))
        let model = random.once(in: 2) ? name(random.pick(["gpt-4o", "x/y", "*", "#1", "claude@2025"])) : nil
        let tag = name(random.pick(["team:a", "user:*", "uid:7", "[x]", "a: b"]))
        switch random.below(5) {
        case 0: return .host
        case 1: return Scope(provider: provider, model: model)
        case 2: return Scope(provider: provider, deployment: name(random.pick(["eu", "key/1"])), model: model)
        case 3: return Scope(tag: tag)
        default: return Scope(provider: provider, model: model, tag: tag)
        }
    }

    private mutating func limit() -> Limit {
        let texts = [
            "$5 per day", "$0.000000001 per month in Europe/Berlin", "1,500 requests per minute", "8 in flight",
            "$200 prepaid", "3 output tokens per 1500ms", "7 requests per week fixed", "$1 until reset",
            "2M input tokens per calendar hour", "$9 per month from the 15th", "4 tokens per year from April 6",
        ]
        guard let read = try? LimitText.limit(random.pick(texts)) else { preconditionFailure("these are limits") }
        let thresholds: Thresholds? =
            switch random.below(5) {
            case 0: Thresholds(warning: Double(random.within(1...99)) / 100)
            case 1: Thresholds(warning: 0.8, critical: 0.5, emergency: 1 / 3)
            case 2: .never
            case 3: Thresholds(warning: Double(random.within(1...1_000)) / 7_000)
            default: nil
            }
        return Limit(
            read.dimension, read.amount, read.window, mode: random.pick([.deny, .notify, .shadow]),
            onLapse: random.pick([nil, .charge, .release]),
            thresholds: read.dimension == .inFlight ? nil : thresholds,
            skipsCacheReads: read.dimension == .inputTokens && random.once(in: 2))
    }

    private mutating func price() -> Price {
        var price = Price()
        price.input = Money(nanodollars: Int64(random.below(10_000_000_000)))
        if random.once(in: 2) { price.cachedInput = .zero }
        if random.once(in: 2) { price.request = Money(nanodollars: 1) }
        return price
    }

    private mutating func change(isOfProvider: Bool) -> BreakerConfigurationChange {
        var change = BreakerConfigurationChange()
        change.minRequests = UInt32(random.within(4...99))
        if random.once(in: 2) { change.resetTimeoutMilliseconds = Int64(random.within(1...99_999)) }
        if random.once(in: 3) { change.degradationCurve = [1, Double(random.below(1_000)) / 999, 0.1] }
        if random.once(in: 3) { change.failureRate = Double(random.below(1_000)) / 999 }
        if random.once(in: 3) { (change.slowCallRate, change.slowCallMilliseconds) = (0.25, 1_500) }
        if random.once(in: 3) { change.maxProbes = UInt32(random.below(3)) }
        if isOfProvider, random.once(in: 3) { change.byModel = random.once(in: 2) }
        return change
    }
}
