import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire
import Testing

/// When a snapshot is due, who is told, and what an import does.
@Suite struct SnapshotScheduleTests {
    private func info(_ sequence: UInt64) -> SnapshotInfo {
        var info = SnapshotInfo()
        info.sequence = sequence
        return info
    }

    @Test func oneIsDueWhenSomethingHasChangedAndTheIntervalIsOver() throws {
        let conversation = Conversation(snapshotInterval: 1_000)
        let peer = try conversation.peer()
        _ = try peer.ok(BreakerSuccess(name: try Name("openai")))
        conversation.now += 999
        #expect(conversation.captureIfDue() == nil)
        conversation.now += 1
        let capture = try #require(conversation.captureIfDue())
        #expect(capture.header.sequence == 1)
        #expect(capture.header.epoch == 42)
        conversation.now += 5_000
        #expect(conversation.captureIfDue() == nil, "one is under way")
        #expect(conversation.snapshotEnded(.success(info(1))).isEmpty)
        conversation.now += 5_000
        #expect(conversation.captureIfDue() == nil, "nothing has changed")
        #expect(conversation.isSnapshotCurrent)
    }

    @Test func oneIsDueWhenReplayingWouldTakeLong() throws {
        let conversation = Conversation(snapshotInterval: 60_000)
        let peer = try conversation.peer()
        conversation.now += 2_000
        conversation.use(processorNanoseconds: 5_000_000_000)
        #expect(conversation.captureIfDue() == nil, "nothing has changed: nothing would be replayed")
        _ = try peer.ok(BreakerSuccess(name: try Name("openai")))
        conversation.use(processorNanoseconds: 3_000_000_000)
        #expect(conversation.captureIfDue() == nil)
        _ = try peer.ok(BreakerSuccess(name: try Name("openai")))
        conversation.use(processorNanoseconds: 1)
        _ = try #require(conversation.captureIfDue())
        _ = conversation.snapshotEnded(.success(info(2)))
        conversation.now += 2_000
        _ = try peer.ok(BreakerSuccess(name: try Name("openai")))
        conversation.use(processorNanoseconds: 3_000_000_000)
        #expect(conversation.captureIfDue() == nil, "counted from the last capture")
    }

    @Test func aFailedOneIsTriedAgainAfterTheIntervalAndShown() throws {
        let conversation = Conversation(snapshotInterval: 1_000)
        let peer = try conversation.peer()
        _ = try peer.ok(BreakerSuccess(name: try Name("openai")))
        conversation.now += 1_000
        _ = try #require(conversation.captureIfDue())
        let failure = SnapshotFailure.storage(StorageError(operation: "write", path: "x", code: 28, reason: "full"))
        _ = conversation.snapshotEnded(.failure(failure))
        #expect(try peer.ok(ServerStatus()).snapshotFailure == "write x: full")
        #expect(conversation.captureIfDue() == nil)
        conversation.now += 1_000
        #expect(conversation.captureIfDue() != nil)
        _ = conversation.snapshotEnded(.success(info(1)))
        #expect(try peer.ok(ServerStatus()).snapshotFailure == "")
    }

    @Test func whoAsksWaitsForOneThatBeginsAfterTheRequest() throws {
        let conversation = Conversation()
        let peer = try conversation.peer()
        guard case .deferred(let first, _) = try peer.send(SnapshotNow()).0 else {
            Issue.record("the reply must wait for the disk")
            return
        }
        _ = try #require(conversation.captureIfDue())
        guard case .deferred(let second, _) = try peer.send(SnapshotNow()).0 else { return }
        #expect(conversation.snapshotEnded(.success(info(0))) == [first])
        _ = try #require(conversation.captureIfDue())
        #expect(conversation.snapshotEnded(.success(info(0))) == [second])
        #expect(conversation.captureIfDue() == nil)
    }

    @Test func aCaptureDoesNotChangeWithWhatComesAfter() throws {
        let conversation = Conversation()
        let peer = try conversation.peer()
        _ = try peer.ok(BreakerSuccess(name: try Name("openai")))
        let capture = conversation.capture()
        let before = capture.bytes()
        _ = try peer.ok(BreakerFailure(name: try Name("openai")))
        _ = try peer.ok(ExhaustionMark(provider: try Name("other")))
        #expect(capture.bytes() == before)
        let restored = try SnapshotReader(before).stateMachine(bounds: Bounds())
        #expect(restored.breakers.count == 1)
        #expect(restored.exhaustion.count == 0)
    }

    // MARK: Import

    private func chunk(_ bytes: [UInt8], at offset: Int) -> ImportChunk {
        var chunk = ImportChunk()
        chunk.offset = UInt64(offset)
        chunk.chunk = Bytes(bytes)
        return chunk
    }

    private func commit(_ length: Int) -> ImportCommit {
        var commit = ImportCommit()
        commit.length = UInt64(length)
        return commit
    }

    @Test func anImportIsTheStateThatWasUploaded() throws {
        let source = Conversation()
        _ = try source.peer().ok(BreakerForceOpen(name: try Name("openai")))
        let bytes = source.capture().bytes()

        let conversation = Conversation()
        let peer = try conversation.peer()
        _ = try peer.ok(BreakerSuccess(name: try Name("mine")))
        for offset in stride(from: 0, to: bytes.count, by: 50) {
            _ = try peer.ok(chunk(Array(bytes[offset..<min(offset + 50, bytes.count)]), at: offset))
        }
        guard case .deferred(let ticket, .decodeImport(let pieces, _)) = try peer.send(commit(bytes.count)).0 else {
            Issue.record("decoding is work for another thread")
            return
        }
        #expect(pieces.count == 1, "small pieces are joined")
        let machine = try SnapshotReader(Array(pieces.joined())).stateMachine(bounds: Bounds())
        let prepared = PreparedParts(.all, of: machine, for: conversation.engine.machine)
        conversation.engine.adopt(prepared, for: ticket)
        _ = try #require(conversation.captureIfDue())
        #expect(conversation.snapshotEnded(.success(info(2))) == [ticket])
        #expect(try peer.ok(BreakerList(cursor: 0)).entries.map(\.name.text) == ["openai"])
    }

    @Test func uploadsAreCheckedAndBounded() throws {
        var bounds = Bounds()
        bounds.importLength = 100
        let conversation = Conversation(bounds: bounds)
        let peer = try conversation.peer(1)
        let other = try conversation.peer(2)
        #expect(try peer.ask(chunk([1], at: 5)).status == .busy, "it does not begin at 0")
        #expect(try peer.ask(chunk([UInt8](repeating: 1, count: 60), at: 0)).status == .ok)
        #expect(try other.ask(chunk([1], at: 60)).status == .busy, "it continues another connection's")
        #expect(try peer.ask(commit(61)).status == .damagedData)
        #expect(try peer.ask(chunk([UInt8](repeating: 1, count: 41), at: 60)).status == .limitReached)
        #expect(try peer.ask(commit(60)).status == .damagedData, "what was too long is gone")
        // An import replaces some part, and none that there is not.
        for parts in [0, 8, 15] as [UInt8] {
            var commit = commit(60)
            commit.parts = parts
            #expect(try peer.ask(commit).status == .outOfRange)
        }
        // A connection that goes takes its upload with it.
        #expect(try peer.ask(chunk([1], at: 0)).status == .ok)
        conversation.engine.sessionEnded(peer.session)
        #expect(try peer.ask(commit(1)).status == .damagedData)
    }
}
