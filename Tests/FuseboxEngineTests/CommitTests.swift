import FuseboxCore
import FuseboxStore
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// What is to be done next, and what may leave: one input or answer of the disk a line, and what must follow.
@Suite("Commit")
struct CommitTests {
    private static let full = StorageError(operation: "fallocate", path: "spare", code: 28, reason: "no space")
    private static let broken = StorageError(operation: "fdatasync", path: "segment", code: 5, reason: "I/O error")

    // MARK: Watermarks

    @Test func aWrittenReplyLeavesWithTheWriteAndADurableOneWithTheSync() {
        let script = Script()
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
        let script = Script()
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
        let script = Script()
        script.input("outcome", .written)
        script.writes()
        #expect(script.next == nil)
        script.commit.keepHouse()
        #expect(script.next == .sync(marking: 1))
        script.syncEnds()
        script.commit.keepHouse()
        #expect(script.next == nil, "the disk has everything")
    }

    @Test func underIntervalADurableReplyLeavesWithTheWrite() {
        let script = Script(.interval)
        script.input("record", .durable)
        script.writes()
        #expect(script.left == ["record"] && script.next == nil)
    }

    @Test func withoutAJournalNothingWaits() {
        let script = Script(.snapshot)
        script.input("record", .durable)
        #expect(script.left == ["record at once"] && script.next == nil)
        #expect(script.standing == .none && script.isContinuous)
        script.commit.snapshots.request(Ticket(session: 1, command: 1, correlation: 1))
        #expect(script.next == .snapshot)
    }

    @Test func aReplyThatIsSentAgainWaitsForWhatItTellsOf() {
        let script = Script()
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
        let script = Script()
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
        let script = Script(room: 4_000, segmentLength: 16 * 1024)
        script.input("record", .durable)
        script.writes()
        #expect(script.next == .sync(marking: 1))
        #expect(script.next == .rotate(next: 2))
        #expect(script.room == script.capacity)
        #expect(script.next == .prepareSpare && script.next == nil)
    }

    @Test func whoFindsNoRoomWaitsForTheNextSegment() {
        let script = Script(room: 2_000, spare: .wanted(after: nil))
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
        let script = Script(room: 2_000, spare: .preparing(after: nil))
        script.commit.wait(7, for: 5_000)
        script.commit.spareArrived(Self.full)
        #expect(script.next == .wake([7]))
        #expect(!script.mustWait(for: 5_000), "it is refused instead")
        #expect(script.standing == .full)
    }

    /// What a disk that hangs leaves of the room is halved by each user who fills it, and never used up.
    @Test func aUserWhoHasAsMuchOnItsWayAsIsLeftWaitsForTheDisk() {
        let script = Script(room: 40_000, spare: .preparing(after: nil))
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
        let script = Script(.interval, room: 40_000, spare: .preparing(after: nil))
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
        let script = Script(room: 40_000, spare: .preparing(after: nil))
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
        let script = Script()
        #expect(!script.mustWait(for: script.capacity + 1))
        #expect(script.placement(payload: script.capacity) == .limitReached)
    }

    @Test func roomIsLookedForAgainOnlyWhenHouseIsKept() {
        let script = Script(spare: .failed(Self.full))
        #expect(script.next == nil)
        script.commit.keepHouse()
        #expect(script.next == .prepareSpare)
        #expect(script.shortage == Self.full, "nothing is known to be better")
        script.commit.spareArrived(nil)
        #expect(script.shortage == nil && script.standing == .following)
    }

    // MARK: A gap

