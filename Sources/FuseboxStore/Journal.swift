import FuseboxWire

/// A directory that can hold a journal.
public protocol JournalStorage: Storage {
    associatedtype Segment: JournalFile

    /// Creates a file of this length with its space reserved: writing within it does not run out of space.
    func createSegment(_ name: String, length: Int) throws(StorageError) -> Segment
    /// Opens a file to go on writing in it.
    func openSegment(_ name: String) throws(StorageError) -> Segment
}

/// A segment's file.
public protocol JournalFile: AnyObject, Sendable {
    /// Writes all of the bytes at an offset. Called by one thread.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StorageError)
    /// Makes what was written survive power loss. May run beside `write`.
    func sync() throws(StorageError)
}

/// The name of a segment's file: the sequence of its first entry in twenty digits.
public struct JournalName: Sendable, Hashable {
    public let firstSequence: UInt64

    private static let prefix = "journal-"
    private static let suffix = ".fusebox"

    public init(firstSequence: UInt64) { self.firstSequence = firstSequence }

    /// Nil if it is no segment's.
    public init?(file: String) {
        guard file.hasPrefix(Self.prefix), file.hasSuffix(Self.suffix) else { return nil }
        let digits = file.dropFirst(Self.prefix.count).dropLast(Self.suffix.count)
        guard digits.utf8.count == 20, let sequence = UInt64(digits) else { return nil }
        firstSequence = sequence
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
}

/// The journal that is being written: its last segment, and a spare to go on in.
///
/// It is used on one thread, but for `sync` and what `spareTask` returns, which run elsewhere: only those wait for the
/// disk.
public final class Journal<Files: JournalStorage> {
    private struct Active {
        let name: JournalName
        let file: Files.Segment
        var offset: Int
    }

    /// The name that a segment has before its first entry is known.
    static var spareName: String { "journal-spare.fusebox" }
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
    /// - Throws: what fails when the rest of that segment is cleared, or when the files are synced
    public init(
        _ files: Files, epoch: UInt64, segmentLength: Int, after sequence: UInt64?,
        clearing open: (name: JournalName, offset: Int)? = nil
    ) throws(StorageError) {
        self.files = files
        sync = JournalSync(files)
        self.segmentLength = segmentLength
        self.epoch = epoch
        following = sequence.map { $0 + 1 }
        try? files.remove(Self.spareName)
        for name in try files.segments() where name != open?.name { try files.openSegment(name.file).sync() }
        if let open {
            let file = try files.openSegment(open.name.file)
            try Self.clear(file, from: open.offset, to: try files.length(of: open.name.file))
            try file.sync()
            if sequence != nil { active = Active(name: open.name, file: file, offset: open.offset) }
        }
        try files.syncDirectory()
    }

    /// Overwrites what a torn write has left: what comes next must not be followed by it.
    private static func clear(_ file: Files.Segment, from offset: Int, to end: Int) throws(StorageError) {
        let zeros = [UInt8](repeating: 0, count: 64 * 1024)
        var place = offset
        while place < end {
            let length = min(zeros.count, end - place)
            var failure: StorageError?
            unsafe zeros.withUnsafeBytes { bytes in
                do throws(StorageError) {
                    try unsafe file.write(UnsafeRawBufferPointer(rebasing: bytes[..<length]), at: place)
                } catch { failure = error }
            }
            if let failure { throw failure }
            place += length
        }
    }

    // MARK: Room

    /// The bytes of entries that can be appended now without asking the file system for space.
    public var room: Int {
        guard let active else { return 0 }
        return max(0, segmentLength - active.offset - Self.sealBytes)
    }

    /// The bytes of entries that an empty segment takes.
    public var capacity: Int { segmentLength - JournalHeader.bytes - Self.sealBytes }

    /// Whether there is a segment to append to.
    public var isOpen: Bool { active != nil }

    /// Whether a spare is ready.
    public var hasSpare: Bool { spare != nil }

    /// Whether a spare should be prepared.
    public var wantsSpare: Bool { spare == nil }

    /// Prepares a spare segment; what it gives is handed to `add`. It waits for the disk: run it elsewhere.
    public func spareTask() -> @Sendable () -> Result<SpareSegment<Files.Segment>, StorageError> {
        let files = files
        let length = segmentLength
        return {
            do throws(StorageError) {
                try? files.remove(Self.spareName)
                return .success(SpareSegment(file: try files.createSegment(Self.spareName, length: length)))
            } catch { return .failure(error) }
        }
    }

    public func add(_ spare: SpareSegment<Files.Segment>) { self.spare = spare }

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
        header.write(contentsOf: JournalHeader.magic)
        JournalHeader(epoch: epoch, firstSequence: sequence, isRebased: isRebased).encode(into: &header)
        header.write(unsafe header.withBytes { unsafe Checksum.of($0) })
        try Self.write(header, to: spare.file, at: 0)
        let name = JournalName(firstSequence: sequence)
        try files.rename(Self.spareName, to: name.file)
        directoryIsUnsynced = true
        active = Active(name: name, file: spare.file, offset: JournalHeader.bytes)
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
    public func beginSync() {
        sync.begin(active?.file, &unsynced, withDirectory: directoryIsUnsynced)
        directoryIsUnsynced = false
    }

    /// Brings everything that has been appended to the disk, and waits for it. Not while another sync is under way.
    public func syncNow() throws(StorageError) {
        beginSync()
        sync.run()
        if let failure = sync.failure { throw failure }
    }

    private static func write(
        _ bytes: borrowing ByteWriter, to file: Files.Segment, at offset: Int
    ) throws(StorageError) {
        try unsafe bytes.withBytes { (bytes) throws(StorageError) in try unsafe file.write(bytes, at: offset) }
    }
}

/// A sync of a journal: one object for all of them, so that beginning one allocates nothing.
///
/// From `begin` until its end has been told to the journal's thread, only the thread that runs it may touch it; what
/// hands the work over and back orders the two. That is why it may be sent.
public final class JournalSync<Files: JournalStorage>: @unchecked Sendable {
    private let files: Files
    private var active: Files.Segment?
    /// Complete segments that are not on the disk yet: hardly ever any.
    private var complete: [Files.Segment] = []
    private var includesDirectory = false
    /// What failed in the last run.
    public private(set) var failure: StorageError?

    init(_ files: Files) { self.files = files }

    fileprivate func begin(_ active: Files.Segment?, _ complete: inout [Files.Segment], withDirectory: Bool) {
        self.active = active
        includesDirectory = withDirectory
        guard !complete.isEmpty else { return }
        self.complete = complete
        complete = []
    }

    /// Brings it all to the disk. It waits: run it elsewhere. Then `failure` tells how it went.
    public func run() {
        do throws(StorageError) {
            for segment in complete { try segment.sync() }
            try active?.sync()
            if includesDirectory { try files.syncDirectory() }
            failure = nil
        } catch { failure = error }
        active = nil
        if !complete.isEmpty { complete = [] }
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
    public func retireSegments(upTo sequence: UInt64) throws(StorageError) {
        let names = try segments()
        for (name, next) in zip(names, names.dropFirst()) where next.firstSequence <= sequence + 1 {
            try remove(name.file)
        }
    }
}
