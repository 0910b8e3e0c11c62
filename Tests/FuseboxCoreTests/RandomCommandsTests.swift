import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

/// Thousands of random commands, and the invariants after each of them.
struct RandomCommandsTests {
    static let profiles = [Profile.fusebox, .llmProviders]
    static let seeds: [UInt64] = [1, 2, 3]

    /// The reply and the events of a command, as bytes.
    private struct Note: Equatable {
        var at: Int64
        var number: UInt16
        var refusal: Refusal?
        var reply: [UInt8] = []
        var events: [UInt8] = []
    }

    /// A run of the state machine under random commands.
    private struct Run {
        var rig: Rig
        var random: SplitMix64
        var now: Int64 = 1_767_225_600_000
        var log: [Note] = []
        /// Whether each command is decoded from its bytes, as the engine does it, with names that stay in them.
        var readsInPlace = false

        init(_ profile: Profile, seed: UInt64) {
            var bounds = Bounds()
            // Limits that are low enough to be reached.
            bounds.names = 12
            bounds.models = 7
            bounds.modelAccounts = 60
            bounds.providerAccounts = 11
            bounds.limits = 10
            bounds.limitsPerScope = 3
            bounds.permits = 20
            bounds.permitsPerUser = 12
            bounds.lapsedPermits = 5
            rig = Rig(profile, bounds: bounds, at: now)
            random = SplitMix64(seed: seed)
        }

        private mutating func name() -> Name { FuseboxCoreTests.name("n\(Int.random(in: 0..<16, using: &random))") }

        private mutating func model() -> Name { FuseboxCoreTests.name("m\(Int.random(in: 0..<8, using: &random))") }

        private mutating func pick<Element>(_ elements: [Element]) -> Element {
            elements[Int.random(in: 0..<elements.count, using: &random)]
        }

        private mutating func note<C: StateCommand>(_ command: C) {
            var note = Note(at: now, number: C.declaration.number)
            do throws(Refusal) {
                let reply = try readsInPlace ? applyInPlace(command) : apply(command)
                note.reply = Self.bytes { reply.encode(into: &$0) }
            } catch {
                note.refusal = error
            }
            let events = rig.takeEvents()
            note.events = Self.bytes { for event in events { event.encode(into: &$0) } }
            log.append(note)
        }

        private mutating func apply<C: StateCommand>(_ command: C) throws(Refusal) -> C.Reply {
            try rig.apply(command, at: now, by: UInt32(log.count % 2), worker: UInt64(log.count % 2 + log.count % 4))
        }

        private mutating func applyInPlace<C: StateCommand>(_ command: C) throws(Refusal) -> C.Reply {
            var writer = ByteWriter()
            command.encode(into: &writer)
            return try writer.withBytes { (bytes) throws(Refusal) in
                var reader = ByteReader(bytes)
                var inPlace = C.InPlace()
                try inPlace.decode(from: &reader)
                return try apply(inPlace)
            }
        }

        private static func bytes(_ write: (inout ByteWriter) -> Void) -> [UInt8] {
            var writer = ByteWriter()
            write(&writer)
            return writer.bytes
        }

        /// Applies the deadlines that have passed. The times at which a state asks for it may differ, the effects may
        /// not.
        private mutating func advance() {
            if rig.machine.isDue(at: Moment(milliseconds: now)) { note(Advance()) }
            if log.last?.number == Advance.declaration.number, log.last?.events.isEmpty == true { log.removeLast() }
        }

        mutating func step() {
            passTime()
            act()
        }

        mutating func passTime() {
            now += pick([
                0, 0, 0, 0, 0, 0, 0, 0, 1, 50, 1_000, 60_000, 3_600_000, 86_400_000 * Int64(pick([0, 0, 0, 1, 12])),
            ])
            advance()
        }

