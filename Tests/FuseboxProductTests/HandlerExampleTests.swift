import FuseboxInterop
import Testing

/// The example of a request handler that keeps the state itself.
struct HandlerExampleTests {
    @Test func embeddingMdShowsTheOneThatIsCompiledHere() {
        let source = Package.text("Tests/FuseboxProductTests/HandlerExample.swift")
        #expect(!source.isEmpty && Package.text("proto-docs/embedding.md").contains("```swift\n\(source)```\n"))
    }

    /// A store like that of a platform. It counts its requests.
    private actor Store: KeyValueStore {
        private(set) var texts: [String: String] = [:]
        func get(_ key: String) -> String? { texts[key] }
        func put(_ key: String, _ text: String) { texts[key] = text }
    }

    private static let begin = Timestamp(milliseconds: 1_767_225_600_000)

    private func answers(
        _ count: Int, _ store: Store, at now: Timestamp,
        _ reply: @escaping @Sendable (String) throws -> ProviderReply
    ) async throws -> [String?] {
        try await FakeProviders.$reply.withValue(reply) {
            var answers: [String?] = []
            for _ in 0..<count { answers.append(try await handle("?", store: store) { now }) }
            return answers
        }
    }

    @Test func spendAddsUpOverInstancesThatKnowNothingOfEachOther() async throws {
        let store = Store()
        let answers = try await answers(3, store, at: Self.begin, FakeProviders.reply)
        #expect(answers == ["openai says so", "openai says so", "openai says so"])
        var ledger = CreditLedger(at: Self.begin)
        try ledger.restore(try #require(await store.texts["ledger"]))
        #expect(try ledger.totalSpend(at: Self.begin) == .dollars("0.00369"))
    }

    @Test func failuresOfSeveralInstancesOpenTheBreakerForTheNextAndAMarkStandsUntilItEnds() async throws {
        let store = Store()
        let answers = try await answers(100, store, at: Self.begin) { _ in throw ProviderError.unavailable }
        #expect(answers.allSatisfy { $0 == nil })
        let breaker = try CircuitBreaker.deserialize(try #require(await store.texts["breaker/openai"]))
        // The shares are exact over all instances, and none is 0, so every step of the curve is reached.
        #expect(breaker.status(at: Self.begin).state == .open)
        #expect(breaker.status(at: Self.begin).totalFailures == 5)

        let later = Self.begin + 10 * 60_000
        _ = try await self.answers(1, store, at: later) { _ in
            throw ProviderError.quotaExhausted(retryAfter: .seconds(90))
        }
        #expect(try await self.answers(1, store, at: later + 89_999, FakeProviders.reply) == [nil])
        #expect(try await self.answers(1, store, at: later + 90_000, FakeProviders.reply) == ["openai says so"])
    }
}
