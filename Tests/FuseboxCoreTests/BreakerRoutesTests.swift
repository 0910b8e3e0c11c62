import FuseboxWire
import Testing

@testable import FuseboxCore

/// Which breaker hears of a call, and which stand against it.
struct BreakerRoutesTests {
    // MARK: Deployments

    @Test func aDeploymentHasABreakerOfItsOwnAndTheProvidersIsNotMovedByIt() throws {
        var calls = try RoutedCalls()
        try calls.call("p@eu/m", .failure, times: 3)
        try calls.call("p@us/m", .success)
        try calls.call("p/m", .failure)
        #expect(try calls.list() == ["p 1", "p@eu 3", "p@us 0"])
        try calls.call("p@eu", .failure, times: 2)
        #expect(try calls.denial("p@eu/m")?.reason == .breakerOpen)
        #expect(try calls.denial("p@eu/m")?.openedBy == .failures)
        #expect(try calls.denial("p@us/m") == nil)
        #expect(try calls.denial("p/m") == nil)
    }

    @Test func aProvidersBreakerThatFailuresHaveOpenedDoesNotStandAgainstItsDeployments() throws {
        var calls = try RoutedCalls()
        try calls.call("p", .failure, times: 5)
        #expect(try calls.denial("p")?.reason == .breakerOpen)
        #expect(try calls.denial("p@eu") == nil)
    }

    @Test func oneThatAnOperatorHasOpenedDoesWhileItIsOpen() throws {
        var calls = try RoutedCalls()
        try calls.call("p@eu", .success)
        try calls.rig.apply(BreakerForceOpen(name: name("p")))
        for route in ["p", "p@eu", "p@new", "p@eu/m"] {
            #expect(
                try calls.denial(route)
                    == Denial(reason: .breakerOpen, retryAfterMilliseconds: 60_000, openedBy: .forced),
                "\(route)")
        }
        let rejected = try calls.rig.apply(BreakerAcquire(name: name("p"), deployment: name("eu")), at: 10_000)
        #expect(!rejected.admitted && rejected.retryAfterMilliseconds == 50_000)
        // From its first step of recovery on each goes by its own.
        try calls.rig.apply(Advance(), at: 60_000)
        for route in ["p@eu", "p@new"] { #expect(try calls.denial(route, at: 60_000) == nil, "\(route)") }
    }

    @Test func reportsAndOutcomesWithoutAPermitGoToTheBreakerOfTheirRoute() throws {
        var calls = try RoutedCalls()
        try calls.rig.apply(BreakerFailure(name: name("p"), deployment: name("eu"), model: name("m")))
        try calls.rig.apply(BreakerFailure(name: name("p"), model: name("m")))
        try calls.rig.apply(Report(candidate: calls.candidate("p@us/m"), outcome: .failure))
        #expect(try calls.list() == ["p 1", "p@eu 1", "p@us 1"])
        try calls.divideByModel()
        try calls.rig.apply(BreakerFailure(name: name("p"), deployment: name("eu"), model: name("m")))
        try calls.rig.apply(BreakerFailure(name: name("p"), model: name("m")))
        try calls.rig.apply(BreakerFailure(name: name("p"), deployment: name("eu")))
        #expect(try calls.list() == ["p 1", "p/m 1", "p@eu 2", "p@eu/m 1", "p@us 1"])
    }

    // MARK: Models

    @Test func byModelEachModelOfAProviderHasABreakerOfItsOwn() throws {
        var calls = try RoutedCalls()
        try calls.divideByModel()
        try calls.call("p/m", .failure, times: 5)
        try calls.call("p/n", .success)
        try calls.call("p", .failure)
        #expect(try calls.list() == ["p 1", "p/m 5", "p/n 0"])
        #expect(try calls.denial("p/m")?.reason == .breakerOpen)
        #expect(try calls.denial("p/n") == nil)
        #expect(try calls.denial("p") == nil)
        // Another provider has one breaker.
        try calls.call("q/m", .failure)
        #expect(try calls.failures("q") == 1)
    }

    @Test func aModelThatAnsweredThoughNoneWasAskedForDoesNotMoveItsBreaker() throws {
        var calls = try RoutedCalls()
        try calls.divideByModel()
        let usage = CallUsage(model: name("m"), cost: .zero)
        let candidate = try calls.candidate("p")
        try calls.rig.apply(Report(candidate: candidate, outcome: .failure, usage: usage))
        #expect(try calls.list() == ["p 1"])
    }