        mutating func act() {
            switch Int.random(in: 0..<140, using: &random) {
            case 100..<140: admission()
            case 0..<15:
                note(
                    BreakerAcquire(
                        name: name(), deployment: pick([nil, nil, nil, deployment()]), model: pick([nil, model()]),
                        draw: Double.random(in: 0..<1, using: &random)))
            case 15..<30:
                note(
                    BreakerFailure(
                        name: name(), deployment: pick([nil, nil, nil, deployment()]), model: pick([nil, model()])))
            case 30..<36:
                note(
                    BreakerSuccess(
                        name: name(), deployment: pick([nil, nil, nil, deployment()]), model: pick([nil, model()])))
            case 36..<38:
                note(
                    BreakerConfigure(
                        name: name(), deployment: pick([nil, nil, deployment()]), model: pick([nil, nil, model()]),
                        change: .init(
                            failureThreshold: pick([0, 1, 3, 8]), monitoringPeriodMilliseconds: pick([nil, 0, 60_000]),
                            minRequests: pick([nil, 1]), maxProbes: pick([nil, 1, 2]), minWorkers: pick([nil, 1, 2]),
                            failureRate: pick([nil, 0, 0.5, 1]), slowCallRate: pick([nil, 0, 0.5]),
                            slowCallMilliseconds: pick([nil, 0, 1_000]),
                            maxResetTimeoutMilliseconds: pick([nil, 90_000, 10_000_000]),
                            byModel: pick([nil, true, false]))))
            case 38: note(BreakerReset(name: name()))
            case 39: note(BreakerForceOpen(name: name()))
            case 40..<46:
                note(
                    ExhaustionMark(
                        provider: name(), deployment: pick([nil, nil, name()]), model: pick([nil, nil, model()]),
                        resetAfterMilliseconds: pick([nil, 0, 5, 100_000, 3_600_000, 366 * 86_400_000])))
            case 46..<48:
                note(ExhaustionClear(provider: name(), model: pick([nil, nil, model()])))
                if Int.random(in: 0..<8, using: &random) == 0 { note(pause()) }
                note(ExhaustionResume(provider: name(), deployment: pick([nil, nil, deployment()])))
            case 48: note(ExhaustionReset())
            case 49: note(BreakerResetAll())
            case 50..<80:
                note(
                    LedgerRecord(
                        provider: name(), model: model(),
                        cost: Money(nanodollars: Int64.random(in: -5...200_000_000, using: &random)),
                        inputTokens: UInt32.random(in: 0..<900, using: &random), outputTokens: 7))
            case 80..<85: note(LimitSet(scope: scope(), limits: [limit()]))
            case 85..<87: note(LimitRemove(scope: scope(), limits: [limit()]))
            case 87: note(LimitRemove(allOf: scope()))
            case 88: note(LimitRaise(scope: scope(), limit: limit(), milliseconds: pick([0, 5, 90_000])))
            case 89: note(LedgerReset(scope: scope()))
            case 90..<95: note(Forget(name: name()))
            case 95: note(EvictIdleBreakers())
            case 96:
                note(
                    BeginWindow(
                        .calendar(.day), start: Timestamp(milliseconds: now),
                        end: Timestamp(milliseconds: now + 86_400_000), keepsUse: pick([true, false])))
            case 97:
                note(AliasSet(ModelAlias(provider: name(), name: model(), model: model())))
            default: reads()
            }
        }

        /// A pause. Few stand long, so that calls are admitted.
        private mutating func pause() -> ExhaustionPause {
            ExhaustionPause(
                provider: name(), deployment: pick([nil, deployment()]), model: pick([nil, model()]), reason: "why",
                durationMilliseconds: pick([0, 1, 60_000, 60_000, 60_000, nil]))
        }

        private mutating func admission() {
            let granted = rig.machine.permits.totals.granted
            let permit = pick([granted, .random(in: granted - min(granted, 25)...granted + 1, using: &random)])
            switch Int.random(in: 0..<40, using: &random) {
            case 0..<20:
                note(
                    Admit(
                        candidates: candidates(), tags: tags(), estimate: estimate(),
                        ttlMilliseconds: pick([0, 5, 90_000, WireLimits.permitMilliseconds])))
            case 20..<32:
                let usage = CallUsage(
                    model: pick([nil, model()]), cost: Money(nanodollars: .random(in: -1...9_000_000, using: &random)),
                    inputTokens: 40, outputTokens: 2)
                note(
                    Settle(
                        permit: permit, outcome: pick(Outcome.allCases), usage: pick([nil, usage]),
                        retryAfterMilliseconds: pick([nil, nil, 70_000])))
            case 32: note(Renew(permit: permit, ttlMilliseconds: 60_000))
            case 33..<37: note(ReclaimPermits(worker: WorkerID(high: pick([0, 2, 4]), low: 0)))
            case 37..<39:
                note(
                    Report(
                        candidate: Candidate(
                            provider: name(), deployment: pick([nil, nil, deployment()]), model: pick([nil, model()])),
                        outcome: pick(Outcome.allCases),
                        usage: pick([nil, CallUsage(model: pick([nil, model()]), cost: dollars("0.001"))]),
                        retryAfterMilliseconds: pick([nil, nil, 70_000])))
            default: note(AdmitPreview(candidates: candidates(), estimate: estimate()))
            }
        }

