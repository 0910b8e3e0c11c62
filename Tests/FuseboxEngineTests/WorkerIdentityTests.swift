import FuseboxCore
import FuseboxStore
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// The owner of a worker id, and the reply to hello for unknown workers.
struct WorkerIdentityTests {
    private let worker = WorkerID(high: 7, low: 9)
    private func hello(lastSequence: UInt64 = 0) -> Hello {
        Hello(worker: worker, lastSequence: lastSequence, client: "")
    }

    // MARK: Whose it is

    @Test func anIdBelongsToTheUserWhoSaidHelloWithItFirst() throws {
        let conversation = Conversation()
        let first = conversation.stranger(1, user: 1_000)
        _ = try first.ok(hello())
        // The worker has sent nothing that would be remembered, and is connected.
        let second = conversation.stranger(2, user: 2_000)
        #expect(try second.ask(hello()).status == .notPermitted)
        #expect(conversation.engine.fenced.isEmpty, "the first goes on")
        // Its id also stays with its user after the connection ends.
        conversation.engine.sessionEnded(first.session)
        #expect(try conversation.stranger(3, user: 2_000).ask(hello()).status == .notPermitted)
        #expect(try conversation.stranger(4, user: 1_000).ask(hello()).status == .ok)
    }

    @Test func goodbyeGivesTheIdBack() throws {
        let conversation = Conversation()
        let first = conversation.stranger(1, user: 1_000)
        _ = try first.ok(hello())
        _ = try first.send(Goodbye())
        conversation.engine.sessionEnded(first.session)
        #expect(try conversation.stranger(2, user: 2_000).ask(hello()).status == .ok)
    }

    @Test func aForgottenWorkersIdStaysItsUsers() throws {
        var bounds = Bounds()
        bounds.workers = 1
        let conversation = Conversation(bounds: bounds)
        let first = conversation.stranger(1, user: 1_000)
        _ = try first.ok(hello())
        _ = try first.ok(BreakerSuccess(name: try Name("a")))
        conversation.engine.sessionEnded(first.session)
        _ = try conversation.peer(2).ok(BreakerSuccess(name: try Name("a")))
        #expect(try conversation.stranger(3, user: 2_000).ask(hello()).status == .notPermitted)
    }

    /// Ids are bounded, and a user that draws many displaces only its own.
    @Test func aUserWhoDrawsManyIdsPushesOutItsOwn() {
        var owners = WorkerOwners(limit: 8)
        let other = WorkerID(high: 1, low: 1)
        owners.add(other, of: 2_000)
        for number in 0..<1_000 { owners.add(WorkerID(high: 2, low: UInt64(number)), of: 1_000) }
        #expect(owners.count == 8)
        #expect(owners[other] == 2_000)
        #expect(owners[WorkerID(high: 2, low: 999)] == 1_000)
        #expect(owners[WorkerID(high: 2, low: 0)] == nil)
        for number in 0..<1_000 { owners.remove(WorkerID(high: 2, low: UInt64(number))) }
        #expect(owners.count == 1)
    }

    // MARK: What hello tells

    @Test func helloTellsTheGraceAndHowManyWorkersHadToBeForgotten() throws {
        var bounds = Bounds()
        bounds.workers = 1
        bounds.workerGraceMilliseconds = 1_234
        let conversation = Conversation(bounds: bounds)
        for number in 1...3 as ClosedRange<UInt64> {
            let peer = conversation.stranger(number)
            let hello = try peer.ok(Hello(worker: WorkerID(high: 1, low: number), client: ""))
            #expect(hello.graceMilliseconds == 1_234)
            #expect(hello.forgottenWorkers == (number < 3 ? 0 : 1))
            _ = try peer.ok(BreakerSuccess(name: try Name("a")))
            conversation.engine.sessionEnded(peer.session)
        }
        // A worker that says goodbye does not count as forgotten.
        let last = conversation.stranger(4)
        _ = try last.ok(Hello(worker: WorkerID(high: 1, low: 3), client: ""))
        _ = try last.send(Goodbye())
        conversation.engine.sessionEnded(last.session)
        #expect(try conversation.stranger(5).ok(hello(lastSequence: 1)).forgottenWorkers == 2)
        #expect(try conversation.stranger(6).ok(hello(lastSequence: 1)).worker == .forgotten)
    }

    /// The number is part of the state, so snapshots have it.
    @Test func theNumberOfForgottenWorkersIsInSnapshots() throws {
        var bounds = Bounds()
        bounds.workers = 1
        let conversation = Conversation(bounds: bounds)
        for number in 1...3 as ClosedRange<UInt64> {
            let peer = try conversation.peer(number)
            _ = try peer.ok(BreakerSuccess(name: try Name("a")))
            conversation.engine.sessionEnded(peer.session)
        }
        let bytes = conversation.capture().bytes()
        let (_, workers, _) = try SnapshotReader(bytes).contents(bounds: bounds)
        #expect(workers.evictions == 2)
        #expect(workers.count == 1)
    }
}
