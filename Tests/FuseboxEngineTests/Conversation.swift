import FuseboxCore
import FuseboxStore
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// An engine without I/O, and sessions that send it requests. The test has the clock. There is no journal, so every
/// reply comes at once.
final class Conversation {
    var engine: Engine
    var now: Int64 = 1_790_000_000_000

    init(bounds: Bounds = Bounds(), snapshotInterval: Int64 = 60_000) {
        let moment = Moment(milliseconds: now)
        let store = SnapshotStore(EmptyStorage())
        do throws(RecoveryRefusal) {
            engine = Engine(
                try Recovered.find(in: store, profile: .fusebox, bounds: bounds, newEpoch: 42, at: moment),
                identity: .init(server: "engine under test", processID: 1, epoch: 42, salt: 7),
                snapshotIntervalMilliseconds: snapshotInterval, clock: EngineClock(at: moment))
        } catch { preconditionFailure("nothing cannot be damaged: \(error)") }
    }

    var moment: Moment { Moment(milliseconds: now) }

    // The operations of tests, as calls that a macro can expand.

    var hasEvents: Bool {
        endTurn()
        return engine.beginEvents()
    }
    func needsRoom(_ command: UInt16) -> Bool { engine.needsRoom(command) }
    var isSnapshotCurrent: Bool { engine.commit.isSnapshotCurrent }
    var refusals: UInt64 { engine.refusals }
    /// Nothing waits for a journal, so events and pushes are ready when the turn ends.
    func endTurn() {
        engine.commit.release { target, frame in
            guard !target.isReply else { return }
            var reader = FrameReader()
            reader.append(frame)
            do throws(Refusal) {
                _ = try reader.next { pushes.append((target.session, Answer(header: $0, payload: Array($1)))) }
            } catch { Issue.record("a push is no frame: \(error)") }
        }
    }

    /// The frames that were pushed to sessions, in their order.
    private(set) var pushes: [(session: UInt64, frame: Answer)] = []

    /// Takes the ends of waits that were pushed since the last call.
    func takePushes() throws -> [(session: UInt64, entry: TicketEntry)] {
        endTurn()
        defer { pushes.removeAll() }
        return try pushes.map { push in
            #expect(push.frame.header.kind == FrameKind.push.rawValue)
            #expect(push.frame.header.command == Tickets.declaration.number)
            return (push.session, try push.frame.payload.decoded(as: TicketEntry.self))
        }
    }
    func capture() -> SnapshotCapture { engine.capture(at: moment) }
    func captureIfDue() -> SnapshotCapture? {
        engine.commit.next(at: moment.now) == .snapshot ? engine.capture(at: moment) : nil
    }

    func use(processorNanoseconds: Int64) { engine.hasUsed(processorNanoseconds: processorNanoseconds) }
    func snapshotEnded(_ result: Result<SnapshotInfo, SnapshotFailure>) -> [Ticket] {
        engine.commit.snapshotEnded(result)
    }

    struct Answer {
        var header: FrameHeader
        var payload: [UInt8]
        var status: Status? { Status(rawValue: header.detail) }

        func reply<Reply: WireRecord>(_: Reply.Type) throws -> Reply { try payload.decoded(as: Reply.self) }
    }

    /// One connection.
    final class Peer {
        private let conversation: Conversation
        var session: Session
        var sequence: UInt64 = 0
        private var correlation: UInt32 = 100

        init(
            _ conversation: Conversation, _ id: UInt64, isOperator: Bool = true, user: UInt32 = 1_000,
            isReader: Bool = false
        ) {
            self.conversation = conversation
            session = Session(id: id, peer: Peer.credentials(isOperator, user, isReader))
        }

        private static func credentials(_ isOperator: Bool, _ user: UInt32, _ isReader: Bool) -> FuseboxEngine.Peer {
            FuseboxEngine.Peer(processID: 10, user: user, isOperator: isOperator, isReader: isReader)
        }

