import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The daemon without its I/O. Frames go in, replies and events come out.
///
/// It owns the state machine and everything that a request can ask for. It reads no clock and no file. Its owner passes
/// the moment with each frame and does the work that needs the disk. The server runs it on the loop. Tests and
/// simulators call it directly.
package struct Engine: ~Copyable {
    /// The daemon's identity, for hello and status.
    package struct Identity: Sendable {
        /// The name and the version of the daemon.
        package var server: String
        /// The daemon's process id.
        package var processID: UInt32
        /// The epoch of the state.
        package var epoch: UInt64
        /// Random bits of this start of the daemon. They tell its numbers apart from those of earlier starts.
        package var salt: UInt32

        /// An identity with these values.
        package init(server: String, processID: UInt32, epoch: UInt64, salt: UInt32) {
            self.server = server
            self.processID = processID
            self.epoch = epoch
            self.salt = salt
        }
    }

    /// The numbers that the owner counts, for status.
    package struct Census: Sendable {
        /// The number of open connections.
        package var connections: UInt32 = 0
        /// The largest number of connections.
        package var connectionLimit: UInt32 = 0
        /// The absolute path of the data directory.
        package var dataDirectory = ""
        /// The free bytes of the data directory's file system.
        package var fileSystemRoom: UInt64 = 0
        /// The resident memory of the daemon in bytes.
        package var residentBytes: UInt64 = 0
        /// Numbers before the first measurement.
        package init() {}
    }

    /// The state that a restart brings back.
    var state: DurableState
    /// The daemon's identity.
    package internal(set) var identity: Identity
    /// The numbers that the owner counts.
    package var census = Census()

    /// The number of requests since the start.
    package internal(set) var requests: UInt64 = 0
    /// The number of refused requests since the start.
    package internal(set) var refusals: UInt64 = 0
    /// The number of sessions that receive events.
    var subscribers: UInt32 = 0
    var startedAt: Timestamp
    var upload = Upload()
    var lastEviction: Timestamp?

    /// The commit of inputs, and the replies and events that wait for it.
    var commit: Commit
    /// The session of each connected worker.
    var speakers: [WorkerID: Speaker] = [:]
    /// The users of worker ids that are neither connected nor remembered.
    var owners = WorkerOwners()
    /// Workers that have calls in flight or waiting and no connection.
    var lost = LostWorkers()
    /// The calls that wait for their turn.
    var queue: WaitQueue
    /// When turns are tried again, because the journal had no room. Nil if it had.
    var turnsAgainAt: Timestamp?
    /// The clocks, as of this turn.
    package internal(set) var clock: EngineClock
    /// The moment of this turn.
    var now: Timestamp
    /// When due inputs are tried again after a failure. Nil if none failed.
    var advanceAgainAt: Timestamp?
    /// The calendars that limits go by; nil until the clocks were read.
    var calendars: EngineCalendars?
    /// Where time zones are read.
    public var zones = ZoneDatabase.system
    /// Whether permits have numbers of this life already.
    var hasBegunPermitNumbers = false
    /// Sessions that a newer session of the same worker has replaced.
    package internal(set) var fenced: [UInt64] = []

    let traits = CommandTraits.table()
    /// The reply frames of the present request.
    private var replies = ByteWriter(capacity: 4096)
    /// The watermark that these frames wait for.
    var watermark = Watermark.applied
    /// Whether the reply must not overtake the pushes so far.
    var followsPushes = false
    /// The frame of the present push.
    var pushed = ByteWriter(capacity: 256)

    /// An engine with a recovered state.
    ///
    /// - Parameters:
    ///   - recovered: the state of the data directory
    ///   - segment: the room of the journal's segments; nil if no journal is kept
    ///   - clock: the clock that continues the recovered time
    init(
        _ recovered: consuming Recovered, identity: Identity, durability: Durability, segment: SegmentRoom?,
        snapshotIntervalMilliseconds: Int64, clock: EngineClock
    ) {
        let moment = clock.moment
        self.clock = clock
        self.identity = identity
        startedAt = moment.wall
        now = moment.now
        let snapshots = SnapshotSchedule(
            intervalMilliseconds: snapshotIntervalMilliseconds, newest: recovered.snapshot, at: moment.now)
        commit = Commit(
            durability, sequence: recovered.sequence, journaled: recovered.journaledSequence, segment: segment,
            snapshots: snapshots, at: moment.now)
        state = recovered.state
        queue = WaitQueue(limit: state.machine.bounds.waiting, limitPerUser: state.machine.bounds.waitingPerUser)
    }

    /// An engine without a journal.
    package init(
        _ recovered: consuming Recovered, identity: Identity, snapshotIntervalMilliseconds: Int64, clock: EngineClock
    ) {
        self.init(
            recovered, identity: identity, durability: .snapshot, segment: nil,
            snapshotIntervalMilliseconds: snapshotIntervalMilliseconds, clock: clock)
    }

    /// The state machine.
    package var machine: StateMachine { state.machine }

    /// The number of state changes since the beginning of the epoch.
    package var sequence: UInt64 { state.sequence }

    // MARK: Frames

    /// Handles one frame. Appends the bytes to send to `output`.
    package mutating func handle(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer, _ session: inout Session,
        _ output: inout ByteWriter, at moment: Moment
    ) -> Verdict {
        let verdict: Verdict
        replies.version = session.version
        do throws(Refusal) {
            verdict = try unsafe answer(header, payload, &session, at: moment)
        } catch {
            refusals += 1
            watermark = .applied
            replies.removeAll()
            replies.writeRefusal(error, command: header.command, correlation: header.correlation)
            // A peer that sends a reply or an event is not a client. Its further frames make no sense either.
            let isRequest = header.kind == FrameKind.request.rawValue && header.detail == 0
            verdict = session.state == .open && isRequest && !error.status.closesConnection ? .proceed : .close
        }
        let isDelayed = unsafe replies.withBytes {
            unsafe commit.delay($0, for: &session, until: watermark, behindPushes: followsPushes)
        }
        if !isDelayed { unsafe replies.withBytes { unsafe output.write(contentsOf: $0) } }
        watermark = .applied
        followsPushes = false
        replies.removeAll()
        if case .close = verdict { session.state = .ended }
        if !queue.isEmpty { takeTurns(at: moment) }
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
        var reader = unsafe ByteReader(payload, version: session.version)
        guard session.state == .open else {
            guard header.command == Hello.declaration.number else {
                throw Refusal(.helloRequired, "the first request on a connection must be hello (command 1)")
            }
            return try open(&session, header, &reader, at: moment)
        }
        guard Int(header.command) < traits.count, let traits = traits[Int(header.command)], traits.access != .engine
        else { throw .unknownCommand(header.command) }
        guard session.peer.may(traits.access) else { throw .notPermitted(traits) }
        guard traits.isState else {
            return try answerOwn(traits.number, header, &reader, &session, at: moment)
        }
        return try apply(header, reader, traits, &session, at: moment)
    }

    private mutating func apply(
        _ header: FrameHeader, _ reader: consuming ByteReader, _ traits: CommandTraits, _ session: inout Session,
        at moment: Moment
    ) throws(Refusal) -> Verdict {
        var number: RequestSequence?
        var slot: Int?
        if traits.isSequenced {
            var read = RequestSequence()
            try read.decode(from: &reader)
            try read.validate()
            // The slot stays valid, because a connected worker never makes room.
            slot = state.workers.find(session.worker)
            if let slot, try resend(read, header, copy reader, slot, session) { return .proceed }
            number = read
        }
        var rest = copy reader
        let payload = try unsafe rest.readBytes(rest.remaining)
        let caller = Caller(session, request: number?.sequence ?? 0)
        let mayWait = unsafe traits.number == .admit && self.mayWait(payload)
        // A call that waits already is told so, whatever a new one would be refused for.
        if mayWait, unsafe answerWaiting(caller, resuming: AdmitTail.resumes(in: payload), header) { return .proceed }
        if let number { try makeRoom(for: session, number, slot, at: moment) }
        if traits.number == .admit { try beginPermitNumbers(at: moment) }
        switch traits.number {
        case .limitSet: try beginCalendars(of: copy reader, at: moment)
        case .policyApply, .policyPreview: try beginCalendars(ofPolicy: copy reader, for: traits.number, at: moment)
        default: break
        }
        let changes = traits.isSequenced || state.machine.profile.readsChangeState
        let placement =
            changes
            ? try commit.reserve(payload: payload.count, mayGoUnjournaled: traits.isOutcome) : .unjournaled
        if mayWait {
            try unsafe admitInTurn(payload, caller, at: moment) { engine, payload in
                unsafe engine.finish(header, payload, number, slot, session, traits, placement, at: moment)
            }
            return .proceed
        }
        if traits.number == .admitPreview, !queue.isEmpty { unsafe lookAhead(of: payload, caller, at: moment) }
        if let refusal = unsafe applyWithRoom(traits.number, payload, caller, at: moment) {
            let substitute = try unsafe applySubstitute(of: traits.number, payload, refusal, caller, at: moment)
            unsafe substitute.withBytes { unsafe carriedOut(header, $0, number, slot, session, traits, placement) }
        } else if changes {
            unsafe finish(header, payload, number, slot, session, traits, placement, at: moment)
        } else {
            writeReply(to: header)
        }
        if !queue.isEmpty { noteChange(by: traits.number) }
        return .proceed
    }

    /// Begins a new run of permit numbers before the first admission of this life.
    mutating func beginPermitNumbers(at moment: Moment) throws(Refusal) {
        guard !hasBegunPermitNumbers else { return }
        try applyOwn(BeginPermitNumbers(salt: identity.salt), at: moment)
        hasBegunPermitNumbers = true
    }

    /// Answers a request that may have changed the state.
    private mutating func finish(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer, _ number: RequestSequence?, _ slot: Int?,
        _ session: borrowing Session, _ traits: CommandTraits, _ placement: Commit.Placement, at moment: Moment
    ) {
        // A call that joins the queue keeps its number for a resend. It was remembered before.
        guard !(state.leftNoTrace && slot != nil) else { return writeReply(to: header) }
        // An unknown worker is remembered from now on, even if its request changed nothing else.
        if state.leftNoTrace { state.machine.passTime(to: moment) }
        unsafe carriedOut(header, payload, number, slot, session, traits, placement)
    }

    /// Applies a request. If a name finds no room, names that are no longer used are forgotten first.
    mutating func applyWithRoom(
        _ command: CommandNumber, _ payload: UnsafeRawBufferPointer, _ caller: Caller, at moment: Moment
    ) -> Refusal? {
        guard let refusal = unsafe applyOnce(command, payload, caller, at: moment) else { return nil }
        guard refusal.status == .limitReached, makeRoom(at: moment) else { return refusal }
        return unsafe applyOnce(command, payload, caller, at: moment)
    }

    mutating func applyOnce(
        _ command: CommandNumber, _ payload: UnsafeRawBufferPointer, _ caller: Caller, at moment: Moment
    ) -> Refusal? {
        unsafe state.apply(
            command, payload, at: moment, by: caller.user, isOperator: caller.isOperator, worker: caller.worker,
            request: caller.request, mayReadAll: caller.mayReadAll, version: caller.version)
    }

    /// Answers a request that has changed the state. Keeps its reply and journals it.
    ///
    /// - Parameter slot: the slot of its worker; nil if the worker is not remembered yet
    private mutating func carriedOut(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer, _ number: RequestSequence?, _ slot: Int?,
        _ session: borrowing Session, _ traits: CommandTraits, _ placement: Commit.Placement
    ) {
        writeReply(to: header)
        if let number {
            unsafe state.keepReply(
                to: number, payload, of: session.worker, in: slot, user: session.peer.user, command: header.command,
                at: state.machine.lastMoment.now)
        }
        switch placement {
        case .journaled:
            unsafe record(
                header.command, payload, number.map { ($0, session.worker) }, by: session.peer.user,
                sharing: session.peer.bounded)
            watermark = commit.durability.watermark(for: traits.effect)
        case .unjournaled: applied()
        }
    }

    private mutating func writeReply(to header: FrameHeader) {
        unsafe state.reply.withBytes {
            unsafe replies.writeReply(payload: $0, command: header.command, correlation: header.correlation)
        }
    }

    /// Answers a request that was applied before with its kept reply. Returns false if it was not applied before.
    private mutating func resend(
        _ number: RequestSequence, _ header: FrameHeader, _ request: consuming ByteReader, _ slot: Int,
        _ session: borrowing Session
    ) throws(Refusal) -> Bool {
        let last = state.workers[slot].lastSequence
        guard number.sequence <= last else { return false }
        let bytes = try unsafe request.readBytes(request.remaining)
        if header.command == CommandNumber.admit.rawValue {
            let resumed = unsafe AdmitTail.resumes(in: bytes)
            if answerWaiting(Caller(session, request: number.sequence), resuming: resumed, header) { return true }
        }
        let found = unsafe state.workers[slot].kept.find(number.sequence) { command, digest, payload in
            guard command == header.command, let number = CommandNumber(rawValue: command),
                unsafe Self.isDigest(digest, of: number, bytes)
            else { return false }
            unsafe replies.writeReply(payload: payload, command: command, correlation: header.correlation)
            return true
        }
        guard found != false else {
            throw Refusal(
                .sequenceReused,
                "sequence \(number.sequence) was another request of this worker; a new request takes a new number")
        }
        guard found != nil else {
            throw Refusal(
                .sequenceOutOfOrder,
                "sequence \(number.sequence) is not above \(last), the last one of this worker, and its reply is not kept"
            )
        }
        // The request whose reply is sent again may not be synced yet.
        watermark = commit.durability.watermark(for: .durable)
        return true
    }

    /// Forgets idle breakers, because a name found no room. Returns whether there is room now.
    private mutating func makeRoom(at moment: Moment) -> Bool {
        // This walks over all breakers, so it is done at most once a second.
        if let lastEviction, moment.now - lastEviction < 1_000 { return false }
        lastEviction = moment.now
        guard let placement = try? commit.reserve(payload: 0),
            let eviction = try? state.machine.apply(EvictIdleBreakers(), at: moment, effects: &state.effects),
            eviction.forgotten > 0
        else { return false }
        // If no breaker was forgotten, the state has not changed.
        recordOwn(EvictIdleBreakers(), placement)
        return true
    }

    // MARK: Replies

    /// Writes a reply frame.
    mutating func reply<Reply: WireRecord>(_ reply: Reply, to header: FrameHeader) {
        replies.writeReply(reply, command: header.command, correlation: header.correlation)
    }
}

