import FuseboxWire

/// A directory that can hold a journal.
package protocol JournalStorage: Storage {
    /// The file of a segment.
    associatedtype Segment: JournalFile

    /// Creates a file of this length with its space reserved, so that writes within it do not run out of space.
    func createSegment(_ name: String, length: Int) throws(StorageError) -> Segment
    /// Opens a file for further writes.
    func openSegment(_ name: String) throws(StorageError) -> Segment
    /// Gives an open file another name.
    func rename(_ segment: Segment, from name: String, to other: String) throws(StorageError)
}

extension JournalStorage {
    /// The default renames the file only, for segments that do not know their name.
    package func rename(_ segment: Segment, from name: String, to other: String) throws(StorageError) {
        try rename(name, to: other)
    }
}

/// The file of a segment.
package protocol JournalFile: AnyObject, Sendable {
    /// Writes all bytes at an offset. Only one thread calls this.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError)
    /// Syncs the file, so that what was written survives power loss. May run at the same time as `write`.
    func sync() throws(StorageError)
    /// Reserves the space of the file up to this length. A file that was copied may have holes.
    func reserve(_ length: Int) throws(StorageError)
    /// Checks that a start would find the file under its name. May run at the same time as `write`.
    ///
    /// - Throws: `StorageError.gone` if it was deleted, moved or replaced
    func checkPlace() throws(StorageError)
}

/// The name of a segment file. It has the sequence of the first entry in twenty digits.
package struct JournalName: Sendable, Hashable {
    /// The sequence of the segment's first entry.
    package let firstSequence: UInt64

    private static let prefix = "journal-"
    private static let suffix = ".fusebox"
    /// The file name of a segment before its first entry is known.
    package static let spare = "journal-spare.fusebox"

    /// The name for the sequence of a first entry.
    package init(firstSequence: UInt64) { self.firstSequence = firstSequence }

    /// The name from a file name. Nil if the file is not a segment. Entries are numbered from 1 on.
    package init?(file: String) {
        guard file.hasPrefix(Self.prefix), file.hasSuffix(Self.suffix) else { return nil }
        let digits = file.dropFirst(Self.prefix.count).dropLast(Self.suffix.count)
        guard let sequence = UInt64(digits), sequence > 0 else { return nil }
        firstSequence = sequence
        // A number has more than one spelling. Only one of them is the name.
        guard self.file == file else { return nil }
    }

    /// The file name.
    package var file: String {
        let digits = String(firstSequence)
        return Self.prefix + String(repeating: "0", count: 20 - digits.utf8.count) + digits + Self.suffix
    }

    /// The file name after the segment was set aside as damaged.
    package var damaged: String { file + ".damaged" }
    /// The file name after the segment was set aside because it belongs to another epoch.
    package var foreign: String { file + ".foreign" }
    /// The file name of a repaired segment while `fusebox repair` writes it.
    package var mended: String { file + ".mended" }
}

/// A prepared segment. Its space is reserved, and it has no header and no final name yet.
package struct SpareSegment<File: JournalFile>: Sendable {
    let file: File
    /// The file of marks. Nil if the journal had one already.
    let marks: SyncMarks<File>?
}