    @Test func byProviderAgainItsModelsLoseTheirBreakersAndLateResultsMoveNone() throws {
        var calls = try RoutedCalls()
        try calls.divideByModel()
        let admit = try calls.admit("p/m")
        let permit = try #require(try calls.rig.apply(admit).permit)
        try calls.configure("p", .init(byModel: false))
        #expect(try calls.list() == ["p 0"])
        try calls.rig.apply(Settle(permit: permit, outcome: .failure))
        #expect(try calls.list() == ["p 0"])
        try calls.call("p/m", .failure)
        #expect(try calls.list() == ["p 1"])
        #expect(try calls.rig.machine.restored().image == calls.rig.machine.image)
    }

    @Test func anOperatorOpensTheBreakersOfAllModelsWithThatOfTheProvider() throws {
        var calls = try RoutedCalls()
        try calls.divideByModel()
        try calls.call("p@eu/m", .success)
        try calls.rig.apply(BreakerForceOpen(name: name("p"), deployment: name("eu")))
        #expect(try calls.denial("p@eu/m")?.openedBy == .forced)
        #expect(try calls.denial("p@us/m") == nil)
        try calls.rig.apply(BreakerForceOpen(name: name("p")))
        #expect(try calls.denial("p@us/m")?.openedBy == .forced)
    }

    @Test func withoutRoomForMoreABreakerOfAModelIsThatOfItsProvider() throws {
        var bounds = Bounds()
        bounds.modelBreakers = 1
        var calls = try RoutedCalls(bounds: bounds)
        try calls.divideByModel()
        try calls.call("p/m", .failure)
        try calls.call("p/n", .failure, times: 2)
        try calls.call("p@eu/n", .failure, times: 3)
        #expect(try calls.list() == ["p 2", "p/m 1", "p@eu 3"])
    }

    @Test func oneUserCannotTakeTheRoomForTheBreakersOfOthersModels() throws {
        var bounds = Bounds()
        bounds.modelBreakersPerUser = 2
        var calls = try RoutedCalls(bounds: bounds)
        try calls.divideByModel()
        for model in ["a", "b", "c", "d"] { try calls.call("p/\(model)", .failure, by: 7) }
        try calls.call("p/c", .failure, by: 8)
        #expect(try calls.list() == ["p 2", "p/a 1", "p/b 1", "p/c 1"])
        calls.rig.machine = try calls.rig.machine.restored()
        calls.rig.machine.bounds = bounds
        try calls.call("p/e", .failure, by: 7)
        // A breaker that is forgotten makes room for another.
        try calls.rig.apply(BreakerConfigure(name: name("p"), change: .init(byModel: false)))
        try calls.divideByModel()
        try calls.call("p/f", .failure, by: 7)
        try calls.call("p/g", .failure)
        #expect(try calls.list() == ["p 3", "p/f 1", "p/g 1"])
    }

    @Test func aModelOfAProviderWithOneBreakerCannotBeConfiguredOrOpened() throws {
        var calls = try RoutedCalls()
        calls.rig.expect(.outOfRange, of: BreakerForceOpen(name: name("p"), model: name("m")))
        let change = BreakerConfigurationChange(failureThreshold: 2)
        calls.rig.expect(.outOfRange, of: BreakerConfigure(name: name("p"), model: name("m"), change: change))
        calls.rig.expect(
            .outOfRange, of: BreakerConfigure(name: name("p"), deployment: name("eu"), change: .init(byModel: true)))
        #expect(calls.rig.machine.breakers.count == 0)
        try calls.divideByModel()
        try calls.configure("p/m", change)
        #expect(try calls.rig.apply(BreakerGet(name: name("p"), model: name("m"))).status.failureThreshold == 2)
    }

    // MARK: Configuration

