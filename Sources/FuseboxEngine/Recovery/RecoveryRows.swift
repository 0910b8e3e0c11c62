/// Which snapshot a start begins with.
enum SnapshotStep: RecoveryStep {
    enum Question: RecoveryQuestion {
        case namesArePossible
        case marksAreKnown
        case isThere
        case isReadable
        case isKnown
        case isGood
        case wasDamaged
        case hasJournal

        var text: String {
            switch self {
            case .namesArePossible: "Can a daemon reach the sequence in the name of every snapshot and segment?"
            case .marksAreKnown: "Is the version of every mark known?"
            case .isThere: "Is there a snapshot that was not tried yet? The newest comes first."
            case .isReadable: "Can the file be read?"
            case .isKnown: "Are its version and those of its sections known?"
            case .isGood: "Is it whole, does its state load, and does it hold the sequence in its name?"
            case .wasDamaged: "Was a newer snapshot damaged?"
            case .hasJournal: "Does a segment have an entry, or is there a mark?"
            }
        }
    }

    enum Action {
        case adopt, fallBack, lookFurther, begin
        case refuseName, refuseMarks, refuseVersion, refuseUnreadable, refuseDamage, refuseJournal
    }

    static let title = "The snapshot"
    static let summary = "Asked until a row ends the search."

    static let rows: [RecoveryRow<Question, Action>] = [
        RecoveryRow(
            "impossibleSequence", no: [.namesArePossible],
            "A name has a sequence that no daemon reaches.", "The start is refused.", .refuseName),
        RecoveryRow(
            "newerMarks", yes: [.namesArePossible], no: [.marksAreKnown],
            "A newer program wrote the marks.", "The start is refused (`newerVersion`).", .refuseMarks),
        RecoveryRow(
            "newest", yes: [.namesArePossible, .marksAreKnown, .isThere, .isReadable, .isKnown, .isGood],
            no: [.wasDamaged],
            "The newest snapshot is good.", "Its state is taken.", .adopt),
        RecoveryRow(
            "fellBack",
            yes: [.namesArePossible, .marksAreKnown, .isThere, .isReadable, .isKnown, .isGood, .wasDamaged],
            "The newest snapshot is damaged. An older one is good.",
            "The older state is taken. The damaged file is kept under another name.", .fallBack),
        RecoveryRow(
            "damaged", yes: [.namesArePossible, .marksAreKnown, .isThere, .isReadable, .isKnown], no: [.isGood],
            "This snapshot is damaged.", "The next older one is tried.", .lookFurther),
        RecoveryRow(
            "newerVersion", yes: [.namesArePossible, .marksAreKnown, .isThere, .isReadable], no: [.isKnown],
            "A newer program wrote this snapshot.", "The start is refused.", .refuseVersion),
        RecoveryRow(
            "unreadable", yes: [.namesArePossible, .marksAreKnown, .isThere], no: [.isReadable],
            "The file cannot be read. It may be good.", "The start is refused.", .refuseUnreadable),
        RecoveryRow(
            "allDamaged", yes: [.namesArePossible, .marksAreKnown, .wasDamaged], no: [.isThere],
            "There are snapshots, and all are damaged.", "The start is refused.", .refuseDamage),
        RecoveryRow(
            "journalWithoutBase", yes: [.namesArePossible, .marksAreKnown, .hasJournal], no: [.isThere, .wasDamaged],
            "There is a journal. The snapshot that it continues is missing.", "The start is refused.", .refuseJournal),
        RecoveryRow(
            "empty", yes: [.namesArePossible, .marksAreKnown], no: [.isThere, .wasDamaged, .hasJournal],
            "There is no snapshot, and no journal or one without entries.", "An empty state begins, of a new epoch.",
            .begin),
    ]
}

/// What becomes of files of another epoch. A restore leaves them if it is interrupted before it sets them aside.
enum EpochStep: RecoveryStep {
    enum Question: RecoveryQuestion {
        case hasForeignSegments
        case isNewest
        case hasForeignSnapshots

        var text: String {
            switch self {
            case .hasForeignSegments: "Does a segment have another epoch than the snapshot?"
            case .isNewest: "Is the snapshot the newest?"
            case .hasForeignSnapshots: "Does an older snapshot have another epoch?"
            }
        }
    }

