import FuseboxCore
import FuseboxWire

/// Events that have happened and were not yet handed to subscribers.
///
/// They are handed out in batches. However many subscribers there are, a batch takes as many turns as it needs: what is ready
/// meanwhile is for the next one. What finds no room here is counted as missed, by topic: neither slow subscribers nor a disk
/// that hangs fill the memory.
struct EventLog {
    struct Numbered {
        var envelope: EventEnvelope
        var event: Event
    }

    /// Of inputs whose entries are not written yet.
    private var fresh: [Numbered] = []
    /// Of inputs that are written and wait for the next sync.
    private var written: [Numbered] = []
    /// Of inputs that the sync under way covers.
    private var syncing: [Numbered] = []
    /// For the next batch.
    private var ready: [Numbered] = []
    /// What is being handed to subscribers.
    private(set) var batch: [Numbered] = []
    /// How many of each topic found no room since the last batch began, and before that since the one before.
    private var dropped: [Topics: UInt64] = [:]
    private(set) var droppedBeforeBatch: [Topics: UInt64] = [:]
    /// The number of the next event.
    private(set) var nextNumber: UInt64 = 1

    /// Events that wait, at the most.
    static let limit = 8_192

    private var count: Int { fresh.count + written.count + syncing.count + ready.count }

    /// Gives new effects their numbers, and takes them out.
    mutating func number(_ effects: inout [Event], at now: Timestamp) {
        var room = Self.limit - count
        for event in effects {
            if room > 0 {
                fresh.append(
                    Numbered(envelope: EventEnvelope(number: nextNumber, missed: 0, at: now), event: event))
            } else {
                dropped[event.topic, default: 0] += 1
            }
            room -= 1
            nextNumber += 1
        }
        effects.removeAll(keepingCapacity: true)
    }

    mutating func batchWritten() {
        guard !fresh.isEmpty else { return }
        written += fresh
        fresh.removeAll(keepingCapacity: true)
    }

    mutating func beginSync() {
        guard !written.isEmpty else { return }
        syncing += written
        written.removeAll(keepingCapacity: true)
    }

    mutating func endSync() {
        guard !syncing.isEmpty else { return }
        ready += syncing
        syncing.removeAll(keepingCapacity: true)
    }

    /// Nothing that is written waits any more.
    mutating func releaseAll() {
        guard !(syncing.isEmpty && written.isEmpty) else { return }
        beginSync()
        endSync()
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

extension Engine {
    /// Begins to hand events out, unless that is under way: from here to `eventsDelivered` the same ones are told to each
    /// subscriber.
    ///
    /// - Returns: whether there are any
    @discardableResult
    public mutating func beginEvents() -> Bool { events.beginBatch() }

    /// Appends the events that are being handed out and that a session wants to hear to its output. Call it once for each
    /// session between `beginEvents` and `eventsDelivered`.
    ///
    /// Above the backlog limit they are counted as missed instead, which the next one that fits will tell.
    public func deliverEvents(to session: inout Session, _ output: inout ByteWriter) {
        guard !session.topics.isEmpty else { return }
        for (topic, count) in events.droppedBeforeBatch where session.topics.contains(topic) {
            session.missedEvents += count
        }
        for pending in events.batch
        where session.topics.contains(pending.event.topic) && pending.envelope.number >= session.firstEvent {
            guard output.count < machine.limits.eventBacklog else {
                session.missedEvents += 1
                continue
            }
            var envelope = pending.envelope
            envelope.missed = session.missedEvents
            session.missedEvents = 0
            let start = output.beginFrame(FrameHeader(command: pending.event.number, kind: .event, correlation: 0))
            envelope.encode(into: &output)
            pending.event.encode(into: &output)
            output.endFrame(start)
        }
    }

    /// Forgets what has been handed out: every subscriber has been served.
    ///
    /// - Returns: whether others are ready by now
    @discardableResult
    public mutating func eventsDelivered() -> Bool { events.endBatch() }
}
