import FuseboxSimulation
import FuseboxWire
import Testing

@testable import FuseboxEngine
@testable import FuseboxStore

/// Tags that were forgotten, and the files of the history.
struct HistoryErasureTests {
    private static let may = HistoryMonth(ofDay: 20_574)  // 2026-05-01
    private static let june = HistoryMonth(number: may.number + 1)
    private let erasure = HistoryErasure(tag: try! Name("user:42"), epoch: 7, input: 10)

    private static func item(
        _ input: UInt64, _ tags: [String], month: HistoryMonth = may, epoch: UInt64 = 7
    ) throws -> HistoryItem {
        let records = try tags.map { tag in
            var record = HistoryRecord()
            record.day = 3
            record.tag = try Name(tag)
            record.spend.value = Int64(input)
            return record
        }
        return HistoryItem(
            month, epoch: epoch, HistoryPlace(input: input, part: 0), wall: Timestamp(milliseconds: 0), records)
    }

    /// Two months: the first names the tag in two of three entries, the second does not name it.
    private static func write(to storage: SimulatedStorage) throws {
        var writer = HistoryWriter()
        for item in [
            try item(1, ["user:42"]), try item(2, ["user:4", "user:42", "user:421"]), try item(3, ["team:search"]),
            try item(4, ["team:search"], month: june),
        ] { #expect(writer.append([item], to: storage).done == 1) }
    }

    /// The records of a month as `tag input`, with `gap` for a gap.
    private static func read(_ storage: SimulatedStorage, of month: HistoryMonth = may) throws -> [String] {
        var found: [String] = []
        var reader = HistoryReader(month)
        #expect(reader.checkHead(try storage.read(month.file, at: 0, length: HistoryHeader.bytes)) == nil)
        try reader.readAll(from: storage) { entry, records in
            if entry.entry.isGap { return found.append("gap") }
            while records.remaining > 0 {
                guard let record = try? HistoryRecord.read(version: HistoryRecord.version, from: &records) else {
                    return found.append("bad")
                }
                found.append("\(record.tag.map(\.text) ?? "") \(record.spend.value)")
            }
        }
        #expect(reader.damage.isEmpty && !reader.isTorn)
        return found
    }

    private static func names(_ tag: String, _ storage: SimulatedStorage) throws -> Bool {
        try storage.list().contains { file in
            let (bytes, name) = (try storage.read(file), [UInt8(tag.utf8.count)] + Array(tag.utf8))
            return bytes.indices.contains { bytes[$0...].starts(with: name) }
        }
    }

    private static let whole = ["user:42 1", "user:4 2", "user:42 2", "user:421 2", "team:search 3"]
    private static let erased = ["user:4 2", "user:421 2", "team:search 3"]

    @Test func theTagLeavesTheFilesThatNameItAndTheOthersStayAsTheyAre() throws {
        let storage = SimulatedStorage(seed: 1)
        try Self.write(to: storage)
        #expect(try Self.read(storage) == Self.whole)
        #expect(try Self.names("user:42", storage))
        let june = try storage.read(Self.june.file)
        var writer = HistoryWriter()
        let outcome = writer.erase([erasure], in: storage)
        #expect(outcome.done == 1 && outcome.failure == nil && outcome.damage.isEmpty)
        #expect(try Self.read(storage) == Self.erased)
        #expect(try !Self.names("user:42", storage))
        #expect(try storage.read(Self.june.file) == june)
        #expect(Set(try storage.list()) == [Self.may.file, Self.june.file])
        // What was written before is not written again, and what comes then is.
        let items = [try Self.item(1, ["user:42"]), try Self.item(3, ["team:search"]), try Self.item(11, ["user:42"])]
        #expect(writer.append(items, to: storage).done == 3)
        #expect(try Self.read(storage) == Self.erased + ["user:42 11"])
        // The tag was used again after it was forgotten.
        #expect(writer.erase([erasure], in: storage).done == 1)
        #expect(try Self.read(storage) == Self.erased + ["user:42 11"])
    }

    @Test func recordsOfAnEarlierLifeAreErasedWhateverTheirNumber() throws {
        let storage = SimulatedStorage(seed: 1)
        var writer = HistoryWriter()
        let earlier = try Self.item(500, ["user:42", "u"], epoch: 6)
        _ = writer.append([earlier, try Self.item(11, ["user:42"])], to: storage)
        #expect(writer.erase([erasure], in: storage).done == 1)
        #expect(try Self.read(storage) == ["u 500", "user:42 11"])
    }

    /// A damaged place may name the tag. It is given up, and told as a gap.
    @Test func aDamagedPlaceOfSuchAFileBecomesAGap() throws {
        let storage = SimulatedStorage(seed: 1)
        try Self.write(to: storage)
        storage.flip(bit: (HistoryHeader.bytes + 30) * 8, of: Self.may.file)
        var writer = HistoryWriter()
        let outcome = writer.erase([erasure], in: storage)
        #expect(outcome.done == 1)
        #expect(outcome.damage.count == 1)
        #expect(try Self.read(storage) == Self.erased + ["gap"])
        #expect(try !Self.names("user:42", storage))
    }

    /// A good entry proves that those before it were on disk, in a file that was written anew too.
    @Test func damageIsToldApartFromATornEndAfterwards() throws {
        let storage = SimulatedStorage(seed: 1)
        try Self.write(to: storage)
        var writer = HistoryWriter()
        _ = writer.erase([erasure], in: storage)
        storage.flip(bit: (HistoryHeader.bytes + 30) * 8, of: Self.may.file)
        var reader = HistoryReader(Self.may)
        try reader.readAll(from: storage) { _, _ in }
        #expect(reader.damage.map(\.offset) == [HistoryHeader.bytes])
        #expect(!reader.isTorn)
    }

    @Test func aFileOfANewerProgramKeepsNoOtherFromBeingWrittenAnew() throws {
        let storage = SimulatedStorage(seed: 1)
        try Self.write(to: storage)
        let newer = HistoryMonth(number: Self.may.number - 1)
        var head = ByteWriter()
        var header = HistoryHeader(newer)
        header.recordVersion = HistoryRecord.version + 1
        FileHead.write(header, into: &head)
        storage.put(head.bytes, as: newer.file)
        var writer = HistoryWriter()
        let outcome = writer.erase([erasure], in: storage)
        #expect(outcome.done == 0)
        #expect(outcome.failure?.path == newer.file)
        #expect(try Self.read(storage) == Self.erased)
    }

    /// Wherever the process dies or the disk fails, a file is the old one or the new one.
    @Test func everyFaultIsOutlived() throws {
        var faults = 0
        for operation in 1...16 {
            for (fault, progress) in [SimulatedStorage.Fault.death, .failure].flatMap({ fault in
                SimulatedStorage.Progress.allCases.map { (fault, $0) }
            }) {
                let storage = SimulatedStorage(seed: UInt64(operation))
                try Self.write(to: storage)
                storage.plan(fault, afterOperations: operation, progress)
                var writer = HistoryWriter()
                var isDone = false
                for _ in 0..<5 where !isDone {
                    isDone = writer.erase([erasure], in: storage).failure == nil
                    if !isDone { faults += 1 }
                    if storage.isDead {
                        storage.losePower()
                        isDone = false
                        writer = HistoryWriter()
                        try SnapshotStore(storage).removePartials()
                        #expect(Set(try storage.list()) == [Self.may.file, Self.june.file])
                    }
                    #expect([Self.whole, Self.erased].contains(try Self.read(storage)))
                }
                #expect(isDone)
                storage.losePower()
                #expect(try Self.read(storage) == Self.erased)
                #expect(try Self.read(storage, of: Self.june) == ["team:search 4"])
            }
        }
        #expect(faults > 20)
    }

    /// What waits for the disk loses the tag once the input that forgot it is on disk. Before that, the input may be
    /// lost, and an entry without the tag would stay in the file.
    @Test func whatWaitsForTheDiskLosesTheTag() throws {
        var outbox = HistoryOutbox()
        for input in 1...3 as ClosedRange<UInt64> { outbox.restore(try Self.item(input, ["user:42", "u"])) }
        let bytes = outbox.bytes
        #expect(outbox.takeReady(upTo: 1).count == 1)
        outbox.erase(erasure)
        outbox.written(0)
        #expect(outbox.takeErasures(upTo: 9).isEmpty)
        #expect(outbox.records == 6 && outbox.bytes == bytes)
        #expect(outbox.takeErasures(upTo: 10) == [erasure])
        #expect(outbox.records == 3 && outbox.bytes < bytes)
        #expect(outbox.bytes == outbox.items.reduce(0) { $0 + $1.body.count })
        outbox.written(3)
        #expect(!outbox.isEmpty)
        outbox.erased(1)
        #expect(outbox.isEmpty && outbox.bytes == 0)
    }
}
