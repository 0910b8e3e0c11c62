import FuseboxWire
import Testing

@testable import FuseboxCore

/// Days of the history: what is yielded of each account, and when.
struct OpenDaysTests {
    private static func record(
        _ rig: inout Rig, _ cost: String, _ tags: [String] = ["t"], model: String = "m", provider: String = "p"
    ) throws {
        try rig.apply(
            LedgerRecord(
                provider: name(provider), deployment: name("eu"), model: name(model),
                tags: try WireLimits.TagList(tags.map { name($0) }), cost: dollars(cost), inputTokens: 2,
                outputTokens: 3))
    }

    /// Closes everything, and returns what was spent by scope and day.
    private static func close(_ machine: inout StateMachine) throws -> [String: Int64] {
        var rig = Rig()
        rig.machine = machine
        while rig.machine.isClosingDays {
            #expect(rig.machine.isDue(at: Moment(milliseconds: 0)))
            try rig.apply(Advance())
        }
        machine = rig.machine
        // Each call also has the tag of its user.
        let closed = machine.takeClosedDays().filter { $0.scope.tag != name("uid:0") }
        return Dictionary(closed.map { ("\($0.scope) \($0.day)", $0.use.spend) }, uniquingKeysWith: +)
    }

    @Test func everyAccountYieldsWhatItUsedOnTheDay() throws {
        var rig = Rig()
        try Self.record(&rig, "1")
        try Self.record(&rig, "0.5", ["t", "u"], model: "n")
        #expect(!rig.machine.hasClosedDays)
        try rig.apply(BeginDay(1, keepsUse: false))
        #expect(rig.machine.openDay == 1)
        #expect(
            try Self.close(&rig.machine) == [
                "host 0": 1_500_000_000, "p 0": 1_500_000_000, "p@eu 0": 1_500_000_000, "p/m 0": 1_000_000_000,
                "p/n 0": 500_000_000, "t 0": 1_500_000_000, "u 0": 500_000_000,
            ])
        try rig.apply(BeginDay(2, keepsUse: false))
        #expect(try Self.close(&rig.machine).isEmpty)
    }

    /// An account that is used before its turn comes closes the day itself, and the use counts in the new day.
    @Test func theNextUseClosesTheDayFirst() throws {
        var rig = Rig()
        try Self.record(&rig, "1")
        try rig.apply(BeginDay(1, keepsUse: false))
        try Self.record(&rig, "2")
        #expect(rig.machine.hasClosedDays)
        try rig.apply(BeginDay(2, keepsUse: false))
        let closed = try Self.close(&rig.machine)
        #expect(closed["host 0"] == 1_000_000_000)
        #expect(closed["host 1"] == 2_000_000_000)
        #expect(closed["t 0"] == 1_000_000_000)
        #expect(closed["t 1"] == 2_000_000_000)
    }

    @Test func aResetAndACorrectionLeaveTheDayExact() throws {
        var rig = Rig()
        try Self.record(&rig, "1")
        try rig.apply(LedgerReset(scope: .host))
        try Self.record(&rig, "0.25")
        var adjust = LedgerAdjust()
        adjust.scope = Scope(tag: name("t"))
        adjust.cost = Money(nanodollars: -2_000_000_000)
        adjust.reason = "a refund"
        try rig.apply(adjust)
        try rig.apply(BeginDay(1, keepsUse: false))
        let closed = try Self.close(&rig.machine)
        #expect(closed["host 0"] == -750_000_000)
        #expect(closed["p/m 0"] == 1_250_000_000)
        #expect(closed["t 0"] == -750_000_000)
    }

    /// What a provider has used today is told when it is forgotten, with its names.
    @Test func aForgottenProviderTellsItsDay() throws {
        var rig = Rig()
        try Self.record(&rig, "1")
        try rig.apply(Forget(name: name("p")))
        let closed = try Self.close(&rig.machine)
        #expect(closed == ["p 0": 1_000_000_000, "p@eu 0": 1_000_000_000, "p/m 0": 1_000_000_000])
    }

    @Test func aCorrectedDateKeepsTheUse() throws {
        var rig = Rig()
        try rig.apply(BeginDay(500, keepsUse: false))
        try Self.record(&rig, "1")
        try rig.apply(BeginDay(3, keepsUse: true))
        try Self.record(&rig, "1")
        try rig.apply(BeginDay(4, keepsUse: false))
        #expect(try Self.close(&rig.machine)["host 3"] == 2_000_000_000)
    }

    /// A day with many accounts is closed in steps. A state that was written and read between two of them makes the
    /// same steps, so a replay yields the same records with the same inputs.
    @Test func stepsAreBoundedAndTheSameAfterARestart() throws {
        var rig = Rig()
        for number in 0..<700 {
            try Self.record(&rig, "0.001", ["t\(number)"], model: "m\(number % 300)", provider: "p\(number % 3)")
        }
        try rig.apply(BeginDay(1, keepsUse: false))
        try Self.record(&rig, "1", ["t650"])
        var first = rig.machine.takeClosedDays().map { "\($0.scope)" }
        var steps = 0
        while rig.machine.isClosingDays {
            var other = Rig()
            other.machine = try rig.machine.restored()
            #expect(other.machine.image == rig.machine.image)
            try rig.apply(Advance())
            try other.apply(Advance())
            let closed = rig.machine.takeClosedDays().map { "\($0.scope) \($0.day) \($0.use)" }
            #expect(closed == other.machine.takeClosedDays().map { "\($0.scope) \($0.day) \($0.use)" })
            #expect(closed.count <= Bounds.closedDaysPerStep)
            #expect(other.machine.image == rig.machine.image)
            first += closed
            steps += 1
        }
        // The host, 3 providers and their deployments, 300 models, 700 tags and that of the user.
        #expect(first.count == 1 + 3 + 3 + 300 + 701)
        #expect(steps == 4)
    }

    @Test func usesOfAnOpenDayOutliveARestart() throws {
        var rig = Rig()
        try Self.record(&rig, "1")
        rig.machine = try rig.machine.restored()
        try Self.record(&rig, "2")
        try rig.apply(BeginDay(1, keepsUse: false))
        #expect(try Self.close(&rig.machine)["p@eu 0"] == 3_000_000_000)
    }

    /// An import replaces accounts. What the host has used today is told, tags go on, and nothing of the import counts.
    @Test func anImportIsNoUse() throws {
        var rig = Rig()
        try Self.record(&rig, "1")
        var other = Rig()
        try Self.record(&other, "100", [], provider: "q")
        rig.machine.replace(.ledger, with: other.machine)
        try rig.apply(BeginDay(1, keepsUse: false))
        #expect(try Self.close(&rig.machine) == ["host 0": 1_000_000_000, "t 0": 1_000_000_000])
    }

    @Test func dayOutOfRangeIsRefused() {
        var rig = Rig()
        rig.expect(.outOfRange, of: BeginDay(.max, keepsUse: false))
        rig.expect(.outOfRange, of: BeginDay(200_000_000, keepsUse: false))
    }
}