        private mutating func scope() -> Scope {
            switch Int.random(in: 0..<12, using: &random) {
            case 0: .host
            case 1: Scope(tag: tag())
            case 2: Scope(tag: FuseboxCoreTests.name("t*"))
            case 3..<7: Scope(provider: name(), tag: pick([nil, tag()]))
            default: Scope(provider: name(), deployment: pick([nil, nil, deployment()]), model: pick([nil, model()]))
            }
        }

        private mutating func tag() -> Name { FuseboxCoreTests.name(pick(["t0", "t1", "u0"])) }

        private mutating func deployment() -> Name { FuseboxCoreTests.name(pick(["eu", "us"])) }

        private mutating func limit() -> Limit {
            pick([
                Limit(.cost, pick([500_000_000, 20_000_000_000]), .manual, mode: pick([.deny, .notify, .shadow])),
                Limit(.cost, pick([-1, 900_000_000]), .prepaid), Limit(.cost, 2_000_000_000, .calendar(.day)),
                Limit(.requests, 30, .fixed(milliseconds: 60_000)),
                Limit(.tokens, 5_000, .sliding(milliseconds: 60_000)),
                Limit(.inFlight, pick([1, 4]), LimitWindow()),
            ])
        }

        private mutating func candidates() -> Candidates {
            var candidates = Candidates()
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                candidates.append(
                    Candidate(
                        provider: name(), deployment: pick([nil, nil, nil, deployment()]), model: pick([nil, model()])))
            }
            return candidates
        }

        private mutating func estimate() -> Estimate {
            Estimate(cost: pick([nil, .zero, dollars("0.01"), dollars("0.4")]), tokens: pick([nil, 0, 100, 3_000]))
        }

        private mutating func tags() -> WireLimits.TagList {
            var tags = WireLimits.TagList()
            if Int.random(in: 0..<3, using: &random) == 0 { tags.append(tag()) }
            return tags
        }

