import FuseboxEngine
import FuseboxSimulation
import FuseboxStore
import FuseboxWire
import Testing

/// A loss of entries that were on disk is detected. A copy of a segment is recognised. A sequence in a file name that
/// no daemon gave is not used.
struct LostTailTests {
    private let directory = WrittenDirectory()
    private let first = WrittenDirectory.journal(1)
    private let second = WrittenDirectory.journal(8)

    /// A snapshot at 5, entries 1 to 7 in a sealed segment, 8 to 11 in an open one. All are known to be on disk.
    init() throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<8, isSealed: true, isMarked: true)
        try directory.segment(8..<12, isMarked: true)
    }

    private func refusal() -> RecoveryRefusal? {
        do throws(RecoveryRefusal) { _ = try directory.recover() } catch { return error }
        return nil
    }

    private func lastEntry(of file: String) throws -> Int {
        var last = 0
        _ = try JournalReader(directory.storage.read(file)).forEach { _, _, offset in last = offset }
        return last
    }

    /// Repairs the directory. A start must then find this state, and must not reuse a sequence.
    private func repair(losing lost: ClosedRange<UInt64>?, leaving sequence: UInt64) throws {
        let repair = try Repair(SnapshotStore(directory.storage))
        #expect(repair.lost == lost)
        let recovered = try directory.recover()
        #expect(recovered.sequence >= 11 || lost == nil)
        let image = SnapshotCapture(recovered.machine, header: SnapshotHeader()).bytes()
        #expect(image == WrittenDirectory.image(after: sequence))
    }

    @Test func nothingIsMissedWhereNothingIs() throws {
        let recovered = try directory.recover()
        #expect(recovered.sequence == 11 && recovered.situation.tail == .whole && recovered.situation.marked == 11)
    }

    // MARK: A lost end

    @Test func aLastSegmentThatWasDeletedIsMissed() throws {
        try directory.storage.remove(second)
        #expect(refusal() == .lostTail(after: 7, marked: 11))
        try repair(losing: 8...11, leaving: 7)
    }

    @Test func aJournalThatWasDeletedIsMissed() throws {
        for file in [first, second] { try directory.storage.remove(file) }
        #expect(refusal() == .lostTail(after: 5, marked: 11))
        try repair(losing: 6...11, leaving: 5)
    }

    @Test func aLastSegmentThatWasEmptiedIsMissed() throws {
        try directory.change(second) { $0 = [UInt8](repeating: 0, count: $0.count) }
        #expect(refusal() == .damagedJournal(file: second, offset: 0, "its header is not good"))
        try repair(losing: 8...11, leaving: 7)
    }

    @Test func aLastSegmentThatWasCutToNothingIsMissed() throws {
        try directory.change(second) { $0 = [] }
        #expect(refusal() == .damagedJournal(file: second, offset: 0, "its header is not good"))
    }

    @Test func entriesThatWereEmptiedAreMissed() throws {
        try directory.change(second) { bytes in
            for place in JournalHeader.bytes..<bytes.count { bytes[place] = 0 }
        }
        #expect(refusal() == .lostTail(after: 7, marked: 11))
        try repair(losing: 8...11, leaving: 7)
    }

    @Test func anOlderStateOfTheLastSegmentIsMissed() throws {
        let last = try lastEntry(of: second)
        try directory.change(second) { bytes in for place in last..<bytes.count { bytes[place] = 0 } }
        #expect(refusal() == .lostTail(after: 10, marked: 11))
        try repair(losing: 11...11, leaving: 10)
    }

    @Test(arguments: [0, 4, 30, 70]) func aFlippedBitInTheLastEntryIsDamage(_ place: Int) throws {
        let last = try lastEntry(of: second)
        try directory.change(second) { $0[last + place] ^= 1 }
        #expect(refusal() == .damagedJournal(file: second, offset: last, "the entry after 10 is not good"))
        try repair(losing: 11...11, leaving: 10)
    }

    @Test func entriesThatWereOverwrittenAreMissed() throws {
        try directory.change(second) { bytes in
            for place in JournalHeader.bytes..<JournalHeader.bytes + 2_000 { bytes[place] = 0xA5 }
        }
        #expect(
            refusal() == .damagedJournal(file: second, offset: JournalHeader.bytes, "the entry after 7 is not good"))
        try repair(losing: 8...11, leaving: 7)
    }

    @Test func whatTheSnapshotHoldsIsNotMissed() throws {
        try directory.snapshot(at: 11)
        let last = try lastEntry(of: second)
        try directory.change(second) { $0[last + 30] ^= 1 }
        let recovered = try directory.recover()
        #expect(recovered.sequence == 11 && recovered.situation.tail == .torn(file: second, offset: last))
        let sentence = try #require(recovered.situation.tornSentence)
        #expect(sentence.hasSuffix("the snapshot holds their changes"))
    }

    @Test func filesThatAreAllGoneButForTheMarksAreMissed() throws {
        for file in [first, second, SnapshotName(sequence: 5).file] { try directory.storage.remove(file) }
        #expect(refusal() == .journalWithoutBase(file: SyncMark.fileName))
    }

    // MARK: Marks

    @Test func withoutMarksATornEndIsReportedForWhatItIs() throws {
        try directory.storage.remove(SyncMark.fileName)
        let last = try lastEntry(of: second)
        try directory.change(second) { $0[last + 30] ^= 1 }
        let report = try directory.recover().report(of: "there")
        #expect(report.contains("the bytes of \(second) after \(last) are incomplete and are dropped"))
        #expect(report.contains("no mark"))
        #expect(!report.contains("nothing in it was acknowledged"))
    }

    @Test func marksOfAnotherLifeTellNothing() throws {
        let other = WrittenDirectory(epoch: 8)
        try other.snapshot(at: 5)
        try other.segment(6..<90, isMarked: true)
        directory.storage.put(try other.storage.read(SyncMark.fileName), as: SyncMark.fileName)
        let recovered = try directory.recover()
        #expect(recovered.sequence == 11 && recovered.situation.marked == 0)
    }

    /// No damage to the marks makes a start refuse intact files.
    @Test func damagedMarksTellLessAndNeverMore() throws {
        let marks = try directory.storage.read(SyncMark.fileName)
        var told: Set<UInt64> = []
        // Every bit of a byte has its turn.
        for bit in stride(from: 0, to: marks.count * 8, by: 5) {
            try directory.change(SyncMark.fileName) { $0[bit / 8] ^= 1 << UInt8(bit % 8) }
            let recovered = try directory.recover()
            #expect(recovered.sequence == 11)
            told.insert(recovered.situation.marked)
            directory.storage.put(marks, as: SyncMark.fileName)
        }
        // One mark was written for each of the two segments.
        #expect(told == [7, 11])
        for length in [0, 1, 511, 512, 1_023] {
            directory.storage.put(Array(marks[..<length]), as: SyncMark.fileName)
            #expect(try directory.recover().situation.marked == 0)
        }
    }

    // MARK: Copies

    @Test(arguments: [8, 9, 9_000] as [UInt64]) func aSegmentUnderAWrongNameIsRefused(_ sequence: UInt64) throws {
        let copy = WrittenDirectory.journal(sequence)
        let original = try directory.storage.read(second)
        directory.storage.put(try directory.storage.read(first), as: copy)
        #expect(refusal() == .misplaced(file: copy, "its entries begin with 1"))
        // If the copy replaces another segment, that one's entries are lost. Otherwise nothing is lost.
        let isReplaced = copy == second
        #expect(try directory.storage.read(second) == original || isReplaced)
        try repair(losing: isReplaced ? 8...11 : nil, leaving: isReplaced ? 7 : 11)
        #expect(try directory.storage.list().contains("\(copy).damaged"))
    }

    /// Found by seed 53 of the simulator: without marks, a stray file hid the segment with the entries.
    @Test func aStrayFileWithoutAHeaderHidesNoSegment() throws {
        try directory.storage.remove(SyncMark.fileName)
        try directory.snapshot(at: 9)
        directory.storage.put([UInt8](repeating: 0, count: 4_096), as: WrittenDirectory.journal(10))
        #expect(try directory.recover().sequence == 11)
    }

    @Test func aSegmentThatBeginsBeforeTheEndOfTheOneBeforeItIsRefused() throws {
        try directory.segment(10..<11)
        #expect(
            refusal()
                == .misplaced(
                    file: WrittenDirectory.journal(10), "it begins before the end of the segment before it, which is 11"
                ))
    }

    @Test func aSnapshotUnderAWrongNameIsDamaged() throws {
        let copy = SnapshotName(sequence: 9)
        directory.storage.put(try directory.storage.read(SnapshotName(sequence: 5).file), as: copy.file)
        let recovered = try directory.recover()
        #expect(
            recovered.situation.base
                == .fellBack(
                    to: SnapshotName(sequence: 5), damaged: [.damaged(copy.file, .misnamed(sequence: 5))]))
        #expect(recovered.sequence == 11)
    }

    // MARK: Names

    @Test(arguments: [.max, .max - 1, 1 << 63, SequenceBound.highest + 1] as [UInt64], [true, false])
    func aNameThatNoDaemonHasGivenIsRefused(_ sequence: UInt64, isSnapshot: Bool) throws {
        let file = isSnapshot ? SnapshotName(sequence: sequence).file : WrittenDirectory.journal(sequence)
        let good = isSnapshot ? SnapshotName(sequence: 5).file : second
        for bytes in [[], [1, 2, 3], try directory.storage.read(good)] {
            directory.storage.put(bytes, as: file)
            #expect(refusal() == .impossibleSequence(file: file))
            #expect(try Inspection(of: SnapshotStore(directory.storage)).refusal == .impossibleSequence(file: file))
            #expect(throws: RepairFailure.self) { _ = try Repair(SnapshotStore(directory.storage)) }
            #expect(try directory.storage.read(file) == bytes)
        }
    }

    /// A running daemon continues from its own state, whatever other files there are.
    @Test func aRunningDaemonIsNotLedAstrayByNames() throws {
        let storage = directory.storage
        for sequence in [9_000, UInt64.max] {
            storage.put([1], as: SnapshotName(sequence: sequence).file)
            storage.put(try storage.read(first), as: WrittenDirectory.journal(sequence))
        }
        for sequence in [8, 9, 10, 11] as [UInt64] {
            try directory.snapshot(at: sequence, keepingAll: false)
            try SnapshotStore(storage).retireJournal(synced: 11, before: JournalName(firstSequence: 8))
        }
        #expect(try SnapshotStore(storage).list().map(\.sequence) == [.max, 9_000, 11, 10, 9])
        #expect(try storage.segments().map(\.firstSequence) == [8, 9_000, .max])
    }
}
