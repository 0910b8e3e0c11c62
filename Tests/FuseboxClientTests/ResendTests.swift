import FuseboxCollections
import FuseboxWire
import Synchronization
import Testing

@testable import FuseboxClient

/// Requests that change state, when their connection is lost. Each counts once, and its caller gets the result.
struct ResendTests {
    private static let success = BreakerSuccess.declaration.number

    /// A server that reacts in a given way to the `count`th new sequenced request, and answers all others.
    private func server(
        hello: Hello.Reply = FakeServer.plainHello, at count: Int = 1,
        _ body: @escaping @Sendable (FakeServer.Request) -> Void
    ) -> FakeServer {
        let counted = Atomic(0)
        return FakeServer(hello: hello) { request in
            guard request.sequence != nil else { return request.replySample() }
            if counted.add(1, ordering: .relaxed).newValue == count { body(request) } else { request.replySample() }
        }
    }

    private func sequences(_ server: FakeServer) -> [UInt64] { server.requests.compactMap(\.sequence?.sequence) }

    private func name(_ text: String) throws -> BreakerSuccess { BreakerSuccess(name: try Name(text)) }

    // MARK: Answers

    @Test(arguments: [true, false])
    func aLostReplyComesFromTheDaemonsMemory(isCarriedOut: Bool) throws {
        let server = server { request in
            if isCarriedOut { request.carryOut(BreakerAcquire.Reply.sample(2)) }
            request.peer.close()
        }
        // From here on the daemon knows the worker, so the first number of the test may be the lost one.
        server.standing.withLock { $0 = .resumed }
        let client = try server.connect()
        let reply = try client.call(BreakerAcquire(name: Name("a"), draw: nil))
        #expect(reply == .sample(isCarriedOut ? 2 : 1))
        #expect(sequences(server) == [1, 1])
        #expect(server.carriedOut == 1)
        #expect(server.hellos.map(\.lastSequence) == [0, 1])
        #expect(Set(server.hellos.map(\.worker)).count == 1)
        #expect(server.requests[0].payload == server.requests[1].payload)
        // The next number acknowledges the reply.
        try client.breakers.success("b")
        #expect(server.requests.last?.sequence == RequestSequence(sequence: 2, oldestUnacknowledged: 2))
    }

    @Test func aTaskGetsItsLostReply() async throws {
        let server = server(at: 2) { request in
            request.carryOut(Done())
            request.peer.close()
        }
        let client = try server.connect()
        for _ in 0..<3 { #expect(try await client.breakers.success("a") == .delivered) }
        #expect(sequences(server) == [1, 2, 2, 3])
        #expect(server.carriedOut == 3)
    }

    @Test func whatWasNotAcknowledgedGoesFirstAndInOrder() throws {
        let server = FakeServer { request in
            guard let sequence = request.sequence?.sequence else { return request.replySample() }
            // Of 1 to 6 the odd ones are answered. 2 is carried out and not answered. 4 and 6 are never carried out.
            if request.peer.number > 0 || sequence % 2 == 1 { return request.replySample() }
            if sequence == 2 { request.carryOut(Done()) }
            if sequence == 6 { request.peer.close() }
        }
        let client = try server.connect()
        let pending = try (1...6).map { try client.submit(name("provider-\($0)")) }
        _ = try client.breakers.success("later")
        for reply in pending { _ = try reply.wait() }
        // The daemon has had 5 and has not carried out 4. The number 4 is used up, so the request gets another.
        #expect(sequences(server).prefix(10) == [1, 2, 3, 4, 5, 6, 2, 4, 6, 7])
        #expect(
            server.requests.filter { $0.peer.number == 1 }.prefix(3).allSatisfy {
                $0.sequence?.oldestUnacknowledged == 2
            })
        #expect(sequences(server).dropFirst(10) == [8])
        #expect((server.requests.last?.decoded() as BreakerSuccess?)?.name.text == "provider-4")
        #expect(server.carriedOut == 7)
    }

    @Test func resendsKeepWithinAWindowThatHasBecomeNarrow() throws {
        let server = FakeServer { request in
            if request.peer.number > 0 { return request.replySample() }
            if request.sequence?.sequence == 20 { request.peer.close() }
        }
        server.standing.withLock { $0 = .resumed }
        let client = try server.connect()
        server.hello.withLock { $0.keptReplies = 2 }
        let pending = try (1...20).map { try client.submit(name("provider-\($0)")) }
        for reply in pending { _ = try reply.wait() }
        #expect(server.carriedOut == 20)
        for request in server.requests where request.peer.number == 1 {
            let number = try #require(request.sequence)
            #expect(number.sequence - number.oldestUnacknowledged < 2)
        }
    }

