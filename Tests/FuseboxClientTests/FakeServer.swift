import FuseboxCollections
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Synchronization

@testable import FuseboxClient

/// A substitute for the daemon. It speaks the protocol on a real socket and behaves as the test says.
///
/// It answers hello by itself and every other request with `answer`, on one thread per connection. Like the daemon, it
/// keeps the replies to sequenced requests, answers resent requests from them, and fences a worker's older connections.
final class FakeServer: @unchecked Sendable {
    private let folder = TemporaryFolder()
    var directory: String { folder.path }
    let path: String
    private let answer: @Sendable (Request) -> Void
    private let listener = Lock<Int32>(-1)
    private let record = Lock(Record())

    struct Record {
        var hellos: [Hello] = []
        var requests: [Request] = []
        var peers: [Peer] = []
    }

    /// The reply to hello, without the worker's standing.
    let hello: Lock<Hello.Reply>
    /// The memory of workers.
    private let books = Lock<[WorkerID: WorkerBook]>([:])
    /// The standing of every worker; nil: the true one.
    let standing = Lock<WorkerStanding?>(nil)

    /// A request and the connection for its reply.
    struct Request: Sendable {
        let peer: Peer
        let header: FrameHeader
        let sequence: RequestSequence?
        let payload: [UInt8]
        let book: WorkerBook
        var command: UInt16 { header.command }

        func decoded<C: Command>(_ command: C.Type = C.self) -> C {
            var value = C()
            payload.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                do throws(Refusal) {
                    try value.decode(from: &reader)
                    try reader.finish()
                } catch { fatalError("\(C.declaration.name): \(error)") }
            }
            return value
        }

        func reply(_ record: some WireRecord) {
            carryOut(record)
            peer.send(header.command, header.correlation, record)
        }

        /// Carries the request out and keeps the reply, but does not send it.
        func carryOut(_ record: some WireRecord) {
            guard let sequence else { return }
            var writer = ByteWriter()
            record.encode(into: &writer)
            book.keep(sequence.sequence, writer.bytes)
        }
        func refuse(_ status: Status, _ message: String) {
            peer.refuse(Refusal(status, message), header.command, header.correlation)
        }

