import FuseboxInterop
import FuseboxWire
import Testing

/// LiteLLM's list of prices.
struct LiteLLMPricesTests {
    /// Entries of the list's shape, with values as they are in it.
    private let list = """
        {
          "sample_spec": {"input_cost_per_token": 0.0, "litellm_provider": "one of https://docs.litellm.ai/docs/providers"},
          "gpt-4o": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06,
            "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06, "supports_vision": true},
          "anthropic/claude-x": {"litellm_provider": "anthropic", "input_cost_per_token": 3e-06,
            "input_cost_per_token_above_200k_tokens": 6e-06, "output_cost_per_token": 1.5e-05,
            "cache_creation_input_token_cost": 3.75e-06},
          "azure/global-standard/gpt-4o": {"litellm_provider": "azure", "input_cost_per_token": 2.5e-06,
            "output_cost_per_token": 1.0000000000000001e-05},
          "amazon.nova-2-pro": {"litellm_provider": "bedrock_converse", "input_cost_per_token": 2.1875e-06,
            "cache_read_input_token_cost": 5.46875e-07, "output_cost_per_token": 1.75e-05,
            "output_cost_per_reasoning_token": 2e-05},
          "per-request": {"litellm_provider": "perplexity", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0,
            "input_cost_per_request": 0.005},
          "dall-e-3": {"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.04},
          "fine": {"litellm_provider": "x", "input_cost_per_token": 1.2345678901234567e-09, "output_cost_per_token": 0},
          "words": {"litellm_provider": "x", "input_cost_per_token": "free"},
          "nobody": {"input_cost_per_token": 1e-06}
        }
        """

    private func amounts(_ price: Price) -> [String] { price.told.map { "\($0.name) \($0.amount)" } }

    @Test func pricesPerTokenAreTakenAsExactDecimalsPerMillion() throws {
        let prices = try LiteLLMPrices(JSONValue(parsing: list.utf8))
        #expect(
            prices.entries.map { "\($0.provider!)/\($0.model!)" } == [
                "openai/gpt-4o", "anthropic/claude-x", "azure/global-standard/gpt-4o",
                "bedrock_converse/amazon.nova-2-pro", "perplexity/per-request",
            ])
        #expect(
            prices.entries.map { amounts($0.price) } == [
                ["input 2.5", "cached-input 1.25", "output 10"],
                ["input 3", "cache-write 3.75", "output 15"],
                ["input 2.5", "output 10"],
                ["input 2.1875", "cached-input 0.546875", "output 17.5", "reasoning 20"],
                ["input 0", "output 0", "request 0.005"],
            ])
        #expect(prices.tiered == ["anthropic/claude-x"])
    }

    // Since late 2026 the list has entries with nothing else.
    @Test func anotherNameOfAModelHasItsPrice() throws {
        let prices = try LiteLLMPrices(
            JSONValue(
                parsing: """
                    {
                      "openai/latest": {"alias_of": "newest"}, "newest": {"alias_of": "gpt-4o"},
                      "gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 2.5e-06},
                      "lost": {"alias_of": "gone"}, "ring": {"alias_of": "ring"}
                    }
                    """.utf8))
        #expect(
            prices.entries.map { "\($0.provider!)/\($0.model!) \(amounts($0.price))" } == [
                #"openai/latest ["input 2.5"]"#, #"openai/newest ["input 2.5"]"#, #"openai/gpt-4o ["input 2.5"]"#,
            ])
        #expect(
            prices.refused.map { "\($0.key): \($0.reason)" } == [
                "lost: it is another name of gone, which has no price of its own",
                "ring: it is another name of ring, which has no price of its own",
            ])
    }

    @Test func whatCannotBeTakenIsListedWithItsReason() throws {
        let prices = try LiteLLMPrices(JSONValue(parsing: list.utf8))
        #expect(
            prices.refused.map { "\($0.key): \($0.reason)" } == [
                "dall-e-3: it has no price per token",
                "fine: input_cost_per_token is 1.2345678901234567e-09, which is no exact number of nano-dollars per million tokens",
                "words: input_cost_per_token is no number",
                "nobody: litellm_provider is missing",
            ])
    }

    @Test(arguments: ["[]", "{}", #"{"a": 1}"#])
    func anotherFileIsRefused(_ text: String) throws {
        #expect(throws: JSONFieldError.self) { try LiteLLMPrices(JSONValue(parsing: text.utf8)) }
    }
}
