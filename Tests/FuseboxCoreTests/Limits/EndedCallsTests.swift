import FuseboxWire
import Testing

@testable import FuseboxCore

/// What limits take of calls that were never settled: what is assumed of them, also by limits that are set later.
struct EndedCallsTests {
    private static let hour = LimitCalls.hour

    /// A call for `user:1` at a cost of $2 and 7 tokens that ended unsettled at 100 ms, and its permit.
    private static func ended(_ rig: inout Rig, by standing: PermitStanding = .expired) throws -> UInt64 {
        let call = try LimitCalls.admit("p/m", tags: ["user:1"], cost: "2", input: 7, ttl: 100)
        let permit = try #require(try rig.apply(call, worker: 3).permit)
        switch standing {
        case .revoked: try rig.apply(Revoke(permit: permit), at: 50)
        case .reclaimed: try rig.apply(ReclaimPermits(worker: WorkerID(high: 3, low: 0)), at: 50)
        default: try rig.apply(Advance(), at: 100)
        }
        return permit
    }

    private static func spend(_ cost: String, _ rig: inout Rig, at now: Int64) throws {
        try rig.apply(
            LedgerRecord(
                provider: name("p"), model: name("m"), cost: dollars(cost), inputTokens: 0, outputTokens: 0), at: now)
    }

    private static func assumed(_ scope: Scope, _ rig: inout Rig, at now: Int64) throws -> [Int64] {
        try rig.apply(LimitList(scope: scope), at: now).entries.map(\.assumed)
    }

    private static func spent(_ rig: inout Rig, at now: Int64) throws -> Money? {
        try rig.apply(LedgerAccount(scope: .host), at: now).account?.usage.spend
    }

    private static func nano(_ costs: String...) -> [Int64] { costs.map { dollars($0).nanodollars } }

    // MARK: Limits that are set later

    private static let texts = ["$9 until reset", "$9 per calendar hour", "$9 per minute", "$9 per 24h"]

    @Test(arguments: [nil, "p/m"], [nil, "user:*"])
    func aLimitThatIsSetLaterAssumesWhatOneFromTheBeginningDoesAndSeesTheLateSettle(
        route: String?, tag: String?
    ) throws {
        let scope = try LimitCalls.scope(route, tag: tag)
        let seen = try LimitCalls.scope(route, tag: tag.map { _ in "user:1" })
        // A tag by a route has no account: nobody knows since when it would count until a reset.
        let texts = route != nil && tag != nil ? Array(Self.texts.dropFirst()) : Self.texts
        for onLapse in [LapseRule.charge, .release] {
            let limits = try texts.map { try LimitCalls.bound($0, onLapse: onLapse) }
            var early = Rig()
            var late = Rig()
            let begin = BeginWindow(.calendar(.hour), start: at(0), end: at(Self.hour), keepsUse: false)
            try early.apply(begin)
            try early.apply(LimitSet(scope: scope, limits: limits))
            let permit = try Self.ended(&early)
            #expect(try Self.ended(&late) == permit)
            try late.apply(begin, at: 200)
            try late.apply(LimitSet(scope: scope, limits: limits), at: 200)
            let kept = onLapse == .charge ? dollars("2").nanodollars : 0
            #expect(try LimitCalls.used(seen, &late, at: 200) == texts.map { _ in kept })
            #expect(try Self.assumed(seen, &late, at: 200) == texts.map { _ in kept })
            #expect(try LimitCalls.used(seen, &early, at: 200) == texts.map { _ in kept })
            late.machine = try late.machine.restored()
            for cost in ["0.5", "3"] {
                var (after, other) = (late, early)
                try after.apply(LimitCalls.settle(permit, cost: cost), at: 300)
                try other.apply(LimitCalls.settle(permit, cost: cost), at: 300)
                let all = texts.map { _ in dollars(cost).nanodollars }
                #expect(try LimitCalls.used(seen, &after, at: 300) == all, "\(onLapse): \(cost)")
                #expect(try LimitCalls.used(seen, &other, at: 300) == all, "\(onLapse): \(cost)")
                #expect(try Self.assumed(seen, &after, at: 300) == texts.map { _ in 0 })
            }
        }
    }

