import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// Every fault of one kind in a file of a data directory that is good otherwise: each bit turned, each end cut off. The
/// directory is recovered after each, by the code that a start runs.
///
/// A value for each thread: parts of a sweep may run side by side, each on its own.
public struct DamageSweep {
    /// The file that is damaged.
    public enum File: String, Sendable, CaseIterable {
        /// A journal that a stop in order has completed, over a snapshot of the empty state.
        case sealedJournal
        /// A journal that was being written, over a snapshot of the empty state; no marks tell of it, as after power
        /// loss.
        case openJournal
        /// The same with marks, as after the death of a process.
        case markedJournal
        /// The newest of two snapshots; the journal reaches back to the older one, and further than the newer.
        case snapshot
    }

    /// What became of the directory.
    public struct Counts: Sendable, Equatable {
        public var refused = 0
        /// Recovered to what was written.
        public var withoutLoss = 0
        /// Recovered to what was on the disk before the last entry, which is told to be torn: nothing after it proves
        /// that it was on the disk.
        public var torn = 0
        /// Recovered to anything else: there must be none.
        public var wrong = 0

        public init() {}

        public var all: Int { refused + withoutLoss + torn + wrong }

        public static func + (left: Counts, right: Counts) -> Counts {
            var sum = left
            sum.refused += right.refused
            sum.withoutLoss += right.withoutLoss
            sum.torn += right.torn
            sum.wrong += right.wrong
            return sum
        }
    }

    public let file: File
    /// How many entries the journal holds.
    public let entries: UInt64
    private let directory = WrittenDirectory()
    private let name: String
    private let original: [UInt8]
    /// The state after so many entries, as bytes.
    private let images: [[UInt8]]

    /// - Parameter journalLength: the bytes of the journal's segment; it is filled
    public init(_ file: File, journalLength: Int) throws {
        self.file = file
        // Room is left for the entry that completes the segment.
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
    public var length: Int { original.count }
    /// The bits of the file.
    public var bits: Int { original.count * 8 }

    /// Turns each of these bits, one at a time.
    public func flip(_ bits: some Sequence<Int>) -> Counts {
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

    /// Cuts the journal at each of these offsets: what was before is recovered, exactly that.
    ///
    /// - Parameters:
    ///   - offsets: from 0 to `length`
    ///   - isZeroed: whether zeros follow, as in a segment whose space was reserved; else the file ends
    /// - Returns: the offsets at which something else came of it
    public func cut(at offsets: some Sequence<Int>, isZeroed: Bool) throws -> [Int] {
        let ends = try entryEnds()
        return try offsets.filter { offset in
            let rest = [UInt8](repeating: 0, count: isZeroed ? original.count - offset : 0)
            let bytes = original[..<offset] + rest
            directory.storage.put(Array(bytes), as: name)
            // An entry of which only zeros are missing is whole where zeros follow.
            let whole = ends.count { $0 <= offset || (isZeroed && original[offset..<$0].allSatisfy { $0 == 0 }) }
            let recovered = try directory.recover()
            return recovered.sequence != UInt64(whole) || recovered.machine.image != images[whole]
        }
    }

    /// Where each entry ends.
    private func entryEnds() throws -> [Int] {
        var starts: [Int] = []
        let end = try JournalReader(original).forEach { _, _, offset in starts.append(offset) }
        let length = WrittenDirectory.batch(1).count
        if case .open(let last) = end { return starts.dropFirst() + [last] }
        return starts.map { $0 + length }
    }
}
