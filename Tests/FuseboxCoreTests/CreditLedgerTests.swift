import FuseboxWire
import Testing

@testable import FuseboxCore

struct CreditLedgerTests {
    private static let hour: Int64 = 3_600_000
    private static let day: Int64 = 24 * hour

    private let p = name("p")
    private let m = name("m")

    private func record(
        _ cost: String, model: Name? = nil, inputTokens: UInt32 = 10, outputTokens: UInt32 = 5
    ) -> LedgerRecord {
        LedgerRecord(
            provider: p, model: model ?? m, cost: dollars(cost), inputTokens: inputTokens, outputTokens: outputTokens)
    }

    private func rig(_ budget: String? = nil, _ limits: Budget? = nil) throws -> Rig {
        var rig = Rig()
        var whole = limits ?? Budget(provider: p)
        whole.monthly = budget.map(dollars)
        try rig.apply(LedgerSetBudget(budget: whole))
        return rig
    }

    // MARK: Sums

    @Test func aRecordCountsForItsProviderAndItsModel() throws {
        var rig = Rig()
        try rig.apply(record("0.1"), at: 5)
        try rig.apply(record("0.2", model: name("n")), at: 7)
        let account = try #require(try rig.apply(LedgerProvider(provider: p)).account)
        #expect(account.usage.spend == dollars("0.3"))
        #expect(account.usage.inputTokens == 20)
        #expect(account.usage.outputTokens == 10)
        #expect(account.usage.requests == 2)
        #expect(account.usage.lastRecorded == at(7))
        #expect(account.models == 2)
        let model = try #require(try rig.apply(LedgerModel(provider: p, model: m)).account)
        #expect(model.usage.spend == dollars("0.1"))
        #expect(model.usage.lastRecorded == at(5))
        #expect(try rig.apply(LedgerTotal()).spend == dollars("0.3"))
        #expect(try rig.apply(LedgerProvider(provider: name("q"))).account == nil)
        #expect(try rig.apply(LedgerModel(provider: p, model: name("x"))).account == nil)
    }

    @Test func aRecordThatWouldLeaveTheRangeOfMoneyIsRefusedAndChangesNothing() throws {
        var rig = Rig()
        try rig.apply(record("0"))
        rig.machine.ledger.providers[existing: 0].sums.spend = .max - 5
        let before = rig.machine.image
        rig.expect(.overflow, of: record("0.000000006"), at: 9)
        #expect(rig.machine.image == before)
        try rig.apply(record("0.000000005"))
        #expect(try rig.apply(LedgerTotal()).spend == Money(nanodollars: .max))
    }

    @Test func aNegativeCostIsRefusedAndTheNameItCameWithIsNotKept() {
        var rig = Rig()
        rig.expect(.outOfRange, of: record("-0.000000001"))
        #expect(rig.machine.names.count == 0)
        #expect(rig.machine.models.count == 0)
    }

    // MARK: Budgets

    @Test func whatIsLeftMayFallBelowNothing() throws {
        var rig = try rig("1")
        try rig.apply(record("1.25"))
        let balance = try rig.apply(LedgerBalance(provider: p))
        #expect(balance.remaining == dollars("-0.25"))
        #expect(balance.utilization == 1.25)
    }

    @Test func withoutABudgetNothingIsLeftToTell() throws {
        var rig = Rig()
        try rig.apply(record("1"))
        for balance in [
            try rig.apply(LedgerBalance(provider: p)), try rig.apply(LedgerBalance(provider: name("q"))),
            try rig.apply(LedgerBalance(provider: p, model: m)),
        ] {
            #expect(balance.remaining == nil)
            #expect(balance.utilization == 0)
        }
    }

