import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

/// Prices: what a call costs that nobody tells the cost of.
struct PricesTests {
    private let p = name("p")
    private let model = name("gpt-4o")
    private let dated = name("gpt-4o-2024-08-06")

    private func price(
        _ input: String? = nil, _ output: String? = nil, cached: String? = nil, write: String? = nil,
        reasoning: String? = nil, request: String? = nil
    ) -> Price {
        var price = Price()
        price.input = input.flatMap { Money($0) }
        price.output = output.flatMap { Money($0) }
        price.cachedInput = cached.flatMap { Money($0) }
        price.cacheWrite = write.flatMap { Money($0) }
        price.reasoning = reasoning.flatMap { Money($0) }
        price.request = request.flatMap { Money($0) }
        return price
    }

    private func set(_ price: Price, _ provider: Name?, _ model: Name?) -> PriceSet {
        PriceSet(prices: [PriceEntry(provider: provider, model: model, price: price)])
    }

    private func spend(_ rig: inout Rig) throws -> Money {
        try rig.apply(LedgerProvider(provider: p)).account?.usage.spend ?? .zero
    }

    @Test func theSumOfTheExactProductsIsRoundedUpOnce() throws {
        let price = price("2.50", "10", cached: "1.25", write: "3.125", reasoning: "12")
        let tokens = TokenUsage(input: 86, cachedInput: 1920, cacheWrite: 7, output: 108, reasoning: 192)
        // 86 × 2500 + 1920 × 1250 + 7 × 3125 + 108 × 10000 + 192 × 12000, in nano-dollars.
        #expect(try price.cost(of: tokens) == Money(nanodollars: 6_020_875))
        // A third of a nano-dollar of each kind is one nano-dollar together, and not two.
        let small = self.price("0.0000003", "0.0000003")
        #expect(try small.cost(of: TokenUsage(input: 1, output: 1)) == Money(nanodollars: 1))
        #expect(try small.cost(of: TokenUsage(input: 0, output: 0)) == .zero)
    }

    @Test func whatIsNotPricedCostsAsInputOrOutput() throws {
        let tokens = TokenUsage(input: 1_000, cachedInput: 1_000, cacheWrite: 1_000, output: 1_000, reasoning: 1_000)
        #expect(try price("1", "2").cost(of: tokens) == dollars("0.007"))
        #expect(try price("1", "2", cached: "0", request: "0.5").cost(of: tokens) == dollars("0.506"))
    }

    @Test func aKindWithoutAPriceAndTokensThatNobodyToldLeaveTheCostUnknown() throws {
        #expect(try price(nil, "2").cost(of: TokenUsage(input: 1, output: 1)) == nil)
        #expect(try price("1").cost(of: TokenUsage(input: 1, output: 1)) == nil)
        #expect(try price("1", "2").cost(of: TokenUsage(input: 1)) == nil)
        #expect(try price("1", "2").cost(of: TokenUsage()) == nil)
        // Embeddings cost nothing for what they return, and nobody counts it.
        #expect(try price("0.02", "0").cost(of: TokenUsage(input: 1_000_000)) == dollars("0.02"))
        #expect(try price("0", "0", request: "0.01").cost(of: TokenUsage()) == dollars("0.01"))
    }

