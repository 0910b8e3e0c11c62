import FuseboxCore
import FuseboxWire

extension Engine {
    /// Begins to hand events out, unless that is under way: from here to `eventsDelivered` the same ones are told to each
    /// subscriber.
    ///
    /// - Returns: whether there are any
    @discardableResult
    public mutating func beginEvents() -> Bool { commit.outputs.events.beginBatch() }

    /// Appends the events that are being handed out and that a session wants to hear to its output. Call it once for each
    /// session between `beginEvents` and `eventsDelivered`.
    ///
    /// Above the backlog limit they are counted as missed instead, which the next one that fits will tell.
    public func deliverEvents(to session: inout Session, _ output: inout ByteWriter) {
        guard !session.topics.isEmpty else { return }
        output.version = session.version
        for (topic, count) in commit.outputs.events.droppedBeforeBatch where session.topics.contains(topic) {
            session.missedEvents += count
        }
        for pending in commit.outputs.events.batch
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
    public mutating func eventsDelivered() -> Bool { commit.outputs.events.endBatch() }
}
