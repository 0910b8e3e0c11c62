import FuseboxCore
import FuseboxEngine
import FuseboxSimulation
import FuseboxStore
import FuseboxWire
import Testing

/// Directories that meet the rows of recovery. `RecoveryRowsTests` looks at the rows themselves.
struct RecoveryTests {
    private let directory = WrittenDirectory()

    private func expect(_ sequence: UInt64, _ base: RecoveryCase.Base, _ tail: RecoveryCase.Tail) throws {
        let recovered = try directory.recover()
        #expect(recovered.sequence == sequence)
        #expect(recovered.situation.base == base)
        #expect(recovered.situation.tail == tail)
        let snapshot = SnapshotCapture(recovered.machine, header: SnapshotHeader()).bytes()
        #expect(snapshot == WrittenDirectory.image(after: sequence))
    }

    private func refusal() -> RecoveryRefusal? {
        do throws(RecoveryRefusal) { _ = try directory.recover() } catch { return error }
        return nil
    }

    private func damageSnapshot(_ sequence: UInt64) throws {
        try directory.change(SnapshotName(sequence: sequence).file) { $0[$0.count / 2] ^= 1 }
    }

    private func damage(_ file: String, at offset: Int) throws {
        try directory.change(file) { $0[offset] ^= 1 }
    }

    private func offset(of entry: Int, in file: String) throws -> Int {
        var offsets: [Int] = []
        _ = try JournalReader(directory.storage.read(file)).forEach { _, _, offset in offsets.append(offset) }
        return offsets[entry]
    }

    // MARK: Snapshots

    @Test func empty() throws {
        let recovered = try directory.recover()
        #expect(recovered.situation.base == .empty)
        #expect(recovered.sequence == 0 && recovered.epoch == 1 && recovered.needsSnapshot)
    }

    @Test func emptyWithAJournalWithoutEntries() throws {
        try directory.segment(1..<1)
        #expect(try directory.recover().situation.base == .empty)
    }

    @Test func newest() throws {
        try directory.snapshot(at: 3)
        try directory.snapshot(at: 5)
        try expect(5, .newest(SnapshotName(sequence: 5)), .none)
    }

    @Test func fellBack() throws {
        try directory.snapshot(at: 3)
        try directory.snapshot(at: 5)
        try directory.segment(1..<8)
        try damageSnapshot(5)
        let recovered = try directory.recover()
        #expect(recovered.sequence == 7 && recovered.isWhole)
        guard case .fellBack(to: SnapshotName(sequence: 3), let damaged) = recovered.situation.base else {
            return #expect(Bool(false), "\(recovered.situation)")
        }
        #expect(damaged.count == 1)
    }

    @Test func fallingBackWithoutAJournalSaysWhatIsLost() throws {
        try directory.snapshot(at: 3)
        try directory.snapshot(at: 5)
        try damageSnapshot(5)
        let recovered = try directory.recover()
        #expect(!recovered.isWhole && recovered.needsSnapshot && recovered.sequence == 6)
    }

    @Test func allDamaged() throws {
        try directory.snapshot(at: 5)
        try damageSnapshot(5)
        guard case .allDamaged(let failures) = refusal() else { return #expect(Bool(false)) }
        #expect(failures.count == 1)
    }

    /// Nothing older is taken in the place of what a newer program wrote, and nothing is set aside.
    private func expectNewer(_ file: String, _ words: String...) throws {
        let before = try directory.storage.list()
        guard case .newerVersion(file, let what) = refusal() else {
            return #expect(Bool(false), "\(String(describing: refusal()))")
        }
        for word in words { #expect(what.contains(word), "\(what)") }
        #expect(throws: RepairFailure.self) { _ = try Repair(SnapshotStore(directory.storage)) }
        #expect(try directory.storage.list() == before)
    }

    @Test func newerVersion() throws {
        try directory.snapshot(at: 3)
        try directory.snapshot(at: 5)
        let file = SnapshotName(sequence: 5).file
        try directory.change(file) {
            $0[8] = 9
            $0.mendHead()
        }
        try expectNewer(file, "version 9", "versions up to 1")
    }

    @Test func newerSection() throws {
        try directory.snapshot(at: 3)
        try directory.segment(1..<8)
        let file = SnapshotName(sequence: 5).file
        try directory.rewriteSnapshot(at: 5) { head in
            head.kind == 8 ? SectionHead(kind: 8, version: head.version + 6) : head
        }
        try expectNewer(
            file, "section accounts (kind 8)", "version 7", "versions up to 1", "use the program that wrote it")
    }

    @Test func unknownSection() throws {
        try directory.snapshot(at: 3)
        try directory.segment(1..<8)
        try directory.rewriteSnapshot(at: 5) { $0.kind == 8 ? SectionHead(kind: 40, version: 1) : $0 }
        try expectNewer(SnapshotName(sequence: 5).file, "section of the kind 40", "use the program that wrote it")
    }

    @Test(arguments: [(8, "its head"), (12, "its entries")]) func newerJournal(_ place: Int, _ what: String) throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<8)
        let file = WrittenDirectory.journal(1)
        try directory.change(file) {
            $0[place] = 9
            $0.mendHead()
        }
        try expectNewer(file, what, "version 9", "versions up to 1")
    }

