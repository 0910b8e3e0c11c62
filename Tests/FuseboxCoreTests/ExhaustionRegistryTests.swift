import FuseboxWire
import Testing

@testable import FuseboxCore

struct ExhaustionRegistryTests {
    private let first = RouteKey(NameID(index: 0))
    private let second = RouteKey(NameID(index: 7))

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
        #expect(rig.takeEvents() == [.providerRestored(ProviderRestored(provider: provider, end: .cleared))])
        try rig.apply(ExhaustionMark(provider: provider, resetAfterMilliseconds: 5), at: 2)
        try rig.apply(Advance(), at: 7)
        #expect(rig.takeEvents().last == .providerRestored(ProviderRestored(provider: provider, end: .expired)))
        #expect(rig.machine.names.count == 0)
    }

    @Test func aResetClearsEveryMarkAndLetsTheirNamesGo() throws {
        var rig = Rig()
        for number in 0..<300 { try rig.apply(ExhaustionMark(provider: name("p\(number)"))) }
        try rig.apply(ExhaustionReset())
        #expect(try rig.apply(ExhaustionList(cursor: 0)).entries.isEmpty)
        #expect(rig.machine.names.count == 0)
    }

    @Test func theListComesInPagesAndLeavesOutWhatIsOver() throws {
        var rig = Rig()
        for number in 0..<600 {
            try rig.apply(
                ExhaustionMark(provider: name("p\(number)"), resetAfterMilliseconds: number % 2 == 0 ? 10 : 100))
        }
        var listed: Set<Name> = []
        var cursor: UInt64 = 0
        repeat {
            let page = try rig.apply(ExhaustionList(cursor: cursor), at: 50)
            #expect(page.entries.count <= WireLimits.marksPerPage)
            listed.formUnion(page.entries.map(\.provider))
            cursor = page.next
        } while cursor != 0
        #expect(listed.count == 300)
    }

    @Test(arguments: [-1, ValueRanges.longestMilliseconds + 1])
    func aDurationOutOfRangeIsRefused(milliseconds: Int64) {
        var rig = Rig()
        rig.expect(.outOfRange, of: ExhaustionMark(provider: name("p"), resetAfterMilliseconds: milliseconds))
        #expect(rig.machine.names.count == 0)
    }

    @Test func commandsTellTheRoutesOfMarksAndPauses() throws {
        var rig = Rig()
        let (p, k, m) = (name("p"), name("k"), name("m"))
        try rig.apply(ExhaustionMark(provider: p, deployment: k, model: m, resetAfterMilliseconds: 10), by: 7)
        var entry = ExhaustionEntry(provider: p, exhaustedAt: at(0), resetsAt: at(10))
        (entry.deployment, entry.model, entry.user) = (k, m, 7)
        #expect(rig.takeEvents() == [.providerExhausted(ProviderExhausted(entry: entry))])
        try rig.apply(Advance(), at: 10)
        #expect(
            rig.takeEvents() == [
                .providerRestored(ProviderRestored(provider: p, deployment: k, model: m, end: .expired))
            ])
        var pause = PauseEntry()
        (pause.provider, pause.deployment, pause.since, pause.until, pause.reason) = (p, k, at(20), at(70), "rotated")
        let command = ExhaustionPause(provider: p, deployment: k, reason: "rotated", durationMilliseconds: 50)
        #expect(try rig.apply(command, at: 20).entry == pause)
        #expect(rig.takeEvents() == [.routePaused(RoutePaused(entry: pause))])
        try rig.apply(Advance(), at: 70)
        #expect(rig.takeEvents() == [.routeResumed(RouteResumed(entry: pause, expired: true))])
        #expect(rig.machine.names.count == 0 && rig.machine.models.count == 0)
        #expect(rig.machine.deadlines.count == 0)
    }

    @Test func aPauseOfAPausedRouteKeepsItsBeginAndTellsWhatStillStandsWhenItIsResumed() throws {
        var rig = Rig()
        let (p, k) = (name("p"), name("k"))
        try rig.apply(ExhaustionPause(provider: p, reason: "one"), at: 5, by: 3)
        try rig.apply(ExhaustionPause(provider: p, reason: "two", durationMilliseconds: 100), at: 9, by: 4)
        let pauses = try rig.apply(ExhaustionPauses(), at: 9).entries
        #expect(pauses.map(\.reason) == ["two"])
        #expect(pauses.map(\.since) == [at(5)] && pauses.map(\.until) == [at(109)] && pauses.map(\.user) == [4])
        try rig.apply(ExhaustionPause(provider: p, deployment: k, reason: "three"), at: 10)
        let got = try rig.apply(ExhaustionGet(provider: p, deployment: k), at: 10)
        #expect(got.pause?.reason == "three", "it lasts longer")
        let resumed = try rig.apply(ExhaustionResume(provider: p, deployment: k), at: 11)
        #expect(resumed.wasPaused && resumed.remaining?.reason == "two")
        let again = try rig.apply(ExhaustionResume(provider: p, deployment: k), at: 11)
        #expect(!again.wasPaused && again.remaining?.reason == "two")
        #expect(try rig.apply(ExhaustionResume(provider: p), at: 11).remaining == nil)
        #expect(rig.machine.names.count == 0)
    }

    @Test func aMarkAndAPauseThatAreOlderThanAnAliasOfTheirModelCanBeEnded() throws {
        var rig = Rig()
        let (p, old, new) = (name("p"), name("old"), name("new"))
        try rig.apply(ExhaustionMark(provider: p, model: old))
        try rig.apply(ExhaustionPause(provider: p, model: old, reason: "x"))
        try rig.apply(AliasSet(ModelAlias(provider: p, name: old, model: new)))
        try rig.apply(ExhaustionMark(provider: p, model: old))
        try rig.apply(ExhaustionPause(provider: p, model: old, reason: "x"))
        #expect(try rig.apply(ExhaustionList()).entries.map(\.model) == [old, new])
        for left in [1, 0] {
            try rig.apply(ExhaustionClear(provider: p, model: old))
            #expect(try rig.apply(ExhaustionResume(provider: p, model: old)).wasPaused)
            #expect(rig.machine.exhaustion.count == left && rig.machine.pauses.count == left)
        }
    }

    @Test func aPauseNeedsAReasonAndAKnownRouteWhereThatIsAsked() throws {
        var rig = Rig()
        let p = name("p")
        rig.expect(.outOfRange, of: ExhaustionPause(provider: p, reason: ""))
        rig.expect(
            .outOfRange,
            of: ExhaustionPause(provider: p, reason: String(repeating: "x", count: WireLimits.textLength + 1)))
        for time in [0, ValueRanges.pause.upperBound + 1] {
            rig.expect(.outOfRange, of: ExhaustionPause(provider: p, reason: "x", durationMilliseconds: time))
        }
        rig.expect(.notFound, of: ExhaustionPause(provider: p, reason: "x", mustBeKnown: true))
        try rig.apply(ExhaustionMark(provider: p))
        for (deployment, model) in [(name("k"), nil), (nil, name("m"))] as [(Name?, Name?)] {
            let pause = ExhaustionPause(
                provider: p, deployment: deployment, model: model, reason: "x", mustBeKnown: true)
            rig.expect(.notFound, of: pause)
            rig.expect(
                .notFound, of: ExhaustionClear(provider: p, deployment: deployment, model: model, mustBeKnown: true))
        }
        #expect(rig.machine.pauses.isEmpty && rig.machine.names.count == 1)
    }

    @Test func pausesComeInPagesInTheOrderOfTheirRoutes() throws {
        var rig = Rig()
        var paused: [Candidate] = []
        for number in 0..<60 {
            let p = name("p\(number % 20)")
            let model = number < 20 ? nil : name("m\(number)")
            paused.append(Candidate(provider: p, model: model))
            try rig.apply(ExhaustionPause(provider: p, model: model, reason: "x"))
        }
        var listed: [Candidate] = []
        var cursor: UInt64 = 0
        repeat {
            let page = try rig.apply(ExhaustionPauses(cursor: cursor))
            #expect(page.entries.count <= WireLimits.pausesPerPage)
            listed += page.entries.map { Candidate(provider: $0.provider, model: $0.model) }
            cursor = page.next
        } while cursor != 0
        #expect(listed.count == paused.count)
        #expect(Set(listed.map(\.route)) == Set(paused.map(\.route)))
        let overview = try rig.apply(Overview()).entries
        #expect(overview.count == 20)
        #expect(
            overview.allSatisfy { $0.isPaused && $0.pausedUntil == nil && $0.narrowPauses == 2 && $0.narrowMarks == 0 })
    }

    @Test func withoutRoomForOneMoreMarkOfAModelThePlaceIsMarked() throws {
        var bounds = Bounds()
        bounds.modelMarks = 1
        var rig = Rig(bounds: bounds)
        let p = name("p")
        for model in ["m", "n"] {
            try rig.apply(Report(candidate: Candidate(provider: p, model: name(model)), outcome: .quotaExhausted))
        }
        let marks = try rig.apply(ExhaustionList()).entries
        #expect(marks.map(\.model) == [nil, name("m")])
        rig.expect(.limitReached, of: ExhaustionMark(provider: p, model: name("n")))
        try rig.apply(ExhaustionMark(provider: p, model: name("m"), resetAfterMilliseconds: 900_000))
    }

    @Test func aMarkThatWasMadeElsewhereKeepsItsBeginning() throws {
        var rig = Rig(at: 1_000_000)
        let p = name("p")
        let mark = ExhaustionMark(provider: p, resetAfterMilliseconds: 60_000, exhaustedAt: at(400_000))
        #expect(try rig.apply(mark, at: 1_000_000).resetsAt == at(1_060_000))
        #expect(try rig.apply(ExhaustionGet(provider: p), at: 1_000_000).entry?.exhaustedAt == at(400_000))
        rig.expect(
            .outOfRange, of: ExhaustionMark(provider: name("q"), exhaustedAt: at(1_000_001)), at: 1_000_000)
    }

    @Test func oneUserCannotTakeTheRoomForTheMarksOfOthersModels() throws {
        var bounds = Bounds()
        bounds.modelMarksPerUser = 1
        var rig = Rig(bounds: bounds)
        let p = name("p")
        func exhaust(_ model: String, by user: UInt32) throws {
            try rig.apply(
                Report(candidate: Candidate(provider: p, model: name(model)), outcome: .quotaExhausted), by: user)
        }
        try exhaust("m", by: 7)
        rig.expect(.limitReached, of: ExhaustionMark(provider: p, model: name("n")), by: 7)
        try exhaust("n", by: 8)
        try exhaust("o", by: 0)
        #expect(try rig.apply(ExhaustionList()).entries.map(\.model) == [name("m"), name("n"), name("o")])
        rig.machine = try rig.machine.restored()
        rig.machine.bounds = bounds
        // Another user takes the mark over, and then it is that user's.
        try rig.apply(
            ExhaustionMark(provider: p, model: name("m"), resetAfterMilliseconds: 900_000), by: 9)
        try exhaust("q", by: 7)
        try exhaust("r", by: 9)
        try rig.apply(ExhaustionClear(provider: p, model: name("m")))
        try exhaust("s", by: 9)
        #expect(
            try rig.apply(ExhaustionList()).entries.map(\.model)
                == [nil, name("n"), name("o"), name("q"), name("s")])
    }

    @Test func theLongestMarkBoundsWhatIsMadeFromThenOnAndEveryMarkOfAnotherProfile() throws {
        var rig = Rig()
        let p = name("p")
        for time in [ValueRanges.longestMark.lowerBound - 1, ValueRanges.longestMark.upperBound + 1] {
            rig.expect(.outOfRange, of: ExhaustionSetDefault(longestMilliseconds: time))
        }
        try rig.apply(ExhaustionSetDefault(longestMilliseconds: 7_200_000))
        #expect(try rig.apply(ExhaustionDefault()).longestMilliseconds == 7_200_000)
        #expect(try rig.apply(ExhaustionDefault()).cooldownMilliseconds == 300_000)
        #expect(try rig.apply(ExhaustionMark(provider: p, resetAfterMilliseconds: 8_000_000)).resetsAt == at(7_200_000))
        rig.machine = rig.machine.under(.llmProviders)
        try rig.apply(ExhaustionMark(provider: p, resetAfterMilliseconds: 8_000_000))
        #expect(try rig.apply(ExhaustionGet(provider: p)).entry?.resetsAt == at(8_000_000))
        rig.machine = rig.machine.under(.fusebox)
        #expect(try rig.apply(ExhaustionGet(provider: p)).entry?.resetsAt == at(7_200_000))
    }

    @Test func aScopeGoesOnlyWithAnOutcomeThatMarksAndATimeNotWithARefusedKey() {
        var rig = Rig()
        let unauthorized = Report(
            candidate: Candidate(provider: name("p")), outcome: .unauthorized, retryAfterMilliseconds: 5)
        rig.expect(.outOfRange, of: unauthorized)
        for outcome in Outcome.allCases where !outcome.isOfProvider {
            var report = Report(candidate: Candidate(provider: name("p")), outcome: outcome)
            report.markScope = .provider
            rig.expect(.outOfRange, of: report)
        }
    }
}
