import FuseboxCore
import FuseboxWire

/// Events that have happened and were not yet handed to subscribers.
struct EventLog {
    struct Numbered {
        var envelope: EventEnvelope
        var event: Event
    }

    /// Where the state machine puts what happened.
    var effects: [Event] = []
    private(set) var pending: [Numbered] = []
    /// The number of the next event.
    private(set) var nextNumber: UInt64 = 1

    /// Gives the new effects their numbers.
    mutating func number(at now: Timestamp) {
        for event in effects {
            pending.append(
                Numbered(envelope: EventEnvelope(number: nextNumber, missed: 0, at: now), event: event))
            nextNumber += 1
        }
        effects.removeAll(keepingCapacity: true)
    }

    mutating func clear() { pending.removeAll(keepingCapacity: true) }
}

extension Engine {
    /// Whether there are events to hand to subscribers.
    public var hasEvents: Bool { !events.pending.isEmpty }

    /// Appends the pending events that a session wants to hear to its output.
    ///
    /// Above the backlog limit they are counted as missed instead, which the next one that fits will tell.
    public func deliverEvents(to session: inout Session, _ output: inout ByteWriter) {
        guard !session.topics.isEmpty else { return }
        for pending in events.pending where session.topics.contains(pending.event.topic) {
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