    @Test func aCostBeyondThatOfACallIsRefused() throws {
        let price = price("1000000", "0")
        #expect(try price.cost(of: TokenUsage(input: 1_000_000)) == WireLimits.callCost)
        #expect(throws: Refusal.self) { try price.cost(of: TokenUsage(input: 1_000_001)) }
        // Nothing traps at the ends of the ranges.
        let highest = self.price(
            "1000000", "1000000", cached: "1000000", write: "1000000", reasoning: "1000000", request: "1000000")
        let most = UInt32.max
        #expect(throws: Refusal.self) {
            try highest.cost(
                of: TokenUsage(input: most, cachedInput: most, cacheWrite: most, output: most, reasoning: most))
        }
    }

    @Test func thePriceOfWhatAnsweredComesBeforeThatOfWhatWasAskedForAndTheProvidersBeforeEveryones() throws {
        var rig = Rig()
        let candidate = Candidate(provider: p, model: model)
        func cost() throws -> Money {
            let before = try spend(&rig)
            let usage = CallUsage(model: dated, inputTokens: 1_000_000, outputTokens: 0)
            try rig.apply(Report(candidate: candidate, outcome: .success, usage: usage))
            return try #require(try spend(&rig).subtracting(before))
        }
        #expect(try cost() == .zero)
        let steps: [(Name?, Name?, String)] = [
            (nil, model, "1"), (nil, dated, "2"), (p, nil, "3"), (p, model, "4"), (p, dated, "5"),
        ]
        for (provider, model, amount) in steps {
            try rig.apply(set(price(amount, "0"), provider, model))
            #expect(try cost() == Money(amount), "\(amount)")
        }
        for (provider, model, amount) in steps.reversed() {
            #expect(try cost() == Money(amount), "\(amount)")
            try rig.apply(PriceRemove(provider: provider, model: model))
        }
        #expect(try cost() == .zero)
        #expect(try rig.apply(LedgerProvider(provider: p)).account?.usage.unpriced == 2)
    }

    @Test func settlesReportsAndRecordsArePricedAndAToldCostStands() throws {
        var rig = Rig()
        try rig.apply(set(price("2", "4"), p, model))
        let candidate = Candidate(provider: p, model: model)
        let usage = CallUsage(inputTokens: 500_000, outputTokens: 250_000)
        let admit = Admit(candidates: try Candidates([candidate]), estimate: Estimate(), ttlMilliseconds: 60_000)
        let permit = try #require(try rig.apply(admit).permit)
        try rig.apply(Settle(permit: permit, outcome: .success, usage: usage))
        #expect(try spend(&rig) == dollars("2"))
        try rig.apply(Report(candidate: candidate, outcome: .failure, usage: usage))
        #expect(try spend(&rig) == dollars("4"))
        try rig.apply(
            LedgerRecord(provider: p, model: model, cost: nil, inputTokens: 500_000, outputTokens: 250_000))
        #expect(try spend(&rig) == dollars("6"))
        var told = usage
        told.cost = dollars("0.5")
        try rig.apply(Report(candidate: candidate, outcome: .success, usage: told))
        #expect(try spend(&rig) == dollars("6.5"))
        #expect(try rig.apply(LedgerProvider(provider: p)).account?.usage.unpriced == 0)
    }

    @Test func aSuccessWithoutACostAndAPriceIsUnpricedAndLimitsCountItsEstimate() throws {
        var rig = Rig()
        let candidate = Candidate(provider: p, model: model)
        try rig.apply(
            LimitSet(
                scope: Scope(provider: p),
                limits: [try LimitText.limit("$10 prepaid"), try LimitText.limit("1M tokens per 24h")]))
        let estimate = Estimate(cost: dollars("1"), inputTokens: 100, outputTokens: 50)
        let admit = Admit(candidates: try Candidates([candidate]), estimate: estimate, ttlMilliseconds: 60_000)
        func used() throws -> [Int64] { try rig.apply(LimitList()).entries.map(\.used) }
        // Nothing is told, then the input alone, then the cost alone.
        let usages = [nil, CallUsage(inputTokens: 30), CallUsage(cost: dollars("0.25"))]
        for usage in usages {
            let permit = try #require(try rig.apply(admit).permit)
            try rig.apply(Settle(permit: permit, outcome: .success, usage: usage))
        }
        #expect(try used() == [dollars("2.25").nanodollars, 150 + 80 + 150])
        let account = try #require(try rig.apply(LedgerProvider(provider: p)).account)
        #expect(account.usage.unpriced == 2)
        #expect(account.usage.spend == dollars("0.25"))
        // A failure has used what it tells, and no more.
        let permit = try #require(try rig.apply(admit).permit)
        try rig.apply(Settle(permit: permit, outcome: .failure, usage: CallUsage(inputTokens: 5)))
        #expect(try used() == [dollars("2.25").nanodollars, 385])
    }

    /// A spend alone would say that these calls were free.
    @Test func everySpendComesWithTheNumberOfCallsThatNobodyPriced() throws {
        var rig = Rig()
        let silent = Report(
            candidate: Candidate(provider: p, model: model), outcome: .success, usage: CallUsage(inputTokens: 5))
        for _ in 0..<2 { try rig.apply(silent) }
        let q = name("q")
        try rig.apply(LedgerRecord(provider: q, model: model, cost: dollars("1"), inputTokens: 1, outputTokens: 1))
        rig.machine = try rig.machine.restored()
        #expect(try rig.apply(LedgerTotal()).unpriced == 2)
        let overview = try rig.apply(Overview()).entries
        for (provider, unpriced) in [(p, 2), (q, 0)] as [(Name, Int64)] {
            #expect(overview.first { $0.name == provider }?.unpriced == unpriced, "\(provider)")
            #expect(try rig.apply(LedgerSummary(provider: provider, windowMilliseconds: 9)).unpriced == unpriced)
        }
        func told(at now: Int64) throws -> [Int64] {
            let account = try #require(try rig.apply(LedgerAccount(scope: Scope(provider: p)), at: now).account)
            return [account.usage, account.dayUsage].map(\.unpriced) + [account.month, account.today].map(\.unpriced)
        }
        func summaries(at now: Int64) throws -> [Name] {
            try rig.apply(LedgerSummaries(windowMilliseconds: 9, cursor: Page.end), at: now).summaries.map(\.provider)
        }
        #expect(try told(at: 0) == [2, 2, 2, 2])
        #expect(try summaries(at: 0) == [p, q], "p has a spend that is not known")
        let later: Int64 = 3 * 86_400_000
        try rig.apply(BeginDay(3, keepsUse: false), at: later)
        #expect(try told(at: later) == [2, 0, 2, 0])
        #expect(try summaries(at: later) == [q])
        rig.events = []
        #expect(try rig.apply(LedgerReset(scope: Scope(provider: p)), at: later).before?.unpriced == 2)
        guard case .accountReset(let event)? = rig.events.first else { throw Refusal(.notFound, "no event") }
        #expect(event.unpriced == 2)
    }

    @Test func pricesAreCheckedBoundedListedAndKept() throws {
        var rig = Rig()
        rig.expect(.outOfRange, of: set(Price(), p, model))
        rig.expect(.outOfRange, of: set(price("1"), nil, nil))
        rig.expect(.outOfRange, of: set(price("-1"), p, nil))
        rig.expect(.outOfRange, of: set(price("1000000.1"), p, nil))
        rig.expect(.outOfRange, of: PriceSet(prices: []))
        rig.expect(.notFound, of: PriceRemove(provider: p, model: nil))
        let entries = [
            PriceEntry(provider: nil, model: model, price: price("1")),
            PriceEntry(provider: p, model: nil, price: price("2")),
            PriceEntry(provider: p, model: model, price: price("3")),
        ]
        #expect(try rig.apply(PriceSet(prices: entries.reversed())).replaced == 0)
        #expect(try rig.apply(PriceSet(prices: entries)).replaced == 3)
        #expect(try rig.apply(PriceList()).prices == entries)
        #expect(try rig.machine.restored().image == rig.machine.image)
        var bounds = Bounds()
        bounds.prices = 3
        rig.machine.bounds = bounds
        try rig.apply(set(price("4"), p, model))
        rig.expect(.limitReached, of: set(price("4"), p, dated))
    }
}
