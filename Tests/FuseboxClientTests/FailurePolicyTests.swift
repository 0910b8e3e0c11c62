import FuseboxWire
import Glibc
import Synchronization
import Testing

@testable import FuseboxClient

struct FailurePolicyTests {
    /// A client without a daemon, which does not try again by itself during the test.
    private func away(_ policy: FuseboxClient.FailurePolicy, _ server: FakeServer) throws -> FuseboxClient {
        let client = try server.connect {
            $0.failurePolicy = policy
            $0.backoffMinimumMilliseconds = 3_600_000
            $0.backoffMaximumMilliseconds = 3_600_000
        }
        server.stop()
        return client
    }

    private func isUnavailable(_ error: ClientError?) -> Bool {
        if case .unavailable = error { true } else { false }
    }

    @Test func failingClosedThrowsEverywhere() throws {
        let server = FakeServer()
        let client = try away(.failClosed, server)
        #expect(isUnavailable(clientError { () throws(ClientError) in _ = try client.breakers.acquire("a") }))
        #expect(isUnavailable(clientError { () throws(ClientError) in _ = try client.breakers.success("a") }))
        #expect(isUnavailable(clientError { () throws(ClientError) in _ = try client.exhaustion.get("a") }))
        #expect(client.queuedReports == 0)
    }

    // MARK: No daemon

    /// The kernel reports that no process listens, so no call waits for its timeout.
    @Test(arguments: [true, false])
    func whereNobodyListensACallIsUnavailableAtOnce(socketIsLeft: Bool) throws {
        let server = FakeServer()
        let client = try server.connect { $0.requestTimeoutMilliseconds = 60_000 }
        try client.breakers.success("a")
        server.stop()
        if socketIsLeft { FakeServer.leaveSocket(at: server.path) }
        defer { unlink(server.path) }
        let begun = ContinuousClock.now
        #expect(isUnavailable(clientError { () throws(ClientError) in _ = try client.breakers.acquire("a") }))
        #expect(isUnavailable(clientError { () throws(ClientError) in _ = try client.breakers.success("a") }))
        #expect(throws: ClientError.self) { try client.withPermit(["a"]) { _ in .success(1) } }
        let again = clientError { () throws(ClientError) in _ = try FuseboxClient.connect(to: server.path) }
        #expect(isUnavailable(again))
        #expect(ContinuousClock.now - begun < .seconds(20))
    }

