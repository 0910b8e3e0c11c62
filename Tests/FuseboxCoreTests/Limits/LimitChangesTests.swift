import FuseboxWire
import Testing

@testable import FuseboxCore

/// Setting, raising, resetting and removing limits, their calendars, and that they last.
struct LimitChangesTests {
    // MARK: Changing limits

    @Test func aLimitThatIsSetAgainKeepsItsUseAndOthersOfTheScopeStayBesideIt() throws {
        var rig = Rig()
        let first = try rig.apply(
            LimitSet(scope: .host, limits: [try LimitCalls.bound("$5 per hour"), try LimitCalls.bound("$50 prepaid")]))
        #expect(first.changes.map(\.before) == [nil, nil])
        let permit = try #require(try rig.apply(try LimitCalls.admit(cost: "2")).permit)
        try rig.apply(LimitCalls.settle(permit, cost: "2"))
        let change = try #require(
            try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$6 per hour")])).changes.first)
        #expect(change.before == (try LimitCalls.bound("$5 per hour")))
        #expect(change.entry.used == dollars("2").nanodollars && change.entry.left == dollars("4").nanodollars)
        #expect(try rig.apply(LimitList()).entries.map { "\($0.limit)" } == ["$6 per hour", "$50 prepaid"])
        rig.expect(
            .outOfRange,
            of: LimitSet(
                scope: .host, limits: [try LimitCalls.bound("$1 per hour"), try LimitCalls.bound("$2 per hour")]))
        rig.expect(
            .outOfRange, of: LimitSet(scope: Scope(tag: name("*")), limits: [try LimitCalls.bound("$1 per hour")]))
        rig.expect(
            .outOfRange, of: LimitSet(scope: Scope(model: name("m")), limits: [try LimitCalls.bound("$1 per hour")]))
        rig.expect(.notFound, of: LimitRemove(scope: .host, limits: [try LimitCalls.bound("1 in flight")]))
    }