    /// The daemon has no reply, because it refused the request when it arrived. So the request changed nothing.
    @Test func aRefusalThatWasLostIsAskedForUnderANewNumber() throws {
        let isFirst = Atomic(true)
        let server = FakeServer { request in
            if request.sequence?.sequence == 1, isFirst.exchange(false, ordering: .relaxed) { return }
            if request.peer.number == 0, request.sequence?.sequence == 2 {
                request.carryOut(Done())
                return request.peer.close()
            }
            if request.sequence?.sequence == 3 { request.refuse(.limitReached, "full") } else { request.replySample() }
        }
        let client = try server.connect()
        let pending = try ["a", "b"].map { try client.submit(name($0)) }
        let refused = clientError { () throws(ClientError) in _ = try pending[0].wait() }
        #expect(refused == .refused(Refusal(.limitReached, "full")))
        _ = try pending[1].wait()
        #expect(sequences(server) == [1, 2, 1, 2, 3])
        #expect(server.carriedOut == 1)
    }

    // MARK: A daemon that has forgotten

    @Test(arguments: [true, false])
    func aMemoryThatIsGoneLeavesTheOutcomeUnknown(isAnotherEpoch: Bool) throws {
        let server = server(at: 2) { request in
            request.carryOut(Done())
            request.peer.close()
        }
        let client = try server.connect()
        try client.breakers.success("a")
        if isAnotherEpoch {
            server.hello.withLock { $0.epoch += 1 }
        } else {
            server.standing.withLock { $0 = .forgotten }
        }
        #expect(clientError { () throws(ClientError) in _ = try client.breakers.success("b") } == .outcomeUnknown)
        #expect(sequences(server) == [1, 2])
        // Numbering continues. Earlier requests are not sent again.
        #expect(try client.breakers.success("c") == .delivered)
        #expect(server.requests.last?.sequence == RequestSequence(sequence: 3, oldestUnacknowledged: 3))
    }

    /// A daemon that does not know the worker, and has forgotten no worker since the last hello, has not counted its
    /// first request.
    @Test(arguments: [WorkerStanding.new, .forgotten], [true, false])
    func ofAWorkerThatWasNeverMetNothingHasCounted(standing: WorkerStanding, hasForgottenOne: Bool) throws {
        var hello = FakeServer.plainHello
        hello.forgottenWorkers = 3
        let server = server(hello: hello) { $0.peer.close() }
        let client = try server.connect()
        server.standing.withLock { $0 = standing }
        if hasForgottenOne { server.hello.withLock { $0.forgottenWorkers += 1 } }
        let error = clientError { () throws(ClientError) in _ = try client.breakers.success("first") }
        #expect(error == (hasForgottenOne ? .outcomeUnknown : nil))
        #expect(sequences(server) == (hasForgottenOne ? [1] : [1, 1]))
        #expect(server.carriedOut == (hasForgottenOne ? 0 : 1))
    }

    @Test func whatNeverLeftIsSentToADaemonWithoutMemoryToo() throws {
        let server = FakeServer()
        let client = try server.connect()
        try client.breakers.success("a")
        server.hello.withLock { $0.epoch += 1 }
        server.standing.withLock { $0 = .forgotten }
        server.peers[0].close()
        #expect(try client.breakers.success("b") == .delivered)
        #expect(server.hellos.count == 2)
    }

    @Test func aWorkerThatIsFencedBecomesAnother() throws {
        let server = server(at: 2) { request in
            request.peer.refuse(Refusal(.fenced, "the same worker has connected anew"))
            request.peer.close()
        }
        let client = try server.connect()
        try client.breakers.success("a")
        #expect(clientError { () throws(ClientError) in _ = try client.breakers.success("b") } == .outcomeUnknown)
        #expect(try client.breakers.success("c") == .delivered)
        #expect(Set(server.hellos.map(\.worker)).count == 2)
        #expect(server.hellos.map(\.lastSequence) == [0, 0])
        #expect(sequences(server) == [1, 2, 1])
    }

    // MARK: Callers that have gone

    @Test func whatItsCallerGaveUpIsConfirmedAllTheSame() throws {
        let server = server(at: 2) { request in
            request.carryOut(Done())
            // There is no reply. The caller gives up, and the next request loses the connection.
        }
        let client = try server.connect()
        try client.breakers.success("a")
        _ = try client.submit(name("given up"))
        let third = try client.submit(name("c"))
        _ = try third.wait()
        #expect(server.requests.last?.sequence == RequestSequence(sequence: 3, oldestUnacknowledged: 2))
        server.peers[0].close()
        try client.breakers.success("d")
        #expect(sequences(server) == [1, 2, 3, 2, 4])
        #expect(server.requests.last?.sequence?.oldestUnacknowledged == 2)
        try client.breakers.success("e")
        #expect(server.requests.last?.sequence == RequestSequence(sequence: 5, oldestUnacknowledged: 5))
        #expect(server.carriedOut == 5)
    }