    @Test func aModelHasABudgetOfItsOwnAndOneOf0CountsAsNoneAProvidersOf0AsNothingLeft() throws {
        var rig = try rig("0")
        try rig.apply(LedgerSetBudget(budget: Budget(provider: p, model: m, monthly: dollars("2"))))
        try rig.apply(LedgerSetBudget(budget: Budget(provider: p, model: name("z"), monthly: .zero)))
        try rig.apply(record("0.5"))
        #expect(try rig.apply(LedgerBalance(provider: p, model: m)).remaining == dollars("1.5"))
        #expect(try rig.apply(LedgerBalance(provider: p, model: m)).utilization == 0.25)
        #expect(try rig.apply(LedgerBalance(provider: p, model: name("z"))).remaining == nil)
        #expect(try rig.apply(LedgerBalance(provider: p)).remaining == dollars("-0.5"))
        #expect(try rig.apply(LedgerBalance(provider: p)).utilization == 0)
    }

    @Test func aBudgetReplacesTheOneForTheSameProviderAndModelAndWhatItDoesNotNameStays() throws {
        var rig = try rig("1", Budget(provider: p, rpm: 5))
        try rig.apply(LedgerSetBudget(budget: Budget(provider: p, tpm: 7)))
        let account = try #require(try rig.apply(LedgerProvider(provider: p)).account)
        #expect(account.budget == dollars("1"))
        #expect(account.rpm?.limit == 5)
        #expect(account.tpm?.limit == 7)
        let budgets = try rig.apply(LedgerBudgets(cursor: Page.end)).entries.map(\.budget)
        #expect(budgets == [Budget(provider: p, tpm: 7)])
    }

    @Test func aRemovedBudgetLeavesRateLimitsInPlaceAndLetsItsNamesGo() throws {
        var rig = try rig("1", Budget(provider: p, rpm: 5))
        try rig.apply(LedgerSetBudget(budget: Budget(provider: p, model: m, monthly: dollars("1"))))
        #expect(rig.machine.models.count == 1)
        try rig.apply(LedgerRemoveBudget(provider: p))
        try rig.apply(LedgerRemoveBudget(provider: p, model: m))
        let account = try #require(try rig.apply(LedgerProvider(provider: p)).account)
        #expect(account.budget == nil)
        #expect(account.rpm?.limit == 5)
        #expect(rig.machine.models.count == 0)
        #expect(rig.machine.names.count == 1)
        try rig.apply(LedgerRemoveBudget(provider: name("q")))
    }

    @Test func aNegativeAmountOrLimitIsRefused() {
        var rig = Rig()
        for budget in [Budget(provider: p, monthly: dollars("-1")), Budget(provider: p, tpd: -1)] {
            rig.expect(.outOfRange, of: LedgerSetBudget(budget: budget))
        }
        #expect(rig.machine.names.count == 0)
    }

    // MARK: Thresholds

