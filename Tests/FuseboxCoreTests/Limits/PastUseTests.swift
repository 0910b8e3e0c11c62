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
