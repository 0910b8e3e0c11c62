import FuseboxClient
import FuseboxTestSupport
import FuseboxWire
import Synchronization
import Testing

/// The documents' examples of a worker.
struct WorkerExampleTests {
    @Test func clientMdShowsTheWorkerThatIsCompiledHere() {
        let source = Package.text("Tests/FuseboxProductTests/WorkerExample.swift")
        #expect(!source.isEmpty && Package.text("proto-docs/client.md").contains("```swift\n\(source)```\n"))
    }

    @Test func theREADMEShowsTheCallWithAPermitThatIsCompiledHere() {
        let source = Package.text("Tests/FuseboxProductTests/PermitExample.swift")
        let example = source.dropFirst("import FuseboxClient\n\n".count)
        #expect(!example.isEmpty && Package.text("README.md").contains("```swift\n\(example)```\n"))
    }

    @Test func underAPermitTheNextProviderAnswersForOneWithoutQuotaAndEverythingIsSettled() async throws {
        let daemon = try DaemonProcess()
        let client = try daemon.connect()
        let isOut: @Sendable (String) throws -> ProviderReply = { provider in
            guard provider == "anthropic" else { throw ProviderError.quotaExhausted(retryAfter: .seconds(3600)) }
            return ProviderReply(text: "a", model: "m", cost: .zero, inputTokens: 1, outputTokens: 1)
        }
        let text = try await FakeProviders.$reply.withValue(isOut) { try await ask("?", using: client) }
        #expect(text == "a")
        #expect(try await client.exhaustion.list().count == 1)
        let totals = try await client.admission.permits().totals
        // If the machine is so busy that the daemon considered the worker dead, the permits are settled late.
        #expect((totals.granted, totals.settled + totals.settledLate, totals.outstanding) == (2, 2, 0))
        #expect(try daemon.stop() == 0)
    }

    @Test func anAnswerIsPaidForWithTheProviderThatGaveIt() async throws {
        let daemon = try DaemonProcess()
        let client = try daemon.connect()
        #expect(try await ask("?", using: client) == "openai says so")
        let usage = try #require(try await client.ledger.model("gpt-4o", of: "openai")).usage
        #expect(usage.spend == Money(nanodollars: 1_230_000))
        #expect((usage.inputTokens, usage.outputTokens, usage.requests) == (120, 300, 1))
        #expect(try await client.breakers.get("openai").status.totalSuccesses == 1)
        #expect(try await client.ledger.provider("anthropic") == nil)
        #expect(try daemon.stop() == 0)
    }

    @Test func aProviderWithoutQuotaIsMarkedForAsLongAsItSaysAndPassedOverByEveryWorker() async throws {
        // Under this profile no call probes the mark, however slow the machine is.
        let daemon = try DaemonProcess("--profile", "llm-providers")
        let (client, other) = (try daemon.connect(), try daemon.connect())
        let isOut: @Sendable (String) throws -> ProviderReply = { provider in
            guard provider == "anthropic" else { throw ProviderError.quotaExhausted(retryAfter: .seconds(3600)) }
            return ProviderReply(text: "a", model: "m", cost: .zero, inputTokens: 1, outputTokens: 1)
        }
        let text = try await FakeProviders.$reply.withValue(isOut) { try await ask("?", using: client) }
        #expect(text == "a")
        let mark = try #require(try await other.exhaustion.list().first)
        #expect(mark.resetsAt.milliseconds - mark.exhaustedAt.milliseconds == 3_600_000)
        // openai would answer again, but is not called.
        #expect(try await ask("?", using: other) == "anthropic says so")
        #expect(try daemon.stop() == 0)
    }

    @Test func whenEveryProviderFailsTheBreakersOpenAndNobodyIsCalledAnyMore() async throws {
        let daemon = try DaemonProcess()
        let client = try daemon.connect()
        // No failure is forgotten meanwhile, however slow the machine is.
        try await client.breakers.configureDefault(resetTimeout: .seconds(86_400))
        let calls = Counter()
        let fails: @Sendable (String) throws -> ProviderReply = { _ in
            calls.increment()
            throw ProviderError.unavailable
        }
        await FakeProviders.$reply.withValue(fails) {
            for _ in 0..<100 {
                await #expect(throws: (any Error).self) { try await ask("?", using: client) }
            }
        }
        #expect(try await client.breakers.get("openai").status.state == .open)
        #expect(try await client.breakers.get("anthropic").status.state == .open)
        // The threshold of each. The shares only decide when it is reached.
        #expect(calls.value == 10)
        #expect(try daemon.stop() == 0)
    }
}

private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func increment() { count.add(1, ordering: .relaxed) }
}
