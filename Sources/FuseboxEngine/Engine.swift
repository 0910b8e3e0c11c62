import FuseboxCore
import FuseboxWire

/// The daemon without its I/O: frames go in, replies and events come out.
///
/// It owns the state machine and everything a request can ask for. It reads no clock and no file: its owner passes the
/// moment with each frame and does the work that needs the disk. The server drives it from the loop; tests and
/// simulators drive it by hand.
public struct Engine: ~Copyable {
    /// What the daemon is, for hello and status.
    public struct Identity: Sendable {
        public var server: String
        public var processID: UInt32
        public var epoch: UInt64

        public init(server: String, processID: UInt32, epoch: UInt64) {
            self.server = server
            self.processID = processID
            self.epoch = epoch
        }
    }

    /// What the owner counts, for status.
    public struct Census: Sendable {
        public var connections: UInt32 = 0
        public var connectionLimit: UInt32 = 0
        public init() {}
    }

    public internal(set) var machine: StateMachine
    public internal(set) var identity: Identity
    /// State changes since the beginning of the epoch.
    public internal(set) var sequence: UInt64
    public var census = Census()

    public internal(set) var requests: UInt64 = 0
    public internal(set) var refusals: UInt64 = 0
    /// Sessions that receive events.
    var subscribers: UInt32 = 0
    let startedAt: Timestamp
    var snapshots: SnapshotSchedule
    var upload = Upload()
    var events = EventLog()
    var lastEviction: Timestamp?

    private var traits = CommandTraits.table()
    /// The request that is being handled, for `visit`.
    private var request = Request()
    /// The frames that it gives rise to.
    private var replies = ByteWriter(capacity: 4096)

    /// - Parameters:
    ///   - machine: the recovered state
    ///   - sequence: the state changes that it holds
    ///   - snapshotSequence: the state changes that the newest snapshot holds; nil if there is none
    public init(
        _ machine: consuming StateMachine, identity: Identity, sequence: UInt64, snapshot: SnapshotInfo?,
        snapshotIntervalMilliseconds: Int64, at moment: Moment
    ) {
        self.machine = machine
        self.identity = identity
        self.sequence = sequence
        startedAt = moment.wall
        snapshots = SnapshotSchedule(
            intervalMilliseconds: snapshotIntervalMilliseconds, newest: snapshot, at: moment.now)
    }

    // MARK: Time

    /// Does what time alone makes due. Call it once a turn, before any frame.
    public mutating func advance(to moment: Moment) {
        guard machine.isDue(at: moment) else { return }
        guard (try? machine.apply(Advance(), at: moment, effects: &events.effects)) != nil else { return }
        sequence += 1
        events.number(at: machine.lastMoment.now)
    }

    // MARK: Frames

    /// Handles one frame; what is to be sent back is appended to `output`.
    public mutating func handle(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer, _ session: inout Session,
        _ output: inout ByteWriter, at moment: Moment
    ) -> Verdict {
        let verdict: Verdict
        do throws(Refusal) {
            verdict = try unsafe answer(header, payload, &session, at: moment)
        } catch {
            refusals += 1
            replies.removeAll()
            replies.writeRefusal(error, command: header.command, correlation: header.correlation)
            verdict = session.state == .open && !error.status.closesConnection ? .proceed : .close
        }
        unsafe replies.withBytes { unsafe output.write(contentsOf: $0) }
        replies.removeAll()
        if case .close = verdict { session.state = .ended }
        return verdict
    }

    private mutating func answer(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer, _ session: inout Session, at moment: Moment
    ) throws(Refusal) -> Verdict {
        requests += 1
        guard header.kind == FrameKind.request.rawValue, header.detail == 0 else {
            throw Refusal(
                .malformed,
                "a client sends frames of kind 0 with detail 0, not kind \(header.kind), detail \(header.detail)")
        }
        var reader = unsafe ByteReader(payload)
        guard session.state == .open else {
            guard header.command == Hello.declaration.number else {
                throw Refusal(.helloRequired, "the first request on a connection must be hello (command 1)")
            }
            return try open(&session, header, &reader, at: moment)
        }
        guard Int(header.command) < traits.count, let traits = traits[Int(header.command)], traits.access != .engine
        else {
            throw Refusal(.unknownCommand, "no command has the number \(header.command)")
        }
        guard traits.access == .worker || session.peer.isOperator else {
            throw Refusal(
                .notPermitted,
                "\(traits.name) is for operators: root, the daemon's own user and members of its admin group")
        }
        guard traits.isState else {
            return try answerOwn(header, &reader, &session, at: moment)
        }
        return try apply(header, reader, traits, &session, at: moment)
    }