/// The journal that is being written: its last segment, and a spare segment to continue in.
///
/// It is used on one thread. Only `sync` and the tasks that `spareTask` and `marksTask` return wait for the disk. They
/// run on other threads.
package final class Journal<Files: JournalStorage> {
    private struct Active {
        let name: JournalName
        let file: Files.Segment
        /// The length of the file in bytes. Files of an earlier start may have another length than new ones.
        let length: Int
        var offset: Int
    }

    /// The bytes that are kept free for the seal.
    private static var sealBytes: Int { JournalBatch.length(payload: 0) }

    /// The sync that `beginSync` prepares.
    package let sync: JournalSync<Files>
    private let files: Files
    private let segmentLength: Int
    private let epoch: UInt64
    private var active: Active?
    /// The sequence of the entry that continues the files. Nil if no entry can continue them.
    private var following: UInt64?
    private var spare: SpareSegment<Files.Segment>?
    /// Complete segments that the next sync must cover.
    private var unsynced: [Files.Segment] = []
    private var directoryIsUnsynced = false
    /// The file of marks. Nil until there is room for it.
    private var marks: SyncMarks<Files.Segment>?
    /// Whether marks were written that are not synced, and whether the sync under way writes one.
    package private(set) var marksAreUnsynced = false
    private var isMarking = false

    /// Opens a journal. Continues in the segment that was left open, if the next entry follows its entries.
    ///
    /// Syncs all existing files first. A killed process leaves files that are not on disk yet, and later entries must
    /// not outlive them.
    ///
    /// - Parameters:
    ///   - segmentLength: the length of new segments in bytes
    ///   - sequence: the last sequence in the files; nil if the next entry does not continue them
    ///   - open: the segment that was left without a seal, and the offset at which its good entries end; the bytes
    ///     after that offset are cleared
    /// - Throws: the error of clearing that segment or of syncing the files. A lack of space for the holes of a segment
    ///   does not throw: the next entry goes into another segment.
    package init(
        _ files: Files, epoch: UInt64, segmentLength: Int, after sequence: UInt64?,
        clearing open: (name: JournalName, offset: Int)? = nil
    ) throws(StorageError) {
        self.files = files
        sync = JournalSync(files)
        self.segmentLength = segmentLength
        self.epoch = epoch
        following = sequence.map { $0 + 1 }
        try? files.remove(JournalName.spare)
        for name in try files.segments() where name != open?.name { try files.openSegment(name.file).sync() }
        if let open {
            let file = try files.openSegment(open.name.file)
            let length = try files.length(of: open.name.file)
            try Self.clear(file, open.name.file, of: files, from: open.offset, to: length)
            let isReserved = try Self.reserve(file, length)
            try file.sync()
            if sequence != nil, isReserved {
                active = Active(name: open.name, file: file, length: length, offset: open.offset)
            }
        }
        marks = try SyncMarks.existing(in: files, epoch: epoch)
        try files.syncDirectory()
    }

    /// Overwrites the rest of a torn write with zeros, so that it does not follow the next entry. Zeros and holes are
    /// not written, so this takes no space.
    private static func clear(
        _ file: Files.Segment, _ name: String, of files: Files, from offset: Int, to end: Int
    ) throws(StorageError) {
        let zeros = [UInt8](repeating: 0, count: 64 * 1024)
        var place = offset
        while place < end {
            let piece = try files.read(name, at: place, length: min(zeros.count, end - place))
            guard !piece.isEmpty else { return }
            if unsafe !piece.withUnsafeBytes({ unsafe JournalReader.isZero($0, from: 0) }) {
                var failure: StorageError?
                unsafe zeros.withUnsafeBytes { bytes in
                    do throws(StorageError) {
                        try unsafe file.write(UnsafeRawBufferPointer(rebasing: bytes[..<piece.count]), at: place)
                    } catch { failure = error }
                }
                if let failure { throw failure }
            }
            place += piece.count
        }
    }

    /// Fills the holes of a segment. Returns false if there is no space.
    private static func reserve(_ file: Files.Segment, _ length: Int) throws(StorageError) -> Bool {
        do throws(StorageError) { try file.reserve(length) } catch {
            guard error.isFull else { throw error }
            return false
        }
        return true
    }

    // MARK: Room

    /// The bytes of entries that fit into the open segment.
    package var room: Int {
        guard let active else { return 0 }
        return max(0, active.length - active.offset - Self.sealBytes)
    }

    /// The bytes of entries that fit into an empty segment.
    package var capacity: Int { segmentLength - JournalHeader.bytes - Self.sealBytes }

    /// Whether there is a segment to append to.
    package var isOpen: Bool { active != nil }

    /// Whether a spare is ready.
    package var hasSpare: Bool { spare != nil }

    /// A task that prepares a spare segment, and the file of marks if there is none. Run it on another thread, because
    /// it waits for the disk. Pass its result to `add`.
    package func spareTask() -> @Sendable () -> Result<SpareSegment<Files.Segment>, StorageError> {
        let files = files
        let length = segmentLength
        let epoch = epoch
        let hasMarks = marks != nil
        return {
            do throws(StorageError) {
                let marks = hasMarks ? nil : try SyncMarks.ready(in: files, epoch: epoch)
                try? files.remove(JournalName.spare)
                let file = try files.createSegment(JournalName.spare, length: length)
                return .success(SpareSegment(file: file, marks: marks))
            } catch { return .failure(error) }
        }
    }

    /// Adds the spare segment that a task has prepared.
    package func add(_ spare: SpareSegment<Files.Segment>) {
        self.spare = spare
        if let new = spare.marks { marks = new }
    }

    /// Completes the segment and continues in the spare. Call it between batches, when the segment is nearly full.
    ///
    /// If the next entry does not follow the last one, the header of the new segment says so. The segment then needs a
    /// snapshot with the sequence before its first entry.
    ///
    /// - Parameters:
    ///   - sequence: the sequence of the next entry
    ///   - synced: the highest synced sequence
    package func rotate(next sequence: UInt64, synced: UInt64) throws(StorageError) {
        guard let spare else { return }
        let isRebased = sequence != following
        if isRebased { leave() } else { try seal(synced: synced) }
        var header = ByteWriter()
        FileHead.write(JournalHeader(epoch: epoch, firstSequence: sequence, isRebased: isRebased), into: &header)
        try Self.write(header, to: spare.file, at: 0)
        let name = JournalName(firstSequence: sequence)
        try files.rename(spare.file, from: JournalName.spare, to: name.file)
        directoryIsUnsynced = true
        active = Active(name: name, file: spare.file, length: segmentLength, offset: JournalHeader.bytes)
        following = sequence
        self.spare = nil
    }

    /// Leaves the segment without a seal, because the next entry does not follow its entries.
    private func leave() {
        if let active { unsynced.append(active.file) }
        active = nil
    }

    /// Completes the segment with a seal, if it has entries. The next sync covers it.
    ///
    /// - Parameter synced: the highest synced sequence
    package func seal(synced: UInt64) throws(StorageError) {
        guard let active, active.offset > JournalHeader.bytes, let following else { return }
        var entry = JournalEntry()
        entry.sequence = following
        entry.synced = synced
        entry.command = JournalEntry.seal
        var batch = JournalBatch()
        unsafe batch.append(entry, payload: UnsafeRawBufferPointer(start: nil, count: 0))
        try write(batch, to: active)
        unsynced.append(active.file)
        self.active = nil
    }

    // MARK: Entries

    /// Writes a batch. It survives the death of the process from here on, and power loss after the next sync.
    package func append(_ batch: borrowing JournalBatch) throws(StorageError) {
        guard var active else { preconditionFailure("a batch is appended to a segment") }
        precondition(batch.firstSequence == following, "entries follow one another")
        try write(batch, to: active)
        active.offset += batch.count
        self.active = active
        following = batch.lastSequence + 1
    }

    private func write(_ batch: borrowing JournalBatch, to active: Active) throws(StorageError) {
        try unsafe batch.withBytes { (bytes) throws(StorageError) in
            try unsafe active.file.write(bytes, at: active.offset)
        }
    }

    /// Begins a sync of everything that was appended. Call `sync.run` next, then `endSync`. Only one sync runs at a
    /// time.
    ///
    /// - Parameter sequence: the highest sequence, to be marked as synced; nil if a start cannot use the entries yet
    ///   because they need a snapshot that is not on disk
    package func beginSync(marking sequence: UInt64?) {
        isMarking = marks != nil && sequence != nil
        sync.begin(active?.file, &unsynced, withDirectory: directoryIsUnsynced, marking: sequence, in: marks)
        directoryIsUnsynced = false
    }

    /// Syncs everything that was appended, and waits for it. No other sync may be under way.
    package func syncNow(marking sequence: UInt64?) throws(StorageError) {
        beginSync(marking: sequence)
        sync.run()
        endSync()
        if let failure = sync.failure { throw failure }
    }

    /// Notes that `sync.run` has ended.
    package func endSync() { marksAreUnsynced = marksAreUnsynced || isMarking }

    /// Marks the entries that were found at the start. They are synced by now.
    package func markStart(_ sequence: UInt64) throws(StorageError) {
        guard let marks, sequence > 0 else { return }
        try marks.write(sequence)
        marksAreUnsynced = true
    }

    /// A task that syncs the marks. Run it on another thread, because it waits for the disk. Nil if they are synced.
    package func marksTask() -> (@Sendable () -> StorageError?)? {
        guard marksAreUnsynced, let marks else { return nil }
        marksAreUnsynced = false
        return {
            do throws(StorageError) { try marks.sync() } catch { return error }
            return nil
        }
    }

    /// Checks that a start would find the open segment.
    ///
    /// - Throws: `StorageError.gone` if it was deleted, moved or replaced
    package func checkPlace() throws(StorageError) { try active?.file.checkPlace() }

    /// The segment that is being written. Nil if there is none.
    package var current: JournalName? { active?.name }

    private static func write(
        _ bytes: borrowing ByteWriter, to file: Files.Segment, at offset: Int
    ) throws(StorageError) {
        try unsafe bytes.withBytes { (bytes) throws(StorageError) in try unsafe file.write(bytes, at: offset) }
    }
}

