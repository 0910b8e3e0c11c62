import FuseboxClient
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// Calls under a permit whose answers are streams, with the real daemon.
    @Suite struct StreamTests {
        private struct Part: Sendable {
            var text: String
            var tokens: Int
            var usage: Usage? { Usage(cost: .dollars("0.001"), outputTokens: tokens) }
        }

        private struct Broken: Error {}
        private struct OwnFault: Error {}

        /// A provider's answer of ten parts. Each tells the tokens so far.
        ///
        /// - Parameter failing: the part in whose place it fails
        private func answer(failing: Int? = nil) -> AsyncThrowingStream<Part, any Error> {
            AsyncThrowingStream { stream in
                for number in 1...10 {
                    if number == failing { return stream.finish(throwing: Broken()) }
                    stream.yield(Part(text: "\(number) ", tokens: number))
                }
                stream.finish()
            }
        }

        /// A client that is patient with a busy machine.
        private func client(of daemon: DaemonProcess) async throws -> FuseboxClient {
            var configuration = FuseboxClient.Configuration(requestTimeoutMilliseconds: 60_000)
            configuration.connectTimeoutMilliseconds = 60_000
            configuration.spool = .none
            return try await FuseboxClient.connect(
                to: daemon.socketPath, configuration: configuration, waitingUntilReady: .seconds(60))
        }

        private func expect(
            _ provider: String, successes: UInt64, failures: UInt64, requests: UInt64, tokens: UInt64,
            _ client: FuseboxClient, _ location: SourceLocation = #_sourceLocation
        ) async throws {
            let status = try await client.breakers.get(Candidate(provider)).status
            #expect(status.totalSuccesses == successes && status.totalFailures == failures, sourceLocation: location)
            let usage = try await client.ledger.provider(provider)?.usage
            #expect(usage?.outputTokens ?? 0 == tokens && usage?.requests ?? 0 == requests, sourceLocation: location)
            #expect(try await client.admission.permits().totals.outstanding == 0, sourceLocation: location)
        }

        @Test func aStreamThatIsReadToItsEndIsASuccessAndItsLastUsageCounts() async throws {
            let daemon = try DaemonProcess()
            let client = try await self.client(of: daemon)
            let text = try await client.withPermit(["openai"], usage: \.usage) { permit in
                let outstanding = try await client.admission.permits().totals.outstanding
                #expect(outstanding == 1)
                return answer()
            } read: { parts in
                try await parts.reduce(into: "") { $0 += $1.text }
            }
            #expect(text == "1 2 3 4 5 6 7 8 9 10 ")
            try await expect("openai", successes: 1, failures: 0, requests: 1, tokens: 10, client)
            #expect(try daemon.stop() == 0)
        }

        @Test func aReaderThatStopsEarlyAbandonsTheCall() async throws {
            let daemon = try DaemonProcess()
            let client = try await self.client(of: daemon)
            let first = try await client.withPermit(["openai"], usage: \.usage) { _ in
                answer()
            } read: { parts in
                for try await part in parts { return part.text }
                return ""
            }
            #expect(first == "1 ")
            try await expect("openai", successes: 0, failures: 0, requests: 1, tokens: 1, client)
            #expect(try daemon.stop() == 0)
        }

        /// The stream ends without an error in the cancelled task, and its reader returns.
        @Test func aCancelledTaskAbandonsTheCall() async throws {
            let daemon = try DaemonProcess()
            let client = try await self.client(of: daemon)
            let endless = AsyncStream<Part> { stream in stream.yield(Part(text: "1 ", tokens: 3)) }
            let (begun, beginning) = AsyncStream<Void>.makeStream()
            let reading = Task {
                try await client.withPermit(["openai"], usage: \.usage) { _ in
                    endless
                } read: { parts in
                    var text = ""
                    for await part in parts {
                        text += part.text
                        beginning.finish()
                    }
                    return text
                }
            }
            for await _ in begun {}
            reading.cancel()
            #expect(try await reading.value == "1 ")
            try await expect("openai", successes: 0, failures: 0, requests: 1, tokens: 3, client)
            #expect(try daemon.stop() == 0)
        }

        @Test func anotherCandidateAnswersUntilAPartHasCome() async throws {
            let daemon = try DaemonProcess()
            let client = try await self.client(of: daemon)
            let text = try await client.withPermit(["openai", "anthropic"], usage: \.usage) { permit in
                answer(failing: permit.provider == "openai" ? 1 : nil)
            } read: { parts in
                try await parts.reduce(into: "") { $0 += $1.text }
            }
            #expect(text.hasSuffix("10 "))
            try await expect("openai", successes: 0, failures: 1, requests: 1, tokens: 0, client)
            try await expect("anthropic", successes: 1, failures: 0, requests: 1, tokens: 10, client)

            await #expect(throws: Broken.self) {
                try await client.withPermit(["openai", "anthropic"], usage: \.usage) { _ in
                    answer(failing: 5)
                } read: { parts in
                    try await parts.reduce(into: "") { $0 += $1.text }
                }
            }
            try await expect("openai", successes: 0, failures: 2, requests: 2, tokens: 4, client)
            try await expect("anthropic", successes: 1, failures: 0, requests: 1, tokens: 10, client)
            #expect(try daemon.stop() == 0)
        }

        @Test func anErrorOfTheReaderSaysNothingOfTheProvider() async throws {
            let daemon = try DaemonProcess()
            let client = try await self.client(of: daemon)
            await #expect(throws: OwnFault.self) {
                try await client.withPermit(["openai", "anthropic"], usage: \.usage) { _ in
                    answer()
                } read: { parts in
                    for try await _ in parts { throw OwnFault() }
                }
            }
            try await expect("openai", successes: 0, failures: 0, requests: 1, tokens: 1, client)
            #expect(try await client.ledger.provider("anthropic") == nil)
            #expect(try daemon.stop() == 0)
        }

        @Test(arguments: [true, false])
        func aDaemonThatIsNotThereYetIsWaitedFor(isAsync: Bool) async throws {
            let folder = TemporaryFolder()
            let path = folder("socket")
            let late = Task {
                isAsync
                    ? try await FuseboxClient.connect(to: path, waitingUntilReady: .seconds(60))
                    : try { try FuseboxClient.connect(to: path, waitingUntilReady: .seconds(60)) }()
            }
            // The client has asked once before the daemon starts: somebody else accepts its connection and is gone.
            let listener = try listeningSocket(at: path)
            _ = fcntl(listener, F_SETFL, O_NONBLOCK)
            var asked = accept(listener, nil, nil)
            while asked < 0 {
                try await Task.sleep(for: .milliseconds(2))
                asked = accept(listener, nil, nil)
            }
            for socket in [asked, listener] { close(socket) }
            let daemon = try DaemonProcess(in: folder)
            let client = try await late.value
            #expect(client.hello != nil)
            #expect(try daemon.stop() == 0)
            await #expect(throws: ClientError.self) {
                try await FuseboxClient.connect(to: path, waitingUntilReady: .milliseconds(50))
            }
            let open = FuseboxClient.Configuration(failurePolicy: .failOpen(queueLimit: 4))
            let assumed = try await FuseboxClient.connect(
                to: path, configuration: open, waitingUntilReady: .milliseconds(50))
            #expect(assumed.hello == nil)
        }
    }
}
