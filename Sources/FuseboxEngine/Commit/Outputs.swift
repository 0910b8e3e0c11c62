import FuseboxCollections
import FuseboxCore
import FuseboxWire

/// Replies and events on their way out. Each waits until its input has reached its watermark.
///
/// Replies that wait for the same watermark are sent in the order of their inputs. Events are sent in the order of
/// their numbers. An event that waits holds back those after it.
///
/// The owner bounds the replies that wait for one session. Replies of ended sessions take at most as much memory as the
/// others.
struct Outputs: ~Copyable {
    private var written = DelayedReplies()
    private var synced = DelayedReplies()
    /// Pushes that wait for nothing, and replies that stay behind them. A push belongs to no request of its session, so
    /// they are handed out here too.
    private var pushed = DelayedReplies()
    var events = EventQueue()
    /// Sessions that ended while replies for them waited.
    private var ended: Set<UInt64> = []
    /// An upper bound of the bytes of their replies. Some may have been released since.
    private var endedBytes = 0

    /// The memory that a waiting reply takes in addition to its own bytes.
    static var bytesPerReply: Int { DelayedReplies.bytesPerFrame }

    /// The number of replies that wait.
    var replyCount: Int { written.count + synced.count }

    /// The bytes of the replies that wait.
    var replyBytes: Int { written.byteCount + synced.byteCount }

    /// Whether pushes wait. True also if only replies do.
    var mayHoldPushes: Bool { pushed.count + written.count > 0 }

    /// The first input whose reply waits for a sync. Nil if none does.
    var firstUnsynced: UInt64? { synced.first }

    /// Delays a reply until the input `sequence` has reached a watermark.
    mutating func delay(
        _ frame: UnsafeRawBufferPointer, for session: inout Session, until watermark: Watermark,
        of sequence: UInt64
    ) {
        unsafe session.delays(frame)
        switch watermark {
        case .applied: unsafe pushed.add(frame, session.id, 0)
        case .written: unsafe written.add(frame, session.id, sequence)
        case .synced: unsafe synced.add(frame, session.id, sequence)
        }
    }

    /// Keeps a frame that answers no request until the input `sequence` has reached a watermark.
    mutating func push(
        _ frame: UnsafeRawBufferPointer, to session: UInt64, until watermark: Watermark, of sequence: UInt64
    ) {
        switch watermark {
        case .applied: unsafe pushed.add(frame, session, 0, isReply: false)
        case .written: unsafe written.add(frame, session, sequence, isReply: false)
        case .synced: unsafe synced.add(frame, session, sequence, isReply: false)
        }
    }

    /// Releases the replies and events whose watermark was reached.
    mutating func release(_ marks: Watermarks, _ deliver: (OutputTarget, UnsafeRawBufferPointer) -> Void) {
        unsafe pushed.release(upTo: 0, deliver)
        unsafe written.release(upTo: marks.written, deliver)
        unsafe synced.release(upTo: marks.synced, deliver)
        events.release(marks)
    }

    /// Notes that a session has ended. Frees the replies of ended sessions once they are half of all that wait.
    mutating func forget(_ session: borrowing Session) {
        guard session.delayedReplies > 0 else { return }
        ended.insert(session.id)
        endedBytes += session.delayedBytes
        guard endedBytes * 2 > replyBytes else { return }
        written.remove(of: ended)
        synced.remove(of: ended)
        ended.removeAll()
        endedBytes = 0
    }
}

/// Where a frame goes that is handed to the owner of a session.
package struct OutputTarget: Sendable {
    /// The session.
    package let session: UInt64
    /// Whether the frame is a reply, which the session has counted. A push is none.
    package let isReply: Bool
}

/// Reply frames in the order of their inputs, in one contiguous buffer.
private struct DelayedReplies: ~Copyable {
    private struct Frame {
        var sequence: UInt64
        var session: UInt64
        var length: Int
        var isReply: Bool
    }

    private var bytes = ByteWriter(capacity: 4096)
    private var frames = Fifo<Frame>()
    /// The bytes at the beginning that were released.
    private var leftBytes = 0

    static let bytesPerFrame = Fifo<Frame>.elementBytes

    var count: Int { frames.count }
    /// The bytes of the frames that wait.
    var byteCount: Int { bytes.count - leftBytes }

    /// The input of the first frame that waits.
    var first: UInt64? { frames.first?.sequence }

    mutating func add(
        _ frame: UnsafeRawBufferPointer, _ session: UInt64, _ sequence: UInt64, isReply: Bool = true
    ) {
        unsafe bytes.write(contentsOf: frame)
        frames.append(Frame(sequence: sequence, session: session, length: frame.count, isReply: isReply))
    }

    mutating func release(upTo sequence: UInt64, _ deliver: (OutputTarget, UnsafeRawBufferPointer) -> Void) {
        guard let first, first <= sequence else { return }
        unsafe bytes.withBytes { all in
            while let frame = frames.first, frame.sequence <= sequence {
                frames.removeFirst()
                unsafe deliver(
                    OutputTarget(session: frame.session, isReply: frame.isReply),
                    UnsafeRawBufferPointer(rebasing: all[leftBytes..<leftBytes + frame.length]))
                leftBytes += frame.length
            }
        }
        giveBack()
    }

    /// Frees the room of released frames, once that is at least half of the buffer.
    private mutating func giveBack() {
        guard leftBytes * 2 >= bytes.count else { return }
        bytes.removeFirst(leftBytes)
        leftBytes = 0
        guard frames.isEmpty else { return }
        bytes.shrink(to: Bounds.restingReplyBytes)
        frames.shrink(to: Bounds.restingReplyBytes / Self.bytesPerFrame)
    }

    /// Removes the replies for these sessions.
    mutating func remove(of sessions: Set<UInt64>) {
        var rest = DelayedReplies()
        unsafe bytes.withBytes { all in
            var offset = leftBytes
            for frame in frames {
                if !sessions.contains(frame.session) {
                    unsafe rest.add(
                        UnsafeRawBufferPointer(rebasing: all[offset..<offset + frame.length]), frame.session,
                        frame.sequence, isReply: frame.isReply)
                }
                offset += frame.length
            }
        }
        self = rest
    }
}
