import FuseboxWire
import Testing

@testable import FuseboxEngine

/// A denial that changes nothing is not journaled, like a refusal.
struct AnswerWithoutTraceTests {
    private let engine: JournaledEngine
    private let worker: JournaledEngine.Worker
    private let open: Name
    private let free: Name

    init() throws {
        engine = try JournaledEngine()
        worker = try engine.worker(1, isOperator: true)
        open = try Name("open")
        free = try Name("free")
        _ = try engine.ok(BreakerForceOpen(name: open), by: worker)
    }

    private func admit(_ names: Name...) throws -> Admit {
        Admit(candidates: try Candidates(names.map { Candidate(provider: $0) }), ttlMilliseconds: 60_000)
    }

    @Test func deniedAdmissionsAndRejectedAcquiresChangeNeitherStateNorJournal() throws {
        #expect(try engine.ok(try admit(free), by: worker).permit != nil)
        let image = engine.image
        let sequence = engine.sequence
        for _ in 0..<50 {
            #expect(try engine.ok(try admit(open), by: worker).permit == nil)
            #expect(try engine.ok(BreakerAcquire(name: open), by: worker).admitted == false)
        }
        #expect(engine.image == image && engine.sequence == sequence)
    }

    @Test func aWorkerThatNobodyKnowsIsRememberedFromItsFirstDenialOn() throws {
        _ = try engine.ok(try admit(free), by: worker)
        let newcomer = try engine.worker(2)
        let denied = try engine.ask(try admit(open), by: newcomer)
        let sequence = engine.sequence
        #expect(engine.workers.find(newcomer.id) != nil)
        #expect(try engine.ask(try admit(open), by: newcomer, again: 1).payload == denied.payload)
        #expect(engine.sequence == sequence)
        let image = engine.image
        try engine.restart()
        #expect(engine.image == image)
    }

    @Test func aDenialThatIsSentAgainIsDecidedAnewOnceBeforeARestartAndAfterIt() throws {
        _ = try engine.ok(try admit(free), by: worker)
        #expect(try engine.ok(try admit(open), by: worker).permit == nil)
        let number = worker.sequence
        _ = try engine.ok(BreakerReset(name: open), by: try engine.worker(3, isOperator: true))
        try engine.restart()
        let (again, standing) = try engine.connect(worker.id, isOperator: true, after: number)
        #expect(standing == .resumed)
        let granted = try engine.ask(try admit(open), by: again, again: number)
        #expect(try granted.reply(Admit.Reply.self).permit != nil)
        // Now the request has changed something, and always gets the same reply.
        #expect(try engine.ask(try admit(open), by: again, again: number).payload == granted.payload)
        #expect(engine.keeper.engine.machine.permits.totals.granted == 2)
    }

    @Test func afterALaterNumberItCountsAsRefused() throws {
        _ = try engine.ok(try admit(free), by: worker)
        worker.acknowledges = false
        worker.oldest = worker.sequence + 1
        _ = try engine.ok(try admit(open), by: worker)
        let denied = worker.sequence
        _ = try engine.ok(BreakerSuccess(name: free), by: worker)
        #expect(try engine.ask(try admit(open), by: worker, again: denied).status == .sequenceOutOfOrder)
    }

    @Test func aShareThatIsDrawnALimitThatBeginsToDenyAndTheOtherProfileAreChanges() throws {
        let half = try Name("half")
        let curve = [1, 0.5, 0.5, 0.5, 0.5]
        let change = BreakerConfigurationChange(failureThreshold: 5, degradationCurve: curve)
        _ = try engine.ok(BreakerConfigure(name: half, change: change), by: worker)
        _ = try engine.ok(BreakerFailure(name: half), by: worker)
        var drawn = 0
        for _ in 0..<4 {
            let sequence = engine.sequence
            if try engine.ok(try admit(half), by: worker).permit == nil {
                #expect(engine.sequence > sequence)
                drawn += 1
            }
        }
        #expect(drawn == 2)

        let limit = Limit(.cost, 1, .manual)
        _ = try engine.ok(LimitSet(scope: Scope(provider: free), limits: [limit]), by: worker)
        var dear = try admit(free)
        dear.estimate = Estimate(cost: Money(nanodollars: 2))
        let sequence = engine.sequence
        for _ in 0..<5 { #expect(try engine.ok(dear, by: worker).permit == nil) }
        #expect(engine.sequence == sequence + 1, "the first denial is told to subscribers")
        #expect(!Admit.leavesNoTrace(Admit.Reply(), under: .llmProviders))
    }
}
