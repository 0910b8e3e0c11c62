import FuseboxClient
import FuseboxCollections
import FuseboxTestSupport
import Glibc
import Testing

extension EndToEnd {
    /// Calls that wait for their turn at a real daemon.
    @Suite struct WaitingTests {
        private static func client(of daemon: DaemonProcess) throws -> FuseboxClient {
            var configuration = FuseboxClient.Configuration(requestTimeoutMilliseconds: 20_000)
            configuration.spool = .none
            return try FuseboxClient.connect(to: daemon.socketPath, configuration: configuration)
        }

        /// How many calls are made at once.
        private final class Gauge: Sendable {
            private let counts = Lock((inside: 0, most: 0))

            var most: Int { counts.withLock { $0.most } }

            func enter() {
                counts.withLock { counts in
                    counts.inside += 1
                    counts.most = max(counts.most, counts.inside)
                }
            }

            func leave() { counts.withLock { $0.inside -= 1 } }
        }

        /// A daemon with one place in flight for `openai`.
        private static func daemonWithOnePlace() throws -> DaemonProcess {
            let daemon = try DaemonProcess()
            #expect(
                try Program.run([
                    Program.fusebox, "limit", "set", "--provider", "openai", "1 in flight", "--socket",
                    daemon.socketPath,
                ]).status == 0)
            return daemon
        }

        private static func waiting(_ client: FuseboxClient) -> Int { (try? client.admission.waiting().count) ?? -1 }

        @Test func aWaitingThreadGetsThePlaceThatAnotherGivesBackAndAPollerDoesNot() throws {
            let daemon = try Self.daemonWithOnePlace()
            let holder = try Self.client(of: daemon)
            let held = try holder.admission.admit(["openai"]).get()
            let client = try Self.client(of: daemon)
            let granted = Lock<Permit?>(nil)
            let thread = WorkerThread {
                guard let result = try? client.admission.admit(["openai"], waiting: .seconds(60)) else { return }
                if case .success(let permit) = result { granted.withLock { $0 = permit } }
            }
            #expect(waitUntil { Self.waiting(holder) == 1 })
            for _ in 0..<20 { #expect(throws: AdmissionDenied.self) { try holder.admission.admit(["openai"]).get() } }
            try holder.admission.settle(held, .success)
            thread.join()
            let permit = try #require(granted.withLock { $0 })
            #expect(Self.waiting(holder) == 0)
            let denied = #expect(throws: AdmissionDenied.self) { try holder.admission.admit(["openai"]).get() }
            #expect(denied?.reasons.first?.reason == .limit)
            try client.admission.settle(permit, .success)
            #expect(try daemon.stop() == 0)
        }

        @Test func aCancelledTaskWithdrawsItsWait() async throws {
            let daemon = try Self.daemonWithOnePlace()
            let client = try Self.client(of: daemon)
            let held = try await client.admission.admit(["openai"]).get()
            let task = Task {
                try await client.withPermit(["openai"], waiting: .seconds(60)) { _ in CallResult.success(1) }
            }
            #expect(waitUntil { Self.waiting(client) == 1 })
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(waitUntil { Self.waiting(client) == 0 })
            try await client.admission.settle(held, .success)
            let permits = try await client.admission.permits()
            #expect(permits.permits.isEmpty && permits.totals.granted == 1)
            #expect(try daemon.stop() == 0)
        }

        @Test func aWaitThatIsOverIsDeniedWithItsReason() async throws {
            let daemon = try Self.daemonWithOnePlace()
            let client = try Self.client(of: daemon)
            let held = try await client.admission.admit(["openai"]).get()
            let denied = await #expect(throws: AdmissionDenied.self) {
                try await client.admission.admit(["openai"], waiting: .milliseconds(200)).get()
            }
            #expect(denied?.reasons.first?.reason == .limit)
            try await client.admission.settle(held, .success)
            #expect(try daemon.stop() == 0)
        }

        @Test func manyTasksOfOneClientTakeTurns() async throws {
            let daemon = try Self.daemonWithOnePlace()
            let client = try Self.client(of: daemon)
            let gauge = Gauge()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        try await client.withPermit(["openai"], waiting: .seconds(120)) { _ in
                            gauge.enter()
                            await Task.yield()
                            gauge.leave()
                            return CallResult.success(())
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(gauge.most == 1)
            #expect(try await client.admission.permits().totals.settled == 100)
            #expect(try daemon.stop() == 0)
        }

        @Test func aWaitOutlivesAKilledDaemon() async throws {
            let daemon = try Self.daemonWithOnePlace()
            let holder = try Self.client(of: daemon)
            let held = try await holder.admission.admit(["openai"]).get()
            let client = try Self.client(of: daemon)
            let task = Task { try await client.admission.admit(["openai"], waiting: .seconds(120)).get() }
            #expect(waitUntil { Self.waiting(holder) == 1 })
            daemon.kill()
            let next = try DaemonProcess(in: daemon.folder)
            #expect(waitUntil { Self.waiting(holder) == 1 })
            try await holder.admission.settle(held, .success)
            let permit = try await task.value
            try await client.admission.settle(permit, .success)
            #expect(try await client.admission.permits().totals.settled == 2)
            #expect(try next.stop() == 0)
        }

        /// Waiting commands die, one after the other, while others wait behind them: their places are free at once.
        @Test func theQueueForgetsKilledCommands() throws {
            let daemon = try Self.daemonWithOnePlace()
            let client = try Self.client(of: daemon)
            let held = try client.admission.admit(["openai"]).get()
            let arguments = [
                Program.fusebox, "run", "--provider", "openai", "--wait", "60s", "--socket", daemon.socketPath, "--",
                "/bin/true",
            ]
            let log = daemon.folder.path + "/run.log"
            let commands = (0..<6).map { _ in spawn(arguments, environment: [], standardError: log) }
            #expect(waitUntil { Self.waiting(client) == 6 })
            for command in commands.prefix(3) { kill(command, SIGKILL) }
            #expect(waitUntil { Self.waiting(client) == 3 })
            for command in commands[3..<4] { kill(command, SIGTERM) }
            #expect(waitUntil { Self.waiting(client) == 2 })
            try client.admission.settle(held, .success)
            var statuses: [Int32] = []
            for command in commands {
                var status: Int32 = 0
                #expect(waitpid(command, &status, 0) == command)
                statuses.append(status)
            }
            #expect(statuses == [SIGKILL, SIGKILL, SIGKILL, (128 + SIGTERM) << 8, 0, 0])
            #expect(waitUntil { (try? client.admission.permits().totals.settled) == 3 })
            #expect(try daemon.stop() == 0)
        }
    }
}
