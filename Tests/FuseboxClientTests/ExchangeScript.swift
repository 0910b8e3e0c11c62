import FuseboxWire

@testable import FuseboxClient

/// A machine without sockets, threads or time. It takes one input after the other and returns the actions.
///
/// Time stands still unless a test advances it.
final class ExchangeScript {
    private var machine: ExchangeMachine
    /// The time of the next input.
    var now = Deadline(nanoseconds: 1_000_000_000_000)
    /// The random part of a backoff, from 0 (half of its length) to 1 (all of it).
    var chance = 1.0

    static let worker = WorkerID(high: 7, low: 7)
    /// The id that the machine gets when it needs a new one.
    var freshWorker = ExchangeScript.worker

    /// - Parameter isConnected: whether it begins with a connection to a daemon that knows no worker
    init(isConnected: Bool = true, _ change: (inout FuseboxClient.Configuration) -> Void = { _ in }) {
        var configuration = FuseboxClient.Configuration()
        configuration.backoffMinimumMilliseconds = 100
        configuration.backoffMaximumMilliseconds = 10_000
        change(&configuration)
        machine = ExchangeMachine(path: "/socket", configuration: configuration)
        if isConnected { connect() }
    }

    // MARK: State

    var absence: String? { machine.absence }
    var hello: Hello.Reply? { machine.hello }
    var isExpectedBack: Bool { machine.isExpectedBack }
    var hasUnanswered: Bool { machine.hasUnanswered }
    var longestBackoffOfHolder: Int? { machine.longestBackoffOfHolder }
    var earliestTaskDeadline: Deadline { machine.tasks.earliestDeadline }
    /// The reports that wait for the daemon.
    var queued: Int { machine.queuedReports }
    /// The reports that were given up.
    var dropped: UInt64 { machine.droppedReports }

    // MARK: Connections

    /// An attempt to connect that succeeds.
    @discardableResult
    func connect(_ hello: Hello.Reply = .daemon()) -> [ExchangeAction] {
        guard machine.nextDutyOfFirst(now: now) == .connect else { return [] }
        return greeted(hello)
    }

    /// The daemon answers hello.
    func greeted(_ hello: Hello.Reply = .daemon()) -> [ExchangeAction] {
        _ = machine.introduction(orAs: freshWorker)
        guard let actions = machine.connected(hello) else { return [.close] }
        return list(actions)
    }

    func introduction() -> ExchangeMachine.Introduction { machine.introduction(orAs: freshWorker) }
    func expectDaemon() { machine.expectDaemon(now: now) }
    func firstDuty() -> Duty { machine.nextDutyOfFirst(now: now) }

    /// The present attempt fails.
    @discardableResult
    func refused(
        _ reason: String = "nobody listens", isVacant: Bool = false, holdsPermits: Bool = false
    ) -> [ExchangeAction] {
        list(
            machine.connectFailed(
                reason, isVacant: isVacant, holdsPermits: holdsPermits, chance: chance, now: now))
    }

    /// An attempt to connect that fails.
    @discardableResult
    func tryInVain(
        _ reason: String = "nobody listens", isVacant: Bool = false, holdsPermits: Bool = false
    ) -> [ExchangeAction] {
        guard machine.nextDutyOfFirst(now: now) == .connect else { return [] }
        return refused(reason, isVacant: isVacant, holdsPermits: holdsPermits)
    }

    @discardableResult
    func lose(_ reason: String = "gone") -> [ExchangeAction] { list(machine.lost(reason, now: now)) }

    /// The time until the next attempt; nil if an attempt may be made now or is not needed.
    var backoff: Int? {
        guard case .disconnected(_, let retryAt) = machine.phase, retryAt > now else { return nil }
        return Int((retryAt.nanoseconds - now.nanoseconds) / 1_000_000)
    }

    // MARK: Requests

    func claim(_ command: any Command.Type, isReport: Bool = false) -> RequestID {
        guard let id = machine.claim(command.declaration, isReport: isReport) else { fatalError("the table is full") }
        return id
    }

    func submit(
        _ id: RequestID, length: Int = 10, orElse substitute: Request.Substitute? = nil, mayWait: Bool = false
    ) -> [ExchangeAction] {
        list(machine.submit(id, length: length, substitute: substitute, mayWait: mayWait, now: now))
    }

    /// Submits a request and ignores the actions.
    func request(_ command: any Command.Type, isReport: Bool = false) -> RequestID {
        let id = claim(command, isReport: isReport)
        _ = submit(id)
        return id
    }

    func release(_ id: RequestID) -> [ExchangeAction] { list(machine.release(id)) }
    func cancel(_ id: RequestID) -> [ExchangeAction] { list(machine.cancel(id)) }

    /// The socket takes the whole output.
    @discardableResult
    func takeOutput() -> [ExchangeAction] {
        guard let link = machine.link else { return [] }
        return list(machine.sent(Int(link.written - link.sent)))
    }

    func sent(_ bytes: Int) -> [ExchangeAction] { list(machine.sent(bytes)) }
    func sendFailed() -> [ExchangeAction] { list(machine.sendFailed()) }

    /// The daemon answers a request.
    func reply(_ id: RequestID, _ status: Status = .ok) -> [ExchangeAction] {
        let command = machine.requests.find(id)?.command ?? 0
        return receive(
            FrameHeader(command: command, kind: .reply, detail: status.rawValue, correlation: id.correlation))
    }

    func receive(_ header: FrameHeader) -> [ExchangeAction] {
        list(machine.receive(header, refusal: { Refusal(.malformed, "no reason") }, now: now))
    }

    // MARK: Waits

