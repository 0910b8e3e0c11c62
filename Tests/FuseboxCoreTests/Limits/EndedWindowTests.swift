import FuseboxWire
import Testing

@testable import FuseboxCore

/// What was used in a window that is over does not come back.
struct EndedWindowTests {
    /// A day begins, and no call has been made in it yet.
    private func beginDay(_ rig: inout Rig) throws {
        let day = LimitWindow.calendar(.day)
        let start = rig.machine.lastMoment.wall
        try rig.apply(BeginWindow(day, start: start, end: start + 24 * LimitCalls.hour, keepsUse: false))
    }

    private func spend(_ cost: String, _ rig: inout Rig) throws {
        let permit = try #require(try rig.apply(try LimitCalls.admit(tags: ["user:1"], cost: cost)).permit)
        try rig.apply(LimitCalls.settle(permit, cost: cost))
    }

    @Test func aLimitThatIsSetAgainOnANewDayHasNothingOfTheLastOne() throws {
        var rig = Rig()
        try beginDay(&rig)
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$5 per day")]))
        try spend("3", &rig)
        try beginDay(&rig)
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$6 per day")]))
        #expect(try LimitCalls.used(.host, &rig) == [0])
    }

    /// A limit of the tag's own takes the place of its template's, a longer template that of a shorter one, and the
    /// template that of the own limit again.
    @Test func aUseThatGoesByAnotherLimitOnANewDayHasNothingOfTheLastOne() throws {
        var rig = Rig()
        let scope = Scope(tag: name("user:1"))
        let limits = [try LimitCalls.bound("$5 per day")]
        try beginDay(&rig)
        try rig.apply(LimitSet(scope: Scope(tag: name("use*")), limits: limits))
        try spend("3", &rig)
        try beginDay(&rig)
        try rig.apply(LimitSet(scope: Scope(tag: name("user:*")), limits: limits))
        #expect(try LimitCalls.used(scope, &rig) == [0])
        try spend("2", &rig)
        try beginDay(&rig)
        try rig.apply(LimitSet(scope: scope, limits: limits))
        #expect(try LimitCalls.used(scope, &rig) == [0])
        try spend("1", &rig)
        try beginDay(&rig)
        try rig.apply(LimitRemove(allOf: scope))
        #expect(try LimitCalls.used(scope, &rig) == [0])
    }

    /// A use that a limit takes over has counted its past; only a new one is told it.
    @Test func aLimitInItsTemplatesPlaceDoesNotCountThePastTwice() throws {
        var rig = Rig()
        let scope = Scope(tag: name("user:1"))
        let limits = [try LimitCalls.bound("$9 until reset")]
        for tag in ["use*", "user:*", "user:1"] {
            try rig.apply(LimitSet(scope: Scope(tag: name(tag)), limits: limits))
            try spend("1", &rig)
        }
        #expect(try LimitCalls.used(scope, &rig) == [dollars("3").nanodollars])
    }

    @Test func whatIsAssumedIsNeverMoreThanWhatASlidingWindowHolds() throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$5 per minute")]))
        _ = try #require(try rig.apply(try LimitCalls.admit(cost: "2", ttl: 1_000)).permit)
        try rig.apply(Advance(), at: 1_000)
        func assumed(at now: Int64) throws -> [Int64] {
            try rig.apply(LimitList(scope: .host), at: now).entries.map(\.assumed)
        }
        #expect(try assumed(at: 1_000) == [dollars("2").nanodollars])
        #expect(try assumed(at: 63_000) == [0])
    }
}
