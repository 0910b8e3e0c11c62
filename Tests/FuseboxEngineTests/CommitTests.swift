import FuseboxCore
import FuseboxStore
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// What is to be done next, and what may leave: one input or answer of the disk a line, and what must follow.
struct CommitTests {
    private static let full = StorageError(operation: "fallocate", path: "spare", code: 28, reason: "no space")
    private static let broken = StorageError(operation: "fdatasync", path: "segment", code: 5, reason: "I/O error")

    // MARK: Watermarks

    @Test func aWrittenReplyLeavesWithTheWriteAndADurableOneWithTheSync() {
        let script = CommitScript()
        script.input("outcome", .written)
        script.input("record", .durable)
        #expect(script.next == .write && script.left == [])
        script.commit.wrote()
        #expect(script.left == ["outcome"])
        #expect(script.next == .sync(marking: 2) && script.next == nil)
        script.syncEnds()
        #expect(script.left == ["record"] && script.next == nil)
    }

    @Test func aSyncCoversWhatWasAppendedWhenItBeganAndThereIsOneAtATime() {
        let script = CommitScript()
        script.input("first", .durable)
        script.writes()
        #expect(script.next == .sync(marking: 1))
        script.input("second", .durable)
        script.writes()
        #expect(script.next == nil, "one is running")
        script.syncEnds()
        #expect(script.left == ["first"])
        #expect(script.next == .sync(marking: 2))
        script.syncEnds()
        #expect(script.left == ["second"])
    }

    @Test func whatNobodyWaitsForIsSyncedWhenHouseIsKept() {
        let script = CommitScript()
        script.input("outcome", .written)
        script.writes()
        #expect(script.next == nil)
        script.commit.keepHouse()
        #expect(script.next == .sync(marking: 1))
        script.syncEnds()
        script.commit.keepHouse()
        #expect(script.next == nil, "the disk has everything")
    }

    @Test func itIsAtRestOnceTheDiskHasEverythingAndTheSnapshotEveryChange() {
        let script = CommitScript()
        #expect(script.isAtRest)
        script.input("record", .durable)
        #expect(!script.isAtRest, "it is to be written")
        script.writes()
        #expect(script.next == .sync(marking: 1) && script.syncAge == 0)
        script.time += 70
        #expect(script.syncAge == 70 && !script.isAtRest)
        script.syncEnds()
        #expect(script.left == ["record"])
        #expect(script.syncAge == nil && !script.isAtRest, "a snapshot is due in a while")
        script.time += 60_000
        #expect(script.next == .snapshot && !script.isAtRest)
        script.snapshotEnds(1)
        #expect(script.isAtRest)
    }

    @Test func underIntervalADurableReplyLeavesWithTheWrite() {
        let script = CommitScript(.interval)
        script.input("record", .durable)
        script.writes()
        #expect(script.left == ["record"] && script.next == nil)
    }

    @Test func withoutAJournalNothingWaits() {
        let script = CommitScript(.snapshot)
        script.input("record", .durable)
        #expect(script.left == ["record at once"] && script.next == nil)
        #expect(script.standing == .none && script.isContinuous)
        script.commit.snapshots.request(Ticket(session: 1, command: 1, correlation: 1))
        #expect(script.next == .snapshot)
    }

    @Test func aReplyThatIsSentAgainWaitsForWhatItTellsOf() {
        let script = CommitScript()
        script.input("record", .durable)
        script.sendAgain("again", .durable)
        script.writes()
        #expect(script.left == [])
        _ = script.next
        script.syncEnds()
        #expect(script.left == ["record", "again"])
        script.sendAgain("once more", .durable)
        #expect(script.left == ["once more at once"], "it is on the disk")
    }

    @Test func afterAFailedSyncNothingLeavesAndNothingIsDone() {
        let script = CommitScript()
        script.input("record", .durable)
        script.writes()
        _ = script.next
        script.commit.fail(Self.broken)
        script.commit.keepHouse()
        #expect(script.left == [] && script.next == nil)
        #expect(script.placement(isOutcome: true) == .storageFailed)
    }

    // MARK: Room

    @Test func aSegmentThatIsNearlyFullIsFollowedByTheSpareAndThatByAnother() {
        let script = CommitScript(room: 4_000, segmentLength: 16 * 1024)
        script.input("record", .durable)
        script.writes()
        #expect(script.next == .sync(marking: 1))
        #expect(script.next == .rotate(next: 2))
        #expect(script.room == script.capacity)
        #expect(script.next == .prepareSpare && script.next == nil)
    }

    @Test func whoFindsNoRoomWaitsForTheNextSegment() {
        let script = CommitScript(room: 2_000, spare: .wanted(after: nil))
        #expect(script.next == .prepareSpare)
        #expect(script.mustWait(for: 5_000))
        script.commit.wait(7, for: 5_000)
        #expect(script.next == nil)
        script.commit.spareArrived(nil)
        #expect(script.next == .rotate(next: 1))
        #expect(script.next == .prepareSpare)
        #expect(script.next == .wake([7]) && script.next == nil)
    }

    @Test func whoWaitsIsToldThatThereIsNoRoom() {
        let script = CommitScript(room: 2_000, spare: .preparing(after: nil))
        script.commit.wait(7, for: 5_000)
        script.commit.spareArrived(Self.full)
        #expect(script.next == .wake([7]))
        #expect(!script.mustWait(for: 5_000), "it is refused instead")
        #expect(script.standing == .full)
    }