    @Test func eachThresholdFiresOnceUpwardsAndWithTheSumsOfItsRecord() throws {
        var rig = try rig("1")
        var fired: [ThresholdTier?] = []
        for _ in 0..<20 { fired.append(try rig.apply(record("0.05")).threshold?.tier) }
        #expect(fired[15] == .warning)
        #expect(fired[17] == .critical)
        #expect(fired[18] == .emergency)
        #expect(fired.compactMap(\.self).count == 3)
        let event = try #require(
            rig.events.compactMap { if case .thresholdCrossed(let event) = $0 { event } else { nil } }.first)
        #expect(event.spend == dollars("0.8"))
        #expect(event.budget == dollars("1"))
        #expect(event.model == m)
    }

    @Test func aRecordMaySkipThresholdsAndOnlyTheHighestFires() throws {
        var rig = try rig("1")
        #expect(try rig.apply(record("0.99")).threshold?.tier == .emergency)
        #expect(try rig.apply(record("0.99")).threshold == nil)
    }

    @Test func thresholdsCanBeSetAndBadOnesAreRefused() throws {
        var rig = try rig("1")
        try rig.apply(LedgerSetThresholds(warning: 0.1))
        #expect(try rig.apply(LedgerThresholds()).warning == 0.1)
        #expect(try rig.apply(LedgerThresholds()).critical == 0.9)
        #expect(try rig.apply(record("0.1")).threshold?.tier == .warning)
        for bad in [-0.1, .nan, .infinity] { rig.expect(.outOfRange, of: LedgerSetThresholds(critical: bad)) }
    }

    // MARK: Depletion

    @Test func depletionFiresAsItComesNearerEachTierOnce() throws {
        var rig = try rig("1")
        try rig.apply(record("0"))
        func next(_ cost: String) throws -> DepletionTier? {
            try rig.apply(record(cost), at: Self.day).depletion?.tier
        }
        // After 0.13 a day 0.87 are left: 6.7 days.
        #expect(try next("0.12") == nil)
        #expect(try next("0.01") == .warning)
        #expect(try next("0.01") == nil)
        #expect(try next("0.13") == .critical)
        #expect(try next("0.3") == .emergency)
        #expect(try next("5") == nil)
    }

    @Test func theEstimateIsWhatIsLeftAtTheBurnRateOfTheWindow() throws {
        var rig = try rig("10")
        try rig.apply(record("1"), at: 0)
        try rig.apply(record("1"), at: Self.day)
        let now = Self.day + 12 * Self.hour
        let estimate = try #require(try rig.apply(LedgerDepletion(provider: p), at: now).estimate)
        #expect(estimate.remaining == dollars("8"))
        #expect(estimate.burnRate.costPerDay == 1)
        #expect(estimate.burnRate.sampleCount == 1)
        #expect(estimate.daysRemaining == 8)
        #expect(estimate.depletesAt == at(now + 8 * Self.day))
        let wide = try rig.apply(LedgerDepletion(provider: p, windowMilliseconds: 2 * Self.day), at: now).estimate
        #expect(wide?.burnRate.sampleCount == 2)
        let quiet = try rig.apply(LedgerDepletion(provider: p), at: 9 * Self.day).estimate
        #expect(quiet?.daysRemaining == nil)
        #expect(quiet?.depletesAt == nil)
    }

    @Test func overspentABudgetIsDepletedNow() throws {
        var rig = try rig("1")
        try rig.apply(record("2"))
        let estimate = try #require(try rig.apply(LedgerDepletion(provider: p), at: 77).estimate)
        #expect(estimate.daysRemaining == 0)
        #expect(estimate.depletesAt == at(77))
        #expect(estimate.remaining == .zero)
    }

    @Test func aWindowOfNoLengthHasNoRate() throws {
        var rig = Rig()
        try rig.apply(record("1"))
        let rate = try rig.apply(LedgerBurnRate(provider: p, windowMilliseconds: 0))
        #expect(rate.costPerDay == nil)
        #expect(rate.sampleCount == 1)
        rig.expect(.outOfRange, of: LedgerBurnRate(provider: p, windowMilliseconds: -1))
    }

    // MARK: Rate windows

    @Test(arguments: RateDimension.allCases)
    func windowsCountRequestsOrTokensAndBeginAnewWhenTheyAreOver(dimension: RateDimension) throws {
        var budget = Budget(provider: p)
        budget[dimension] = 30
        var rig = try rig(nil, budget)
        let amount: Int64 = dimension.countsTokens ? 15 : 1
        try rig.apply(record("0"))
        try rig.apply(record("0"), at: dimension.windowMilliseconds - 1)
        var check = try rig.apply(
            LedgerCheckRate(provider: p, dimension: dimension), at: dimension.windowMilliseconds - 1)
        #expect(check.used == 2 * amount)
        #expect(check.limit == 30)
        #expect(check.allowed == (2 * amount < 30))
        check = try rig.apply(LedgerCheckRate(provider: p, dimension: dimension), at: dimension.windowMilliseconds)
        #expect(check.used == 0)
        #expect(check.allowed)
        try rig.apply(record("0"), at: dimension.windowMilliseconds + 5)
        #expect(
            rig.machine.ledger.provider(NameID(index: 0))?[dimension]?.start == at(dimension.windowMilliseconds + 5))
    }

    @Test func aLimitOf0AllowsNothingAndNoLimitAllowsAll() throws {
        var rig = try rig(nil, Budget(provider: p, rpm: 0))
        #expect(try !rig.apply(LedgerCheckRate(provider: p, dimension: .rpm)).allowed)
        #expect(try rig.apply(LedgerCheckRate(provider: p, dimension: .tpm)).allowed)
        #expect(try rig.apply(LedgerCheckRate(provider: name("q"), dimension: .rpm)).allowed)
    }

    @Test func aChangedLimitKeepsWhatItsWindowHasCounted() throws {
        var rig = try rig(nil, Budget(provider: p, rpm: 1))
        try rig.apply(record("0"))
        try rig.apply(LedgerSetBudget(budget: Budget(provider: p, rpm: 2)), at: 5)
        let check = try rig.apply(LedgerCheckRate(provider: p, dimension: .rpm), at: 5)
        #expect(check.used == 1)
        #expect(check.limit == 2)
    }

    // MARK: Periods

    @Test func aClosedPeriodIsKeptForReportsAsManyAsTheLimitSays() throws {
        var bounds = Bounds()
        bounds.closedPeriods = 2
        var rig = Rig(bounds: bounds)
        for cost in ["1", "2", "3"] {
            try rig.apply(record(cost))
            try rig.apply(LedgerResetPeriod())
        }
        let periods = try rig.apply(LedgerClosedPeriods(provider: p)).periods
        #expect(periods.map(\.usage.spend) == [dollars("2"), dollars("3")])
        let rolled = rig.events.compactMap { if case .periodRolledOver(let event) = $0 { event.spend } else { nil } }
        #expect(rolled == [dollars("1"), dollars("2"), dollars("3")])
        #expect(try rig.apply(LedgerProvider(provider: p)).account?.usage == AccountUsage())
        #expect(try rig.apply(LedgerModel(provider: p, model: m)).account?.usage == AccountUsage())
    }

    @Test func theLengthOfThePeriodCanBeSet() throws {
        var rig = Rig()
        try rig.apply(LedgerSetPeriod(length: .day), at: 5)
        #expect(try rig.apply(LedgerTotal()).periodEnd == at(Self.day))
        try rig.apply(LedgerSetPeriod(length: .manual), at: 5)
        #expect(try rig.apply(LedgerTotal()).periodEnd == nil)
        #expect(!rig.machine.isDue(at: Moment(milliseconds: .max)))
    }

    // MARK: Lists

    @Test func accountsModelsSummariesAndBudgetsComeInPagesEachOnce() throws {
        var rig = Rig()
        for number in 0..<600 {
            try rig.apply(
                LedgerRecord(
                    provider: name("p\(number)"), model: m, cost: dollars("1"), inputTokens: 0, outputTokens: 0))
            try rig.apply(record("1", model: name("m\(number)")))
            try rig.apply(LedgerSetBudget(budget: Budget(provider: p, model: name("m\(number)"))))
        }
        var (accounts, models, summaries, budgets): ([Name], [Name], [Name], [Name]) = ([], [], [], [])
        var cursors: [UInt32] = [0, 0, 0, 0]
        repeat {
            let page = try rig.apply(LedgerProviders(cursor: cursors[0]))
            accounts += page.accounts.map(\.provider)
            cursors[0] = page.next
        } while cursors[0] != Page.end
        repeat {
            let page = try rig.apply(LedgerModels(provider: p, cursor: cursors[1]))
            models += page.accounts.map(\.model)
            cursors[1] = page.next
        } while cursors[1] != Page.end
        repeat {
            let page = try rig.apply(LedgerSummaries(windowMilliseconds: 5, cursor: cursors[2]))
            summaries += page.summaries.map(\.provider)
            cursors[2] = page.next
        } while cursors[2] != Page.end
        repeat {
            let page = try rig.apply(LedgerBudgets(cursor: cursors[3]))
            budgets += page.entries.compactMap(\.budget.model)
            cursors[3] = page.next
        } while cursors[3] != Page.end
        #expect(accounts.count == 601 && Set(accounts).count == 601)
        #expect(models.count == 600 && Set(models).count == 600)
        #expect(summaries.count == 601 && Set(summaries).count == 601)
        #expect(budgets.count == 600 && Set(budgets).count == 600)
    }
}