    /// How long it takes is not measured here, because tests may keep all threads of tasks busy.
    @Test func soItIsForATask() async throws {
        let server = FakeServer()
        let client = try server.connect { $0.requestTimeoutMilliseconds = 60_000 }
        try await client.breakers.success("a")
        server.stop()
        for _ in 0..<2 {
            #expect(
                isUnavailable(
                    await clientError { () async throws(ClientError) in _ = try await client.exhaustion.get("a") }))
        }
        await #expect(throws: ClientError.self) { try await client.withPermit(["a"]) { _ in .success(1) } }
    }

    /// A worker with a long timeout connects to a daemon that is still starting.
    @Test func withPatienceConnectingWaitsForADaemonThatStarts() throws {
        let server = FakeServer(starts: false)
        let start = startThread { server.start() }
        let client = try server.connect {
            $0.restartPatienceMilliseconds = 20_000
            $0.backoffMinimumMilliseconds = 1
        }
        start.join()
        #expect(client.hello != nil)
    }

    @Test func patienceHasAnEnd() throws {
        let server = FakeServer()
        let client = try server.connect {
            $0.requestTimeoutMilliseconds = 60_000
            $0.restartPatienceMilliseconds = 50
        }
        server.stop()
        let begun = ContinuousClock.now
        #expect(isUnavailable(clientError { () throws(ClientError) in _ = try client.ping() }))
        #expect(ContinuousClock.now - begun < .seconds(20))
    }

    @Test func reportsAreKeptByAClientThatFailsClosedAndIsToldTo() throws {
        let server = FakeServer()
        let client = try server.connect { $0.keepsReports = true }
        server.stop()
        #expect(isUnavailable(clientError { () throws(ClientError) in _ = try client.breakers.acquire("a") }))
        #expect(try client.breakers.success("a") == .queued)
        #expect(try client.ledger.record(provider: "a", model: "b", cost: .zero).delivery == .queued)
        server.start()
        try untilBack { () throws(ClientError) in _ = try client.ping() }
        #expect(server.carriedOut == 2)
    }

    /// The backoff is an hour.
    @Test func aCallThatFailsClosedFindsADaemonThatHasComeBack() async throws {
        let server = FakeServer()
        let client = try away(.failClosed, server)
        for round in 2...4 {
            #expect(isUnavailable(clientError { () throws(ClientError) in _ = try client.ping() }))
            server.start()
            if round == 3 {
                _ = try await client.ping()
            } else {
                #expect(clientError { () throws(ClientError) in _ = try client.ping() } == nil)
            }
            #expect(server.hellos.count == round)
            server.stop()
        }
    }

    @Test func whoFailsOpenConnectsOnceTheBackoffIsOver() throws {
        let server = FakeServer()
        let client = try away(.failOpen(queueLimit: 10), server)
        #expect(isUnavailable(clientError { () throws(ClientError) in _ = try client.ping() }))
        server.start()
        #expect(isUnavailable(clientError { () throws(ClientError) in _ = try client.ping() }))
        #expect(server.hellos.count == 1)
    }

    @Test func failingOpenConnectsWithoutADaemon() throws {
        let server = FakeServer(starts: false)
        let client = try server.connect { $0.failurePolicy = .failOpen(queueLimit: 10) }
        #expect(client.hello == nil)
        #expect(try client.breakers.acquire("a").isAssumed)
    }

    @Test func decisionsAreAssumedAndSaySo() async throws {
        let server = FakeServer()
        let client = try away(.failOpen(queueLimit: 10), server)
        let admission = try await client.breakers.acquire("a")
        #expect(admission.admitted && admission.isAssumed && admission.share == 1)
        let check = try await client.exhaustion.get("a")
        #expect(!check.isExhausted && check.isAssumed)
        let permit = try await client.admission.admit(["a"]).get()
        #expect(permit.isAssumed && permit.share == 1)
        // What operators look at is not assumed.
        #expect(
            isUnavailable(await clientError { () async throws(ClientError) in _ = try await client.limits.list() }))
        #expect(isUnavailable(await clientError { () async throws(ClientError) in _ = try await client.overview() }))
    }

    @Test func aDaemonsAnswersAreNotAssumed() throws {
        let server = FakeServer()
        let client = try server.connect { $0.failurePolicy = .failOpen(queueLimit: 10) }
        #expect(try !client.breakers.acquire("a").isAssumed)
        #expect(try !client.exhaustion.get("a").isAssumed)
        #expect(try !client.exhaustion.mark("a").isAssumed)
        #expect(try client.breakers.success("a") == .delivered)
        #expect(try client.ledger.record(provider: "a", model: "b", cost: .zero).delivery == .delivered)
    }

    @Test func aDecisionThatTakesTooLongIsAssumed() throws {
        let server = FakeServer { _ in }
        let client = try server.connect {
            $0.failurePolicy = .failOpen(queueLimit: 10)
            $0.requestTimeoutMilliseconds = 30
        }
        #expect(try client.breakers.acquire("a").isAssumed)
        #expect(try client.breakers.success("a") == .unknown)
    }

    @Test func refusalsAreNoAbsence() throws {
        let server = FakeServer { $0.refuse(.limitReached, "no more names") }
        let client = try server.connect { $0.failurePolicy = .failOpen(queueLimit: 10) }
        let error = clientError { () throws(ClientError) in _ = try client.breakers.acquire("a") }
        #expect(error == .refused(Refusal(.limitReached, "no more names")))
    }

    @Test func reportsAreSentOnReturnInOrderBeforeAnythingElse() throws {
        let server = FakeServer()
        let client = try server.connect { $0.failurePolicy = .failOpen(queueLimit: 100) }
        _ = try client.ping()
        server.stop()
        #expect(try client.breakers.success("a") == .queued)
        #expect(try client.breakers.failure("b") == .queued)
        #expect(try client.exhaustion.mark("c", for: .seconds(3)).delivery == .queued)
        let recording = try client.ledger.record(
            provider: "d", model: "m", cost: .dollars("0.5"), inputTokens: 1, outputTokens: 2)
        #expect(recording.isAssumed)
        #expect(client.queuedReports == 4)

        server.start()
        try untilBack { () throws(ClientError) in _ = try client.ping() }
        #expect(client.queuedReports == 0 && client.droppedReports == 0)
        let sent = server.requests.dropFirst()
        #expect(
            sent.map(\.command) == [
                BreakerSuccess.declaration.number, BreakerFailure.declaration.number,
                ExhaustionMark.declaration.number, LedgerRecord.declaration.number, Ping.declaration.number,
            ])
        let sequences = sent.compactMap(\.sequence?.sequence)
        #expect(sequences.count == 4 && sequences == Array(sequences[0]..<sequences[0] + 4))
        let record: LedgerRecord = try #require(sent.first { $0.command == 48 }).decoded()
        #expect(record.cost == .dollars("0.5") && record.tokens == TokenUsage(input: 1, output: 2))
        #expect(
            (try #require(sent.first { $0.command == 32 }).decoded() as ExhaustionMark).resetAfterMilliseconds == 3000)
    }

    /// Calls until the backoff is over.
    private func untilBack(_ body: () throws(ClientError) -> Void) throws {
        while true {
            do throws(ClientError) { return try body() } catch { if !isUnavailable(error) { throw error } }
        }
    }

    @Test func aFullQueueDropsTheOldest() throws {
        let server = FakeServer()
        let client = try server.connect { $0.failurePolicy = .failOpen(queueLimit: 3) }
        server.stop()
        for name in ["a", "b", "c", "d", "e"] as [Candidate] { try client.breakers.success(name) }
        #expect(client.queuedReports == 3)
        #expect(client.droppedReports == 2)
        server.start()
        try untilBack { () throws(ClientError) in _ = try client.ping() }
        let names = server.requests.filter { $0.command == 17 }.map { ($0.decoded() as BreakerSuccess).name.text }
        #expect(names == ["c", "d", "e"])
    }

    @Test func aLongQueueGoesThroughANarrowWindow() async throws {
        var hello = FakeServer.plainHello
        hello.keptReplies = 8
        let server = FakeServer(hello: hello)
        let client = try server.connect { $0.failurePolicy = .failOpen(queueLimit: 5000) }
        server.stop()
        for index in 0..<3000 { try await client.breakers.success(Candidate("provider-\(index)")) }
        #expect(client.queuedReports == 3000)
        server.start()
        try untilBack { () throws(ClientError) in _ = try client.ping() }
        #expect(client.queuedReports == 0)
        let reports = server.requests.filter { $0.command == 17 }
        #expect(reports.map { ($0.decoded() as BreakerSuccess).name.text } == (0..<3000).map { "provider-\($0)" })
        #expect(server.requests.last?.command == Ping.declaration.number)
    }

    @Test func refusedReportsAreCountedAsDropped() throws {
        let server = FakeServer { request in
            if request.sequence != nil { request.refuse(.limitReached, "full") } else { request.replySample() }
        }
        let client = try server.connect { $0.failurePolicy = .failOpen(queueLimit: 3) }
        server.stop()
        try client.breakers.success("a")
        server.start()
        try untilBack { () throws(ClientError) in _ = try client.ping() }
        #expect(client.droppedReports == 1)
    }

    @Test func closingGivesQueuedReportsUp() throws {
        let server = FakeServer()
        let client = try away(.failOpen(queueLimit: 3), server)
        try client.breakers.success("a")
        client.close()
        #expect(client.droppedReports == 1)
    }
}
