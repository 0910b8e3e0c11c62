import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The state at a moment. It can be written on another thread.
package struct SnapshotCapture: Sendable {
    /// The header of the snapshot.
    package let header: SnapshotHeader
    let machine: StateMachine
    let workers: WorkerTable
    let history: HistoryOutbox

    /// A state without workers, as an import has it.
    package init(_ machine: StateMachine, header: SnapshotHeader) {
        self.init(machine, WorkerTable(), HistoryOutbox(), header: header)
    }

    init(_ machine: StateMachine, _ workers: WorkerTable, _ history: HistoryOutbox, header: SnapshotHeader) {
        self.machine = machine
        self.workers = workers
        self.history = history
        self.header = header
    }

    /// Writes the snapshot to a data directory. Loads the written file as a start does, before the file gets its name.
    /// Runs on any thread.
    ///
    /// The capture is consumed, so that its memory is freed before the written state is loaded.
    ///
    /// - Parameter keepingAll: whether all older snapshots stay
    package consuming func write<Files: Storage>(
        to store: SnapshotStore<Files>, keepingAll: Bool = false
    ) throws(SnapshotFailure) -> SnapshotInfo {
        let name = SnapshotName(sequence: header.sequence)
        guard try prepare(in: store) else { return try store.info(name) }
        return try store.adopt(name, keepingAll: keepingAll) { (reader) throws(SnapshotDamage) in try reader.tryStart()
        }
    }

    private consuming func prepare<Files: Storage>(in store: SnapshotStore<Files>) throws(SnapshotFailure) -> Bool {
        let header = header
        return try store.prepare(header) { (writer) throws(StorageError) in try writeSections(to: &writer) }
    }

    /// The bytes of the snapshot file.
    package func bytes() -> [UInt8] {
        do throws(StorageError) {
            var writer = try SnapshotWriter(header, into: MemorySink())
            try writeSections(to: &writer)
            return try writer.finish().bytes
        } catch {
            preconditionFailure("memory does not fail: \(error)")
        }
    }

    private func writeSections<Sink: ByteSink & ~Copyable>(
        to writer: inout SnapshotWriter<Sink>
    ) throws(StorageError) {
        try machine.forEachImageSection { (section, contents) throws(StorageError) in
            try writer.section(section, contents)
        }
        try WorkerTable.sections.forEachPart(of: workers) { (section, contents) throws(StorageError) in
            try writer.section(section, contents)
        }
        try HistoryOutbox.sections.forEachPart(of: history) { (section, contents) throws(StorageError) in
            try writer.section(section, contents)
        }
    }
}

extension SnapshotReader {
    /// The state of the snapshot without the workers, whatever limits it was taken under.
    package func stateMachine() throws(SnapshotDamage) -> StateMachine { try stateMachine(bounds: .unbounded) }

    /// The state of the snapshot without the workers.
    ///
    /// - Throws: the damage, also if the state exceeds the limits
    package func stateMachine(bounds: Bounds) throws(SnapshotDamage) -> StateMachine {
        try contents(bounds: bounds).machine
    }

    /// Loads the whole snapshot by the rules of a start, and discards it.
    ///
    /// - Throws: why a start would refuse the snapshot
    package func tryStart() throws(SnapshotDamage) { _ = try contents(bounds: .unbounded) }

    /// The state and the workers of the snapshot, and the history that may be in no file yet.
    func contents(
        bounds: Bounds
    ) throws(SnapshotDamage) -> (machine: StateMachine, workers: WorkerTable, history: HistoryOutbox) {
        var image = StateImage(profile: header.profile, bounds: bounds, at: header.moment)
        var workers = WorkerTable()
        var history = HistoryOutbox()
        try forEachSection { (section, contents) throws(Refusal) in
            if try image.add(section, &contents) { return }
            if try WorkerTable.sections.read(section, &contents, into: &workers) { return }
            if try HistoryOutbox.sections.read(section, &contents, into: &history) { return }
            throw Refusal(
                .unsupportedVersion, "there is a section of the kind \(section.kind), which this program does not know")
        }
        do throws(Refusal) { return (try image.finish(), workers, history) } catch { throw .contents(offset: 0, error) }
    }
}

/// The sections of a snapshot in the order in which they are written: those of the state, those of the workers, then
/// those of the history.
package enum SnapshotSections {
    /// The rows of the table. The page in `proto-docs/` is printed from them.
    package static var all: [any SnapshotSection.Type] {
        StateImage.sections.sections.map { $0 as any SnapshotSection.Type }
            + WorkerTable.sections.sections.map { $0 as any SnapshotSection.Type }
            + HistoryOutbox.sections.sections.map { $0 as any SnapshotSection.Type }
    }
}
