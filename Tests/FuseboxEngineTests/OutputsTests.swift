import FuseboxCore
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// Replies and events that wait: when they leave, in which order, and what they take meanwhile.
struct OutputsTests {
    private let frame = [UInt8](repeating: 7, count: 100)

    private func session(_ id: UInt64) -> Session {
        Session(id: id, peer: Peer(processID: 1, user: 1, isOperator: false))
    }

    private func delay(
        _ count: Int, in outputs: inout Outputs, for session: inout Session, until watermark: Watermark = .synced,
        of sequence: UInt64 = 1
    ) {
        for _ in 0..<count {
            frame.withUnsafeBytes { outputs.delay($0, for: &session, until: watermark, of: sequence) }
        }
    }

    @Test func aSessionKnowsWhatWaitsForItAndNoMoreOnceItWasHandedOut() {
        var outputs = Outputs()
        var session = session(1)
        delay(3, in: &outputs, for: &session)
        delay(2, in: &outputs, for: &session, until: .written)
        let (replies, bytes) = (session.delayedReplies, session.delayedBytes)
        #expect(replies == 5 && bytes == 500)
        #expect(session.delayedFootprint > 500)
        outputs.release(Watermarks(written: 1, synced: 0)) { session.wasHanded($1, $0) }
        #expect(session.delayedReplies == 3 && session.delayedBytes == 300)
        outputs.release(Watermarks(written: 1, synced: 1)) { session.wasHanded($1, $0) }
        #expect(session.delayedFootprint == 0)
    }

    @Test func repliesOfAClassLeaveInTheOrderOfTheirInputsWhateverTheirNumber() {
        var outputs = Outputs()
        var left: [UInt64] = []
        for sequence in 1...100 as ClosedRange<UInt64> {
            var session = session(sequence)
            delay(1, in: &outputs, for: &session, of: sequence)
            // Always some wait: the room of those that have left is used again.
            guard sequence > 3 else { continue }
            outputs.release(Watermarks(written: 100, synced: sequence - 3)) { target, frame in
                left.append(target.session)
                #expect(Array(frame) == self.frame)
            }
        }
        #expect(left == Array(1...97))
    }

    @Test func howeverManySessionsEndWhileTheDiskHangsWhatWaitedForThemIsLetGo() {
        var outputs = Outputs()
        var stays = session(1)
        delay(2, in: &outputs, for: &stays, of: 1)
        var most = 0
        for id in 2..<1_000 as Range<UInt64> {
            var passing = session(id)
            delay(10, in: &outputs, for: &passing, until: id.isMultiple(of: 2) ? .synced : .written, of: id)
            outputs.forget(passing)
            most = max(most, outputs.replyBytes)
        }
        // What stays, what has ended and is as much as that, and the next.
        #expect(most <= 2 * 200 + 2 * 1_000, "\(most) bytes wait")
        var handed: [UInt64] = []
        outputs.release(Watermarks(written: 1_000, synced: 1_000)) { target, _ in handed.append(target.session) }
        #expect(handed.filter { $0 == 1 }.count == 2)
        let (count, bytes) = (outputs.replyCount, outputs.replyBytes)
        #expect(count == 0 && bytes == 0)
    }

    private struct Waiting: Equatable {
        var session: UInt64
        var frame: [UInt8]
        var watermark = Watermark.written
        var sequence: UInt64 = 0

        /// As it is handed out.
        var reply: Waiting { Waiting(session: session, frame: frame) }
    }

