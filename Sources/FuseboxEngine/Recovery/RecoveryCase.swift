import FuseboxStore
import FuseboxWire

/// What recovery found in a data directory and what it did. `RecoveryRows.swift` lists the cases.
///
/// Recovery changes no file, whether it succeeds or refuses. `settle` then removes half-written files of a crash,
/// writes a snapshot if the journal needs one, and sets damaged files aside.
package struct RecoveryCase: Sendable, Equatable {
    package enum Base: Sendable, Equatable {
        case empty
        case newest(SnapshotName)
        case fellBack(to: SnapshotName, damaged: [SnapshotFailure])
    }

    package enum Tail: Sendable, Equatable {
        case none
        case whole
        case torn(file: String, offset: Int)
        case unacknowledged(file: String)
    }

    package internal(set) var base: Base
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
    case allDamaged([SnapshotFailure])
    /// A newer program wrote the file. The text says what this program does not know.
    case newerVersion(file: String, String)
    case unreadable(SnapshotFailure)
    case journalWithoutBase(file: String)
    case damagedJournal(file: String, offset: Int, String)
    case gap(after: UInt64, file: String)
    case otherSemantics(file: String, version: UInt32)
    case lostBase(file: String)
    case foreignJournal(file: String)
    case impossibleSequence(file: String)
    case misplaced(file: String, String)
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
