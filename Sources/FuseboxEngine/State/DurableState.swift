import FuseboxCore
import FuseboxStore
import FuseboxWire

/// Everything that a restart brings back: the state machine, the workers, and the number of inputs so far.
///
/// It changes by inputs alone. An input is the bytes of a command, a moment and a user. The live engine and recovery
/// apply inputs with the same method, so a replayed journal gives the same state and the same kept replies.
struct DurableState: ~Copyable {
    var machine: StateMachine
    var workers: WorkerTable
    /// The entries of the ledger's history that may be in no file yet.
    var history: HistoryOutbox
    /// The epoch of the state.
    let epoch: UInt64
    /// The number of inputs that have changed the state since the beginning of the epoch.
    var sequence: UInt64
    /// The system's wall clock minus the steady clock, in milliseconds, as of the last step.
    var lead: Int64
    /// Events that inputs have caused and that were not taken yet.
    var effects: [Event] = []
    /// The payload of the last input's reply.
    private(set) var reply = ByteWriter(capacity: 4096)
    /// Whether the last input has not changed the state machine.
    private(set) var leftNoTrace = false

    private var reader = unsafe ByteReader(UnsafeRawBufferPointer(start: nil, count: 0))
    private var moment = Moment(milliseconds: 0)
    private var user: UInt32 = 0
    private var isOperator = false
    private var worker = WorkerID()
    private var request: UInt64 = 0
    private var mayReadAll = true

    init(
        _ machine: consuming StateMachine, workers: consuming WorkerTable = WorkerTable(),
        history: HistoryOutbox = HistoryOutbox(), epoch: UInt64, sequence: UInt64, lead: Int64 = 0
    ) {
        self.machine = machine
        self.workers = workers
        self.history = history
        self.epoch = epoch
        self.sequence = sequence
        self.lead = lead
    }

    /// Decodes and applies an input. The payload of its reply is then in `reply`.
    ///
    /// - Parameters:
    ///   - isOperator: whether the bounds on one user do not apply. These bounds only refuse, so a replay, which has no
    ///     bounds, need not know.
    ///   - request: the worker's number of the request; 0: it has none
    ///   - mayReadAll: whether the caller is told everything; reads alone ask, and a replay has none that are refused
    ///   - version: the protocol version of request and reply
    /// - Returns: why the input was refused; nothing has changed then. Nil if it was applied.
    mutating func apply(
        _ command: CommandNumber, _ payload: UnsafeRawBufferPointer, at moment: Moment, by user: UInt32,
        isOperator: Bool = true, worker: WorkerID, request: UInt64 = 0, mayReadAll: Bool = true,
        version: UInt16 = ProtocolVersion.highest
    ) -> Refusal? {
        reader = unsafe ByteReader(payload, version: version)
        reply.version = version
        self.moment = moment
        self.user = user
        self.isOperator = isOperator
        self.worker = worker
        self.request = request
        self.mayReadAll = mayReadAll
        reply.removeAll()
        guard let refusal = StateMachine.dispatch(command, &self) else { return .unknownCommand(command.rawValue) }
        return refusal
    }

    /// Notes that an input was applied. It has the next number, and so has what it closed of the history.
    ///
    /// - Parameter limit: the bytes of the history that may wait
    mutating func count(historyLimit limit: Int = Bounds.historyBytesWaiting) {
        sequence += 1
        if machine.hasClosedDays {
            history.add(
                machine.takeClosedDays(), epoch: epoch, input: sequence, wall: machine.lastMoment.wall, limit: limit)
        }
        guard machine.hasForgottenTags else { return }
        for tag in machine.takeForgottenTags() {
            history.erase(HistoryErasure(tag: tag, epoch: epoch, input: sequence))
        }
    }

    /// Notes that a worker's request was applied and which replies the worker has seen, and keeps the reply to this
    /// one.
    ///
    /// - Parameters:
    ///   - request: the request's own fields; their digest tells it from another request with the same number
    ///   - slot: the worker's slot; nil if the worker is not remembered yet, and is added now
    mutating func keepReply(
        to number: RequestSequence, _ request: UnsafeRawBufferPointer, of worker: WorkerID, in slot: Int?,
        user: UInt32, command: UInt16, at now: Timestamp
    ) {
        let slot = slot ?? workers.add(WorkerTable.Worker(id: worker, user: user, lastSeen: now))
        // A call that joins the queue has not used its number. If its wait is lost, it is sent again and begins anew.
        guard unsafe !isTicket(command, request) else { return }
        let digest = unsafe RequestDigest.of(command, request)
        unsafe reply.withBytes {
            unsafe workers.keep($0, to: number, command: command, digest: digest, at: now, in: slot)
        }
    }

