import FuseboxClient
import FuseboxClientExtras
import FuseboxTestSupport
import FuseboxWire
import Logging
import ServiceLifecycle
import Synchronization
import Testing

struct FuseboxServiceTests {
    @Test func aServiceLogsWhatTheDaemonDecidesAndClosesItsClientAtTheShutdown() async throws {
        let daemon = try DaemonProcess()
        let client = try await FuseboxClient.connect(to: daemon.socketPath, waitingUntilReady: .seconds(60))
        let log = LogBook()
        let service = FuseboxService(client, logger: Logger(label: "test") { _ in log.handler })
        let group = ServiceGroup(services: [service], logger: Logger(label: "group") { _ in LogBook().handler })
        let running = Task { try await group.run() }
        let operating = try daemon.connect()
        try await untilLogged(2, "breakerTransition", in: log) {
            try await operating.breakers.forceOpen("openai")
            try await operating.breakers.reset("openai")
        }
        let (opened, closed) = (try #require(transition(to: "open", in: log)), transition(to: "closed", in: log))
        #expect(opened.level == .warning && closed?.level == .notice)
        #expect(opened.metadata["name"] == "openai" && opened.metadata["model"] == nil)
        #expect(opened.metadata["fusebox.socket"] == "\(daemon.socketPath)")
        await group.triggerGracefulShutdown()
        try await running.value
        await #expect(throws: ClientError.closed) { try await client.ping() }
        #expect(try daemon.stop() == 0)
    }

    @Test func itOutlastsTheDaemonAndSaysSo() async throws {
        var daemon = try DaemonProcess()
        let client = try daemon.connect()
        let log = LogBook()
        let service = FuseboxService(client, logger: Logger(label: "test") { _ in log.handler })
        let running = Task { await service.run() }
        let before = try daemon.connect()
        try await untilLogged(1, "breakerTransition", in: log) {
            try await before.breakers.forceOpen("openai")
            try await before.breakers.reset("openai")
        }
        daemon.kill()
        #expect(waitUntil { log.lines.contains { $0.message == "no events of the daemon are known any more" } })
        daemon = try DaemonProcess(in: daemon.folder)
        #expect(waitUntil { log.lines.contains { $0.message == "the daemon answers again" } })
        let after = try daemon.connect()
        try await untilLogged(1, "providerExhausted", in: log) {
            try await after.exhaustion.mark("anthropic")
            try await after.exhaustion.clear("anthropic")
        }
        running.cancel()
        await running.value
        await #expect(throws: ClientError.closed) { try await client.ping() }
        #expect(try daemon.stop() == 0)
    }

    /// Brings an event about until it is logged so often: the service subscribes when it comes to it.
    private func untilLogged(
        _ count: Int, _ event: String, in log: LogBook, _ action: () async throws -> Void,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        for _ in 0..<1_000 where log.lines.count(where: { $0.message == event }) < count {
            try await action()
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(log.lines.count { $0.message == event } >= count, sourceLocation: location)
    }

    private func transition(to state: String, in log: LogBook) -> LogBook.Line? {
        log.lines.first { $0.message == "breakerTransition" && $0.metadata["to"] == state }
    }
}

extension DaemonProcess {
    /// Connects a client that is patient with a busy machine.
    fileprivate func connect() throws -> FuseboxClient {
        var configuration = FuseboxClient.Configuration(requestTimeoutMilliseconds: 60_000)
        configuration.connectTimeoutMilliseconds = 60_000
        configuration.spool = .none
        return try FuseboxClient.connect(to: socketPath, configuration: configuration)
    }
}

/// What was logged.
final class LogBook: Sendable {
    struct Line {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private let book = Mutex<[Line]>([])
    var lines: [Line] { book.withLock { $0 } }
    var handler: Handler { Handler(log: self) }

    struct Handler: LogHandler {
        let log: LogBook
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            let line = Line(
                level: event.level, message: "\(event.message)", metadata: all.mapValues { "\($0)" })
            log.book.withLock { $0.append(line) }
        }
    }
}
