import FuseboxInterop
import Testing

/// The three embedded types in a program without the daemon. llm-providers wrote the texts in `Fixtures/snapshots`.
struct EmbeddingTests {
    private static let profiles = [Profile.fusebox, .llmProviders]
    private let begin = Timestamp(milliseconds: 1_767_225_600_000)

    private func text(_ name: String) throws -> String { try Fixtures.json("snapshots/\(name).json").text() }

    private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text.utf8) }

    // MARK: The breaker

    /// CircuitBreaker: the library's text goes in and comes out again.
    @Test(arguments: profiles) func breakerOfTheLibrary(profile: Profile) throws {
        let text = try text("breaker")
        let breaker = try CircuitBreaker.deserialize(text, profile: profile)
        #expect(breaker.name == "azure/eu-west")
        #expect(breaker.status(at: Timestamp(milliseconds: 1_768_682_671_727)).totalFailures == 8)
        #expect(try json(breaker.serialize()) == json(text))
    }

    /// CircuitBreaker: a copy made of its text decides as the original does, call by call.
    @Test func breakerGoesOn() throws {
        var original = try CircuitBreaker("openai", at: begin)
        for second in 0..<400 as Range<Int64> {
            let now = begin + second * 1000
            // Each call is an instance of its own.
            var copy = try CircuitBreaker.deserialize(original.serialize())
            let (mine, theirs) = (original.acquire(at: now), copy.acquire(at: now))
            #expect(mine.admitted == theirs.admitted && mine.share == theirs.share, "call \(second)")
            if mine.admitted, second % 3 == 0 {
                original.recordFailure(at: now)
                copy.recordFailure(at: now)
            } else if mine.admitted, second % 7 == 0 {
                original.recordSuccess(at: now)
                copy.recordSuccess(at: now)
            }
            #expect(copy.serialize() == original.serialize())
            original = copy
        }
        #expect(original.status(at: begin + 400_000).totalFailures > 5)
    }

    /// CircuitBreaker: what is no breaker is refused.
    @Test func noBreaker() throws {
        #expect(throws: JSONError.self) { try CircuitBreaker.deserialize("{") }
        #expect(throws: JSONFieldError.self) { try CircuitBreaker.deserialize(#"{"version":2,"name":"a","state":{}}"#) }
        #expect(throws: JSONFieldError.self) { try CircuitBreaker.deserialize(try text("ledger")) }
        #expect(throws: Refusal.self) { try CircuitBreaker("", at: begin) }
    }

    // MARK: The registry

    /// ExhaustionRegistry: the library's text goes in and comes out again.
    @Test(arguments: profiles) func registryOfTheLibrary(profile: Profile) throws {
        let text = try text("exhaustion")
        var registry = try ExhaustionRegistry(profile: profile)
        try registry.mark("gone", at: begin)
        try registry.restore(text)
        let taken = Timestamp(milliseconds: 1_768_682_671_727)
        let expected = try #require(try json(text)["entries"]?.list)
        #expect(registry.entries(at: taken).map(\.provider.text) == expected.compactMap { $0["provider"]?.text })
        #expect(!registry.isExhausted("gone", at: taken))
        #expect(try json(registry.snapshot()) == json(text))
    }

    /// ExhaustionRegistry: a mark is in force until its end, in a copy too.
    @Test func registryGoesOn() throws {
        var registry = try ExhaustionRegistry(defaultCooldownMilliseconds: 1000)
        #expect(try registry.mark("a", for: .seconds(60), at: begin) == begin + 60_000)
        try registry.mark("b", at: begin)
        var copy = try ExhaustionRegistry()
        try copy.restore(registry.snapshot())
        for each in [registry, copy] {
            #expect(each.isExhausted("b", at: begin + 999) && !each.isExhausted("b", at: begin + 1000))
            #expect(each.isExhausted("a", at: begin + 59_999) && !each.isExhausted("a", at: begin + 60_000))
            #expect(!each.isExhausted("no\nname", at: begin))
        }
        copy.clear("a", at: begin)
        #expect(copy.entries(at: begin).map(\.provider.text) == ["b"])
        #expect(throws: Refusal.self) { try copy.mark("c", for: .seconds(-1), at: begin) }
    }

    /// ExhaustionRegistry and CreditLedger: a text of another kind is refused, and changes nothing.
    @Test func exhaustionRegistryAndCreditLedger() throws {
        var registry = try ExhaustionRegistry()
        try registry.mark("a", at: begin)
        #expect(throws: JSONFieldError.self) { try registry.restore(try text("ledger")) }
        #expect(throws: JSONError.self) { try registry.restore("") }
        #expect(registry.isExhausted("a", at: begin))
        var ledger = CreditLedger(at: begin)
        try ledger.record(provider: "a", model: "m", cost: .dollars("1"), inputTokens: 1, outputTokens: 1, at: begin)
        #expect(throws: JSONFieldError.self) { try ledger.restore(try text("exhaustion")) }
        #expect(throws: JSONFieldError.self) { try ledger.restore(#"{"version":1,"providers":{}}"#) }
        #expect(try ledger.totalSpend(at: begin) == .dollars("1"))
    }

    // MARK: The ledger

    /// CreditLedger: the library's text goes in and comes out again.
    @Test(arguments: profiles) func ledgerOfTheLibrary(profile: Profile) throws {
        let text = try text("ledger")
        var ledger = CreditLedger(profile: profile, at: begin)
        try ledger.restore(text)
        #expect(try json(ledger.snapshot()) == json(text))
    }

    /// CreditLedger: budgets, tiers, windows and history go on in a copy.
    @Test(arguments: profiles) func ledgerGoesOn(profile: Profile) throws {
        var ledger = CreditLedger(profile: profile, at: begin)
        var budget = Budget(provider: try Name("p"))
        budget.monthly = .dollars("10")
        budget.rates[.rpm] = 2
        try ledger.setBudget(budget, at: begin)
        func record(_ ledger: inout CreditLedger, _ second: Int64) throws -> ThresholdTier? {
            try ledger.record(
                provider: "p", model: "m", cost: .dollars("4.1"), inputTokens: 10, outputTokens: 5,
                at: begin + second * 1000
            ).reached.first?.tier
        }
        #expect(try record(&ledger, 1) == nil)
        #expect(try record(&ledger, 2) == .warning)
        var copy = CreditLedger(profile: profile, at: begin)
        try copy.restore(ledger.snapshot())
        #expect(copy.snapshot() == ledger.snapshot())
        #expect(try copy.balance("p", at: begin + 3000).remaining == .dollars("1.8"))
        #expect(try copy.checkRate("p", .rpm, at: begin + 3000).allowed == false)
        #expect(try copy.checkRate("p", .rpm, at: begin + 62_000).allowed == true)
        #expect(try copy.burnRate("p", at: begin + 62_000).sampleCount == 2)
        #expect(try copy.depletion("p", at: begin + 62_000)?.remaining == .dollars("1.8"))
        #expect(try copy.account("p", model: "m", at: begin + 62_000)?.usage.inputTokens == 20)
        // A tier that has fired does not fire again. The next one does.
        #expect(try record(&copy, 63) == .emergency)
        #expect(throws: Refusal.self) {
            try copy.record(
                provider: "p", model: "m", cost: .zero, inputTokens: -1, outputTokens: 0, at: begin + 64_000)
        }
        #expect(try copy.totalSpend(at: begin + 64_000) == .dollars("12.3"))
    }
}