    @Test func whatEndedBeforeTheWindowIsNotPartOfItAndOnlyTheExcessOfItsLateSettleIs() throws {
        var rig = Rig()
        let permit = try Self.ended(&rig)
        let now = Self.hour + 1
        try rig.apply(
            BeginWindow(.calendar(.hour), start: at(Self.hour), end: at(2 * Self.hour), keepsUse: false), at: now)
        let texts = ["$9 per calendar hour", "$9 per minute", "$9 prepaid", "$9 per minute fixed"]
        try rig.apply(LimitSet(scope: .host, limits: try texts.map { try LimitCalls.bound($0) }), at: now)
        try rig.apply(LedgerReset(scope: .host), at: now)
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$9 until reset")]), at: now)
        #expect(try LimitCalls.used(.host, &rig, at: now) == [0, 0, 0, 0, 0])
        var cheap = rig
        try cheap.apply(LimitCalls.settle(permit, cost: "0.5"), at: now + 1)
        #expect(try LimitCalls.used(.host, &cheap, at: now + 1) == [0, 0, 0, 0, 0])
        try rig.apply(LimitCalls.settle(permit, cost: "3"), at: now + 1)
        #expect(try LimitCalls.used(.host, &rig, at: now + 1) == Self.nano("1", "1", "1", "1", "1"))
    }

    @Test func aLimitThatIsSetLaterAssumesNothingOfARevokedCallNorOneThatOnlyWatchesOfADeadOne() throws {
        for (standing, mode) in [(.revoked, .deny), (.reclaimed, .notify)] as [(PermitStanding, LimitMode)] {
            var rig = Rig()
            let permit = try Self.ended(&rig, by: standing)
            let limit = try LimitCalls.bound("$9 until reset", mode: mode, onLapse: .charge)
            try rig.apply(LimitSet(scope: .host, limits: [limit]), at: 200)
            #expect(try LimitCalls.used(.host, &rig, at: 200) == [0])
            try rig.apply(LimitCalls.settle(permit, cost: "3"), at: 300)
            #expect(try LimitCalls.used(.host, &rig, at: 300) == Self.nano("3"))
        }
    }

    /// The request is told by the account, and so it comes back only where that was told.
    @Test func theRequestOfAnEndedCallIsGivenBackWhereALaterLimitHasCountedIt() throws {
        var rig = Rig()
        let permit = try Self.ended(&rig)
        let texts = [
            "9 requests until reset", "9 requests per minute", "9 requests prepaid", "9 tokens until reset",
        ]
        try rig.apply(LimitSet(scope: .host, limits: try texts.map { try LimitCalls.bound($0) }), at: 200)
        try rig.apply(Report(candidate: Candidate(provider: name("p")), outcome: .failure), at: 200)
        #expect(try LimitCalls.used(.host, &rig, at: 200) == [2, 1, 1, 0])
        try rig.apply(Settle(permit: permit, outcome: .cancelled), at: 300)
        #expect(try LimitCalls.used(.host, &rig, at: 300) == [1, 1, 1, 0])
    }

    // MARK: Corrections

