import FuseboxInterop

/// What platforms of short-lived instances offer: texts under keys.
protocol KeyValueStore {
    func get(_ key: String) async throws -> String?
    func put(_ key: String, _ text: String) async throws
}

/// Answers one request. The state is read from the store and written back, because the next request may have another
/// instance.
func handle(_ prompt: String, store: some KeyValueStore, clock: () -> Timestamp) async throws -> String? {
    var breaker = try CircuitBreaker("openai", at: clock())
    var exhaustion = try ExhaustionRegistry()
    var ledger = CreditLedger(at: clock())
    if let json = try await store.get("breaker/openai") { breaker = try CircuitBreaker.deserialize(json) }
    if let json = try await store.get("exhaustion") { try exhaustion.restore(json) }
    if let json = try await store.get("ledger") { try ledger.restore(json) }

    var answer: String?
    if !exhaustion.isExhausted("openai", at: clock()), breaker.acquire(at: clock()).admitted {
        do {
            let reply = try call("openai", prompt)
            breaker.recordSuccess(at: clock())
            try ledger.record(
                provider: "openai", model: reply.model, cost: reply.cost,
                inputTokens: reply.inputTokens, outputTokens: reply.outputTokens, at: clock())
            answer = reply.text
        } catch ProviderError.quotaExhausted(let retryAfter) {
            try exhaustion.mark("openai", for: retryAfter, at: clock())
        } catch is ProviderError {
            breaker.recordFailure(at: clock())
        }
    }
    // After a denial too: the breaker counts who asked.
    try await store.put("breaker/openai", breaker.serialize())
    try await store.put("exhaustion", exhaustion.snapshot())
    try await store.put("ledger", ledger.snapshot())
    return answer
}