    @Test func aBreakerBelowAnotherHasItsConfigurationUntilItGetsItsOwn() throws {
        var calls = try RoutedCalls()
        try calls.call("p@eu", .success)
        try calls.configure("p", .init(failureThreshold: 7, byModel: true))
        try calls.call("p@us/m", .success)
        for route in ["p@eu", "p@us", "p@us/m", "p@new"] { #expect(try calls.threshold(route) == 7, "\(route)") }
        try calls.configure("p@us", .init(failureThreshold: 3))
        try calls.configure("p", .init(failureThreshold: 9))
        #expect(try calls.threshold("p@us/m") == 3)
        #expect(try calls.threshold("p@us") == 3)
        #expect(try calls.threshold("p@eu") == 9)
    }

    @Test func ofSeveralThatConfigureABreakerIfItIsAbsentTheFirstWins() throws {
        var calls = try RoutedCalls()
        try calls.call("p", .success)
        for threshold in [3, 4] as [UInt32] {
            try calls.rig.apply(
                BreakerConfigure(name: name("p"), change: .init(failureThreshold: threshold), ifAbsent: true))
        }
        #expect(try calls.threshold("p") == 3)
        try calls.configure("p", .init(failureThreshold: 4))
        #expect(try calls.threshold("p") == 4)
    }

    @Test func aBreakerIsRemovedAloneAndThoseBelowItGetWhatIsAboveThem() throws {
        var calls = try RoutedCalls()
        try calls.configure("p", .init(failureThreshold: 7, byModel: true))
        try calls.configure("p@us", .init(failureThreshold: 3))
        for route in ["p@eu", "p@us", "p/m"] { try calls.call(route, .failure) }
        try calls.rig.apply(ExhaustionMark(provider: name("p"), deployment: name("eu")))
        calls.rig.expect(.notFound, of: BreakerRemove(name: name("p"), deployment: name("new")))
        calls.rig.expect(.notFound, of: BreakerRemove(name: name("q")))
        try calls.rig.apply(BreakerRemove(name: name("p"), deployment: name("us")))
        #expect(try calls.list() == ["p 0", "p/m 1", "p@eu 1"])
        #expect(try calls.threshold("p@us") == 7)
        // The models have one breaker together again.
        try calls.rig.apply(BreakerRemove(name: name("p")))
        #expect(try calls.list() == ["p@eu 1"])
        #expect(try calls.threshold("p@eu") == 5)
        #expect(calls.rig.machine.exhaustion.count == 1)
        #expect(try calls.rig.machine.restored().image == calls.rig.machine.image)
    }

    @Test func anOpenBreakerThatIsRemovedIsToldAsClosed() throws {
        var calls = try RoutedCalls()
        try calls.rig.apply(BreakerForceOpen(name: name("p")))
        _ = calls.rig.takeEvents()
        try calls.rig.apply(BreakerRemove(name: name("p")))
        let told = calls.rig.takeEvents().compactMap { event -> BreakerTransition? in
            if case .breakerTransition(let transition) = event { transition } else { nil }
        }
        #expect(told.map(\.to) == [.closed])
        #expect(calls.rig.machine.breakers.count == 0)
        #expect(calls.rig.machine.names.count == 0)
    }

    // MARK: Keeping and forgetting

    @Test func aRecordKeepsItsRoute() throws {
        var calls = try RoutedCalls()
        try calls.divideByModel()
        try calls.call("p@eu/m", .failure, times: 2)
        let serialize = BreakerSerialize(name: name("p"), deployment: name("eu"), model: name("m"))
        let record = try calls.rig.apply(serialize)
        try calls.rig.apply(BreakerReset(name: name("p"), deployment: name("eu"), model: name("m")))
        try calls.rig.apply(BreakerDeserialize(record: record))
        #expect(try calls.failures("p@eu/m") == 2)
    }

    @Test func whoForgetsAProviderForgetsTheBreakersOfItsDeploymentsAndModels() throws {
        var calls = try RoutedCalls()
        try calls.divideByModel()
        for route in ["p", "p/m", "p@eu", "p@eu/m", "q@eu"] { try calls.call(route, .success) }
        try calls.rig.apply(Forget(name: name("p")))
        #expect(try calls.list() == ["q@eu 0"])
        #expect(try calls.rig.machine.restored().image == calls.rig.machine.image)
    }

    @Test func idleBreakersOfDeploymentsAndModelsAreForgottenThoughTheirProviderHasAnAccount() throws {
        var calls = try RoutedCalls()
        try calls.divideByModel()
        for route in ["p/m", "p@eu", "q"] { try calls.call(route, .success) }
        let idle = Bounds().idleBreakerMilliseconds
        #expect(try calls.rig.apply(EvictIdleBreakers(), at: idle).forgotten == 2)
        #expect(try calls.list() == ["p 0", "q 0"])
    }

    @Test func theOverviewCountsWhatIsNotClosedBelowAProvider() throws {
        var calls = try RoutedCalls()
        try calls.rig.apply(BreakerForceOpen(name: name("p"), deployment: name("eu")))
        try calls.rig.apply(BreakerForceOpen(name: name("p"), deployment: name("us")))
        try calls.rig.apply(BreakerSuccess(name: name("p"), deployment: name("asia")))
        let entries = try calls.rig.apply(Overview()).entries
        #expect(entries.map(\.name.text) == ["p"])
        #expect(entries.map(\.narrowBreakers) == [2])
    }

    /// What has a configuration of its own, or is below one that has, keeps it.
    @Test func theDefaultReachesBreakersThatHaveNoConfigurationOfTheirOwn() throws {
        var calls = try RoutedCalls()
        try calls.rig.apply(BreakerConfigure(name: name("own"), change: .init(maxProbes: 2)))
        for route in ["p", "p@eu", "own@eu"] { try calls.call(route, .failure) }
        try calls.rig.apply(BreakerConfigureDefault(change: .init(failureThreshold: 2)))
        for (route, threshold) in [("p", UInt32(2)), ("p@eu", 2), ("own", 5), ("own@eu", 5)] {
            let route = try calls.candidate(route)
            let configuration = try calls.rig.apply(
                BreakerConfigurationGet(name: route.provider, deployment: route.deployment))
            #expect(configuration.failureThreshold == threshold, "\(route)")
        }
        #expect(try calls.rig.machine.restored().image == calls.rig.machine.image)
    }

    /// The models of a provider have one breaker together as soon as the default says so.
    @Test func aDefaultThatIsNotByModelAnyMoreRemovesTheBreakersOfModels() throws {
        var calls = try RoutedCalls()
        try calls.rig.apply(BreakerConfigureDefault(change: .init(byModel: true)))
        try calls.rig.apply(BreakerConfigure(name: name("own"), change: .init(byModel: true)))
        for route in ["p/m", "own/m"] { try calls.call(route, .failure) }
        #expect(try calls.failures("p/m") == 1)
        try calls.rig.apply(BreakerConfigureDefault(change: .init(byModel: false)))
        #expect(try calls.failures("p/m") == nil)
        #expect(try calls.failures("own/m") == 1)
    }

    @Test func aTransitionTellsTheRouteAndTheRule() throws {
        var calls = try RoutedCalls()
        try calls.rig.apply(BreakerForceOpen(name: name("p"), deployment: name("eu")))
        guard case .breakerTransition(let event)? = calls.rig.events.last else {
            Issue.record("no transition in \(calls.rig.events)")
            return
        }
        #expect((event.name, event.deployment, event.model) == (name("p"), name("eu"), nil))
        #expect((event.to, event.openedBy) == (.open, .forced))
    }
}

/// Calls by routes, and what breakers make of them.
private struct RoutedCalls {
    var rig: Rig