    /// Submits an admission that may wait, and ignores the actions.
    func admission() -> RequestID {
        let id = claim(Admit.self)
        _ = submit(id, mayWait: true)
        return id
    }

    /// An admission that was answered with a ticket, which is its number.
    func waiting(ticket: UInt64 = 1) -> RequestID {
        let id = admission()
        _ = reply(id, ticket: ticket)
        return id
    }

    /// The daemon answers an admission with a ticket, a permit or a denial.
    func reply(_ id: RequestID, ticket: UInt64? = nil, permit: UInt64? = nil) -> [ExchangeAction] {
        let header = FrameHeader(command: Admit.declaration.number, kind: .reply, correlation: id.correlation)
        return receive(header, ExchangeMachine.Announcement(ticket: ticket, permit: permit))
    }

    /// The daemon pushes the end of a wait.
    func push(_ ticket: UInt64, _ standing: TicketStanding, permit: UInt64? = nil) -> [ExchangeAction] {
        let header = FrameHeader(command: Tickets.declaration.number, kind: .push, correlation: 0)
        return receive(header, ExchangeMachine.Announcement(ticket: ticket, standing: standing, permit: permit))
    }

    private func receive(_ header: FrameHeader, _ said: ExchangeMachine.Announcement) -> [ExchangeAction] {
        list(machine.receive(header, refusal: { Refusal(.malformed, "no reason") }, announcement: { said }, now: now))
    }

    func expire(_ id: RequestID) -> [ExchangeAction] {
        machine.expire(id, now: now)
        return sent(0)
    }

    // MARK: Frames that answer no request

    /// The daemon sends the reason for which it will close the connection.
    func farewell(_ refusal: Refusal) -> [ExchangeAction] {
        let header = FrameHeader(command: 0, kind: .reply, detail: refusal.status.rawValue, correlation: 0)
        return list(machine.receive(header, refusal: { refusal }, now: now))
    }

    // MARK: Threads and tasks

    /// A thread with a request asks for its duty.
    func duty(
        _ id: RequestID, _ purpose: Request.Purpose = .reply, until deadline: Deadline = .never
    ) -> ScriptedDuty {
        let turn = machine.nextDuty(for: id, purpose, until: deadline, now: now)
        return ScriptedDuty(turn.duty, list(turn.actions))
    }

    func backgroundDuty() -> ScriptedDuty {
        let turn = machine.nextBackgroundDuty(now: now)
        return ScriptedDuty(turn.duty, list(turn.actions))
    }

    func attend(_ id: RequestID, until deadline: Deadline = .never) -> [ExchangeAction] {
        list(machine.attend(id, until: deadline))
    }

    func readOn(for id: RequestID?, hasBytes: Bool = true) -> Bool {
        machine.readOn(machine.connections, for: id, hasBytes: hasBytes)
    }

    func pushEnded() -> [ExchangeAction] { list(machine.pushEnded(machine.connections)) }
    func backgroundFailed() -> [ExchangeAction] { list(machine.backgroundFailed()) }

    // MARK: The end

    func close(isFarewellSaid: Bool = false, keepsReports: Bool = false) -> ScriptedClosing {
        let closing = machine.close(isFarewellSaid: isFarewellSaid, keepsReports: keepsReports, orAs: freshWorker)
        return ScriptedClosing(
            left: closing.left, worker: closing.worker, lastSequence: closing.lastSequence,
            actions: list(closing.actions))
    }

    private func list(_ actions: borrowing ExchangeActions) -> [ExchangeAction] {
        var list: [ExchangeAction] = []
        for index in 0..<actions.count { list.append(actions[index]) }
        return list
    }
}

/// The rest of a closed exchange, and the actions of its close.
struct ScriptedClosing: Equatable {
    var left: [ExchangeMachine.LeftRequest]
    var worker: WorkerID
    var lastSequence: UInt64
    var actions: [ExchangeAction]
}

/// The duty of a thread, and the actions of its question.
struct ScriptedDuty: Equatable {
    var duty: Duty
    var actions: [ExchangeAction]

    init(_ duty: Duty, _ actions: [ExchangeAction] = []) {
        self.duty = duty
        self.actions = actions
    }
}

extension ExchangeAction {
    /// The frame with its own number and the lowest unanswered number.
    static func write(_ id: RequestID, _ sequence: UInt64, oldest: UInt64) -> ExchangeAction {
        .write(id, RequestSequence(sequence: sequence, oldestUnacknowledged: oldest))
    }

    static func answered(_ id: RequestID) -> ExchangeAction { .complete(id, .answered(status: 0)) }
    static func answered(_ id: RequestID, _ status: Status) -> ExchangeAction {
        .complete(id, .answered(status: status.rawValue))
    }
    static func failed(_ id: RequestID, _ failure: RequestFailure) -> ExchangeAction { .complete(id, .failed(failure)) }
    static func kept(_ id: RequestID) -> ExchangeAction { .complete(id, .kept) }
    static func pushed(_ id: RequestID) -> ExchangeAction { .complete(id, .pushed) }
}

extension Hello.Reply {
    /// The daemon's hello.
    static func daemon(
        _ standing: WorkerStanding = .new, epoch: UInt64 = 1, keeps keptReplies: UInt32 = 0, forgot: UInt64 = 0,
        grace: Int64 = 0, frameLimit: UInt32 = 0
    ) -> Hello.Reply {
        var reply = Hello.Reply()
        reply.worker = standing
        reply.epoch = epoch
        reply.keptReplies = keptReplies
        reply.forgottenWorkers = forgot
        reply.graceMilliseconds = grace
        reply.frameLimit = frameLimit
        return reply
    }
}