    @Test func aRequestThatTimedOutIsSentAgainAndItsLateReplyIsDropped() throws {
        let server = server { _ in }
        server.standing.withLock { $0 = .resumed }
        let client = try server.connect { $0.requestTimeoutMilliseconds = 50 }
        #expect(clientError { () throws(ClientError) in _ = try client.breakers.success("a") } == .timedOut)
        server.peers[0].close()
        // On a busy machine an attempt may take too long.
        while clientError({ () throws(ClientError) in _ = try client.ping() }) != nil {}
        #expect(sequences(server).allSatisfy { $0 == 1 } && sequences(server).count >= 2)
        #expect(server.carriedOut == 1)
    }

    @Test func whoIsOnlySlowIsNotSentAnythingTwice() throws {
        let held = Lock<FakeServer.Request?>(nil)
        let server = FakeServer { request in
            if request.sequence?.sequence == 1 {
                held.withLock { $0 = request }
            } else {
                held.withLock { $0.take() }?.replySample()
                request.replySample()
            }
        }
        let client = try server.connect()
        _ = try client.submit(name("given up"))
        try client.breakers.success("b")
        try client.breakers.success("c")
        #expect(sequences(server) == [1, 2, 3])
        #expect(server.requests.last?.sequence?.oldestUnacknowledged == 3)
    }

    // MARK: Many, and a daemon that comes back

    @Test func ofManyThreadsEveryReportCountsOnce() throws {
        let count = Atomic(0)
        let server = FakeServer { request in
            switch count.add(1, ordering: .relaxed).newValue % 74 {
            case 36: request.peer.close()
            case 73:
                request.carryOut(Done())
                request.peer.close()
            default: request.replySample()
            }
        }
        let client = try server.connect { $0.backoffMinimumMilliseconds = 1 }
        try client.breakers.success("first")
        let failures = SharedCounter()
        let threads = (0..<8).map { index in
            startThread {
                for _ in 0..<100 {
                    let error = clientError { () throws(ClientError) in
                        _ = try client.breakers.success(Candidate("provider-\(index)"))
                    }
                    if error != nil { failures.fail() }
                }
            }
        }
        threads.forEach { $0.join() }
        #expect(failures.failures == 0)
        #expect(server.carriedOut == 801)
        #expect(server.hellos.count > 10)
    }

    @Test func withPatienceARestartIsNotNoticed() throws {
        let server = FakeServer()
        let client = try server.connect {
            $0.backoffMinimumMilliseconds = 1
            $0.restartPatienceMilliseconds = 20_000
        }
        try client.breakers.success("a")
        for round in 0..<5 {
            server.stop()
            let isCalling = Gate()
            let restart = startThread {
                isCalling.wait()
                server.start()
            }
            isCalling.open()
            if round != 1 { try client.breakers.success("b") } else { _ = try client.ping() }
            restart.join()
        }
    }

    // MARK: Reports under a policy to fail open

    @Test func reportsThatWereUnderWayAreSentOnReturn() throws {
        let stop = Lock<@Sendable () -> Void>({})
        let server = server(at: 2) { request in
            request.carryOut(Done())
            stop.withLock { $0 }()
        }
        stop.withLock { $0 = { [weak server] in server?.stop() } }
        let client = try server.connect {
            // It has no room for lost requests, and does not need it.
            $0.failurePolicy = .failOpen(queueLimit: 0)
            $0.backoffMinimumMilliseconds = 1
        }
        try client.breakers.success("a")
        #expect(try client.breakers.success("b") == .queued)
        #expect(client.queuedReports == 0 && client.droppedReports == 0)
        server.start()
        while clientError({ () throws(ClientError) in _ = try client.ping() }) != nil {}
        #expect(sequences(server) == [1, 2, 2])
        #expect(server.carriedOut == 2)
        #expect(client.droppedReports == 0)
    }

    @Test func reportsOfAForgottenWorkerAreCountedAsDropped() throws {
        let stop = Lock<@Sendable () -> Void>({})
        let server = server(at: 2) { _ in stop.withLock { $0 }() }
        stop.withLock { $0 = { [weak server] in server?.stop() } }
        let client = try server.connect {
            $0.failurePolicy = .failOpen(queueLimit: 10)
            $0.backoffMinimumMilliseconds = 1
        }
        try client.breakers.success("a")
        #expect(try client.breakers.success("b") == .queued)
        server.standing.withLock { $0 = .forgotten }
        server.start()
        while clientError({ () throws(ClientError) in _ = try client.ping() }) != nil {}
        #expect(client.droppedReports == 1)
        #expect(sequences(server) == [1, 2])
    }

    // MARK: The end

    @Test func goodbyeComesAfterWhatIsUnderWay() throws {
        let server = server(at: 3) { request in
            request.carryOut(Done())
            request.peer.close()
        }
        let client = try server.connect()
        let pending = try ["a", "b", "c"].map { try client.submit(name($0)) }
        client.close()
        #expect(server.requests.last?.command == Goodbye.declaration.number)
        #expect(server.requests.count { $0.command == Goodbye.declaration.number } == 1)
        #expect(server.carriedOut == 3)
        for reply in pending { _ = try reply.wait() }
    }
}
