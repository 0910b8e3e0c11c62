import FuseboxCore
import FuseboxWire
import Testing

/// Workers that are gone.
@Suite struct EngineDeadlineTests {
    private func admit(_ peer: Conversation.Peer) throws {
        let candidates = try Candidates([Candidate(provider: Name("openai"))])
        let reply = try peer.ok(Admit(candidates: candidates, ttlMilliseconds: 3_600_000))
        try #require(reply.permit != nil)
    }

    private func untilDue(_ conversation: Conversation) -> Int64? {
        conversation.engine.untilDue(at: conversation.moment)
    }

    /// Whether a peer whose connection is gone may come back.
    private func isAwaited(_ peer: Conversation.Peer, _ conversation: Conversation) -> Bool {
        conversation.engine.awaits(peer.session.worker, since: peer.session.id)
    }

    /// Moves on to the next turn; gives how many permits lapsed in it.
    private func lapses(_ conversation: Conversation, _ subscriber: Conversation.Peer) throws -> Int {
        conversation.engine.advance(to: conversation.moment)
        let count = try subscriber.events().count
        conversation.engine.eventsDelivered()
        return count
    }

    @Test func whatOneWorkerHeldIsTakenBackAPieceATurn() throws {
        let conversation = Conversation()
        let subscriber = try conversation.peer(1)
        _ = try subscriber.ok(Subscribe(topics: .admission))
        let worker = try conversation.peer(2)
        for _ in 0..<2 * Bounds.duePerTurn + 100 { try admit(worker) }
        conversation.engine.sessionEnded(worker.session)
        #expect(untilDue(conversation) == Bounds().workerGraceMilliseconds)

        conversation.now += Bounds().workerGraceMilliseconds
        for count in [Bounds.duePerTurn, Bounds.duePerTurn, 100] {
            #expect(untilDue(conversation) == 0)
            #expect(try lapses(conversation, subscriber) == count)
        }
        #expect(untilDue(conversation).map { $0 > 0 } ?? true)
        #expect(try lapses(conversation, subscriber) == 0)
    }

    @Test func soIsWhatManyWorkersHeld() throws {
        let conversation = Conversation()
        let subscriber = try conversation.peer(1)
        _ = try subscriber.ok(Subscribe(topics: .admission))
        let workers = try (2..<10).map { try conversation.peer($0) }
        for worker in workers {
            for _ in 0..<400 { try admit(worker) }
            conversation.engine.sessionEnded(worker.session)
        }
        conversation.now += Bounds().workerGraceMilliseconds
        var total = 0
        for _ in workers {
            let count = try lapses(conversation, subscriber)
            #expect(count < 2 * Bounds.duePerTurn)
            total += count
        }
        #expect(total == 400 * workers.count)
    }

    @Test func whoComesBackAndGoesAgainHasAllOfTheTimeAgain() throws {
        let conversation = Conversation()
        let subscriber = try conversation.peer(1)
        _ = try subscriber.ok(Subscribe(topics: .admission))
        let grace = Bounds().workerGraceMilliseconds
        let worker = WorkerID(high: 2, low: 2)
        for id in 2..<1_000 as Range<UInt64> {
            let peer = conversation.stranger(id)
            _ = try peer.ok(Hello(worker: worker, client: "test"))
            if id == 2 { try admit(peer) }
            conversation.engine.sessionEnded(peer.session)
            conversation.now += grace - 1
            #expect(try lapses(conversation, subscriber) == 0)
        }
        conversation.now += 1
        #expect(try lapses(conversation, subscriber) == 1)
    }

    @Test func aProcessThatIsKnownToHaveEndedIsNotWaitedFor() throws {
        let conversation = Conversation()
        let subscriber = try conversation.peer(1)
        _ = try subscriber.ok(Subscribe(topics: .admission))
        let worker = try conversation.peer(2)
        try admit(worker)
        conversation.engine.sessionEnded(worker.session, processIsGone: true)
        #expect(untilDue(conversation) == 0)
        #expect(try lapses(conversation, subscriber) == 1)
    }

