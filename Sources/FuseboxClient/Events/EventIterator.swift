import FuseboxCollections
import FuseboxWire
import Synchronization

/// An event of the daemon, as a subscriber received it.
public struct ReceivedEvent: Sendable, Equatable {
    /// The event's number. The daemon counts its events of all topics from 1 since its start.
    public var number: UInt64
    /// How many events of the subscribed topics were not sent since the previous one, because this subscriber was slow.
    public var missed: UInt64
    /// When the event happened, on the daemon's steady clock.
    public var at: Timestamp
    /// What happened.
    public var event: Event
}

extension FuseboxClient {
    /// Subscribes to the daemon's events from now on, on a connection of its own.
    ///
    /// - Throws: `unavailable`, `refused`, `closed`.
    public func events(_ topics: Topics = .all) throws(ClientError) -> EventIterator {
        guard !isClosed else { throw .closed }
        return try EventIterator(path, topics, configuration)
    }
}

/// The daemon's events, one after the other. `next` blocks until the next event has come.
///
/// The iterator ends when its connection ends; `failure` says why. It does not connect again, because events in between
/// would be lost without a trace. A program that subscribes anew learns from `nextNumber` how many there were.
///
/// The iterator is used by one thread. Any thread may call `close`.
public final class EventIterator: Sequence, IteratorProtocol, Sendable {
    private let generation = ForkGuard.generation
    private let socket: Socket
    private let path: String
    /// The reading thread holds the lock for as long as it waits.
    private let connection: Lock<Connection>
    private let end = Lock<ClientError?>(nil)
    private let isClosed = Atomic(false)

    /// The number of the daemon's next event when the subscription began. After a lost subscription it tells how many
    /// events came in between, unless the daemon has restarted: a daemon counts from 1 when it starts.
    public let nextNumber: UInt64

    init(_ path: String, _ topics: Topics, _ configuration: FuseboxClient.Configuration) throws(ClientError) {
        // The subscription is a worker of its own, because the daemon allows one connection for each worker.
        var connection = try Connection.open(
            path, as: .random(), name: configuration.sentName,
            patienceMilliseconds: ClientLimits.eventPatienceMilliseconds,
            until: .after(milliseconds: Swift.max(configuration.connectTimeoutMilliseconds, 1)))
        do throws(Connection.Interruption) {
            nextNumber = try connection.ask(
                Subscribe(topics: topics),
                until: .after(milliseconds: Swift.max(configuration.requestTimeoutMilliseconds, 1))
            ).nextNumber
        } catch {
            if case .refused(let refusal) = error { throw .refused(refusal) }
            throw .unavailable(path: path, reason: error.description)
        }
        self.path = path
        socket = connection.socket
        self.connection = Lock(connection)
    }

    deinit { close() }

    /// Blocks until the next event. Nil when no further event will come; `failure` says why.
    public func next() -> ReceivedEvent? {
        do throws(ClientError) { return try take(until: .never) } catch { return nil }
    }

    /// Blocks until the next event, at most for `timeout`. Nil if no event has come by then.
    ///
    /// - Throws: why no further event will come: `unavailable`, `refused`, `protocolViolation`, `closed`.
    public func next(timeout: Duration) throws(ClientError) -> ReceivedEvent? {
        try take(until: .after(milliseconds: Int(clamping: Swift.max(timeout.wholeMilliseconds, 0))))
    }

    /// Why the events have ended. Nil while they have not; `closed` after `close`.
    public var failure: ClientError? {
        guard generation == ForkGuard.generation else { return .forked }
        if isClosed.load(ordering: .acquiring) { return .closed }
        return end.withLock { $0 }
    }

    /// Ends the subscription. A thread that waits for an event wakes up.
    public func close() {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        socket.end()
    }

    // MARK: Frames

    private func take(until deadline: Deadline) throws(ClientError) -> ReceivedEvent? {
        guard generation == ForkGuard.generation else { throw .forked }
        do throws(ClientError) {
            return try connection.withLock { connection throws(ClientError) in
                if let failure { throw failure }
                return try Self.nextEvent(&connection, path, until: deadline)
            }
        } catch {
            end.withLock { $0 = $0 ?? error }
            throw failure ?? error
        }
    }

    private static func nextEvent(
        _ connection: inout Connection, _ path: String, until deadline: Deadline
    ) throws(ClientError) -> ReceivedEvent? {
        let version = connection.version
        while true {
            let frame: Frame?
            do throws(Connection.Interruption) {
                frame = try unsafe connection.nextFrame { header, payload in unsafe Frame(header, payload, version) }
                if frame == nil { try connection.receive(until: deadline) }
            } catch {
                switch error {
                case .timedOut: return nil
                case .garbled(let reason): throw .protocolViolation(reason)
                case .refused(let refusal): throw .refused(refusal)
                case .lost(let reason): throw .unavailable(path: path, reason: reason)
                }
            }
            switch frame {
            case .event(let event): return event
            case .end(let error): throw error
            case .unknown, nil: continue
            }
        }
    }

    /// What a frame on a subscribed connection says.
    private enum Frame {
        case event(ReceivedEvent)
        /// The daemon closes the connection, or its bytes cannot be read.
        case end(ClientError)
        /// An event that only a newer client knows.
        case unknown

        init(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer, _ version: UInt16) {
            guard header.kind == FrameKind.event.rawValue else {
                self = .end(.refused(unsafe Payload.refusal(header.detail, payload)))
                return
            }
            guard EventNumber(rawValue: header.command) != nil else {
                self = .unknown
                return
            }
            var reader = unsafe ByteReader(payload, skipsUnknown: true, version: version)
            var envelope = EventEnvelope()
            do throws(Refusal) {
                try envelope.decode(from: &reader)
                let event = try Event(number: header.command, from: &reader)
                try reader.finish()
                self = .event(
                    ReceivedEvent(
                        number: envelope.number, missed: envelope.missed, at: envelope.at, event: event))
            } catch {
                self = .end(.protocolViolation("event \(header.command) cannot be read: \(error.message)"))
            }
        }
    }
}
