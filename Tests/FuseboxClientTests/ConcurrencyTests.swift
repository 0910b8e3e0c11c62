import FuseboxCollections
import FuseboxWire
import Synchronization
import Testing

@testable import FuseboxClient

struct ConcurrencyTests {
    /// Replies with the sequence number of the requested snapshot, so that every reply identifies its request.
    static func echo(_ request: FakeServer.Request) {
        guard request.command == SnapshotRead.declaration.number else { return request.replySample() }
        let asked: SnapshotRead = request.decoded()
        var reply = SnapshotRead.Reply()
        reply.length = asked.sequence
        request.reply(reply)
    }

    /// Answers eight requests at a time, in reverse order.
    static func reversing() -> @Sendable (FakeServer.Request) -> Void {
        let held = Lock<[FakeServer.Request]>([])
        return { request in
            let batch = held.withLock { held -> [FakeServer.Request] in
                held.append(request)
                guard held.count == 8 else { return [] }
                defer { held = [] }
                return held.reversed()
            }
            batch.forEach(echo)
        }
    }

    @Test func pipelinedRepliesMayOvertakeOneAnother() throws {
        let server = FakeServer(answer: Self.reversing())
        let client = try server.connect()
        let pending = try (0..<64).map { try client.submit(SnapshotRead(sequence: UInt64($0), offset: 0)) }
        for (index, reply) in pending.enumerated() { #expect(try reply.wait().length == UInt64(index)) }
        #expect(server.requests.map { ($0.decoded() as SnapshotRead).sequence } == Array(0..<64))
    }

    @Test func tasksWaitForPipelinedReplies() async throws {
        let server = FakeServer(answer: Self.reversing())
        let client = try server.connect()
        let pending = try (0..<64).map { try client.submit(SnapshotRead(sequence: UInt64($0), offset: 0)) }
        for (index, reply) in pending.enumerated() { #expect(try await reply.wait().length == UInt64(index)) }
    }

    @Test func aReplyIsWaitedForOnce() throws {
        let server = FakeServer()
        let client = try server.connect()
        let pending = try client.submit(Ping())
        _ = try pending.wait()
        #expect(clientError { () throws(ClientError) in _ = try pending.wait() } == .alreadyAwaited)
    }

    @Test func droppedRepliesGiveTheirPlaceBack() throws {
        let server = FakeServer(answer: Self.echo)
        let client = try server.connect()
        for round in 0..<200 {
            for _ in 0..<50 { _ = try client.submit(Ping()) }
            #expect(try client.call(SnapshotRead(sequence: UInt64(round), offset: 0)).length == UInt64(round))
        }
    }

    @Test(arguments: [2, 8, 32])
    func manyThreadsShareAConnection(_ threads: Int) throws {
        let server = FakeServer(answer: Self.echo)
        let client = try server.connect()
        let calls = 4000 / threads
        let wrong = Atomic(0)
        let running = (0..<threads).map { thread in
            startThread {
                for call in 0..<calls {
                    let mark = UInt64(thread * calls + call)
                    let reply = try? client.call(SnapshotRead(sequence: mark, offset: 0))
                    if reply?.length != mark { wrong.add(1, ordering: .relaxed) }
                }
            }
        }
        running.forEach { $0.join() }
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(server.hellos.count == 1)
    }

    @Test func manyTasksShareAConnection() async throws {
        let server = FakeServer(answer: Self.echo)
        let client = try server.connect()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for mark in 0..<2000 as Range<UInt64> {
                group.addTask { try await client.call(SnapshotRead(sequence: mark, offset: 0)).length == mark }
            }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(server.hellos.count == 1)
    }

    @Test func threadsAndTasksShareAConnection() async throws {
        let server = FakeServer(answer: Self.echo)
        let client = try server.connect()
        let wrong = Atomic(0)
        let counter = SharedCounter()
        let threads = (0..<4).map { _ in
            startThread {
                for _ in 0..<500 {
                    let mark = counter.next()
                    let reply = try? client.call(SnapshotRead(sequence: mark, offset: 0))
                    if reply?.length != mark { counter.fail() }
                }
            }
        }
        await withTaskGroup { group in
            for _ in 0..<50 {
                group.addTask {
                    for _ in 0..<20 {
                        let mark = counter.next()
                        let reply = try? await client.call(SnapshotRead(sequence: mark, offset: 0))
                        if reply?.length != mark { counter.fail() }
                    }
                }
            }
        }
        threads.forEach { $0.join() }
        #expect(counter.failures == 0)
        #expect(wrong.load(ordering: .relaxed) == 0)
    }

    @Test func sequenceNumbersLeaveInTheirOrderFromAllThreads() throws {
        let server = FakeServer()
        let client = try server.connect()
        let threads = (0..<8).map { _ in
            startThread { for _ in 0..<200 { try! client.breakers.success("a") } }
        }
        threads.forEach { $0.join() }
        let sequences = server.requests.compactMap(\.sequence)
        #expect(sequences.map(\.sequence) == Array(1...1600))
        #expect(zip(sequences, sequences.dropFirst()).allSatisfy { $0.oldestUnacknowledged <= $1.oldestUnacknowledged })
        #expect(sequences.allSatisfy { $0.oldestUnacknowledged <= $0.sequence })
    }

    @Test func noMoreSequencedRequestsAreUnacknowledgedThanTheDaemonKeeps() throws {
        var hello = FakeServer.plainHello
        hello.keptReplies = 4
        let server = FakeServer(hello: hello)
        let client = try server.connect()
        let pending = try (0..<100).map { _ in try client.submit(BreakerSuccess(name: Name("a"))) }
        for reply in pending { _ = try reply.wait() }
        let sequences = server.requests.compactMap(\.sequence)
        #expect(sequences.map(\.sequence) == Array(1...100))
        #expect(sequences.allSatisfy { $0.sequence - $0.oldestUnacknowledged < 4 })
    }

    /// More requests and replies than the sockets' buffers take, so a thread that sends must also read.
    @Test func aLongPipelineDoesNotBlockItself() throws {
        let server = FakeServer()
        let client = try server.connect()
        let pending = try (0..<20_000).map { _ in try client.submit(ServerStatus()) }
        for reply in pending { #expect(try reply.wait().processID == 1200) }
    }

    @Test func aBurstOfLargeTaskRequestsGoesOut() async throws {
        let server = FakeServer(answer: Self.echo)
        let client = try server.connect()
        let chunk = Bytes([UInt8](repeating: 7, count: 100_000))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<40 as Range<UInt64> {
                group.addTask { _ = try await client.call(ImportChunk(offset: index, chunk: chunk)) }
            }
            try await group.waitForAll()
        }
        let offsets = server.requests.map { ($0.decoded() as ImportChunk).offset }
        #expect(offsets.sorted() == Array(0..<40))
    }
}

/// Numbers that no two callers share, and a count of failures.
final class SharedCounter: Sendable {
    private let value = Atomic<UInt64>(0)
    private let failed = Atomic(0)
    func next() -> UInt64 { value.add(1, ordering: .relaxed).newValue }
    func fail() { failed.add(1, ordering: .relaxed) }
    var failures: Int { failed.load(ordering: .relaxed) }
}
