import FuseboxSimulation
import FuseboxStore
import FuseboxWire
import Testing

/// The files of the history, apart from who fills them.
struct HistoryWriterTests {
    private let storage = SimulatedStorage(seed: 1)
    private let may = HistoryMonth(ofDay: 20_574)  // 2026-05-01

    private func item(_ input: UInt64, _ tag: String = "team:search", month: HistoryMonth? = nil, epoch: UInt64 = 7)
        throws -> HistoryItem
    {
        var record = HistoryRecord()
        record.day = 3
        record.tag = try Name(tag)
        record.spend.value = Int64(input)
        return HistoryItem(
            month ?? may, epoch: epoch, HistoryPlace(input: input, part: 0), wall: Timestamp(milliseconds: 0),
            [record])
    }

    /// The inputs in a file, with -1 for a gap, and what is damaged.
    private func read(_ month: HistoryMonth? = nil) throws -> (inputs: [Int64], damage: [Int], isTorn: Bool) {
        var inputs: [Int64] = []
        var reader = HistoryReader(month ?? may)
        #expect(reader.checkHead(try storage.read((month ?? may).file, at: 0, length: HistoryHeader.bytes)) == nil)
        try reader.readAll(from: storage) { found, records in
            while !found.entry.isGap, records.remaining > 0 {
                guard let record = try? HistoryRecord.read(version: HistoryRecord.version, from: &records) else {
                    Issue.record("an entry with a good checksum has bad records")
                    return
                }
                inputs.append(record.spend.value)
            }
            if found.entry.isGap { inputs.append(-1) }
        }
        return (inputs, reader.damage.map(\.offset), reader.isTorn)
    }

    @Test func aMonthHasAFileWithItsName() throws {
        #expect(may.file == "history-2026-05.fusebox")
        #expect(HistoryMonth(file: may.file) == may)
        #expect(may.firstDay == 20_574)
        #expect(may.lastDay == 20_604)
        #expect(HistoryMonth(file: "history-2026-5.fusebox") == nil)
        #expect(HistoryMonth(file: "history-2026-13.fusebox") == nil)
    }

