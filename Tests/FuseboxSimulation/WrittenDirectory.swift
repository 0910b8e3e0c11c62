import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// A data directory that is put together piece by piece: entry n records a call that costs n nano-dollars.
package final class WrittenDirectory {
    package let storage = SimulatedStorage(seed: 1)
    package static let epoch: UInt64 = 7
    private static let start: Int64 = 1_790_000_000_000
    private let epoch: UInt64

    package init(epoch: UInt64 = WrittenDirectory.epoch) { self.epoch = epoch }

    private static func moment(_ sequence: UInt64) -> Moment { Moment(milliseconds: start + Int64(sequence)) }

    private static func command(_ sequence: UInt64) -> LedgerRecord {
        LedgerRecord(
            provider: Names.name("p"), model: Names.name("m"), cost: Money(nanodollars: Int64(sequence)),
            inputTokens: 1, outputTokens: 1)
    }

    /// The state after so many entries, as bytes.
    package static func image(after sequence: UInt64) -> [UInt8] { machine(after: sequence).image }

    private static func machine(after sequence: UInt64) -> StateMachine {
        var machine = StateMachine(at: moment(0))
        var effects: [Event] = []
        for number in 0..<sequence {
            _ = try? machine.apply(command(number + 1), at: moment(number + 1), effects: &effects)
        }
        return machine
    }

    /// Writes the snapshot of a sequence.
    package func snapshot(at sequence: UInt64, keepingAll: Bool = true) throws(SnapshotFailure) {
        let header = SnapshotHeader(
            epoch: epoch, sequence: sequence, moment: Self.moment(sequence), profile: .fusebox)
        _ = try SnapshotCapture(Self.machine(after: sequence), header: header)
            .write(to: SnapshotStore(storage), keepingAll: keepingAll)
    }

    /// Writes the snapshot of a sequence with other heads of its sections: one that another program might have written.
    package func rewriteSnapshot(at sequence: UInt64, _ change: (SectionHead) -> SectionHead) throws {
        let header = SnapshotHeader(
            epoch: epoch, sequence: sequence, moment: Self.moment(sequence), profile: .fusebox)
        var writer = try SnapshotWriter(header, into: MemorySink())
        try Self.machine(after: sequence).forEachImageSection { (head, records) throws(StorageError) in
            try writer.section(change(head), records)
        }
        storage.put(try writer.finish().bytes, as: SnapshotName(sequence: sequence).file)
    }

    /// Writes a segment with these entries, each of which knows the one before it to be on the disk.
    ///
    /// - Parameter isMarked: whether the marks tell that all of them are
    package func segment(
        _ entries: Range<UInt64>, length: Int = 16 * 1024, isSealed: Bool = false, isRebased: Bool = false,
        isMarked: Bool = false
    ) throws(StorageError) {
        let before = entries.lowerBound - 1
        let journal = try Journal(
            storage, epoch: epoch, segmentLength: length, after: isRebased ? nil : before)
        journal.add(try journal.spareTask()().get())
        try journal.rotate(next: entries.lowerBound, synced: before)
        for sequence in entries { try journal.append(Self.batch(sequence)) }
        if isSealed { try journal.seal(synced: entries.upperBound - 1) }
        try journal.syncNow(marking: isMarked ? entries.upperBound - 1 : nil)
    }

    /// The batch of one entry.
    package static func batch(_ sequence: UInt64) -> JournalBatch {
        var entry = JournalEntry()
        entry.sequence = sequence
        entry.synced = sequence - 1
        entry.now = moment(sequence).now
        entry.wall = moment(sequence).wall
        entry.command = LedgerRecord.declaration.number
        var payload = ByteWriter()
        command(sequence).encode(into: &payload)
        var batch = JournalBatch()
        payload.withBytes { batch.append(entry, payload: $0) }
        return batch
    }

    /// The name of the segment that begins with this entry.
    package static func journal(_ sequence: UInt64) -> String { JournalName(firstSequence: sequence).file }

    package func recover(_ profile: Profile = .fusebox) throws(RecoveryRefusal) -> Recovered {
        try Recovered.find(
            in: SnapshotStore(storage), profile: profile, bounds: Bounds(), newEpoch: 1, at: Self.moment(1_000_000))
    }

    /// Changes the bytes of a file.
    package func change(_ file: String, _ body: (inout [UInt8]) -> Void) throws(StorageError) {
        var bytes = try storage.read(file)
        body(&bytes)
        storage.put(bytes, as: file)
    }
}
