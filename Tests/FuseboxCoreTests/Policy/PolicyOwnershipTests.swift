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

    /// What an operator removes stays the policy's: it is told as drift, also after a restart, and an apply sets it again.
    @Test func whatIsRemovedByHandIsDriftAndIsSetAgain() throws {
        var rig = Rig()
        let policy = Policy(("openai", "9 rpm"), ("cohere@eu", "6 rpm"))
            .price("openai", "m", input: "1").alias("openai", "a", of: "m")
            .breaker("cohere", BreakerConfigurationChange(minRequests: 8))
            .breaker("cohere", deployment: "eu", BreakerConfigurationChange(minRequests: 8))
        try rig.apply(policy)
        try rig.apply(LimitRemove(allOf: Scope(provider: name("openai"))))
        try rig.apply(PriceRemove(provider: name("openai"), model: name("m")))
        try rig.apply(AliasRemove(provider: name("openai"), name: name("a")))
        try rig.apply(Forget(name: name("cohere")))
        let lines = [
            "setBack alias openai/a: - -> m", "setBack limit openai: - -> 9 requests per minute",
            "setBack limit cohere@eu: - -> 6 requests per minute", "setBack price openai/m: - -> input $1",
            "setBack breaker cohere: - -> min requests 8", "setBack breaker cohere@eu: - -> min requests 8",
        ]
        rig.machine = try rig.machine.restored()
        #expect(try rig.inForce().drift.sorted() == lines.sorted())
        #expect(try rig.lines(policy) == lines)
        #expect(try rig.inForce().drift == [])
    }

    @Test func pruningEndsWhatWasRemovedByHand() throws {
        var rig = Rig()
        try rig.apply(Policy(("openai", "9 rpm")))
        try rig.apply(LimitRemove(allOf: Scope(provider: name("openai"))))
        #expect(try rig.lines(Policy(), prunes: true) == ["removed limit openai: 9 requests per minute -> -"])
        #expect(rig.machine.owned.isEmpty)
        #expect(try rig.lines(Policy(), prunes: true) == [])
    }

    /// A person's tag must be nowhere once it is forgotten, so it leaves the policy too, also if its limit is gone already.
    @Test(arguments: [false, true]) func aTagThatIsForgottenLeavesThePolicy(isRemovedBefore: Bool) throws {
        var rig = Rig()
        try rig.apply(Policy(("#user:7", "5 in flight"), ("#user:8", "5 in flight")))
        if isRemovedBefore { try rig.apply(LimitRemove(allOf: Scope(tag: name("user:7")))) }
        try rig.apply(LedgerForget(tag: name("user:7")))
        #expect(try rig.inForce().policy == Policy(("#user:8", "5 in flight")))
        rig.expect(.notFound, of: LedgerForget(tag: name("user:7")))
    }

    /// What was removed by hand takes room until a policy prunes it.
    @Test func whatWasRemovedByHandHasABound() throws {
        var bounds = Bounds()
        bounds.prices = 1
        var rig = Rig(bounds: bounds)
        try rig.apply(Policy().price("openai", "a", input: "1"))
        try rig.apply(PriceRemove(provider: name("openai"), model: name("a")))
        let other = Policy().price("openai", "b", input: "1")
        let before = rig.machine.image
        #expect(refusal { () throws(Refusal) in try rig.apply(other) }?.status == .limitReached)
        #expect(rig.machine.image == before)
        #expect(
            try rig.lines(other, prunes: true) == [
                "removed price openai/a: input $1 -> -", "added price openai/b: - -> input $1",
            ])
    }

    /// There is always a rule and a configuration of new breakers. They were set by hand only if they differ from the usual.
    @Test func whatHasItsUsualValueWasNotSetByHand() throws {
        let usual = Policy().breaker(nil, BreakerConfigurationChange(failureThreshold: 5)).with {
            $0.cooldownMilliseconds = 300_000
            $0.longestMarkMilliseconds = 86_400_000
            $0.isStrict = false
            $0.requiredTags = []
        }
        var rig = Rig()
        let lines = try rig.lines(usual)
        #expect(lines.count == 5)
        #expect(lines.allSatisfy { $0.hasPrefix("added ") }, "\(lines)")
        #expect(try rig.lines(usual) == [])

        var other = Rig()
        try other.apply(ExhaustionSetDefault(cooldownMilliseconds: 2_000))
        try other.apply(BreakerConfigureDefault(change: BreakerConfigurationChange(failureThreshold: 6)))
        let byHand = Policy().breaker(nil, BreakerConfigurationChange(failureThreshold: 6)).with {
            $0.cooldownMilliseconds = 2_000
        }
        #expect(
            try other.lines(byHand) == [
                "takenOver cooldown host: 2s -> 2s",
                "takenOver breaker host: failure threshold 6 -> failure threshold 6",
            ])
    }

    /// By hand a rule has got its usual value again.
    @Test func aUsualValueThatWasSetByHandIsSetBack() throws {
        var rig = Rig()
        let policy = Policy().breaker(nil, BreakerConfigurationChange(failureThreshold: 6)).with {
            $0.cooldownMilliseconds = 2_000
        }
        try rig.apply(policy)
        try rig.apply(ExhaustionSetDefault(cooldownMilliseconds: 300_000))
        try rig.apply(BreakerConfigureDefault(change: BreakerConfigurationChange(failureThreshold: 5)))
        let lines = [
            "setBack cooldown host: 5m -> 2s", "setBack breaker host: failure threshold 5 -> failure threshold 6",
        ]
        #expect(try rig.inForce().drift == lines)
        #expect(try rig.lines(policy) == lines)
        try rig.apply(ExhaustionSetDefault(cooldownMilliseconds: 300_000))
        #expect(
            try rig.lines(policy.with { $0.cooldownMilliseconds = 300_000 }) == ["changed cooldown host: 5m -> 5m"])
    }

    /// Breakers that have come since have the default of the policy, and lose it with the policy.
    @Test(arguments: [Profile.fusebox, .llmProviders])
    func pruningTheDefaultLeavesNothingWithBreakersThatHaveComeSince(profile: Profile) throws {
        var rig = Rig(profile)
        try rig.apply(
            Policy().breaker(nil, BreakerConfigurationChange(failureThreshold: 2))
                .breaker("openai", BreakerConfigurationChange(minRequests: 9)))
        try rig.apply(BreakerFailure(name: name("cohere")))
        func threshold(_ provider: String) throws -> UInt32 {
            try rig.apply(BreakerConfigurationGet(name: name(provider))).failureThreshold
        }
        #expect(try (threshold("cohere"), threshold("openai")) == (2, 2))
        #expect(
            try rig.lines(Policy(), prunes: true) == [
                "removed breaker openai: min requests 9 -> -", "removed breaker host: failure threshold 2 -> -",
            ])
        #expect(try (threshold("cohere"), threshold("openai")) == (5, 5))
        #expect(try rig.apply(BreakerSerialize(name: name("openai"))).isConfigured == false)
    }

    /// What has a configuration by hand too gets the policy's parts of it as they are once all of the policy is gone.
    @Test func aPartThatIsGivenUpIsThatWithoutThePolicy() throws {
        var rig = Rig()
        try rig.apply(BreakerConfigure(name: name("openai"), change: BreakerConfigurationChange(maxProbes: 2)))
        try rig.apply(
            Policy().breaker(nil, BreakerConfigurationChange(failureThreshold: 7))
                .breaker("openai", BreakerConfigurationChange(failureThreshold: 9)))
        try rig.apply(Policy(), prunes: true)
        let left = try rig.apply(BreakerConfigurationGet(name: name("openai")))
        #expect((left.failureThreshold, left.maxProbes) == (5, 2))
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
        let left = try rig.apply(BreakerConfigurationGet(name: name("openai")))
        #expect(left == BreakerConfiguration())
        let configuration = try rig.apply(BreakerConfigurationGet(name: name("byhand")))
        #expect((configuration.failureThreshold, configuration.maxProbes) == (5, 2))
        let isOwn = { (rig: inout Rig, provider: String) throws(Refusal) in
            try rig.apply(BreakerSerialize(name: name(provider))).isConfigured
        }
        #expect(try isOwn(&rig, "byhand"))
    }

    /// A configuration of its own begins with a copy of the one above it. What the policy does not say of it is no other
    /// than on a daemon that never had another policy.
    @Test(arguments: [Profile.fusebox, .llmProviders])
    func partsThatABreakerHasFromAboveFollowThePolicy(profile: Profile) throws {
        var rig = Rig(profile)
        let narrow = Policy()
            .breaker("openai", deployment: "eu", BreakerConfigurationChange(resetTimeoutMilliseconds: 30_000))
            .breaker("openai", deployment: "eu", model: "gpt-4o", BreakerConfigurationChange(maxProbes: 1))
            .breaker("cohere", BreakerConfigurationChange(maxProbes: 2))
        /// The failure threshold, the reset timeout and the requests that a rate needs, of each breaker.
        func parts(_ rig: inout Rig) throws -> [[Int64]] {
            try [("openai", "eu", nil), ("openai", "eu", "gpt-4o"), ("cohere", nil, nil)].map {
                (provider: String, deployment: String?, model: String?) in
                let configuration = try rig.apply(
                    BreakerConfigurationGet(
                        name: name(provider), deployment: deployment.map { name($0) }, model: model.map { name($0) }))
                return [
                    Int64(configuration.failureThreshold), configuration.resetTimeoutMilliseconds,
                    Int64(configuration.minRequests),
                ]
            }
        }
        for threshold: UInt32 in [3, 4] {
            try rig.apply(
                narrow.breaker("openai", BreakerConfigurationChange(failureThreshold: threshold, byModel: true))
                    .breaker(nil, BreakerConfigurationChange(minRequests: 20)))
            let wide = Int64(threshold)
            #expect(try parts(&rig) == [[wide, 30_000, 20], [wide, 30_000, 20], [5, 60_000, 20]])
        }
        let less = narrow.breaker("openai", BreakerConfigurationChange(byModel: true))
        #expect(
            try rig.lines(less, prunes: true) == [
                "removed breaker host: min requests 20 -> -",
                "changed breaker openai: failure threshold 4, by model -> failure threshold 5, by model",
            ])
        #expect(try parts(&rig) == [[5, 30_000, 3], [5, 30_000, 3], [5, 60_000, 3]])
        #expect(try rig.lines(less, prunes: true) == [])
        var other = Rig(profile)
        try other.apply(less)
        #expect(try parts(&other) == parts(&rig))
    }

    /// What was set by hand is not from above.
    @Test func partsThatWereSetByHandDoNotFollowThePolicy() throws {
        var rig = Rig()
        let narrow = Policy()
            .breaker("openai", deployment: "eu", BreakerConfigurationChange(resetTimeoutMilliseconds: 30_000))
        try rig.apply(narrow.breaker("openai", BreakerConfigurationChange(failureThreshold: 3)))
        try rig.apply(
            BreakerConfigure(
                name: name("openai"), deployment: name("eu"), change: BreakerConfigurationChange(failureThreshold: 7)))
        // No policy has said anything of this one.
        try rig.apply(
            BreakerConfigure(
                name: name("openai"), deployment: name("us"), change: BreakerConfigurationChange(maxProbes: 2)))
        try rig.apply(narrow, prunes: true)
        func threshold(_ deployment: String?) throws -> UInt32 {
            try rig.apply(BreakerConfigurationGet(name: name("openai"), deployment: deployment.map { name($0) }))
                .failureThreshold
        }
        #expect(try (threshold("eu"), threshold("us"), threshold(nil)) == (7, 3, 5))
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
