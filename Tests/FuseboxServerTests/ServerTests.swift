import FuseboxCore
import FuseboxLoop
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Synchronization
import Testing

@testable import FuseboxServer

/// The bounds of a server, to the turn, the connection and the millisecond.
struct ServerTests {
    private func has(_ peer: RawPeer) -> Bool { peer.hasInput(withinMilliseconds: 0) }

    /// How much a number grew from each turn to the next.
    private func steps(_ counts: [Int]) -> [Int] { zip(counts, [0] + counts).map { $0 - $1 } }

    // MARK: A life

    @Test func whatWasAnsweredIsThereAfterAStop() throws {
        let folder = TemporaryFolder()
        do {
            let served = try InProcessServer(in: folder)
            let (peer, other) = (try served.greeted(), try served.greeted())
            #expect(try served.ask(BreakerFailure(name: Name("openai")), by: peer).status == .ok)
            try served.stop()
            for peer in [peer, other] {
                #expect(try peer.next()?.status == .shuttingDown)
                #expect(try peer.isClosed())
            }
            #expect(served.server.failure == nil)
            #expect(!fileNames(in: folder.path).contains("socket"))
        }
        let next = try InProcessServer(in: folder)
        let answer = try next.ask(BreakerGet(name: Name("openai")), by: try next.greeted())
        #expect(try answer.reply(BreakerGet.Reply.self).status.totalFailures == 1)
    }

    /// The requests were in the socket when the stop began.
    @Test func whatWasSentBeforeAStopIsAnswered() throws {
        let served = try InProcessServer { $0.bounds.requestsPerTurn = 2 }
        let peer = try served.greeted()
        for _ in 0..<20 { peer.send(BreakerSuccess(name: try Name("openai"))) }
        try served.stop()
        for _ in 0..<20 { #expect(try peer.next()?.status == .ok) }
        #expect(try peer.next()?.status == .shuttingDown)
        #expect(try peer.isClosed())
    }

    @Test func aSocketThatIsHandedOverIsListenedOnAndItsFileStays() throws {
        let folder = TemporaryFolder()
        let path = folder("passed")
        let listener = try listeningSocket(at: path)
        // This client has come before the daemon.
        let peer = try RawPeer(path)
        peer.send(RawPeer.hello())
        let served = try InProcessServer(in: folder, inheriting: listener)
        #expect(try served.next(for: peer)?.status == .ok)
        #expect(!fileNames(in: folder.path).contains("socket"))
        try served.stop()
        #expect(fileNames(in: folder.path).contains("passed"))
    }

    @Test func aSecondServerFindsDirectoryOrSocketTaken() throws {
        let folder = TemporaryFolder()
        let served = try InProcessServer(in: folder)
        for change in [{ $0.socketPath = folder("other") }, { $0.dataDirectory = folder("other") }]
            as [(inout ServerConfiguration) -> Void]
        {
            let failure = #expect(throws: ServerFailure.self) { try InProcessServer(in: folder, change) }
            #expect(failure?.exitStatus == 75)
        }
        #expect(try served.ask(Ping(), by: try served.greeted()).status == .ok)
    }

    @Test func limitsThatContradictEachOtherAreRefused() throws {
        let failure = #expect(throws: ServerFailure.self) {
            try InProcessServer { $0.bounds.bufferBytesPerUser = $0.bounds.bufferBytes + 1 }
        }
        #expect(failure?.exitStatus == 64 && failure?.description.contains("bufferBytesPerUser") == true)
    }

    // MARK: A turn

    @Test func aTurnAcceptsSoManyConnectionsAndTheNextGoesOn() throws {
        let served = try InProcessServer { $0.bounds.acceptsPerTurn = 3 }
        let peers = try (0..<10).map { _ in try RawPeer(served.path) }
        var counts: [Int] = []
        served.whenTurnEnds = { counts.append($0.quotas.connections) }
        try served.run { counts.last == peers.count }
        #expect(steps(counts).max() == 3)
    }

