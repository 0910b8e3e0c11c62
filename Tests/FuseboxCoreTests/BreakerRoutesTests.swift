import FuseboxWire
import Testing

@testable import FuseboxCore

/// Which breaker hears of a call, and which stand against it.
struct BreakerRoutesTests {
    private var rig = Rig()

    private func candidate(_ route: String) throws -> Candidate {
        let parts = try RouteText(route)
        return Candidate(provider: parts.provider, deployment: parts.deployment, model: parts.model)
    }

    private func admit(_ route: String) throws -> Admit {
        Admit(candidates: Candidates([try candidate(route)]), ttlMilliseconds: 3_600_000)
    }

    /// Makes calls by a route, each of which has this outcome.
    private mutating func call(
        _ route: String, _ outcome: Outcome, times: Int = 1, at milliseconds: Int64 = 0
    ) throws {
        for _ in 0..<times {
            let permit = try #require(try rig.apply(admit(route), at: milliseconds).permit)
            try rig.apply(Settle(permit: permit, outcome: outcome), at: milliseconds)
        }
    }

    private mutating func denial(_ route: String, at milliseconds: Int64 = 0) throws -> Denial? {
        try rig.apply(AdmitPreview(candidates: Candidates([candidate(route)])), at: milliseconds).denials.array.first
    }

    private mutating func failures(_ route: String) throws -> UInt32? {
        let route = try candidate(route)
        let reply = try rig.apply(
            BreakerGet(name: route.provider, deployment: route.deployment, model: route.model))
        return reply.exists ? reply.status.consecutiveFailures : nil
    }

    /// Every breaker as its route, with its failures.
    private mutating func list() throws -> [String] {
        try rig.apply(BreakerList()).entries.map { entry in
            let route = Candidate(provider: entry.name, deployment: entry.deployment, model: entry.model).route
            return "\(route) \(entry.status.consecutiveFailures)"
        }.sorted()
    }

    private mutating func configure(_ route: String, _ change: BreakerConfigurationChange) throws {
        let route = try candidate(route)
        try rig.apply(
            BreakerConfigure(
                name: route.provider, deployment: route.deployment, model: route.model, change: change))
    }

    private mutating func divideByModel() throws { try configure("p", .init(byModel: true)) }

    // MARK: Deployments

    @Test mutating func aDeploymentHasABreakerOfItsOwnAndTheProvidersIsNotMovedByIt() throws {
        try call("p@eu/m", .failure, times: 3)
        try call("p@us/m", .success)
        try call("p/m", .failure)
        #expect(try list() == ["p 1", "p@eu 3", "p@us 0"])
        try call("p@eu", .failure, times: 2)
        #expect(try denial("p@eu/m")?.reason == .breakerOpen)
        #expect(try denial("p@eu/m")?.openedBy == .failures)
        #expect(try denial("p@us/m") == nil)
        #expect(try denial("p/m") == nil)
    }

    @Test mutating func aProvidersBreakerThatFailuresHaveOpenedDoesNotStandAgainstItsDeployments() throws {
        try call("p", .failure, times: 5)
        #expect(try denial("p")?.reason == .breakerOpen)
        #expect(try denial("p@eu") == nil)
    }

    @Test mutating func oneThatAnOperatorHasOpenedDoesWhileItIsOpen() throws {
        try call("p@eu", .success)
        try rig.apply(BreakerForceOpen(name: name("p")))
        for route in ["p", "p@eu", "p@new", "p@eu/m"] {
            #expect(
                try denial(route) == Denial(reason: .breakerOpen, retryAfterMilliseconds: 60_000, openedBy: .forced),
                "\(route)")
        }
        let rejected = try rig.apply(BreakerAcquire(name: name("p"), deployment: name("eu")), at: 10_000)
        #expect(!rejected.admitted && rejected.retryAfterMilliseconds == 50_000)
        // From its first step of recovery on each goes by its own.
        try rig.apply(Advance(), at: 60_000)
        for route in ["p@eu", "p@new"] { #expect(try denial(route, at: 60_000) == nil, "\(route)") }
    }

    @Test mutating func reportsAndOutcomesWithoutAPermitGoToTheBreakerOfTheirRoute() throws {
        try rig.apply(BreakerFailure(name: name("p"), deployment: name("eu"), model: name("m")))
        try rig.apply(BreakerFailure(name: name("p"), model: name("m")))
        try rig.apply(Report(candidate: candidate("p@us/m"), outcome: .failure))
        #expect(try list() == ["p 1", "p@eu 1", "p@us 1"])
        try divideByModel()
        try rig.apply(BreakerFailure(name: name("p"), deployment: name("eu"), model: name("m")))
        try rig.apply(BreakerFailure(name: name("p"), model: name("m")))
        try rig.apply(BreakerFailure(name: name("p"), deployment: name("eu")))
        #expect(try list() == ["p 1", "p/m 1", "p@eu 2", "p@eu/m 1", "p@us 1"])
    }

    // MARK: Models

    @Test mutating func byModelEachModelOfAProviderHasABreakerOfItsOwn() throws {
        try divideByModel()
        try call("p/m", .failure, times: 5)
        try call("p/n", .success)
        try call("p", .failure)
        #expect(try list() == ["p 1", "p/m 5", "p/n 0"])
        #expect(try denial("p/m")?.reason == .breakerOpen)
        #expect(try denial("p/n") == nil)
        #expect(try denial("p") == nil)
        // Another provider has one breaker.
        try call("q/m", .failure)
        #expect(try failures("q") == 1)
    }

