import FuseboxClient
import FuseboxCollections
import FuseboxTestSupport
import Glibc
import Synchronization
import Testing

extension EndToEnd {
    /// The results of workers while the real daemon is stopped, and the daemon's state afterwards.
    @Suite struct FailurePolicyTests {
        /// A client whose calls do not wait for a backoff once the daemon is back.
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

        /// Workers with a long timeout call all the time and do not notice that the daemon restarts.
        @Test func withPatienceWorkersSeeNothingOfARestart() throws {
            var daemon = try DaemonProcess()
            let failure = Lock<ClientError?>(nil)
            let isStopping = Atomic(false)
            let calls = Atomic(0)
            let path = daemon.socketPath
            let workers = (0..<4).map { _ in
                WorkerThread {
                    do throws(ClientError) {
                        var configuration = FuseboxClient.Configuration(requestTimeoutMilliseconds: 60_000)
                        configuration.connectTimeoutMilliseconds = 60_000
                        configuration.restartPatienceMilliseconds = 60_000
                        configuration.spool = .none
                        let client = try FuseboxClient.connect(to: path, configuration: configuration)
                        while !isStopping.load(ordering: .relaxed) {
                            _ = try client.exhaustion.get("openai")
                            try client.breakers.success("openai")
                            calls.add(1, ordering: .relaxed)
                        }
                    } catch { failure.withLock { $0 = error } }
                }
            }
            for restart in 0..<3 {
                let before = calls.load(ordering: .relaxed)
                #expect(waitUntil { calls.load(ordering: .relaxed) > before + 20 || failure.withLock { $0 } != nil })
                #expect(try daemon.stop(restart == 1 ? SIGKILL : SIGTERM) == (restart == 1 ? 128 + SIGKILL : 0))
                daemon = try DaemonProcess(in: daemon.folder)
            }
            let before = calls.load(ordering: .relaxed)
            #expect(waitUntil { calls.load(ordering: .relaxed) > before + 20 || failure.withLock { $0 } != nil })
            isStopping.store(true, ordering: .relaxed)
            for worker in workers { worker.join() }
            #expect(failure.withLock { $0 } == nil)
            let client = try Self.client(of: daemon, .failClosed)
            let counted = try client.breakers.get("openai").status.totalSuccesses
            #expect(counted == UInt64(calls.load(ordering: .relaxed)))
            #expect(try daemon.stop() == 0)
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

/// A thread that a test waits for.
final class WorkerThread: @unchecked Sendable {
    private var thread = pthread_t()
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
        let context = Unmanaged.passRetained(self).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<WorkerThread>.fromOpaque(context!).takeRetainedValue().body()
                return nil
            }, context)
        precondition(code == 0)
    }

    func join() { pthread_join(thread, nil) }
}
