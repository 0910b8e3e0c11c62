import FuseboxSimulation
import FuseboxStore
import FuseboxWire
import Testing

/// The journal's files. Written entries are read again, and the effects of a crash are distinguished from damage.
struct JournalTests {
    private let directory = WrittenDirectory()

    /// The sequences that a reader of a segment returns, and the segment's end.
    private func read(_ bytes: [UInt8]) throws -> (sequences: [UInt64], end: JournalEnd) {
        var sequences: [UInt64] = []
        let end = try JournalReader(bytes).forEach { entry, _, _ in sequences.append(entry.sequence) }
        return (sequences, end)
    }

    private func offsets(_ bytes: [UInt8]) throws -> [Int] {
        var offsets: [Int] = []
        let end = try JournalReader(bytes).forEach { _, _, offset in offsets.append(offset) }
        guard case .open(let last) = end else { return offsets }
        return offsets + [last]
    }

    @Test func entriesAreReadInTheirOrder() throws {
        try directory.segment(1..<21)
        let (sequences, end) = try read(directory.storage.read(WrittenDirectory.journal(1)))
        #expect(sequences == Array(1...20))
        guard case .open = end else { return #expect(Bool(false), "\(end)") }
    }

    @Test(arguments: [true, false]) func aJournalThatIsCutAnywhereGivesTheExactPrefix(isZeroed: Bool) throws {
        try directory.segment(1..<11, length: 2048)
        let bytes = try directory.storage.read(WrittenDirectory.journal(1))
        let offsets = try offsets(bytes)
        for cut in 64...bytes.count {
            let rest = [UInt8](repeating: 0, count: isZeroed ? bytes.count - cut : 0)
            let (sequences, end) = try read(Array(bytes[..<cut]) + rest)
            // Padding is zeros, so an entry of which only padding is missing is complete if zeros follow.
            let whole = offsets.dropFirst().count { $0 <= cut }
            #expect(sequences.count == whole || (isZeroed && sequences.count == whole + 1), "cut at \(cut)")
            #expect(sequences == Array(1..<UInt64(sequences.count + 1)))
            if case .damaged = end { #expect(Bool(false), "cut at \(cut): \(end)") }
        }
    }

    @Test func aBadEntryIsDamageIfALaterOneKnowsIt() throws {
        try directory.segment(1..<11)
        var bytes = try directory.storage.read(WrittenDirectory.journal(1))
        let fifth = try offsets(bytes)[4]
        bytes[fifth + 20] ^= 1
        let (sequences, end) = try read(bytes)
        #expect(sequences == Array(1...4))
        #expect(end == .damaged(offset: fifth))
    }

    @Test func aBadLastEntryIsTorn() throws {
        try directory.segment(1..<11)
        var bytes = try directory.storage.read(WrittenDirectory.journal(1))
        let tenth = try offsets(bytes)[9]
        bytes[tenth + 20] ^= 1
        #expect(try read(bytes).end == .torn(offset: tenth))
    }

    @Test func aCompleteSegmentEndsWithItsSeal() throws {
        try directory.segment(1..<11, isSealed: true)
        let bytes = try directory.storage.read(WrittenDirectory.journal(1))
        #expect(try read(bytes).end == .sealed)
        var followed = bytes
        followed[bytes.count - 1] = 1
        guard case .damaged = try read(followed).end else {
            return #expect(Bool(false), "bytes after the seal are damage")
        }
    }

    @Test func writingGoesOnBehindATornTailAndClearsIt() throws {
        try directory.segment(1..<11)
        let file = WrittenDirectory.journal(1)
        let tenth = try offsets(directory.storage.read(file))[9]
        try directory.change(file) { bytes in for place in tenth + 8..<tenth + 400 { bytes[place] = 0xAA } }
        let journal = try Journal(
            directory.storage, epoch: WrittenDirectory.epoch, segmentLength: 16 * 1024, after: 9,
            clearing: (JournalName(firstSequence: 1), tenth))
        try journal.append(WrittenDirectory.batch(10))
        try journal.append(WrittenDirectory.batch(11))
        let (sequences, end) = try read(directory.storage.read(file))
        #expect(sequences == Array(1...11))
        guard case .open = end else { return #expect(Bool(false), "\(end)") }
    }

    /// The size of a segment is that of its file, whatever the size of new segments.
    @Test(arguments: [8, 16, 64]) func theRoomInASegmentIsThatOfItsFile(_ kibibytes: Int) throws {
        try directory.segment(1..<11)
        let file = WrittenDirectory.journal(1)
        let bytes = try directory.storage.read(file)
        let end = try offsets(bytes)[10]
        let journal = try Journal(
            directory.storage, epoch: WrittenDirectory.epoch, segmentLength: kibibytes * 1024, after: 10,
            clearing: (JournalName(firstSequence: 1), end))
        #expect(journal.room == bytes.count - end - JournalBatch.length(payload: 0))
        var sequence: UInt64 = 11
        while journal.room >= WrittenDirectory.batch(sequence).count {
            try journal.append(WrittenDirectory.batch(sequence))
            sequence += 1
        }
        try journal.seal(synced: sequence - 1)
        #expect(try directory.storage.length(of: file) == bytes.count, "nothing was written behind its end")
        #expect(try read(directory.storage.read(file)).end == .sealed)
    }

    @Test(arguments: [
        "journal-00000000000000000000.fusebox", "journal-+0000000000000000001.fusebox", "journal-1.fusebox",
        "journal-99999999999999999999.fusebox", "journal-00000000000000000001.fusebox.damaged", "journal-spare.fusebox",
    ])
    func otherFilesAreNoSegments(_ file: String) { #expect(JournalName(file: file) == nil) }

    /// A sequence in a file is checked before it is used.
    @Test(arguments: [0, .max, SequenceBound.highest + 1] as [UInt64])
    func anEntryWithAnImpossibleSequenceIsNone(_ sequence: UInt64) throws {
        try directory.segment(1..<11)
        let file = WrittenDirectory.journal(1)
        var bytes = try directory.storage.read(file)
        let end = try offsets(bytes)[10]
        for command in [JournalEntry.seal, 1] {
            var entry = JournalEntry()
            entry.sequence = sequence
            entry.command = command
            var batch = JournalBatch()
            batch.append(entry, payload: UnsafeRawBufferPointer(start: nil, count: 0))
            batch.withBytes { bytes.replaceSubrange(end..<end + $0.count, with: $0) }
            #expect(JournalReader.highestSequence(in: bytes, from: 0) == 10)
            #expect(try read(bytes).end == .torn(offset: end))
        }
    }

    @Test func segmentsThatNoSnapshotNeedsAreRetired() throws {
        try directory.segment(1..<11, isSealed: true)
        try directory.segment(11..<21, isSealed: true)
        try directory.segment(21..<31)
        try directory.storage.retireSegments(upTo: 19, before: nil)
        #expect(try directory.storage.segments().map(\.firstSequence) == [11, 21])
        try directory.storage.retireSegments(upTo: 20, before: nil)
        #expect(try directory.storage.segments().map(\.firstSequence) == [21])
        try directory.storage.retireSegments(upTo: 99, before: nil)
        #expect(try directory.storage.segments().map(\.firstSequence) == [21])
    }
}
