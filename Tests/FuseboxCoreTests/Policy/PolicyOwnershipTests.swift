import FuseboxWire
import Testing

@testable import FuseboxCore

/// What a policy owns: what pruning removes, and what it leaves alone.
struct PolicyOwnershipTests {
    @Test func pruningRemovesWhatThePolicyHasSetAndNothingElse() throws {
        var rig = Rig()
        try rig.set("openai", "9 requests per minute")
        try rig.apply(
            PriceSet(prices: [PriceEntry(provider: name("by-hand"), model: nil, price: Price(input: "1"))]))
        try rig.apply(
            Policy(("openai", "5 in flight"), ("anthropic", "7 rpm")).price("openai", "m", input: "1")
                .alias("openai", "a", of: "m"))
        let kept = try rig.lines(Policy(("openai", "5 in flight")))
        #expect(kept == [], "what is not named stays without pruning")
        #expect(
            try rig.lines(Policy(("openai", "5 in flight")), prunes: true) == [
                "removed limit anthropic: 7 requests per minute -> -", "removed price openai/m: input $1 -> -",
                "removed alias openai/a: m -> -",
            ])
        #expect(try rig.limit("openai", "1 rpm") != nil)
        #expect(try rig.limit("anthropic", "1 rpm") == nil)
        #expect(try rig.apply(PriceList()).prices.map(\.provider) == [name("by-hand")])
        #expect(try rig.lines(Policy(("openai", "5 in flight")), prunes: true) == [])
    }

    @Test func whatIsThereByHandIsTakenOver() throws {
        var rig = Rig()
        try rig.set("openai", "9 requests per minute")
        try rig.set("anthropic", "4 in flight")
        let policy = Policy(("openai", "9 rpm"), ("anthropic", "5 in flight"))
        #expect(
            try rig.lines(policy) == [
                "takenOver limit openai: 9 requests per minute -> 9 requests per minute",
                "takenOver limit anthropic: 4 in flight -> 5 in flight",
            ])
        #expect(try rig.lines(Policy(), prunes: true).count == 2)
        #expect(try rig.limit("openai", "1 rpm") == nil)
    }

    @Test func whatIsChangedByHandIsSetBack() throws {
        var rig = Rig()
        let policy = Policy(("openai", "9 rpm"), ("openai", "5 in flight")).price("openai", "m", input: "1")
            .alias("openai", "a", of: "m").breaker("openai", BreakerConfigurationChange(minRequests: 8))
            .with { $0.cooldownMilliseconds = 1_000 }
        try rig.apply(policy)
        #expect(try rig.inForce().drift == [])
        try rig.set("openai", "99 rpm")
        try rig.apply(
            PriceSet(prices: [PriceEntry(provider: name("openai"), model: name("m"), price: Price(input: "2"))]))
        try rig.apply(AliasSet(ModelAlias(provider: name("openai"), name: name("a"), model: name("n"))))
        try rig.apply(
            BreakerConfigure(name: name("openai"), change: BreakerConfigurationChange(minRequests: 1, maxProbes: 3)))
        try rig.apply(ExhaustionSetDefault(cooldownMilliseconds: 2_000))
        let lines = [
            "setBack cooldown host: 2s -> 1s", "setBack alias openai/a: n -> m",
            "setBack limit openai: 99 requests per minute -> 9 requests per minute",
            "setBack price openai/m: input $2 -> input $1", "setBack breaker openai: min requests 1 -> min requests 8",
        ]
        #expect(try rig.inForce().drift.sorted() == lines.sorted())
        #expect(try rig.lines(policy) == lines)
        #expect(try rig.inForce().drift == [])
        let configuration = try rig.apply(BreakerConfigurationGet(name: name("openai")))
        #expect(configuration.maxProbes == 3, "parts that the policy does not name are left alone")
    }

    /// What an operator removes is not the policy's any more; the policy adds it again.
    @Test func whatIsRemovedByHandIsNotOwnedAnyMore() throws {
        var rig = Rig()
        let policy = Policy(("openai", "9 rpm"), ("#team:a", "5 in flight"), ("cohere@eu", "6 rpm"))
            .price("openai", "m", input: "1").alias("openai", "a", of: "m")
            .breaker("cohere", BreakerConfigurationChange(minRequests: 8))
            .breaker("cohere", deployment: "eu", BreakerConfigurationChange(minRequests: 8))
        try rig.apply(policy)
        try rig.apply(LimitRemove(allOf: Scope(provider: name("openai"))))
        try rig.apply(LedgerForget(tag: name("team:a")))
        try rig.apply(PriceRemove(provider: name("openai"), model: name("m")))
        try rig.apply(AliasRemove(provider: name("openai"), name: name("a")))
        try rig.apply(Forget(name: name("cohere")))
        #expect(rig.machine.owned.isEmpty)
        #expect(try rig.inForce().policy == Policy())
        #expect(try rig.lines(Policy(), prunes: true) == [])
        #expect(try rig.lines(policy).allSatisfy { $0.hasPrefix("added ") })
    }

    /// A breaker goes back to what it has without the policy, part by part.
    @Test func aBreakerGoesBackToItsDefault() throws {
        var rig = Rig()
        try rig.apply(
            Policy().breaker(nil, BreakerConfigurationChange(minRequests: 20))
                .breaker("openai", BreakerConfigurationChange(failureThreshold: 9, minRequests: 30))
                .breaker("openai", deployment: "eu", BreakerConfigurationChange(failureThreshold: 10))
                .breaker("byhand", BreakerConfigurationChange(failureThreshold: 3)))
        try rig.apply(BreakerConfigure(name: name("byhand"), change: BreakerConfigurationChange(maxProbes: 2)))
        // A part that is not named any more.
        #expect(
            try rig.lines(
                Policy().breaker(nil, BreakerConfigurationChange(minRequests: 20))
                    .breaker("openai", BreakerConfigurationChange(failureThreshold: 9))
                    .breaker("openai", deployment: "eu", BreakerConfigurationChange(failureThreshold: 10))
                    .breaker("byhand", BreakerConfigurationChange(failureThreshold: 3)), prunes: true) == [
                    "changed breaker openai: failure threshold 9, min requests 30 -> failure threshold 9, min requests 20"
                ])
        let lines = try rig.lines(Policy(), prunes: true)
        #expect(lines.count == 4)
        #expect(lines.allSatisfy { $0.hasPrefix("removed breaker ") })
        #expect(try rig.apply(BreakerDefault()) == BreakerConfiguration())
        // The part that was given up first has kept what new breakers had at that time.
        let left = try rig.apply(BreakerConfigurationGet(name: name("openai")))
        #expect((left.failureThreshold, left.minRequests) == (5, 20))
        let configuration = try rig.apply(BreakerConfigurationGet(name: name("byhand")))
        #expect((configuration.failureThreshold, configuration.maxProbes) == (5, 2))
        let isOwn = { (rig: inout Rig, provider: String) throws(Refusal) in
            try rig.apply(BreakerSerialize(name: name(provider))).isConfigured
        }
        #expect(try isOwn(&rig, "byhand"))
    }

    @Test func rulesGoBackToTheUsualOnes() throws {
        var rig = Rig()
        try rig.apply(
            Policy().with {
                $0.isStrict = true
                $0.requiredTags = [name("team:*")]
                $0.cooldownMilliseconds = 1_000
                $0.longestMarkMilliseconds = 120_000
            })
        let lines = try rig.lines(Policy().with { $0.isStrict = true }, prunes: true)
        #expect(
            lines == [
                "removed cooldown host: 1s -> -", "removed longestMark host: 2m -> -",
                "removed requiredTags host: team:* -> -",
            ])
        let names = try rig.apply(NamePolicyGet())
        #expect(names.isStrict)
        #expect(names.requiredTags == [])
        #expect(try rig.apply(ExhaustionDefault()).cooldownMilliseconds == 300_000)
    }

    @Test func whatIsOwnedComesInPages() throws {
        var rig = Rig()
        var policy = Policy()
        for number in 1_000..<(1_000 + 3 * PolicyGet.pageLength) {
            policy.limits.append(
                PolicyLimit(scope: Scope(provider: name("provider-\(number)")), limit: Limit(words: "5 rpm")))
        }
        try rig.apply(policy)
        #expect(try rig.inForce().policy.limits == policy.limits)
        #expect(try rig.apply(PolicyGet()).policy.limits.count == PolicyGet.pageLength)
        #expect(try rig.apply(PolicyGet(cursor: .max)).next == 0)
    }
}