    enum Action { case goOn, setAside, refuse }

    static let title = "Files of another epoch"
    static let summary = "Asked once, about the files beside the snapshot."

    static let rows: [RecoveryRow<Question, Action>] = [
        RecoveryRow(
            "ownSegments", yes: [.isNewest], no: [.hasForeignSegments, .hasForeignSnapshots],
            "All files are of this epoch.", "The journal is read.", .goOn),
        RecoveryRow(
            "ownSegmentsOfOlder", no: [.hasForeignSegments, .isNewest],
            "The segments are of the epoch of the older snapshot.", "The journal is read.", .goOn),
        RecoveryRow(
            "foreign", yes: [.hasForeignSegments, .isNewest],
            "Segments are of another epoch.", "They are not read. They are kept under another name.", .setAside),
        RecoveryRow(
            "foreignSnapshots", yes: [.isNewest, .hasForeignSnapshots], no: [.hasForeignSegments],
            "Older snapshots are of another epoch.", "They are not read. They are kept under another name.", .setAside),
        RecoveryRow(
            "foreignJournal", yes: [.hasForeignSegments], no: [.isNewest],
            "The newest snapshot is damaged. Segments are not of the epoch of the older one, and may continue the damaged one.",
            "The start is refused.", .refuse),
    ]
}

/// What is done with a segment before its entries are read.
enum SegmentStep: RecoveryStep {
    enum Question: RecoveryQuestion {
        case isKnown
        case hasGoodHead
        case isInPlace
        case follows
        case isRebased
        case hadSnapshot
        case isProven
        case hasOwnSemantics

        var text: String {
            switch self {
            case .isKnown: "Are its version and that of its entries known?"
            case .hasGoodHead: "Is its head good?"
            case .isInPlace:
                "Does it begin with the sequence in its name, and after the end of the segment before it?"
            case .follows: "Does it begin with the next sequence of the state, or before it?"
            case .isRebased: "Does its head say that it does not continue the segment before (`isRebased`)?"
            case .hadSnapshot: "Is there a snapshot, damaged now, of the sequence before its first or above?"
            case .isProven: "Does a later good entry or a mark prove that the missing entry was on the disk?"
            case .hasOwnSemantics: "Are its semantics those of this program, or does the snapshot hold all its entries?"
            }
        }
    }

    enum Action {
        case replay, drop, dropUnacknowledged
        case refuseVersion, refuseHead, refusePlace, refuseGap, refuseLostBase, refuseSemantics
    }

    static let title = "A segment"
    static let summary =
        "Asked of each segment in turn, from the last one that begins at or before the entry after the snapshot."

    static let rows: [RecoveryRow<Question, Action>] = [
        RecoveryRow(
            "newerJournal", no: [.isKnown],
            "A newer program wrote this segment.", "The start is refused (`newerVersion`).", .refuseVersion),
        RecoveryRow(
            "damagedHead", yes: [.isKnown, .isProven], no: [.hasGoodHead],
            "The head is not good, and entries of the segment were on the disk once.",
            "The start is refused (`damagedJournal`).",
            .refuseHead),
        RecoveryRow(
            "tornHead", yes: [.isKnown], no: [.hasGoodHead, .isProven],
            "The head never reached the disk.", "This segment and all later ones are dropped and reported.", .drop),
        RecoveryRow(
            "misplaced", yes: [.isKnown, .hasGoodHead], no: [.isInPlace],
            "The segment is a copy, or took the place of another.", "The start is refused.", .refusePlace),
        RecoveryRow(
            "replay", yes: [.isKnown, .hasGoodHead, .isInPlace, .follows, .hasOwnSemantics],
            "The segment continues the state.", "Its entries after the snapshot are applied.", .replay),
        RecoveryRow(
            "otherSemantics", yes: [.isKnown, .hasGoodHead, .isInPlace, .follows], no: [.hasOwnSemantics],
            "A program with other semantics wrote the entries.", "The start is refused.", .refuseSemantics),
        RecoveryRow(
            "lostBase", yes: [.isKnown, .hasGoodHead, .isInPlace, .isRebased, .hadSnapshot], no: [.follows],
            "The snapshot that the segment continues was written, and is damaged now.", "The start is refused.",
            .refuseLostBase),
        RecoveryRow(
            "unacknowledged", yes: [.isKnown, .hasGoodHead, .isInPlace, .isRebased], no: [.follows, .hadSnapshot],
            "The segment waited for a snapshot that was never written. Nothing in it was acknowledged.",
            "This segment and all later ones are dropped and reported.", .dropUnacknowledged),
        RecoveryRow(
            "gap", yes: [.isKnown, .hasGoodHead, .isInPlace, .isProven], no: [.follows, .isRebased],
            "Entries are missing before this segment, and were on the disk once.", "The start is refused.", .refuseGap),
        RecoveryRow(
            "tornGap", yes: [.isKnown, .hasGoodHead, .isInPlace], no: [.follows, .isRebased, .isProven],
            "Entries are missing before this segment, and never reached the disk.",
            "This segment and all later ones are dropped and reported.", .drop),
    ]
}

