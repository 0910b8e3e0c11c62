import FuseboxWire

/// The snapshots of a data directory. They are written so that a crash at any moment leaves a good one.
package struct SnapshotStore<Files: Storage>: Sendable {
    /// The number of generations that are kept.
    package static var generations: Int { 3 }

    /// The directory.
    package let files: Files

    /// The snapshots of a directory.
    package init(_ files: Files) { self.files = files }

    /// Writes and syncs a snapshot under a name that no start reads. Call `adopt` afterwards.
    ///
    /// - Parameter contents: writes the sections
    /// - Returns: false if a snapshot with this sequence and epoch exists already, because nothing has changed since
    package func prepare(
        _ header: SnapshotHeader, _ contents: (inout SnapshotWriter<FileSink<Files.File>>) throws(StorageError) -> Void
    ) throws(SnapshotFailure) -> Bool {
        let name = SnapshotName(sequence: header.sequence)
        if let existing = try? load(name), existing.header.epoch == header.epoch { return false }
        do throws(StorageError) {
            try? files.remove(name.partial)
            var writer = try SnapshotWriter(header, into: FileSink(file: try files.create(name.partial)))
            try contents(&writer)
            try writer.finish().file.sync()
        } catch {
            try? files.remove(name.partial)
            throw .storage(error)
        }
        return true
    }

    /// Verifies a prepared snapshot and gives it its name. Then removes generations that are too old.
    ///
    /// - Parameters:
    ///   - keepingAll: whether all older snapshots stay
    ///   - verify: loads the written file as a start does; if it throws, the new file is removed and nothing else
    ///     changes
    package func adopt(
        _ name: SnapshotName, keepingAll: Bool = false, _ verify: (SnapshotReader) throws(SnapshotDamage) -> Void
    ) throws(SnapshotFailure) -> SnapshotInfo {
        do throws(SnapshotFailure) {
            let reader = try load(name, from: name.partial)
            do throws(SnapshotDamage) { try verify(reader) } catch { throw .damaged(name.file, error) }
            do throws(StorageError) {
                try files.rename(name.partial, to: name.file)
                try files.syncDirectory()
            } catch { throw .storage(error) }
        } catch {
            // The next start must not find a file that cannot be read.
            try? files.remove(name.partial)
            throw error
        }
        if !keepingAll {
            do throws(StorageError) { try retire(before: name) } catch { throw .storage(error) }
        }
        return try info(name)
    }

    /// The names of the snapshots, newest first.
    package func list() throws(StorageError) -> [SnapshotName] {
        try files.list().compactMap { SnapshotName(file: $0) }.sorted { $0.sequence > $1.sequence }
    }

    /// Reads a snapshot. Verifies its checksums, and that its sequence matches its name.
    package func load(_ name: SnapshotName) throws(SnapshotFailure) -> SnapshotReader {
        try load(name, from: name.file)
    }

    private func load(_ name: SnapshotName, from file: String) throws(SnapshotFailure) -> SnapshotReader {
        let bytes: [UInt8]
        do throws(StorageError) { bytes = try files.read(file) } catch { throw .storage(error) }
        do throws(SnapshotDamage) {
            let reader = try SnapshotReader(bytes)
            try reader.verify()
            guard reader.header.sequence == name.sequence else { throw .misnamed(sequence: reader.header.sequence) }
            return reader
        } catch { throw .damaged(name.file, error) }
    }

    /// Describes a snapshot without reading its sections.
    package func info(_ name: SnapshotName) throws(SnapshotFailure) -> SnapshotInfo {
        var info = SnapshotInfo()
        info.file = name.file
        info.sequence = name.sequence
        do throws(StorageError) {
            info.length = UInt64(try files.length(of: name.file))
            let head = try files.read(name.file, at: 0, length: 256)
            info.takenAt = (try? SnapshotReader(head))?.header.wall ?? Timestamp(milliseconds: 0)
        } catch { throw .storage(error) }
        return info
    }

    /// The epoch in a snapshot's header. Nil if the header is not good.
    package func epoch(of name: SnapshotName) throws(StorageError) -> UInt64? {
        let head = try files.read(name.file, at: 0, length: 256)
        return (try? SnapshotReader(head))?.header.epoch
    }

    /// Sets aside a snapshot that cannot be read, under a name that is never read or deleted.
    ///
    /// - Returns: the new name
    @discardableResult
    package func setAside(_ name: SnapshotName) throws(StorageError) -> String {
        let kept = try files.freeName(name.damaged)
        try files.rename(name.file, to: kept)
        try files.syncDirectory()
        return kept
    }

    /// Removes the half-written files of a crash.
    package func removePartials() throws(StorageError) {
        for file in try files.list() where SnapshotName.isPartial(file) || HistoryMonth.isPartial(file) {
            try files.remove(file)
        }
    }

    /// Removes older snapshots than the generations that are kept. A name with a higher sequence than the newest was
    /// not given by a daemon and does not count.
    private func retire(before newest: SnapshotName) throws(StorageError) {
        let generations = try list().drop { $0.sequence > newest.sequence }
        for old in generations.dropFirst(Self.generations) { try files.remove(old.file) }
    }
}