    /// A correction is one of the account, and what is assumed is in none: the settle replaces it, once.
    @Test(arguments: ["$99 until reset", "$99 per 24h"])
    func aCorrectionLeavesWhatIsAssumedToTheLateSettle(text: String) throws {
        for (real, adjusted, between, after) in [
            ("10", "-3", "9", "8"), ("10", "-12", "2", "1"), ("0", "-2", "2", "1"), ("10", "4", "16", "15"),
        ] {
            var rig = Rig()
            try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound(text)]))
            if real != "0" { try Self.spend(real, &rig, at: 0) }
            let permit = try Self.ended(&rig)
            try rig.apply(LedgerAdjust(scope: .host, cost: dollars(adjusted), reason: "a credit"), at: 200)
            #expect(try LimitCalls.used(.host, &rig, at: 200) == Self.nano(between), "\(adjusted)")
            #expect(try Self.assumed(.host, &rig, at: 200) == Self.nano("2"))
            rig.machine = try rig.machine.restored()
            try rig.apply(LimitCalls.settle(permit, cost: "1"), at: 300)
            #expect(try LimitCalls.used(.host, &rig, at: 300) == Self.nano(after), "\(adjusted)")
            let account = Self.nano(real, adjusted, "1").reduce(0, +)
            #expect(try Self.spent(&rig, at: 300)?.nanodollars == account)
        }
    }

    @Test(arguments: ["$2 until reset", "$2 per 24h"])
    func anOperatorGivesBackWhatIsAssumedAndALateSettleCountsAgain(text: String) throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound(text)]))
        let permit = try Self.ended(&rig)
        #expect(try rig.apply(try LimitCalls.admit(cost: "1"), at: 200).permit == nil)
        #expect(try rig.apply(Revoke(permit: permit), at: 200).standing == .expired)
        #expect(try rig.apply(Revoke(permit: permit), at: 200).standing == .revoked)
        #expect(try LimitCalls.used(.host, &rig, at: 200) == [0])
        #expect(try Self.assumed(.host, &rig, at: 200) == [0])
        #expect(rig.machine.permits.totals.expired == 1 && rig.machine.permits.totals.revoked == 0)
        // A limit that is set now does not assume it either.
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$9 per minute")]), at: 200)
        #expect(try LimitCalls.used(.host, &rig, at: 200) == [0, 0])
        rig.machine = try rig.machine.restored()
        #expect(try rig.apply(LimitCalls.settle(permit, cost: "1.5"), at: 300).standing == .revoked)
        #expect(try LimitCalls.used(.host, &rig, at: 300) == Self.nano("1.5", "1.5"))
    }

    /// A budget of `llm-providers` is reckoned in dollars, and its share follows what is corrected.
    @Test func theShareOfABudgetFollowsALateSettleAndACorrection() throws {
        var rig = Rig(.llmProviders)
        try rig.apply(LimitCalls.set("$10 until reset"))
        let permit = try Self.ended(&rig)
        func share() throws -> Double? { try LimitCalls.standing("$10 until reset", &rig, at: 300)?.share }
        #expect(try share() == 0.2)
        try rig.apply(LimitCalls.settle(permit, cost: "9"), at: 300)
        #expect(try share() == 0.9)
        try rig.apply(LedgerAdjust(scope: Scope(provider: name("p")), cost: dollars("-4"), reason: "a credit"), at: 300)
        #expect(try share() == 0.5)
    }

    // MARK: What is told

    @Test func whatIsAssumedLeavesASlidingWindowWithItsUse() throws {
        var rig = Rig()
        let texts = ["$9 per minute", "99 tokens per minute"]
        try rig.apply(LimitSet(scope: .host, limits: try texts.map { try LimitCalls.bound($0, onLapse: .charge) }))
        _ = try Self.ended(&rig)
        try rig.apply(
            Report(
                candidate: Candidate(provider: name("p")), outcome: .success,
                usage: CallUsage(cost: dollars("5"), inputTokens: 20)), at: 50_000)
        #expect(try LimitCalls.used(.host, &rig, at: 59_000) == Self.nano("7") + [27])
        #expect(try Self.assumed(.host, &rig, at: 59_000) == Self.nano("2") + [7])
        var restored = rig
        restored.machine = try rig.machine.restored()
        #expect(restored.machine.image == rig.machine.image)
        for kind in ["as it was", "restored"] {
            var after = kind == "restored" ? restored : rig
            #expect(try LimitCalls.used(.host, &after, at: 62_000) == Self.nano("5") + [20], "\(kind)")
            #expect(try Self.assumed(.host, &after, at: 62_000) == [0, 0], "\(kind)")
        }
    }
}
