import FuseboxCore
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// Grants to calls that have waited, over restarts: the journal has no waits, and gives the same state.
struct WaitingReplayTests {
    private let engine: JournaledEngine
    private let holder: JournaledEngine.Worker
    private let waiter: JournaledEngine.Worker

    init() throws {
        engine = try JournaledEngine()
        holder = try engine.worker(1, isOperator: true)
        waiter = try engine.worker(2)
        let limit = try LimitText.limit("1 in flight")
        _ = try engine.ok(LimitSet(scope: Scope(provider: try Name("p")), limits: [limit]), by: holder)
    }

    private func admit(_ provider: String = "p", wait: Int64 = 0) throws -> Admit {
        var candidates = Candidates()
        candidates.append(Candidate(provider: try Name(provider)))
        return Admit(candidates: candidates, ttlMilliseconds: 60_000, waitMilliseconds: wait)
    }

    private func settle(_ permit: UInt64?) throws -> Settle {
        Settle(permit: try #require(permit), outcome: .success)
    }

    /// A wait that has ended with a permit, which is pushed.
    private func granted() throws -> (ticket: UInt64, permit: UInt64) {
        let first = try engine.ok(try admit(), by: holder)
        let ticket = try #require(try engine.ok(try admit(wait: 30_000), by: waiter).ticket)
        #expect(ticket == waiter.sequence)
        _ = try engine.ok(try settle(first.permit), by: holder)
        let pushes = try engine.takePushes(to: waiter)
        try #require(pushes.count == 1 && pushes[0].ticket == ticket && pushes[0].standing == .granted)
        return (ticket, try #require(pushes[0].admission.permit))
    }

    @Test func aGrantSurvivesARestartAndItsWorkerIsToldOfIt() throws {
        let (ticket, permit) = try granted()
        let image = engine.image
        try engine.restart()
        #expect(engine.image == image)
        let (again, _) = try engine.connect(waiter.id, after: waiter.sequence)
        let told = try engine.ok(Tickets(tickets: [ticket, ticket + 1]), by: again).entries
        #expect(told.map(\.standing) == [.granted, .forgotten] && told[0].admission.permit == permit)
        var resumed = try admit(wait: 30_000)
        resumed.resumes = ticket
        let reply = try engine.ok(resumed, by: again)
        #expect(reply.permit == permit && reply.decision.candidate == 0)
        #expect(engine.keeper.engine.machine.permits.totals.granted == 2)
    }

    @Test func aRestartForgetsWaitsAndTheyBeginAnew() throws {
        _ = try engine.ok(try admit(), by: holder)
        let ticket = try #require(try engine.ok(try admit(wait: 30_000), by: waiter).ticket)
        try engine.restart()
        let (again, _) = try engine.connect(waiter.id, after: waiter.sequence)
        var resumed = try admit(wait: 30_000)
        resumed.resumes = ticket
        let anew = try #require(try engine.ok(resumed, by: again).ticket)
        #expect(anew == again.sequence && anew != ticket)
    }

    /// The first request of a worker joins the queue, its ticket is lost, and the daemon starts anew.
    @Test func aCallThatJoinedHasNotUsedItsNumber() throws {
        _ = try engine.ok(try admit(), by: holder)
        _ = try engine.ok(try admit(wait: 30_000), by: waiter)
        let number = waiter.sequence
        let image = engine.image
        try engine.restart()
        #expect(engine.image == image)
        let (again, standing) = try engine.connect(waiter.id, after: number)
        #expect(standing == .resumed)
        let answer = try engine.ask(try admit(wait: 30_000), by: again, again: number)
        #expect(try answer.reply(Admit.Reply.self).ticket == number)
        // The same number of a known worker, once its wait is over, is decided anew as well.
        _ = try engine.ok(Withdraw(ticket: number), by: again)
        let anew = try engine.ask(try admit(), by: again, again: number).reply(Admit.Reply.self)
        #expect(anew.permit == nil && anew.ticket == nil)
    }

    /// A call resumes a wait that a restart has lost. Its own ticket is lost too, and it comes again: it waits once.
    @Test func aCallThatResumedALostWaitDoesNotJoinTwice() throws {
        let first = try engine.ok(try admit(), by: holder)
        let lost = try #require(try engine.ok(try admit(wait: 30_000), by: waiter).ticket)
        try engine.restart()
        let (resuming, _) = try engine.connect(waiter.id, after: waiter.sequence)
        var resumed = try admit(wait: 30_000)
        resumed.resumes = lost
        let ticket = try #require(try engine.ok(resumed, by: resuming).ticket)
        engine.leave(resuming)
        let (again, _) = try engine.connect(waiter.id, after: ticket)
        let answer = try engine.ask(resumed, by: again, again: ticket)
        #expect(try answer.reply(Admit.Reply.self).ticket == ticket)
        #expect(engine.keeper.engine.queue.count == 1)
        // It has one turn.
        let (holderAgain, _) = try engine.connect(holder.id, isOperator: true, after: holder.sequence)
        _ = try engine.ok(try settle(first.permit), by: holderAgain)
        #expect(try engine.takePushes(to: again).map(\.standing) == [.granted])
        #expect(engine.keeper.engine.queue.count == 0)
    }

    /// The reply to a call that resumes a wait is lost, and later requests have used higher numbers.
    @Test func aCallThatResumesAWaitIsToldOfItAgainBehindLaterRequests() throws {
        _ = try engine.ok(try admit(), by: holder)
        let ticket = try #require(try engine.ok(try admit(wait: 30_000), by: waiter).ticket)
        engine.leave(waiter)
        let (again, _) = try engine.connect(waiter.id, after: waiter.sequence)
        again.acknowledges = false
        var resumed = try admit(wait: 30_000)
        resumed.resumes = ticket
        #expect(try engine.ok(resumed, by: again).ticket == ticket)
        let number = again.sequence
        _ = try engine.ok(BreakerSuccess(name: try Name("q")), by: again)
        let answer = try engine.ask(resumed, by: again, again: number)
        #expect(try answer.reply(Admit.Reply.self).ticket == ticket)
        #expect(engine.keeper.engine.queue.count == 1)
    }

    @Test func aTicketWhoseReplyWasLostIsToldAgainUnderTheSameNumber() throws {
        _ = try engine.ok(try admit(), by: holder)
        let ticket = try engine.ok(try admit(wait: 30_000), by: waiter).ticket
        let number = waiter.sequence
        engine.leave(waiter)
        let (again, _) = try engine.connect(waiter.id, after: number)
        let answer = try engine.ask(try admit(wait: 30_000), by: again, again: number)
        #expect(try answer.reply(Admit.Reply.self).ticket == ticket)
        #expect(engine.keeper.engine.queue.count == 1)
    }

    /// Random calls by a degraded breaker and a limit, with restarts: a replay grants and draws as it was.
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func replaysGiveTheSameState(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let change = BreakerConfigurationChange(failureThreshold: 5, degradationCurve: [1, 0.5, 0.4, 0.3, 0.2])
        _ = try engine.ok(BreakerConfigure(name: try Name("p"), change: change), by: holder)
        var workers = [try engine.worker(11), try engine.worker(12, user: 1_001), try engine.worker(13, user: 1_002)]
        var permits: [(worker: Int, number: UInt64)] = []
        var waited = 0
        for step in 0..<250 {
            let worker = random.below(workers.count)
            switch random.below(8) {
            case 0...2:
                let reply = try engine.ok(try admit(wait: random.pick([0, 5_000])), by: workers[worker])
                if let permit = reply.permit { permits.append((worker, permit)) }
            case 3...5:
                guard let (owner, permit) = permits.popLast() else { continue }
                let outcome = random.pick([Outcome.success, .success, .failure])
                _ = try engine.ok(Settle(permit: permit, outcome: outcome), by: workers[owner])
            case 6: engine.pass(random.pick([1, 800, 20_000]))
            default:
                guard random.once(in: 4) else { continue }
                let image = engine.image
                try engine.restart()
                try #require(engine.image == image, "step \(step)")
                for place in workers.indices {
                    (workers[place], _) = try engine.connect(
                        workers[place].id, user: workers[place].session.peer.user, after: workers[place].sequence)
                }
            }
            for place in workers.indices {
                for push in try engine.takePushes(to: workers[place]) {
                    guard let permit = push.admission.permit else { continue }
                    waited += 1
                    permits.append((place, permit))
                }
            }
        }
        #expect(waited > 3)
    }
}
