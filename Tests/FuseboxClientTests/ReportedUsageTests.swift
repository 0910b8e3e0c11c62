import FuseboxJSON
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxClient

/// Usage as providers tell it: every form by a sample of its real shape.
struct ReportedUsageTests {
    /// A document, and what it tells: the tokens of `TokenKind.allCases` in their order, and the cost.
    struct Sample: CustomTestStringConvertible {
        let testDescription: String
        let document: String
        let tokens: [Int?]
        var cost: String?
        var model: String?
        var call: String?
    }

    private static func read(_ document: String) throws -> ReportedUsage {
        try ReportedUsage(JSONValue(parsing: document.utf8))
    }

    private static func tokens(_ usage: ReportedUsage) -> [Int?] { TokenKind.allCases.map { usage.tokens[$0] } }

    static let samples = [
        Sample(
            testDescription:
                "chat completion with a cached prompt and reasoning; platform.openai.com, API reference, chat",
            document: """
                {"id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG", "object": "chat.completion", "created": 1741570283,
                 "model": "gpt-5-2025-08-07",
                 "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi", "refusal": null},
                              "logprobs": null, "finish_reason": "stop"}],
                 "usage": {"prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306,
                           "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
                           "completion_tokens_details": {"reasoning_tokens": 192, "audio_tokens": 0,
                             "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}},
                 "service_tier": "default"}
                """,
            tokens: [86, 1920, nil, 108, 192], model: "gpt-5-2025-08-07", call: "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG"
        ),
        Sample(
            testDescription: "the usage object alone, as `jq .usage` prints it",
            document: """
                {
                  "prompt_tokens": 19,
                  "completion_tokens": 10,
                  "total_tokens": 29
                }
                """,
            tokens: [19, nil, nil, 10, nil]),
        Sample(
            testDescription: "embeddings; platform.openai.com, API reference, embeddings",
            document: """
                {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.0023064255]}],
                 "model": "text-embedding-ada-002", "usage": {"prompt_tokens": 8, "total_tokens": 8}}
                """,
            tokens: [8, nil, nil, 0, nil], model: "text-embedding-ada-002"),
        Sample(
            testDescription: "responses; platform.openai.com, API reference, responses",
            document: """
                {"id": "resp_67ccd2bed1ec8190b14f964abc054267", "object": "response", "model": "gpt-4.1-2025-04-14",
                 "output": [], "usage": {"input_tokens": 328, "input_tokens_details": {"cached_tokens": 128},
                 "output_tokens": 52, "output_tokens_details": {"reasoning_tokens": 20}, "total_tokens": 380}}
                """,
            tokens: [200, 128, nil, 32, 20], model: "gpt-4.1-2025-04-14", call: "resp_67ccd2bed1ec8190b14f964abc054267"),
        Sample(
            testDescription: "the last event of a stream of responses",
            document: """
                {"type": "response.completed", "sequence_number": 9, "response": {"id": "resp_1", "model": "gpt-4o",
                 "usage": {"input_tokens": 37, "output_tokens": 11, "output_tokens_details": {"reasoning_tokens": 0},
                 "total_tokens": 48}}}
                """,
            tokens: [37, nil, nil, 11, 0], model: "gpt-4o", call: "resp_1"),
        Sample(
            testDescription: "messages with a prompt cache; docs.anthropic.com, prompt caching",
            document: """
                {"id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant",
                 "model": "claude-sonnet-4-20250514", "content": [{"type": "text", "text": "Hi"}],
                 "stop_reason": "end_turn", "stop_sequence": null,
                 "usage": {"input_tokens": 21, "cache_creation_input_tokens": 188086, "cache_read_input_tokens": 1024,
                           "cache_creation": {"ephemeral_5m_input_tokens": 188086, "ephemeral_1h_input_tokens": 0},
                           "output_tokens": 393, "service_tier": "standard"}}
                """,
            tokens: [21, 1024, 188_086, 393, nil], model: "claude-sonnet-4-20250514",
            call: "msg_01XFDUDYJgAACzvnptvVoYEL"),
        Sample(
            testDescription: "usageMetadata with thoughts, a cache and a tool; ai.google.dev, GenerateContentResponse",
            document: """
                {"candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP"}],
                 "usageMetadata": {"promptTokenCount": 696219, "candidatesTokenCount": 214, "totalTokenCount": 697133,
                   "cachedContentTokenCount": 696190, "thoughtsTokenCount": 600, "toolUsePromptTokenCount": 100,
                   "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 696219}]},
                 "modelVersion": "gemini-2.5-flash", "responseId": "mQHmaJyLO5"}
                """,
            tokens: [129, 696_190, nil, 214, 600], model: "gemini-2.5-flash", call: "mQHmaJyLO5"),
        Sample(
            testDescription: "converse; docs.aws.amazon.com, Bedrock, TokenUsage",
            document: """
                {"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}, "stopReason": "end_turn",
                 "usage": {"inputTokens": 30, "outputTokens": 628, "totalTokens": 1756,
                           "cacheReadInputTokens": 1000, "cacheWriteInputTokens": 98}, "metrics": {"latencyMs": 1275}}
                """,
            tokens: [30, 1000, 98, 628, nil]),
        Sample(
            testDescription: "OpenRouter's usage with its cost; openrouter.ai, usage accounting",
            document: """
                {"object": "chat.completion.chunk", "usage": {"completion_tokens": 2,
                 "completion_tokens_details": {"reasoning_tokens": 0}, "cost": 0.00014675,
                 "cost_details": {"upstream_inference_cost": 19}, "prompt_tokens": 194,
                 "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 100, "audio_tokens": 0},
                 "total_tokens": 196}}
                """,
            tokens: [94, 0, 100, 2, 0], cost: "0.00014675"),
        Sample(
            testDescription: "Ollama; github.com/ollama/ollama, docs/api.md",
            document: """
                {"model": "llama3.2", "created_at": "2023-08-04T19:22:45.499127Z", "response": "", "done": true,
                 "total_duration": 10706818083, "prompt_eval_count": 26, "prompt_eval_duration": 130079000,
                 "eval_count": 259, "eval_duration": 4232710000}
                """,
            tokens: [26, nil, nil, 259, nil], model: "llama3.2"),
        Sample(
            testDescription: "DeepSeek's cache; api-docs.deepseek.com",
            document: """
                {"usage": {"prompt_tokens": 100, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36,
                 "completion_tokens": 5, "total_tokens": 105}}
                """,
            tokens: [36, 64, nil, 5, nil]),
        Sample(
            testDescription: "reasoning beside the completion, as the total says",
            document: """
                {"usage": {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
                 "completion_tokens_details": {"reasoning_tokens": 94}}}
                """,
            tokens: [32, nil, nil, 9, 94]),
        Sample(
            testDescription: "counts that were printed as doubles",
            document: #"{"input_tokens": 1.2e3, "output_tokens": 7.0}"#, tokens: [1200, nil, nil, 7, nil]),
    ]

    @Test(arguments: samples)
    func everyKindOfTokensIsCountedOnce(_ sample: Sample) throws {
        let usage = try Self.read(sample.document)
        #expect(Self.tokens(usage) == sample.tokens)
        #expect(usage.cost == sample.cost.flatMap { Money($0) })
        #expect(usage.model == sample.model)
        #expect(usage.call == sample.call)
    }

    @Test func theLastReportOfAStreamCountsAndWhatItLeavesOutStays() throws {
        // The events of Anthropic's stream: the second tells the output so far and leaves the input out.
        var usage = try Self.read(
            #"{"type": "message_start", "message": {"id": "msg_1", "model": "claude-opus-4", "usage": {"input_tokens": 25, "cache_read_input_tokens": 4, "output_tokens": 1}}}"#
        )
        for output in [8, 15] {
            usage.update(
                with: try Self.read(
                    #"{"type": "message_delta", "delta": {"stop_reason": null}, "usage": {"output_tokens": \#(output)}}"#
                ))
        }
        #expect(Self.tokens(usage) == [25, 4, nil, 15, nil])
        #expect(usage.model == "claude-opus-4")
        #expect(usage.call == "msg_1")
    }

    @Test(arguments: ["null", #"{"usage": null}"#, #"{"choices": [], "usage": null, "model": "gpt-4o"}"#])
    func aNullTellsNothing(_ document: String) throws {
        #expect(try Self.read(document).isEmpty)
    }

    @Test(arguments: [
        (#"{"error": {"message": "overloaded"}}"#, "no usage is found in this object"),
        ("[1]", "usage is a JSON object"),
        (#"{"usage": {"prompt_tokens": -1}}"#, "usage.prompt_tokens is not a whole number from 0 to 4,294,967,295"),
        (#"{"prompt_tokens": 1.5}"#, "prompt_tokens is not a whole number"),
        (#"{"prompt_tokens": "12"}"#, "prompt_tokens is not a whole number"),
        (#"{"prompt_tokens": 4294967296}"#, "prompt_tokens is not a whole number"),
        (
            #"{"promptTokenCount": 4294967295, "toolUsePromptTokenCount": 1}"#,
            "input has more than 4,294,967,295 tokens"
        ),
        (#"{"prompt_tokens": 1, "cost": -0.1}"#, "cost is not a number of dollars from 0 to 1000000"),
        (#"{"prompt_tokens": 1, "cost": "0.1"}"#, "cost is not a number of dollars"),
    ])
    func whatIsNotUnderstoodIsSaid(_ document: String, _ words: String) throws {
        let refusal = try #require(throws: Refusal.self) { try Self.read(document) }
        #expect(refusal.message.contains(words), "\(refusal.message)")
    }

    @Test func aPartThatIsGreaterThanItsWholeLeavesNothingOfIt() throws {
        let usage = try Self.read(#"{"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 12}}"#)
        #expect(Self.tokens(usage) == [0, 12, nil, 0, nil])
    }
}