    /// Breakers let everything through until they are open.
    init(bounds: Bounds = Bounds()) throws {
        rig = Rig(bounds: bounds)
        try rig.apply(BreakerConfigureDefault(change: .init(degradationCurve: [1])))
    }

    func candidate(_ route: String) throws -> Candidate {
        let parts = try RouteText(route)
        return Candidate(provider: parts.provider, deployment: parts.deployment, model: parts.model)
    }

    func admit(_ route: String) throws -> Admit {
        Admit(candidates: .only(try candidate(route)), ttlMilliseconds: 3_600_000)
    }

    /// Makes calls by a route, each of which has this outcome.
    mutating func call(
        _ route: String, _ outcome: Outcome, times: Int = 1, by user: UInt32 = 0, at milliseconds: Int64 = 0
    ) throws {
        for _ in 0..<times {
            let permit = try rig.apply(admit(route), at: milliseconds, by: user).permit
            try rig.apply(Settle(permit: #require(permit), outcome: outcome), at: milliseconds, by: user)
        }
    }

    mutating func denial(_ route: String, at milliseconds: Int64 = 0) throws -> Denial? {
        try rig.apply(AdmitPreview(candidates: .only(candidate(route))), at: milliseconds).decision.denials.array.first
    }

    mutating func failures(_ route: String) throws -> UInt32? {
        let route = try candidate(route)
        let reply = try rig.apply(
            BreakerGet(name: route.provider, deployment: route.deployment, model: route.model))
        return reply.exists ? reply.status.consecutiveFailures : nil
    }

    /// Every breaker as its route, with its failures.
    mutating func list() throws -> [String] {
        try rig.apply(BreakerList()).entries.map { entry in
            let route = Candidate(provider: entry.name, deployment: entry.deployment, model: entry.model).route
            return "\(route) \(entry.status.consecutiveFailures)"
        }.sorted()
    }

    mutating func configure(_ route: String, _ change: BreakerConfigurationChange) throws {
        let route = try candidate(route)
        try rig.apply(
            BreakerConfigure(
                name: route.provider, deployment: route.deployment, model: route.model, change: change))
    }

    mutating func threshold(_ route: String) throws -> UInt32 {
        let route = try candidate(route)
        let command = BreakerConfigurationGet(
            name: route.provider, deployment: route.deployment, model: route.model)
        return try rig.apply(command).failureThreshold
    }

    mutating func divideByModel() throws { try configure("p", .init(byModel: true)) }
}