    /// A journal that an outcome did not fit into.
    private func gap() -> Script {
        let script = Script(room: Commit.roomNeeded(frameLength: 100), spare: .failed(Self.full))
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

    @Test func aStateThatIsReplacedNeedsASegmentAndNoSnapshotUnderWay() {
        #expect(Script(spare: .ready).replacement == .now)
        #expect(Script(spare: .preparing(after: nil)).replacement == .later)
        #expect(Script(spare: .failed(Self.full)).replacement == .impossible(Self.full))
        #expect(Script(.snapshot).replacement == .now)
        let script = Script()
        script.commit.snapshots.request(Ticket(session: 1, command: 1, correlation: 1))
        #expect(script.next == .snapshot && script.replacement == .later)
        script.commit.fail(Self.broken)
        #expect(script.replacement == .impossible(Self.broken))
    }

    // MARK: A start

    @Test func whatASnapshotHoldsAheadOfTheJournalIsOnTheDisk() {
        let script = Script(sequence: 9, journaled: 7)
        #expect(script.progress.watermarks == Watermarks(written: 9, synced: 9))
        script.input("record", .durable)
        script.writes()
        #expect(script.next == .sync(marking: 10))
    }

    // MARK: Snapshots

    @Test func timeAloneIsNoReasonForASnapshot() {
        let script = Script()
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
        let script = Script()
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

/// A commit, the inputs that are applied, and what has left.
private final class Script {
    var commit: Commit
    var time: Int64 = 1_000
    private var sequence: UInt64
    private var session = Session(id: 1, peer: Peer(processID: 1, user: 1, isOperator: false))
    private var names: [String] = []

    enum Outcome: Equatable {
        case journaled, unjournaled, storageFailed, limitReached, busy
    }

    init(
        _ durability: Durability = .commit, sequence: UInt64 = 0, journaled: UInt64? = nil, room: Int = 1 << 20,
        segmentLength: Int = 64 * 1024, spare: Commit.Spare = .ready
    ) {
        self.sequence = sequence
        let segment = SegmentRoom(room: room, capacity: 1 << 20, segmentLength: segmentLength, spare: spare)
        let now = Timestamp(milliseconds: time)
        let schedule = SnapshotSchedule(intervalMilliseconds: 60_000, newest: nil, at: now)
        commit = Commit(
            durability, sequence: sequence, journaled: journaled ?? sequence,
            segment: durability == .snapshot ? nil : segment, snapshots: schedule, at: now)
    }

    var next: Commit.Action? { commit.next(at: Timestamp(milliseconds: time)) }

    // What tests ask of it, as calls that a macro can take apart.

    var progress: Progress { commit.progress }
    var standing: JournalStanding { commit.standing }
    var failure: String? { commit.failure }
    var shortage: StorageError? { commit.shortage }
    var room: Int { commit.room }
    var capacity: Int { commit.capacity }
    var isContinuous: Bool { commit.isContinuous }
    var isQuiet: Bool { commit.isQuiet }
    var replacement: Commit.Replacement { commit.replacement }
    var takesUnjournaledOutcomes: Bool { commit.takesUnjournaledOutcomes }
    func mustWait(for needed: Int, of user: UInt32? = nil) -> Bool { commit.mustWait(for: needed, of: user) }

    /// An input is applied and journaled, and its reply names it.
    func input(_ name: String, _ effect: CommandDeclaration.Effect, of user: UInt32? = nil) {
        guard placement() == .journaled else {
            // Without a journal.
            return unjournaled(name)
        }
        sequence += 1
        var entry = JournalEntry()
        entry.sequence = sequence
        Array(name.utf8).withUnsafeBytes { commit.append(entry, payload: $0, of: user) }
        sendAgain(name, effect)
    }

    /// An input is applied and answered that is in no journal.
    func unjournaled(_ name: String) {
        sequence += 1
        commit.appendNothing(sequence)
        names.append("\(name) at once")
    }

    func sendAgain(_ name: String, _ effect: CommandDeclaration.Effect) {
        let isHeld = Array(name.utf8).withUnsafeBytes {
            commit.hold($0, for: &session, until: commit.durability.watermark(for: effect))
        }
        if !isHeld { names.append("\(name) at once") }
    }

    func placement(payload: Int = 100, isOutcome: Bool = false) -> Outcome {
        do throws(Refusal) {
            switch try commit.reserve(payload: payload, mayGoUnjournaled: isOutcome) {
            case .journaled: return .journaled
            case .unjournaled: return .unjournaled
            }
        } catch {
            switch error.status {
            case .limitReached: return .limitReached
            case .busy: return .busy
            default: return .storageFailed
            }
        }
    }

    /// The disk does what is asked first, which is to write.
    func writes() {
        #expect(next == .write)
        commit.wrote()
    }

    func syncEnds() { commit.syncEnded(at: Timestamp(milliseconds: time)) }

    func snapshotEnds(_ sequence: UInt64 = 0, failure: StorageError? = nil) {
        var info = SnapshotInfo()
        info.sequence = sequence
        _ = commit.snapshotEnded(failure.map { .failure(.storage($0)) } ?? .success(info))
    }

    /// What has left since the last look.
    var left: [String] {
        commit.release { _, frame in names.append(String(decoding: frame, as: UTF8.self)) }
        defer { names = [] }
        return names
    }
}
