import FuseboxClient
import Testing

extension EndToEnd {
    /// What workers get while the real daemon is stopped, and what it knows when it is back.
    @Suite struct FailurePolicyTests {
        /// A client whose calls do not wait out a backoff once the daemon is back.
        private static func client(
            of daemon: DaemonProcess, _ policy: FuseboxClient.FailurePolicy
        ) throws -> FuseboxClient {
            var configuration = FuseboxClient.Configuration(failurePolicy: policy)
            configuration.backoffMinimumMilliseconds = 1
            configuration.backoffMaximumMilliseconds = 1
            configuration.spool = .none
            return try FuseboxClient.connect(to: daemon.socketPath, configuration: configuration)
        }

        @Test func failClosedThrowsUnavailableAndGoesOnAfterwards() throws {
            let daemon = try DaemonProcess()
            let client = try Self.client(of: daemon, .failClosed)
            #expect(try client.breakers.acquire("openai").admitted)
            #expect(try daemon.stop() == 0)

            let started = ContinuousClock.now
            for _ in 0..<3 {
                let error = #expect(throws: ClientError.self) { try client.breakers.acquire("openai") }
                guard case .unavailable = error else {
                    Issue.record("acquire threw \(String(describing: error))")
                    continue
                }
            }
            #expect(ContinuousClock.now - started < .seconds(5), "no call waits where nobody listens")

            let next = try DaemonProcess(in: daemon.folder)
            #expect(waitUntil { (try? client.breakers.acquire("openai").admitted) == true })
            #expect(try next.stop() == 0)
        }

        @Test func failOpenPermitsAndReportsOnReturn() throws {
            let daemon = try DaemonProcess()
            let client = try Self.client(of: daemon, .failOpen(queueLimit: 100))
            #expect(try !client.breakers.acquire("openai").isAssumed)
            #expect(try daemon.stop() == 0)

            let admission = try client.breakers.acquire("openai")
            #expect(admission.admitted && admission.isAssumed)
            #expect(try client.exhaustion.get("openai").isAssumed)
            for _ in 0..<10 {
                try client.ledger.record(provider: "openai", model: "large", cost: .dollars("0.5"))
                try client.breakers.success("openai")
            }
            #expect(client.queuedReports == 20)

            let next = try DaemonProcess(in: daemon.folder)
            #expect(waitUntil { (try? client.breakers.acquire("openai").isAssumed) == false })
            #expect(client.queuedReports == 0 && client.droppedReports == 0)
            #expect(try client.ledger.total().spend == .dollars("5"))
            #expect(try client.breakers.get("openai").status.totalSuccesses == 10)
            #expect(try next.stop() == 0)
        }

        @Test func aFullQueueDropsTheOldestAndCounts() throws {
            let daemon = try DaemonProcess()
            let client = try Self.client(of: daemon, .failOpen(queueLimit: 3))
            #expect(try daemon.stop() == 0)
            for number in 1...5 {
                try client.ledger.record(provider: "p\(number)", model: "m", cost: .dollars("1"))
            }
            #expect(client.queuedReports == 3 && client.droppedReports == 2)

            let next = try DaemonProcess(in: daemon.folder)
            #expect(waitUntil { (try? client.ledger.total().spend) == .dollars("3") })
            #expect(try client.ledger.provider("p2") == nil)
            #expect(try client.ledger.provider("p3") != nil)
            #expect(try next.stop() == 0)
        }
    }
}