        /// Replies with an example.
        func replySample(_ variant: Int = 1) {
            struct Sampler: CommandVisitor {
                let variant: Int
                mutating func visit<C: Command>(_ command: C.Type) -> any WireRecord { C.Reply.sample(variant) }
            }
            var sampler = Sampler(variant: variant)
            guard let sample = CommandTable.dispatch(header.command, &sampler) else { fatalError() }
            reply(sample)
        }
    }

    /// One connection, on the server's side.
    final class Peer: @unchecked Sendable {
        let number: Int
        private let descriptor: Lock<Int32>
        private let hasClosed = Atomic(false)
        let book = Lock(WorkerBook())
        /// The number of bytes per write; nil: all at once.
        let piece: Int?

        init(_ number: Int, _ descriptor: Int32, piece: Int?) {
            self.number = number
            self.descriptor = Lock(descriptor)
            self.piece = piece
        }

        func send(_ command: UInt16, _ correlation: UInt32, _ record: some WireRecord) {
            var writer = ByteWriter()
            let start = writer.beginFrame(FrameHeader(command: command, kind: .reply, correlation: correlation))
            record.encode(into: &writer)
            writer.endFrame(start)
            send(writer.bytes)
        }

        func refuse(_ refusal: Refusal, _ command: UInt16 = 0, _ correlation: UInt32 = 0) {
            var writer = ByteWriter()
            writer.writeRefusal(refusal, command: command, correlation: correlation)
            send(writer.bytes)
        }

        func send(_ event: Event, number: UInt64, missed: UInt64 = 0) {
            var writer = ByteWriter()
            event.encode(into: &writer)
            send(event: event.number, writer.bytes, number: number, missed: missed)
        }

        /// Sends an event whose fields are these bytes.
        func send(event: UInt16, _ fields: [UInt8], number: UInt64, missed: UInt64 = 0) {
            var writer = ByteWriter()
            let start = writer.beginFrame(FrameHeader(command: event, kind: .event, correlation: 0))
            EventEnvelope(number: number, missed: missed, at: Timestamp(milliseconds: 7)).encode(into: &writer)
            writer.write(contentsOf: fields)
            writer.endFrame(start)
            send(writer.bytes)
        }

        func send(_ bytes: [UInt8]) {
            descriptor.withLock { descriptor in
                var sent = 0
                while sent < bytes.count, descriptor >= 0 {
                    let length = min(piece ?? bytes.count, bytes.count - sent)
                    let count = bytes.withUnsafeBytes {
                        Glibc.send(descriptor, $0.baseAddress! + sent, length, Int32(MSG_NOSIGNAL))
                    }
                    if count < 0 { return }
                    sent += count
                }
            }
        }

        /// Closes the connection at once.
        func close() {
            hasClosed.store(true, ordering: .releasing)
            descriptor.withLock { if $0 >= 0 { shutdown($0, Int32(SHUT_RDWR)) } }
        }

        /// Whether bytes that may still be in the socket are ignored.
        var isClosed: Bool { hasClosed.load(ordering: .acquiring) }

        fileprivate func end() {
            descriptor.withLock {
                Glibc.close($0)
                $0 = -1
            }
        }
    }

    /// - Parameters:
    ///   - piece: the number of bytes per write
    ///   - answer: the reaction to each request after hello; by default it replies with examples
    init(
        hello: Hello.Reply = FakeServer.plainHello, piece: Int? = nil, starts: Bool = true,
        answer: @escaping @Sendable (Request) -> Void = { $0.replySample() }
    ) {
        path = folder("socket")
        self.hello = Lock(hello)
        self.piece = piece
        self.answer = answer
        if starts { start() }
    }

    private let piece: Int?

    deinit { stop() }

    static var plainHello: Hello.Reply {
        var reply = Hello.Reply()
        reply.epoch = 42
        reply.isOperator = true
        reply.frameLimit = UInt32(WireLimits.frameLength)
        reply.keptReplies = 1024
        return reply
    }

    var requests: [Request] { record.withLock { $0.requests } }
    var hellos: [Hello] { record.withLock { $0.hellos } }
    var peers: [Peer] { record.withLock { $0.peers } }

    func start() {
        let descriptor: Int32
        do throws(TestFailure) { descriptor = try listeningSocket(at: path) } catch { fatalError(error.description) }
        listener.withLock { $0 = descriptor }
        startThread { [weak self] in
            while true {
                let accepted = accept(descriptor, nil, nil)
                guard accepted >= 0, let self else {
                    if accepted >= 0 { Glibc.close(accepted) }
                    break
                }
                let peer = self.record.withLock { record in
                    let peer = Peer(record.peers.count, accepted, piece: self.piece)
                    record.peers.append(peer)
                    return peer
                }
                startThread { [weak self] in FakeServer.serve(self, peer, accepted) }
            }
            Glibc.close(descriptor)
        }
    }

    /// Stops listening and closes every connection. It can be started again.
    func stop() {
        listener.withLock {
            if $0 >= 0 { shutdown($0, Int32(SHUT_RDWR)) }
            $0 = -1
        }
        unlink(path)
        for peer in peers { peer.close() }
    }

    /// Leaves a socket on which no process listens, like a killed daemon.
    static func leaveSocket(at path: String) {
        let descriptor = unixSocket()
        let bound = withUnixAddress(path) { bind(descriptor, $0, $1) }
        guard bound == 0 else { fatalError("bind \(path): \(errno)") }
        Glibc.close(descriptor)
    }

    private static func serve(_ server: FakeServer?, _ peer: Peer, _ descriptor: Int32) {
        // The connections must not keep the server alive.
        weak let server = server
        var reader = FrameReader()
        defer { peer.end() }
        while true {
            let spare = reader.spare()
            let count = recv(descriptor, spare.baseAddress, spare.count, 0)
            guard count > 0 else { return }
            reader.commit(count)
            while true {
                do throws(Refusal) {
                    let frame = try reader.next { header, payload in (header, [UInt8](payload)) }
                    guard let frame else { break }
                    guard let server, !peer.isClosed else { return }
                    server.take(peer, frame.0, frame.1)
                } catch { return }
            }
        }
    }

    private func take(_ peer: Peer, _ header: FrameHeader, _ payload: [UInt8]) {
        var payload = payload
        var sequence: RequestSequence?
        if CommandTable.declaration(header.command)?.isSequenced == true {
            var carried = RequestSequence()
            payload.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                try! carried.decode(from: &reader)
            }
            sequence = carried
            payload.removeFirst(16)
        }
        let book = peer.book.withLock { $0 }
        let request = Request(peer: peer, header: header, sequence: sequence, payload: payload, book: book)
        if header.command == Hello.declaration.number {
            greet(request)
        } else if let sequence {
            // One request at a time, like the daemon's loop.
            book.serially(speaker: peer.number) {
                record.withLock { $0.requests.append(request) }
                switch book.kept(sequence) {
                case .new: answer(request)
                case .reply(let bytes): peer.send(header.command, header.correlation, Verbatim(bytes: bytes))
                case .none: request.refuse(.sequenceOutOfOrder, "its reply is not kept")
                }
            }
        } else {
            record.withLock { $0.requests.append(request) }
            answer(request)
        }
    }

    private func greet(_ request: Request) {
        let hello: Hello = request.decoded()
        record.withLock { $0.hellos.append(hello) }
        let book = books.withLock { books in
            let book = books[hello.worker] ?? WorkerBook()
            books[hello.worker] = book
            return book
        }
        book.fenceOlder(than: request.peer.number)
        request.peer.book.withLock { $0 = book }
        var reply = self.hello.withLock { $0 }
        reply.lastSequence = book.last
        let known: WorkerStanding = book.last > 0 ? .resumed : hello.lastSequence > 0 ? .forgotten : .new
        reply.worker = standing.withLock { $0 } ?? known
        request.reply(reply)
    }

    /// The sequenced requests that were carried out, of all workers.
    var carriedOut: Int { books.withLock { $0.values.reduce(0) { $0 + $1.carriedOut } } }
}

