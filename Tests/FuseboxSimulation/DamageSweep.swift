import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// All faults of one kind in one file of an otherwise intact data directory: each bit flipped, each end cut off. After
/// each, the directory is recovered by the code of a start.
///
/// Each thread has its own value, so parts of a sweep may run in parallel.
package struct DamageSweep {
    /// The file that is damaged.
    package enum File: String, Sendable, CaseIterable {
        /// A journal that an orderly stop has sealed, with a snapshot of the empty state.
        case sealedJournal
        /// A journal that was being written, with a snapshot of the empty state and without marks, as after power loss.
        case openJournal
        /// The same with marks, as after the death of the process.
        case markedJournal
        /// The newer of two snapshots. The journal begins at the older one and ends after the newer.
        case snapshot
    }

    /// The result for the directory.
    package struct Counts: Sendable, Equatable {
        package var refused = 0
        /// Recovered completely.
        package var withoutLoss = 0
        /// Recovered without the last entry, which counts as torn, because nothing proves that it was on disk.
        package var torn = 0
        /// Recovered to any other state, which must never happen.
        package var wrong = 0

        package init() {}

        package var all: Int { refused + withoutLoss + torn + wrong }

        package static func + (left: Counts, right: Counts) -> Counts {
            var sum = left
            sum.refused += right.refused
            sum.withoutLoss += right.withoutLoss
            sum.torn += right.torn
            sum.wrong += right.wrong
            return sum
        }
    }

    package let file: File
    /// The number of entries in the journal.
    package let entries: UInt64
    private let directory = WrittenDirectory()
    private let name: String
    private let original: [UInt8]
    /// The state after this many entries, as bytes.
    private let images: [[UInt8]]

    /// - Parameter journalLength: the length of the journal's segment in bytes; it is filled
    package init(_ file: File, journalLength: Int) throws {
        self.file = file
        // Room is left for the entry that seals the segment.
        let room = journalLength - JournalHeader.bytes - JournalBatch.length(payload: 0)
        entries = UInt64(room / WrittenDirectory.batch(1).count)
        images = (0...entries).map { WrittenDirectory.image(after: $0) }
        try directory.snapshot(at: 0)
        if file == .snapshot { try directory.snapshot(at: entries / 2) }
        try directory.segment(
            1..<entries + 1, length: journalLength, isSealed: file == .sealedJournal, isMarked: file == .markedJournal)
        name =
            file == .snapshot ? SnapshotName(sequence: entries / 2).file : WrittenDirectory.journal(1)
        original = try directory.storage.read(name)
    }

    /// The bytes of the file.
    package var length: Int { original.count }
    /// The bits of the file.
    package var bits: Int { original.count * 8 }

    /// Flips each of these bits, one at a time.
    package func flip(_ bits: some Sequence<Int>) -> Counts {
        var counts = Counts()
        for bit in bits {
            var bytes = original
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            directory.storage.put(bytes, as: name)
            recover(into: &counts)
        }
        return counts
    }

    private func recover(into counts: inout Counts) {
        do throws(RecoveryRefusal) {
            let recovered = try directory.recover()
            let sequence = recovered.sequence
            guard sequence <= entries, recovered.machine.image == images[Int(sequence)] else {
                counts.wrong += 1
                return
            }
            if sequence == entries {
                counts.withoutLoss += 1
            } else if case .torn = recovered.situation.tail, sequence == entries - 1, file == .openJournal {
                counts.torn += 1
            } else {
                counts.wrong += 1
            }
        } catch { counts.refused += 1 }
    }

    /// Cuts the journal at each of these offsets. Exactly the entries before the cut must be recovered.
    ///
    /// - Parameters:
    ///   - offsets: from 0 to `length`
    ///   - isZeroed: whether zeros follow, as in a preallocated segment; else the file ends
    /// - Returns: the offsets with any other result
    package func cut(at offsets: some Sequence<Int>, isZeroed: Bool) throws -> [Int] {
        let ends = try entryEnds()
        return try offsets.filter { offset in
            let rest = [UInt8](repeating: 0, count: isZeroed ? original.count - offset : 0)
            let bytes = original[..<offset] + rest
            directory.storage.put(Array(bytes), as: name)
            // An entry of which only zeros are missing is complete if zeros follow.
            let whole = ends.count { $0 <= offset || (isZeroed && original[offset..<$0].allSatisfy { $0 == 0 }) }
            let recovered = try directory.recover()
            return recovered.sequence != UInt64(whole) || recovered.machine.image != images[whole]
        }
    }

    /// The end of each entry.
    private func entryEnds() throws -> [Int] {
        var starts: [Int] = []
        let end = try JournalReader(original).forEach { _, _, offset in starts.append(offset) }
        let length = WrittenDirectory.batch(1).count
        if case .open(let last) = end { return starts.dropFirst() + [last] }
        return starts.map { $0 + length }
    }
}
