import FuseboxCore
import FuseboxWire

/// Events that have happened and were not yet handed to subscribers.
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
    /// To be handed to subscribers.
    private(set) var ready: [Numbered] = []
    /// The number of the next event.
    private(set) var nextNumber: UInt64 = 1

    /// Gives new effects their numbers, and takes them out.
    mutating func number(_ effects: inout [Event], at now: Timestamp) {
        for event in effects {
            fresh.append(
                Numbered(envelope: EventEnvelope(number: nextNumber, missed: 0, at: now), event: event))
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

    mutating func clear() { ready.removeAll(keepingCapacity: true) }
}

extension Engine {
    /// Whether there are events to hand to subscribers.
    public var hasEvents: Bool { !events.ready.isEmpty }

    /// Appends the pending events that a session wants to hear to its output.
    ///
    /// Above the backlog limit they are counted as missed instead, which the next one that fits will tell.
    public func deliverEvents(to session: inout Session, _ output: inout ByteWriter) {
        guard !session.topics.isEmpty else { return }
        for pending in events.ready where session.topics.contains(pending.event.topic) {
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

    /// Forgets the pending events: every subscriber has been served.
    public mutating func eventsDelivered() { events.clear() }
}
