import FuseboxWire

extension FuseboxClient {
    /// The daemon's events for a task, on a connection of their own, which is made when the task asks for the first.
    ///
    /// The stream ends when its task is cancelled, and throws why if its connection ends.
    public func eventStream(_ topics: Topics = .all) -> EventStream {
        EventStream(subscription: .init(path: path, topics: topics, configuration: configuration))
    }
}

/// The daemon's events as an asynchronous sequence. Every iteration is a subscription of its own.
///
/// A thread of its own reads each subscription, and no further ahead than `Configuration.eventBuffer`: a consumer that
/// is slower than that learns from `ReceivedEvent.missed` what the daemon did not send.
public struct EventStream: AsyncSequence, Sendable {
    /// What it gives.
    public typealias Element = ReceivedEvent
    /// What it throws when it cannot go on.
    public typealias Failure = ClientError

    let subscription: EventFeed.Subscription

    /// Begins a subscription, which is made when its first event is asked for.
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

    /// Ends the subscription when the last copy of its iterator goes.
    final class Lease: Sendable {
        let feed: EventFeed
        init(_ feed: EventFeed) { self.feed = feed }
        deinit { feed.stop() }
    }
}
