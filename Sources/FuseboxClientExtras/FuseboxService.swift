public import FuseboxClient
public import Logging
public import ServiceLifecycle

/// A client as a service of a service group: it logs what the daemon decides, and closes the client at the shutdown.
///
/// While it runs, each event of the daemon is a line in the log, with its fields as metadata. So a worker's log tells why
/// calls were denied: a breaker opened, a provider's quota is used up, a limit denies. When the daemon goes away and when it
/// answers again, that is a line too, and the service goes on.
///
/// At a graceful shutdown, or when its task is cancelled, it closes the client: kept reports are delivered, or left in the
/// user's spool. Let it be one of the first services of the group. A group shuts its services down in reverse order, so the
/// services that make calls end before it.
///
/// ```swift
/// let client = try await FuseboxClient.connect(waitingUntilReady: .seconds(10))
/// let group = ServiceGroup(
///     services: [FuseboxService(client, logger: logger), server], gracefulShutdownSignals: [.sigterm], logger: logger)
/// try await group.run()
/// ```
public struct FuseboxService: Service, CustomStringConvertible {
    /// The client that is closed at the end.
    public let client: FuseboxClient
    private let logger: Logger
    private let topics: FuseboxClient.Topics

    /// How long it waits before it subscribes again, at first and at most.
    private static let pauses = (first: Duration.milliseconds(100), longest: Duration.seconds(5))

    /// Makes the service of a client.
    ///
    /// - Parameters:
    ///   - client: the client; the service closes it
    ///   - logger: where the lines go; each has the socket's path as `fusebox.socket`
    ///   - topics: the subjects of the events that are logged
    public init(_ client: FuseboxClient, logger: Logger, topics: FuseboxClient.Topics = .all) {
        self.client = client
        var logger = logger
        logger[metadataKey: "fusebox.socket"] = "\(client.path)"
        self.logger = logger
        self.topics = topics
    }

    /// The service's name in the log of its group.
    public var description: String { "fusebox client" }

    /// Logs events until the shutdown, then closes the client.
    public func run() async {
        // It throws nothing: a shutdown ends the watch as a cancellation does.
        await cancelWhenGracefulShutdown { await watch() }
        close()
    }

    // MARK: Events

    private func watch() async {
        var pause = Self.pauses.first
        var isAway = false
        while !Task.isCancelled {
            do throws(ClientError) {
                let events = client.eventStream(topics).makeAsyncIterator()
                _ = try await client.ping()
                if isAway { logger.notice("the daemon answers again") }
                (isAway, pause) = (false, Self.pauses.first)
                try await log(events)
            } catch .closed {
                return
            } catch {
                guard !Task.isCancelled else { return }
                if !isAway {
                    logger.warning("no events of the daemon are known any more", metadata: ["error": "\(error)"])
                }
                isAway = true
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.pauses.longest)
        }
    }

    private func log(_ events: EventStream.Iterator) async throws(ClientError) {
        var events = events
        while let received = try await events.next() {
            if received.missed > 0 { logger.warning("missed \(received.missed) events of the daemon") }
            let event = received.event
            logger.log(level: event.level, "\(event.name)", metadata: event.metadata)
        }
    }

    // MARK: The end

    private func close() {
        client.close()
        let spooling = client.spooling
        if spooling.reports > 0, let file = spooling.file {
            logger.notice("left \(spooling.reports) reports in the spool", metadata: ["fusebox.spool": "\(file)"])
        }
        if let failure = spooling.failure { logger.error("\(failure)") }
        if client.droppedReports > 0 { logger.error("\(client.droppedReports) reports were dropped") }
    }
}
