import FuseboxWire

/// A directory that can hold a journal.
public protocol JournalStorage: Storage {
    associatedtype Segment: JournalFile

    /// Creates a file of this length with its space reserved: writing within it does not run out of space.
    func createSegment(_ name: String, length: Int) throws(StorageError) -> Segment
    /// Opens a file to go on writing in it.
    func openSegment(_ name: String) throws(StorageError) -> Segment
    /// Gives an open file another name.
    func rename(_ segment: Segment, from name: String, to other: String) throws(StorageError)
}

extension JournalStorage {
    /// Most segments need not know their name.
    public func rename(_ segment: Segment, from name: String, to other: String) throws(StorageError) {
        try rename(name, to: other)
    }
}

/// A segment's file.
public protocol JournalFile: AnyObject, Sendable {
    /// Writes all of the bytes at an offset. Called by one thread.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError)
    /// Makes what was written survive power loss. May run beside `write`.
    func sync() throws(StorageError)
    /// Takes the space for the file up to this length, if it has not got it yet: a copied file may have holes.
    func reserve(_ length: Int) throws(StorageError)
    /// Makes sure that a start would find the file under its name. May run beside `write`.
    ///
    /// - Throws: `StorageError.gone` if it was deleted, moved or replaced
    func checkPlace() throws(StorageError)
}

/// The name of a segment's file: the sequence of its first entry in twenty digits.
public struct JournalName: Sendable, Hashable {
    public let firstSequence: UInt64

    private static let prefix = "journal-"
    private static let suffix = ".fusebox"
    /// The name that a segment has before its first entry is known.
    public static let spare = "journal-spare.fusebox"

    public init(firstSequence: UInt64) { self.firstSequence = firstSequence }

    /// Nil if it is no segment's. Entries are numbered from 1 on.
    public init?(file: String) {
        guard file.hasPrefix(Self.prefix), file.hasSuffix(Self.suffix) else { return nil }
        let digits = file.dropFirst(Self.prefix.count).dropLast(Self.suffix.count)
        guard let sequence = UInt64(digits), sequence > 0 else { return nil }
        firstSequence = sequence
        // Numbers can be spelled in more ways than one.
        guard self.file == file else { return nil }
    }

    public var file: String {
        let digits = String(firstSequence)
        return Self.prefix + String(repeating: "0", count: 20 - digits.utf8.count) + digits + Self.suffix
    }

    /// When it has been set aside.
    public var damaged: String { file + ".damaged" }
    /// When it has been set aside because it belongs to another life of the state.
    public var foreign: String { file + ".foreign" }
    /// While `fusebox repair` writes a mended one.
    public var mended: String { file + ".mended" }
}

/// A segment that was prepared: it has its space and neither header nor name.
public struct SpareSegment<File: JournalFile>: Sendable {
    let file: File
    /// The file of marks, if the journal had none.
    let marks: SyncMarks<File>?
}

/// The journal that is being written: its last segment, and a spare to go on in.
///
/// It is used on one thread, but for `sync` and what `spareTask` returns, which run elsewhere: only those wait for the
/// disk.
public final class Journal<Files: JournalStorage> {
    private struct Active {
        let name: JournalName
        let file: Files.Segment
        /// The bytes that are reserved for it. Files of an earlier start may have another length than new ones.
        let length: Int
        var offset: Int
    }

    /// What is kept free for the entry that completes a segment.
    private static var sealBytes: Int { JournalBatch.length(payload: 0) }

    /// What `beginSync` begins.
    public let sync: JournalSync<Files>
    private let files: Files
    private let segmentLength: Int
    private let epoch: UInt64
    private var active: Active?
    /// The sequence of the entry that would follow the last one; nil if none would.
    private var following: UInt64?
    private var spare: SpareSegment<Files.Segment>?
    /// Complete segments that the next sync has to bring to the disk.
    private var unsynced: [Files.Segment] = []
    private var directoryIsUnsynced = false
    /// Nil until there is room for its file.
    private var marks: SyncMarks<Files.Segment>?
    /// Whether marks were written that are not on the disk, and whether the sync under way writes one.
    private var marksAreUnsynced = false
    private var isMarking = false

