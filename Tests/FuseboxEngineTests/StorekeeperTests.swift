import FuseboxCore
import FuseboxSimulation
import FuseboxStore
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// What the storekeeper leaves on the disk, work by work: a test decides what is done elsewhere, and when.
struct StorekeeperTests {
    private let storage = SimulatedStorage(seed: 1)
    private let outcome: BreakerSuccess
    private let record: LedgerRecord

    init() throws {
        let name = try Name("openai")
        outcome = BreakerSuccess(name: name)
        record = LedgerRecord(
            provider: name, model: name, cost: Money(nanodollars: 1), inputTokens: 1, outputTokens: 1)
    }

    private func header(_ segment: JournalName) throws -> JournalHeader {
        try JournalReader(storage.read(segment.file)).header
    }

    // MARK: A full disk

    /// Seed 645 of the simulator once found this: a part that continued nothing, and numbers that were called safe.
    @Test func whatCameUnjournaledIsNeitherContinuedNorCalledOnTheDisk() throws {
        try Life.once(on: storage, record)
        storage.isFull = true
        let life = try Life(on: storage, worker: 2)
        life.turn { for _ in 0..<3 { life.ask(outcome) } }
        #expect(life.statuses == [.ok, .ok, .ok, .ok] && life.keeper.engine.sequence == 5)
        // Syncs whatever is thought to need it.
        life.keeper.keepHouse()
        life.finishAll()
        #expect(life.keeper.engine.durableSequence == 2, "what is in no journal is not on the disk")
        storage.isFull = false
        life.turn { life.ask(SnapshotNow()) }
        life.keeper.keepHouse()
        // There is room again while a snapshot is still being written.
        life.finish(1)
        life.turn { life.ask(outcome) }
        #expect(try storage.segments().map(\.firstSequence) == [1], "nothing follows before the rebase")
        life.finish(0)
        life.turn()
        let rebased = try #require(try storage.segments().last)
        #expect(rebased.firstSequence == 7)
        #expect(try header(rebased).isRebased)
        life.turn { life.ask(record) }
        storage.killProcess()
        #expect(!JournalReader.proves(3, in: try storage.read(rebased.file)))
        #expect(try storage.recoveredSequence() == 5, "a start is not refused")
    }

    @Test func aJournalThatIsOpenedLateSaysThatItContinuesASnapshot() throws {
        try Life.once(on: storage, record)
        storage.isFull = true
        let full = try Life(on: storage, worker: 2)
        full.turn { full.ask(outcome) }
        // There is room for the last snapshot, and none for a segment.
        storage.isFull = false
        full.stop()
        storage.isFull = true
        let late = try Life(on: storage, worker: 3)
        storage.isFull = false
        late.keeper.keepHouse()
        late.finishAll()
        late.turn()
        let last = try #require(try storage.segments().last)
        #expect(last.firstSequence == 4)
        #expect(try header(last).isRebased)
    }

    // MARK: A snapshot that is ahead of the journal

    /// Seed 739 of the simulator once found this: a torn end that a snapshot covers, and that a part which waits for
    /// another snapshot would make damage of.
    @Test func aTornEndThatASnapshotCoversIsClearedThoughNothingGoesOnThere() throws {
        let life = try Life(on: storage, worker: 1)
        life.turn { for _ in 0..<3 { life.ask(record) } }
        life.turn { life.ask(SnapshotNow()) }
        life.finishAll()
        storage.killProcess()
        // The last entry never reached the disk whole; the snapshot did.
        let file = WrittenDirectory.journal(1)
        var bytes = try storage.read(file)
        var last = 0
        _ = try JournalReader(bytes).forEach { _, _, offset in last = offset }
        bytes[last + 30] ^= 1
        storage.put(bytes, as: file)

        storage.isFull = true
        let next = try Life(on: storage, worker: 2)
        #expect(try JournalReader(storage.read(file)).forEach { _, _, _ in } == .open(offset: last))
        next.turn { next.ask(outcome) }
        storage.isFull = false
        next.keeper.keepHouse()
        next.finish(0)
        next.turn()
        // The part that waits is on the disk and knows it, its snapshot is not: only a stop syncs under a rebase.
        next.turn { next.ask(record) }
        next.keeper.stop()
        next.turn()
        next.finish(next.count - 1)
        next.turn { next.ask(record) }
        storage.killProcess()
        #expect(try JournalReader.proves(5, in: storage.read(WrittenDirectory.journal(5))))
        #expect(try storage.recoveredSequence() == 3, "a start is not refused")
    }

    // MARK: The end

    @Test func aSealSaysThatEverythingBeforeItIsOnTheDisk() throws {
        let life = try Life(on: storage, worker: 1)
        // Outcomes are acknowledged when they are written: nothing has asked for a sync.
        life.turn { for _ in 0..<3 { life.ask(outcome) } }
        life.stop()
        let segment = try storage.read(WrittenDirectory.journal(1))
        #expect(JournalReader.proves(3, in: segment))
        guard case .sealed = try JournalReader(segment).forEach({ _, _, _ in }) else {
            return #expect(Bool(false), "not sealed")
        }
    }

    @Test func afterAFailedSyncNothingIsHandedOut() throws {
        let life = try Life(on: storage, worker: 1)
        life.turn { life.ask(record) }
        storage.plan(.failure, afterOperations: 1, .before)
        life.finishAll()
        #expect(life.failure != nil && life.keeper.hasFailed)
        life.turn { life.ask(record) }
        life.keeper.keepHouse()
        life.finishAll()
        #expect(life.delivered == 0)
    }

    @Test func afterAFailedWriteNothingIsHandedOut() throws {
        let life = try Life(on: storage, worker: 1)
        storage.plan(.failure, afterOperations: 1, .during)
        life.turn { life.ask(outcome) }
        #expect(life.failure != nil)
        life.turn { life.ask(outcome) }
        life.finishAll()
        #expect(life.delivered == 0)
    }
}
