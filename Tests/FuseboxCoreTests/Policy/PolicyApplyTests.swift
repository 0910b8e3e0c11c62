import FuseboxWire
import Testing

@testable import FuseboxCore

/// Applying a policy: all or nothing, the same again without a trace, and with what it says.
struct PolicyApplyTests {
    /// A policy with an item of each kind.
    private static let whole = Policy(
        ("host", "$500 per month"), ("openai", "600 requests per minute"), ("openai/gpt-4o", "$20 per day"),
        ("#user:*", "$2 per day"), ("#team:search", "$100 prepaid")
    )
    .price("openai", "gpt-4o", input: "2.5")
    .alias("openai", "gpt-4o-latest", of: "gpt-4o")
    .breaker(nil, BreakerConfigurationChange(failureThreshold: 7))
    .breaker("openai", BreakerConfigurationChange(resetTimeoutMilliseconds: 90_000, byModel: true))
    .breaker("openai", model: "gpt-4o", BreakerConfigurationChange(minRequests: 9))
    .with {
        $0.cooldownMilliseconds = 600_000
        $0.longestMarkMilliseconds = 3_600_000
        $0.isStrict = true
        $0.requiredTags = [name("team:*")]
    }

    @Test func itSetsEverythingAndTellsWhat() throws {
        var rig = Rig()
        let report = try rig.apply(Self.whole)
        #expect(
            report.lines == [
                "added cooldown host: - -> 10m", "added longestMark host: - -> 1h", "added strictness host: - -> true",
                "added requiredTags host: - -> team:*", "added alias openai/gpt-4o-latest: - -> gpt-4o",
                "added limit host: - -> $500 per month", "added limit openai: - -> 600 requests per minute",
                "added limit openai/gpt-4o: - -> $20 per day", "added limit user:*: - -> $2 per day",
                "added limit team:search: - -> $100 prepaid", "added price openai/gpt-4o: - -> input $2.5",
                "added breaker host: - -> failure threshold 7",
                "added breaker openai: - -> reset timeout 90s, by model",
                "added breaker openai/gpt-4o: - -> min requests 9",
            ])
        #expect(report.unchanged == 0)
        #expect(report.changes.map(\.item) == [nil, nil, nil, nil, 0, 0, 1, 2, 3, 4, 0, 0, 1, 2])
        #expect(try rig.limit("openai/gpt-4o-latest", "$1 per day")?.limit.amount == 20_000_000_000)
        #expect(try rig.apply(NamePolicyGet()).isStrict)
        #expect(try rig.apply(BreakerDefault()).failureThreshold == 7)
        #expect(try rig.apply(BreakerConfigurationGet(name: name("openai"), model: name("gpt-4o"))).minRequests == 9)
    }

    /// A second apply changes nothing, sends nothing, and is not even journaled.
    @Test func theSamePolicyAgainLeavesNoTrace() throws {
        var rig = Rig()
        try rig.apply(Self.whole, at: 1_000)
        _ = rig.takeEvents()
        let before = rig.machine.image
        for prunes in [false, true] {
            let report = try rig.apply(Self.whole, prunes: prunes, at: 60_000)
            #expect(report.lines == [])
            #expect(report.unchanged == 14)
            #expect(PolicyApply.leavesNoTrace(report, under: .fusebox))
        }
        #expect(rig.machine.image == before)
        #expect(rig.machine.lastMoment.now == at(1_000))
        #expect(rig.takeEvents().isEmpty)
    }

    /// A late item of each kind that is refused, and the place that the refusal names.
    static let bad: [(policy: Policy, status: Status, place: String)] = [
        (Policy(("host", "$1 per day"), ("host", "$2 per day")), .outOfRange, "limits[1]: "),
        (
            Policy(("host", "$1 per day")).with {
                $0.limits.append(PolicyLimit(scope: Scope(model: name("gpt-4o")), limit: Limit(words: "$1 per day")))
            }, .outOfRange, "limits[1]: "
        ),
        (Policy(("host", "$1 per day"), ("#*", "$2 per day")), .outOfRange, "limits[1]: "),
        (Policy().price("openai", "a", input: "1").price("openai", "a", input: "2"), .outOfRange, "prices[1]: "),
        (
            Policy().price("openai", "a", input: "1").with {
                $0.prices.append(PriceEntry(provider: nil, model: nil, price: Price(input: "1")))
            }, .outOfRange, "prices[1]: "
        ),
        (Policy().alias("openai", "a", of: "b").alias("openai", "a", of: "c"), .outOfRange, "aliases[1]: "),
        (Policy().alias("openai", "a", of: "b").alias("openai", "b", of: "c"), .outOfRange, "aliases[1]: "),
        (
            Policy().breaker("a", BreakerConfigurationChange(minRequests: 1)).breaker(
                "b", BreakerConfigurationChange()),
            .outOfRange, "breakers[1]: "
        ),
        (
            Policy().breaker("a", BreakerConfigurationChange(minRequests: 1))
                .breaker("a", BreakerConfigurationChange(minRequests: 2)), .outOfRange, "breakers[1]: "
        ),
        (
            Policy().breaker("a", BreakerConfigurationChange(minRequests: 1))
                .breaker("a", model: "m", BreakerConfigurationChange(minRequests: 2)), .outOfRange, "breakers[1]: "
        ),
        (
            Policy().breaker("a", BreakerConfigurationChange(minRequests: 1))
                .breaker("b", BreakerConfigurationChange(failureRate: 2)), .outOfRange, "breakers[1]: "
        ),
        (Policy().with { $0.cooldownMilliseconds = -1 }, .outOfRange, "cooldownMilliseconds: "),
        (Policy().with { $0.longestMarkMilliseconds = 1 }, .outOfRange, "longestMarkMilliseconds: "),
        (Policy().with { $0.requiredTags = [name("*")] }, .outOfRange, "requiredTags: "),
    ]

    /// What comes before a bad item is not there afterwards, and no event was sent.
    @Test(arguments: bad.indices) func aBadItemAtTheEndChangesNothing(_ index: Int) throws {
        let (policy, status, place) = Self.bad[index]
        var rig = Rig()
        try rig.apply(Policy(("anthropic", "$1 per month")))
        // The calendar of the limits is known, so that only the policy could change something.
        try rig.apply(Policy(("anthropic", "$1 per day")))
        let before = rig.machine.image
        let refusal = refusal { () throws(Refusal) in
            var good = policy
            good.isStrict = true
            try rig.apply(good, prunes: true)
        }
        #expect(refusal?.status == status)
        #expect(refusal?.message.hasPrefix(place) == true, "\(refusal?.message ?? "")")
        #expect(rig.machine.image == before)
        #expect(rig.events.isEmpty)
    }

    /// A bound that the last limit meets takes the others back too.
    @Test func aBoundThatIsReachedChangesNothing() throws {
        var bounds = Bounds()
        bounds.limits = 2
        var rig = Rig(bounds: bounds)
        let refusal = refusal { () throws(Refusal) in
            try rig.apply(Policy(("a", "1 requests per minute"), ("b", "1 rpm"), ("c", "1 rpm")))
        }
        #expect(refusal?.status == .limitReached)
        #expect(refusal?.message.hasPrefix("limits[2]: ") == true)
        #expect(rig.machine.image == Rig(bounds: bounds).machine.image)
    }

    /// A limit whose name is an alias is that of the model, also if the alias comes with the policy.
    @Test func aLimitOnAnAliasIsThatOfTheModel() throws {
        var rig = Rig()
        let policy = Policy(("openai/latest", "5 rpm")).alias("openai", "latest", of: "gpt-4o")
        #expect(try rig.lines(policy).last == "added limit openai/gpt-4o: - -> 5 requests per minute")
        #expect(try rig.lines(policy, prunes: true) == [])
        let twice = Policy(("openai/latest", "5 rpm"), ("openai/gpt-4o", "6 rpm")).alias(
            "openai", "latest", of: "gpt-4o")
        #expect(refusal { () throws(Refusal) in try rig.apply(twice) }?.message.hasPrefix("limits[1]: ") == true)
    }

    /// A calendar that goes with a limit which is removed is there for one that is added.
    @Test func aCalendarOutlivesTheLimitThatIsRemoved() throws {
        var rig = Rig()
        try rig.apply(Policy(("openai", "$5 per day")))
        let report = try rig.lines(Policy(("openai", "100 requests per day")), prunes: true)
        #expect(
            report == [
                "removed limit openai: $5 per day -> -", "added limit openai: - -> 100 requests per day",
            ])
        #expect(rig.machine.calendars.count == 1)
        #expect(try rig.machine.restored().image == rig.machine.image)
    }

    /// More changes than have room are counted.
    @Test func changesWithoutRoomAreCounted() throws {
        var rig = Rig()
        var policy = Policy()
        for number in 0..<1_500 {
            let model = "model-\(number)" + String(repeating: "x", count: 100)
            policy = policy.price("openai", model, input: "1")
        }
        let report = try rig.apply(policy)
        #expect(report.changes.count + Int(report.unlisted) == 1_500)
        #expect(report.unlisted > 0)
        var writer = ByteWriter()
        report.encode(into: &writer)
        #expect(writer.count < WireLimits.frameLength)
    }

    @Test func replayAndSnapshotGiveTheSame() throws {
        var (one, other) = (Rig(), Rig())
        let steps: [(Policy, Bool)] = [
            (Self.whole, false), (Policy(("host", "$5 per month")).alias("openai", "x", of: "y"), false),
            (Policy(("openai", "700 requests per minute")), true),
        ]
        for (step, (policy, prunes)) in steps.enumerated() {
            try one.apply(policy, prunes: prunes, at: Int64(step) * 1_000)
            try other.apply(policy, prunes: prunes, at: Int64(step) * 1_000)
            other.machine = try other.machine.restored()
            #expect(one.machine.image == other.machine.image)
        }
    }
}
