import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

/// The cost that a call holds which tells none.
struct HeldCostTests {
    private let p = name("p")
    private let m = name("m")

    private func setPrice(_ input: String, _ output: String, _ rig: inout Rig) throws {
        var price = Price()
        price.input = dollars(input)
        price.output = dollars(output)
        try rig.apply(PriceSet(prices: [PriceEntry(provider: p, model: m, price: price)]))
    }

    private func held(
        _ route: String, estimate: Estimate = Estimate(), _ rig: inout Rig
    ) throws -> (cost: Money?, basis: CostBasis) {
        var preview = AdmitPreview()
        preview.candidates = try LimitCalls.admit(route).candidates
        preview.estimate = estimate
        let decision = try rig.apply(preview).decision
        return (decision.heldCost, decision.costBasis)
    }

    /// Ends calls by a route that have cost so many hundredths of a dollar.
    private func call(_ route: String, cents: some Sequence<Int>, _ rig: inout Rig) throws {
        for cents in cents {
            let permit = try #require(try rig.apply(try LimitCalls.admit(route)).permit)
            let cost = Money(nanodollars: Int64(cents) * 10_000_000)
            try rig.apply(Settle(permit: permit, outcome: .success, usage: CallUsage(cost: cost)))
        }
    }

    @Test func tokensAreHeldAtTheirPrice() throws {
        var rig = Rig()
        try setPrice("2", "8", &rig)
        let cases: [(Estimate, String?)] = [
            (Estimate(cost: nil, inputTokens: 1_000_000, outputTokens: 500_000), "6"),
            // One kind alone costs what that kind does.
            (Estimate(cost: nil, inputTokens: 1_000_000, outputTokens: nil), "2"),
            (Estimate(cost: nil, inputTokens: nil, outputTokens: 1_000_000), "8"),
            // A total may be all of the dearer kind.
            (Estimate(cost: nil, tokens: 1_000_000), "8"),
            (Estimate(cost: nil, inputTokens: 0, outputTokens: 0), "0"),
            (Estimate(), nil),
        ]
        for (estimate, cost) in cases {
            let found = try held("p/m", estimate: estimate, &rig)
            #expect(found.cost == cost.flatMap { Money($0) }, "\(estimate)")
            #expect(found.basis == (cost == nil ? .nothing : .priced))
        }
        let told = try held("p/m", estimate: Estimate(cost: dollars("0.5"), tokens: 1_000_000), &rig)
        #expect(told == (dollars("0.5"), .told))
        // A model that costs something for each request only.
        var flat = Price()
        (flat.input, flat.output, flat.request) = (.zero, .zero, dollars("0.01"))
        try rig.apply(PriceSet(prices: [PriceEntry(provider: p, model: name("flat"), price: flat)]))
        #expect(try held("p/flat", &rig) == (dollars("0.01"), .priced))
        // A call costs at most so much, whatever its price says.
        try setPrice("1000000", "1000000", &rig)
        #expect(try held("p/m", estimate: Estimate(cost: nil, tokens: .max), &rig).cost == WireLimits.callCost)
    }

    /// An estimate does not tell what is read from a cache, written to one, or reasoning. The call may use nothing else.
    @Test func eachSideIsHeldAtItsDearestKind() throws {
        var rig = Rig()
        var price = Price()
        (price.input, price.cachedInput, price.cacheWrite) = (dollars("1"), dollars("0.1"), dollars("1.25"))
        (price.output, price.reasoning) = (dollars("2"), dollars("50"))
        var cached = Price()
        (cached.input, cached.cachedInput, cached.output) = (dollars("1"), dollars("3"), dollars("2"))
        // The price of plain tokens is not known, and those of other kinds are.
        var parts = Price()
        (parts.cacheWrite, parts.reasoning) = (dollars("4"), .zero)
        let entries = [("m", price), ("cached", cached), ("parts", parts)]
        try rig.apply(PriceSet(prices: entries.map { PriceEntry(provider: p, model: name($0), price: $1) }))
        let cases: [(String, Estimate, String?)] = [
            ("p/m", Estimate(cost: nil, inputTokens: 1_000_000, outputTokens: 0), "1.25"),
            ("p/m", Estimate(cost: nil, inputTokens: 0, outputTokens: 1_000_000), "50"),
            ("p/m", Estimate(cost: nil, inputTokens: 1_000_000, outputTokens: 500_000), "26.25"),
            ("p/m", Estimate(cost: nil, tokens: 1_000_000), "50"),
            ("p/cached", Estimate(cost: nil, inputTokens: 1_000_000, outputTokens: 0), "3"),
            ("p/cached", Estimate(cost: nil, tokens: 1_000_000), "3"),
            ("p/parts", Estimate(cost: nil, inputTokens: 1_000_000, outputTokens: 0), "4"),
            ("p/parts", Estimate(cost: nil, inputTokens: 0, outputTokens: 1), nil),
            ("p/parts", Estimate(), nil),
        ]
        for (route, estimate, cost) in cases {
            let found = try held(route, estimate: estimate, &rig)
            #expect(found.cost == cost.flatMap { Money($0) }, "\(route) \(estimate)")
            #expect(found.basis == (cost == nil ? .nothing : .priced), "\(route) \(estimate)")
        }
        // A limit that denies has room for the tokens at the price of output, and not at that of reasoning.
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$3 prepaid")]))
        let reply = try rig.apply(try LimitCalls.admit("p/m", input: 0, output: 1_000_000))
        #expect(reply.permit == nil)
        #expect(reply.decision.limits.map(\.needed) == [dollars("50").nanodollars])
    }