/// The memory of one worker.
final class WorkerBook: Sendable {
    private struct Contents {
        var last: UInt64 = 0
        var kept: [UInt64: [UInt8]] = [:]
        var carriedOut = 0
        var speaker = -1
    }

    enum Kept {
        case new
        case reply([UInt8])
        case none
    }

    private let contents = Lock(Contents())
    private let turn = Lock(())

    var last: UInt64 { contents.withLock { $0.last } }
    var carriedOut: Int { contents.withLock { $0.carriedOut } }

    func keep(_ sequence: UInt64, _ bytes: [UInt8]) {
        contents.withLock {
            $0.last = max($0.last, sequence)
            $0.kept[sequence] = bytes
            $0.carriedOut += 1
        }
    }

    func kept(_ number: RequestSequence) -> Kept {
        contents.withLock { contents in
            contents.kept = contents.kept.filter { $0.key >= number.oldestUnacknowledged }
            if let bytes = contents.kept[number.sequence] { return .reply(bytes) }
            return number.sequence > contents.last ? .new : .none
        }
    }

    func fenceOlder(than speaker: Int) { contents.withLock { $0.speaker = max($0.speaker, speaker) } }

    func serially(speaker: Int, _ body: () -> Void) {
        turn.withLock { _ in
            if contents.withLock({ $0.speaker == speaker }) { body() }
        }
    }
}

/// An encoded payload.
struct Verbatim: WireRecord {
    var bytes: [UInt8] = []
    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        for index in bytes.indices { try visitor.field("byte", &bytes[index], "one") }
    }
}

/// Runs `body` on a new thread.
@discardableResult
func startThread(_ body: @escaping @Sendable () -> Void) -> TestThread { TestThread(body) }

final class TestThread: Sendable {
    private let isDone = Gate()

    init(_ body: @escaping @Sendable () -> Void) {
        do throws(SystemFailure) {
            try Thread.start { [isDone] in
                body()
                isDone.open()
            }
        } catch { fatalError("\(error)") }
    }

    func join() { isDone.wait() }
}

/// A gate that is closed until it is opened, and then stays open.
final class Gate: Sendable {
    private let isOpen = Lock(false)
    private let parker = Parker()

    func open() {
        isOpen.withLock { $0 = true }
        parker.wake()
    }

    /// Waits until the gate is open. Only one thread may wait.
    func wait() {
        while !isOpen.withLock({ $0 }) { parker.park(until: .never) }
    }
}

extension FakeServer {
    func connect(_ change: (inout FuseboxClient.Configuration) -> Void = { _ in }) throws -> FuseboxClient {
        var configuration = FuseboxClient.Configuration()
        // A busy machine must not fail a test that is not about time. A task may wait for minutes until other tests
        // leave it a thread.
        configuration.requestTimeoutMilliseconds = 600_000
        configuration.connectTimeoutMilliseconds = 600_000
        // Reports that a test leaves must not reach another client.
        configuration.spool = .none
        change(&configuration)
        return try FuseboxClient.connect(to: path, configuration: configuration)
    }
}

/// The error that `body` throws; nil if it succeeds.
func clientError(_ body: () throws(ClientError) -> Void) -> ClientError? {
    do throws(ClientError) {
        try body()
        return nil
    } catch { return error }
}

/// The error that `body` throws; nil if it succeeds.
func clientError(_ body: () async throws(ClientError) -> Void) async -> ClientError? {
    do throws(ClientError) {
        try await body()
        return nil
    } catch { return error }
}
