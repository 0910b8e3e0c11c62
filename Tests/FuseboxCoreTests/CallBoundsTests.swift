import FuseboxWire
import Testing

@testable import FuseboxCore

/// The bound on the cost of one call, and sums that never overflow.
struct CallBoundsTests {
    private static let day: Int64 = 86_400_000
    private static let most = WireLimits.callCost
    private static let tooMuch: [Money] = [
        Money(nanodollars: most.nanodollars + 1), Money(nanodollars: -1), Money(nanodollars: .max),
        Money(nanodollars: .max - 1), Money(nanodollars: .min),
    ]
    private let p = name("p")
    private let m = name("m")

    private func candidates() -> Candidates {
        var candidates = Candidates()
        candidates.append(Candidate(provider: p))
        return candidates
    }

    private func record(_ cost: Money) -> LedgerRecord {
        LedgerRecord(provider: p, model: m, cost: cost, inputTokens: .max, outputTokens: .max)
    }

    /// A limit of the largest amount on the provider.
    private func limit(_ window: LimitWindow) -> LimitSet {
        LimitSet(scope: Scope(provider: p), limits: [Limit(.cost, .max, window)])
    }

    /// One call costs at most $1,000,000, wherever its cost is told or estimated.
    @Test func oneCall() throws {
        #expect(Self.most == dollars("1000000"))
        var rig = Rig()
        try rig.apply(record(Self.most))
        let estimate = Estimate(cost: Self.most, tokens: .max)
        let admit = Admit(candidates: candidates(), estimate: estimate, ttlMilliseconds: 1_000)
        let permit = try #require(try rig.apply(admit).permit)
        for cost in Self.tooMuch {
            let before = rig.machine.image
            rig.expect(.outOfRange, of: record(cost))
            rig.expect(.outOfRange, of: Settle(permit: permit, outcome: .success, usage: CallUsage(cost: cost)))
            rig.expect(
                .outOfRange,
                of: Report(candidate: Candidate(provider: p), outcome: .success, usage: CallUsage(cost: cost)))
            let estimate = Estimate(cost: cost)
            rig.expect(.outOfRange, of: Admit(candidates: candidates(), estimate: estimate, ttlMilliseconds: 1))
            rig.expect(.outOfRange, of: AdmitPreview(candidates: candidates(), estimate: estimate))
            let isSame = rig.machine.image == before
            #expect(isSame)
        }
        let sentence = refusal { () throws(Refusal) in _ = try rig.apply(record(dollars("1000000.000000001"))) }
        #expect(
            sentence?.message
                == "a call's cost of $1000000.000000001 must lie between $0 and $1,000,000; amounts are in nano-dollars, billionths of a dollar"
        )
        _ = try rig.apply(Settle(permit: permit, outcome: .success, usage: CallUsage(cost: Self.most)))
        _ = try rig.machine.restored()
    }

    @Test(arguments: Profile.allCases)
    func anAccountsSumIsRefusedWhereItWouldLeaveItsRangeAndTheStateGoesOn(profile: Profile) throws {
        var rig = Rig(profile)
        for _ in 0..<9_223 { try rig.apply(record(Self.most)) }
        rig.expect(.overflow, of: record(Self.most))
        try rig.apply(LedgerReset(scope: Scope(provider: p)))
        try rig.apply(record(Self.most))
        _ = try rig.machine.restored()
    }

    /// A history outlives resets: more than money can count leaves the rolling sum exact again a day later.
    @Test func aHistoryOutlivesResets() throws {
        var pool = SpendPool()
        var list = SpendList()
        // Three times the range of money within a day.
        for _ in 0..<3 { pool.record(SpendEntry(at: at(0), cost: .max), in: &list) }
        #expect(pool.rollingSum(of: &list, at: at(0)) == SpendSum(cost: .max, count: 3))
        pool.record(SpendEntry(at: at(Self.day + 1), cost: 5), in: &list)
        #expect(pool.rollingSum(of: &list, at: at(Self.day + 1)) == SpendSum(cost: 5, count: 1))
        // Merged stretches are clamped to the range, and so is the sum of all.
        for step in 0..<6_000 { pool.record(SpendEntry(at: at(Self.day + Int64(step)), cost: .max), in: &list) }
        #expect(pool.sum(of: list, since: at(0)) == SpendSum(cost: .max, count: 6_004))
        #expect(pool.rollingSum(of: &list, at: at(3 * Self.day)) == SpendSum())
    }

    @Test func underLlmProvidersARecordCostsWhatTheLibraryLetsItCostAndOnlySumsBoundIt() throws {
        var rig = Rig(.llmProviders)
        try rig.apply(record(dollars("2000000")))
        rig.expect(.outOfRange, of: record(Money(nanodollars: -1)))
        rig.expect(.overflow, of: record(Money(nanodollars: .max)))
        #expect(try rig.apply(LedgerTotal()).spend == dollars("2000000"))
        let estimate = Estimate(cost: dollars("2000000"))
        rig.expect(.outOfRange, of: Admit(candidates: candidates(), estimate: estimate, ttlMilliseconds: 1))
        _ = try rig.machine.restored()
    }

    @Test(arguments: Profile.allCases)
    func recordsOfOneDayThroughManyResetsKeepTheDaemonAliveTheDayAfter(profile: Profile) throws {
        var rig = Rig(profile)
        try rig.apply(limit(.manual))
        try rig.apply(limit(.prepaid))
        for _ in 0..<3 {
            for _ in 0..<3_100 { try rig.apply(record(Self.most)) }
            try rig.apply(LedgerReset(scope: Scope(provider: p)))
        }
        // A limit counts beyond the range of money, and tells the range's end.
        let prepaid = LimitGet(scope: Scope(provider: p), limit: Limit(.cost, 0, .prepaid))
        #expect(try rig.apply(prepaid).entry?.used == .max)
        let summary = LedgerSummary(provider: p, windowMilliseconds: Self.day)
        if profile == .fusebox { #expect(try rig.apply(summary).spend == Money(nanodollars: .max)) }
        try rig.apply(record(dollars("2")), at: Self.day + 1)
        if profile == .fusebox { #expect(try rig.apply(summary, at: Self.day + 1).spend == dollars("2")) }
        _ = try rig.machine.restored()
    }

    /// Permits that hold more than the range of money deny nobody for it, and load from their snapshot.
    @Test func heldByAll() throws {
        var bounds = Bounds()
        bounds.permits = 12_288
        bounds.permitsPerUser = 9_216
        var rig = Rig(bounds: bounds)
        let estimate = Estimate(cost: Self.most, tokens: .max)
        let admit = Admit(candidates: candidates(), estimate: estimate, ttlMilliseconds: WireLimits.permitMilliseconds)
        for _ in 0..<bounds.permitsPerUser { _ = try rig.apply(admit, by: 1) }
        rig.expect(.limitReached, of: admit, by: 1)
        for _ in bounds.permitsPerUser..<bounds.permits { _ = try rig.apply(admit, by: 0) }
        rig.expect(.limitReached, of: admit, by: 3)
        let totals = rig.machine.permits.totals
        #expect(totals.outstanding == UInt64(bounds.permits) && totals.held == Money(nanodollars: .max))
        let isSame = try rig.machine.restored().image == rig.machine.image
        #expect(isSame)
        // A limit of the largest amount cannot cover them.
        try rig.apply(limit(.manual))
        let first = try #require(try rig.apply(PermitList(cursor: 0)).permits.first?.permit)
        _ = try rig.apply(Settle(permit: first, outcome: .cancelled), by: 1)
        #expect(try rig.apply(admit, by: 3).decision.denials.array.map(\.reason) == [.limit])
        _ = try rig.apply(Advance(), at: WireLimits.permitMilliseconds)
        while rig.machine.isDue(at: Moment(milliseconds: WireLimits.permitMilliseconds)) {
            _ = try rig.apply(Advance(), at: WireLimits.permitMilliseconds)
        }
        #expect(rig.machine.permits.totals.held == .zero)
    }

    /// A breaker's totals stop at 2⁵³, as a JavaScript number does, and load from their snapshot.
    @Test func breakerTotals() throws {
        var rig = Rig()
        var record = BreakerRecord()
        record.name = p
        (record.totalFailures, record.totalSuccesses, record.totalRequests) = (1, 1 << 53, 1 << 53 - 1)
        try rig.apply(BreakerDeserialize(record: record))
        try rig.apply(BreakerSuccess(name: p))
        try rig.apply(BreakerSuccess(name: p))
        let status = try rig.apply(BreakerGet(name: p)).status
        #expect(status.totalSuccesses == 1 << 53 && status.totalRequests == 1 << 53)
        _ = try rig.machine.restored()
        for total in [(1 << 53) + 1, UInt64(Int64.max) - 1, UInt64(Int64.max), .max] {
            record.totalFailures = total
            rig.expect(.outOfRange, of: BreakerDeserialize(record: record))
        }
        record.totalFailures = 0
        for moment in [Int64.min, -1 << 53, 1 << 60, .max] {
            record.lastDecay = at(moment)
            rig.expect(.outOfRange, of: BreakerDeserialize(record: record))
        }
    }

    @Test func timesFromTheFarPastAndTheFarFutureAreTakenAsTheNearestThatTheStateKnows() throws {
        var rig = Rig(at: .min)
        #expect(rig.machine.lastMoment == Moment(milliseconds: 0))
        for moment in [Int64.min, -1, 0, .max - 1, .max, 5] {
            try rig.apply(record(dollars("1")), at: moment)
            try rig.apply(limit(.fixed(milliseconds: 366 * Self.day)), at: moment)
            try rig.apply(limit(.manual), at: moment)
            let raised = Limit(.cost, .max, .manual)
            try rig.apply(
                LimitRaise(scope: Scope(provider: p), limit: raised, milliseconds: 366 * Self.day), at: moment)
            try rig.apply(LedgerReset(scope: Scope(provider: p)), at: moment)
            try rig.apply(ExhaustionMark(provider: p, resetAfterMilliseconds: 366 * Self.day), at: moment)
            _ = try rig.apply(BeginPermitNumbers(salt: .max), at: moment)
            let admit = Admit(candidates: candidates(), ttlMilliseconds: WireLimits.permitMilliseconds)
            _ = try rig.apply(admit, at: moment)
            var turns = 0
            while rig.machine.isDue(at: Moment(milliseconds: moment)), turns < 10 {
                try rig.apply(Advance(), at: moment)
                turns += 1
            }
            #expect(turns < 10, "nothing is due for ever at \(moment)")
        }
        #expect(rig.machine.lastMoment.now == .latest)
        let isSame = try rig.machine.restored().image == rig.machine.image
        #expect(isSame)
    }
}