    /// Whatever the prices are, and of whatever kinds the tokens turn out to be.
    @Test func aCallThatUsesWhatWasEstimatedCostsNoMoreThanItHeld() throws {
        var random = SplitMix64(seed: 11)
        func amount() -> Money? {
            random.once(in: 3) ? nil : Money(nanodollars: random.once(in: 4) ? 0 : Int64(random.below(9_000_000)))
        }
        func count() -> UInt32 { random.once(in: 3) ? 0 : UInt32(random.below(100_000)) }
        var compared = 0
        for _ in 0..<20_000 {
            var price = Price()
            (price.input, price.cachedInput, price.cacheWrite) = (amount(), amount(), amount())
            (price.output, price.reasoning, price.request) = (amount(), amount(), amount())
            let (sent, received) = ([count(), count(), count()], [count(), count()])
            let tokens = TokenUsage(
                input: sent[0], cachedInput: sent[1], cacheWrite: sent[2], output: received[0], reasoning: received[1])
            guard let cost = try price.cost(of: tokens) else { continue }
            let (input, output) = (sent.reduce(0, +), received.reduce(0, +))
            let estimates = [
                Estimate(cost: nil, inputTokens: input, outputTokens: output),
                Estimate(cost: nil, tokens: input + output),
            ]
            for estimate in estimates {
                guard let held = price.cost(of: estimate) else { continue }
                #expect(cost <= held, "\(price): \(tokens)")
                compared += 1
            }
        }
        #expect(compared > 10_000)
    }

    @Test func eachCandidateHoldsWhatItsOwnModelCosts() throws {
        var rig = Rig()
        try setPrice("2", "2", &rig)
        var cheap = Price()
        (cheap.input, cheap.output) = (dollars("0.5"), dollars("0.5"))
        try rig.apply(PriceSet(prices: [PriceEntry(provider: name("q"), model: nil, price: cheap)]))
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$1 prepaid")]))
        let admit = try LimitCalls.admit("p/m", "q/m", input: 1_000_000, output: 0)
        let reply = try rig.apply(admit)
        #expect(reply.decision.candidate == 1 && reply.decision.heldCost == dollars("0.5"))
        #expect(reply.decision.limits.map(\.needed) == [dollars("2").nanodollars])
        let entry = try #require(rig.apply(LimitList()).entries.first)
        #expect(entry.held == dollars("0.5").nanodollars)
        // The permit holds it, over a restart too, and a success that tells nothing has cost it.
        let permit = try #require(reply.permit)
        var restored = try rig.machine.restored()
        #expect(restored.image == rig.machine.image)
        swap(&restored, &rig.machine)
        try rig.apply(Settle(permit: permit, outcome: .success))
        #expect(try LimitCalls.used(.host, &rig) == [dollars("0.5").nanodollars])
    }

