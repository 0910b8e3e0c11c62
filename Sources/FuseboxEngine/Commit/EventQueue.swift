import FuseboxCollections
import FuseboxCore
import FuseboxWire

/// Events from the input that caused them to the subscribers.
///
/// An event *waits* until its input has reached its watermark, and is then *ready*. What is ready is handed out in batches:
/// however many subscribers there are, a batch takes as many turns as it needs, and what becomes ready meanwhile is for the
/// next one. Neither slow subscribers nor a disk that hangs fill the memory: an event that finds no room is counted as
/// missed, by topic.
struct EventQueue {
    struct Numbered {
        var envelope: EventEnvelope
        var event: Event
    }

    private struct Waiting {
        var numbered: Numbered
        var watermark: Watermark
        var sequence: UInt64
    }

    /// In the order of their numbers.
    private var waiting = Fifo<Waiting>()
    /// For the next batch.
    private var ready: [Numbered] = []
    /// What is being handed to subscribers.
    private(set) var batch: [Numbered] = []
    /// How many of each topic found no room since the last batch began, and before that since the one before.
    private var dropped: [Topics: UInt64] = [:]
    private(set) var droppedBeforeBatch: [Topics: UInt64] = [:]
    /// The number of the next event.
    private(set) var nextNumber: UInt64 = 1

    /// Takes over what the input `sequence` has caused, and numbers it.
    ///
    /// - Parameters:
    ///   - watermark: what the input has to reach
    ///   - floor: what the input of an event has to reach at least that promises so much
    mutating func take(
        _ effects: inout [Event], until watermark: Watermark, of sequence: UInt64, at now: Timestamp,
        floor: (EventDeclaration.Promise) -> Watermark = { _ in .applied }
    ) {
        var room = Limits.waitingEvents - waiting.count - ready.count
        for event in effects {
            if room > 0 {
                let numbered = Numbered(envelope: EventEnvelope(number: nextNumber, missed: 0, at: now), event: event)
                let watermark = max(watermark, floor(event.declaration.promise))
                waiting.append(Waiting(numbered: numbered, watermark: watermark, sequence: sequence))
            } else {
                dropped[event.topic, default: 0] += 1
            }
            room -= 1
            nextNumber += 1
        }
        effects.removeAll(keepingCapacity: true)
    }

    /// Makes ready what has reached its watermark. An event that has not holds back those after it.
    mutating func release(_ marks: Watermarks) {
        while !waiting.isEmpty, marks.has(waiting[0].watermark, reached: waiting[0].sequence) {
            ready.append(waiting.removeFirst().numbered)
        }
    }

    /// Begins a batch with what is ready, unless one is being handed out.
    ///
    /// - Returns: whether there is something to hand out
    mutating func beginBatch() -> Bool {
        guard batch.isEmpty else { return true }
        guard !ready.isEmpty else { return false }
        swap(&batch, &ready)
        swap(&droppedBeforeBatch, &dropped)
        return true
    }

    /// Forgets the batch: every subscriber has been served.
    ///
    /// - Returns: whether there is something for the next one
    mutating func endBatch() -> Bool {
        guard beginBatch() else { return false }
        batch.removeAll(keepingCapacity: true)
        droppedBeforeBatch.removeAll()
        return !ready.isEmpty
    }
}
