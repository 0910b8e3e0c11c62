import FuseboxWire
import Testing

@testable import FuseboxCore

/// How long calls have taken lately, as commands tell it.
struct LatencyTests {
    private static let stretch = RecentLatencies.stretch

    /// Makes a call by a route that takes so long, and ends it.
    private func call(
        _ route: String, from begin: Int64 = 0, for milliseconds: Int64, outcome: Outcome = .success,
        timing: CallTiming = CallTiming(), by user: UInt32 = 0, _ rig: inout Rig
    ) throws {
        let permit = try #require(try rig.apply(try LimitCalls.admit(route), at: begin, by: user).permit)
        let settle = Settle(permit: permit, outcome: outcome, timing: timing)
        try rig.apply(settle, at: begin + milliseconds, by: user)
    }

    private func routes(at now: Int64, _ rig: inout Rig) throws -> [RouteLatency] {
        try rig.apply(LatencyList(), at: now).entries
    }

    @Test func aCallTakesAsLongAsItsPermitWasInForceOrAsItsWorkerHasMeasured() throws {
        var rig = Rig()
        try call("p@eu/m", for: 7, &rig)
        let told = CallTiming(firstTokenMilliseconds: 3, durationMilliseconds: 5)
        try call("q", for: 60_000, timing: told, &rig)
        let routes = try routes(at: 60_000, &rig)
        #expect(routes.map(\.provider) == [name("p"), name("q")])
        #expect(routes[0].deployment == name("eu") && routes[0].model == name("m"))
        #expect(routes[0].duration.p50Milliseconds == 7 && routes[0].firstToken == nil)
        #expect(routes[1].duration.p99Milliseconds == 5 && routes[1].firstToken?.p50Milliseconds == 3)
    }

    @Test(arguments: Outcome.allCases) func onlySuccessesCount(outcome: Outcome) throws {
        var rig = Rig()
        try call("p", for: 7, outcome: outcome, &rig)
        #expect(try routes(at: 7, &rig).count == (outcome == .success ? 1 : 0))
    }

    /// Without a word of its worker, how long a call took whose permit has ended is not known.
    @Test func aLateSettleCountsIfItsWorkerHasMeasured() throws {
        for timing in [CallTiming(), CallTiming(durationMilliseconds: 6)] {
            var rig = Rig()
            let permit = try #require(try rig.apply(try LimitCalls.admit("p")).permit)
            try rig.apply(Advance(), at: LimitCalls.hour * 25)
            try rig.apply(Settle(permit: permit, outcome: .success, timing: timing), at: LimitCalls.hour * 25)
            let told = try routes(at: LimitCalls.hour * 25, &rig).map(\.duration.p50Milliseconds)
            #expect(told == (timing.durationMilliseconds.map { [$0] } ?? []))
        }
    }

    @Test func aSecondSettleDoesNotCountAgain() throws {
        var rig = Rig()
        let permit = try #require(try rig.apply(try LimitCalls.admit("p")).permit)
        for _ in 0..<2 { try rig.apply(Settle(permit: permit, outcome: .success), at: 4) }
        #expect(try routes(at: 4, &rig).map(\.duration.count) == [1])
    }

    @Test func timesAreForgottenAfterFiveToTenMinutes() throws {
        var rig = Rig()
        try call("p", for: 5, &rig)
        #expect(try routes(at: 2 * Self.stretch - 1, &rig).map(\.duration.count) == [1])
        #expect(try routes(at: 2 * Self.stretch, &rig) == [])
        try call("p", from: 2 * Self.stretch, for: 1, &rig)
        try call("p", from: 3 * Self.stretch - 3, for: 2, &rig)
        try call("p", from: 3 * Self.stretch, for: 7, &rig)
        let both = try routes(at: 3 * Self.stretch + 7, &rig).map(\.duration)
        #expect(both == [Latency(count: 3, p50Milliseconds: 2, p95Milliseconds: 7, p99Milliseconds: 7)])
        #expect(try routes(at: 4 * Self.stretch, &rig).map(\.duration.count) == [1])
    }

    @Test func theOverviewHasTheTimesOfAllRoutesOfAProvider() throws {
        var rig = Rig()
        try call("p/a", for: 2, &rig)
        try call("p@eu/b", from: 2, for: 4, timing: CallTiming(firstTokenMilliseconds: 1), &rig)
        try call("q", from: 6, for: 6, outcome: .rejected, &rig)
        let entries = try rig.apply(Overview(), at: 12).entries
        let duration = Latency(count: 2, p50Milliseconds: 2, p95Milliseconds: 4, p99Milliseconds: 4)
        #expect(entries.first { $0.name == name("p") }?.duration == duration)
        #expect(entries.first { $0.name == name("p") }?.firstToken?.p99Milliseconds == 1)
        #expect(entries.first { $0.name == name("q") }?.duration == nil)
    }

