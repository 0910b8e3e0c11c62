import FuseboxWire
import Testing

@testable import FuseboxCore

/// What imports and removals do to thresholds.
struct PastUseTests {
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
