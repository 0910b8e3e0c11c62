import FuseboxStore
import FuseboxWire

/// Brings a data directory into a state that a daemon can start on, and keeps every file that it takes out of use.
///
/// It does what recovery will not do by itself: go on without acknowledged changes. At every moment the directory holds
/// what it held, or what the next step of the repair begins with; a repair that was cut short is done again.
public struct Repair: Sendable {
    /// What was done, one sentence a step.
    public private(set) var steps: [String] = []
    /// The sequences of changes that may have been in what was taken out of use; nil if nothing was lost.
    public private(set) var lost: ClosedRange<UInt64>?
    /// The snapshot that the next start begins with, if one had to be written.
    public private(set) var written: SnapshotInfo?
    /// The highest sequence that is known to have been given away.
    private var highest: UInt64 = 0

    /// Repairs a directory. Nobody else may use it.
    ///
    /// - Throws: the refusal that cannot be repaired, or what failed
    public init<Files: Storage>(_ store: SnapshotStore<Files>) throws(RepairFailure) {
        do throws(StorageError) {
            try Self.removeLeftovers(store.files)
            highest = try store.list().first { $0.sequence <= SequenceBound.highest }?.sequence ?? 0
        } catch { throw .storage(error) }
        while let refusal = Self.refusal(store, acceptsLostTail: true) { try lift(refusal, store) }
        try finish(store)
    }

    /// Why a start would be refused now; nil if it would not be.
    private static func refusal<Files: Storage>(
        _ store: SnapshotStore<Files>, acceptsLostTail: Bool = false
    ) -> RecoveryRefusal? {
        do throws(RecoveryRefusal) { _ = try Recovered.find(in: store, acceptsLostTail: acceptsLostTail) } catch {
            return error
        }
        return nil
    }

    // MARK: Refusals

    /// Takes out of use what recovery was refused for.
    private mutating func lift<Files: Storage>(
        _ refusal: RecoveryRefusal, _ store: SnapshotStore<Files>
    ) throws(RepairFailure) {
        if case .misplaced(let file, _) = refusal, let name = JournalName(file: file) {
            // What its name tells is not to be believed, and what comes after it has nothing to do with it.
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

    /// Sets aside the segments after one, the last first: what stays never has a gap that was not there.
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

    /// Puts a segment that ends before `offset` in the place of one, which is kept beside it.
    private mutating func cut<Files: Storage>(
        _ name: JournalName, at offset: Int, _ files: Files
    ) throws(StorageError) {
        let bytes = try files.read(name.file)
        guard offset >= JournalHeader.bytes else { return try setAside(name, files) }
        note(bytes, of: name, from: offset)
        let kept = try files.freeName(name.damaged)
        try Self.write(bytes, to: name.mended, files)
        try files.rename(name.mended, to: kept)
        // Zeros for the rest, written out: a segment has its space.
        try Self.write(bytes[..<offset] + [UInt8](repeating: 0, count: bytes.count - offset), to: name.mended, files)
        try files.syncDirectory()
        try files.rename(name.mended, to: name.file)
        try files.syncDirectory()
        steps.append("\(name.file) was cut at byte \(offset); the original is kept as \(kept)")
    }

    /// Remembers how far the sequences went in what is taken out of use.
    private mutating func note(_ bytes: [UInt8], of name: JournalName, from offset: Int) {
        let last = JournalReader.highestSequence(in: bytes, from: offset) ?? 0
        highest = max(highest, last, name.firstSequence - min(name.firstSequence, 1))
    }

    // MARK: The end

    /// Makes the recovered state what the next start begins with, and sets damaged snapshots aside.
    private mutating func finish<Files: Storage>(_ store: SnapshotStore<Files>) throws(RepairFailure) {
        let recovered: Recovered
        do throws(RecoveryRefusal) { recovered = try Recovered.find(in: store, acceptsLostTail: true) } catch {
            throw .refused(error)
        }
        let last = recovered.replayedSequence
        highest = max(highest, recovered.situation.marked)
        if highest > last {
            lost = last + 1...highest
            // Above every sequence that was ever given away, and there before anything else goes.
            do throws(SnapshotFailure) {
                let info = try recovered.capture(sequence: highest + 1).write(to: store, keepingAll: true)
                steps.append("\(info.file) was written: the state that is left")
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
public enum RepairFailure: Error, Sendable, CustomStringConvertible {
    /// It needs something else than a repair; the refusal says what.
    case refused(RecoveryRefusal)
    case storage(StorageError)
    case snapshot(SnapshotFailure)

    public var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .storage(let error): error.description
        case .snapshot(let failure): failure.description
        }
    }
}