        /// Sends one frame. Returns the verdict and the frames that come back.
        func send(_ header: FrameHeader, _ payload: [UInt8]) throws -> (Verdict, [Answer]) {
            var output = ByteWriter()
            let verdict = payload.withUnsafeBytes {
                conversation.engine.handle(header, $0, &session, &output, at: conversation.moment)
            }
            return (verdict, try answers(output))
        }

        func send<C: Command>(_ command: C) throws -> (Verdict, [Answer]) {
            correlation += 1
            sequence += 1
            var payload = ByteWriter()
            if C.declaration.isSequenced {
                RequestSequence(sequence: sequence, oldestUnacknowledged: sequence).encode(into: &payload)
            }
            command.encode(into: &payload)
            let header = FrameHeader(command: C.declaration.number, kind: .request, correlation: correlation)
            return try send(header, payload.bytes)
        }

        /// Sends a command that is answered at once, and returns the reply.
        func ask<C: Command>(_ command: C) throws -> Answer {
            let (_, answers) = try send(command)
            try #require(answers.count == 1)
            #expect(answers[0].header.command == C.declaration.number)
            #expect(answers[0].header.correlation == correlation)
            #expect(answers[0].header.kind == FrameKind.reply.rawValue)
            return answers[0]
        }

        func ok<C: Command>(_ command: C) throws -> C.Reply {
            let answer = try ask(command)
            try #require(answer.status == .ok)
            return try answer.reply(C.Reply.self)
        }

        /// The events that it gets now.
        func events(afterBacklog backlog: Int = 0) throws -> [Answer] {
            var output = ByteWriter()
            output.write(contentsOf: [UInt8](repeating: 0, count: backlog))
            conversation.endTurn()
            conversation.engine.beginEvents()
            conversation.engine.deliverEvents(to: &session, &output)
            output.removeFirst(backlog)
            return try answers(output)
        }

        private func answers(_ output: borrowing ByteWriter) throws -> [Answer] {
            var reader = FrameReader()
            output.withBytes { reader.append($0) }
            var answers: [Answer] = []
            while let answer = try reader.next({ Answer(header: $0, payload: Array($1)) }) { answers.append(answer) }
            #expect(reader.pending == 0, "frames are whole")
            return answers
        }
    }

    /// A connection before hello.
    func stranger(
        _ id: UInt64 = 1, isOperator: Bool = true, user: UInt32 = 1_000, isReader: Bool = false
    ) -> Peer {
        Peer(self, id, isOperator: isOperator, user: user, isReader: isReader)
    }

    /// A connection after hello.
    func peer(_ id: UInt64 = 1, isOperator: Bool = true) throws -> Peer {
        let peer = stranger(id, isOperator: isOperator)
        _ = try peer.ok(Hello(worker: WorkerID(high: 1, low: id), client: "test"))
        return peer
    }
}

/// An empty directory that cannot be written.
struct EmptyStorage: Storage {
    final class File: StorageFile {
        func write(_ bytes: UnsafeRawBufferPointer) throws(StorageError) { throw EmptyStorage.failure("write") }
        func sync() throws(StorageError) { throw EmptyStorage.failure("sync") }
    }

    fileprivate static func failure(_ operation: String) -> StorageError {
        StorageError(operation: operation, path: "nowhere", code: 30, reason: "it stays empty")
    }
    private static let nothing = StorageError(operation: "open", path: "nowhere", code: 2, reason: "there is nothing")

    func list() throws(StorageError) -> [String] { [] }
    func create(_ name: String) throws(StorageError) -> File { throw Self.failure("create") }
    func read(_ name: String) throws(StorageError) -> [UInt8] { throw Self.nothing }
    func read(_ name: String, at offset: Int, length: Int) throws(StorageError) -> [UInt8] { throw Self.nothing }
    func length(of name: String) throws(StorageError) -> Int { throw Self.nothing }
    func rename(_ name: String, to other: String) throws(StorageError) { throw Self.failure("rename") }
    func remove(_ name: String) throws(StorageError) { throw Self.failure("unlink") }
    func syncDirectory() throws(StorageError) {}
}
