import FuseboxCore
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// The bounds on what is kept for workers: for each worker, for each user and for all. Also the choice of workers to
/// forget.
struct WorkerRoomTests {
    /// The kept size of a reply without fields.
    private static let replyBytes = 18

    private func outcome() throws -> BreakerSuccess { BreakerSuccess(name: try Name("openai")) }

    /// Lets a worker leave this many replies unacknowledged.
    private func pile(_ count: Int, _ engine: JournaledEngine, _ worker: JournaledEngine.Worker) throws {
        worker.acknowledges = false
        for _ in 0..<count { _ = try engine.ok(try outcome(), by: worker) }
    }

    @Test func aWorkerWhoseRepliesTakeTooManyBytesIsBusyUntilItAcknowledgesSome() throws {
        var bounds = Bounds()
        bounds.keptBytesPerWorker = 3 * Self.replyBytes
        let engine = try JournaledEngine(bounds: bounds)
        let worker = try engine.worker(1)
        try pile(3, engine, worker)
        let before = engine.image
        #expect(try engine.ask(try outcome(), by: worker).status == .busy)
        #expect(engine.image == before, "a refusal changes nothing, not even what is acknowledged")
        worker.oldest = 3
        #expect(try engine.ask(try outcome(), by: worker).status == .ok)
        #expect(engine.workers.bytes == 2 * Self.replyBytes)
    }

    @Test func aUsersOwnWorkersThatAreAwayMakeRoomTheQuietestFirstAndNeverAnothers() throws {
        var bounds = Bounds()
        bounds.keptBytesPerUser = 6 * Self.replyBytes
        let engine = try JournaledEngine(bounds: bounds)
        let other = try engine.worker(9, user: 2_000)
        try pile(4, engine, other)
        engine.leave(other)
        let gone = try (1...2).map { try engine.worker($0) }
        for worker in gone { try pile(2, engine, worker) }
        let staying = try engine.worker(3)
        try pile(2, engine, staying)
        for worker in gone { engine.leave(worker) }

        _ = try engine.ok(try outcome(), by: staying)
        #expect(engine.workers.find(gone[0].id) == nil)
        #expect(engine.workers.find(gone[1].id) != nil && engine.workers.find(other.id) != nil)
        #expect(try engine.connect(gone[0].id, after: 2).1 == .forgotten, "it is told so")
        try pile(3, engine, staying)
        #expect(engine.workers.find(gone[1].id) == nil)
        #expect(engine.workers.share(of: 1_000).bytes == 6 * Self.replyBytes)
        // All remaining workers are connected, so the user waits. Others do not.
        #expect(try engine.ask(try outcome(), by: staying).status == .busy)
        #expect(try engine.ask(try outcome(), by: try engine.worker(4)).status == .busy)
        #expect(try engine.connect(other.id, user: 2_000, after: 4).1 == .resumed)
        #expect(try engine.ask(try outcome(), by: try engine.worker(10, user: 2_000)).status == .ok)
    }

    @Test func inAllTheUserForWhomMostIsKeptMakesRoom() throws {
        var bounds = Bounds()
        bounds.keptBytes = 10 * Self.replyBytes
        let engine = try JournaledEngine(bounds: bounds)
        let most = try engine.worker(1, user: 1)
        try pile(6, engine, most)
        let few = try engine.worker(2, user: 2)
        try pile(4, engine, few)
        for worker in [most, few] { engine.leave(worker) }
        let newcomer = try engine.worker(3, user: 3)
        try pile(1, engine, newcomer)
        #expect(engine.workers.find(most.id) == nil && engine.workers.find(few.id) != nil)
        // A user with the most workers, all connected, has to wait. The workers of others stay.
        try pile(5, engine, newcomer)
        #expect(try engine.ask(try outcome(), by: newcomer).status == .busy)
        #expect(engine.workers.find(few.id) != nil)
    }

    @Test func workersOfOneUserThatFillTheTableMakeOthersNeitherForgottenNorRefused() throws {
        var bounds = Bounds()
        bounds.workers = 32
        let engine = try JournaledEngine(bounds: bounds)
        let other = try engine.worker(1_000, user: 2)
        _ = try engine.ok(try outcome(), by: other)
        engine.leave(other)
        for number in 1...100 {
            let worker = try engine.worker(UInt64(number), user: 1)
            #expect(try engine.ask(try outcome(), by: worker).status == .ok)
            engine.leave(worker)
        }
        #expect(engine.workers.count == 30, "two places are the operators'")
        #expect(try engine.connect(other.id, user: 2, after: 1).1 == .resumed)
        #expect(try engine.ask(try outcome(), by: try engine.worker(1_001, user: 2)).status == .ok)
        #expect(engine.workers.share(of: 2).workers == 2 && engine.workers.share(of: 1).workers == 28)
        for number in 0..<2 as Range<UInt64> {
            _ = try engine.ok(try outcome(), by: try engine.worker(2_000 + number, user: 0, isOperator: true))
        }
        #expect(engine.workers.count == 32 && engine.workers.share(of: 1).workers == 28)
        // The decision is in the journal.
        let image = engine.image
        try engine.restart(bounds: bounds)
        #expect(engine.image == image)
    }

    @Test func aStartWithLowerLimitsBringsWhatItFindsWithinThemForGood() throws {
        let engine = try JournaledEngine()
        for user in 1...3 as ClosedRange<UInt32> {
            for number in 1...4 as ClosedRange<UInt64> {
                try pile(Int(number), engine, try engine.worker(UInt64(user) * 10 + number, user: user))
            }
        }
        let sequence = engine.sequence
        var bounds = Bounds()
        bounds.keptBytesPerWorker = 3 * Self.replyBytes
        bounds.keptBytesPerUser = 5 * Self.replyBytes
        bounds.keptBytes = 12 * Self.replyBytes
        bounds.workers = 5
        try engine.restart(bounds: bounds)
        #expect(engine.report.contains("workers were forgotten"))
        let workers = engine.workers
        #expect(workers.count <= 5 && workers.bytes <= bounds.keptBytes && workers.bytes > 0)
        for user in 1...3 as ClosedRange<UInt32> { #expect(workers.share(of: user).bytes <= bounds.keptBytesPerUser) }
        // The worker with four replies had too many by itself. Of the others, the one that was silent longest was
        // forgotten.
        #expect(workers.find(WorkerID(high: 1, low: 14)) == nil && workers.find(WorkerID(high: 1, low: 31)) == nil)
        #expect(workers.find(WorkerID(high: 1, low: 33)) != nil)
        #expect(engine.sequence == sequence + 1, "it is a change like any other")

        let image = engine.image
        try engine.restart(bounds: bounds)
        #expect(engine.image == image && !engine.report.contains("workers were forgotten"))
        // The journal still works, and a start with the old limits continues with it.
        _ = try engine.ok(try outcome(), by: try engine.worker(50, user: 5))
        let later = engine.image
        try engine.restart()
        #expect(engine.image == later)
    }
}
