import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The state of a snapshot as the beginning of another life, which `fusebox snapshot restore` writes.
///
/// It has no workers: the new epoch tells clients that the state was replaced. It keeps the entries of the ledger's history
/// that may be in no file yet. They keep the epoch of the snapshot, so a file that has them does not get them again.
package struct RestoredState: Sendable {
    private var machine: StateMachine
    private let history: HistoryOutbox
    private let original: SnapshotHeader

    /// Loads a snapshot, whatever limits it was taken under.
    package init(_ reader: SnapshotReader) throws(SnapshotDamage) {
        let contents = try reader.contents(bounds: .unbounded)
        machine = contents.machine
        history = contents.history
        original = reader.header
    }

    /// The months whose files may have what this state would tell again.
    package var untoldMonths: [HistoryMonth] { Set(machine.untoldDays.map { HistoryMonth(ofDay: $0) }).sorted() }

    /// Leaves out what a month's file has of the days that this state has not closed.
    ///
    /// The life that the snapshot is from went on and closed them. Its records have the use up to the snapshot in them. A
    /// file that this program cannot read, and a damaged entry, leave out nothing.
    package mutating func leaveOut(_ bytes: [UInt8], of month: HistoryMonth) {
        var reader = HistoryReader(month)
        guard reader.checkHead(Array(bytes.prefix(HistoryHeader.bytes))) == nil else { return }
        var told: [HistoryRecord] = []
        reader.read(Array(bytes.dropFirst(HistoryHeader.bytes)), isLast: true) { found, records in
            guard found.entry.epoch == original.epoch, found.entry.input > original.sequence, !found.entry.isGap
            else { return true }
            while records.remaining > 0,
                let record = try? HistoryRecord.read(version: HistoryRecord.version, from: &records)
            {
                // A correction with a reason is a record of its own, and says nothing of what calls have used.
                if record.reason == nil { told.append(record) }
            }
            return true
        }
        for record in told {
            let scope = Scope(
                provider: record.provider, deployment: record.deployment, model: record.model, tag: record.tag)
            machine.noteTold(scope, day: month.firstDay + Int64(record.day) - 1)
        }
    }

    /// What is written to the data directory.
    package consuming func capture(_ header: SnapshotHeader) -> SnapshotCapture {
        SnapshotCapture(machine, WorkerTable(), history, header: header)
    }
}
