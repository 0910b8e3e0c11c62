import FuseboxLoop
import FuseboxTestSupport
import Glibc
import Testing

@Suite struct StreamTests {
    let loop: EventLoop
    let log = Log()

    init() throws {
        SignalWatcher.ignore(SIGPIPE)
        loop = try EventLoop()
    }

    @Test func echoesManyConnectionsAtOnce() throws {
        let folder = TemporaryFolder()
        let path = folder("s")
        let listener = try Listener(on: loop, path: path)
        let clientCount = 50
        var connections: [ObjectIdentifier: TestConnection] = [:]
        var ended = 0
        let acceptor = TestAcceptor { stream in
            let connection = TestConnection(stream)
            connections[ObjectIdentifier(stream)] = connection
            connection.when = { connection, event in
                connection.output += connection.received
                connection.received = []
                do { try connection.flush() } catch { Issue.record(error) }
                guard event == "end of stream" else { return }
                ended += 1
                connections[ObjectIdentifier(connection.stream)] = nil
                if ended == clientCount { listener.close() }
            }
            do { try stream.startReading() } catch { Issue.record(error) }
        }
        listener.delegate = acceptor
        try listener.start()
        let clients = TestThread {
            var all: [Int] = []
            for seed in 0..<clientCount {
                guard let client = BlockingClient(path: path) else {
                    Issue.record("a client could not connect")
                    return
                }
                let sent = pattern(1 + seed * 777, seed: UInt64(seed))
                #expect(client.send(sent))
                #expect(client.receive(sent.count) == sent)
                all.append(seed)
            }
            #expect(all.count == clientCount)
        }
        try loop.runWithinReason()
        clients.join()
        #expect(ended == clientCount)
        #expect(connections.isEmpty)
    }

    @Test func aSlowReaderGetsEverythingInOrder() throws {
        let pair = try ConnectedPair(on: loop)
        let stream = pair.stream
        let total = 5_000_000
        let connection = TestConnection(stream)
        var drains = 0
        connection.when = { connection, event in
            #expect(event == "drained")
            drains += 1
            do {
                try connection.flush()
                if connection.output.isEmpty, !stream.hasPendingChunk { stream.close() }
            } catch {
                Issue.record(error)
            }
        }
        let sent = pattern(total)
        connection.output = sent
        try connection.flush()
        #expect(stream.hasPendingChunk)
        #expect(stream.pendingBytes > 0 && stream.pendingBytes <= Stream.chunkLength)
        #expect(connection.output.count < total)
        #expect(try sent.withUnsafeBytes { try stream.tryWrite($0) } == 0, "nothing overtakes what is held back")
        #expect(try sent.withUnsafeBytes { try stream.write($0) } == 0, "and no second chunk is held back")
        let client = pair.client.descriptor
        let reader = TestThread {
            let end = BlockingClient(adopting: dup(client))
            let received = end.receive(total + 1, atATime: 10_000)
            #expect(received == sent)
        }
        try loop.runWithinReason()
        reader.join()
        #expect(drains > 0)
        #expect(connection.output.isEmpty)
        #expect(!stream.isOpen)
    }

    @Test func theEndOfTheStreamComesAfterTheLastByteAndWritingGoesOn() throws {
        let pair = try ConnectedPair(on: loop)
        let connection = TestConnection(pair.stream, roomLength: 4)
        #expect(pair.client.send([1, 2, 3, 4, 5, 6, 7]))
        pair.client.finishSending()
        try pair.stream.startReading()
        try pair.stream.startReading()
        #expect(pair.stream.isReading)
        try loop.runWithinReason()
        #expect(connection.received == [1, 2, 3, 4, 5, 6, 7])
        #expect(connection.log.entries == ["read", "read", "end of stream"])
        #expect(!pair.stream.isReading)
        #expect(try [8, 9].withUnsafeBytes { try pair.stream.tryWrite($0) } == 16)
    }

    @Test func stopReadingHoldsFromInsideTheCallback() throws {
        let pair = try ConnectedPair(on: loop)
        let connection = TestConnection(pair.stream, roomLength: 2)
        connection.when = { connection, _ in connection.stream.stopReading() }
        #expect(pair.client.send([1, 2, 3]))
        try pair.stream.startReading()
        try loop.runWithinReason()
        #expect(connection.received == [1, 2])
        try pair.stream.startReading()
        try loop.runWithinReason()
        #expect(connection.received == [1, 2, 3])
    }

    @Test func aWriteToAPeerThatIsGoneFails() throws {
        let pair = try ConnectedPair(on: loop)
        shutdown(pair.client.descriptor, Int32(SHUT_RDWR))
        let error = #expect(throws: LoopError.self) { try [1].withUnsafeBytes { try pair.stream.tryWrite($0) } }
        #expect(error?.code == EPIPE)
        #expect(error?.operation == .write)
    }

    @Test func whatIsHeldBackForAPeerThatGoesIsReportedAsFailed() throws {
        var ends: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let stream = try Stream(on: loop, adopting: Descriptor(owning: ends[0]))
        let connection = TestConnection(stream)
        connection.when = { connection, _ in connection.stream.close() }
        _ = try pattern(1_000_000).withUnsafeBytes { try stream.write($0) }
        #expect(stream.hasPendingChunk)
        close(ends[1])
        try loop.runWithinReason()
        #expect(connection.log.entries == ["failed"])
        #expect(connection.lastError?.operation == .write)
        #expect(connection.lastError?.code == EPIPE || connection.lastError?.code == ECONNRESET)
    }

    @Test func credentialsAreThePeers() throws {
        let folder = TemporaryFolder()
        let listener = try Listener(on: loop, path: folder("s"))
        let client = try #require(BlockingClient(path: folder("s")))
        var peer: PeerCredentials?
        let acceptor = TestAcceptor { stream in
            peer = try? stream.peer
            listener.close()
        }
        listener.delegate = acceptor
        try listener.start()
        try loop.runWithinReason()
        #expect(peer == PeerCredentials(processID: getpid(), userID: getuid(), groupID: getgid()))
        withExtendedLifetime(client) {}
    }

    @Test func theDescriptorIsTheSockets() throws {
        let pair = try ConnectedPair(on: loop)
        let descriptor = try #require(pair.stream.descriptor)
        #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
        pair.stream.close()
        #expect(pair.stream.descriptor == nil)
    }
}
