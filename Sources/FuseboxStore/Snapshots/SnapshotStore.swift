import FuseboxWire

/// The snapshots of a data directory: written so that a crash at any moment leaves a good one, verified, and retired.
public struct SnapshotStore<Files: Storage>: Sendable {
    /// How many generations are kept.
    public static var generations: Int { 3 }

    public let files: Files

    public init(_ files: Files) { self.files = files }

    /// Writes a snapshot beside the others and makes it durable, under a name that no start reads: `adopt` has to follow.
    ///
    /// - Parameter contents: writes the sections
    /// - Returns: false if one of this sequence and life is there already, because nothing has changed since
    public func prepare(
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

    /// Verifies a prepared snapshot, gives it its name, and only then retires what is too old.
    ///
    /// - Parameters:
    ///   - keepingAll: whether the old ones stay, however many they are
    ///   - verify: loads what was written as a start does; what it throws ends the snapshot, and everything stays as it was
    public func adopt(
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
            // What cannot be read must not be taken for good at the next start.
            try? files.remove(name.partial)
            throw error
        }
        if !keepingAll {
            do throws(StorageError) { try retire(before: name) } catch { throw .storage(error) }
        }
        return try info(name)
    }

    /// The snapshots there are, newest first.
    public func list() throws(StorageError) -> [SnapshotName] {
        try files.list().compactMap { SnapshotName(file: $0) }.sorted { $0.sequence > $1.sequence }
    }

    /// Reads a snapshot and verifies its checksums, and that it is the one that its name tells.
    public func load(_ name: SnapshotName) throws(SnapshotFailure) -> SnapshotReader {
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

    /// What there is to say of a snapshot without reading its sections.
    public func info(_ name: SnapshotName) throws(SnapshotFailure) -> SnapshotInfo {
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

    /// The epoch that a snapshot's header names; nil if the header is not good.
    public func epoch(of name: SnapshotName) throws(StorageError) -> UInt64? {
        let head = try files.read(name.file, at: 0, length: 256)
        return (try? SnapshotReader(head))?.header.epoch
    }

    /// Sets a snapshot aside that cannot be read, under a name that is never read again and never deleted.
    ///
    /// - Returns: that name
    @discardableResult
    public func setAside(_ name: SnapshotName) throws(StorageError) -> String {
        let kept = try files.freeName(name.damaged)
        try files.rename(name.file, to: kept)
        try files.syncDirectory()
        return kept
    }

    /// Removes what a crash left half-written.
    public func removePartials() throws(StorageError) {
        for file in try files.list() where SnapshotName.isPartial(file) { try files.remove(file) }
    }

    /// Removes what is older than the generations that are kept. A name above the newest was given by no daemon and takes no place.
    private func retire(before newest: SnapshotName) throws(StorageError) {
        let generations = try list().drop { $0.sequence > newest.sequence }
        for old in generations.dropFirst(Self.generations) { try files.remove(old.file) }
    }
}

/// Why a snapshot could not be written or read.
public enum SnapshotFailure: Error, Sendable, Equatable, CustomStringConvertible {
    case storage(StorageError)
    case damaged(String, SnapshotDamage)

    public var description: String {
        switch self {
        case .storage(let error): error.description
        case .damaged(let file, let damage): "\(file): \(damage)"
        }
    }
}

/// The name of a snapshot's file: its sequence in twenty digits, so that names sort as their age does.
public struct SnapshotName: Sendable, Hashable {
    public let sequence: UInt64

    private static let prefix = "snapshot-"
    private static let suffix = ".fusebox"
    private static let partialSuffix = ".partial"

    public init(sequence: UInt64) { self.sequence = sequence }

    /// Nil if it is no snapshot's.
    public init?(file: String) {
        guard file.hasPrefix(Self.prefix), file.hasSuffix(Self.suffix) else { return nil }
        let digits = file.dropFirst(Self.prefix.count).dropLast(Self.suffix.count)
        guard let sequence = UInt64(digits) else { return nil }
        self.sequence = sequence
        // Numbers can be spelled in more ways than one.
        guard self.file == file else { return nil }
    }

    public var file: String {
        let digits = String(sequence)
        return Self.prefix + String(repeating: "0", count: 20 - digits.utf8.count) + digits + Self.suffix
    }

    /// While it is being written.
    var partial: String { file + Self.partialSuffix }
    /// When it has been set aside.
    public var damaged: String { file + ".damaged" }
    /// When it has been set aside because it belongs to another life of the state.
    public var foreign: String { file + ".foreign" }

    static func isPartial(_ file: String) -> Bool { file.hasPrefix(prefix) && file.hasSuffix(partialSuffix) }
}

/// A file as a snapshot's sink.
public struct FileSink<File: StorageFile>: ByteSink, ~Copyable {
    let file: File

    public mutating func take(_ bytes: UnsafeRawBufferPointer) throws(StorageError) { try unsafe file.write(bytes) }
}

extension SnapshotStore {
    /// Removes the segments of the journal that no kept snapshot needs.
    ///
    /// - Parameters:
    ///   - synced: the highest sequence that the journal is known to have on the disk: what is not there yet stays
    ///   - current: the segment that is being written
    public func retireJournal(synced: UInt64, before current: JournalName?) throws(SnapshotFailure) {
        do throws(StorageError) {
            guard let oldest = try list().last else { return }
            try files.retireSegments(upTo: min(oldest.sequence, synced), before: current)
        } catch { throw .storage(error) }
    }
}
