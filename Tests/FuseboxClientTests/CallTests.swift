import FuseboxCollections
import FuseboxWire
import Testing

@testable import FuseboxClient

struct CallTests {
    @Test func helloSaysWhoIsCallingAndIsKept() throws {
        let server = FakeServer()
        let client = try server.connect { $0.clientName = String(repeating: "wörker", count: 20) }
        #expect(client.hello?.epoch == 42)
        #expect(client.hello?.isOperator == true)
        let hello = try #require(server.hellos.first)
        #expect(hello.client.utf8.count <= 64 && hello.client.hasPrefix("wörkerwörker"))
        #expect(hello.worker != WorkerID(high: 0, low: 0))
    }

    @Test func aCallGetsItsReply() throws {
        let client = try FakeServer().connectKept()
        #expect(try client.value.call(Ping()) == Ping.Reply.sample(1))
        #expect(try client.value.call(ServerStatus()) == ServerStatus.Reply.sample(1))
    }

    @Test func aTaskGetsItsReply() async throws {
        let server = FakeServer()
        let client = try server.connect()
        #expect(try await client.call(Ping()) == Ping.Reply.sample(1))
        #expect(try await client.breakers.acquire("openai").admitted)
    }

    @Test(arguments: [1, 2, 3, 7, 64])
    func repliesMayComeInPieces(_ piece: Int) throws {
        let server = FakeServer(piece: piece)
        let client = try server.connect()
        for _ in 0..<5 { #expect(try client.call(ServerStatus()) == ServerStatus.Reply.sample(1)) }
    }

    @Test func aRefusalIsThrownAsItCame() throws {
        let server = FakeServer { $0.refuse(.notFound, "no breaker is called that") }
        let client = try server.connect()
        let expected = ClientError.refused(Refusal(.notFound, "no breaker is called that"))
        #expect(clientError { () throws(ClientError) in _ = try client.breakers.serialize("x") } == expected)
        // The connection still works.
        #expect(clientError { () throws(ClientError) in _ = try client.breakers.serialize("x") } == expected)
        #expect(server.hellos.count == 1)
    }

    @Test func aStatusOfANewerDaemonIsARefusal() throws {
        let server = FakeServer { request in
            var writer = ByteWriter()
            let start = writer.beginFrame(
                FrameHeader(
                    command: request.command, kind: .reply, detail: 200, correlation: request.header.correlation))
            "too Tuesday".encode(into: &writer)
            writer.endFrame(start)
            request.peer.send(writer.bytes)
        }
        let client = try server.connect()
        let error = clientError { () throws(ClientError) in _ = try client.ping() }
        guard case .refused(let refusal) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(refusal == Refusal(.unknown(200), "too Tuesday"))
    }

    @Test func aReplyThatCannotBeReadIsAViolation() throws {
        let server = FakeServer { $0.reply(Done()) }
        let client = try server.connect()
        let error = clientError { () throws(ClientError) in _ = try client.ping() }
        guard case .protocolViolation(let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("ping"))
    }

    @Test func sequencedRequestsAreNumberedAndOthersAreNot() throws {
        let server = FakeServer()
        let client = try server.connect()
        try client.breakers.success("a")
        _ = try client.ping()
        try client.breakers.failure("a")
        try client.ledger.reset(Scope(provider: Name("a")))
        let sequences = server.requests.map { $0.sequence }
        #expect(sequences.map { $0?.sequence } == [1, nil, 2, 3])
        #expect(sequences.map { $0?.oldestUnacknowledged } == [1, nil, 2, 3])
    }

    @Test func invalidArgumentsAreNotSent() throws {
        let server = FakeServer()
        let client = try server.connect()
        let noName = clientError { () throws(ClientError) in _ = try client.breakers.acquire(Candidate(route: "")) }
        guard case .invalidArgument(let refusal) = noName else {
            Issue.record("\(String(describing: noName))")
            return
        }
        #expect(refusal.status == .badName)
        let negative = clientError { () throws(ClientError) in
            try client.ledger.record(provider: "a", model: "b", cost: .zero, inputTokens: -1)
        }
        guard case .invalidArgument = negative else {
            Issue.record("\(String(describing: negative))")
            return
        }
        #expect(server.requests.isEmpty)
    }

    @Test func aFrameLongerThanTheDaemonTakesIsNotSent() throws {
        var hello = FakeServer.plainHello
        hello.frameLimit = 1000
        let server = FakeServer(hello: hello)
        let client = try server.connect()
        let error = clientError { () throws(ClientError) in
            try client.importState([UInt8](repeating: 1, count: 2000))
        }
        guard case .invalidArgument(let refusal) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(refusal.status == .frameTooLarge)
        #expect(try client.ping() == Ping.Reply.sample(1))
    }

    @Test(arguments: [(Profile.fusebox, false), (.llmProviders, true)])
    func theDrawIsFilledInWhereTheProfileNeedsIt(_ profile: Profile, _ isFilled: Bool) throws {
        var hello = FakeServer.plainHello
        hello.profile = profile
        let server = FakeServer(hello: hello)
        let client = try server.connect()
        for _ in 0..<20 { _ = try client.breakers.acquire("openai") }
        _ = try client.call(BreakerAcquire(name: Name("openai"), draw: 0.25))
        let draws = server.requests.map { ($0.decoded() as BreakerAcquire).draw }
        #expect(draws.last == 0.25)
        #expect(draws.dropLast().allSatisfy { ($0 != nil) == isFilled })
        if isFilled {
            #expect(draws.allSatisfy { (0..<1).contains($0 ?? -1) })
            #expect(Set(draws).count > 10)
        }
    }

    @Test func afterCloseCallsThrowClosedAndTheDaemonHeardGoodbye() throws {
        let saidGoodbye = Gate()
        let server = FakeServer { request in
            if request.command == Goodbye.declaration.number { saidGoodbye.open() } else { request.replySample() }
        }
        let client = try server.connect()
        _ = try client.ping()
        client.close()
        saidGoodbye.wait()
        #expect(clientError { () throws(ClientError) in _ = try client.ping() } == .closed)
        #expect(clientError { () throws(ClientError) in _ = try client.submit(Ping()) } == .closed)
        #expect(clientError { () throws(ClientError) in _ = try client.events() } == .closed)
        #expect(client.hello == nil)
    }

    @Test func droppingTheClientSaysGoodbye() throws {
        let saidGoodbye = Gate()
        let server = FakeServer { if $0.command == Goodbye.declaration.number { saidGoodbye.open() } }
        _ = try server.connect()
        saidGoodbye.wait()
    }

    @Test func closeEndsTheWaitOfOthers() throws {
        let isAsked = Gate()
        let server = FakeServer { _ in isAsked.open() }
        let client = try server.connect()
        let outcome = Lock<ClientError?>(nil)
        let thread = startThread {
            let error = clientError { () throws(ClientError) in _ = try client.ping() }
            outcome.withLock { $0 = error }
        }
        isAsked.wait()
        client.close()
        thread.join()
        #expect(outcome.withLock { $0 } == .closed)
    }
}

/// A client with its server.
struct Kept {
    let server: FakeServer
    let value: FuseboxClient
}

extension FakeServer {
    func connectKept() throws -> Kept { Kept(server: self, value: try connect()) }
}
