import FuseboxWire

// Every entry of the journal tells which entries were synced before it. Nothing in the journal tells this of the last
// entries. The file `synced.fusebox` does, so that a start notices if the last segment was deleted, emptied or
// overwritten. The file has two places of 512 bytes, which are written in turn. A torn write leaves the other one
// intact.
//
//   64 bytes, a `FileHead` with a `SyncMark`, then zeros
//
// A mark is written after each sync of the journal, and synced about once a second. So it survives the death of the
// process at once, and power loss soon after. It never names more than was synced.

/// A mark: the highest synced sequence of the journal.
package struct SyncMark: HeadRecord {
    /// The first bytes of every place.
    package static let magic: StaticString = "FUSEBOXM"
    /// The name of the file.
    package static let fileName = "synced.fusebox"
    /// The bytes of one of the two places.
    static let placeBytes = 512
    static let fileBytes = 2 * placeBytes

    /// The epoch of the state that the journal belongs to.
    package var epoch: UInt64 = 0
    /// The highest synced sequence.
    package var sequence: UInt64 = 0

    package init() {}

    package mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("epoch", &epoch, "the life of the state that the journal belongs to")
        try visitor.field("sequence", &sequence, "the highest sequence that was known to be on the disk")
    }

    /// The marks of a directory by their place; nil for one that is not good. Empty if the file is missing.
    static func places<Files: Storage>(in files: Files) throws(StorageError) -> [SyncMark?] {
        let bytes: [UInt8]
        do throws(StorageError) { bytes = try files.read(fileName) } catch {
            guard error.isNotFound else { throw error }
            return []
        }
        guard bytes.count == fileBytes else { return [nil, nil] }
        return [try? FileHead.read(from: bytes[..<placeBytes]), try? FileHead.read(from: bytes[placeBytes...])]
    }

    /// The version of a mark that a newer program wrote. Nil if there is none.
    package static func newerVersion<Files: Storage>(in files: Files) throws(StorageError) -> UInt32? {
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
    package static func all<Files: Storage>(in files: Files) throws(StorageError) -> [SyncMark] {
        try places(in: files).compactMap { $0 }
    }
}

extension [SyncMark] {
    /// The highest synced sequence of an epoch. 0 if there is no mark.
    package func highest(epoch: UInt64) -> UInt64 {
        filter { $0.epoch == epoch }.map(\.sequence).max() ?? 0
    }
}

/// The file of marks. It is used by one thread at a time.
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

    /// Opens the file in a directory.
    ///
    /// - Returns: nil if the file is missing or has another size
    static func existing<Files: JournalStorage>(
        in files: Files, epoch: UInt64
    ) throws(StorageError) -> SyncMarks? where Files.Segment == File {
        let places = try SyncMark.places(in: files)
        guard places.count == 2, try files.length(of: SyncMark.fileName) == SyncMark.fileBytes else { return nil }
        let own = places.map { $0?.epoch == epoch ? $0?.sequence : nil }
        // The lower mark is overwritten first.
        let next = (own[0] ?? 0) > (own[1] ?? 0) ? 1 : 0
        return SyncMarks(try files.openSegment(SyncMark.fileName), epoch: epoch, place: next)
    }

    /// Opens the file, or creates it. It may wait for the disk.
    static func ready<Files: JournalStorage>(
        in files: Files, epoch: UInt64
    ) throws(StorageError) -> SyncMarks where Files.Segment == File {
        if let marks = try existing(in: files, epoch: epoch) { return marks }
        try? files.remove(SyncMark.fileName)
        let file = try files.createSegment(SyncMark.fileName, length: SyncMark.fileBytes)
        try files.syncDirectory()
        return SyncMarks(file, epoch: epoch, place: 0)
    }

    /// Marks a sequence as synced.
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

    /// Syncs the marks. May run at the same time as `write`.
    func sync() throws(StorageError) { try file.sync() }
}
