import FuseboxStore
import FuseboxWire

/// Replies, and events, that wait until what they tell is safe.
///
/// A reply of the class *written* goes out after its turn's batch has been written, a *durable* one after the sync that
/// covers it. Events keep their order: while anything before them waits, they wait.
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

    /// The number of replies that wait.
    var count: Int { written.count + unwritten.count + durable.count + syncing.count }

    /// Whether a sync should begin.
    var wantsSync: Bool { !isSyncing && !holdsAll && durable.count > 0 }

    mutating func hold(_ frame: UnsafeRawBufferPointer, for session: UInt64, isDurable: Bool) {
        if isDurable { unsafe unwritten.add(frame, session) } else { unsafe written.add(frame, session) }
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
        frames.removeAll(keepingCapacity: true)
    }

    mutating func move(to other: inout HeldReplies) {
        unsafe drain { session, frame in unsafe other.add(frame, session) }
    }
}
