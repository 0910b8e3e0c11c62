import FuseboxWire
import Testing

@testable import FuseboxCore

/// What a new limit begins with, and what accounts hold of calls that were cancelled or corrected.
struct PastUseTests {
    private static let hour = LimitCalls.hour
    private static let day = 24 * hour

    private static func requests(_ rig: inout Rig, at now: Int64) throws -> Int64? {
        try rig.apply(LedgerAccount(scope: .host), at: now).account?.usage.requests
    }

    private static func spend(_ cost: String, _ rig: inout Rig, at now: Int64) throws {
        try rig.apply(
            LedgerRecord(
                provider: name("p"), model: name("m"), cost: dollars(cost), inputTokens: 0, outputTokens: 0), at: now)
    }

    @Test func aCancelledCallGivesItsRequestBackInTheHourInWhichItWasCounted() throws {
        var rig = Rig()
        let first = try #require(try rig.apply(try LimitCalls.admit(ttl: Self.hour), at: Self.hour - 1).permit)
        _ = try #require(try rig.apply(try LimitCalls.admit(ttl: Self.hour), at: Self.hour + 1).permit)
        try rig.apply(Settle(permit: first, outcome: .cancelled), at: Self.hour + 2)
        try rig.apply(
            BeginWindow(
                .calendar(.hour), start: at(Self.hour), end: at(2 * Self.hour), keepsUse: false), at: Self.hour + 3)
        try rig.apply(LimitCalls.set("9 requests per calendar hour"), at: Self.hour + 3)
        let standing = try LimitCalls.standing("9 requests per calendar hour", &rig, at: Self.hour + 3)
        #expect(standing?.used == 1)
    }

    @Test func aCallOfBeforeAResetIsNotGivenBackAfterIt() throws {
        var rig = Rig()
        let first = try #require(try rig.apply(try LimitCalls.admit(), at: 1).permit)
        try rig.apply(LedgerReset(scope: .host), at: 2)
        let second = try #require(try rig.apply(try LimitCalls.admit(), at: 3).permit)
        try rig.apply(Settle(permit: first, outcome: .cancelled), at: 4)
        #expect(try Self.requests(&rig, at: 4) == 1)
        try rig.apply(Settle(permit: second, outcome: .cancelled), at: 5)
        #expect(try Self.requests(&rig, at: 5) == 0)
    }

