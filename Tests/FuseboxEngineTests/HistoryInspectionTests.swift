import FuseboxCore
import FuseboxSimulation
import FuseboxWire
import Testing

@testable import FuseboxEngine
@testable import FuseboxStore

/// What `fusebox check` says of the last entry of a month's file.
struct HistoryInspectionTests {
    private let month = HistoryMonth(ofDay: 20_574)

    private func item(_ input: UInt64) -> HistoryItem {
        HistoryItem(
            month, epoch: WrittenDirectory.epoch, HistoryPlace(input: input, part: 0), wall: Timestamp(milliseconds: 0),
            [HistoryRecord()])
    }

    /// A directory whose history has two entries, the last of which is not good, and where that is.
    private func directory() throws -> (WrittenDirectory, offset: Int) {
        let directory = WrittenDirectory()
        try directory.snapshot(at: 3)
        var writer = HistoryWriter()
        #expect(writer.append([item(1)], to: directory.storage).done == 1)
        let offset = try directory.storage.length(of: month.file)
        #expect(writer.append([item(2)], to: directory.storage).done == 1)
        directory.storage.flip(bit: (offset + 20) * 8, of: month.file)
        return (directory, offset)
    }

    /// A bill of a month that the files keep can be compared with what the state has of it.
    @Test func theStateKeepsTheMonthsThatTheFilesKeep() {
        #expect(HistoryBounds().months == Bounds.historyMonths)
    }

    /// No snapshot holds the entry, so it was on disk.
    @Test func aBadEntryThatNobodyHoldsIsDamaged() throws {
        let (directory, offset) = try directory()
        let inspection = try Inspection(of: SnapshotStore(directory.storage))
        #expect(inspection.history.map(\.torn) == [nil])
        #expect(
            inspection.problems.map(\.description) == [
                "\(month.file), byte \(offset): the entry is damaged; it was on disk once"
            ])
        #expect(!inspection.isGood)
    }

    /// A crash may leave a part of an entry. It is written again, because it is held until it is on disk.
    @Test func aBadEntryThatIsHeldIsTorn() throws {
        let (directory, offset) = try directory()
        let file = try #require(try Inspection.HistoryFile.all(in: directory.storage).first)
        #expect(file.torn == offset)
        #expect(file.judged(holding: [item(2)]).torn == offset)
        #expect(file.judged(holding: [item(2)]).problems.isEmpty)
        // What the file has already is not written again.
        #expect(file.judged(holding: [item(1)]).torn == nil)
        #expect(file.judged(holding: [item(1)]).problems.count == 1)
    }
}
