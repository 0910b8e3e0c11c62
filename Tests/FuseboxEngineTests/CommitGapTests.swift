import FuseboxCore
import FuseboxStore
import Testing

@testable import FuseboxEngine

/// A journal that outcomes did not fit into: what is called safe meanwhile, and how it goes on at a snapshot.
struct CommitGapTests {
    private static let full = StorageError(operation: "fallocate", path: "spare", code: 28, reason: "no space")

    /// A journal that an outcome did not fit into.
    private func gap() -> CommitScript {
        let script = CommitScript(room: Commit.roomNeeded(frameLength: 100), spare: .failed(Self.full))
        script.input("before", .durable)
        #expect(script.placement() == .storageFailed, "a record is refused")
        script.unjournaled("outcome")
        #expect(script.left == ["outcome at once"])
        #expect(script.standing == .interrupted && script.takesUnjournaledOutcomes)
        return script
    }

    /// Seed 645 of the simulator once found numbers that were called safe and were in no file.
    @Test func whatIsInNoJournalIsNeverCalledWrittenOrSynced() {
        let script = gap()
        script.writes()
        #expect(script.next == .sync(marking: 1), "what came before the gap is worth its mark")
        script.unjournaled("another")
        script.syncEnds()
        #expect(script.left == ["another at once", "before"])
        #expect(script.progress.watermarks == Watermarks(written: 1, synced: 1))
        #expect(script.progress.applied == 3)
    }

    @Test func afterAGapTheJournalGoesOnAtASnapshotAndNothingLeavesBeforeItIsThere() {
        let script = gap()
        script.writes()
        _ = script.next
        script.commit.spareArrived(nil)
        #expect(script.placement(isOutcome: true) == .unjournaled, "not before the new segment")
        #expect(script.next == .rotate(next: 3))
        #expect(script.next == .prepareSpare && script.next == .snapshot && script.next == nil)
        script.input("after", .durable)
        script.input("outcome after", .written)
        script.writes()
        #expect(script.next == nil, "no sync helps before the snapshot")
        script.syncEnds()
        #expect(script.left == ["before"], "the sync that ran when the gap opened counts")
        script.snapshotEnds(2)
        #expect(script.left == ["outcome after"])
        #expect(script.next == .sync(marking: 4))
        script.syncEnds()
        #expect(script.left == ["after"] && script.standing == .following)
    }

    @Test func aSnapshotThatHoldsWhatWaitsReleasesItWithoutASync() {
        let script = gap()
        script.writes()
        _ = script.next
        script.commit.spareArrived(nil)
        _ = (script.next, script.next, script.next)
        script.input("after", .durable)
        script.writes()
        script.snapshotEnds(failure: Self.full)
        script.time += 1_000
        #expect(script.next == .snapshot, "it is tried again")
        script.snapshotEnds(3)
        #expect(script.left == ["before", "after"])
    }

    @Test func aGapWaitsForTheSnapshotThatIsBeingWritten() {
        let script = gap()
        script.writes()
        script.commit.snapshots.request(Ticket(session: 1, command: 1, correlation: 1))
        #expect(script.next == .sync(marking: 1) && script.next == .snapshot)
        script.commit.spareArrived(nil)
        #expect(script.next == nil)
        script.snapshotEnds(2)
        #expect(script.next == .rotate(next: 3))
    }

    @Test func whileTheBaseCannotBeWrittenOutcomesGoUnjournaledAndLeaveAnotherGap() {
        let script = gap()
        script.writes()
        _ = script.next
        script.syncEnds()
        script.commit.spareArrived(nil)
        _ = (script.next, script.next, script.next)
        script.input("after", .durable)
        script.writes()
        script.snapshotEnds(failure: Self.full)
        #expect(script.placement() == .storageFailed)
        #expect(script.failure == SnapshotFailure.storage(Self.full).description)
        script.unjournaled("outcome")
        script.commit.spareArrived(nil)
        #expect(script.next == .rotate(next: 5))
        _ = (script.next, script.next)
        #expect(script.left == ["outcome at once", "before"])
        script.snapshotEnds(4)
        #expect(script.left == ["after"])
    }

    /// Seed 739 of the simulator once found a start that was refused for it.
    @Test func aSyncBeforeTheBaseIsThereMarksNothingAfterTheGap() {
        let script = gap()
        script.writes()
        _ = script.next
        script.syncEnds()
        script.commit.spareArrived(nil)
        _ = (script.next, script.next, script.next)
        script.input("after", .durable)
        script.writes()
        script.commit.beginStop()
        #expect(script.next == .sync(marking: 1), "the end has the disk follow whatever was appended")
        script.syncEnds()
        #expect(script.left == ["before"])
        #expect(script.progress.watermarks.synced == 1)
    }

    /// Seed 166 of the simulator once found entries that counted as synced, and that no mark told of.
    @Test func aSyncThatBeganBeforeTheBaseWasThereCountsForWhatItMarks() {
        let script = gap()
        script.writes()
        script.commit.spareArrived(nil)
        #expect(script.next == .sync(marking: 1) && script.next == .rotate(next: 3))
        script.syncEnds()
        _ = (script.next, script.next)
        script.input("after", .durable)
        script.commit.keepHouse()
        script.writes()
        #expect(script.next == nil, "what came before the gap is on the disk")
        script.snapshotEnds(2)
        #expect(script.left == ["before"])
        #expect(script.next == .sync(marking: 3))
        script.syncEnds()
        #expect(script.left == ["after"])
    }

    // MARK: The end

    @Test func whatWaitsForASnapshotThatCannotBeWrittenWaitsInVain() {
        let script = gap()
        script.writes()
        _ = script.next
        script.syncEnds()
        script.commit.spareArrived(nil)
        _ = (script.next, script.next, script.next)
        script.input("after", .durable)
        script.writes()
        script.commit.beginStop()
        _ = script.next
        script.syncEnds()
        script.snapshotEnds(failure: Self.full)
        #expect(script.next == .snapshot, "the last one is still to be tried")
        script.snapshotEnds(failure: Self.full)
        #expect(script.next == nil && script.left == ["before"])
        #expect(script.isQuiet)
    }
}
