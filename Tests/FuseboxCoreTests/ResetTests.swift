import FuseboxWire
import Testing

@testable import FuseboxCore

/// Beginning accounts anew, and the limits that go on until reset.
struct ResetTests {
    private static let text = "$9 until reset"

    /// Where limits are set: the host, two providers, their deployments, models and tags.
    private static let scopes: [(route: String?, tag: String?)] = [
        (nil, nil), ("p", nil), ("p@eu", nil), ("p/m", nil), ("p@eu/m", nil), ("p/n", nil), ("q", nil), ("q/m", nil),
        (nil, "user:1"), ("p", "user:1"), ("p/m", "user:1"), ("q", "user:2"),
    ]

    /// A limit of $9 until reset and others on each of the scopes, and a call of $1 by each route.
    private func rig(_ profile: Profile = .fusebox) throws -> Rig {
        var rig = Rig(profile)
        for (route, tag) in Self.scopes {
            try rig.apply(
                LimitSet(
                    scope: try LimitCalls.scope(route, tag: tag),
                    limits: [
                        try LimitCalls.bound(Self.text), try LimitCalls.bound("$9 prepaid"),
                        try LimitCalls.bound("9 requests per day fixed"),
                    ]))
        }
        for (route, tag) in [("p@eu/m", "user:1"), ("p/n", "user:3"), ("q/m", "user:2")] {
            let text = try RouteText(route)
            try rig.apply(
                LedgerRecord(
                    provider: text.provider, deployment: text.deployment, model: try #require(text.model),
                    tags: try WireLimits.TagList([name(tag)]), cost: dollars("1"), inputTokens: 2, outputTokens: 3))
        }
        rig.events.removeAll()
        return rig
    }

    /// The places of the scopes whose limit of this kind has counted nothing since the reset.
    private func anew(_ text: String, _ rig: inout Rig) throws -> [Int] {
        try Self.scopes.indices.filter { place in
            let (route, tag) = Self.scopes[place]
            let get = LimitGet(scope: try LimitCalls.scope(route, tag: tag), limit: try LimitCalls.bound(text))
            return try #require(try rig.apply(get).entry).used == 0
        }
    }

    private static let cases: [(route: String?, tag: String?, anew: [Int], spend: String?)] = [
        (nil, nil, Array(scopes.indices), "3"),
        ("p", nil, [1, 2, 3, 4, 5, 9, 10], "2"), ("p@eu", nil, [2, 4], "1"), ("p/m", nil, [3, 4, 10], "1"),
        ("p/n", nil, [5], "1"), ("q", nil, [6, 7, 11], "1"), (nil, "user:1", [8, 9, 10], "1"),
        (nil, "user:*", [8, 9, 10, 11], nil), ("p", "user:1", [9, 10], nil), ("q", "user:*", [11], nil),
    ]

