import FuseboxCollections
import FuseboxWire
import Synchronization
import Testing

@testable import FuseboxClient

/// Timeouts, lost connections and reconnecting.
struct LossTests {
    @Test func withoutADaemonConnectingSaysWhereAndWhatToDo() throws {
        let server = FakeServer(starts: false)
        let error = clientError { () throws(ClientError) in _ = try FuseboxClient.connect(to: server.path) }
        guard case .unavailable(let path, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(path == server.path)
        #expect(error?.description.contains("is fuseboxd running") == true)
    }

    @Test func aPathTooLongForASocketIsUnavailable() {
        let path = "/tmp/" + String(repeating: "x", count: 200)
        let error = clientError { () throws(ClientError) in _ = try FuseboxClient.connect(to: path) }
        guard case .unavailable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func aWithheldReplyTimesOutAndComesTooLateForItsCallerOnly() throws {
        let held = Lock<FakeServer.Request?>(nil)
        let server = FakeServer { request in
            if request.command == Ping.declaration.number {
                held.withLock { $0 = request }
            } else {
                held.withLock { $0.take()?.replySample() }
                request.replySample()
            }
        }
        let client = try server.connect { $0.requestTimeoutMilliseconds = 50 }
        #expect(clientError { () throws(ClientError) in _ = try client.ping() } == .timedOut)
        #expect(try retrying { () throws(ClientError) in try client.status() } == ServerStatus.Reply.sample(1))
        #expect(server.hellos.count == 1)
    }

    /// The timeouts of these tests are short. On a busy machine a call that is not about time gets several attempts.
    private func retrying<R>(_ body: () throws(ClientError) -> R) throws -> R {
        for _ in 0..<50 {
            do throws(ClientError) { return try body() } catch { if error != .timedOut { throw error } }
        }
        return try body()
    }

    @Test func aWithheldReplyTimesATaskOut() async throws {
        let server = FakeServer { if $0.command != Ping.declaration.number { $0.replySample() } }
        let client = try server.connect { $0.requestTimeoutMilliseconds = 50 }
        let error = await clientError { () async throws(ClientError) in _ = try await client.ping() }
        #expect(error == .timedOut)
    }

    @Test func timeoutsOfManyThreadsAndTasksAllEnd() async throws {
        let server = FakeServer { _ in }
        let client = try server.connect { $0.requestTimeoutMilliseconds = 50 }
        let counter = SharedCounter()
        let threads = (0..<8).map { _ in
            startThread {
                let error = clientError { () throws(ClientError) in _ = try client.ping() }
                if error?.meansAway != true { counter.fail() }
            }
        }
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    let error = await clientError { () async throws(ClientError) in _ = try await client.ping() }
                    if error?.meansAway != true { counter.fail() }
                }
            }
        }
        threads.forEach { $0.join() }
        #expect(counter.failures == 0)
    }

    @Test func cancellingATaskEndsItsWait() async throws {
        let isAsked = Gate()
        let server = FakeServer {
            if $0.command == Ping.declaration.number { isAsked.open() } else { $0.replySample() }
        }
        let client = try server.connect()
        let task = Task { await clientError { () async throws(ClientError) in _ = try await client.ping() } }
        startThread {
            isAsked.wait()
            task.cancel()
        }
        #expect(await task.value == .cancelled)
        #expect(try await client.status() == ServerStatus.Reply.sample(1))
    }

    @Test func aPeerThatDoesNotReadTimesSendersOut() throws {
        let release = Gate()
        let server = FakeServer { _ in release.wait() }
        let client = try server.connect {
            $0.requestTimeoutMilliseconds = 50
            $0.operatorTimeoutMilliseconds = 50
        }
        let chunk = Bytes([UInt8](repeating: 7, count: WireLimits.chunkLength))
        var error: ClientError?
        for index in 0..<32 where error == nil {
            error = clientError { () throws(ClientError) in
                _ = try client.submit(ImportChunk(offset: UInt64(index), chunk: chunk))
            }
        }
        #expect(error == .timedOut)
        release.open()
    }

    @Test func aDaemonThatAnswersNothingAnyMoreIsConnectedAnew() throws {
        let server = FakeServer { if $0.peer.number > 0 { $0.replySample() } }
        let client = try server.connect { $0.requestTimeoutMilliseconds = 20 }
        while let error = clientError({ () throws(ClientError) in _ = try client.ping() }) {
            try #require(error.meansAway)
        }
        #expect(server.hellos.count >= 2)
    }

    @Test func anIdleConnectionThatWasClosedIsMadeAgain() throws {
        let server = FakeServer()
        let client = try server.connect()
        try client.breakers.success("a")
        server.peers[0].refuse(Refusal(.idleTimeout, "silent for a day"))
        server.peers[0].close()
        // No request was in flight, so the fate of none is unknown.
        try client.breakers.success("a")
        #expect(server.hellos.count == 2)
        #expect(server.hellos[0].worker == server.hellos[1].worker)
        #expect(server.requests.compactMap(\.sequence?.sequence).max() == server.requests.last?.sequence?.sequence)
    }

    @Test func aRestartedDaemonIsFoundAgain() throws {
        let server = FakeServer()
        let client = try server.connect()
        for _ in 0..<3 {
            server.stop()
            server.start()
            #expect(try client.ping() == Ping.Reply.sample(1))
        }
        #expect(Set(server.hellos.map(\.worker)).count == 1)
    }

    /// Closes the connection at the first request of a command, and answers from then on.
    private func dropping(_ command: UInt16) -> FakeServer {
        let dropped = Atomic(false)
        return FakeServer { request in
            if request.command == command, !dropped.exchange(true, ordering: .relaxed) {
                request.peer.close()
            } else {
                request.replySample()
            }
        }
    }

    @Test func aReadThatWasLostIsAskedAgain() throws {
        let server = dropping(Ping.declaration.number)
        let client = try server.connect()
        #expect(try client.ping() == Ping.Reply.sample(1))
        #expect(server.hellos.count == 2)
    }

    @Test func aTasksReadThatWasLostIsAskedAgain() async throws {
        let server = dropping(Ping.declaration.number)
        let client = try server.connect()
        #expect(try await client.ping() == Ping.Reply.sample(1))
        #expect(server.hellos.count == 2)
    }

    @Test func aReadIsAskedAgainOnlyOnce() throws {
        let server = FakeServer { $0.peer.close() }
        let client = try server.connect()
        guard case .unavailable = clientError({ () throws(ClientError) in _ = try client.ping() }) else {
            Issue.record("the loss must be told")
            return
        }
        #expect(server.requests.count == 2)
    }

    @Test func allThreadsSurviveLostConnections() throws {
        let count = Atomic(0)
        let server = FakeServer { request in
            if count.add(1, ordering: .relaxed).newValue.isMultiple(of: 97) { return request.peer.close() }
            ConcurrencyTests.echo(request)
        }
        let client = try server.connect()
        let counter = SharedCounter()
        let threads = (0..<8).map { _ in
            startThread {
                for _ in 0..<200 {
                    let mark = counter.next()
                    do throws(ClientError) {
                        if try client.call(Ping()) != Ping.Reply.sample(1) { counter.fail() }
                        if try client.call(SnapshotRead(sequence: mark, offset: 0)).length != mark { counter.fail() }
                    } catch {
                        if !error.meansAway { counter.fail() }
                    }
                }
            }
        }
        threads.forEach { $0.join() }
        #expect(counter.failures == 0)
        #expect(server.hellos.count > 10)
        #expect(Set(server.hellos.map(\.worker)).count == 1)
    }

    static let garbage: [(String, [UInt8])] = [
        ("text", Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)),
        ("a frame that is too long", [0xFF, 0xFF, 0xFF, 0x7F] + [UInt8](repeating: 0, count: 20)),
        ("a frame that is too short", [3, 0, 0, 0, 1, 2, 3]),
        ("a reply to nothing", [8, 0, 0, 0, 3, 0, 1, 0, 9, 9, 9, 9]),
        ("an unknown kind", [8, 0, 0, 0, 3, 0, 9, 0, 9, 9, 9, 9]),
    ]

    @Test(arguments: garbage)
    func garbageEndsTheConnectionAndReadsAreAskedAgain(_ name: String, _ bytes: [UInt8]) throws {
        let isFirst = Atomic(true)
        let server = FakeServer { request in
            if isFirst.exchange(false, ordering: .relaxed) { request.peer.send(bytes) } else { request.replySample() }
        }
        let client = try server.connect()
        #expect(try client.ping() == Ping.Reply.sample(1))
        #expect(server.hellos.count == 2)
    }

    @Test(arguments: garbage)
    func whatAnswersHelloWithGarbageIsNoDaemon(_ name: String, _ bytes: [UInt8]) throws {
        let server = FakeServer(starts: false)
        let foreign = ForeignServer(server.path, bytes)
        var configuration = FuseboxClient.Configuration()
        configuration.connectTimeoutMilliseconds = 20_000
        let error = clientError { () throws(ClientError) in
            _ = try FuseboxClient.connect(to: server.path, configuration: configuration)
        }
        guard case .unavailable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        foreign.stop()
    }

    @Test func aDaemonThatRefusesHelloIsUnavailableForItsReason() throws {
        let server = FakeServer(starts: false)
        var frame = ByteWriter()
        frame.writeRefusal(Refusal(.tooManyConnections, "4096 are open"), command: 1, correlation: 0)
        let foreign = ForeignServer(server.path, frame.bytes)
        let error = clientError { () throws(ClientError) in _ = try FuseboxClient.connect(to: server.path) }
        #expect(error?.description.contains("4096 are open") == true)
        foreign.stop()
    }
}