    /// Whatever sessions end meanwhile, and in whatever pieces the disk follows.
    @Test(arguments: 1...6 as ClosedRange<UInt64>) func everyReplyLeavesOnceWholeAndInItsOrder(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var outputs = Outputs()
        var sessions: [UInt64: Session] = [:]
        var newest: UInt64 = 0
        var waiting: [Waiting] = []
        var marks = Watermarks(written: 0, synced: 0)
        var sequence: UInt64 = 0
        for step in 0..<3_000 {
            switch random.below(12) {
            case 0:
                guard let id = sessions.keys.sorted().randomElement(using: &random),
                    let ended = sessions.removeValue(forKey: id), ended.delayedReplies > 0
                else { continue }
                outputs.forget(ended)
                let (bytes, live) = (outputs.replyBytes, sessions.values.reduce(0) { $0 + $1.delayedBytes })
                #expect(bytes <= 2 * live, "step \(step)")
            case 1...2:
                marks.written += UInt64(random.below(Int(sequence - marks.written) + 1))
                marks.synced += UInt64(random.below(Int(marks.written - marks.synced) + 1))
                var left: [Waiting] = []
                outputs.release(marks) { target, frame in
                    sessions[target.session]?.wasHanded(frame, target)
                    left.append(Waiting(session: target.session, frame: Array(frame)))
                }
                let due = waiting.filter { marks.has($0.watermark, reached: $0.sequence) }
                waiting.removeAll { marks.has($0.watermark, reached: $0.sequence) }
                // Those that wait for less are looked at first. Of sessions that have ended none is missed.
                let expected = due.filter { $0.watermark == .written } + due.filter { $0.watermark == .synced }
                let wanted = expected.map(\.reply).filter { sessions[$0.session] != nil }
                let found = left.filter { sessions[$0.session] != nil }
                #expect(found == wanted, "step \(step)")
            default:
                if sessions.isEmpty || random.once(in: 8) {
                    newest += 1
                    sessions[newest] = self.session(newest)
                }
                let id = random.pick(sessions.keys.sorted())
                guard var session = sessions[id] else { continue }
                sequence += UInt64(random.below(2))
                let frame = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: 8 + random.below(300))
                let watermark = random.once(in: 3) ? Watermark.synced : .written
                frame.withUnsafeBytes { outputs.delay($0, for: &session, until: watermark, of: sequence) }
                sessions[id] = session
                waiting.append(Waiting(session: id, frame: frame, watermark: watermark, sequence: sequence))
            }
        }
        outputs.release(Watermarks(written: sequence, synced: sequence)) { sessions[$0.session]?.wasHanded($1, $0) }
        let (count, bytes) = (outputs.replyCount, outputs.replyBytes)
        #expect(count == 0 && bytes == 0)
        #expect(sessions.values.allSatisfy { $0.delayedReplies == 0 && $0.delayedBytes == 0 })
    }

    // MARK: Events

    private func take(_ outputs: inout Outputs, until watermark: Watermark, of sequence: UInt64) {
        var effects: [Event] = [.providerRestored(ProviderRestored())]
        outputs.events.take(&effects, until: watermark, of: sequence, at: Timestamp(milliseconds: 1))
        #expect(effects.isEmpty)
    }

    private func handOut(_ outputs: inout Outputs) -> [UInt64] {
        _ = outputs.events.beginBatch()
        defer { _ = outputs.events.endBatch() }
        return outputs.events.batch.map(\.envelope.number)
    }

    @Test func anEventThatWaitsHoldsBackThoseAfterIt() {
        var outputs = Outputs()
        take(&outputs, until: .written, of: 1)
        take(&outputs, until: .synced, of: 2)
        take(&outputs, until: .written, of: 3)
        take(&outputs, until: .applied, of: 4)
        #expect(handOut(&outputs).isEmpty)
        outputs.release(Watermarks(written: 3, synced: 0)) { _, _ in }
        #expect(handOut(&outputs) == [1])
        outputs.release(Watermarks(written: 3, synced: 2)) { _, _ in }
        #expect(handOut(&outputs) == [2, 3, 4])
    }

    @Test func anEventThatPromisesMoreThanItsInputWaitsForWhatItPromises() {
        var outputs = Outputs()
        var effects: [Event] = [.providerRestored(ProviderRestored()), .limitReached(LimitReached())]
        outputs.events.take(&effects, until: .written, of: 1, at: Timestamp(milliseconds: 1)) {
            Durability.commit.watermark(promised: $0)
        }
        outputs.release(Watermarks(written: 1, synced: 0)) { _, _ in }
        #expect(handOut(&outputs) == [1])
        outputs.release(Watermarks(written: 1, synced: 1)) { _, _ in }
        #expect(handOut(&outputs) == [2])
    }

    @Test func whatBecomesReadyWhileABatchIsHandedOutIsForTheNextOne() {
        var outputs = Outputs()
        take(&outputs, until: .applied, of: 1)
        outputs.release(Watermarks(written: 0, synced: 0)) { _, _ in }
        _ = outputs.events.beginBatch()
        take(&outputs, until: .applied, of: 2)
        outputs.release(Watermarks(written: 0, synced: 0)) { _, _ in }
        _ = outputs.events.beginBatch()
        let batch = outputs.events.batch.map(\.envelope.number)
        #expect(batch == [1])
        _ = outputs.events.endBatch()
        #expect(handOut(&outputs) == [2])
    }
}