    @Test func withoutTokensThe95thPercentileOfTheLast100CallsOfTheRouteIsHeld() throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$1000 prepaid")]))
        #expect(try held("p/m", &rig) == (nil, .nothing))
        // With fewer than 20 the dearest counts, then the value that 95 % do not exceed.
        try call("p/m", cents: [3, 19, 7], &rig)
        #expect(try held("p/m", &rig) == (dollars("0.19"), .dearest))
        try call("p/m", cents: Array(repeating: 5, count: 16), &rig)
        #expect(try held("p/m", &rig) == (dollars("0.19"), .dearest))
        try call("p/m", cents: [6], &rig)
        // 20 calls: 19, 7, 6, 5, … Nineteen of them cost at most 7.
        #expect(try held("p/m", &rig) == (dollars("0.07"), .percentile))
        // The last 100 alone count.
        try call("p/m", cents: (1...100).reversed(), &rig)
        #expect(try held("p/m", &rig) == (dollars("0.95"), .percentile))
        try call("p/m", cents: (101...150), &rig)
        // 1…50 and 101…150 are left.
        #expect(try held("p/m", &rig) == (dollars("1.45"), .percentile))
        // Another route has had no call, and an estimate of tokens without a price tells nothing.
        for route in ["p", "p/other", "p@eu/m", "q/m"] { #expect(try held(route, &rig) == (nil, .nothing)) }
        #expect(try held("p/m", estimate: Estimate(cost: nil, tokens: 5), &rig) == (dollars("1.45"), .percentile))
        #expect(try rig.machine.restored().image == rig.machine.image)
        let reply = try rig.apply(try LimitCalls.admit("p/m"))
        #expect(reply.decision.heldCost == dollars("1.45") && reply.decision.costBasis == .percentile)
        #expect(try LimitCalls.held(.host, &rig) == [dollars("1.45").nanodollars])
    }

    @Test func whereNoLimitOnCostDeniesNothingIsHeldByEarlierCalls() throws {
        var rig = Rig()
        try call("p@eu/m", cents: [50], &rig)
        try rig.apply(
            LimitSet(
                scope: .host,
                limits: [
                    try LimitCalls.bound("$1 per 24h", mode: .notify), try LimitCalls.bound("9 requests per minute"),
                ]))
        #expect(try held("p@eu/m", &rig) == (nil, .nothing))
        for scope in [Scope(provider: p, deployment: name("eu")), Scope(tag: name("uid:0"))] {
            try rig.apply(LimitSet(scope: scope, limits: [try LimitCalls.bound("$1 per 24h")]))
            #expect(try held("p@eu/m", &rig) == (dollars("0.5"), .dearest), "\(scope)")
            try rig.apply(LimitRemove(allOf: scope))
        }
        #expect(try held("p@eu/m", &rig) == (nil, .nothing))
    }

    @Test func onlySuccessesWhoseCostIsKnownAreRemembered() throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$9 prepaid")]))
        let usage = CallUsage(cost: dollars("0.5"))
        let candidate = Candidate(provider: p, model: m)
        try rig.apply(Report(candidate: candidate, outcome: .failure, usage: usage))
        try rig.apply(Report(candidate: candidate, outcome: .success))
        #expect(try held("p/m", &rig) == (nil, .nothing))
        try rig.apply(Report(candidate: candidate, outcome: .success, usage: CallUsage(cost: dollars("0.1"))))
        #expect(try held("p/m", &rig) == (dollars("0.1"), .dearest))
        // A call that named no model is a route of its own, whatever answered.
        try rig.apply(
            Report(
                candidate: Candidate(provider: p, model: nil), outcome: .success,
                usage: CallUsage(model: m, cost: dollars("0.3"))))
        #expect(try held("p/m", &rig) == (dollars("0.1"), .dearest))
        #expect(try held("p", &rig) == (dollars("0.3"), .dearest))
        // A name that is forgotten takes its costs with it.
        try rig.apply(Forget(name: p))
        #expect(rig.machine.recentCosts.isEmpty)
        #expect(try rig.machine.restored().image == rig.machine.image)
    }

    @Test func routesOfOneUserDoNotPushOutThoseOfOthers() throws {
        var rig = Rig()
        rig.machine.bounds.costRoutes = 6
        rig.machine.bounds.costRoutesPerUser = 3
        func report(_ model: String, by user: UInt32) throws {
            try rig.apply(
                Report(
                    candidate: Candidate(provider: p, model: name(model)), outcome: .success,
                    usage: CallUsage(cost: dollars("1"))), by: user)
        }
        func known() -> [String] {
            var found: [String] = []
            rig.machine.recentCosts.forEach { route, _, user in
                found.append("\(user):\(route.model.map { rig.machine.models[$0].text } ?? "")")
            }
            return found
        }
        for model in ["a", "b", "c", "a", "d"] { try report(model, by: 7) }
        // The route used longest ago gave way.
        #expect(known() == ["7:c", "7:a", "7:d"])
        try report("x", by: 8)
        try report("y", by: 9)
        try report("z", by: 9)
        // All are taken: of the user that has the most, one gives way.
        try report("w", by: 8)
        #expect(known() == ["7:a", "7:d", "8:x", "8:w", "9:y", "9:z"])
        #expect(try rig.machine.restored().image == rig.machine.image)
    }
}