    @Test(arguments: [0, 1, -1, 63, 64, -64, -65, 1_200_000, .max, .min] as [Int64])
    func numbersKeepTheirValue(_ value: Int64) throws {
        var writer = ByteWriter()
        CompactNumber(value).encode(into: &writer)
        let bytes = writer.bytes
        #expect(value.magnitude > 63 || bytes.count == 1)
        var read = CompactNumber()
        try bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            try read.decode(from: &reader)
            #expect(reader.remaining == 0)
        }
        #expect(read.value == value)
    }

    /// A start hands over what it cannot know to be written.
    @Test func anEntryIsWrittenOnce() throws {
        var writer = HistoryWriter()
        #expect(writer.append([try item(1), try item(2)], to: storage).done == 2)
        var second = HistoryWriter()
        #expect(second.append([try item(1), try item(2), try item(3)], to: storage).done == 3)
        #expect(writer.append([try item(3), try item(4)], to: storage).done == 2)
        #expect(try read().inputs == [1, 2, 3, 4])
    }

    @Test func anotherEpochCountsAnew() throws {
        var writer = HistoryWriter()
        #expect(writer.append([try item(5), try item(1, epoch: 8)], to: storage).done == 2)
        #expect(try read().inputs == [5, 1])
    }

    @Test func anIncompleteEndIsOverwritten() throws {
        var writer = HistoryWriter()
        _ = writer.append([try item(1), try item(2)], to: storage)
        let whole = try storage.read(may.file)
        storage.put(Array(whole.dropLast(40)) + [UInt8](repeating: 0, count: 40), as: may.file)
        #expect(try read().inputs == [1])
        #expect(try read().isTorn)
        var second = HistoryWriter()
        let outcome = second.append([try item(2), try item(3)], to: storage)
        #expect(outcome.damage.isEmpty)
        #expect(try read().inputs == [1, 2, 3])
        #expect(try !read().isTorn)
    }

    /// The second entry of a batch may reach the disk without the first.
    @Test func nothingOfAnIncompleteBatchCounts() throws {
        var writer = HistoryWriter()
        _ = writer.append([try item(1)], to: storage)
        let before = try storage.length(of: may.file)
        _ = writer.append([try item(2), try item(3)], to: storage)
        storage.flip(bit: (before + 40) * 8, of: may.file)
        #expect(try read().inputs == [1])
        #expect(try read().damage.isEmpty)
        #expect(try read().isTorn)
        var second = HistoryWriter()
        _ = second.append([try item(2), try item(3), try item(4)], to: storage)
        #expect(try read().inputs == [1, 2, 3, 4])
    }

    /// Damage is told with its place, and the rest is read.
    @Test func everyFlippedBitLosesOneEntryAtMost() throws {
        var writer = HistoryWriter()
        for input in 1...3 as ClosedRange<UInt64> { _ = writer.append([try item(input)], to: storage) }
        let whole = try storage.read(may.file)
        let length = (whole.count - HistoryHeader.bytes) / 3
        for bit in 0..<whole.count * 8 {
            storage.put(whole, as: may.file)
            storage.flip(bit: bit, of: may.file)
            let (inputs, damage, isTorn) = try read()
            let entry = (bit / 8 - HistoryHeader.bytes) / length
            if bit / 8 < HistoryHeader.bytes {
                #expect(inputs == [1, 2, 3])
                #expect(damage == [0])
            } else if entry < 2 {
                #expect(inputs == [1, 2, 3].filter { $0 != Int64(entry + 1) })
                #expect(damage == [HistoryHeader.bytes + entry * length])
            } else {
                #expect(inputs == [1, 2])
                #expect(isTorn)
            }
        }
    }

    @Test func whatDoesNotFitIsAGap() throws {
        var bounds = HistoryBounds()
        bounds.monthBytes = 20 * 1024
        var writer = HistoryWriter(bounds)
        var lost: UInt64 = 0
        for input in 1...80 as ClosedRange<UInt64> {
            let outcome = writer.append([try item(input), try item(1_000 + input, "u")], to: storage)
            #expect(outcome.done == 2)
            lost += outcome.lost
        }
        #expect(lost > 0)
        #expect(try storage.length(of: may.file) <= bounds.monthBytes)
        #expect(try read().inputs.contains(-1))
    }

    @Test func theOldestMonthGoesWhenThereAreTooMany() throws {
        var writer = HistoryWriter()
        for number in 0..<15 as Range<Int64> {
            let month = HistoryMonth(number: may.number + number)
            #expect(writer.append([try item(UInt64(number + 1), month: month)], to: storage).done == 1)
        }
        let months = try storage.historyMonths()
        #expect(months.count == 13)
        #expect(months.first?.file == "history-2026-07.fusebox")
        #expect(months.last?.file == "history-2027-07.fusebox")
    }

    /// Nothing is lost or written twice, wherever the process dies or the disk fails.
    @Test func everyFaultIsOutlived() throws {
        for operation in 1...12 {
            for (fault, progress) in [SimulatedStorage.Fault.death, .failure].flatMap({ fault in
                SimulatedStorage.Progress.allCases.map { (fault, $0) }
            }) {
                let storage = SimulatedStorage(seed: UInt64(operation))
                storage.plan(fault, afterOperations: operation, progress)
                var items = try (1...4).map { try item($0) }
                var writer = HistoryWriter()
                for _ in 0..<10 where !items.isEmpty {
                    let outcome = writer.append(Array(items.prefix(2)), to: storage)
                    items.removeFirst(outcome.done)
                    guard storage.isDead else { continue }
                    storage.losePower()
                    writer = HistoryWriter()
                }
                #expect(items.isEmpty)
                var found: [UInt64] = []
                var reader = HistoryReader(may)
                try reader.readAll(from: storage) { entry, _ in found.append(entry.entry.input) }
                #expect(found == [1, 2, 3, 4])
                #expect(reader.damage.isEmpty)
            }
        }
    }
}
