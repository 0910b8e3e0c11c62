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

    private func rig(_ limits: String...) throws -> Rig {
        var rig = Rig()
        for limit in limits { try rig.apply(LimitCalls.set(limit)) }
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

    // MARK: Limits of accounts

    @Test func aLimitTellsWhatWasUsedAlsoWhereThatIsMoreThanItsAmount() throws {
        var rig = try rig("$1 until reset")
        try rig.apply(record("1.25"))
        let entry = try #require(try LimitCalls.standing("$1 until reset", &rig))
        #expect(entry.used == dollars("1.25").nanodollars && entry.left == 0)
        #expect(entry.share == 1.25 && entry.fullness == 1.25)
    }

    @Test func withoutALimitThereIsNothingToTell() throws {
        var rig = Rig()
        try rig.apply(record("1"))
        for route in ["p", "q", "p/m"] { #expect(try LimitCalls.standing("$1 until reset", on: route, &rig) == nil) }
    }

    @Test func aModelHasALimitOfItsOwnAndOneOf0IsFullAndHasNoShare() throws {
        var rig = try rig("$0 until reset")
        try rig.apply(LimitCalls.set("$2 until reset", on: "p/m"))
        try rig.apply(LimitCalls.set("$0 until reset", on: "p/z"))
        try rig.apply(record("0.5"))
        let model = try #require(try LimitCalls.standing("$2 until reset", on: "p/m", &rig))
        #expect(model.left == dollars("1.5").nanodollars && model.share == 0.25)
        let other = try #require(try LimitCalls.standing("$0 until reset", on: "p/z", &rig))
        #expect(other.used == 0 && other.share == 0 && other.fullness == 1)
        let whole = try #require(try LimitCalls.standing("$0 until reset", &rig))
        #expect(whole.used == dollars("0.5").nanodollars && whole.left == 0 && whole.share == 0)
    }

    @Test func aLimitReplacesTheOneOfTheSameDimensionAndWindowAndOthersStay() throws {
        var rig = try rig("$1 until reset", "5 requests per minute fixed", "7 tokens per minute fixed")
        try rig.apply(LimitCalls.set("$3 until reset", "9 requests per minute"))
        let limits = try rig.apply(LimitList(scope: Scope(provider: p))).entries.map { "\($0.limit)" }
        #expect(
            limits == [
                "$3 until reset", "5 requests per minute fixed", "7 tokens per minute fixed", "9 requests per minute",
            ])
    }

    @Test func aRemovedLimitLeavesOthersInPlaceAndLetsItsNamesGo() throws {
        var rig = try rig("$1 until reset", "5 requests per minute fixed")
        let onTag = Scope(provider: p, model: m, tag: name("t"))
        try rig.apply(LimitCalls.set("$1 until reset", on: "p@eu"))
        try rig.apply(LimitSet(scope: onTag, limits: [try LimitCalls.bound("$1 until reset")]))
        #expect((rig.machine.names.count, rig.machine.models.count) == (2, 1))
        for scope in [Scope(provider: p), Scope(provider: p, deployment: name("eu")), onTag] {
            try rig.apply(LimitRemove(scope: scope, limits: [Limit(.cost, 0, .manual)]))
        }
        #expect(try rig.apply(LimitList()).entries.map { "\($0.limit)" } == ["5 requests per minute fixed"])
        #expect((rig.machine.names.count, rig.machine.models.count) == (1, 0))
        #expect(rig.machine.tags.find(name("t")) == nil)
    }

    @Test func aNegativeAmountIsRefused() {
        var rig = Rig()
        for limit in [Limit(.cost, -1, .manual), Limit(.tokens, -1, .fixed(milliseconds: 60_000))] {
            rig.expect(.outOfRange, of: LimitSet(scope: Scope(provider: p), limits: [limit]))
        }
        #expect(rig.machine.names.count == 0)
    }

    /// Of all dimensions; a limit of another window begins with nothing used.
    @Test(arguments: ["p", "p/m"]) func aNewLimitThatGoesOnUntilResetCountsWhatItsAccountHasCounted(route: String)
        throws
    {
        let texts = [
            "$9 until reset", "9 requests until reset", "99 tokens until reset", "99 input tokens until reset",
            "99 output tokens until reset",
        ]
        var rig = Rig()
        try rig.apply(record("0.25"))
        try rig.apply(record("0.5"))
        func set() throws -> [Int64] {
            var command = try LimitCalls.set("$9 prepaid", "9 requests per day fixed", on: route)
            command.limits += try texts.map { try LimitCalls.bound($0) }
            defer { _ = try? rig.apply(LimitRemove(allOf: command.scope)) }
            return try rig.apply(command).changes.map(\.entry.used)
        }
        #expect(try set() == [0, 0, dollars("0.75").nanodollars, 2, 30, 20, 10])
        // A limit that is set again after it was removed sees the same, and after a reset what was counted since.
        #expect(try set() == [0, 0, dollars("0.75").nanodollars, 2, 30, 20, 10])
        try rig.apply(LedgerReset(scope: try LimitCalls.scope(route)))
        try rig.apply(record("0.125"))
        #expect(try set() == [0, 0, dollars("0.125").nanodollars, 1, 15, 10, 5])
    }

    @Test func aNewLimitThatIsReachedByWhatItsAccountHasCountedSaysSo() throws {
        var rig = Rig()
        try rig.apply(record("0.95"))
        try rig.apply(LimitCalls.set("$1 until reset"))
        let told = rig.takeEvents().compactMap { if case .limitReached(let event) = $0 { event } else { nil } }
        #expect(told.map(\.tier) == [.emergency])
        #expect(told.first?.entry.used == dollars("0.95").nanodollars)
        #expect(try rig.apply(record("0.01")).reached.isEmpty)
    }

    // MARK: Thresholds

    @Test func eachThresholdFiresOnceUpwardsAndWithTheSumsOfItsRecord() throws {
        var rig = try rig("$1 until reset")
        var fired: [ThresholdTier?] = []
        for _ in 0..<20 {
            let reached = try rig.apply(record("0.05")).reached
            #expect(reached.count <= 1)
            fired.append(reached.first?.tier)
        }
        #expect(fired[15] == .warning)
        #expect(fired[17] == .critical)
        #expect(fired[18] == .emergency)
        #expect(fired.compactMap(\.self).count == 3)
        let told = rig.events.compactMap { if case .limitReached(let event) = $0 { event } else { nil } }
        #expect(told.count == 3)
        let event = try #require(told.first)
        #expect(event.entry.used == dollars("0.8").nanodollars)
        #expect(event.entry.limit == (try LimitCalls.bound("$1 until reset")))
        #expect(event.entry.scope == Scope(provider: p))
        #expect(event.entry.toldTier == .warning)
    }

    @Test func aRecordMaySkipThresholdsAndOnlyTheHighestFires() throws {
        var rig = try rig("$1 until reset")
        #expect(try rig.apply(record("0.99")).reached.map(\.tier) == [.emergency])
        #expect(try rig.apply(record("0.99")).reached.isEmpty)
    }

    private func limit(_ thresholds: Thresholds?) throws -> LimitSet {
        var limit = try LimitCalls.bound("$1 until reset")
        limit.thresholds = thresholds
        return LimitSet(scope: Scope(provider: p), limits: [limit])
    }

    @Test func eachLimitMayHaveThresholdsOfItsOwnAndBadOnesAreRefused() throws {
        var rig = Rig()
        var thresholds = Thresholds()
        thresholds.warning = 0.1
        try rig.apply(limit(thresholds))
        try rig.apply(LimitCalls.set("$1 prepaid"))
        #expect(try LimitCalls.standing("$1 until reset", &rig)?.limit.thresholds == thresholds)
        let reached = try rig.apply(record("0.1")).reached
        #expect(reached.map(\.tier) == [.warning])
        #expect(reached.first?.entry.limit.window == .manual)
        #expect(try rig.apply(record("0.8")).reached.map(\.tier) == [.critical, .critical])
        for bad in [-0.1, .nan, .infinity] {
            thresholds.critical = bad
            rig.expect(.outOfRange, of: try limit(thresholds))
        }
    }

    @Test func thresholdsThatNeverFireDoNot() throws {
        var rig = Rig()
        try rig.apply(limit(.never))
        for _ in 0..<4 { #expect(try rig.apply(record("0.5")).reached.isEmpty) }
        #expect(!rig.events.contains { if case .limitReached = $0 { true } else { false } })
        // One that is set to fire then says at once what it has reached.
        try rig.apply(limit(nil))
        let told = rig.takeEvents().compactMap { if case .limitReached(let event) = $0 { event.tier } else { nil } }
        #expect(told == [.emergency])
    }

    @Test func aReplyTellsOfAFewOfTheLimitsThatARecordHasReachedAndTheEventsOfAll() throws {
        var rig = Rig()
        let count = LedgerRecordReply.reachedLimits + 3
        for hours in 1...count { try rig.apply(LimitCalls.set("$1 per \(hours)h")) }
        #expect(try rig.apply(record("1")).reached.count == LedgerRecordReply.reachedLimits)
        let told = rig.events.count { if case .limitReached = $0 { true } else { false } }
        #expect(told == count)
    }

    // MARK: Depletion

    @Test func depletionFiresAsItComesNearerEachTierOnce() throws {
        var rig = try rig("$1 until reset")
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
        let told = rig.events.compactMap { if case .depletionProjected(let event) = $0 { event } else { nil } }
        #expect(told.map(\.tier) == [.warning, .critical, .emergency])
        #expect(told.allSatisfy { $0.provider == p && $0.limit.window == .manual })
    }

    @Test func theEstimateIsWhatIsLeftAtTheBurnRateOfTheWindow() throws {
        var rig = try rig("$10 until reset")
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

    @Test func anOverspentLimitIsDepletedNow() throws {
        var rig = try rig("$1 until reset")
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

    /// Of several limits the one that is used up first is told. A limit of a day says nothing by being used up within it.
    @Test func ofSeveralLimitsTheOneThatIsUsedUpFirstIsTold() throws {
        var rig = try rig("$10 until reset", "$6 prepaid", "5 requests prepaid", "$2 per 24h", "$2 per day fixed")
        try rig.apply(
            BeginWindow(.calendar(.day), start: at(0), end: at(Self.day), keepsUse: false))
        try rig.apply(LimitCalls.set("$2 per day"))
        try rig.apply(LimitCalls.set("$1 until reset", on: "p/m"))
        try rig.apply(record("1"))
        let estimate = try #require(try rig.apply(LedgerDepletion(provider: p), at: Self.day).estimate)
        #expect(estimate.limit == (try LimitCalls.bound("$6 prepaid")))
        #expect(estimate.daysRemaining == 5)
        let entry = try #require(try rig.apply(Overview(), at: Self.day).entries.first)
        #expect(entry.daysRemaining == 5)
        try rig.apply(LimitRemove(scope: Scope(provider: p), limits: [Limit(.cost, 0, .prepaid)]))
        #expect(try rig.apply(LedgerDepletion(provider: p), at: Self.day).estimate?.daysRemaining == 9)
        try rig.apply(LimitRemove(scope: Scope(provider: p), limits: [Limit(.cost, 0, .manual)]))
        #expect(try rig.apply(LedgerDepletion(provider: p), at: Self.day).estimate == nil)
    }

    /// A limit that renews before it is used up is not depleted.
    @Test func aWindowOfTheCalendarThatEndsBeforeItsLimitIsUsedUpIsNotDepleted() throws {
        var rig = Rig()
        try rig.apply(LimitCalls.month(from: 0, days: 9))
        try rig.apply(LimitCalls.set("$10 per month"))
        try rig.apply(record("1"))
        // $9 are left, $1 a day are spent, and eight days are left.
        var estimate = try #require(try rig.apply(LedgerDepletion(provider: p), at: Self.day).estimate)
        #expect(estimate.burnRate.costPerDay == 1 && estimate.remaining == dollars("9"))
        #expect(estimate.daysRemaining == nil && estimate.depletesAt == nil)
        try rig.apply(record("1"), at: Self.day)
        // $8 are left, and $2 a day are spent.
        estimate = try #require(try rig.apply(LedgerDepletion(provider: p), at: Self.day).estimate)
        #expect(estimate.daysRemaining == 4)
        #expect(estimate.depletesAt == at(5 * Self.day))
    }

    // MARK: Fixed windows

    @Test(
        arguments: [
            ("30 requests per minute fixed", 60_000, 1), ("30 requests per day fixed", day, 1),
            ("30 tokens per minute fixed", 60_000, 15), ("30 tokens per day fixed", day, 15),
        ] as [(String, Int64, Int64)])
    func windowsCountRequestsOrTokensAndBeginAnewWhenTheyAreOver(
        text: String, length: Int64, amount: Int64
    ) throws {
        var rig = try rig(text)
        try rig.apply(record("0"))
        try rig.apply(record("0"), at: length - 1)
        var entry = try #require(try LimitCalls.standing(text, &rig, at: length - 1))
        #expect(entry.used == 2 * amount)
        #expect(entry.left == 30 - 2 * amount)
        #expect(entry.startedAt == at(0) && entry.endsInMilliseconds == 1)
        entry = try #require(try LimitCalls.standing(text, &rig, at: length))
        #expect(entry.used == 0 && entry.left == 30 && entry.startedAt == nil)
        try rig.apply(record("0"), at: length + 5)
        entry = try #require(try LimitCalls.standing(text, &rig, at: length + 5))
        #expect(entry.used == amount && entry.startedAt == at(length + 5))
    }

    @Test func aLimitOf0AllowsNothingAndNoLimitAllowsAll() throws {
        var rig = try rig("0 requests per minute fixed")
        let denied = try rig.apply(try LimitCalls.admit("p"))
        #expect(denied.permit == nil && denied.decision.retryAfterMilliseconds == nil)
        #expect(try rig.apply(try LimitCalls.admit("q")).permit != nil)
    }

    @Test func aChangedLimitKeepsWhatItsWindowHasCounted() throws {
        var rig = try rig("1 request per minute fixed")
        try rig.apply(record("0"))
        try rig.apply(LimitCalls.set("2 requests per minute fixed"), at: 5)
        let entry = try #require(try LimitCalls.standing("2 requests per minute fixed", &rig, at: 5))
        #expect(entry.used == 1)
        #expect(entry.limit.amount == 2)
        #expect(entry.startedAt == at(0))
    }

    // MARK: Lists

    @Test func accountsModelsSummariesAndLimitsComeInPagesEachOnce() throws {
        var rig = Rig()
        for number in 0..<600 {
            try rig.apply(
                LedgerRecord(
                    provider: name("p\(number)"), model: m, cost: dollars("1"), inputTokens: 0, outputTokens: 0))
            try rig.apply(record("1", model: name("m\(number)")))
            try rig.apply(LimitCalls.set("$1 until reset", on: "p/m\(number)"))
        }
        var (accounts, models, summaries, limits): ([Name], [Name], [Name], [Name]) = ([], [], [], [])
        var cursors: [UInt32] = [0, 0, 0]
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
        var cursor: UInt64 = 0
        repeat {
            let page = try rig.apply(LimitList(cursor: cursor))
            limits += page.entries.compactMap(\.scope.model)
            cursor = page.next
        } while cursor != 0
        #expect(accounts.count == 601 && Set(accounts).count == 601)
        #expect(models.count == 600 && Set(models).count == 600)
        #expect(summaries.count == 601 && Set(summaries).count == 601)
        #expect(limits.count == 600 && Set(limits).count == 600)
    }
}