    /// Whether the reply to a request is a ticket.
    private func isTicket(_ command: UInt16, _ request: UnsafeRawBufferPointer) -> Bool {
        guard command == CommandNumber.admit.rawValue, unsafe AdmitTail.isQueued(in: request) else { return false }
        return unsafe reply.withBytes { unsafe AdmitReply(in: $0)?.ticket != nil }
    }
}

extension AdmitReply {
    /// The reply in a payload. Nil if it cannot be read.
    init?(in payload: UnsafeRawBufferPointer) {
        self.init()
        var reader = unsafe ByteReader(payload)
        guard (try? decode(from: &reader)) != nil else { return nil }
    }
}

/// Decodes, applies and answers one state command.
extension DurableState: StateCommandVisitor {
    mutating func visit<C: StateCommand>(_ command: C.Type) -> Refusal? {
        do throws(Refusal) {
            // Its names stay in the payload, which outlives the call of `apply` that lent it.
            var command = C.InPlace()
            try command.fields(&reader)
            try reader.finish()
            let known = effects.count
            var answer = try machine.apply(
                command, at: moment, by: user, isOperator: isOperator, worker: worker, request: request,
                mayReadAll: mayReadAll, effects: &effects)
            leftNoTrace = effects.count == known && C.InPlace.leavesNoTrace(answer, under: machine.profile)
            // `encode` would copy it first.
            try answer.fields(&reply)
            return nil
        } catch {
            return error.status.isAboutBytes ? error.inside(C.declaration.name) : error
        }
    }
}

extension Status {
    /// Whether the status says that the bytes could not be decoded.
    var isAboutBytes: Bool { rawValue < Status.notFound.rawValue }
}

// MARK: Replay

extension DurableState {
    /// Applies an entry of the journal.
    ///
    /// - Throws: `damagedData` if the entry cannot have been written after this state
    mutating func replay(_ entry: JournalEntry, _ payload: UnsafeRawBufferPointer) throws(Refusal) {
        guard entry.sequence == sequence + 1 else {
            throw Refusal(.damagedData, "entry \(entry.sequence) does not follow \(sequence)")
        }
        if entry.command == ForgetWorker.declaration.number {
            var input = ForgetWorker()
            try unsafe input.decode(whole: payload)
            workers.forget(input.worker, isEvicted: input.isEvicted)
        } else if entry.command == TakeClockBack.declaration.number {
            var input = TakeClockBack()
            try unsafe input.decode(whole: payload)
            machine.takeClockBack(to: input.wall, at: entry.now)
        } else if entry.command == RecordClock.declaration.number {
            var input = RecordClock()
            try unsafe input.decode(whole: payload)
            machine.passTime(to: entry.moment)
            lead = input.lead
        } else {
            guard let command = CommandNumber(rawValue: entry.command) else {
                throw Refusal(
                    .damagedData, "entry \(entry.sequence) holds the unknown command \(entry.command)")
            }
            if let refusal = unsafe apply(
                command, payload, at: entry.moment, by: entry.user, worker: entry.worker, request: entry.request)
            {
                throw Refusal(
                    .damagedData, "entry \(entry.sequence) was applied once and is refused now: \(refusal.message)")
            }
            machine.passTime(to: entry.moment)
            if entry.request != 0 {
                let number = RequestSequence(
                    sequence: entry.request, oldestUnacknowledged: entry.oldestUnacknowledged)
                unsafe keepReply(
                    to: number, payload, of: entry.worker, in: workers.find(entry.worker), user: entry.user,
                    command: entry.command, at: entry.now)
            }
        }
        // All of it may be in the files already, so none of it may be told as a gap.
        count(historyLimit: .max)
        effects.removeAll(keepingCapacity: true)
    }
}

extension Command {
    /// Decodes a payload that consists of this input only.
    fileprivate mutating func decode(whole payload: UnsafeRawBufferPointer) throws(Refusal) {
        var reader = unsafe ByteReader(payload)
        try decode(from: &reader)
        try reader.finish()
    }
}
