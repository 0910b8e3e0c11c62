import FuseboxWire
import Testing

@testable import FuseboxCore

/// Commands with the requirement that a name exists, under both profiles. Without it they behave like the library.
struct KnownNameTests {
    @Test(arguments: [Profile.fusebox, .llmProviders])
    func anUnknownNameIsRefusedAndLeavesNoTrace(_ profile: Profile) {
        var rig = Rig(profile)
        let (x, m) = (name("x"), name("m"))
        rig.expect(.notFound, of: BreakerForceOpen(name: x, mustBeKnown: true))
        rig.expect(.notFound, of: BreakerReset(name: x, mustBeKnown: true))
        rig.expect(.notFound, of: BreakerConfigure(name: x, change: .init(), mustBeKnown: true))
        rig.expect(.notFound, of: BreakerGet(name: x, mustBeKnown: true))
        rig.expect(.notFound, of: BreakerConfigurationGet(name: x, mustBeKnown: true))
        rig.expect(.notFound, of: ExhaustionClear(provider: x, mustBeKnown: true))
        rig.expect(.notFound, of: LimitRemove(allOf: Scope(provider: x)))
        rig.expect(
            .notFound, of: LimitRemove(scope: Scope(provider: x, model: m), limits: [Limit(.cost, 0, .manual)]))
        rig.expect(.notFound, of: LedgerReset(scope: Scope(provider: x)))
        rig.expect(.notFound, of: LedgerReset(scope: Scope(provider: x, model: m)))
        #expect(rig.machine.models.count == 0)
        #expect(rig.machine.names.count == 0)
        #expect(rig.machine.breakers.count == 0)
    }

    @Test func theLibrarysProfileGoesOnCreatingBreakersByLooks() throws {
        var rig = Rig(.llmProviders)
        try rig.apply(BreakerReset(name: name("a")))
        try rig.apply(BreakerGet(name: name("b")))
        try rig.apply(BreakerConfigurationGet(name: name("c")))
        try rig.apply(ExhaustionClear(provider: name("d")))
        #expect(rig.machine.breakers.count == 3)
    }
}
