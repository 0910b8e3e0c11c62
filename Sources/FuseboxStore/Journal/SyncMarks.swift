import FuseboxWire

// Every entry of the journal tells how far the journal was on the disk when it was written, but nothing in the journal
// tells that of its last entries. `synced.fusebox` does, so that a last segment that is deleted, emptied or overwritten is
// missed. It has two places of 512 bytes, which are written in turn: a write that is cut short leaves the other one.
//
//   64 bytes, a `FileHead` with a `SyncMark`, then zeros
//
// A mark is written after each sync of the journal and synced about once a second: it outlives the process at once, and
// power loss soon after. It never tells of more than was on the disk.

/// How far the journal is known to have been on the disk.
public struct SyncMark: HeadRecord {
    /// The first bytes of every place.
    public static let magic: StaticString = "FUSEBOXM"
    /// The name of the file.
    public static let fileName = "synced.fusebox"
    /// The bytes of a place, of which there are two.
    static let placeBytes = 512
    static let fileBytes = 2 * placeBytes

    public var epoch: UInt64 = 0
    public var sequence: UInt64 = 0

    public init() {}

    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("epoch", &epoch, "the life of the state that the journal belongs to")
        try visitor.field("sequence", &sequence, "the highest sequence that was known to be on the disk")
    }

    /// The good marks of a directory by their place; empty if it has no such file.
    static func places<Files: Storage>(in files: Files) throws(StorageError) -> [SyncMark?] {
        let bytes: [UInt8]
        do throws(StorageError) { bytes = try files.read(fileName) } catch {
            guard error.isNotFound else { throw error }
            return []
        }
        guard bytes.count == fileBytes else { return [nil, nil] }
        return [try? FileHead.read(from: bytes[..<placeBytes]), try? FileHead.read(from: bytes[placeBytes...])]
    }

    /// The version of a mark that a newer program wrote; nil if there is none.
    public static func newerVersion<Files: Storage>(in files: Files) throws(StorageError) -> UInt32? {
        let bytes: [UInt8]
        do throws(StorageError) { bytes = try files.read(fileName) } catch {
            guard error.isNotFound else { throw error }
            return nil
        }
        for place in [bytes.prefix(placeBytes), bytes.dropFirst(placeBytes)] {
            do throws(HeadDamage) { _ = try FileHead.read(SyncMark.self, from: place) } catch {
                if case .newerVersion(let version) = error { return version }
            }
        }
        return nil
    }

    /// The good marks of a directory.
    public static func all<Files: Storage>(in files: Files) throws(StorageError) -> [SyncMark] {
        try places(in: files).compactMap { $0 }
    }
}

extension [SyncMark] {
    /// The highest sequence that was on the disk in this life of the state; 0 if no mark tells.
    public func highest(epoch: UInt64) -> UInt64 {
        filter { $0.epoch == epoch }.map(\.sequence).max() ?? 0
    }
}

/// The file of marks, being written. Used by one thread at a time.
final class SyncMarks<File: JournalFile>: @unchecked Sendable {
    private let file: File
    private let epoch: UInt64
    /// The place that is written next.
    private var place: Int
    private var bytes = ByteWriter(capacity: 64)

    private init(_ file: File, epoch: UInt64, place: Int) {
        self.file = file
        self.epoch = epoch
        self.place = place
    }

    /// Opens the file of a directory.
    ///
    /// - Returns: nil if there is none yet, or none of the right size
    static func existing<Files: JournalStorage>(
        in files: Files, epoch: UInt64
    ) throws(StorageError) -> SyncMarks? where Files.Segment == File {
        let places = try SyncMark.places(in: files)
        guard places.count == 2, try files.length(of: SyncMark.fileName) == SyncMark.fileBytes else { return nil }
        let own = places.map { $0?.epoch == epoch ? $0?.sequence : nil }
        // The higher one stays until the other is written.
        let next = (own[0] ?? 0) > (own[1] ?? 0) ? 1 : 0
        return SyncMarks(try files.openSegment(SyncMark.fileName), epoch: epoch, place: next)
    }

    /// Opens the file, or makes it. It may wait for the disk.
    static func ready<Files: JournalStorage>(
        in files: Files, epoch: UInt64
    ) throws(StorageError) -> SyncMarks where Files.Segment == File {
        if let marks = try existing(in: files, epoch: epoch) { return marks }
        try? files.remove(SyncMark.fileName)
        let file = try files.createSegment(SyncMark.fileName, length: SyncMark.fileBytes)
        try files.syncDirectory()
        return SyncMarks(file, epoch: epoch, place: 0)
    }

    /// Tells that the journal is on the disk up to a sequence.
    func write(_ sequence: UInt64) throws(StorageError) {
        var mark = SyncMark()
        mark.epoch = epoch
        mark.sequence = sequence
        bytes.removeAll()
        FileHead.write(mark, into: &bytes)
        let offset = place * SyncMark.placeBytes
        try unsafe bytes.withBytes { (bytes) throws(StorageError) in try unsafe file.write(bytes, at: offset) }
        place = 1 - place
    }

    /// Makes what was told survive power loss. May run beside `write`.
    func sync() throws(StorageError) { try file.sync() }
}
