import FuseboxWire
import Testing

@testable import FuseboxEngine

/// Replies that wait for the disk: to whom they go, and what they take meanwhile.
@Suite("Replies that wait")
struct CommitQueueTests {
    private let frame = [UInt8](repeating: 7, count: 100)

    private func session(_ id: UInt64) -> Session {
        Session(id: id, peer: Peer(processID: 1, user: 1, isOperator: false))
    }

    private func hold(_ count: Int, in queue: inout CommitQueue, for session: inout Session, isDurable: Bool = true) {
        for _ in 0..<count { frame.withUnsafeBytes { queue.hold($0, for: &session, isDurable: isDurable) } }
    }

    @Test("A session knows what waits for it, and no more once it was handed out")
    func account() {
        var queue = CommitQueue()
        var session = session(1)
        hold(3, in: &queue, for: &session)
        hold(2, in: &queue, for: &session, isDurable: false)
        let (replies, bytes) = (session.heldReplies, session.heldBytes)
        #expect(replies == 5 && bytes == 500)
        #expect(session.heldFootprint > 500)
        queue.batchWritten { _, frame in session.wasHanded(frame) }
        #expect(session.heldReplies == 3 && session.heldBytes == 300)
        queue.beginSync()
        queue.endSync { _, frame in session.wasHanded(frame) }
        #expect(session.heldFootprint == 0)
    }

    @Test("However many sessions end while the disk hangs, what waited for them is let go")
    func ended() {
        var queue = CommitQueue()
        var stays = session(1)
        hold(1, in: &queue, for: &stays)
        queue.batchWritten { _, _ in }
        queue.beginSync()
        hold(1, in: &queue, for: &stays)
        var most = 0
        for id in 2..<1_000 as Range<UInt64> {
            var passing = session(id)
            hold(10, in: &queue, for: &passing, isDurable: id.isMultiple(of: 2))
            if id.isMultiple(of: 3) { queue.batchWritten { _, _ in } }
            queue.forget(passing)
            most = max(most, queue.byteCount)
        }
        // What stays, what has ended and is as much as that, and the next.
        #expect(most <= 2 * 200 + 2 * 1_000, "\(most) bytes wait")
        var handed: [UInt64] = []
        queue.endSync { session, _ in handed.append(session) }
        queue.batchWritten { _, _ in }
        queue.beginSync()
        queue.endSync { session, _ in handed.append(session) }
        #expect(handed.filter { $0 == 1 }.count == 2)
        let (count, bytes) = (queue.count, queue.byteCount)
        #expect(count == 0 && bytes == 0)
    }
}