/// Why a snapshot could not be written or read.
package enum SnapshotFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// A system call has failed.
    case storage(StorageError)
    /// The file with this name is damaged.
    case damaged(String, SnapshotDamage)

    package var description: String {
        switch self {
        case .storage(let error): error.description
        case .damaged(let file, let damage): "\(file): \(damage)"
        }
    }
}

/// The name of a snapshot file. It has the sequence in twenty digits, so that names sort by age.
package struct SnapshotName: Sendable, Hashable {
    /// The number of state changes in the snapshot.
    package let sequence: UInt64

    private static let prefix = "snapshot-"
    private static let suffix = ".fusebox"
    private static let partialSuffix = ".partial"

    /// The name for a sequence.
    package init(sequence: UInt64) { self.sequence = sequence }

    /// The name from a file name. Nil if the file is not a snapshot.
    package init?(file: String) {
        guard file.hasPrefix(Self.prefix), file.hasSuffix(Self.suffix) else { return nil }
        let digits = file.dropFirst(Self.prefix.count).dropLast(Self.suffix.count)
        guard let sequence = UInt64(digits) else { return nil }
        self.sequence = sequence
        // A number has more than one spelling. Only one of them is the name.
        guard self.file == file else { return nil }
    }

    /// The file name.
    package var file: String {
        let digits = String(sequence)
        return Self.prefix + String(repeating: "0", count: 20 - digits.utf8.count) + digits + Self.suffix
    }

    /// The file name while the snapshot is being written.
    var partial: String { file + Self.partialSuffix }
    /// The file name after the snapshot was set aside as damaged.
    package var damaged: String { file + ".damaged" }
    /// The file name after the snapshot was set aside because it belongs to another epoch.
    package var foreign: String { file + ".foreign" }

    static func isPartial(_ file: String) -> Bool { file.hasPrefix(prefix) && file.hasSuffix(partialSuffix) }
}

/// A file that a snapshot is written to.
package struct FileSink<File: StorageFile>: ByteSink, ~Copyable {
    let file: File

    package mutating func take(_ bytes: UnsafeRawBufferPointer) throws(StorageError) { try unsafe file.write(bytes) }
}

extension SnapshotStore {
    /// Removes the journal's segments that no kept snapshot needs.
    ///
    /// - Parameters:
    ///   - synced: the highest synced sequence of the journal; segments with later entries stay
    ///   - current: the segment that is being written
    package func retireJournal(synced: UInt64, before current: JournalName?) throws(SnapshotFailure) {
        do throws(StorageError) {
            guard let oldest = try list().last else { return }
            try files.retireSegments(upTo: min(oldest.sequence, synced), before: current)
        } catch { throw .storage(error) }
    }
}
