import FuseboxClient

/// Asks the first provider that may be called now; if it fails, the next one.
func ask(_ prompt: String, using client: FuseboxClient) async throws -> String {
    let candidates = [
        try Candidate("openai", model: "gpt-4o"), try Candidate("anthropic", model: "claude-sonnet-4"),
    ]
    let estimate = try Estimate.cost(.dollars("0.01"), tokens: 800)  // at most
    return try await client.withPermit(candidates, estimate: estimate) { permit in
        let reply = try call(permit.provider, prompt)
        let usage = Usage(
            model: reply.model, cost: reply.cost, inputTokens: reply.inputTokens, outputTokens: reply.outputTokens)
        return .success(reply.text, usage: usage)
    }
}

/// What the provider's errors mean; an error that does not say counts as a failure.
extension ProviderError: CallError {
    var callOutcome: CallOutcome {
        switch self {
        case .quotaExhausted(let retryAfter): .quotaExhausted(resetAfter: retryAfter)
        case .unavailable: .failure
        }
    }
}