extension Storage {
    /// The names of the journal's segments, oldest first.
    package func segments() throws(StorageError) -> [JournalName] {
        try list().compactMap { JournalName(file: $0) }.sorted { $0.firstSequence < $1.firstSequence }
    }

    /// The epoch in a segment's header. Nil if the header is not good.
    package func epoch(of name: JournalName) throws(StorageError) -> UInt64? {
        let head = try read(name.file, at: 0, length: JournalHeader.bytes)
        return (try? JournalReader(head))?.header.epoch
    }

    /// Removes the segments without an entry after `sequence`.
    ///
    /// The next segment tells where a segment ends. A file whose header does not agree with its name is not considered,
    /// and stays.
    ///
    /// - Parameter current: the segment that is being written; it stays, and so do later ones
    package func retireSegments(upTo sequence: UInt64, before current: JournalName?) throws(StorageError) {
        var names: [JournalName] = []
        for name in try segments() where name.firstSequence <= current?.firstSequence ?? .max {
            let head = try read(name.file, at: 0, length: JournalHeader.bytes)
            if (try? JournalReader(head))?.header.firstSequence == name.firstSequence { names.append(name) }
        }
        for (name, next) in zip(names, names.dropFirst()) where next.firstSequence - 1 <= sequence {
            try remove(name.file)
        }
    }
}