    @Test mutating func byProviderAgainItsModelsLoseTheirBreakersAndLateResultsMoveNone() throws {
        try divideByModel()
        let permit = try #require(try rig.apply(admit("p/m")).permit)
        try configure("p", .init(byModel: false))
        #expect(try list() == ["p 0"])
        try rig.apply(Settle(permit: permit, outcome: .failure))
        #expect(try list() == ["p 0"])
        try call("p/m", .failure)
        #expect(try list() == ["p 1"])
        #expect(try rig.machine.restored().image == rig.machine.image)
    }

    @Test mutating func anOperatorOpensTheBreakersOfAllModelsWithThatOfTheProvider() throws {
        try divideByModel()
        try call("p@eu/m", .success)
        try rig.apply(BreakerForceOpen(name: name("p"), deployment: name("eu")))
        #expect(try denial("p@eu/m")?.openedBy == .forced)
        #expect(try denial("p@us/m") == nil)
        try rig.apply(BreakerForceOpen(name: name("p")))
        #expect(try denial("p@us/m")?.openedBy == .forced)
    }

    @Test mutating func withoutRoomForMoreABreakerOfAModelIsThatOfItsProvider() throws {
        rig = Rig(
            bounds: {
                var bounds = Bounds(); bounds.modelBreakers = 1; return bounds
            }())
        try divideByModel()
        try call("p/m", .failure)
        try call("p/n", .failure, times: 2)
        try call("p@eu/n", .failure, times: 3)
        #expect(try list() == ["p 2", "p/m 1", "p@eu 3"])
    }

    @Test mutating func aModelOfAProviderWithOneBreakerCannotBeConfiguredOrOpened() throws {
        rig.expect(.outOfRange, of: BreakerForceOpen(name: name("p"), model: name("m")))
        let change = BreakerConfigurationChange(failureThreshold: 2)
        rig.expect(.outOfRange, of: BreakerConfigure(name: name("p"), model: name("m"), change: change))
        rig.expect(
            .outOfRange, of: BreakerConfigure(name: name("p"), deployment: name("eu"), change: .init(byModel: true)))
        #expect(rig.machine.breakers.count == 0)
        try divideByModel()
        try configure("p/m", change)
        #expect(try rig.apply(BreakerGet(name: name("p"), model: name("m"))).status.failureThreshold == 2)
    }

    // MARK: Configuration

    @Test mutating func aBreakerBelowAnotherHasItsConfigurationUntilItGetsItsOwn() throws {
        try call("p@eu", .success)
        try configure("p", .init(failureThreshold: 7, byModel: true))
        try call("p@us/m", .success)
        func threshold(_ route: String, _ rig: inout Rig) throws -> UInt32 {
            let route = try candidate(route)
            return try rig.apply(
                BreakerConfigurationGet(name: route.provider, deployment: route.deployment, model: route.model)
            ).failureThreshold
        }
        for route in ["p@eu", "p@us", "p@us/m", "p@new"] { #expect(try threshold(route, &rig) == 7, "\(route)") }
        try configure("p@us", .init(failureThreshold: 3))
        try configure("p", .init(failureThreshold: 9))
        #expect(try threshold("p@us/m", &rig) == 3)
        #expect(try threshold("p@us", &rig) == 3)
        #expect(try threshold("p@eu", &rig) == 9)
    }

    // MARK: Keeping and forgetting

    @Test mutating func aRecordKeepsItsRoute() throws {
        try divideByModel()
        try call("p@eu/m", .failure, times: 2)
        let serialize = BreakerSerialize(name: name("p"), deployment: name("eu"), model: name("m"))
        let record = try rig.apply(serialize)
        try rig.apply(BreakerReset(name: name("p"), deployment: name("eu"), model: name("m")))
        try rig.apply(BreakerDeserialize(record: record))
        #expect(try failures("p@eu/m") == 2)
    }

    @Test mutating func whoForgetsAProviderForgetsTheBreakersOfItsDeploymentsAndModels() throws {
        try divideByModel()
        for route in ["p", "p/m", "p@eu", "p@eu/m", "q@eu"] { try call(route, .success) }
        try rig.apply(Forget(name: name("p")))
        #expect(try list() == ["q@eu 0"])
        #expect(try rig.machine.restored().image == rig.machine.image)
    }

    @Test mutating func idleBreakersOfDeploymentsAndModelsAreForgottenThoughTheirProviderHasAnAccount() throws {
        try divideByModel()
        for route in ["p/m", "p@eu", "q"] { try call(route, .success) }
        let idle = Bounds().idleBreakerMilliseconds
        #expect(try rig.apply(EvictIdleBreakers(), at: idle).forgotten == 2)
        #expect(try list() == ["p 0", "q 0"])
    }

    @Test mutating func theOverviewCountsWhatIsNotClosedBelowAProvider() throws {
        try rig.apply(BreakerFailure(name: name("p"), deployment: name("eu")))
        try rig.apply(BreakerFailure(name: name("p"), deployment: name("us")))
        try rig.apply(BreakerSuccess(name: name("p"), deployment: name("asia")))
        let entries = try rig.apply(Overview()).entries
        #expect(entries.map(\.name.text) == ["p"])
        #expect(entries.map(\.narrowBreakers) == [2])
    }

    @Test mutating func aTransitionTellsTheRouteAndTheRule() throws {
        try rig.apply(BreakerForceOpen(name: name("p"), deployment: name("eu")))
        guard case .breakerTransition(let event)? = rig.events.last else {
            Issue.record("no transition in \(rig.events)")
            return
        }
        #expect((event.name, event.deployment, event.model) == (name("p"), name("eu"), nil))
        #expect((event.to, event.openedBy) == (.open, .forced))
    }
}
