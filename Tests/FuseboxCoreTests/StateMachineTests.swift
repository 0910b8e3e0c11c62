import FuseboxWire
import Testing

@testable import FuseboxCore

struct StateMachineTests {
    private func usage(_ provider: Name, _ model: Name) -> LedgerRecord {
        LedgerRecord(provider: provider, model: model, cost: dollars("0.01"), inputTokens: 1, outputTokens: 1)
    }

    /// A limit of $1 that goes on until reset.
    private func manual(on scope: Scope) -> LimitSet {
        LimitSet(scope: scope, limits: [Limit(.cost, 1_000_000_000, .manual)])
    }

    // MARK: Dispatch

    private struct TypeName: StateCommandVisitor, CommandVisitor {
        mutating func visit<C: StateCommand>(_ command: C.Type) -> ObjectIdentifier { ObjectIdentifier(command) }
        mutating func visit<C: Command>(_ command: C.Type) -> ObjectIdentifier { ObjectIdentifier(command) }
    }

    @Test func dispatchIsTheCommandTableWithoutTheCommandsOfConnectionsAndFiles() throws {
        var visitor = TypeName()
        // The server answers these two reads itself.
        let ofServer: [CommandNumber] = [.ping, .serverStatus]
        var dispatched = 0
        for number in CommandNumber.allCases {
            let found = StateMachine.dispatch(number, &visitor)
            let declaration = number.declaration
            if declaration.effect != .session, !ofServer.contains(number) {
                #expect(found != nil, "\(declaration.name)")
                #expect(found == CommandTable.dispatch(number, &visitor), "\(declaration.name)")
                dispatched += 1
            } else {
                #expect(found == nil, "\(number)")
            }
        }
        #expect(dispatched > 40)
    }

    // MARK: Refusals

    @Test func aNewNamePastTheLimitIsRefusedAndChangesNothing() throws {
        var bounds = Bounds()
        bounds.names = 2
        var rig = Rig(bounds: bounds)
        try rig.apply(BreakerFailure(name: name("a")))
        try rig.apply(ExhaustionMark(provider: name("b")))
        let before = rig.machine.image
        let c = name("c")
        rig.expect(.limitReached, of: BreakerFailure(name: c), at: 5)
        rig.expect(.limitReached, of: BreakerAcquire(name: c), at: 5)
        rig.expect(.limitReached, of: BreakerConfigure(name: c, change: BreakerConfigurationChange()), at: 5)
        rig.expect(.limitReached, of: ExhaustionMark(provider: c), at: 5)
        rig.expect(.limitReached, of: usage(c, name("m")), at: 5)
        rig.expect(.limitReached, of: manual(on: Scope(provider: c, model: name("m"))), at: 5)
        #expect(rig.machine.image == before)
        #expect(rig.machine.models.count == 0)
        // Known names still work, and a name that is removed makes room.
        try rig.apply(usage(name("a"), name("m")))
        try rig.apply(Forget(name: name("b")))
        try rig.apply(BreakerFailure(name: name("c")))
    }

    @Test func oneUserCannotUseUpTheNamesOfAll() throws {
        var bounds = Bounds()
        bounds.namesPerUser = 2
        var rig = Rig(bounds: bounds)
        try rig.apply(BreakerFailure(name: name("a")), by: 1)
        try rig.apply(BreakerFailure(name: name("b")), by: 1)
        rig.expect(.limitReached, of: BreakerFailure(name: name("c")), by: 1)
        try rig.apply(BreakerFailure(name: name("c")), by: 2)
        try rig.apply(BreakerFailure(name: name("c")), by: 1)
    }

    /// A state with one account, model and limit, whose bounds permit no more.
    private func full(_ bound: WritableKeyPath<Bounds, Int>) throws -> Rig {
        var bounds = Bounds()
        bounds[keyPath: bound] = 1
        var rig = Rig(bounds: bounds)
        try rig.apply(usage(name("p"), name("m")))
        try rig.apply(manual(on: Scope(provider: name("p"), model: name("m"))))
        return rig
    }

    @Test func newModelsAccountsModelAccountsAndLimitsPastTheirBoundsAreRefusedAndChangeNothing() throws {
        let (p, q, m, n) = (name("p"), name("q"), name("m"), name("n"))
        for bound in [\Bounds.models, \.modelAccounts] {
            var rig = try full(bound)
            let before = rig.machine.image
            rig.expect(.limitReached, of: usage(p, n))
            rig.expect(.limitReached, of: manual(on: Scope(provider: p, model: n)))
            #expect(rig.machine.image == before)
            try rig.apply(usage(p, m))
        }
        var accounts = try full(\.providerAccounts)
        var before = accounts.machine.image
        accounts.expect(.limitReached, of: usage(q, m))
        accounts.expect(.limitReached, of: manual(on: Scope(provider: q)))
        #expect(accounts.machine.image == before)
        var limits = try full(\.limits)
        before = limits.machine.image
        limits.expect(.limitReached, of: manual(on: Scope(provider: p, model: n)))
        limits.expect(.limitReached, of: manual(on: Scope(provider: p)))
        #expect(limits.machine.image == before)
        try limits.apply(manual(on: Scope(provider: p, model: m)))
    }

