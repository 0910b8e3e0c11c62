import FuseboxCore
import FuseboxEngine
import FuseboxSimulation
import FuseboxStore
import FuseboxWire
import Glibc
import Testing

/// One test a row of the table in `RecoveryCase.swift`.
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

    @Test func newerVersion() throws {
        try directory.snapshot(at: 5)
        try directory.change(SnapshotName(sequence: 5).file) {
            $0[8] = 9
            $0[60] ^= 1
            $0[20] ^= 1
        }
        guard case .newerVersion(_, .unknownVersion(9)) = refusal() else { return #expect(Bool(false)) }
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
                in: SnapshotStore(failing), profile: .fusebox, limits: Limits(), newEpoch: 1,
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
            bytes[12] = 9
            let length = 8 + 4 + 4 + 8 + 8 + 1
            let checksum = bytes[..<length].withUnsafeBytes { Checksum.of($0) }
            for byte in 0..<4 { bytes[length + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * byte)) }
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

    // MARK: The table

    private func lines(of file: String) -> [Substring] {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        guard let stream = fopen("\(root)/\(file)", "r") else { return [] }
        defer { fclose(stream) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&piece, 1, piece.count, stream)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self).split(separator: "\n") }
            bytes += piece[..<count]
        }
    }

    /// The document has the rows of the code, in their order; and every case that a recovery can come to has one.
    @Test func theDocumentsTableIsThatOfTheCode() {
        let code = lines(of: "Sources/FuseboxEngine/Recovery/RecoveryCase.swift").filter { $0.hasPrefix("/// | `") }
            .map { $0.dropFirst(4) }
        let page = lines(of: "proto-docs/journal.md").drop { $0 != "## Recovery" }.filter { $0.hasPrefix("| `") }
        #expect(!code.isEmpty && page == code)
        let cases =
            lines(of: "Sources/FuseboxEngine/Recovery/RecoveryCase.swift").filter { $0.hasPrefix("    case ") }
            .map { $0.dropFirst(9).prefix { $0.isLetter } }
            + lines(of: "Sources/FuseboxEngine/Recovery/RecoveryCase.swift").filter {
                $0.hasPrefix("        case ") && !$0.hasPrefix("        case .")
            }
            .map { $0.dropFirst(13).prefix { $0.isLetter } }
        for name in cases { #expect(code.contains { $0.hasPrefix("| `\(name)` ") }, "\(name)") }
        #expect(cases.count >= 18)
    }

    // MARK: What follows

    @Test func anotherProfileNeedsASnapshotOfItsOwn() throws {
        try directory.snapshot(at: 5)
        try directory.segment(1..<6)
        let recovered = try directory.recover(.llmProviders)
        #expect(recovered.sequence == 6 && recovered.needsSnapshot && !recovered.isJournalContinuous)
    }
}
