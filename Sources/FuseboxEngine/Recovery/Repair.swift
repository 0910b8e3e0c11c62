import FuseboxStore
import FuseboxWire

/// Repairs a data directory, so that a daemon can start on it. It keeps every file that it takes out of use.
///
/// A repair continues without acknowledged changes that are damaged, which recovery refuses to do. It may be
/// interrupted at any moment: the directory then holds what it held before, or the result of a completed step, and the
/// repair can be run again.
package struct Repair: Sendable {
    /// What was done, one sentence for each step.
    package private(set) var steps: [String] = []
    /// The sequences of changes that the files taken out of use may have held. Nil if nothing was lost.
    package private(set) var lost: ClosedRange<UInt64>?
    /// The snapshot that was written for the next start. Nil if none was needed.
    package private(set) var written: SnapshotInfo?
    /// The highest sequence that is known to have been given out.
    private var highest: UInt64 = 0

    /// Repairs a directory. No other process may use it.
    ///
    /// - Throws: the refusal that a repair cannot lift, or the failure of a step
    package init<Files: Storage>(_ store: SnapshotStore<Files>) throws(RepairFailure) {
        do throws(StorageError) {
            try Self.removeLeftovers(store.files)
            highest = try store.list().first { $0.sequence <= SequenceBound.highest }?.sequence ?? 0
        } catch { throw .storage(error) }
        while let refusal = Self.refusal(store, acceptsLostTail: true) { try lift(refusal, store) }
        try finish(store)
    }

    /// Why a start would be refused now. Nil if it would not.
    private static func refusal<Files: Storage>(
        _ store: SnapshotStore<Files>, acceptsLostTail: Bool = false
    ) -> RecoveryRefusal? {
        do throws(RecoveryRefusal) { _ = try Recovered.find(in: store, acceptsLostTail: acceptsLostTail) } catch {
            return error
        }
        return nil
    }

    // MARK: Refusals

    /// Takes the files out of use that recovery was refused for.
    private mutating func lift<Files: Storage>(
        _ refusal: RecoveryRefusal, _ store: SnapshotStore<Files>
    ) throws(RepairFailure) {
        if case .misplaced(let file, _) = refusal, let name = JournalName(file: file) {
            // The name of this segment cannot be trusted, and later segments have nothing to do with it.
            do throws(StorageError) { return try setAside(name, store.files, trustingName: false) } catch {
                throw .storage(error)
            }
        }
        let found: (name: JournalName, offset: Int)? =
            switch refusal {
            case .damagedJournal(let file, let offset, _): JournalName(file: file).map { ($0, offset) }
            case .gap(_, let file), .lostBase(let file): JournalName(file: file).map { ($0, 0) }
            case .allDamaged, .newerVersion, .unreadable, .journalWithoutBase, .otherSemantics, .foreignJournal,
                .impossibleSequence, .misplaced, .lostTail:
                nil
            }
        guard let found else { throw .refused(refusal) }
        do throws(StorageError) {
            try setAside(after: found.name, store.files)
            try cut(found.name, at: found.offset, store.files)
        } catch { throw .storage(error) }
    }

    /// Sets aside the segments after one. It begins with the last, so that an interruption leaves no new gap.
    private mutating func setAside<Files: Storage>(after name: JournalName, _ files: Files) throws(StorageError) {
        let later = try files.segments().filter { $0.firstSequence > name.firstSequence }
        for segment in later.reversed() { try setAside(segment, files) }
    }

    private mutating func setAside<Files: Storage>(
        _ name: JournalName, _ files: Files, trustingName: Bool = true
    ) throws(StorageError) {
        let bytes = try files.read(name.file)
        if trustingName {
            note(bytes, of: name, from: 0)
        } else {
            highest = max(highest, JournalReader.highestSequence(in: bytes, from: 0) ?? 0)
        }
        let kept = try files.freeName(name.damaged)
        try files.rename(name.file, to: kept)
        try files.syncDirectory()
        steps.append("\(name.file) was set aside as \(kept)")
    }

    /// Replaces a segment by one that ends before `offset`. The old file is kept beside it.
    private mutating func cut<Files: Storage>(
        _ name: JournalName, at offset: Int, _ files: Files
    ) throws(StorageError) {
        let bytes = try files.read(name.file)
        guard offset >= JournalHeader.bytes else { return try setAside(name, files) }
        note(bytes, of: name, from: offset)
        let kept = try files.freeName(name.damaged)
        try Self.write(bytes, to: name.mended, files)
        try files.rename(name.mended, to: kept)
        // The rest is filled with zeros, because a segment has its full length.
        try Self.write(bytes[..<offset] + [UInt8](repeating: 0, count: bytes.count - offset), to: name.mended, files)
        try files.syncDirectory()
        try files.rename(name.mended, to: name.file)
        try files.syncDirectory()
        steps.append("\(name.file) was cut at byte \(offset); the original is kept as \(kept)")
    }

    /// Remembers the highest sequence in a segment that is taken out of use.
    private mutating func note(_ bytes: [UInt8], of name: JournalName, from offset: Int) {
        let last = JournalReader.highestSequence(in: bytes, from: offset) ?? 0
        highest = max(highest, last, name.firstSequence - min(name.firstSequence, 1))
    }

    // MARK: The end

    /// Writes the recovered state as a snapshot for the next start, and sets damaged snapshots aside.
    private mutating func finish<Files: Storage>(_ store: SnapshotStore<Files>) throws(RepairFailure) {
        let recovered: Recovered
        do throws(RecoveryRefusal) { recovered = try Recovered.find(in: store, acceptsLostTail: true) } catch {
            throw .refused(error)
        }
        let last = recovered.replayedSequence
        highest = max(highest, recovered.situation.marked)
        if highest > last {
            lost = last + 1...highest
            // The snapshot's sequence is above every one that was given out. It is on disk before other files are
            // moved.
            do throws(SnapshotFailure) {
                let info = try recovered.capture(sequence: highest + 1).write(to: store, keepingAll: true)
                steps.append("\(info.file) was written with the remaining state")
                written = info
            } catch { throw .snapshot(error) }
        }
        for name in recovered.damagedSnapshots {
            do throws(StorageError) {
                steps.append("\(name.file) was set aside as \(try store.setAside(name))")
            } catch { throw .storage(error) }
        }
        if let refusal = Self.refusal(store) { throw .refused(refusal) }
    }

    // MARK: Files

    private static func removeLeftovers<Files: Storage>(_ files: Files) throws(StorageError) {
        for file in try files.list() where file.hasSuffix(".mended") { try files.remove(file) }
    }

    private static func write<Files: Storage>(
        _ bytes: [UInt8], to name: String, _ files: Files
    ) throws(StorageError) {
        let file = try files.create(name)
        var failure: StorageError?
        unsafe bytes.withUnsafeBytes { bytes in
            do throws(StorageError) { try unsafe file.write(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
        try file.sync()
    }
}

/// Why a directory could not be repaired.
package enum RepairFailure: Error, Sendable, CustomStringConvertible {
    /// A repair cannot lift this refusal. The refusal says what is needed.
    case refused(RecoveryRefusal)
    case storage(StorageError)
    case snapshot(SnapshotFailure)

    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .storage(let error): error.description
        case .snapshot(let failure): failure.description
        }
    }
}