    @Test func configurationDrawAndRecordOutOfRangeAreRefusedBeforeAnythingIsCreated() {
        var rig = Rig()
        var record = BreakerRecord()
        record.name = name("a")
        record.configuration.resetTimeoutMilliseconds = 0
        let change = BreakerConfigurationChange(resetTimeoutMilliseconds: 0)
        rig.expect(.outOfRange, of: BreakerConfigure(name: name("a"), change: change))
        rig.expect(.outOfRange, of: BreakerConfigureDefault(change: change))
        rig.expect(.outOfRange, of: BreakerAcquire(name: name("a"), draw: 1))
        rig.expect(.outOfRange, of: BreakerAcquire(name: name("a"), draw: .nan))
        rig.expect(.outOfRange, of: BreakerDeserialize(record: record))
        rig.expect(.outOfRange, of: ExhaustionSetDefault(cooldownMilliseconds: -1))
        #expect(rig.machine.names.count == 0)
    }

    @Test func unknownNamesAreNotFoundWhereThereIsNothingToCreate() {
        var rig = Rig()
        rig.expect(.notFound, of: Forget(name: name("a")))
        rig.expect(.notFound, of: BreakerSerialize(name: name("a")))
        rig.expect(.notFound, of: BreakerReset(name: name("a")))
    }

    // MARK: Forgetting

    @Test func forgetTakesANameWithAllItsRecordsAndMakesRoomForOthers() throws {
        var rig = Rig()
        let (p, q) = (name("p"), name("q"))
        for provider in [p, q] {
            try rig.apply(BreakerFailure(name: provider))
            try rig.apply(ExhaustionMark(provider: provider))
            for model in ["m", "n", provider.text] { try rig.apply(usage(provider, name(model))) }
            for deployment in [nil, name("eu")] {
                for model in [nil, name("b")] {
                    try rig.apply(manual(on: Scope(provider: provider, deployment: deployment, model: model)))
                }
            }
            try rig.apply(manual(on: Scope(provider: provider, tag: name("team:*"))))
        }
        try rig.apply(manual(on: Scope(tag: name("team:a"))))
        try rig.apply(LedgerReset(scope: Scope(provider: p)))
        try rig.apply(Forget(name: p))
        #expect(rig.machine.names.find(p) == nil)
        #expect(rig.machine.models.count == 4)
        #expect(try rig.apply(LedgerProvider(provider: p)).account == nil)
        let left = try rig.apply(LimitList()).entries.map(\.scope.provider)
        #expect(left == [q, q, q, q, q, nil], "the limits on its deployments, models and tags go with it")
        #expect(try rig.apply(LedgerProvider(provider: q)).account?.models == 4)
        try rig.apply(Forget(name: q))
        #expect(rig.machine.names.count == 0)
        #expect(rig.machine.models.count == 0)
        #expect(try rig.apply(LimitList()).entries.map(\.scope) == [Scope(tag: name("team:a"))])
        // Numbers are reused, and nothing of the old names is visible.
        try rig.apply(usage(name("r"), name("m")))
        #expect(try rig.apply(LedgerProvider(provider: name("r"))).account?.usage.requests == 1)
        #expect(try rig.apply(LedgerBurnRate(provider: name("r"))).sampleCount == 1)
    }

    @Test func evictionForgetsBreakersThatAreClosedUnconfiguredQuietAndNothingElse() throws {
        var rig = Rig()
        let idle = rig.machine.bounds.idleBreakerMilliseconds
        for text in ["idle", "provider", "marked"] { try rig.apply(BreakerSuccess(name: name(text))) }
        try rig.apply(BreakerConfigure(name: name("configured"), change: .init(failureThreshold: 3)))
        try rig.apply(usage(name("provider"), name("m")))
        try rig.apply(ExhaustionMark(provider: name("marked"), resetAfterMilliseconds: 10 * idle))
        try rig.apply(BreakerSuccess(name: name("busy")), at: idle)
        #expect(try rig.apply(EvictIdleBreakers(), at: idle).forgotten == 1)
        let left = try rig.apply(BreakerList()).entries.map(\.name.text).sorted()
        #expect(left == ["busy", "configured", "marked", "provider"])
        #expect(rig.machine.names.find(name("idle")) == nil)
    }

    // MARK: Time

    @Test func timeDoesNotGoBack() throws {
        var rig = Rig(at: 1_000)
        try rig.apply(ExhaustionMark(provider: name("p"), resetAfterMilliseconds: 10), at: 5_000)
        try rig.apply(ExhaustionMark(provider: name("q"), resetAfterMilliseconds: 10), at: 2_000)
        #expect(try rig.apply(ExhaustionGet(provider: name("q")), at: 2_000).entry?.exhaustedAt == at(5_000))
    }

    @Test func breakerTransitionsAreToldEachOnce() throws {
        var rig = Rig()
        let p = name("p")
        for _ in 0..<6 { try rig.apply(BreakerFailure(name: p)) }
        try rig.apply(BreakerSuccess(name: p), at: 1)
        try rig.apply(BreakerReset(name: p), at: 2)
        let told = rig.events.compactMap { event -> [BreakerState]? in
            if case .breakerTransition(let transition) = event { [transition.from, transition.to] } else { nil }
        }
        #expect(told == [[.closed, .degraded], [.degraded, .open], [.open, .recovering], [.recovering, .closed]])
    }

    @Test func aBreakerCanBeSerializedAndPutInPlaceElsewhere() throws {
        var rig = Rig()
        try rig.apply(BreakerConfigure(name: name("a"), change: .init(failureThreshold: 9)))
        for _ in 0..<4 { try rig.apply(BreakerFailure(name: name("a"))) }
        _ = try rig.apply(BreakerAcquire(name: name("a")))
        let record = try rig.apply(BreakerSerialize(name: name("a")))
        var other = Rig()
        try other.apply(BreakerDeserialize(record: record))
        #expect(try other.apply(BreakerSerialize(name: name("a"))) == record)
        #expect(other.machine.image == rig.machine.image)
    }
}
