import FuseboxSimulation
import Testing

/// A damaged byte is never accepted. Every third bit is flipped here, so every bit of a byte has its turn. `make simulate`
/// flips every bit of a journal of 64 KiB.
struct DamageTests {
    private static let journalLength = 1024
    private static let step = 3

    private func flips(_ file: DamageSweep.File) throws -> (bits: Int, DamageSweep.Counts) {
        let sweep = try DamageSweep(file, journalLength: Self.journalLength)
        let bits = stride(from: 0, to: sweep.bits, by: Self.step)
        return (Array(bits).count, sweep.flip(bits))
    }

    @Test func aFlippedBitOfASealedJournalIsRefusedOrWithoutLoss() throws {
        let (bits, counts) = try flips(.sealedJournal)
        #expect(counts.all == bits && bits == (Self.journalLength * 8 + Self.step - 1) / Self.step)
        #expect(counts.wrong == 0 && counts.torn == 0)
        // The zeros after the header and the entry that seals the segment have no content.
        #expect(counts.refused > bits * 9 / 10)
    }

    @Test func aFlippedBitOfAnOpenJournalIsRefusedOrTornAtTheLastEntry() throws {
        let (bits, counts) = try flips(.openJournal)
        #expect(counts.all == bits)
        #expect(counts.wrong == 0)
        #expect(counts.torn > 0 && counts.refused > bits / 2)
    }

    /// If marks cover it, the last entry is as safe as the others.
    @Test func aFlippedBitOfAJournalWithMarksIsRefusedOrWithoutLoss() throws {
        let (bits, counts) = try flips(.markedJournal)
        #expect(counts.all == bits)
        #expect(counts.wrong == 0 && counts.torn == 0)
        #expect(counts.refused > bits / 2 && counts.withoutLoss > 0)
    }

    @Test func aFlippedBitOfASnapshotFallsBackWithoutLoss() throws {
        let (bits, counts) = try flips(.snapshot)
        #expect(counts.all == bits)
        #expect(counts.wrong == 0 && counts.torn == 0)
        #expect(counts.withoutLoss > bits * 9 / 10)
    }

    @Test(arguments: [true, false])
    func aJournalThatIsCutAtAnyByteIsRecoveredToTheExactPrefix(isZeroed: Bool) throws {
        let sweep = try DamageSweep(.openJournal, journalLength: Self.journalLength)
        #expect(try sweep.cut(at: 0...sweep.length, isZeroed: isZeroed) == [])
        #expect(sweep.entries > 5)
    }
}
