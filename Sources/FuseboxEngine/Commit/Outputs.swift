import FuseboxWire

/// Replies and events on their way out. Each waits until the input that it tells of has reached its watermark.
///
/// Replies of one class leave in the order of their inputs. Events leave in the order of their numbers: one that waits
/// holds back those after it.
struct Outputs: ~Copyable {
    private var written = HeldReplies()
    private var synced = HeldReplies()
    var events = EventQueue()

    /// The number of replies that wait.
    var replyCount: Int { written.count + synced.count }

    /// The first input whose reply waits for the disk; nil if none does.
    var firstUnsynced: UInt64? { synced.first }

    /// Keeps a reply back until the input `sequence` has reached a watermark.
    mutating func hold(
        _ frame: UnsafeRawBufferPointer, for session: UInt64, until watermark: Watermark, of sequence: UInt64
    ) {
        switch watermark {
        case .applied: preconditionFailure("a reply to what is applied leaves at once")
        case .written: unsafe written.add(frame, session, sequence)
        case .synced: unsafe synced.add(frame, session, sequence)
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
}

/// Reply frames in the order of their inputs, in one run of bytes.
private struct HeldReplies: ~Copyable {
    private struct Frame {
        var sequence: UInt64
        var session: UInt64
        var length: Int
    }

    private var bytes = ByteWriter(capacity: 4096)
    private var frames: [Frame] = []
    /// The frames and bytes at the beginning that have left.
    private var leftFrames = 0
    private var leftBytes = 0

    var count: Int { frames.count - leftFrames }

    /// The input of the first one that waits.
    var first: UInt64? { leftFrames < frames.count ? frames[leftFrames].sequence : nil }

    mutating func add(_ frame: UnsafeRawBufferPointer, _ session: UInt64, _ sequence: UInt64) {
        unsafe bytes.write(contentsOf: frame)
        frames.append(Frame(sequence: sequence, session: session, length: frame.count))
    }

    mutating func release(upTo sequence: UInt64, _ deliver: (UInt64, UnsafeRawBufferPointer) -> Void) {
        guard let first, first <= sequence else { return }
        unsafe bytes.withBytes { all in
            while leftFrames < frames.count, frames[leftFrames].sequence <= sequence {
                let frame = frames[leftFrames]
                unsafe deliver(
                    frame.session, UnsafeRawBufferPointer(rebasing: all[leftBytes..<leftBytes + frame.length]))
                leftBytes += frame.length
                leftFrames += 1
            }
        }
        giveBack()
    }

    /// Gives back the room of what has left, once that is at least half.
    private mutating func giveBack() {
        guard leftFrames * 2 >= frames.count else { return }
        bytes.removeFirst(leftBytes)
        if leftFrames == frames.count {
            frames.removeAll(keepingCapacity: true)
        } else {
            frames.removeFirst(leftFrames)
        }
        leftFrames = 0
        leftBytes = 0
    }
}
