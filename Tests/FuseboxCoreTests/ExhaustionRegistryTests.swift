import FuseboxWire
import Testing

@testable import FuseboxCore

struct ExhaustionRegistryTests {
    private let first = NameID(index: 0)
    private let second = NameID(index: 7)

    @Test func aMarkLastsForTheDefaultCooldownOrAsLongAsItSays() {
        var registry = ExhaustionRegistry()
        #expect(registry.mark(first, at: at(100)).mark.resetsAt == at(300_100))
        #expect(registry.mark(second, for: 5, at: at(100)).mark.resetsAt == at(105))
        registry.defaultCooldownMilliseconds = 7
        #expect(registry.mark(second, at: at(200)).mark.resetsAt == at(207))
    }

    @Test func aMarkIsInForceUpToItsEndNotAtIt() {
        var registry = ExhaustionRegistry()
        registry.mark(first, for: 10, at: at(0))
        #expect(registry.mark(first, at: at(9)) != nil)
        #expect(registry.mark(first, at: at(10)) == nil)
        #expect(registry.contains(first), "a look takes nothing out")
    }

    @Test func expiryTakesOutWhatIsOverAndKnowsWhenItHasToComeAgain() {
        var registry = ExhaustionRegistry()
        registry.mark(first, for: 10, at: at(0))
        registry.mark(second, for: 20, at: at(0))
        #expect(registry.nextExpiry == at(10))
        #expect(registry.expire(at: at(9)).isEmpty)
        #expect(registry.expire(at: at(10)) == [first])
        #expect(registry.nextExpiry == at(20))
        #expect(registry.expire(at: at(1_000)) == [second])
        #expect(registry.nextExpiry == nil)
        #expect(registry.count == 0)
    }

    @Test func aClearSaysWhetherAMarkWasInForce() {
        var registry = ExhaustionRegistry()
        registry.mark(first, for: 10, at: at(0))
        registry.mark(second, for: 10, at: at(0))
        let inForce = registry.clear(first, at: at(5))
        let again = registry.clear(first, at: at(5))
        let over = registry.clear(second, at: at(10))
        #expect(inForce)
        #expect(!again)
        #expect(!over)
        #expect(registry.count == 0)
    }

    @Test func aMarkThatIsOverDoesNotKeepANewOneFromBeingShorter() {
        var registry = ExhaustionRegistry()
        registry.mark(first, for: 1_000, at: at(0))
        let (mark, changed) = registry.mark(first, for: 5, at: at(1_000))
        #expect(changed)
        #expect(mark.resetsAt == at(1_005))
    }

    @Test func commandsTellWhatTheyChangeOnce() throws {
        var rig = Rig()
        let provider = name("p")
        try rig.apply(ExhaustionMark(provider: provider, resetAfterMilliseconds: 10))
        #expect(
            rig.takeEvents() == [
                .providerExhausted(
                    ProviderExhausted(entry: ExhaustionEntry(provider: provider, exhaustedAt: at(0), resetsAt: at(10))))
            ])
        try rig.apply(ExhaustionMark(provider: provider, resetAfterMilliseconds: 5))
        #expect(rig.takeEvents().isEmpty)
        try rig.apply(ExhaustionClear(provider: provider), at: 1)
        #expect(rig.takeEvents() == [.providerRestored(ProviderRestored(provider: provider, expired: false))])
        try rig.apply(ExhaustionMark(provider: provider, resetAfterMilliseconds: 5), at: 2)
        try rig.apply(Advance(), at: 7)
        #expect(rig.takeEvents().last == .providerRestored(ProviderRestored(provider: provider, expired: true)))
        #expect(rig.machine.names.count == 0)
    }

    @Test func aResetClearsEveryMarkAndLetsTheirNamesGo() throws {
        var rig = Rig()
        for number in 0..<300 { try rig.apply(ExhaustionMark(provider: name("p\(number)"))) }
        try rig.apply(ExhaustionReset())
        #expect(try rig.apply(ExhaustionList(cursor: Page.end)).entries.isEmpty)
        #expect(rig.machine.names.count == 0)
    }

    @Test func theListComesInPagesAndLeavesOutWhatIsOver() throws {
        var rig = Rig()
        for number in 0..<600 {
            try rig.apply(
                ExhaustionMark(provider: name("p\(number)"), resetAfterMilliseconds: number % 2 == 0 ? 10 : 100))
        }
        var listed: Set<Name> = []
        var cursor = Page.end
        repeat {
            let page = try rig.apply(ExhaustionList(cursor: cursor), at: 50)
            #expect(page.entries.count <= WireLimits.pageLength)
            listed.formUnion(page.entries.map(\.provider))
            cursor = page.next
        } while cursor != Page.end
        #expect(listed.count == 300)
    }

    @Test(arguments: [-1, ValueRanges.longestMilliseconds + 1])
    func aDurationOutOfRangeIsRefused(milliseconds: Int64) {
        var rig = Rig()
        rig.expect(.outOfRange, of: ExhaustionMark(provider: name("p"), resetAfterMilliseconds: milliseconds))
        #expect(rig.machine.names.count == 0)
    }
}