    /// A scope and what lies within it begin anew, others stay, and so do the windows that end by themselves.
    @Test(arguments: cases.indices) func aScopeBeginsAnewWithWhatLiesWithinIt(place: Int) throws {
        let (route, tag, expected, spend) = Self.cases[place]
        var rig = try rig()
        let unused = try (anew(Self.text, &rig), anew("$9 prepaid", &rig), anew("9 requests per day fixed", &rig))
        #expect(unused.0.isEmpty)
        let scope = try LimitCalls.scope(route, tag: tag)
        let reply = try rig.apply(LedgerReset(scope: scope), at: 5)
        #expect(try anew(Self.text, &rig) == expected)
        #expect(try anew("$9 prepaid", &rig) == unused.1)
        #expect(try anew("9 requests per day fixed", &rig) == unused.2)
        // The reply tells of each, as it is now, in the order in which they were set.
        #expect(
            reply.entries.map(\.scope)
                == (try expected.map { try LimitCalls.scope(Self.scopes[$0].route, tag: Self.scopes[$0].tag) }))
        #expect(reply.entries.allSatisfy { $0.used == 0 && $0.startedAt == at(5) && $0.limit.window == .manual })
        #expect(reply.before?.spend == spend.map { dollars($0) })
        guard case .accountReset(let event)? = rig.events.first else { throw Refusal(.notFound, "no event") }
        #expect(rig.events.count == 1)
        #expect(event.scope == scope && event.spend == dollars(spend ?? "0"))
        #expect(try rig.machine.restored().image == rig.machine.image)
    }

    /// The accounts of a provider and its models begin anew, those of others and the history stay.
    @Test func theAccountsOfAProviderBeginAnewAndNoOthers() throws {
        var rig = try rig()
        func spend(_ provider: String, _ model: String?) throws -> Money? {
            guard let model else {
                return try rig.apply(LedgerProvider(provider: name(provider))).account?.usage.spend
            }
            return try rig.apply(LedgerModel(provider: name(provider), model: name(model))).account?.usage.spend
        }
        let before = try rig.apply(LedgerReset(scope: Scope(provider: name("p")))).before
        #expect((before?.requests, before?.inputTokens, before?.outputTokens) == (2, 4, 6))
        for (provider, model, left) in [
            ("p", nil, "0"), ("p", "m", "0"), ("p", "n", "0"), ("q", nil, "1"), ("q", "m", "1"),
        ] as [(String, String?, String)] {
            #expect(try spend(provider, model) == dollars(left), "\(provider) \(model ?? "")")
        }
        #expect(try rig.apply(LedgerProvider(provider: name("p"))).account?.usage == AccountUsage())
        #expect(try rig.apply(LedgerBurnRate(provider: name("p"))).sampleCount == 2)
        #expect(try rig.apply(LedgerTotal()).spend == dollars("1"))
        // A model's account alone: its provider has still spent what it has.
        try rig.apply(LedgerReset(scope: Scope(provider: name("q"), model: name("m"))))
        #expect(try spend("q", "m") == .zero && spend("q", nil) == dollars("1"))
    }

    @Test func theLedgerCountsSinceTheLastResetOfEverything() throws {
        var rig = try rig()
        try rig.apply(LedgerReset(scope: Scope(provider: name("p"))), at: 7)
        #expect(try rig.apply(LedgerTotal()).since == at(0))
        try rig.apply(LedgerReset(), at: 9)
        let total = try rig.apply(LedgerTotal())
        #expect(total.since == at(9) && total.spend == .zero)
    }

    @Test func whatThereIsNothingOfIsNotFoundAndTheHostIsAlwaysThere() throws {
        var rig = Rig()
        rig.expect(.notFound, of: LedgerReset(scope: Scope(provider: name("p"))))
        rig.expect(.notFound, of: LedgerReset(scope: Scope(tag: name("t"))))
        rig.expect(.outOfRange, of: LedgerReset(scope: Scope(model: name("m"))))
        #expect(try rig.apply(LedgerReset()).entries.isEmpty)
        // Limits that end by themselves are nothing to reset.
        try rig.apply(
            LimitSet(scope: Scope(tag: name("t")), limits: [try LimitCalls.bound("$1 per hour")]))
        rig.expect(.notFound, of: LedgerReset(scope: Scope(tag: name("t"))))
    }

    /// What was reached fires again, and what calls in force hold stays held.
    @Test(arguments: Profile.allCases) func thresholdsFireAgainAndHoldsStay(profile: Profile) throws {
        var rig = Rig(profile)
        try rig.apply(LimitCalls.set("$1 until reset"))
        let permit = try #require(try rig.apply(try LimitCalls.admit(cost: "0.1")).permit)
        let record = LedgerRecord(
            provider: name("p"), model: name("m"), cost: dollars("0.85"), inputTokens: 0, outputTokens: 0)
        #expect(try rig.apply(record).reached.map(\.tier) == [.warning])
        try rig.apply(LedgerReset(scope: Scope(provider: name("p"))))
        #expect(try LimitCalls.held(Scope(provider: name("p")), &rig) == [dollars("0.1").nanodollars])
        #expect(try rig.apply(record).reached.map(\.tier) == [.warning])
        try rig.apply(LimitCalls.settle(permit, cost: "0.1"))
        let scope = Scope(provider: name("p"))
        #expect(try LimitCalls.used(scope, &rig) == [dollars("0.95").nanodollars])
        #expect(try LimitCalls.held(scope, &rig) == [0])
    }
}
