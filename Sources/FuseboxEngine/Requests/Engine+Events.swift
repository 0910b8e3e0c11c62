import FuseboxCore
import FuseboxWire

extension Engine {
    /// Begins to hand out events, unless that is under way. Every subscriber gets the same events until
    /// `eventsDelivered`.
    ///
    /// - Returns: whether there are events
    @discardableResult
    package mutating func beginEvents() -> Bool { commit.outputs.events.beginBatch() }

    /// Appends the events of the present batch that a session has subscribed to. Call it once for each session between
    /// `beginEvents` and `eventsDelivered`.
    ///
    /// Events above the backlog limit are counted as missed. The next event that fits tells their number.
    package func deliverEvents(to session: inout Session, _ output: inout ByteWriter) {
        guard !session.topics.isEmpty else { return }
        output.version = session.version
        for (topic, count) in commit.outputs.events.droppedBeforeBatch where session.topics.contains(topic) {
            session.missedEvents += count
        }
        for pending in commit.outputs.events.batch
        where session.topics.contains(pending.event.topic) && pending.envelope.number >= session.firstEvent
            && (session.peer.isReader || state.machine.tells(pending.event, to: session.peer.user))
        {
            guard output.count < machine.bounds.eventBacklog else {
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

    /// Ends the present batch, when every subscriber has been served.
    ///
    /// - Returns: whether other events are ready
    @discardableResult
    package mutating func eventsDelivered() -> Bool { commit.outputs.events.endBatch() }
}

extension StateMachine {
    /// Whether a user is told of an event who may not read everything.
    fileprivate func tells(_ event: Event, to user: UInt32) -> Bool {
        switch event {
        case .limitReached(let record): mayRead(limitsOn: record.entry.scope, user: user)
        case .limitDenied(let record): mayRead(limitsOn: record.entry.scope, user: user)
        case .limitReverted(let record): mayRead(limitsOn: record.entry.scope, user: user)
        case .accountReset(let record): mayRead(accountOf: record.scope, user: user)
        case .accountAdjusted(let record): mayRead(accountOf: record.scope, user: user)
        case .permitLapsed(let record): record.entry.user == user
        case .breakerTransition, .providerExhausted, .providerRestored, .depletionProjected, .routePaused,
            .routeResumed:
            true
        }
    }
}
