import FuseboxClient

/// Calls the first provider that may be called, and tells Fusebox how it went.
func answer(_ prompt: String, using client: FuseboxClient) throws -> String? {
    for provider in ["openai", "anthropic"] {
        guard try client.exhaustion.get(provider).entry == nil,
            try client.ledger.checkRate(provider, .rpm).allowed,
            try client.breakers.acquire(provider).admitted
        else { continue }
        do {
            let reply = try call(provider, prompt)
            try client.breakers.success(provider)
            try client.ledger.record(
                provider: provider, model: reply.model, cost: reply.cost,
                inputTokens: reply.inputTokens, outputTokens: reply.outputTokens)
            return reply.text
        } catch ProviderError.quotaExhausted(let retryAfter) {
            try client.exhaustion.mark(provider, for: retryAfter)
        } catch is ProviderError {
            try client.breakers.failure(provider)
        }
    }
    return nil
}

/// What a worker does: it connects once, and then asks before every call.
func work() throws {
    let client = try FuseboxClient.connect()  // $FUSEBOX_SOCKET, else /run/fusebox/fusebox.sock
    print(try answer("How do fuses work?", using: client) ?? "nobody can be asked now")
}
