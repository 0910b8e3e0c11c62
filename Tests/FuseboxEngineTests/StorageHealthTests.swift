import FuseboxCore
import FuseboxSimulation
import FuseboxStore
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// What the storekeeper does and says when the disk, the directory or a snapshot is not as it should be.
struct StorageHealthTests {
    private let storage = SimulatedStorage(seed: 1)
    private let outcome: BreakerSuccess
    private let record: LedgerRecord

    init() throws {
        let name = try Name("openai")
        outcome = BreakerSuccess(name: name)
        record = LedgerRecord(
            provider: name, model: name, cost: Money(nanodollars: 1), inputTokens: 1, outputTokens: 1)
    }

    // MARK: A full disk

    @Test func aDiskThatIsFullFromTheStartIsToldOnceAndSoIsItsEnd() throws {
        try Life.once(on: storage, record)
        storage.isFull = true
        let life = try Life(on: storage, worker: 2)
        guard case .noRoom(let error)? = life.news.first else { return #expect(Bool(false), "\(life.news)") }
        #expect(error.isFull && life.keeper.engine.commit.shortage == error)
        for _ in 0..<3 {
            life.keeper.keepHouse()
            life.turn { life.ask(record) }
            life.finishAll()
        }
        #expect(life.statuses.last == .storageFailed)
        #expect(life.news.count == 1, "\(life.news)")
        storage.isFull = false
        life.keeper.keepHouse()
        life.turn()
        life.finishAll()
        guard case .roomAgain? = life.news.last else { return #expect(Bool(false), "\(life.news)") }
        #expect(life.news.count == 2 && life.keeper.engine.commit.shortage == nil)
    }

    // MARK: A snapshot that cannot be loaded

    /// A state that the reader refuses: two workers of one id, which no command makes.
    private func spoil(_ life: Life) {
        let worker = WorkerTable.Worker(
            id: WorkerID(high: 5, low: 5), user: 1, lastSeen: Timestamp(milliseconds: 1))
        for _ in 0..<2 { _ = life.keeper.engine.state.workers.add(worker) }
    }

    private var snapshots: [UInt64] {
        get throws { try SnapshotStore(storage).list().map(\.sequence) }
    }

    @Test func aSnapshotThatAStartWouldRefuseDoesNotCountAndTheDaemonGoesOn() throws {
        try Life.once(on: storage, record)
        let life = try Life(on: storage, worker: 2)
        let before = try snapshots
        let segments = try storage.segments()
        spoil(life)
        for _ in 0..<4 {
            life.turn {
                life.ask(record)
                life.ask(SnapshotNow())
            }
            life.turn()
            life.finishAll()
        }
        life.turn()
        #expect(try snapshots == before)
        #expect(try storage.segments().starts(with: segments), "the journal stays")
        #expect(try storage.list().allSatisfy { !$0.contains("partial") && !$0.contains("damaged") })
        #expect(life.delivered == 4, "what is reported is acknowledged")
        #expect(life.keeper.engine.commit.snapshots.failure.contains("a worker comes twice"))
        let refused = life.news.filter {
            if case .snapshotFailed(.damaged(_, .contents(_, let rule))) = $0 {
                return rule.message == "workers: a worker comes twice"
            }
            return false
        }
        #expect(refused.count == 4, "each has a name of its own: \(life.news)")
        // What the journal holds is what comes back.
        storage.killProcess()
        #expect(try storage.recoveredSequence() == 6)
    }

    /// It takes as long as one that succeeds, and gives the same: it is not tried at once again.
    @Test func aSnapshotThatWasRefusedIsTriedAgainAfterItsInterval() {
        var schedule = SnapshotSchedule(intervalMilliseconds: 60_000, newest: nil, at: Timestamp(milliseconds: 0))
        func isDue(_ milliseconds: Int64) -> Bool {
            schedule.isDue(lastChange: 9, isUrgent: true, at: Timestamp(milliseconds: milliseconds))
        }
        #expect(isDue(1_000))
        schedule.begin(at: Timestamp(milliseconds: 1_000))
        _ = schedule.end(.failure(.damaged("file", .notASnapshot)))
        #expect(!isDue(60_000) && isDue(61_000))
        schedule.begin(at: Timestamp(milliseconds: 61_000))
        let full = StorageError(operation: "write", path: "file", code: 28, reason: "no space")
        _ = schedule.end(.failure(.storage(full)))
        #expect(isDue(62_000))
    }

    @Test func aSnapshotThatFailsIsToldOnceAndThatItIsWrittenAgain() throws {
        let life = try Life(on: storage, worker: 1)
        storage.isFull = true
        for _ in 0..<3 {
            life.turn { life.ask(SnapshotNow()) }
            life.finishAll()
        }
        let failures = life.news.count { if case .snapshotFailed = $0 { true } else { false } }
        #expect(failures <= 1)
        storage.isFull = false
        life.turn {
            life.ask(record)
            life.ask(SnapshotNow())
        }
        life.turn()
        life.finishAll()
        #expect(life.keeper.engine.commit.snapshots.failure.isEmpty)
        #expect(failures == 0 || life.news.contains { if case .snapshotsAgain = $0 { true } else { false } })
    }

    // MARK: A directory that is gone

    @Test func nothingDurableIsAcknowledgedForADirectoryThatIsGone() throws {
        let life = try Life(on: storage, worker: 1)
        life.turn { life.ask(record) }
        life.finishAll()
        life.turn()
        #expect(life.delivered == 1)
        storage.isGone = true
        life.turn { life.ask(record) }
        life.finishAll()
        life.turn()
        #expect(life.delivered == 1)
        #expect(life.failure?.isGone == true && life.keeper.failure != nil)
    }

    @Test(arguments: [Durability.commit, .interval, .snapshot])
    func aDirectoryThatIsGoneEndsTheDaemonThoughNobodyAsks(_ durability: Durability) throws {
        let life = try Life(on: storage, worker: 1, durability)
        life.turn { life.ask(outcome) }
        storage.isGone = true
        life.keeper.keepHouse()
        #expect(life.failure?.isGone == true && life.keeper.failure != nil)
    }

    @Test func aSnapshotInADirectoryThatIsGoneIsNone() throws {
        let life = try Life(on: storage, worker: 1)
        life.turn { life.ask(outcome) }
        storage.isGone = true
        life.turn { life.ask(SnapshotNow()) }
        life.finishAll()
        #expect(life.keeper.engine.commit.snapshots.failure.contains("it was deleted, moved or replaced"))
    }

    // MARK: Marks

    @Test func everySyncIsMarkedAndTheMarksFollowWithinASecond() throws {
        let life = try Life(on: storage, worker: 1)
        for count in 1...3 as ClosedRange<UInt64> {
            life.turn { life.ask(record) }
            life.finishAll()
            #expect(try SyncMark.all(in: storage).highest(epoch: 9) == count)
        }
        life.keeper.keepHouse()
        life.finishAll()
        #expect(life.keeper.engine.commit.lastSync != nil)
        storage.losePower()
        #expect(try SyncMark.all(in: storage).highest(epoch: 9) == 3)
        #expect(try storage.recoveredSequence() == 3)
    }

    @Test func anIdleDaemonSyncsNoMarks() throws {
        let life = try Life(on: storage, worker: 1)
        life.turn { life.ask(record) }
        life.finishAll()
        life.keeper.keepHouse()
        life.finishAll()
        let operations = storage.operations
        for _ in 0..<5 {
            life.turn()
            life.keeper.keepHouse()
            life.finishAll()
        }
        #expect(storage.operations == operations)
    }

    @Test func aStopInOrderLeavesExactMarks() throws {
        let life = try Life(on: storage, worker: 1)
        life.turn { for _ in 0..<3 { life.ask(outcome) } }
        life.stop()
        storage.losePower()
        #expect(try SyncMark.all(in: storage).highest(epoch: 9) == 3)
    }

    // MARK: Work that takes long

    @Test func oneImportIsReadAtATime() throws {
        let life = try Life(on: storage, worker: 1)
        let ticket = Ticket(session: 1, command: ImportCommit.declaration.number, correlation: 1)
        life.keeper.perform(.decodeImport([[1, 2, 3]], .all), for: ticket)
        #expect(life.count == 1 && life.completed == [])
        life.keeper.perform(.decodeImport([[1, 2, 3]], .all), for: ticket)
        #expect(life.count == 1 && life.completed == [.busy])
        life.finishAll()
        #expect(life.completed == [.busy, .damagedData])
        life.keeper.perform(.decodeImport([[1, 2, 3]], .all), for: ticket)
        #expect(life.count == 1)
    }
}
