import FuseboxCollections
import FuseboxCore
import FuseboxWire

/// Replies and events on their way out. Each waits until the input that it tells of has reached its watermark.
///
/// Replies of one class leave in the order of their inputs. Events leave in the order of their numbers: one that waits
/// holds back those after it.
///
/// How much one session may let wait is its owner's to say. What waits for sessions that have ended takes at most as much
/// again.
struct Outputs: ~Copyable {
    private var written = HeldReplies()
    private var synced = HeldReplies()
    var events = EventQueue()
    /// Sessions that have ended while replies for them waited.
    private var ended: Set<UInt64> = []
    /// The bytes of those replies, or more: some may have left since.
    private var endedBytes = 0

    /// Memory that a reply takes beside its own bytes.
    static var bytesPerReply: Int { HeldReplies.bytesPerFrame }

    /// The number of replies that wait.
    var replyCount: Int { written.count + synced.count }

    /// Their bytes.
    var replyBytes: Int { written.byteCount + synced.byteCount }

    /// The first input whose reply waits for the disk; nil if none does.
    var firstUnsynced: UInt64? { synced.first }

    /// Keeps a reply back until the input `sequence` has reached a watermark.
    mutating func hold(
        _ frame: UnsafeRawBufferPointer, for session: inout Session, until watermark: Watermark,
        of sequence: UInt64
    ) {
        unsafe session.holds(frame)
        switch watermark {
        case .applied: preconditionFailure("a reply to what is applied leaves at once")
        case .written: unsafe written.add(frame, session.id, sequence)
        case .synced: unsafe synced.add(frame, session.id, sequence)
        }
    }

    /// Releases what has reached its watermark.
    mutating func release(
        _ marks: Watermarks, _ deliver: (_ session: UInt64, UnsafeRawBufferPointer) -> Void
    ) {
        unsafe written.release(upTo: marks.written, deliver)
        unsafe synced.release(upTo: marks.synced, deliver)
        events.release(marks)
    }

    /// Lets go of the replies of a session that has ended, once such replies are half of what waits.
    mutating func forget(_ session: borrowing Session) {
        guard session.heldReplies > 0 else { return }
        ended.insert(session.id)
        endedBytes += session.heldBytes
        guard endedBytes * 2 > replyBytes else { return }
        written.remove(of: ended)
        synced.remove(of: ended)
        ended.removeAll()
        endedBytes = 0
    }
}

/// Reply frames in the order of their inputs, in one run of bytes.
private struct HeldReplies: ~Copyable {
    private struct Frame {
        var sequence: UInt64
        var session: UInt64
        var length: Int
    }

    private var bytes = ByteWriter(capacity: 4096)
    private var frames = Fifo<Frame>()
    /// The bytes at the beginning that have left.
    private var leftBytes = 0

    static let bytesPerFrame = Fifo<Frame>.elementBytes

    var count: Int { frames.count }
    /// The bytes of the frames that wait.
    var byteCount: Int { bytes.count - leftBytes }

    /// The input of the first one that waits.
    var first: UInt64? { frames.first?.sequence }

    mutating func add(_ frame: UnsafeRawBufferPointer, _ session: UInt64, _ sequence: UInt64) {
        unsafe bytes.write(contentsOf: frame)
        frames.append(Frame(sequence: sequence, session: session, length: frame.count))
    }

    mutating func release(upTo sequence: UInt64, _ deliver: (UInt64, UnsafeRawBufferPointer) -> Void) {
        guard let first, first <= sequence else { return }
        unsafe bytes.withBytes { all in
            while let frame = frames.first, frame.sequence <= sequence {
                frames.removeFirst()
                unsafe deliver(
                    frame.session, UnsafeRawBufferPointer(rebasing: all[leftBytes..<leftBytes + frame.length]))
                leftBytes += frame.length
            }
        }
        giveBack()
    }

    /// Gives back the room of what has left, once that is at least half.
    private mutating func giveBack() {
        guard leftBytes * 2 >= bytes.count else { return }
        bytes.removeFirst(leftBytes)
        leftBytes = 0
        guard frames.isEmpty else { return }
        bytes.shrink(to: Limits.restingReplyBytes)
        frames.shrink(to: Limits.restingReplyBytes / Self.bytesPerFrame)
    }

    /// Takes out the replies for these sessions.
    mutating func remove(of sessions: Set<UInt64>) {
        var rest = HeldReplies()
        unsafe bytes.withBytes { all in
            var offset = leftBytes
            for frame in frames {
                if !sessions.contains(frame.session) {
                    unsafe rest.add(
                        UnsafeRawBufferPointer(rebasing: all[offset..<offset + frame.length]), frame.session,
                        frame.sequence)
                }
                offset += frame.length
            }
        }
        self = rest
    }
}
