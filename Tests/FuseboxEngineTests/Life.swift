import FuseboxCore
import FuseboxSimulation
import FuseboxStore
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// A start of the daemon on a simulated disk, turn by turn.
final class Life: StorekeeperDelegate {
    private(set) var news: [StorekeeperNews] = []
    let keeper: Storekeeper<SimulatedStorage>
    private(set) var failure: StorageError?
    private(set) var delivered = 0
    private(set) var statuses: [Status?] = []
    private(set) var completed: [Status?] = []
    private var tasks: [() -> Void] = []
    private var session = Session(id: 1, peer: Peer(processID: 1, user: 0, isOperator: true))
    private var now: Int64 = 1_790_000_000_000
    private var sequence: UInt64 = 0

    init(on storage: SimulatedStorage, worker: UInt64, _ durability: Durability = .commit) throws {
        let store = SnapshotStore(storage)
        let moment = Moment(milliseconds: now)
        let recovered = try Recovered.find(
            in: store, profile: .fusebox, bounds: Bounds(), newEpoch: 9, at: moment)
        let identity = Engine.Identity(server: "test", processID: 1, epoch: recovered.epoch, salt: 7)
        var options = StorekeepingOptions()
        options.segmentLength = 16 * 1024
        options.durability = durability
        keeper = try Storekeeper(recovered, in: store, identity: identity, options, clock: EngineClock(at: moment))
        keeper.delegate = self
        keeper.tellStart()
        ask(Hello(worker: WorkerID(high: 1, low: worker), client: "test"))
    }

    func turn(_ requests: () -> Void = {}) {
        now += 1
        keeper.beginTurn(at: Moment(milliseconds: now))
        requests()
        keeper.endTurn()
    }

    func ask<C: Command>(_ command: C) {
        var payload = ByteWriter()
        if C.declaration.isSequenced {
            sequence += 1
            RequestSequence(sequence: sequence, oldestUnacknowledged: sequence).encode(into: &payload)
        }
        command.encode(into: &payload)
        var output = ByteWriter()
        let header = FrameHeader(command: C.declaration.number, kind: .request, correlation: 1)
        payload.withBytes {
            _ = keeper.engine.handle(header, $0, &session, &output, at: Moment(milliseconds: now))
        }
        guard !output.isEmpty else { return }
        statuses.append(Self.status(output))
    }

    private static func status(_ output: borrowing ByteWriter) -> Status? {
        var reader = FrameReader()
        output.withBytes { reader.append($0) }
        return (try? reader.next { header, _ in Status(rawValue: header.detail) }).flatMap { $0 }
    }

    /// Completes unfinished work; 0 is the oldest.
    func finish(_ index: Int) { tasks.remove(at: index)() }

    /// The unfinished work.
    var count: Int { tasks.count }

    func finishAll() {
        while !tasks.isEmpty { finish(0) }
    }

    func stop() {
        keeper.stop()
        repeat {
            finishAll()
            turn()
        } while !keeper.isQuiet
        keeper.seal()
    }

    func work<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void
    ) {
        tasks.append { completion(body()) }
    }

    func sync(_ body: @escaping @Sendable () -> Void, then completion: @escaping () -> Void) {
        work(body, then: completion)
    }

    func deliver(_ frame: UnsafeRawBufferPointer, to target: OutputTarget) { delivered += 1 }
    func complete(_ ticket: Ticket, _ write: (inout ByteWriter) -> Void) {
        var output = ByteWriter()
        write(&output)
        completed.append(Self.status(output))
    }
    func goOn(with session: UInt64) {}
    func runAgain() {}
    func note(_ news: StorekeeperNews) { self.news.append(news) }
    func journalFailed(_ error: StorageError) { failure = error }
}

extension Life {
    /// A life that records twice and ends in order.
    static func once(on storage: SimulatedStorage, _ record: LedgerRecord) throws {
        let life = try Life(on: storage, worker: 1)
        life.turn { for _ in 0..<2 { life.ask(record) } }
        life.stop()
        #expect(life.delivered == 2)
        #expect(try storage.recoveredSequence() == 2)
    }
}

extension SimulatedStorage {
    /// The step at which a start with these files ends.
    func recoveredSequence() throws -> UInt64 {
        let recovered = try Recovered.find(
            in: SnapshotStore(self), profile: .fusebox, bounds: Bounds(), newEpoch: 1, at: Moment(milliseconds: 1))
        return recovered.sequence
    }
}
