/// The sequence numbers of a worker: the next one, and those without a reply.
///
/// Only this type tracks unacknowledged numbers. Like the worker id, it outlives connections.
struct SequenceWindow {
    /// The lowest number without a reply. If every number has its reply, the next number.
    private(set) var oldestUnacknowledged: UInt64 = 1
    private(set) var next: UInt64 = 1
    /// A bit for each number above the oldest that has its reply. Bit 0 of word 0 stands for `base`.
    private var words: [UInt64] = []
    /// The number of the first bit. It is at most `oldestUnacknowledged`.
    private var base: UInt64 = 1

    /// Whether every number has its reply.
    var isQuiet: Bool { oldestUnacknowledged == next }

    /// Whether a number may be sent, for the first time or again, if the daemon keeps at most `kept` replies. 0: any
    /// number may.
    func hasRoom(for sequence: UInt64, kept: UInt32) -> Bool {
        kept == 0 || sequence < oldestUnacknowledged + UInt64(kept)
    }

    /// Issues the next number.
    mutating func issue() -> UInt64 {
        defer { next += 1 }
        if Int((next - base) / 64) >= words.count { words.append(0) }
        return next
    }

    /// Closes a number: its reply has come, or its request is given up.
    mutating func close(_ sequence: UInt64) {
        guard sequence >= oldestUnacknowledged, sequence < next else { return }
        words[Int((sequence - base) / 64)] |= 1 << ((sequence - base) % 64)
        guard sequence == oldestUnacknowledged else { return }
        while oldestUnacknowledged < next, isClosed(oldestUnacknowledged) { oldestUnacknowledged += 1 }
        if oldestUnacknowledged == next {
            // Every number has its reply. The bits are cleared, and their memory is kept.
            words.removeAll(keepingCapacity: true)
            base = next
        } else if oldestUnacknowledged - base >= 64 * 64 {
            let words = Int((oldestUnacknowledged - base) / 64)
            self.words.removeFirst(words)
            base += UInt64(words) * 64
        }
    }

    private func isClosed(_ sequence: UInt64) -> Bool {
        words[Int((sequence - base) / 64)] & (1 << ((sequence - base) % 64)) != 0
    }
}
