import FuseboxWire

extension FuseboxClient {
    /// The daemon's events for a task, on a connection of their own. The connection is made when the task asks for the
    /// first event.
    ///
    /// The stream ends when its task is cancelled. It throws if its connection ends.
    public func eventStream(_ topics: Topics = .all) -> EventStream {
        EventStream(subscription: .init(path: path, topics: topics, configuration: configuration))
    }
}

/// The daemon's events as an asynchronous sequence. Every iteration is a subscription of its own.
///
/// A thread reads each subscription, at most `Configuration.eventBuffer` events ahead of the consumer. A consumer that
/// is too slow learns from `ReceivedEvent.missed` how many events the daemon did not send.
public struct EventStream: AsyncSequence, Sendable {
    /// The stream's elements.
    public typealias Element = ReceivedEvent
    /// The error that the stream throws when its connection ends.
    public typealias Failure = ClientError

    let subscription: EventFeed.Subscription

    /// Begins a subscription. It connects when its first event is asked for.
    public func makeAsyncIterator() -> Iterator {
        Iterator(
            lease: Lease(EventFeed(limit: subscription.configuration.eventBuffer)), subscription: subscription)
    }

    /// One subscription.
    public struct Iterator: AsyncIteratorProtocol {
        let lease: Lease
        let subscription: EventFeed.Subscription

        /// The next event; nil once the task is cancelled.
        ///
        /// - Throws: why no event will come any more.
        public mutating func next() async throws(ClientError) -> ReceivedEvent? {
            try await next(isolation: nil)
        }

        /// The next event; nil once the task is cancelled.
        ///
        /// - Throws: why no event will come any more.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ClientError) -> ReceivedEvent? {
            lease.feed.start(subscription)
            return try await lease.feed.next()
        }
    }

    /// Ends the subscription when the last copy of its iterator is released.
    final class Lease: Sendable {
        let feed: EventFeed
        init(_ feed: EventFeed) { self.feed = feed }
        deinit { feed.stop() }
    }
}