    /// Begins, or goes on in the segment that was left open if what comes next follows what it holds.
    ///
    /// Brings all that is there to the disk first. A process that was killed leaves files that the system holds and the
    /// disk does not: what follows them must not outlive them.
    ///
    /// - Parameters:
    ///   - segmentLength: the size of new segments in bytes
    ///   - sequence: the last one that the files hold; nil if what comes next does not follow what they hold
    ///   - open: the last segment and where its good entries end, if it was left without its last entry: what follows
    ///     them is cleared, and if something comes that follows them, it goes there
    /// - Throws: what fails when the rest of that segment is cleared, or when the files are synced. That a segment with
    ///   holes cannot be filled is no failure: what comes goes into the next one.
    public init(
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

    /// Overwrites what a torn write has left: what comes next must not be followed by it. What is zeros already, or a hole,
    /// stays so: this takes no space.
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

    /// Whether there is room for the holes of a segment.
    private static func reserve(_ file: Files.Segment, _ length: Int) throws(StorageError) -> Bool {
        do throws(StorageError) { try file.reserve(length) } catch {
            guard error.isFull else { throw error }
            return false
        }
        return true
    }

    // MARK: Room

    /// The bytes of entries that can be appended now without asking the file system for space.
    public var room: Int {
        guard let active else { return 0 }
        return max(0, active.length - active.offset - Self.sealBytes)
    }

    /// The bytes of entries that an empty segment takes.
    public var capacity: Int { segmentLength - JournalHeader.bytes - Self.sealBytes }

    /// Whether there is a segment to append to.
    public var isOpen: Bool { active != nil }

    /// Whether a spare is ready.
    public var hasSpare: Bool { spare != nil }

    /// Prepares a spare segment, and the file of marks if there is none; what it gives is handed to `add`. It waits for the
    /// disk: run it elsewhere.
    public func spareTask() -> @Sendable () -> Result<SpareSegment<Files.Segment>, StorageError> {
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

    public func add(_ spare: SpareSegment<Files.Segment>) {
        self.spare = spare
        if let new = spare.marks { marks = new }
    }

    /// Completes the segment and goes on in the spare. Call it between batches, when the segment is nearly full.
    ///
    /// If the next entry does not follow the last one, the new segment says so: it needs a snapshot of the sequence before.
    ///
    /// - Parameters:
    ///   - sequence: of the next entry
    ///   - synced: the highest sequence that is known to be on the disk
    public func rotate(next sequence: UInt64, synced: UInt64) throws(StorageError) {
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

    /// Goes on without completing the segment: the entry that would do so is not the next one.
    private func leave() {
        if let active { unsynced.append(active.file) }
        active = nil
    }

    /// Completes the segment, if it has any entries. The next sync brings it to the disk.
    public func seal(synced: UInt64) throws(StorageError) {
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
    public func append(_ batch: borrowing JournalBatch) throws(StorageError) {
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

    /// Begins to bring everything that has been appended to the disk: `sync.run` has to follow. One at a time.
    ///
    /// - Parameter sequence: the highest that was appended, to be marked as on the disk; nil if what the disk holds up to
    ///   there is of no use without a snapshot that is not there yet
    public func beginSync(marking sequence: UInt64?) {
        isMarking = marks != nil && sequence != nil
        sync.begin(active?.file, &unsynced, withDirectory: directoryIsUnsynced, marking: sequence, in: marks)
        directoryIsUnsynced = false
    }

    /// Brings everything that has been appended to the disk, and waits for it. Not while another sync is under way.
    public func syncNow(marking sequence: UInt64?) throws(StorageError) {
        beginSync(marking: sequence)
        sync.run()
        endSync()
        if let failure = sync.failure { throw failure }
    }

    /// Tells that `sync.run` has ended.
    public func endSync() { marksAreUnsynced = marksAreUnsynced || isMarking }

    /// Marks what the files held at the start, which is on the disk by now.
    public func markStart(_ sequence: UInt64) throws(StorageError) {
        guard let marks, sequence > 0 else { return }
        try marks.write(sequence)
        marksAreUnsynced = true
    }

    /// Makes the marks survive power loss; nil if they do. It waits for the disk: run it elsewhere.
    public func marksTask() -> (@Sendable () -> StorageError?)? {
        guard marksAreUnsynced, let marks else { return nil }
        marksAreUnsynced = false
        return {
            do throws(StorageError) { try marks.sync() } catch { return error }
            return nil
        }
    }

    /// Makes sure that a start would find the open segment.
    ///
    /// - Throws: `StorageError.gone` if it was deleted, moved or replaced
    public func checkPlace() throws(StorageError) { try active?.file.checkPlace() }

    /// The segment that is being written; nil if there is none.
    public var current: JournalName? { active?.name }

    private static func write(
        _ bytes: borrowing ByteWriter, to file: Files.Segment, at offset: Int
    ) throws(StorageError) {
        try unsafe bytes.withBytes { (bytes) throws(StorageError) in try unsafe file.write(bytes, at: offset) }
    }
}

extension Storage {
    /// The journal's segments, oldest first.
    public func segments() throws(StorageError) -> [JournalName] {
        try list().compactMap { JournalName(file: $0) }.sorted { $0.firstSequence < $1.firstSequence }
    }

    /// The epoch that a segment's header names; nil if the header is not good.
    public func epoch(of name: JournalName) throws(StorageError) -> UInt64? {
        let head = try read(name.file, at: 0, length: JournalHeader.bytes)
        return (try? JournalReader(head))?.header.epoch
    }

    /// Removes the segments that hold nothing after `sequence`.
    ///
    /// Where one ends is told by the next one. A file whose header does not agree with its name tells nothing, and stays.
    ///
    /// - Parameter current: the segment that is being written; it stays, and so does what comes after it
    public func retireSegments(upTo sequence: UInt64, before current: JournalName?) throws(StorageError) {
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