        mutating func reads() {
            note(PermitList(cursor: 0))
            note(Overview(cursor: Page.end))
            note(BreakerList())
            note(BreakerGet(name: name()))
            note(BreakerConfigurationGet(name: name()))
            note(BreakerSerialize(name: name()))
            note(BreakerDefault())
            note(ExhaustionList(cursor: 0))
            note(ExhaustionGet(provider: name(), deployment: pick([nil, deployment()]), model: pick([nil, model()])))
            note(ExhaustionPauses())
            note(ExhaustionDefault())
            note(LedgerProviders(cursor: Page.end))
            note(LedgerModels(provider: name(), cursor: Page.end))
            note(LedgerModel(provider: name(), model: model()))
            note(LimitGet(scope: scope(), limit: limit()))
            note(LimitList())
            note(LimitList(scope: scope()))
            note(LedgerTotal())
            note(LedgerBurnRate(provider: name(), windowMilliseconds: pick([nil, 0, 3_600_000])))
            note(LedgerDepletion(provider: name()))
            note(LedgerSummary(provider: name(), windowMilliseconds: 60_000))
            note(LedgerSummaries(windowMilliseconds: 3_600_000, cursor: Page.end))
        }
    }

    @Test(arguments: profiles, seeds)
    func twoRunsGiveTheSameRepliesAndTheSameStateBitForBit(profile: Profile, seed: UInt64) {
        var runs = (Run(profile, seed: seed), Run(profile, seed: seed))
        runs.1.readsInPlace = true
        for _ in 0..<1_200 {
            runs.0.step()
            runs.1.step()
        }
        let difference = zip(runs.0.log, runs.1.log).first { $0 != $1 }
        #expect(difference == nil)
        let isSame = runs.0.rig.machine.image == runs.1.rig.machine.image
        #expect(isSame)
        #expect(runs.0.log.contains { $0.refusal?.status == .limitReached }, "limits are met")
    }

    @Test(arguments: profiles, seeds)
    func aStateThatWasWrittenDownAndReadAgainGoesOnAsTheOriginal(profile: Profile, seed: UInt64) throws {
        var original = Run(profile, seed: seed)
        var copy = original
        for step in 0..<1_200 {
            original.step()
            copy.step()
            if step % 83 == 0 {
                copy.rig.machine = try copy.rig.machine.restored()
                original.rig.machine.forgetLatencies()
                let isSame = copy.rig.machine.image == original.rig.machine.image
                try #require(isSame, "step \(step)")
            }
        }
        let difference = zip(original.log, copy.log).first { $0 != $1 }
        #expect(difference == nil)
        #expect(original.log.count == copy.log.count)
    }

    @Test(arguments: seeds) func readsChangeNothing(seed: UInt64) {
        var run = Run(.fusebox, seed: seed)
        for step in 0..<1_000 {
            run.step()
            guard step % 50 == 0 else { continue }
            let before = (run.rig.machine.image, run.rig.machine.lastMoment)
            run.now += 12 * 86_400_000
            run.reads()
            run.now -= 12 * 86_400_000
            let isSame = run.rig.machine.image == before.0
            #expect(isSame)
            #expect(run.rig.machine.lastMoment == before.1)
        }
    }

    @Test(arguments: profiles) func aCopyStaysAsItWasWhileTheOriginalGoesOn(profile: Profile) {
        var run = Run(profile, seed: 9)
        var copies: [(machine: StateMachine, image: [UInt8])] = []
        for step in 0..<1_000 {
            run.step()
            if step % 200 == 0 { copies.append((run.rig.machine, run.rig.machine.image)) }
        }
        let kept = copies.filter { $0.machine.image == $0.image }
        #expect(kept.count == copies.count)
    }

    @Test(arguments: profiles, seeds) func refusedCommandsChangeNothing(profile: Profile, seed: UInt64) {
        var run = Run(profile, seed: seed)
        var refused = 0
        for _ in 0..<250 {
            run.passTime()
            let before = run.rig.machine.image
            let count = run.log.count
            run.act()
            guard run.log.count == count + 1, run.log[count].refusal != nil else { continue }
            refused += 1
            let isSame = run.rig.machine.image == before
            #expect(isSame, "command \(run.log[count].number): \(run.log[count].refusal?.message ?? "")")
        }
        #expect(refused > 5)
    }

    @Test(arguments: profiles, seeds)
    func permitsAddUpAtEveryMomentAndWhatIsHeldIsTheSumOfThoseInForce(profile: Profile, seed: UInt64) {
        var run = Run(profile, seed: seed)
        for _ in 0..<2_000 {
            run.step()
            let permits = run.rig.machine.permits
            let totals = permits.totals
            #expect(
                totals.granted == totals.settled + totals.expired + totals.reclaimed + totals.outstanding)
            var held: Int64 = 0
            var inFlight: [NameID: Int] = [:]
            permits.forEach { permit in
                guard permit.standing == .inForce else { return }
                held += permit.grant.cost
                inFlight[permit.grant.provider, default: 0] += permit.isInFlight ? 1 : 0
            }
            #expect(totals.held == Money(nanodollars: held))
            for (provider, count) in inFlight { #expect(permits.inFlight(of: provider) == count) }
        }
        let totals = run.rig.machine.permits.totals
        #expect(
            totals.settled > 2 && totals.expired > 10 && totals.reclaimed > 0 && totals.settledLate > 3, "\(totals)")
    }

    @Test(arguments: profiles, seeds) func forgettingEveryNameLeavesNoneBehind(profile: Profile, seed: UInt64) {
        var run = Run(profile, seed: seed)
        for _ in 0..<1_000 { run.step() }
        run.rig.machine.permits.forEach { permit in
            _ = refusal { () throws(Refusal) in
                try run.rig.apply(
                    Settle(permit: permit.number, outcome: .cancelled), at: run.now, by: permit.grant.user)
            }
        }
        // Forgetting ends no pause.
        for route in run.rig.machine.pauses.table.keys.map({ run.rig.machine.candidate(of: $0) }) {
            let resume = ExhaustionResume(
                provider: route.provider, deployment: route.deployment, model: route.model)
            _ = refusal { () throws(Refusal) in try run.rig.apply(resume, at: run.now) }
        }
        for number in 0..<16 {
            _ = refusal { () throws(Refusal) in try run.rig.apply(Forget(name: name("n\(number)")), at: run.now) }
        }
        #expect(run.rig.machine.names.count == 0)
        #expect(run.rig.machine.models.count == 0)
        #expect(run.rig.machine.ledger.providerCount == 0)
        #expect(run.rig.machine.ledger.modelAccountCount == 0)
    }
}
