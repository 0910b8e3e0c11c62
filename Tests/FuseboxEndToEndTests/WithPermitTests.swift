import FuseboxClient
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// `withPermit` with the real daemon: what it holds, gives back and counts.
    @Suite struct WithPermitTests {
        private struct Broken: Error {}

        private static func client(
            of daemon: DaemonProcess, requestTimeoutMilliseconds: Int = 20_000, backoffMilliseconds: Int = 1
        ) throws -> FuseboxClient {
            var configuration = FuseboxClient.Configuration(requestTimeoutMilliseconds: requestTimeoutMilliseconds)
            configuration.connectTimeoutMilliseconds = 20_000
            configuration.backoffMinimumMilliseconds = backoffMilliseconds
            configuration.backoffMaximumMilliseconds = backoffMilliseconds
            configuration.spool = .none
            return try FuseboxClient.connect(to: daemon.socketPath, configuration: configuration)
        }

        private static let usage = Usage(model: "large", cost: .dollars("0.5"), inputTokens: 120, outputTokens: 300)

        /// Expects that one call was counted and that nothing is held.
        private func expectOneCall(_ client: FuseboxClient, _ location: SourceLocation = #_sourceLocation) throws {
            let usage = try #require(try client.ledger.provider("openai"), sourceLocation: location).usage
            #expect(usage.spend == .dollars("0.5") && usage.requests == 1, sourceLocation: location)
            #expect(try client.breakers.get("openai").status.totalSuccesses == 1, sourceLocation: location)
            let totals = try client.admission.permits().totals
            #expect(totals.granted == 1 && totals.outstanding == 0, sourceLocation: location)
            #expect(totals.held == .zero, sourceLocation: location)
        }

        @Test func theSecondCandidateAnswersWhenTheFirstFails() async throws {
            let daemon = try DaemonProcess()
            let client = try Self.client(of: daemon)
            try await client.limits.set([Limit(.cost, 1_000_000_000, .manual)], on: Scope(provider: Name("anthropic")))
            let estimate = try Estimate.cost(.dollars("0.75"), tokens: 800)
            let answer = try await client.withPermit(["openai", "anthropic"], estimate: estimate) { permit in
                guard permit.provider == "anthropic" else { throw Broken() }
                let held = try await client.admission.permits()
                #expect(held.permits.map(\.provider.text) == ["anthropic"] && held.totals.held == estimate.cost)
                return .success("\(permit.provider) says so", usage: Self.usage)
            }
            #expect(answer == "anthropic says so")
            #expect(try await client.breakers.get("openai").status.consecutiveFailures == 1)
            #expect(try await client.ledger.model("large", of: "anthropic")?.usage.spend == .dollars("0.5"))
            let totals = try await client.admission.permits().totals
            #expect(totals.granted == 2 && totals.settled == 2 && totals.held == .zero)

            // The rest of the limit is less than another such call.
            let denied = await #expect(throws: AdmissionDenied.self) {
                try await client.withPermit(["anthropic"], estimate: estimate) { _ in .success(1) }
            }
            #expect(denied?.reasons.map(\.reason) == [.limit])
            #expect(denied?.reasons.first?.limits.map(\.used) == [500_000_000])
            #expect(try daemon.stop() == 0)
        }

        /// A client that holds a permit backs off for a part of the grace at most, however long the daemon was away.
        @Test(arguments: [1, 3_600_000])
        func aLongCallIsThereInTimeAfterTheDaemonHasStartedAnew(backoffMilliseconds: Int) throws {
            var daemon = try DaemonProcess()
            let client = try Self.client(of: daemon, backoffMilliseconds: backoffMilliseconds)
            let estimate = try Estimate.tokens(800)
            try client.withPermit(["openai"], estimate: estimate) { (_: HeldPermit) -> CallResult<Void> in
                daemon.send(SIGKILL)
                #expect(try daemon.wait() == 128 + SIGKILL)
                daemon = try DaemonProcess(in: daemon.folder)
                // The call makes no request, but its worker stays connected and so keeps what it holds.
                let peer = try RawPeer.greeted(daemon.socketPath)
                let isBack = waitUntil {
                    (try? peer.ask(ServerStatus()).reply(ServerStatus.Reply.self).connections) == 2
                }
                #expect(isBack)
                return .success((), usage: Self.usage)
            }
            try expectOneCall(client)
            let totals = try client.admission.permits().totals
            #expect(totals.settled == 1 && totals.reclaimed == 0)
            #expect(try daemon.stop() == 0)
        }

        @Test func aCancelledTaskAbandonsItsCall() async throws {
            let daemon = try DaemonProcess()
            let client = try Self.client(of: daemon)
            let task = Task {
                try await client.withPermit(["openai"]) { _ in
                    // Nothing else ends this call.
                    try await Task.sleep(for: .seconds(3_600))
                    return .success(1)
                }
            }
            while try await client.admission.permits().totals.outstanding == 0 { await Task.yield() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            let totals = try await client.admission.permits().totals
            #expect(totals.settled == 1 && totals.outstanding == 0)
            #expect(try await client.breakers.get("openai").status.consecutiveFailures == 0)
            #expect(try daemon.stop() == 0)
        }

        @Test func aCallThatOutlastsItsTimeToLiveKeepsItsPermit() throws {
            let daemon = try DaemonProcess()
            let client = try Self.client(of: daemon)
            let policy = CallPolicy(ttl: .seconds(1))
            _ = try client.withPermit(["openai"], policy: policy) { permit in
                let end = try #require(permit.permit.expiresAt)
                #expect(waitUntil { ((try? client.admission.permits().now) ?? end) > end })
                #expect(try client.admission.permits().permits.map(\.permit) == [permit.permit.number])
                return .success(1, usage: Self.usage)
            }
            try expectOneCall(client)
            #expect(try client.admission.permits().totals.expired == 0)
            #expect(try daemon.stop() == 0)
        }

        @Test func aPermitSurvivesTheDaemonsDeath() throws {
            let daemon = try DaemonProcess()
            let client = try Self.client(of: daemon)
            var next: DaemonProcess?
            _ = try client.withPermit(["openai"], estimate: .cost(.dollars("1"))) { _ in
                daemon.send(SIGKILL)
                #expect(try daemon.wait() == 128 + SIGKILL)
                next = try DaemonProcess(in: daemon.folder)
                return .success(1, usage: Self.usage)
            }
            try expectOneCall(client)
            #expect(try #require(next).stop() == 0)
        }

        @Test func aSettleThatIsSentAgainCountsOnce() throws {
            let daemon = try DaemonProcess()
            let client = try Self.client(of: daemon, requestTimeoutMilliseconds: 1_000)
            let value = try client.withPermit(["openai"], estimate: .cost(.dollars("1"))) { _ in
                // The server reads the settle and never answers it.
                daemon.send(SIGSTOP)
                return .success(1, usage: Self.usage)
            }
            #expect(value == 1, "a call that was made is not lost for its settling")
            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            let next = try DaemonProcess(in: daemon.folder)
            #expect(waitUntil { (try? client.ping()) != nil })
            let another = try Self.client(of: next)
            #expect(waitUntil { (try? another.admission.permits().totals.outstanding) == 0 })
            try expectOneCall(another)
            #expect(client.queuedReports == 0 && client.droppedReports == 0)
            #expect(try next.stop() == 0)
        }

        @Test func aSettleWaitsForADaemonThatIsAway() throws {
            let daemon = try DaemonProcess()
            let client = try Self.client(of: daemon, requestTimeoutMilliseconds: 1_000)
            let value = try client.withPermit(["openai"]) { _ in
                let status = try daemon.stop()
                #expect(status == 0)
                return .success(1, usage: Self.usage)
            }
            #expect(value == 1 && client.queuedReports == 1)
            let next = try DaemonProcess(in: daemon.folder)
            let isTold = waitUntil { (try? client.ping()) != nil && client.queuedReports == 0 }
            #expect(isTold)
            try expectOneCall(client)
            #expect(try next.stop() == 0)
        }
    }
}
