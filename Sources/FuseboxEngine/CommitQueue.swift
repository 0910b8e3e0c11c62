import FuseboxStore
import FuseboxWire

/// Replies, and events, that wait until what they tell is safe.
///
/// A reply of the class *written* goes out after its turn's batch has been written, a *durable* one after the sync that
/// covers it. Events keep their order: while anything before them waits, they wait.
///
/// How much one session may let wait is its owner's to say; what waits for sessions that have ended takes at most as much
/// again.
struct CommitQueue: ~Copyable {
    /// Go out once the turn's batch is written.
    private var written = HeldReplies()
    /// Are durable, and their turn's batch is not written yet.
    private var unwritten = HeldReplies()
    /// Go out with the next sync that begins.
    private var durable = HeldReplies()
    /// Go out when the sync under way ends.
    private var syncing = HeldReplies()
    private(set) var isSyncing = false
    /// Whether everything waits for a snapshot: the journal does not continue what is on the disk.
    var holdsAll = false

    /// Sessions that have ended while replies for them waited.
    private var ended: Set<UInt64> = []
    /// The bytes of those replies, or more: some may have gone out since.
    private var endedBytes = 0

    /// Memory that a reply takes beside its own bytes.
    static let bytesPerReply = MemoryLayout<(session: UInt64, length: Int)>.stride

    /// The number of replies that wait.
    var count: Int { written.count + unwritten.count + durable.count + syncing.count }

    /// Their bytes.
    var byteCount: Int { written.byteCount + unwritten.byteCount + durable.byteCount + syncing.byteCount }

    /// Whether a sync should begin.
    var wantsSync: Bool { !isSyncing && !holdsAll && durable.count > 0 }

    mutating func hold(_ frame: UnsafeRawBufferPointer, for session: inout Session, isDurable: Bool) {
        unsafe session.holds(frame)
        if isDurable { unsafe unwritten.add(frame, session.id) } else { unsafe written.add(frame, session.id) }
    }

    /// Lets go of the replies of a session that has ended, once such replies are half of what waits.
    mutating func forget(_ session: borrowing Session) {
        guard session.heldReplies > 0 else { return }
        ended.insert(session.id)
        endedBytes += session.heldBytes
        guard endedBytes * 2 > byteCount else { return }
        let ended = ended
        written.remove { ended.contains($0) }
        unwritten.remove { ended.contains($0) }
        durable.remove { ended.contains($0) }
        syncing.remove { ended.contains($0) }
        self.ended.removeAll()
        endedBytes = 0
    }

    /// Tells that the turn's batch has been written.
    mutating func batchWritten(_ deliver: (UInt64, UnsafeRawBufferPointer) -> Void) {
        unwritten.move(to: &durable)
        if holdsAll { written.move(to: &durable) } else { unsafe written.drain(deliver) }
    }

    mutating func beginSync() {
        isSyncing = true
        swap(&durable, &syncing)
    }

    mutating func endSync(_ deliver: (UInt64, UnsafeRawBufferPointer) -> Void) {
        isSyncing = false
        if holdsAll {
            // The snapshot that is waited for covers them; their order does not matter to their sessions.
            syncing.move(to: &durable)
        } else {
            unsafe syncing.drain(deliver)
        }
    }
}

/// Reply frames with the sessions that they are for, in one run of bytes.
private struct HeldReplies: ~Copyable {
    private var bytes = ByteWriter(capacity: 4096)
    private var frames: [(session: UInt64, length: Int)] = []

    var count: Int { frames.count }
    var byteCount: Int { bytes.count }

    mutating func add(_ frame: UnsafeRawBufferPointer, _ session: UInt64) {
        unsafe bytes.write(contentsOf: frame)
        frames.append((session, frame.count))
    }

    mutating func drain(_ deliver: (UInt64, UnsafeRawBufferPointer) -> Void) {
        guard !frames.isEmpty else { return }
        unsafe bytes.withBytes { all in
            var offset = 0
            for (session, length) in frames {
                unsafe deliver(session, UnsafeRawBufferPointer(rebasing: all[offset..<offset + length]))
                offset += length
            }
        }
        bytes.removeAll()
        // What a disk that hung has left behind is given back.
        bytes.shrink(to: Self.workingBytes)
        frames.removeAll(keepingCapacity: frames.capacity <= Self.workingBytes / CommitQueue.bytesPerReply)
    }

    private static let workingBytes = 1 << 20

    /// Takes out the replies of these sessions.
    mutating func remove(_ hasEnded: (UInt64) -> Bool) {
        guard !frames.isEmpty else { return }
        var rest = HeldReplies()
        unsafe drain { session, frame in
            if !hasEnded(session) { unsafe rest.add(frame, session) }
        }
        self = rest
    }

    mutating func move(to other: inout HeldReplies) {
        unsafe drain { session, frame in unsafe other.add(frame, session) }
    }
}
