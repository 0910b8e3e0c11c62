import FuseboxCore
import FuseboxSimulation
import FuseboxWire
import Testing

@testable import FuseboxEngine
@testable import FuseboxStore

/// What a snapshot brings into another life. The end-to-end tests restore real ones.
struct RestoredStateTests {
    private static let may = HistoryMonth(ofDay: 20_574)  // 2026-05-01
    private static let header = SnapshotHeader(
        epoch: 7, sequence: 10, moment: Moment(milliseconds: 1), profile: .fusebox)

    /// A backup may be taken before the entries of the day before are in a file.
    @Test func entriesThatMayBeInNoFileStayAndKeepTheirEpoch() throws {
        var outbox = HistoryOutbox()
        var record = HistoryRecord()
        record.day = 3
        record.spend.value = 5
        outbox.restore(
            HistoryItem(
                Self.may, epoch: 7, HistoryPlace(input: 9, part: 0), wall: Timestamp(milliseconds: 1), [record]))
        let machine = StateMachine(profile: .fusebox, bounds: Bounds(), at: Self.header.moment)
        let bytes = SnapshotCapture(machine, WorkerTable(), outbox, header: Self.header).bytes()

        let restored = try RestoredState(SnapshotReader(bytes))
        let again = restored.capture(
            SnapshotHeader(epoch: 8, sequence: 11, moment: Self.header.moment, profile: .fusebox))
        let contents = try SnapshotReader(again.bytes()).contents(bounds: Bounds())
        #expect(contents.history.items == outbox.items)
    }
}