    /// The kernel may tell of the end of the connection first.
    @Test func nobodyWaitsAnyMoreForAProcessThatEndsAfterItsConnection() throws {
        let conversation = Conversation()
        let subscriber = try conversation.peer(1)
        _ = try subscriber.ok(Subscribe(topics: .admission))
        let workers = try (2..<5).map { try conversation.peer($0) }
        for worker in workers {
            try admit(worker)
            conversation.engine.sessionEnded(worker.session)
        }
        conversation.now += 1
        #expect(try lapses(conversation, subscriber) == 0)
        // The last first, and it once.
        for worker in [workers[2], workers[1]] {
            for _ in 0..<2 {
                conversation.engine.processEnded(of: worker.session.worker, since: worker.session.id)
            }
            #expect(untilDue(conversation) == 0)
            #expect(try lapses(conversation, subscriber) == 1)
            #expect(!isAwaited(worker, conversation))
        }
        #expect(isAwaited(workers[0], conversation))
        conversation.now += Bounds().workerGraceMilliseconds - 1
        #expect(try lapses(conversation, subscriber) == 1)
    }

    @Test func theEndOfAProcessTakesNothingFromAWorkerThatHasComeBack() throws {
        let conversation = Conversation()
        let subscriber = try conversation.peer(1)
        _ = try subscriber.ok(Subscribe(topics: .admission))
        let first = try conversation.peer(2)
        try admit(first)
        conversation.engine.sessionEnded(first.session)
        let second = conversation.stranger(3)
        _ = try second.ok(Hello(worker: first.session.worker, client: "test"))
        conversation.engine.processEnded(of: first.session.worker, since: first.session.id)
        #expect(try lapses(conversation, subscriber) == 0)
        // Nor from one that is waited for since another session.
        conversation.engine.sessionEnded(second.session)
        conversation.engine.processEnded(of: first.session.worker, since: first.session.id)
        #expect(try lapses(conversation, subscriber) == 0)
        conversation.now += Bounds().workerGraceMilliseconds
        #expect(try lapses(conversation, subscriber) == 1)
    }

    // MARK: The time, written down

    /// How many inputs a daemon makes in so many seconds in which nothing is asked of it.
    private func idleInputs(_ conversation: Conversation, seconds: Int) -> UInt64 {
        let before = conversation.engine.sequence
        for _ in 0..<seconds {
            conversation.now += 1_000
            conversation.engine.advance(to: conversation.moment)
        }
        return conversation.engine.sequence - before
    }

    @Test func aDaemonForWhichNothingRunsWritesNothingDown() throws {
        let conversation = Conversation()
        let peer = try conversation.peer(1)
        let name = try Name("openai")
        _ = try peer.ok(
            LedgerRecord(provider: name, model: name, cost: Money(nanodollars: 1), inputTokens: 1, outputTokens: 1))
        #expect(idleInputs(conversation, seconds: 3_600) == 0)
    }

    /// After 10 s, 20 s, 40 s, …: what a clock that is set back takes away is at most half of the time.
    @Test func whileSomethingRunsTheTimeIsWrittenDownEverLessOften() throws {
        let conversation = Conversation()
        let peer = try conversation.peer(1)
        _ = try peer.ok(ExhaustionMark(provider: try Name("openai"), resetAfterMilliseconds: 86_400_000))
        #expect(idleInputs(conversation, seconds: 9) == 0)
        #expect(idleInputs(conversation, seconds: 1) == 1)
        #expect(idleInputs(conversation, seconds: 60) == 2)
        #expect(idleInputs(conversation, seconds: 8 * 3_600) == 8)
        _ = try peer.ok(ExhaustionMark(provider: try Name("openai"), resetAfterMilliseconds: 86_400_000))
        #expect(idleInputs(conversation, seconds: 10) == 1, "a change begins anew")
    }
}
