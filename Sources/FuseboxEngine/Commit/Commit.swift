import FuseboxCore
import FuseboxStore
import FuseboxWire

/// What the disk has of the inputs, what waits for it, and what is to be done next.
///
/// Inputs are numbered in the order in which they are applied. Two watermarks follow: *written* is the last input that
/// survives the death of the process, *synced* the last one that survives power loss. Every reply and every event waits for
/// one of them, or for nothing. No reply that promises durability is sent before its data is on the disk.
///
/// The value does no I/O and holds no clock. `next` says what is to be done; whoever does it tells how it went. So every order
/// in which disks can answer is a test of a few lines.
///
/// A journal is continuous as long as every input since the last snapshot is in it. What is applied and cannot be journaled
/// leaves a *gap*. Entries after a gap are of no use to a start without a snapshot from after it. So the journal goes on in a
/// new segment, *rebased* on a snapshot that is not on the disk yet, and until it is nothing that came after the gap is acknowledged.
struct Commit: ~Copyable {
    /// How the journal stands to the state.
    enum Journal {
        /// No journal is kept.
        case off
        /// Every input is in it, or in a snapshot that is on the disk.
        case continuous
        /// An input was applied that is in no file.
        case gap
        /// It goes on after the snapshot `base`, which is not on the disk yet.
        case rebasing(base: UInt64, BaseSnapshot)
        /// It could not be written or synced. Nothing is done and nothing is acknowledged any more.
        case failed(StorageError)
    }

    /// What has become of the snapshot that a rebase needs.
    enum BaseSnapshot {
        case due
        case begun
        /// The last attempt failed. It is tried again; outcomes are taken unjournaled meanwhile.
        case failed(SnapshotFailure)
    }

    /// The segment that the journal goes on in when this one is full.
    enum Spare {
        /// It is to be prepared. The attempt before may have failed.
        case wanted(after: StorageError?)
        case preparing(after: StorageError?)
        case ready
        /// There is no room for it.
        case failed(StorageError)
    }

    /// The sync of the journal. There is one at a time.
    enum Sync {
        case idle
        case running(covering: UInt64)
    }

    /// The end in order.
    enum Stop {
        case running
        /// The last request has been handled. The newest snapshot may not hold everything.
        case snapshotDue
        /// A snapshot that holds everything is being written.
        case snapshotBegun
        case ended
        /// The last snapshot could not be written.
        case failed(SnapshotFailure)
    }

    let durability: Durability
    var journal: Journal
    var spare: Spare
    var sync = Sync.idle
    var stop = Stop.running
    var snapshots: SnapshotSchedule
    /// The entries that are to be written next.
    var batch = JournalBatch()
    var outputs = Outputs()

    var progress: Progress

    /// The bytes of entries that the segment still takes, and those that an empty one takes.
    var room: Int
    let capacity: Int
    /// The room at which the journal goes on in the spare.
    let rotationRoom: Int
    /// Sessions that wait for room, and the room that the largest of their requests needs.
    var waiting: [UInt64] = []
    var wanted = 0
    /// What each user has of it that the disk does not have yet.
    var shares = JournalShares()
    /// Whether the disk is to follow though nobody waits for it.
    var isSyncWanted = false
    /// When it last did; the start finds all of the journal on the disk.
    var lastSync: Timestamp?

    /// - Parameters:
    ///   - sequence: the last input that was recovered
    ///   - journaled: the last one that the journal's files hold, all of it on the disk
    ///   - segment: what the journal is like; nil if none is kept
    init(
        _ durability: Durability, sequence: UInt64, journaled: UInt64, segment: SegmentRoom?,
        snapshots: SnapshotSchedule, at now: Timestamp
    ) {
        self.durability = durability
        self.snapshots = snapshots
        progress = Progress(sequence: sequence, journaled: journaled)
        journal = segment == nil ? .off : .continuous
        room = segment?.room ?? 0
        capacity = segment?.capacity ?? .max
        rotationRoom = min(1024 * 1024, (segment?.segmentLength ?? 0) / 4)
        lastSync = segment == nil ? nil : now
        spare = segment?.spare ?? .wanted(after: nil)
    }

    /// The last input that is in the journal or is about to be, or that its base holds.
    private var journaled: UInt64 {
        let entry = batch.isEmpty ? progress.appended : batch.lastSequence
        if case .rebasing(let base, _) = journal { return max(base, entry) }
        return entry
    }

    // MARK: Inputs

    /// Takes note of an input that was applied, and has it journaled: `reserve` has found room for it.
    ///
    /// - Parameter user: whose share of the room it takes; nil if that is an operator's or the engine's own
    mutating func append(_ entry: JournalEntry, payload: UnsafeRawBufferPointer, of user: UInt32? = nil) {
        let before = batch.count
        unsafe batch.append(entry, payload: payload)
        let bytes = batch.count - before
        room -= bytes
        if let user { shares.add(bytes, of: user) }
        snapshots.noteJournaled(bytes: bytes)
        progress.apply(entry.sequence)
    }

    /// Takes note of an input that was applied and is in no journal.
    mutating func appendNothing(_ sequence: UInt64) {
        switch journal {
        case .off, .gap, .failed: break
        case .continuous, .rebasing:
            progress.openGap(after: journaled)
            journal = .gap
        }
        progress.apply(sequence)
    }

    // MARK: Outputs

    /// Keeps a reply back until what it tells of has reached a watermark; returns whether that is needed.
    mutating func hold(
        _ frame: UnsafeRawBufferPointer, for session: inout Session, until watermark: Watermark
    ) -> Bool {
        guard !progress.watermarks.has(watermark, reached: journaled) else { return false }
        unsafe outputs.hold(frame, for: &session, until: watermark, of: journaled)
        return true
    }

    /// Releases the replies and events that wait no longer.
    mutating func release(_ deliver: (_ session: UInt64, UnsafeRawBufferPointer) -> Void) {
        if case .failed = journal { return }
        unsafe outputs.release(progress.watermarks, deliver)
    }
}

/// A journal's segments as a start finds them.
struct SegmentRoom {
    /// The bytes of entries that the open one still takes; 0 if none is open.
    var room: Int
    /// The bytes of entries that an empty one takes.
    var capacity: Int
    /// The length of its file in bytes.
    var segmentLength: Int
    var spare: Commit.Spare
}