    @Test func aNewLimitSeesCallsInFlightAlsoForEachTagOfATemplate() throws {
        var rig = Rig()
        let permit = try #require(
            try rig.apply(try LimitCalls.admit("p/m", tags: ["user:1"], cost: "2", input: 10)).permit)
        let texts = ["$3 prepaid", "2 requests per hour", "15 tokens per hour", "1 in flight"]
        for scope in [Scope.host, Scope(tag: name("user:*")), Scope(provider: name("p"), model: name("m"))] {
            try rig.apply(LimitSet(scope: scope, limits: try texts.map { try LimitCalls.bound($0) }))
        }
        for scope in [Scope.host, Scope(tag: name("user:1")), Scope(provider: name("p"), model: name("m"))] {
            #expect(try LimitCalls.used(scope, &rig) == [0, 1, 10, 0], "\(scope)")
            #expect(try LimitCalls.held(scope, &rig) == [dollars("2").nanodollars, 0, 0, 1], "\(scope)")
        }
        try rig.apply(LimitCalls.settle(permit, cost: "1", input: 4))
        #expect(try LimitCalls.used(.host, &rig) == [dollars("1").nanodollars, 1, 4, 0])
        #expect(try LimitCalls.held(.host, &rig) == [0, 0, 0, 0])
    }

    /// A removed limit drops the bound and not the holds: set again it sees calls in flight.
    @Test func aRemovedLimitDropsTheBoundAndNotTheHolds() throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("1 in flight")]))
        let permit = try #require(try rig.apply(try LimitCalls.admit()).permit)
        #expect(try rig.apply(LimitRemove(allOf: .host)).removed.map(\.held) == [1])
        #expect(try rig.apply(try LimitCalls.admit()).permit != nil)
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("2 in flight")]))
        #expect(try LimitCalls.held(.host, &rig) == [2])
        try rig.apply(LimitCalls.settle(permit, cost: "0"))
        #expect(try LimitCalls.held(.host, &rig) == [1])
    }

    @Test func aRaiseHoldsForItsTimeRevertsWithAnEventAndLetsThresholdsFireAgain() throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$1 prepaid")]))
        func spend(_ cost: String, at now: Int64) throws -> Bool {
            guard let permit = try rig.apply(try LimitCalls.admit(cost: cost), at: now).permit else { return false }
            try rig.apply(LimitCalls.settle(permit, cost: cost), at: now)
            return true
        }
        func told() -> [ThresholdTier] {
            rig.takeEvents().compactMap { if case .limitReached(let event) = $0 { event.tier } else { nil } }
        }
        #expect(try spend("0.8", at: 0) && spend("0.15", at: 0))
        #expect(told() == [.warning, .emergency])
        #expect(try !spend("0.5", at: 1))
        rig.expect(
            .outOfRange, of: LimitRaise(scope: .host, limit: try LimitCalls.bound("$0.5 prepaid"), milliseconds: 1_000))
        rig.expect(
            .outOfRange, of: LimitRaise(scope: .host, limit: try LimitCalls.bound("$2 prepaid"), milliseconds: 0))
        let raised = try rig.apply(
            LimitRaise(scope: .host, limit: try LimitCalls.bound("$2 prepaid"), milliseconds: 10_000), at: 1)
        #expect(raised.entry.amount == dollars("2").nanodollars && raised.entry.raisedMilliseconds == 10_000)
        #expect(try spend("0.5", at: 2) && spend("0.4", at: 2))
        #expect(told() == [.critical])
        // A set meanwhile changes what it goes back to.
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$1.5 prepaid")]), at: 3)
        #expect(rig.machine.untilDue(at: Moment(milliseconds: 3)) == 9_998)
        rig.events = []
        try rig.apply(Advance(), at: 10_001)
        guard case .limitReverted(let event)? = rig.takeEvents().first else {
            Issue.record("no event")
            return
        }
        #expect(event.raisedAmount == dollars("2").nanodollars && event.entry.amount == dollars("1.5").nanodollars)
        #expect(try !spend("0.01", at: 10_002))
    }

    @Test func limitsThatOnlyWatchDenyNothingAndOneInTheShadowCountsWhatItWouldHaveDenied() throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("1 request per hour", mode: .notify)]))
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("2 requests per hour", mode: .shadow)]))
        for _ in 0..<5 { #expect(try rig.apply(try LimitCalls.admit()).permit != nil) }
        #expect(try rig.apply(LimitList(scope: .host)).entries.map(\.wouldHaveDenied) == [0, 3])
    }

    @Test func aResetBeginsTheWindowsOfLimitsThatGoOnUntilResetAndNoOthers() throws {
        var rig = Rig()
        try rig.apply(
            LimitSet(
                scope: .host, limits: [try LimitCalls.bound("$5 until reset"), try LimitCalls.bound("$9 prepaid")]))
        let permit = try #require(try rig.apply(try LimitCalls.admit(cost: "2")).permit)
        let other = try #require(try rig.apply(try LimitCalls.admit(cost: "1")).permit)
        try rig.apply(LimitCalls.settle(permit, cost: "2"))
        try rig.apply(LedgerReset(scope: .host))
        #expect(try LimitCalls.used(.host, &rig) == [0, dollars("2").nanodollars])
        // What was held counts where it is settled.
        try rig.apply(LimitCalls.settle(other, cost: "1"))
        #expect(try LimitCalls.used(.host, &rig) == [dollars("1").nanodollars, dollars("3").nanodollars])
        rig.expect(.notFound, of: LedgerReset(scope: Scope(tag: name("t"))))
    }

    @Test func theBoundsOnLimitsRefuseWithWhatToDoAndNothingIsSet() throws {
        var bounds = Bounds()
        bounds.limits = 3
        bounds.limitsPerScope = 2
        bounds.templates = 1
        var rig = Rig(bounds: bounds)
        let three = ["$1 prepaid", "1 in flight", "1 request per hour"]
        rig.expect(.limitReached, of: LimitSet(scope: .host, limits: try three.map { try LimitCalls.bound($0) }))
        let before = rig.machine.image
        rig.expect(
            .limitReached,
            of: LimitSet(
                scope: Scope(tag: name("a*")),
                limits: [try LimitCalls.bound("$1 prepaid"), try LimitCalls.bound("1 in flight")]))
        #expect(rig.machine.image == before)
        try rig.apply(LimitSet(scope: Scope(tag: name("a*")), limits: [try LimitCalls.bound("$1 prepaid")]))
        try rig.apply(
            LimitSet(scope: .host, limits: [try LimitCalls.bound("$1 prepaid"), try LimitCalls.bound("1 in flight")]))
        rig.expect(
            .limitReached, of: LimitSet(scope: Scope(tag: name("b")), limits: [try LimitCalls.bound("$1 prepaid")]))
    }

    // MARK: Calendars

    @Test func aWindowOfTheCalendarBeginsWhenTheEngineSaysSoAndHoldsStandAgainstTheNewOne() throws {
        var rig = Rig()
        let day = try LimitCalls.bound("$5 per day")
        rig.expect(.outOfRange, of: LimitSet(scope: .host, limits: [day]))
        func begin(_ start: Int64, keepsUse: Bool = false) throws {
            try rig.apply(
                BeginWindow(
                    day.window, start: Timestamp(milliseconds: start),
                    end: Timestamp(milliseconds: start + 24 * LimitCalls.hour),
                    keepsUse: keepsUse), at: start)
        }
        try begin(0)
        try rig.apply(LimitSet(scope: .host, limits: [day]))
        let spent = try #require(try rig.apply(try LimitCalls.admit(cost: "3")).permit)
        try rig.apply(LimitCalls.settle(spent, cost: "3"), at: 10 * LimitCalls.hour)
        _ = try #require(
            try rig.apply(try LimitCalls.admit(cost: "2", ttl: 24 * LimitCalls.hour), at: 10 * LimitCalls.hour).permit)
        let denied = try rig.apply(try LimitCalls.admit(cost: "3"), at: 20 * LimitCalls.hour)
        #expect(denied.decision.retryAfterMilliseconds == 4 * LimitCalls.hour)
        // The wall clock has passed the end, and the engine doubts it: that takes ten minutes.
        let doubted = try rig.apply(LimitCalls.admit(cost: "3"), at: 24 * LimitCalls.hour)
        #expect(doubted.decision.retryAfterMilliseconds == 600_000)
        // Only the edges move.
        try begin(24 * LimitCalls.hour, keepsUse: true)
        #expect(try rig.apply(try LimitCalls.admit(cost: "1"), at: 24 * LimitCalls.hour).permit == nil)
        try begin(24 * LimitCalls.hour)
        let entry = try #require(try rig.apply(LimitList(scope: .host), at: 24 * LimitCalls.hour).entries.first)
        #expect(
            entry.used == 0 && entry.held == dollars("2").nanodollars
                && entry.endsInMilliseconds == 24 * LimitCalls.hour)
        #expect(try rig.apply(try LimitCalls.admit(cost: "3"), at: 24 * LimitCalls.hour).permit != nil)
        #expect(try rig.apply(try LimitCalls.admit(cost: "0.1"), at: 24 * LimitCalls.hour).permit == nil)
    }

    // MARK: Lasting

    @Test func aStateWithLimitsIsTheSameAfterASnapshotAndAfterAnImportThatBringsOtherNames() throws {
        var rig = Rig()
        for text in ["$5 prepaid", "5 requests per 10s", "50 tokens per minute", "3 in flight"] {
            for scope in LimitCommandsTests.scopes + [Scope(tag: name("user:*"))] {
                try rig.apply(LimitSet(scope: scope, limits: [try LimitCalls.bound(text)]))
            }
        }
        let call = try LimitCalls.admit("p@eu/m", tags: ["team:a", "user:1"], cost: "1", input: 3, ttl: 30_000)
        _ = try #require(try rig.apply(call, by: 7).permit)
        let second = try #require(try rig.apply(call, at: 5, by: 7).permit)
        try rig.apply(LimitRaise(scope: .host, limit: try LimitCalls.bound("$8 prepaid"), milliseconds: 60_000), at: 5)
        var restored = Rig()
        restored.machine = try rig.machine.restored()
        #expect(restored.machine.image == rig.machine.image)
        var other = Rig()
        for text in ["x", "y", "q"] { try other.apply(BreakerFailure(name: name(text))) }
        try other.apply(
            LedgerRecord(provider: name("z"), model: name("m"), cost: dollars("1"), inputTokens: 0, outputTokens: 0))
        var imported = rig
        imported.machine.replaceContents(with: other.machine)
        for kind in ["restored", "imported"] {
            var after = kind == "restored" ? restored : imported
            try after.apply(LimitCalls.settle(second, cost: "0.5", input: 9), at: 9, by: 7)
            for scope in LimitCommandsTests.scopes {
                let standing = try after.apply(LimitList(scope: scope), at: 9).entries
                #expect(standing.map(\.used) == [dollars("0.5").nanodollars, 2, 12, 0], "\(kind): \(scope)")
                #expect(standing.map(\.held) == [dollars("1").nanodollars, 0, 0, 1], "\(kind): \(scope)")
            }
            #expect(try after.apply(call, at: 9, by: 7).permit != nil)
            #expect(try after.machine.restored().image == after.machine.image)
        }
    }

    /// After a restart nobody can tell a user's tag of a call from one of a limit.
    @Test func theTagOfAUserWithALimitStaysBeforeAndAfterARestart() throws {
        var rig = Rig()
        let scope = Scope(tag: name("uid:7"))
        try rig.apply(LimitSet(scope: scope, limits: [try LimitCalls.bound("$1 prepaid")]))
        var restored = rig
        restored.machine = try rig.machine.restored()
        try rig.apply(LimitRemove(allOf: scope))
        try restored.apply(LimitRemove(allOf: scope))
        #expect(restored.machine.image == rig.machine.image)
    }

    /// Uses have other places after a restart, and the order in which tags come free is the same.
    @Test func theTagsOfARemovedTemplateComeFreeInTheSameOrderAfterARestart() throws {
        var rig = Rig()
        let limit = try LimitCalls.bound("$1 prepaid")
        let template = Scope(tag: name("user:*"))
        try rig.apply(LimitSet(scope: template, limits: [limit]))
        try rig.apply(LimitSet(scope: .host, limits: [limit]))
        for tag in ["user:1", "user:2"] {
            // The template goes on with the use of a removed limit. The first one is at the second place.
            try rig.apply(LimitSet(scope: Scope(tag: name(tag)), limits: [limit]))
            try rig.apply(LimitRemove(scope: Scope(tag: name(tag)), limits: [limit]))
            if tag == "user:1" { try rig.apply(LimitRemove(allOf: .host)) }
        }
        var restored = rig
        restored.machine = try rig.machine.restored()
        try rig.apply(LimitRemove(allOf: template))
        try restored.apply(LimitRemove(allOf: template))
        #expect(restored.machine.image == rig.machine.image)
    }

    /// An import brings the limits that its ledger has, in place of those of the same kinds on providers and their models.
    @Test func anImportReplacesTheLimitsThatALedgerHasAndNoOthers() throws {
        let (manual, fixed, other) = ("$9 until reset", "9 requests per day fixed", "$9 prepaid")
        let scopes = [("p", nil), ("p@eu", nil), ("p/m", nil), ("p", "t"), (nil, nil)] as [(String?, String?)]
        var rig = Rig()
        for (route, tag) in scopes {
            try rig.apply(
                LimitSet(
                    scope: try LimitCalls.scope(route, tag: tag),
                    limits: try [manual, fixed, other].map { try LimitCalls.bound($0) }))
        }
        let permit = try #require(try rig.apply(try LimitCalls.admit("q", cost: "1")).permit)
        var imported = Rig()
        try imported.apply(
            LedgerRecord(provider: name("q"), model: name("m"), cost: dollars("2"), inputTokens: 0, outputTokens: 0))
        try imported.apply(LimitCalls.set("$5 until reset", "3 requests per minute fixed", "$7 prepaid", on: "q"))
        rig.machine.replaceContents(with: imported.machine)
        func texts(_ route: String?, _ tag: String? = nil) throws -> [String] {
            try rig.apply(LimitList(scope: try LimitCalls.scope(route, tag: tag))).entries.map { "\($0.limit)" }
        }
        #expect(try texts("p") == [other])
        #expect(try texts("p/m") == [other])
        for (route, tag) in [("p@eu", nil), ("p", "t"), (nil, nil)] as [(String?, String?)] {
            #expect(try texts(route, tag) == [manual, "9 requests per 24h fixed", other], "\(route ?? "host")")
        }
        #expect(try texts("q") == ["$5 until reset", "3 requests per minute fixed"])
        // What was used came with it, and what is held here is held against it.
        let entry = try #require(try LimitCalls.standing("$5 until reset", on: "q", &rig))
        #expect((entry.used, entry.held) == (dollars("2").nanodollars, dollars("1").nanodollars))
        try rig.apply(LimitCalls.settle(permit, cost: "0.5"))
        #expect(try LimitCalls.standing("$5 until reset", on: "q", &rig)?.used == dollars("2.5").nanodollars)
        #expect(try rig.machine.restored().image == rig.machine.image)
    }
}
