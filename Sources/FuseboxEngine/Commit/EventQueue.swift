import FuseboxCollections
import FuseboxCore
import FuseboxWire

/// The queue of events for subscribers.
///
/// An event *waits* until its input has reached its watermark. Then it is *ready*. Ready events are handed out in
/// batches. A batch takes as many turns as its subscribers need, and events that become ready meanwhile go into the
/// next batch. The queue is bounded: an event that finds no room is counted as missed, by topic. So neither slow
/// subscribers nor a hanging disk fill the memory.
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

    /// Events that wait, in the order of their numbers.
    private var waiting = Fifo<Waiting>()
    /// Events for the next batch.
    private var ready: [Numbered] = []
    /// Events that are being handed to subscribers.
    private(set) var batch: [Numbered] = []
    /// The number of events of each topic that found no room: since the present batch began, and between the batch
    /// before and it.
    private var dropped: [Topics: UInt64] = [:]
    private(set) var droppedBeforeBatch: [Topics: UInt64] = [:]
    /// The number of the next event.
    private(set) var nextNumber: UInt64 = 1

    /// Takes the events that the input `sequence` has caused, and numbers them.
    ///
    /// - Parameters:
    ///   - watermark: the watermark that the input must reach
    ///   - floor: the least watermark for an event with a given promise
    mutating func take(
        _ effects: inout [Event], until watermark: Watermark, of sequence: UInt64, at now: Timestamp,
        floor: (EventDeclaration.Promise) -> Watermark = { _ in .applied }
    ) {
        var room = Bounds.waitingEvents - waiting.count - ready.count
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

    /// Makes events ready whose watermark was reached. An event that still waits holds back those after it.
    mutating func release(_ marks: Watermarks) {
        while !waiting.isEmpty, marks.has(waiting[0].watermark, reached: waiting[0].sequence) {
            ready.append(waiting.removeFirst().numbered)
        }
    }

    /// Begins a batch with the ready events, unless one is being handed out.
    ///
    /// - Returns: whether there are events to hand out
    mutating func beginBatch() -> Bool {
        guard batch.isEmpty else { return true }
        guard !ready.isEmpty else { return false }
        swap(&batch, &ready)
        swap(&droppedBeforeBatch, &dropped)
        return true
    }

    /// Ends the batch, when every subscriber has been served.
    ///
    /// - Returns: whether events are ready for the next batch
    mutating func endBatch() -> Bool {
        guard beginBatch() else { return false }
        batch.removeAll(keepingCapacity: true)
        droppedBeforeBatch.removeAll()
        return !ready.isEmpty
    }
}