    /// The request of a call in force is part of the window in which it was admitted, and so is its return.
    @Test func aCallOfBeforeTheWindowIsNotPartOfANewLimitAndIsNotGivenBackInIt() throws {
        for text in ["9 requests until reset", "9 requests per calendar hour"] {
            var rig = Rig()
            let before = try #require(try rig.apply(try LimitCalls.admit(ttl: Self.hour), at: 1).permit)
            try rig.apply(LedgerReset(scope: .host), at: Self.hour - 1)
            try rig.apply(
                BeginWindow(.calendar(.hour), start: at(Self.hour), end: at(2 * Self.hour), keepsUse: false),
                at: Self.hour)
            let within = try #require(try rig.apply(try LimitCalls.admit(ttl: Self.hour), at: Self.hour).permit)
            try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound(text)]), at: Self.hour)
            #expect(try LimitCalls.used(.host, &rig, at: Self.hour) == [1], "\(text)")
            try rig.apply(Settle(permit: before, outcome: .cancelled), at: Self.hour)
            #expect(try LimitCalls.used(.host, &rig, at: Self.hour) == [1], "\(text)")
            try rig.apply(Settle(permit: within, outcome: .cancelled), at: Self.hour)
            #expect(try LimitCalls.used(.host, &rig, at: Self.hour) == [0], "\(text)")
        }
    }

    /// An account may go below zero, a window does not.
    @Test func aNewLimitOfAnAccountBelowZeroBeginsWithNothing() throws {
        var rig = Rig()
        try Self.spend("1", &rig, at: 1)
        try rig.apply(LedgerAdjust(scope: .host, cost: dollars("-3"), reason: "a credit"), at: 2)
        for text in ["$5 until reset", "$5 per hour"] {
            try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound(text)]), at: 3)
        }
        #expect(try LimitCalls.used(.host, &rig, at: 3) == [0, 0])
        #expect(try rig.apply(LedgerAccount(scope: .host), at: 3).account?.usage.spend == dollars("-2"))
    }

    @Test func aTemplateWithAShortWindowMakesNoUsesOfTagsThatItKnowsNothingOf() throws {
        var rig = Rig()
        let permit = try #require(try rig.apply(try LimitCalls.admit(tags: ["user:1"]), at: 1).permit)
        try rig.apply(LimitCalls.settle(permit, cost: "1"), at: 2)
        let scope = Scope(tag: name("user:*"))
        try rig.apply(LimitSet(scope: scope, limits: [try LimitCalls.bound("9 requests per minute")]), at: 3)
        #expect(try rig.apply(LimitList(scope: scope), at: 3).entries.map(\.uses) == [0])
        try rig.apply(LimitSet(scope: scope, limits: [try LimitCalls.bound("9 requests per hour")]), at: 3)
        let entries = try rig.apply(LimitList(scope: scope), at: 3).entries
        #expect(entries.map(\.uses) == [0, 1, 0] && entries.map(\.used) == [0, 0, 1])
    }

    /// Days of the last month are told apart, also if an older one lies in the same 30 days.
    @Test func aDayOfTheLastMonthIsNotJoinedWithOneOfBefore() throws {
        var rig = Rig()
        // 30 days begin at 60 days.
        try Self.spend("1", &rig, at: 60 * Self.day)
        try Self.spend("2", &rig, at: 85 * Self.day)
        try Self.spend("4", &rig, at: 94 * Self.day)
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$9 per 240h")]), at: 94 * Self.day)
        #expect(try LimitCalls.used(.host, &rig, at: 94 * Self.day) == [dollars("6").nanodollars])
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$9 per 120h")]), at: 94 * Self.day)
        #expect(try LimitCalls.used(.host, &rig, at: 94 * Self.day).last == dollars("4").nanodollars)
    }

    // MARK: Thresholds

    @Test func anImportLeavesNoThresholdForTheNextCommandToTell() throws {
        var rig = Rig(.llmProviders)
        for _ in 0..<3 { _ = try #require(try rig.apply(try LimitCalls.admit()).permit) }
        var other = Rig(.llmProviders)
        try other.apply(LimitCalls.set("3 requests per day fixed"))
        rig.machine.replaceContents(with: other.machine)
        rig.events = []
        var restored = rig
        restored.machine = try rig.machine.restored()
        for kind in ["imported", "restored"] {
            var after = kind == "imported" ? rig : restored
            try after.apply(Advance(), at: 1)
            #expect(after.takeEvents().isEmpty, "\(kind)")
        }
    }

    /// A template that goes on in the place of a removed limit tells at once what that takes it to.
    @Test func theRemovalOfALimitTellsTheThresholdThatItsTemplateHasReached() throws {
        var rig = Rig()
        let tag = Scope(tag: name("user:1"))
        try rig.apply(LimitSet(scope: Scope(tag: name("user:*")), limits: [try LimitCalls.bound("$1 prepaid")]))
        try rig.apply(LimitSet(scope: tag, limits: [try LimitCalls.bound("$9 prepaid")]))
        let permit = try #require(try rig.apply(try LimitCalls.admit(tags: ["user:1"], cost: "2")).permit)
        try rig.apply(LimitCalls.settle(permit, cost: "2"))
        rig.events = []
        try rig.apply(LimitRemove(allOf: tag))
        let told = rig.takeEvents().compactMap { if case .limitReached(let event) = $0 { event.tier } else { nil } }
        #expect(told == [.emergency])
    }
}