    @Test func aTurnHandlesSoManyRequestsOfAConnectionAndTheNextGoesOn() throws {
        let served = try InProcessServer { $0.bounds.requestsPerTurn = 4 }
        let peer = try served.greeted()
        let before = served.requests
        var counts: [Int] = []
        served.whenTurnEnds = { counts.append(Int($0.keeper.engine.requests) - before) }
        peer.send(Array(repeatElement(RawPeer.frame(Ping()), count: 30).joined()))
        try served.run { counts.last == 30 }
        #expect(steps(counts).allSatisfy { $0 <= 4 }, "\(counts)")
        for _ in 0..<30 { #expect(try served.next(for: peer)?.status == .ok) }
    }

    // MARK: Connections

    @Test func anExcessConnectionIsToldTheLimitAndTheOthersStay() throws {
        let served = try InProcessServer { $0.bounds.connections = 4 }
        var peers = try (0..<4).map { _ in try served.greeted() }
        let excess = try RawPeer(served.path)
        let refusal = try #require(try served.next(for: excess))
        #expect(refusal.status == .tooManyConnections)
        #expect(refusal.message.contains("4 clients are connected"))
        #expect(try served.closes(excess))
        for peer in peers { #expect(try served.ask(Ping(), by: peer).status == .ok) }
        peers.removeLast()
        try served.run { served.connections == 3 }
        #expect(try served.ask(Ping(), by: try served.greeted()).status == .ok)
    }

    /// Of four places two are for connections without hello.
    @Test func theOldestWithoutHelloMakesRoom() throws {
        let served = try InProcessServer { $0.bounds.connections = 4 }
        let silent = try (0..<3).map { _ in try RawPeer(served.path) }
        let refusal = try #require(try served.next(for: silent[0]))
        #expect(refusal.status == .tooManyConnections && refusal.message.contains("has not said hello"))
        #expect(try served.closes(silent[0]))
        #expect(served.connections == 2)
        for peer in silent.dropFirst() {
            peer.send(RawPeer.hello())
            #expect(try served.next(for: peer)?.status == .ok)
        }
    }

    @Test func aNewerConnectionOfAWorkerReplacesTheOlder() throws {
        let served = try InProcessServer()
        let hello = RawPeer.frame(Hello(worker: WorkerID(high: 7, low: 7), client: "worker"))
        let (older, newer) = (try RawPeer(served.path), try RawPeer(served.path))
        for peer in [older, newer] {
            peer.send(hello)
            #expect(try served.next(for: peer)?.status == .ok)
        }
        #expect(try served.next(for: older)?.status == .fenced)
        #expect(try served.closes(older))
        #expect(served.connections == 1)
        #expect(try served.ask(Ping(), by: newer).status == .ok)
    }

    @Test func aProcessIsWatchedOnceAndForgottenWithItsLastConnection() throws {
        // As many processes are watched as there are descriptors for.
        let served = try InProcessServer { $0.bounds.connections = 16 }
        var peers = try (0..<3).map { _ in try served.greeted() }
        #expect(served.server.processes.keys.map { $0 } == [getpid()])
        #expect(served.server.processes[getpid()]?.sessions.count == 3)
        peers.removeLast(2)
        try served.run { served.connections == 1 }
        #expect(served.server.processes[getpid()]?.sessions.count == 1)
        peers.removeLast()
        try served.run { served.connections == 0 }
        #expect(served.server.processes.isEmpty)
    }

    // MARK: Time

    @Test func helloIsWaitedForToTheMillisecond() throws {
        let served = try InProcessServer { $0.bounds.helloMilliseconds = 600_000 }
        let (silent, slow) = (try RawPeer(served.path), try RawPeer(served.path))
        slow.send([40, 0, 0, 0, 1])
        try served.run { served.connections == 2 }
        let opened = served.server.moment.now
        try served.checkDeadlines(at: opened + 600_000)
        #expect(!has(silent) && !has(slow))
        try served.checkDeadlines(at: opened + 600_001)
        for peer in [silent, slow] {
            #expect(try served.next(for: peer)?.status == .helloTimeout)
            #expect(try served.closes(peer))
        }
        #expect(served.connections == 0)
    }

    @Test func aConnectionThatIsForgottenIsClosedAndASubscribersIsNot() throws {
        let served = try InProcessServer { $0.bounds.idleMilliseconds = 600_000 }
        let subscriber = try served.greeted()
        #expect(try served.ask(Subscribe(topics: .all), by: subscriber).status == .ok)
        let quiet = try served.greeted()
        let last = served.server.moment.now
        try served.checkDeadlines(at: last + 600_000)
        #expect(!has(quiet) && !has(subscriber))
        try served.checkDeadlines(at: last + 600_001)
        #expect(try served.next(for: quiet)?.status == .idleTimeout)
        #expect(try served.closes(quiet))
        #expect(try served.ask(Ping(), by: subscriber).status == .ok)
    }

    // MARK: Output

    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    @Test func aPeerThatDoesNotReadIsAskedForNoMore() throws {
        let served = try InProcessServer { $0.bounds.outputSoftLimit = 16 * 1024 }
        let peer = try served.greeted()
        let connection = try #require(served.connection)
        let before = served.requests
        let total = 5_000
        peer.send(Array(repeatElement(RawPeer.frame(ServerStatus()), count: total).joined()))
        try served.run {
            !connection.isFlushed && !connection.isContinuing && !connection.stream.isReading
        }
        let handled = served.requests - before
        #expect(handled < total)
        for _ in 0..<5 { try served.turn() }
        #expect(served.requests - before == handled)
        #expect(connection.countedBytes < 512 * 1024)
        // Once it reads, it gets everything.
        nonisolated(unsafe) let reading = peer
        let answered = Counter()
        let thread = TestThread {
            while answered.value.load(ordering: .relaxed) < total, (try? reading.next())?.status == .ok {
                answered.value.add(1, ordering: .relaxed)
            }
        }
        try served.run { connection.isFlushed && served.requests - before == total }
        thread.join()
        #expect(answered.value.load(ordering: .relaxed) == total)
    }
}
