import FuseboxWire
import Testing

@testable import FuseboxCore

/// Applying a policy again keeps what was used, what was paid in and what was raised.
struct PolicyUseTests {
    @Test func whatWasUsedStays() throws {
        var rig = Rig()
        try rig.apply(Policy(("openai", "$10 per day")))
        try rig.apply(
            LedgerRecord(
                provider: name("openai"), model: name("m"), cost: dollars("4"), inputTokens: 1, outputTokens: 1),
            at: 1_000)
        try rig.apply(Policy(("openai", "$20 per day")), at: 2_000)
        #expect(try rig.limit("openai", "$1 per day")?.used == 4_000_000_000)
    }

    /// The amount of a file is what was paid in first. What was topped up comes on top.
    @Test func aPrepaidAmountMovesByWhatThePolicySaysDifferently() throws {
        var rig = Rig()
        func amount() throws -> Int64? { try rig.limit("openai", "$1 prepaid")?.limit.amount }
        try rig.apply(Policy(("openai", "$100 prepaid")))
        try rig.apply(LimitTopUp(scope: Scope(words: "openai"), limit: Limit(words: "$50 prepaid")))
        #expect(try rig.lines(Policy(("openai", "$100 prepaid"))) == [])
        #expect(try rig.inForce().drift == [])
        #expect(try amount() == 150_000_000_000)
        #expect(
            try rig.lines(Policy(("openai", "$120 prepaid"))) == [
                "changed limit openai: $150 prepaid -> $170 prepaid"
            ])
        #expect(try rig.lines(Policy(("openai", "$120 prepaid"))) == [])
        try rig.apply(Policy(("openai", "$20 prepaid")))
        #expect(try amount() == 70_000_000_000)
        // What was lowered by hand does not become less than nothing.
        try rig.set("openai", "$5 prepaid")
        try rig.apply(Policy(("openai", "$1 prepaid")))
        #expect(try amount() == 0)
        #expect(
            refusal { () throws(Refusal) in
                try rig.set("openai", "$9,223,372,036 prepaid")
                try rig.apply(Policy(("openai", "$9,000,000,000 prepaid")))
            }?.status == .overflow)
    }

    @Test func aPrepaidLimitThatIsTakenOverKeepsItsAmount() throws {
        var rig = Rig()
        try rig.set("openai", "$150 prepaid")
        #expect(
            try rig.lines(Policy(("openai", "$100 prepaid"))) == [
                "takenOver limit openai: $150 prepaid -> $150 prepaid"
            ])
        #expect(try rig.lines(Policy(("openai", "$100 prepaid"))) == [])
    }

    @Test func aRaiseInForceStays() throws {
        var rig = Rig()
        try rig.apply(Policy(("openai", "10 rpm")))
        try rig.apply(
            LimitRaise(scope: Scope(words: "openai"), limit: Limit(words: "50 rpm"), milliseconds: 60_000))
        #expect(try rig.lines(Policy(("openai", "10 rpm"))) == [])
        try rig.apply(Policy(("openai", "20 rpm")))
        let raised = try rig.limit("openai", "1 rpm")
        #expect(raised?.raisedAmount == 50)
        #expect(raised?.limit.amount == 20)
    }
}