/// Who makes a request.
struct Caller {
    var worker: WorkerID
    var user: UInt32
    var isOperator: Bool
    /// Whether it is told everything.
    var mayReadAll: Bool
    /// The sequence number of the request; 0: it has none.
    var request: UInt64
    /// The protocol version of the request.
    var version: UInt16

    init(_ session: borrowing Session, request: UInt64) {
        worker = session.worker
        user = session.peer.user
        isOperator = session.peer.isOperator
        mayReadAll = session.peer.isReader
        self.request = request
        version = session.version
    }

    init(_ turn: WaitQueue.Turn) {
        worker = turn.worker
        user = turn.user
        isOperator = turn.isOperator
        // A grant tells of the call alone.
        mayReadAll = true
        request = 0
        version = ProtocolVersion.highest
    }
}

/// The parts of a command's declaration that the hot path needs, for lookup by number.
struct CommandTraits: Sendable {
    var number: CommandNumber
    var access: CommandDeclaration.Access
    var isSequenced: Bool
    /// The command's effect, which decides what its acknowledgement promises.
    var effect: CommandDeclaration.Effect
    /// Whether the command reports the outcome of a call. Outcomes are applied even if they cannot be journaled.
    var isOutcome: Bool
    /// Whether the state machine answers the command. Otherwise the engine does.
    var isState: Bool

