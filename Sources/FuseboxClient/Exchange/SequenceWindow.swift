/// The sequence numbers of a worker: which is next, and which have no reply yet.
///
/// It is the one place that knows what is unacknowledged. It outlives connections, as the worker id does.
struct SequenceWindow {
    /// The lowest number without a reply; if every one has its reply, the next number.
    private(set) var oldestUnacknowledged: UInt64 = 1
    private(set) var next: UInt64 = 1
    /// Numbers above the oldest that have their reply already, as bits: bit 0 of word 0 is `base`.
    private var words: [UInt64] = []
    /// The number of the first bit; below or at the oldest, by less than 64 or what has not been cleared yet.
    private var base: UInt64 = 1

    /// Whether every number has its reply.
    var isQuiet: Bool { oldestUnacknowledged == next }

    /// Whether one more may be issued, if the daemon keeps the replies of at most `kept` (0: of any number).
    func hasRoom(kept: UInt32) -> Bool { hasRoom(for: next, kept: kept) }

    /// Whether a number may be sent, for the first time or again, if the daemon keeps the replies of at most `kept`.
    func hasRoom(for sequence: UInt64, kept: UInt32) -> Bool {
        kept == 0 || sequence < oldestUnacknowledged + UInt64(kept)
    }

    /// The next number.
    mutating func issue() -> UInt64 {
        defer { next += 1 }
        if Int((next - base) / 64) >= words.count { words.append(0) }
        return next
    }

    /// Nothing will be asked about this number any more: its reply has come, or it is given up.
    mutating func settle(_ sequence: UInt64) {
        guard sequence >= oldestUnacknowledged, sequence < next else { return }
        words[Int((sequence - base) / 64)] |= 1 << ((sequence - base) % 64)
        guard sequence == oldestUnacknowledged else { return }
        while oldestUnacknowledged < next, isSettled(oldestUnacknowledged) { oldestUnacknowledged += 1 }
        if oldestUnacknowledged == next {
            // All have their reply: the bits begin anew, in the same memory.
            words.removeAll(keepingCapacity: true)
            base = next
        } else if oldestUnacknowledged - base >= 64 * 64 {
            let words = Int((oldestUnacknowledged - base) / 64)
            self.words.removeFirst(words)
            base += UInt64(words) * 64
        }
    }

    private func isSettled(_ sequence: UInt64) -> Bool {
        words[Int((sequence - base) / 64)] & (1 << ((sequence - base) % 64)) != 0
    }
}
