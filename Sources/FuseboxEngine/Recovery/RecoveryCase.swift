import FuseboxStore
import FuseboxWire

/// What recovery found in a data directory and what it did. `RecoveryRows.swift` lists the cases.
///
/// Recovery changes no file, whether it succeeds or refuses. `tidy` then removes half-written files of a crash,
/// writes a snapshot if the journal needs one, and sets damaged files aside.
package struct RecoveryCase: Sendable, Equatable {
    /// What the state was recovered from.
    package enum Base: Sendable, Equatable {
        /// There was no snapshot, and a new state begins.
        case empty
        /// The newest snapshot was good.
        case newest(SnapshotName)
        /// Newer snapshots were damaged, for these reasons.
        case fellBack(to: SnapshotName, damaged: [SnapshotFailure])
    }

    /// How the journal ended.
    package enum Tail: Sendable, Equatable {
        /// No entry came after the snapshot.
        case none
        /// All entries were good to the end.
        case whole
        /// The rest from an offset on was dropped, because a write was torn there.
        case torn(file: String, offset: Int)
        /// A segment was dropped, because the snapshot that it needs was never written.
        case unacknowledged(file: String)
    }

    /// What the state was recovered from.
    package internal(set) var base: Base
    /// How the journal ended.
    package internal(set) var tail: Tail = .none
    /// The number of entries that were replayed.
    package internal(set) var replayed: UInt64 = 0
    /// The names of files of another epoch. They were not read.
    package internal(set) var foreign: [String] = []
    /// The highest sequence that is marked as synced. 0 if there is no mark.
    package internal(set) var marked: UInt64 = 0
    /// Whether the snapshot holds all inputs that a torn end may have held.
    package internal(set) var isTornEndCovered = false

    /// A sentence about a torn end. Nil if there is none.
    package var tornSentence: String? {
        guard case .torn(let file, let offset) = tail else { return nil }
        let what = "the bytes of \(file) after \(offset) are incomplete and are dropped"
        if isTornEndCovered { return what + "; the snapshot holds their changes" }
        if marked == 0 {
            return what + "; nothing proves that they were on disk, and there is no mark of the journal's end"
        }
        return what + "; nothing proves that they were on disk"
    }
}

/// Why a data directory cannot be recovered. Recovery has changed no file.
package enum RecoveryRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// All snapshots are damaged.
    case allDamaged([SnapshotFailure])
    /// A newer program wrote the file. The text says what this program does not know.
    case newerVersion(file: String, String)
    /// A file cannot be read. It may be good.
    case unreadable(SnapshotFailure)
    /// There is a journal, but no snapshot.
    case journalWithoutBase(file: String)
    /// A segment is damaged at an offset. The text says how.
    case damagedJournal(file: String, offset: Int, String)
    /// Entries that were synced are missing before a segment.
    case gap(after: UInt64, file: String)
    /// A program with other semantics of commands wrote a segment.
    case otherSemantics(file: String, version: UInt32)
    /// A segment needs a snapshot that is damaged now.
    case lostBase(file: String)
    /// A segment has another epoch than the snapshot, and a newer snapshot is damaged.
    case foreignJournal(file: String)
    /// A file name has a sequence that no daemon reaches.
    case impossibleSequence(file: String)
    /// A segment does not match its name. The text says why.
    case misplaced(file: String, String)
    /// The journal ends before a marked sequence.
    case lostTail(after: UInt64, marked: UInt64)

    package var description: String {
        switch self {
        case .allDamaged(let failures):
            "of \(Quantity.count(failures.count, "snapshot")) none can be read (\(failures.map(\.description).joined(separator: "; "))). Restore a backup with `fusebox snapshot restore FILE --data DIR`, or move the files away to begin with an empty state"
        case .newerVersion(let file, let what):
            "\(file) was written by a newer version of Fusebox: \(what). Start that version, or restore a backup that this version reads with `fusebox snapshot restore FILE --data DIR`"
        case .unreadable(let failure):
            "the data directory cannot be read: \(failure)"
        case .journalWithoutBase(let file):
            "\(file) belongs to a journal whose snapshot is missing. Restore a backup with `fusebox snapshot restore FILE --data DIR`, or move the files away to begin with an empty state"
        case .damagedJournal(let file, let offset, let what):
            "\(file) is damaged at byte \(offset): \(what). `fusebox check` tells more; `fusebox repair` continues without what follows and keeps the damaged file"
        case .gap(let sequence, let file):
            "the journal's entries after \(sequence) are missing; \(file) comes next. `fusebox check` tells more; `fusebox repair` continues without what follows"
        case .otherSemantics(let file, let version):
            "\(file) was written by a version with other semantics (\(version), not \(JournalHeader.currentSemantics)). Start that version and stop it in order; its last snapshot can then be read"
        case .lostBase(let file):
            "\(file) continues a snapshot that is damaged now. Restore a backup with `fusebox snapshot restore FILE --data DIR`, or use `fusebox repair` to continue without it"
        case .foreignJournal(let file):
            "\(file) belongs to a restored state whose snapshot is damaged now. Restore a backup with `fusebox snapshot restore FILE --data DIR`"
        case .impossibleSequence(let file):
            "\(file): no daemon reaches the sequence in this name. Move the file away"
        case .misplaced(let file, let what):
            "\(file) does not match its name: \(what). If it is a copy, move it away; if it took the place of another segment, put that back, or use `fusebox repair` to continue without what it held"
        case .lostTail(let sequence, let marked):
            "the changes \(sequence + 1) to \(marked) are missing: they were on disk once (\(SyncMark.fileName)), but the journal ends before them, so a segment was deleted, emptied or replaced by an older one. Put it back, restore a backup with `fusebox snapshot restore FILE --data DIR`, or use `fusebox repair` to continue without them"
        }
    }
}