    /// What a disk that hangs leaves of the room is halved by each user who fills it, and never used up.
    @Test func aUserWhoHasAsMuchOnItsWayAsIsLeftWaitsForTheDisk() {
        let script = CommitScript(room: 40_000, spare: .preparing(after: nil))
        let long = String(repeating: "x", count: 18_000)
        script.input(long, .durable, of: 1)
        script.writes()
        #expect(script.next == .sync(marking: 1))
        #expect(script.mustWait(for: 5_000, of: 1))
        #expect(!script.mustWait(for: 5_000, of: 2) && !script.mustWait(for: 5_000))
        script.input(String(repeating: "x", count: 9_000), .durable, of: 2)
        #expect(script.mustWait(for: 5_000, of: 2) && !script.mustWait(for: 5_000, of: 3))
        script.commit.wait(7, for: 5_000)
        script.commit.wait(8, for: 5_000)
        script.writes()
        #expect(script.next == nil)
        // The first one's is on the disk, the second one's not yet.
        script.syncEnds()
        #expect(!script.mustWait(for: 5_000, of: 1) && script.mustWait(for: 5_000, of: 2))
        #expect(script.next == .sync(marking: 2))
        #expect(script.next == .wake([7, 8]))
        script.commit.wait(8, for: 5_000)
        #expect(script.next == nil)
        script.syncEnds()
        #expect(script.next == .wake([8]) && script.next == nil)
        #expect(!script.mustWait(for: 5_000, of: 2))
    }

    @Test func whoWaitsForTheDiskHasItFollowThoughNobodyElseWaits() {
        let script = CommitScript(.interval, room: 40_000, spare: .preparing(after: nil))
        script.input(String(repeating: "x", count: 19_000), .durable, of: 1)
        script.writes()
        #expect(script.next == nil)
        #expect(script.mustWait(for: 5_000, of: 1))
        script.commit.wait(7, for: 5_000)
        #expect(script.next == .sync(marking: 1) && script.next == nil)
        script.syncEnds()
        #expect(script.next == .wake([7]))
    }

    /// The next segment is room too, and who will be refused need not wait.
    @Test(arguments: [false, true]) func whoHasItsShareGoesOnWithTheSpareOrIsTold(isThereRoom: Bool) {
        let script = CommitScript(room: 40_000, spare: .preparing(after: nil))
        script.input(String(repeating: "x", count: 19_000), .durable, of: 1)
        script.writes()
        _ = script.next
        #expect(script.mustWait(for: 5_000, of: 1))
        script.commit.wait(7, for: 5_000)
        script.commit.spareArrived(isThereRoom ? nil : Self.full)
        #expect(script.next == .wake([7]))
        #expect(!script.mustWait(for: 5_000, of: 1))
    }

    @Test func aRequestThatNoSegmentTakesNeedNotWait() {
        let script = CommitScript()
        #expect(!script.mustWait(for: script.capacity + 1))
        #expect(script.placement(payload: script.capacity) == .limitReached)
    }

    @Test func roomIsLookedForAgainOnlyWhenHouseIsKept() {
        let script = CommitScript(spare: .failed(Self.full))
        #expect(script.next == nil)
        script.commit.keepHouse()
        #expect(script.next == .prepareSpare)
        #expect(script.shortage == Self.full, "nothing is known to be better")
        script.commit.spareArrived(nil)
        #expect(script.shortage == nil && script.standing == .following)
    }

    // MARK: Another state

    @Test func aStateThatIsReplacedNeedsASegmentAndNoSnapshotUnderWay() {
        #expect(CommitScript(spare: .ready).replacement == .now)
        #expect(CommitScript(spare: .preparing(after: nil)).replacement == .later)
        #expect(CommitScript(spare: .failed(Self.full)).replacement == .impossible(Self.full))
        #expect(CommitScript(.snapshot).replacement == .now)
        let script = CommitScript()
        script.commit.snapshots.request(Ticket(session: 1, command: 1, correlation: 1))
        #expect(script.next == .snapshot && script.replacement == .later)
        script.commit.fail(Self.broken)
        #expect(script.replacement == .impossible(Self.broken))
    }

    // MARK: A start

    @Test func whatASnapshotHoldsAheadOfTheJournalIsOnTheDisk() {
        let script = CommitScript(sequence: 9, journaled: 7)
        #expect(script.progress.watermarks == Watermarks(written: 9, synced: 9))
        script.input("record", .durable)
        script.writes()
        #expect(script.next == .sync(marking: 10))
    }

    // MARK: Snapshots

    @Test func timeAloneIsNoReasonForASnapshot() {
        let script = CommitScript()
        script.input("time", .written)
        script.commit.progress.timeAlone(since: 0)
        script.writes()
        script.time += 100_000
        #expect(script.next == nil)
        script.input("outcome", .written)
        script.writes()
        #expect(script.next == .snapshot)
    }

    // MARK: The end

    @Test func theEndWritesASnapshotOfEverythingAndThenWaitsForNothing() {
        let script = CommitScript()
        script.input("record", .durable)
        script.writes()
        script.commit.beginStop()
        #expect(script.next == .sync(marking: 1) && script.next == .snapshot && script.next == nil)
        script.input("time", .written)
        script.writes()
        script.syncEnds()
        #expect(script.next == .sync(marking: 2))
        script.syncEnds()
        script.snapshotEnds(1)
        #expect(!script.isQuiet)
        #expect(script.next == .snapshot, "one more input was applied meanwhile")
        script.snapshotEnds(2)
        #expect(script.next == nil && script.left == ["time", "record"])
        #expect(script.isQuiet)
    }
}