/// How the entries of a segment end.
enum EntriesStep: RecoveryStep {
    enum Question: RecoveryQuestion {
        case areApplied
        case areWhole
        case isProvenHere
        case isProvenLater

        var text: String {
            switch self {
            case .areApplied: "Could every good entry be applied to the state?"
            case .areWhole: "Is the last good entry followed by a seal, or by zeros only?"
            case .isProvenHere:
                "Does a later good entry in this segment, or what follows the seal, prove that the missing entry was on the disk?"
            case .isProvenLater: "Does an entry of a later segment or a mark prove it?"
            }
        }
    }

    enum Action { case goOn, drop, refuseEntry, refuseDamage }

    static let title = "The entries of a segment"
    static let summary = "Asked after the entries of a segment were applied."

    static let rows: [RecoveryRow<Question, Action>] = [
        RecoveryRow(
            "entriesWhole", yes: [.areApplied, .areWhole],
            "The entries are good to the end.", "The next segment is examined.", .goOn),
        RecoveryRow(
            "unreplayable", no: [.areApplied],
            "A good entry was applied once, and is refused now.", "The start is refused (`damagedJournal`).",
            .refuseEntry),
        RecoveryRow(
            "damagedJournal", yes: [.areApplied, .isProvenHere], no: [.areWhole],
            "An entry is not good, and was on the disk once.", "The start is refused.", .refuseDamage),
        RecoveryRow(
            "damagedEnd", yes: [.areApplied, .isProvenLater], no: [.areWhole, .isProvenHere],
            "The last entries of the segment are not good, and were on the disk once.",
            "The start is refused (`damagedJournal`).", .refuseDamage),
        RecoveryRow(
            "torn", yes: [.areApplied], no: [.areWhole, .isProvenHere, .isProvenLater],
            "An entry is not good. Nothing proves that it was on the disk, or the snapshot holds its change.",
            "The state is that of the entries before. The rest and all later segments are dropped and reported.", .drop),
    ]
}

/// Whether everything was found that the journal held.
enum JournalEndStep: RecoveryStep {
    enum Question: RecoveryQuestion {
        case isComplete
        case isDropped
        case isReplayed

        var text: String {
            switch self {
            case .isComplete:
                "Does the state reach every mark of its epoch? `fusebox repair` does not ask this, and continues with what is left."
            case .isDropped: "Was something dropped?"
            case .isReplayed: "Was an entry applied?"
            }
        }
    }

    enum Action { case leave, noteWhole, refuse }

    static let title = "The end of the journal"
    static let summary = "Asked once, after the last segment."

    static let rows: [RecoveryRow<Question, Action>] = [
        RecoveryRow(
            "lostTail", no: [.isComplete],
            "The files are good, but the journal once had more entries.", "The start is refused.", .refuse
        ),
        RecoveryRow(
            "shortened", yes: [.isComplete, .isDropped],
            "A row above dropped the end (`tornHead`, `tornGap`, `torn`, `unacknowledged`).",
            "The state is what was applied.", .leave),
        RecoveryRow(
            "whole", yes: [.isComplete, .isReplayed], no: [.isDropped],
            "The entries continue the snapshot without a gap, to the end.", "The state is what was applied.",
            .noteWhole),
        RecoveryRow(
            "none", yes: [.isComplete], no: [.isDropped, .isReplayed],
            "No entry comes after the snapshot.", "The state is the snapshot's.", .leave),
    ]
}
