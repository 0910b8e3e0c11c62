import FuseboxCore
import FuseboxSimulation
import FuseboxStore
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// An engine with its journal on a simulated disk, and workers of several users. It can be restarted.
final class JournaledEngine: StorekeeperDelegate {
    let storage = SimulatedStorage(seed: 1)
    private(set) var keeper: Storekeeper<SimulatedStorage>
    private var tasks: [() -> Void] = []
    private var frames: [UInt64: [[UInt8]]] = [:]
    private var now: Int64 = 1_790_000_000_000
    private var nextSession: UInt64 = 1
    private(set) var report = ""

    /// A connected worker.
    final class Worker {
        let id: WorkerID
        var session: Session
        var sequence: UInt64 = 0
        /// The lowest number whose reply it has not seen.
        var oldest: UInt64 = 1
        /// Whether it acknowledges every reply at once.
        var acknowledges = true

        init(_ id: WorkerID, _ session: Session) {
            self.id = id
            self.session = session
        }
    }

    struct Answer {
        var status: Status?
        var payload: [UInt8]

        func reply<Reply: WireRecord>(_: Reply.Type) throws -> Reply { try payload.decoded(as: Reply.self) }
    }

    init(bounds: Bounds = Bounds()) throws {
        (keeper, report) = try Self.start(on: storage, bounds, at: Moment(milliseconds: now))
        keeper.delegate = self
    }

    private static func start(
        on storage: SimulatedStorage, _ bounds: Bounds, at moment: Moment
    ) throws -> (Storekeeper<SimulatedStorage>, String) {
        let store = SnapshotStore(storage)
        let recovered = try Recovered.find(in: store, profile: .fusebox, bounds: bounds, newEpoch: 9, at: moment)
        let report = recovered.report(of: "data")
        let identity = Engine.Identity(server: "test", processID: 1, epoch: recovered.epoch, salt: 7)
        let keeper = try Storekeeper(
            recovered, in: store, identity: identity, StorekeepingOptions(),
            clock: EngineClock(at: moment))
        return (keeper, report)
    }

    /// Kills the engine and starts it again.
    func restart(bounds: Bounds = Bounds()) throws {
        finishAll()
        tasks = []
        frames = [:]
        storage.killProcess()
        (keeper, report) = try Self.start(on: storage, bounds, at: Moment(milliseconds: now))
        keeper.delegate = self
    }

    /// The recoverable state, as bytes.
    var image: [UInt8] {
        let state = (keeper.engine.state.machine, keeper.engine.state.workers, keeper.engine.state.history)
        return SnapshotCapture(state.0, state.1, state.2, header: SnapshotHeader()).bytes()
    }

    var sequence: UInt64 { keeper.engine.sequence }
    var workers: WorkerTable { keeper.engine.state.workers }

    // MARK: Workers

    /// A worker that says hello.
    func worker(_ number: UInt64, user: UInt32 = 1_000, isOperator: Bool = false) throws -> Worker {
        let (worker, _) = try connect(WorkerID(high: 1, low: number), user: user, isOperator: isOperator)
        return worker
    }

    /// A worker that reconnects, and its standing.
    func connect(
        _ id: WorkerID, user: UInt32 = 1_000, isOperator: Bool = false, after last: UInt64 = 0
    ) throws -> (Worker, WorkerStanding) {
        let peer = Peer(processID: 1, user: user, isOperator: isOperator)
        let worker = Worker(id, Session(id: nextSession, peer: peer))
        worker.sequence = last
        worker.oldest = last + 1
        nextSession += 1
        let answer = try ask(Hello(worker: id, lastSequence: last, client: "test"), by: worker)
        try #require(answer.status == .ok)
        return (worker, try answer.reply(Hello.Reply.self).worker)
    }

    func leave(_ worker: Worker) { keeper.engine.sessionEnded(worker.session) }

    /// Sends a request and waits for the disk.
    ///
    /// - Parameter number: the number of an earlier request, to send it again
    func ask<C: Command>(_ command: C, by worker: Worker, again number: UInt64? = nil) throws -> Answer {
        now += 1
        let moment = Moment(milliseconds: now)
        keeper.beginTurn(at: moment)
        var payload = ByteWriter()
        if C.declaration.isSequenced {
            if number == nil { worker.sequence += 1 }
            let sequence = number ?? worker.sequence
            if worker.acknowledges, number == nil { worker.oldest = sequence }
            RequestSequence(sequence: sequence, oldestUnacknowledged: min(sequence, worker.oldest))
                .encode(into: &payload)
        }
        command.encode(into: &payload)
        var output = ByteWriter()
        let header = FrameHeader(command: C.declaration.number, kind: .request, correlation: 1)
        payload.withBytes { _ = keeper.engine.handle(header, $0, &worker.session, &output, at: moment) }
        keeper.endTurn()
        finishAll()
        keeper.endTurn()
        finishAll()
        var frame = output.bytes
        let held = frames[worker.session.id] ?? []
        if frame.isEmpty, let place = held.firstIndex(where: { $0[6] == FrameKind.reply.rawValue }) {
            frame = held[place]
            frames[worker.session.id]?.remove(at: place)
        }
        var reader = FrameReader()
        frame.withUnsafeBytes { reader.append($0) }
        return try #require(try reader.next { Answer(status: Status(rawValue: $0.detail), payload: Array($1)) })
    }

    func ok<C: Command>(_ command: C, by worker: Worker) throws -> C.Reply {
        let answer = try ask(command, by: worker)
        try #require(answer.status == .ok, "\(answer.status.map { "\($0)" } ?? "nothing")")
        return try answer.reply(C.Reply.self)
    }

    /// Lets time pass.
    func pass(_ milliseconds: Int64) {
        now += milliseconds
        keeper.beginTurn(at: Moment(milliseconds: now))
        keeper.endTurn()
        finishAll()
        keeper.endTurn()
        finishAll()
    }

    /// Takes the ends of waits that were pushed to a worker.
    func takePushes(to worker: Worker) throws -> [TicketEntry] {
        let all = frames[worker.session.id] ?? []
        let pushes = all.filter { $0[6] == FrameKind.push.rawValue }
        frames[worker.session.id] = all.filter { $0[6] != FrameKind.push.rawValue }
        let start = FrameHeader.lengthBytes + FrameHeader.bytes
        return try pushes.map { try Array($0[start...]).decoded(as: TicketEntry.self) }
    }

    private func finishAll() {
        while !tasks.isEmpty { tasks.removeFirst()() }
    }

    // MARK: The delegate

    func work<Result: Sendable>(_ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void) {
        tasks.append { completion(body()) }
    }

    func sync(_ body: @escaping @Sendable () -> Void, then completion: @escaping () -> Void) {
        work(body, then: completion)
    }

    func deliver(_ frame: UnsafeRawBufferPointer, to target: OutputTarget) {
        frames[target.session, default: []].append(Array(frame))
    }
    func complete(_ ticket: Ticket, _ write: (inout ByteWriter) -> Void) {}
    func goOn(with session: UInt64) {}
    func runAgain() {}
    func note(_ news: StorekeeperNews) {}
    func journalFailed(_ error: StorageError) { Issue.record("the journal failed: \(error)") }
}