    @Test func aPreviewTellsWhatIsKnownOfEachCandidate() throws {
        var rig = Rig()
        try call("p/m", for: 3, &rig)
        try call("r", for: 5, outcome: .rejected, &rig)
        try rig.apply(BreakerConfigure(name: name("r"), change: .init(degradationCurve: [1, 0.5])), at: 5)
        try rig.apply(BreakerFailure(name: name("r")), at: 5)
        try rig.apply(ExhaustionMark(provider: name("q"), resetAfterMilliseconds: 1_000), at: 5)
        var preview = AdmitPreview()
        for route in ["p/m", "q", "r", "p", "new"] {
            preview.candidates.append(try LimitCalls.admit(route).candidates[0])
        }
        preview.estimate = Estimate(cost: dollars("0.25"))
        let reply = try rig.apply(preview, at: 5)
        #expect(reply.decision.candidate == 0)
        let outlooks = reply.outlooks.array
        #expect(outlooks.map { $0.denial?.reason } == [nil, .exhausted, nil, nil, nil])
        #expect(outlooks[1].denial?.retryAfterMilliseconds == 1_000)
        #expect(outlooks.map { $0.duration?.p50Milliseconds } == [3, nil, nil, nil, nil])
        #expect(outlooks.map(\.share) == [1, 1, 0.5, 1, 1])
        #expect(outlooks[2].state == .degraded)
        #expect(outlooks.allSatisfy { $0.heldCost == dollars("0.25") && $0.costBasis == .told })
    }

    // MARK: Bounds

    @Test func aNewRouteTakesThePlaceOfTheOneUsedLongestAgoOfTheUserWithTheMost() throws {
        var bounds = Bounds()
        bounds.latencyRoutes = 4
        bounds.latencyRoutesPerUser = 3
        var rig = Rig(bounds: bounds)
        func providers() throws -> [String] { try routes(at: 9, &rig).map(\.provider.text).sorted() }
        for (number, route) in ["a", "b", "c", "a", "d"].enumerated() {
            try call(route, from: Int64(number), for: 1, by: 7, &rig)
        }
        #expect(try providers() == ["a", "c", "d"])
        for (number, route) in ["e", "f"].enumerated() { try call(route, from: Int64(number) + 6, for: 1, by: 8, &rig) }
        #expect(try providers() == ["a", "d", "e", "f"])
    }

    @Test func aListHasAsManyRoutesAsAPage() throws {
        var bounds = Bounds()
        bounds.latencyRoutesPerUser = bounds.latencyRoutes
        var rig = Rig(bounds: bounds)
        let count = WireLimits.pageLength + 3
        for number in 0..<count { try call("p\(number)", for: 1, &rig) }
        var list = LatencyList()
        let first = try rig.apply(list, at: 1)
        #expect(first.entries.count == WireLimits.pageLength && first.next != 0)
        list.cursor = first.next
        let second = try rig.apply(list, at: 1)
        #expect(second.entries.count == 3 && second.next == 0)
        #expect(Set((first.entries + second.entries).map(\.provider)).count == count)
    }

    // MARK: What they are no part of

    @Test func aSnapshotHasNoTimesAndAStartFromOneBeginsAnew() throws {
        var rig = Rig()
        var other = Rig()
        try call("p", for: 3, &rig)
        try call("p", for: 3, timing: CallTiming(durationMilliseconds: 99), &other)
        #expect(rig.machine.image == other.machine.image)
        rig.machine = try rig.machine.restored()
        #expect(try routes(at: 3, &rig) == [])
        #expect(try routes(at: 3, &other).count == 1)
    }

    @Test func aProviderThatIsForgottenTakesItsTimesWithItAndItsNumberBringsThemToNoOther() throws {
        var rig = Rig()
        try call("p", for: 3, &rig)
        try rig.apply(Forget(name: name("p")), at: 3)
        #expect(try routes(at: 3, &rig) == [])
        try call("q", for: 3, &rig)
        try call("other", from: 3, for: 5, &rig)
        #expect(try routes(at: 8, &rig).map(\.provider.text).sorted() == ["other", "q"])
    }

    /// A name without an account is dropped, and its number is given to another.
    @Test func timesOfANameThatIsGoneDoNotBecomeThoseOfTheOneWithItsNumber() {
        var latencies = RecentLatencies()
        let id = NameID(index: 0)
        let route = ScopeKey(place: id)
        let old = RecentLatencies.Names(provider: name("old"))
        let new = RecentLatencies.Names(provider: name("new"))
        let now = Timestamp(milliseconds: 0)
        latencies.add(duration: 3, firstToken: nil, of: route, provider: id, old, by: 0, at: now, Bounds())
        #expect(latencies.figures(of: route, new, at: now).duration == nil)
        latencies.add(duration: 7, firstToken: nil, of: route, provider: id, new, by: 0, at: now, Bounds())
        #expect(latencies.figures(of: route, new, at: now).duration?.p50Milliseconds == 7)
        #expect(latencies.figures(of: route, old, at: now).duration == nil)
        #expect(latencies.count == 1)
        #expect(latencies.figures(ofProvider: id, name("new"), at: now).duration?.count == 1)
        #expect(latencies.figures(ofProvider: id, name("old"), at: now).duration == nil)
    }
}
