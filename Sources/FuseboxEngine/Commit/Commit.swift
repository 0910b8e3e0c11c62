import FuseboxCollections
import FuseboxCore
import FuseboxStore
import FuseboxWire

/// The commit of inputs: how far they have come on their way to disk, what waits for that, and what is to be done next.
///
/// Inputs are numbered in the order in which they are applied. Two watermarks follow: *written* is the last input that
/// survives the death of the process, *synced* the last one that survives power loss. Every reply and every event waits
/// for one of them, or for nothing. No reply that promises durability is sent before its data is on disk.
///
/// The value does no I/O and has no clock. `next` returns an action, and the caller tells its result. So every order of
/// disk events can be tested in a few lines.
///
/// A journal is continuous as long as every input since the last snapshot is in it. An input that is applied and cannot
/// be journaled leaves a *gap*. A start can use entries after a gap only with a snapshot from after the gap. So the
/// journal continues in a new segment and is *rebased* on a snapshot. No input after the gap is acknowledged until that
/// snapshot is on disk.
struct Commit: ~Copyable {
    /// The state of the journal.
    enum Journal {
        /// No journal is kept.
        case off
        /// Every input is in the journal or in a snapshot on disk.
        case continuous
        /// An input was applied that is in no file.
        case gap
        /// The journal continues after the snapshot `base`, which is not on disk yet.
        case rebasing(base: UInt64, BaseSnapshot)
        /// A write or sync has failed. Nothing more is written or acknowledged.
        case failed(StorageError)
    }

    /// The state of the snapshot that a rebase needs.
    enum BaseSnapshot {
        case due
        case begun
        /// The last attempt failed and is repeated. Meanwhile outcomes are applied unjournaled.
        case failed(SnapshotFailure)
    }

    /// The segment in which the journal continues when the present one is full.
    enum Spare {
        /// It must be prepared. The previous attempt may have failed.
        case wanted(after: StorageError?)
        case preparing(after: StorageError?)
        case ready
        /// There is no room for it.
        case failed(StorageError)
    }

    /// The sync of the journal. Only one runs at a time.
    enum Sync {
        case idle
        case running(covering: UInt64, since: Timestamp)
    }

    /// The phases of an orderly stop.
    enum Stop {
        case running
        /// The last request was handled. The newest snapshot may lack inputs.
        case snapshotDue
        /// The last snapshot is being written.
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
    /// The entries of this turn, which are written next.
    var batch = JournalBatch()
    var outputs = Outputs()

    var progress: Progress

    /// The bytes of entries that fit into the rest of the segment, and into an empty one.
    var room: Int
    let capacity: Int
    /// The journal continues in the spare when less than this room is left.
    let rotationRoom: Int
    /// The sessions that wait for the next segment.
    var roomQueue = RoomQueue()
    /// The bytes of each user that are not synced yet.
    var shares = JournalShares()
    /// Whether a sync is wanted although no reply waits for it.
    var isSyncWanted = false
    /// When the last sync ended. A start counts as one.
    var lastSync: Timestamp?
    /// How long it took. Nil if there was none since the start.
    var lastSyncNanoseconds: Int64?
    private let passedByAddress = PassedByAddress()

    /// A commit at a start.
    ///
    /// - Parameters:
    ///   - sequence: the last input that was recovered
    ///   - journaled: the last input in the journal's files, all of which are synced
    ///   - segment: the room of the journal's segments; nil if no journal is kept
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

    /// The last input in the journal, in the batch or in the journal's base.
    private var journaled: UInt64 {
        let entry = batch.isEmpty ? progress.appended : batch.lastSequence
        if case .rebasing(let base, _) = journal { return max(base, entry) }
        return entry
    }

    // MARK: Inputs

    /// Notes an input that was applied and adds its entry to the batch. `reserve` must have found room for it.
    ///
    /// - Parameter user: the user whose share of the room is used; nil for an input of an operator or of the engine
    mutating func append(_ entry: JournalEntry, payload: UnsafeRawBufferPointer, of user: UInt32? = nil) {
        let before = batch.count
        unsafe batch.append(entry, payload: payload)
        let bytes = batch.count - before
        room -= bytes
        if let user { shares.add(bytes, of: user) }
        snapshots.noteJournaled(bytes: bytes)
        progress.apply(entry.sequence)
    }

    /// Notes an input that was applied and is not journaled.
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

    /// Delays a reply until the inputs so far have reached a watermark. Returns false if they have, and the reply can
    /// be sent.
    ///
    /// - Parameter behindPushes: whether it must not overtake the pushes so far. If there are any, it leaves after them, at
    ///   the end of a turn
    mutating func delay(
        _ frame: UnsafeRawBufferPointer, for session: inout Session, until watermark: Watermark,
        behindPushes: Bool = false
    ) -> Bool {
        let mustFollow = behindPushes && outputs.mayHoldPushes
        guard mustFollow || !progress.watermarks.has(watermark, reached: journaled) else { return false }
        unsafe outputs.delay(frame, for: &session, until: watermark, of: journaled)
        return true
    }

    /// Keeps a frame that answers no request until the inputs so far have reached a watermark.
    mutating func push(_ frame: UnsafeRawBufferPointer, to session: UInt64, until watermark: Watermark) {
        unsafe outputs.push(frame, to: session, until: watermark, of: journaled)
    }

    /// Releases the replies, pushes and events whose watermark has been reached.
    mutating func release(_ deliver: (OutputTarget, UnsafeRawBufferPointer) -> Void) {
        if case .failed = journal { return }
        unsafe outputs.release(progress.watermarks, deliver)
    }
}

/// The room of a journal's segments, as a start finds it.
struct SegmentRoom {
    /// The bytes of entries that fit into the rest of the open segment. 0 if none is open.
    var room: Int
    /// The bytes of entries that fit into an empty segment.
    var capacity: Int
    /// The length of a segment's file in bytes.
    var segmentLength: Int
    var spare: Commit.Spare
}
