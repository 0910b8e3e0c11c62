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

    private func read(_ text: String) throws -> LiteLLMPrices { try LiteLLMPrices(JSONValue(parsing: text.utf8)) }

    /// The entries that were taken: provider, model and amounts.
    private func taken(_ prices: LiteLLMPrices) -> [String] {
        prices.entries.map { "\($0.price.provider!)/\($0.price.model!) \(amounts($0.price.price))" }
    }

    private func refused(_ prices: LiteLLMPrices) -> [String] { prices.refused.map { "\($0.key): \($0.reason)" } }

    @Test func pricesPerTokenAreTakenAsExactDecimalsPerMillion() throws {
        let prices = try read(list)
        #expect(
            taken(prices) == [
                #"openai/gpt-4o ["input 2.5", "cached-input 1.25", "output 10"]"#,
                #"anthropic/claude-x ["input 3", "cache-write 3.75", "output 15"]"#,
                #"azure/global-standard/gpt-4o ["input 2.5", "output 10"]"#,
                #"bedrock_converse/amazon.nova-2-pro ["input 2.1875", "cached-input 0.546875", "output 17.5", "reasoning 20"]"#,
                #"perplexity/per-request ["input 0", "output 0", "request 0.005"]"#,
            ])
        #expect(prices.entries.map(\.key).prefix(2) == ["gpt-4o", "anthropic/claude-x"])
        #expect(prices.providers == ["openai", "anthropic", "azure", "bedrock_converse", "perplexity", "x"])
    }

    // Since late 2026 the list has entries with nothing else.
    @Test func anotherNameOfAModelHasItsPrice() throws {
        let prices = try read(
            """
            {
              "openai/latest": {"alias_of": "newest"}, "newest": {"alias_of": "gpt-4o"},
              "gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 2.5e-06},
              "lost": {"alias_of": "gone"}, "ring": {"alias_of": "ring"}
            }
            """)
        #expect(
            taken(prices) == [
                #"openai/latest ["input 2.5"]"#, #"openai/newest ["input 2.5"]"#, #"openai/gpt-4o ["input 2.5"]"#,
            ])
        #expect(
            refused(prices) == [
                "lost: it is another name of gone, which has no price of its own",
                "ring: it is another name of ring, which has no price of its own",
            ])
    }

    @Test func whatCannotBeTakenIsListedWithItsReason() throws {
        let prices = try read(list)
        #expect(
            refused(prices) == [
                "dall-e-3: it is priced by another measure than tokens: output_cost_per_image",
                "fine: input_cost_per_token is 1.2345678901234567e-09, which is no exact number of nano-dollars per million tokens",
                "words: input_cost_per_token is no number",
                "nobody: litellm_provider is missing",
            ])
    }

    /// Entries of the list, and ones that go a step further. What its tokens alone make free is not free.
    @Test func whatIsPricedByAnotherMeasureIsNotFree() throws {
        let prices = try read(
            """
            {
              "rerank": {"litellm_provider": "p", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0,
                "input_cost_per_query": 0.001},
              "search": {"litellm_provider": "p", "input_cost_per_query": 0.003, "cost_per_query": 0.004},
              "priced-search": {"litellm_provider": "p", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06,
                "search_context_cost_per_query": {"search_context_size_low": 0.01}, "output_cost_per_image": 0.04},
              "free": {"litellm_provider": "p", "input_cost_per_token": 0, "output_cost_per_token": 0,
                "output_cost_per_image": 0.0, "input_cost_per_token_batches": 0},
              "music": {"litellm_provider": "p", "input_cost_per_token": 0, "output_cost_per_token": 0,
                "output_cost_per_image": 0.08},
              "embedding": {"litellm_provider": "p", "input_cost_per_token": 0, "output_cost_per_token": 0,
                "input_cost_per_query": 7e-05, "input_cost_per_video_per_second": 0.0007, "input_cost_per_image": 0.0001},
              "grounded": {"litellm_provider": "p", "input_cost_per_token": 0, "output_cost_per_token": 0,
                "search_context_cost_per_query": {"search_context_size_low": 0.01}},
              "scan": {"litellm_provider": "p", "ocr_cost_per_page": 0.003},
              "painter": {"litellm_provider": "p", "input_cost_per_token": 1e-06, "output_cost_per_token": 0,
                "output_cost_per_image": 0.04},
              "listener": {"litellm_provider": "p", "input_cost_per_token": 0, "output_cost_per_token": 1e-06,
                "input_cost_per_second": 0.0001},
              "tiers": {"litellm_provider": "p", "tiered_pricing": [{"range": [0, 256000.0], "input_cost_per_token": 5e-08}]},
              "free-tiers": {"litellm_provider": "p", "input_cost_per_token": 0, "output_cost_per_token": 0,
                "tiered_pricing": [{"range": [0, 256000.0], "input_cost_per_token": 5e-08}]},
              "nothing": {"litellm_provider": "p", "input_cost_per_request": 0.0},
              "fine-query": {"litellm_provider": "p", "input_cost_per_query": 1.5e-10},
              "dear": {"litellm_provider": "p", "input_cost_per_token": 2},
              "p/*": {"litellm_provider": "p", "input_cost_per_token": 1e-06}
            }
            """)
        #expect(
            taken(prices) == [
                #"p/rerank ["input 0", "output 0", "request 0.001"]"#,
                #"p/search ["input 0", "output 0", "request 0.004"]"#,
                #"p/priced-search ["input 1", "output 2"]"#,
                #"p/free ["input 0", "output 0"]"#,
            ])
        let other = "it is priced by another measure than tokens"
        #expect(
            refused(prices) == [
                "music: \(other): output_cost_per_image",
                "embedding: \(other): input_cost_per_video_per_second, input_cost_per_image",
                "grounded: \(other): search_context_cost_per_query",
                "scan: \(other): ocr_cost_per_page",
                "painter: \(other): output_cost_per_image",
                "listener: \(other): input_cost_per_second",
                "tiers: it is priced in tiers (tiered_pricing)",
                "free-tiers: it is priced in tiers (tiered_pricing)",
                "nothing: it has no price per token",
                "fine-query: input_cost_per_query is 1.5e-10, which is no exact number of nano-dollars per request",
                "dear: input_cost_per_token is 2, which is not between $0 and $1,000,000 per million tokens",
                "p/*: '*' is the name of no model",
            ])
    }

    @Test func pricesForLongPromptsAndForLongCachesAreToldApart() throws {
        let usual = """
            "litellm_provider": "p", "input_cost_per_token": 3e-06, "cache_creation_input_token_cost": 3.75e-06
            """
        let prices = try read(
            """
            {
              "long": {\(usual), "input_cost_per_token_above_200k_tokens": 6e-06},
              "kept": {\(usual), "cache_creation_input_token_cost_above_1hr": 6e-06},
              "both": {\(usual), "cache_creation_input_token_cost_above_272k_tokens": 7.5e-06,
                "cache_creation_input_token_cost_above_12hr": 6e-06},
              "tiers": {\(usual), "tiered_pricing": [{"range": [0, 2e5], "input_cost_per_token": 3e-06},
                {"range": [2e5, 5e5], "input_cost_per_token": 6e-06}]},
              "same": {\(usual), "input_cost_per_token_above_200k_tokens": 3.0e-06,
                "cache_creation_input_token_cost_above_1hr": 3.75e-6, "output_cost_per_token_above_200k_tokens": null,
                "tiered_pricing": [{"range": [0, 2e5], "input_cost_per_token": 3e-06}]},
              "neither": {\(usual), "input_cost_per_token_above_200k_tokens_priority": 9e-06,
                "input_cost_per_video_per_second_above_8s_interval": 0.001},
              "refused": {"litellm_provider": "p", "input_cost_per_token_above_200k_tokens": 6e-06}
            }
            """)
        #expect(prices.longPrompts == ["long", "both", "tiers"])
        #expect(prices.longCaches == ["kept", "both"])
    }

    /// A model may be in the list under its name and under that with the provider; and `--as` gives two providers one name.
    @Test func ofEntriesOfOneModelTheLastCountsAndOthersThatDifferAreNamed() throws {
        let prices = try read(
            """
            {
              "m": {"litellm_provider": "p", "input_cost_per_token": 1e-06},
              "p/m": {"litellm_provider": "p", "input_cost_per_token": 2e-06},
              "same": {"litellm_provider": "p", "input_cost_per_token": 3e-06},
              "p/same": {"litellm_provider": "p", "input_cost_per_token": 3.0e-06},
              "q/m": {"litellm_provider": "q", "input_cost_per_token": 4e-06},
              "q/other": {"litellm_provider": "q", "input_cost_per_token": 5e-06}
            }
            """)
        func set(_ names: [String: Name]) -> (prices: [String], displaced: [String]) {
            let (entries, displaced) = prices.prices(renaming: names)
            return (
                entries.map { "\($0.provider!)/\($0.model!) \(amounts($0.price))" },
                displaced.map { "\($0.key) by \($0.by)" }
            )
        }
        let own = set([:])
        #expect(
            own.prices == [
                #"p/m ["input 2"]"#, #"p/same ["input 3"]"#, #"q/m ["input 4"]"#, #"q/other ["input 5"]"#,
            ])
        #expect(own.displaced == ["m by p/m"])
        let renamed = set(["q": try Name("p")])
        #expect(renamed.prices == [#"p/m ["input 4"]"#, #"p/same ["input 3"]"#, #"p/other ["input 5"]"#])
        #expect(renamed.displaced == ["m by q/m", "p/m by q/m"])
    }

    @Test(arguments: ["[]", "{}", #"{"a": 1}"#])
    func anotherFileIsRefused(_ text: String) throws {
        #expect(throws: JSONFieldError.self) { try LiteLLMPrices(JSONValue(parsing: text.utf8)) }
    }
}