    /// The traits of each command, indexed by its number.
    static func table() -> [CommandTraits?] {
        var table: [CommandTraits?] = []
        for number in CommandNumber.allCases {
            let declaration = number.declaration
            var question = IsStateCommand()
            _ = StateMachine.dispatch(number, &question)
            while table.count < Int(number.rawValue) { table.append(nil) }
            table.append(
                CommandTraits(
                    number: number, access: declaration.access,
                    isSequenced: declaration.isSequenced, effect: declaration.effect,
                    isOutcome: declaration.report == .outcome, isState: question.answer))
        }
        return table
    }

    /// A stored answer, because ThreadSanitizer crashes if an empty value is passed `inout`.
    private struct IsStateCommand: StateCommandVisitor {
        var answer = false
        mutating func visit<C: StateCommand>(_ command: C.Type) { answer = true }
    }
}

extension Refusal {
    /// The refusal of a command that is not for the peer.
    fileprivate static func notPermitted(_ traits: CommandTraits) -> Refusal {
        let operators = "root, the daemon's own user and members of its admin group"
        let allowed =
            traits.access == .reader
            ? "readers: operators (\(operators)) and members of its readers' group" : "operators: \(operators)"
        return Refusal(.notPermitted, "\(traits.number.declaration.name) is for \(allowed)")
    }

    /// The refusal of a number that no command has.
    static func unknownCommand(_ number: UInt16) -> Refusal {
        Refusal(.unknownCommand, "no command has the number \(number)")
    }
}

extension ByteWriter {
    /// Writes the reply of a request that was carried out.
    mutating func writeReply<Reply: WireRecord>(_ reply: Reply, command: UInt16, correlation: UInt32) {
        let start = beginFrame(FrameHeader(command: command, kind: .reply, correlation: correlation))
        reply.encode(into: &self)
        endFrame(start)
    }

    /// Writes the reply of a request that was carried out, with a kept payload.
    mutating func writeReply(payload: UnsafeRawBufferPointer, command: UInt16, correlation: UInt32) {
        let start = beginFrame(FrameHeader(command: command, kind: .reply, correlation: correlation))
        unsafe write(contentsOf: payload)
        endFrame(start)
    }
}
