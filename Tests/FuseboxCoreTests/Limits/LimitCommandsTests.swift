import FuseboxWire
import Testing

@testable import FuseboxCore

/// Limits through the commands of the state machine: one call, every scope, one decision.
struct LimitCommandsTests {
    // MARK: One decision

    static let scopes: [Scope] = [
        .host, Scope(provider: name("p")), Scope(provider: name("p"), deployment: name("eu")),
        Scope(provider: name("p"), model: name("m")),
        Scope(provider: name("p"), deployment: name("eu"), model: name("m")),
        Scope(tag: name("team:a")), Scope(provider: name("p"), tag: name("team:a")),
        Scope(provider: name("p"), model: name("m"), tag: name("team:a")), Scope(tag: name("uid:7")),
    ]

    @Test(arguments: Self.scopes)
    func eachScopeThatACallFallsUnderCanDenyItAndIsNamedAndOneThatItDoesNotFallUnderCannot(scope: Scope) throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: scope, limits: [try LimitCalls.bound("2 requests per hour")]))
        let call = try LimitCalls.admit("p@eu/m", tags: ["team:a", "team:b"])
        _ = try #require(try rig.apply(call, by: 7).permit)
        _ = try #require(try rig.apply(call, by: 7).permit)
        let denied = try rig.apply(call, by: 7)
        #expect(denied.permit == nil && denied.decision.denials.array.map(\.reason) == [.limit])
        let objection = try #require(denied.decision.limits.first)
        #expect(objection.scope == scope && objection.used == 2 && objection.amount == 2 && objection.needed == 1)
        #expect(objection.retryAfterMilliseconds == LimitCalls.hour + 59_999)
        // By another route, for another tag, by another user.
        let other = try rig.apply(try LimitCalls.admit("q", tags: ["team:c"]), by: 8)
        #expect((other.permit == nil) == scope.isHost)
    }

    @Test func aCallIsChargedToAllScopesOrToNone() throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("10 requests per hour")]))
        try rig.apply(LimitSet(scope: Scope(provider: name("p")), limits: [try LimitCalls.bound("$1 prepaid")]))
        try rig.apply(LimitSet(scope: Scope(tag: name("t")), limits: [try LimitCalls.bound("1 in flight")]))
        let first = try #require(try rig.apply(try LimitCalls.admit(tags: ["t"], cost: "0.4")).permit)
        #expect(try LimitCalls.used(.host, &rig) == [1])
        let before = rig.machine.image
        rig.events = []
        // The tag has no place, so neither the host nor the provider takes anything.
        #expect(try rig.apply(try LimitCalls.admit(tags: ["t"], cost: "0.4")).permit == nil)
        #expect(try LimitCalls.used(.host, &rig) == [1])
        #expect(try LimitCalls.held(Scope(provider: name("p")), &rig) == [dollars("0.4").nanodollars])
        #expect(rig.takeEvents().map(\.name) == ["limitDenied"])
        // A second denial tells nothing and leaves no trace.
        let told = rig.machine.image
        #expect(try rig.apply(try LimitCalls.admit(tags: ["t"], cost: "0.4")).permit == nil)
        #expect(rig.events.isEmpty && rig.machine.image == told && before != told)
        try rig.apply(LimitCalls.settle(first, cost: "0.3"))
        #expect(try rig.apply(try LimitCalls.admit(tags: ["t"], cost: "0.4")).permit != nil)
        #expect(try LimitCalls.used(.host, &rig) == [2])
    }

    @Test func theFirstCandidateThatNoLimitStandsAgainstGetsTheCallAndTheOneBeforeIsToldWithItsLimit() throws {
        var rig = Rig()
        try rig.apply(
            LimitSet(scope: Scope(provider: name("p")), limits: [try LimitCalls.bound("0 requests per hour")]))
        let reply = try rig.apply(try LimitCalls.admit("p", "q"))
        #expect(reply.decision.candidate == 1 && reply.permit != nil)
        #expect(reply.decision.limits.map(\.candidate) == [0])
    }

    @Test func aDenialTellsTheLimitThatLastsLongestOrAllOfThemIfAsked() throws {
        var rig = Rig()
        try rig.apply(
            LimitSet(
                scope: .host, limits: [try LimitCalls.bound("0 in flight"), try LimitCalls.bound("1 request per 10s")]))
        try rig.apply(
            LimitSet(scope: Scope(provider: name("p")), limits: [try LimitCalls.bound("1 request per minute")]))
        try rig.apply(LimitSet(scope: Scope(tag: name("t")), limits: [try LimitCalls.bound("1 request per hour")]))
        try rig.apply(
            Report(candidate: Candidate(provider: name("p")), tags: try .init([name("t")]), outcome: .success))
        let one = try rig.apply(
            AdmitPreview(candidates: try LimitCalls.admit().candidates, tags: try .init([name("t")]))
        ).decision
        // No place in flight ever: that lasts longer than an hour.
        #expect(one.limits.map { "\($0.limit)" } == ["0 in flight"])
        #expect(one.retryAfterMilliseconds == nil)
        var all = AdmitPreview(candidates: try LimitCalls.admit().candidates, tags: try .init([name("t")]))
        all.explains = true
        let told = try rig.apply(all).decision.limits
        #expect(
            told.map { "\($0.limit) on \($0.scope)" } == [
                "0 in flight on host", "1 request per 10s on host", "1 request per minute on p",
                "1 request per hour on t",
            ])
    }

    @Test func retryTimesAreSpreadByAQuarterAtMostAlikeForTheSameRequestAndOtherwiseForOthers() throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("1 request per minute")]))
        _ = try rig.apply(try LimitCalls.admit())
        let call = try LimitCalls.admit()
        func wait(_ worker: UInt64, _ request: UInt64, _ rig: inout Rig) throws -> Int64? {
            try rig.machine.apply(
                call, at: Moment(milliseconds: 0), worker: WorkerID(high: worker, low: 9), request: request,
                effects: &rig.events
            ).decision.retryAfterMilliseconds
        }
        let exact = try #require(try wait(1, 0, &rig))
        var waits: Set<Int64> = []
        for worker in 1...50 as ClosedRange<UInt64> {
            let told = try #require(try wait(worker, 3, &rig))
            #expect(try wait(worker, 3, &rig) == told)
            #expect((exact...exact + exact / 4).contains(told))
            waits.insert(told)
        }
        #expect(waits.count > 40)
    }

    // MARK: Estimates

    @Test func aUsedUpLimitOfCostAdmitsACallOfZeroAndDeniesOneWhoseCostNobodyKnows() throws {
        var rig = Rig()
        try rig.apply(
            LimitSet(
                scope: .host,
                limits: [try LimitCalls.bound("$1 prepaid"), try LimitCalls.bound("100 output tokens per hour")]))
        let permit = try #require(try rig.apply(try LimitCalls.admit(cost: "1", output: 100)).permit)
        #expect(try rig.apply(try LimitCalls.admit(cost: "0", output: 0)).permit != nil)
        #expect(try rig.apply(try LimitCalls.admit(output: 0)).permit == nil)
        #expect(try rig.apply(try LimitCalls.admit(cost: "0")).permit == nil)
        try rig.apply(
            Settle(permit: permit, outcome: .success, usage: CallUsage(cost: dollars("0.5"), outputTokens: 10)))
        // With room it takes nothing for what it does not know: a call of this route has cost $0.50, one of the other nothing.
        #expect(try rig.apply(try LimitCalls.admit("q")).permit != nil)
        #expect(try LimitCalls.held(.host, &rig) == [0, 0])
        #expect(try rig.apply(try LimitCalls.admit()).permit != nil)
        #expect(try LimitCalls.held(.host, &rig) == [dollars("0.5").nanodollars, 0])
    }

    @Test func tokensThatAreNotKnownApartCountInFullAgainstLimitsOfEitherKind() throws {
        var rig = Rig()
        let each = ["100 tokens per hour", "100 input tokens per hour", "100 output tokens per hour"]
        try rig.apply(LimitSet(scope: .host, limits: try each.map { try LimitCalls.bound($0) }))
        var call = try LimitCalls.admit()
        call.estimate = Estimate(tokens: 60)
        #expect(try rig.apply(call).permit != nil)
        #expect(try LimitCalls.used(.host, &rig) == [60, 60, 60])
        call.estimate.inputTokens = 1
        rig.expect(.outOfRange, of: call)
    }

    // MARK: Ends of calls

    /// A settle corrects what was estimated; without usage the estimate counts; only `cancelled` gives the request
    /// back.
    @Test func aSettleCorrectsWhatWasEstimated() throws {
        var rig = Rig()
        let texts = ["$10 prepaid", "10 requests per hour", "1000 input tokens per hour", "5 in flight"]
        try rig.apply(LimitSet(scope: .host, limits: try texts.map { try LimitCalls.bound($0) }))
        func call() throws -> UInt64 { try #require(try rig.apply(try LimitCalls.admit(cost: "2", input: 100)).permit) }
        func standing() throws -> [[Int64]] { [try LimitCalls.used(.host, &rig), try LimitCalls.held(.host, &rig)] }
        let dollar = dollars("1").nanodollars
        let permits = try (0..<5).map { _ in try call() }
        #expect(try standing() == [[0, 5, 500, 0], [10 * dollar, 0, 0, 5]])
        try rig.apply(LimitCalls.settle(permits[0], cost: "0.5", input: 7))
        #expect(try standing() == [[dollar / 2, 5, 407, 0], [8 * dollar, 0, 0, 4]])
        try rig.apply(Settle(permit: permits[1], outcome: .success))
        #expect(try standing() == [[dollar * 5 / 2, 5, 407, 0], [6 * dollar, 0, 0, 3]])
        try rig.apply(Settle(permit: permits[2], outcome: .failure))
        #expect(try standing() == [[dollar * 5 / 2, 5, 307, 0], [4 * dollar, 0, 0, 2]])
        try rig.apply(Settle(permit: permits[3], outcome: .cancelled))
        #expect(try standing() == [[dollar * 5 / 2, 4, 207, 0], [2 * dollar, 0, 0, 1]])
        // More than was estimated counts at once.
        try rig.apply(LimitCalls.settle(permits[4], cost: "9", input: 1_000))
        #expect(try standing() == [[dollar * 23 / 2, 4, 1_107, 0], [0, 0, 0, 0]])
        #expect(try rig.apply(try LimitCalls.admit(cost: "0.1")).permit == nil)
    }

    @Test func aPermitThatEndsByItselfIsChargedOrReleasedByTheLimitsRuleAndALateSettleTellsBetter() throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$10 prepaid")]))
        try rig.apply(
            LimitSet(scope: Scope(tag: name("t")), limits: [try LimitCalls.bound("$10 prepaid", onLapse: .release)]))
        let permit = try #require(try rig.apply(try LimitCalls.admit(tags: ["t"], cost: "2", ttl: 1_000)).permit)
        try rig.apply(Advance(), at: 1_000)
        let two = dollars("2").nanodollars
        let charged = try #require(try rig.apply(LimitList(scope: .host), at: 1_000).entries.first)
        #expect(charged.used == two && charged.assumed == two && charged.held == 0)
        #expect(try LimitCalls.used(Scope(tag: name("t")), &rig, at: 1_000) == [0])
        try rig.apply(LimitCalls.settle(permit, cost: "0.5"), at: 2_000)
        #expect(try LimitCalls.used(.host, &rig, at: 2_000) == [dollars("0.5").nanodollars])
        #expect(try LimitCalls.used(Scope(tag: name("t")), &rig, at: 2_000) == [dollars("0.5").nanodollars])
    }

    @Test func aRevokedPermitGivesEverythingBack() throws {
        var rig = Rig()
        try rig.apply(
            LimitSet(scope: .host, limits: [try LimitCalls.bound("$10 prepaid"), try LimitCalls.bound("1 in flight")]))
        let permit = try #require(try rig.apply(try LimitCalls.admit(cost: "2")).permit)
        try rig.apply(Revoke(permit: permit))
        #expect(try LimitCalls.used(.host, &rig) == [0, 0])
        #expect(try LimitCalls.held(.host, &rig) == [0, 0])
    }

    @Test func aDeathFreesPlacesInFlightAtOnceAndCostStaysHeldUntilTheTimeToLiveWhereTheLimitDenies() throws {
        var rig = Rig()
        try rig.apply(
            LimitSet(scope: .host, limits: [try LimitCalls.bound("$10 prepaid"), try LimitCalls.bound("1 in flight")]))
        try rig.apply(
            LimitSet(scope: Scope(tag: name("t")), limits: [try LimitCalls.bound("$10 prepaid", mode: .notify)]))
        _ = try rig.apply(try LimitCalls.admit(tags: ["t"], cost: "2", ttl: 5_000), worker: 1)
        try rig.apply(ReclaimPermits(worker: WorkerID(high: 1, low: 0)))
        let two = dollars("2").nanodollars
        #expect(try LimitCalls.held(.host, &rig) == [two, 0])
        #expect(try LimitCalls.held(Scope(tag: name("t")), &rig) == [0])
        try rig.apply(Advance(), at: 5_000)
        #expect(try LimitCalls.held(.host, &rig, at: 5_000) == [0, 0])
        #expect(try LimitCalls.used(.host, &rig, at: 5_000) == [two, 0])
        #expect(try LimitCalls.used(Scope(tag: name("t")), &rig, at: 5_000) == [0])
    }

    @Test func aCallOfWhichNoLimitHoldsAnythingEndsWithItsWorker() throws {
        var rig = Rig()
        try rig.apply(
            LimitSet(
                scope: .host,
                limits: [try LimitCalls.bound("10 requests per hour"), try LimitCalls.bound("1 in flight")]))
        _ = try rig.apply(try LimitCalls.admit(cost: "2", ttl: 5_000), worker: 1)
        try rig.apply(ReclaimPermits(worker: WorkerID(high: 1, low: 0)))
        #expect(rig.machine.permits.totals.reclaimed == 1 && rig.machine.permits.totals.outstanding == 0)
    }

    @Test func callsWithoutAPermitCountAtOnceAndAreStoppedByNothing() throws {
        var rig = Rig()
        let eu = Scope(provider: name("p"), deployment: name("eu"))
        for scope in [Scope(tag: name("t")), eu] {
            try rig.apply(
                LimitSet(
                    scope: scope,
                    limits: [try LimitCalls.bound("$1 prepaid"), try LimitCalls.bound("1 request per hour")]))
        }
        let usage = CallUsage(cost: dollars("0.7"))
        let route = Candidate(provider: name("p"), deployment: name("eu"), model: name("m"))
        for _ in 0..<2 {
            try rig.apply(Report(candidate: route, tags: try .init([name("t")]), outcome: .success, usage: usage))
        }
        var record = LedgerRecord(
            provider: name("p"), deployment: name("eu"), model: name("m"), cost: dollars("0.1"), inputTokens: 0,
            outputTokens: 0)
        record.tags = try .init([name("t")])
        try rig.apply(record)
        try rig.apply(Report(candidate: route, tags: record.tags, outcome: .cancelled))
        for scope in [Scope(tag: name("t")), eu] {
            #expect(try LimitCalls.used(scope, &rig) == [dollars("1.5").nanodollars, 3])
        }
    }

    // MARK: Tags

    @Test func aTemplatesLimitIsOneForEachTagAndALimitOfATagsOwnReplacesItAndKeepsItsUse() throws {
        var rig = Rig()
        try rig.apply(
            LimitSet(scope: Scope(tag: name("user:*")), limits: [try LimitCalls.bound("2 requests per hour")]))
        for user in ["user:1", "user:2"] {
            for place in 0..<3 {
                #expect((try rig.apply(try LimitCalls.admit(tags: [user])).permit != nil) == (place < 2))
            }
        }
        try rig.apply(
            LimitSet(scope: Scope(tag: name("user:1")), limits: [try LimitCalls.bound("3 requests per hour")]))
        #expect(try LimitCalls.used(Scope(tag: name("user:1")), &rig) == [2])
        #expect(try rig.apply(try LimitCalls.admit(tags: ["user:1"])).permit != nil)
        #expect(try rig.apply(try LimitCalls.admit(tags: ["user:1"])).permit == nil)
        // Removed, the template's holds again.
        try rig.apply(LimitRemove(allOf: Scope(tag: name("user:1"))))
        let entry = try #require(try rig.apply(LimitList(scope: Scope(tag: name("user:1")))).entries.first)
        #expect(entry.template == name("user:*") && entry.used == 3 && entry.amount == 2)
        let template = try rig.apply(LimitList(scope: Scope(tag: name("user:*")))).entries
        #expect(template.map(\.uses) == [2, 0, 0] && template.map(\.used) == [0, 3, 2])
    }

    /// `$1 per day` for each user holds for 10,000 users.
    @Test func manyUsers() throws {
        var rig = Rig()
        var limit = try LimitCalls.bound("$1 per 24h")
        limit.onLapse = .charge
        try rig.apply(LimitSet(scope: Scope(tag: name("user:*")), limits: [limit]))
        for user in 0..<10_000 {
            let call = try LimitCalls.admit(tags: ["user:\(user)"], cost: "0.6")
            let permit = try #require(try rig.apply(call).permit)
            try rig.apply(LimitCalls.settle(permit, cost: "0.6"))
            #expect(try rig.apply(call).permit == nil)
        }
        #expect(rig.machine.limitTable.entries.count == 10_000)
    }

    /// So it does by the calendar, on each day anew.
    @Test(arguments: ["$1 per day", "$1 per day in America/Los_Angeles"])
    func manyUsersOverMidnight(text: String) throws {
        var rig = Rig()
        let limit = try LimitCalls.bound(text)
        func begin(day: Int64) throws {
            let start = day * 24 * LimitCalls.hour
            try rig.apply(
                BeginWindow(limit.window, start: at(start), end: at(start + 24 * LimitCalls.hour), keepsUse: false),
                at: start)
        }
        try begin(day: 0)
        try rig.apply(LimitSet(scope: Scope(tag: name("user:*")), limits: [limit]))
        var open: [Int: UInt64] = [:]
        for day in 0...1 as ClosedRange<Int64> {
            if day > 0 { try begin(day: day) }
            // At noon, then at midnight.
            let now = (day == 0 ? 12 : 24) * LimitCalls.hour
            for user in 0..<1_000 {
                // Some hold $0.3 over midnight, which counts on the next day.
                if let permit = open[user] { try rig.apply(LimitCalls.settle(permit, cost: "0.3"), at: now) }
                let call = try LimitCalls.admit(tags: ["user:\(user)"], cost: "0.6", ttl: 24 * LimitCalls.hour)
                let permit = try #require(try rig.apply(call, at: now).permit, "day \(day), user \(user)")
                try rig.apply(LimitCalls.settle(permit, cost: "0.6"), at: now)
                #expect(try rig.apply(call, at: now).permit == nil, "day \(day), user \(user)")
                guard user % 10 == 0 else { continue }
                var rest = call
                rest.estimate = Estimate(cost: dollars(day == 0 ? "0.3" : "0.1"))
                open[user] = try rig.apply(rest, at: now).permit
                #expect(open[user] != nil, "day \(day), user \(user)")
                rest.estimate = Estimate(cost: dollars("0.1000001"))
                #expect(try rig.apply(rest, at: now).permit == nil, "day \(day), user \(user)")
            }
        }
        #expect(rig.machine.limitTable.entries.count == 1_000)
    }

    @Test func whoTellsATagOfTheDaemonsOwnIsRefusedAndTheUsersOwnIsAdded() throws {
        var rig = Rig()
        rig.expect(.outOfRange, of: try LimitCalls.admit(tags: ["uid:0"]))
        rig.expect(.outOfRange, of: try LimitCalls.admit(tags: ["team:*"]))
        try rig.apply(LimitSet(scope: Scope(tag: name("uid:*")), limits: [try LimitCalls.bound("1 in flight")]))
        #expect(try rig.apply(try LimitCalls.admit(), by: 5).permit != nil)
        #expect(try rig.apply(try LimitCalls.admit(), by: 5).permit == nil)
        #expect(try rig.apply(try LimitCalls.admit(), by: 6).permit != nil)
    }

    @Test func pastItsBoundAUsersNewTagsAreRefusedRoomAndFoldedTheyShareTheLimitOfTheirTemplateOnce() throws {
        var bounds = Bounds()
        bounds.tagsPerUser = 3
        var rig = Rig(bounds: bounds)
        try rig.apply(LimitSet(scope: Scope(tag: name("user:*")), limits: [try LimitCalls.bound("1 in flight")]))
        for number in 1...3 {
            #expect(try rig.apply(try LimitCalls.admit(tags: ["user:\(number)"]), by: 9).permit != nil)
        }
        rig.expect(.limitReached, of: try LimitCalls.admit(tags: ["user:4"]), by: 9)
        // Another user has room of its own.
        #expect(try rig.apply(try LimitCalls.admit(tags: ["user:5"]), by: 10).permit != nil)
        var folded = try LimitCalls.admit(tags: ["user:4", "else"])
        folded.foldsTags = true
        #expect(try rig.apply(folded, by: 9).permit != nil)
        folded.tags = try .init([name("user:6")])
        let denied = try rig.apply(folded, by: 9)
        #expect(denied.decision.limits.first?.scope == Scope(tag: name("user:(other)")))
        // A tag that is known counts under itself.
        folded.tags = try .init([name("user:1")])
        #expect(try rig.apply(folded, by: 9).decision.limits.first?.scope == Scope(tag: name("user:1")))
    }
}