    @Test func newerMarks() throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<8, isMarked: true)
        try directory.change(SyncMark.fileName) {
            $0[8] = 9
            $0.mendHead()
        }
        try expectNewer(SyncMark.fileName, "version 9", "versions up to 1")
    }

    @Test func journalWithoutBase() throws {
        try directory.segment(1..<3)
        #expect(refusal() == .journalWithoutBase(file: WrittenDirectory.journal(1)))
    }

    /// What cannot be read may be good: nothing older is taken in its place, and nothing is set aside.
    @Test(
        arguments: [
            (.list, ""), (.read, "snapshot-"), (.readPart, "snapshot-"), (.length, "snapshot-"), (.read, "journal-"),
            (.readPart, "journal-"),
        ] as [(FailingReads.Call, String)])
    func unreadable(_ call: FailingReads.Call, _ prefix: String) throws {
        try directory.snapshot(at: 3)
        try directory.snapshot(at: 5)
        try directory.segment(1..<8)
        let before = try directory.storage.list()
        let failing = FailingReads(files: directory.storage, call: call, prefix: prefix)
        var refusal: RecoveryRefusal?
        do throws(RecoveryRefusal) {
            _ = try Recovered.find(
                in: SnapshotStore(failing), profile: .fusebox, bounds: Bounds(), newEpoch: 1,
                at: Moment(milliseconds: 0))
        } catch { refusal = error }
        guard case .unreadable(.storage(let error)) = refusal else {
            return #expect(Bool(false), "\(String(describing: refusal))")
        }
        #expect(error == FailingReads.error(call, error.path) && error.path.hasPrefix(prefix))
        #expect(try directory.storage.list() == before)
        try expect(7, .newest(SnapshotName(sequence: 5)), .whole)
    }

    // MARK: The journal

    @Test func whole() throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<8, isSealed: true)
        try directory.segment(8..<12)
        try expect(11, .newest(SnapshotName(sequence: 5)), .whole)
    }

    @Test func torn() throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<8)
        let file = WrittenDirectory.journal(1)
        let last = try offset(of: 6, in: file)
        try damage(file, at: last + 30)
        try expect(6, .newest(SnapshotName(sequence: 5)), .torn(file: file, offset: last))
    }

    @Test func tornBeforeASegmentWithoutEntries() throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<8)
        try directory.segment(10..<10)
        let file = WrittenDirectory.journal(10)
        try expect(7, .newest(SnapshotName(sequence: 5)), .torn(file: file, offset: 0))
    }

    @Test func unacknowledged() throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<8)
        try directory.segment(9..<12, isRebased: true)
        try expect(7, .newest(SnapshotName(sequence: 5)), .unacknowledged(file: WrittenDirectory.journal(9)))
    }

    @Test func damagedJournal() throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<12)
        let file = WrittenDirectory.journal(1)
        let place = try offset(of: 7, in: file)
        try damage(file, at: place + 30)
        guard case .damagedJournal(file, place, _) = refusal() else { return #expect(Bool(false)) }
    }

    /// What follows knows of it by its own number, not by the one after the snapshot.
    @Test func damagedJournalBelowTheSnapshot() throws {
        try directory.snapshot(at: 9)
        try directory.segment(1..<8)
        try directory.segment(8..<11)
        let file = WrittenDirectory.journal(8)
        try damage(file, at: 70)
        guard case .damagedJournal = refusal() else { return #expect(Bool(false)) }
    }

    @Test func gap() throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<8, isSealed: true)
        try directory.segment(10..<12)
        #expect(refusal() == .gap(after: 7, file: WrittenDirectory.journal(10)))
    }

    @Test func otherSemantics() throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<8)
        try directory.change(WrittenDirectory.journal(1)) { bytes in
            bytes[16] = 9
            bytes.mendHead()
        }
        #expect(refusal() == .otherSemantics(file: WrittenDirectory.journal(1), version: 9))
    }

    @Test func lostBase() throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<8)
        try directory.snapshot(at: 8)
        try directory.segment(9..<12, isRebased: true)
        try damageSnapshot(8)
        #expect(refusal() == .lostBase(file: WrittenDirectory.journal(9)))
    }

    // MARK: What follows

    @Test func anotherProfileNeedsASnapshotOfItsOwn() throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<6)
        let recovered = try directory.recover(.llmProviders)
        #expect(recovered.sequence == 6 && recovered.needsSnapshot && !recovered.isJournalContinuous)
    }
}