    private mutating func apply(
        _ header: FrameHeader, _ reader: consuming ByteReader, _ traits: CommandTraits, _ session: inout Session,
        at moment: Moment
    ) throws(Refusal) -> Verdict {
        var reader = reader
        if traits.isSequenced {
            var number = RequestSequence()
            try number.decode(from: &reader)
            guard number.sequence > session.lastSequence else {
                throw Refusal(
                    .sequenceOutOfOrder,
                    "sequence \(number.sequence) is not above \(session.lastSequence), the last one of this worker")
            }
            session.lastSequence = number.sequence
        }
        request.header = header
        request.reader = reader
        request.moment = moment
        request.user = session.peer.user
        guard let refusal = StateMachine.dispatch(header.command, &self) else {
            throw Refusal(.unknownCommand, "no command has the number \(header.command)")
        }
        guard let refusal else { return .proceed }
        guard refusal.status == .limitReached, makeRoom(at: moment) else { throw refusal }
        request.reader = reader
        replies.removeAll()
        if case .some(.some(let second)) = StateMachine.dispatch(header.command, &self) { throw second }
        return .proceed
    }

    /// Forgets idle breakers because a name did not fit any more; returns whether there is room now.
    private mutating func makeRoom(at moment: Moment) -> Bool {
        // Looking for them costs a walk over all breakers: once a second at the most.
        if let lastEviction, moment.now - lastEviction < 1_000 { return false }
        lastEviction = moment.now
        guard let eviction = try? machine.apply(EvictIdleBreakers(), at: moment, effects: &events.effects),
            eviction.forgotten > 0
        else { return false }
        // One that finds none is no change of state.
        sequence += 1
        return true
    }

    // MARK: Replies

    /// Writes a reply frame.
    mutating func reply<Reply: WireRecord>(_ reply: Reply, to header: FrameHeader) {
        replies.writeReply(reply, command: header.command, correlation: header.correlation)
    }
}

/// Decodes, applies and answers one state command.
extension Engine: StateCommandVisitor {
    public mutating func visit<C: StateCommand>(_ command: C.Type) -> Refusal? {
        do throws(Refusal) {
            var command = C()
            try command.fields(&request.reader)
            try request.reader.finish()
            let reply = try machine.apply(command, at: request.moment, by: request.user, effects: &events.effects)
            if machine.changesState(C.declaration) { sequence += 1 }
            if !events.effects.isEmpty { events.number(at: machine.lastMoment.now) }
            replies.writeReply(reply, command: request.header.command, correlation: request.header.correlation)
            return nil
        } catch {
            return error.status.isAboutBytes ? error.inside(C.declaration.name) : error
        }
    }
}

extension Status {
    /// Whether it tells of bytes that could not be understood.
    var isAboutBytes: Bool { rawValue < Status.notFound.rawValue }
}

/// The request that is being handled.
private struct Request {
    var header = FrameHeader(command: 0, kind: .request, correlation: 0)
    var reader = unsafe ByteReader(UnsafeRawBufferPointer(start: nil, count: 0))
    var moment = Moment(milliseconds: 0)
    var user: UInt32 = 0
}

/// What the hot path asks of a declaration, ready to be looked up by number.
struct CommandTraits: Sendable {
    var name: String
    var access: CommandDeclaration.Access
    var isSequenced: Bool
    /// Whether the state machine answers it; else the engine does.
    var isState: Bool

    static func table() -> [CommandTraits?] {
        (0...CommandTable.highestNumber).map { number in
            guard let declaration = CommandTable.declaration(number) else { return nil }
            var question = IsStateCommand()
            _ = StateMachine.dispatch(number, &question)
            return CommandTraits(
                name: declaration.name, access: declaration.access, isSequenced: declaration.isSequenced,
                isState: question.answer)
        }
    }

    /// It remembers its answer, because ThreadSanitizer crashes where a value without any bytes is passed `inout`.
    private struct IsStateCommand: StateCommandVisitor {
        var answer = false
        mutating func visit<C: StateCommand>(_ command: C.Type) { answer = true }
    }
}

extension ByteWriter {
    /// Writes the reply of a request that was carried out.
    mutating func writeReply<Reply: WireRecord>(_ reply: Reply, command: UInt16, correlation: UInt32) {
        let start = beginFrame(FrameHeader(command: command, kind: .reply, correlation: correlation))
        reply.encode(into: &self)
        endFrame(start)
    }
}
