/// A document of a provider's API in its real shape, and what it tells.
package struct UsageSample: CustomStringConvertible, Sendable {
    /// What it is, and where its shape is documented.
    package let description: String
    /// The document, as the provider sends it.
    package let document: String
    /// The tokens of each kind: sent, read from a cache, written to one, received, reasoning; nil: it does not tell them.
    package let tokens: [Int?]
    /// The cost that it tells, in dollars.
    package var cost: String?
    /// The model that answered.
    package var model: String?
    /// The name of the call.
    package var call: String?

    package static let all = [
        UsageSample(
            description:
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
        UsageSample(
            description: "the usage object alone, as `jq .usage` prints it",
            document: """
                {
                  "prompt_tokens": 19,
                  "completion_tokens": 10,
                  "total_tokens": 29
                }
                """,
            tokens: [19, nil, nil, 10, nil]),
        UsageSample(
            description: "embeddings; platform.openai.com, API reference, embeddings",
            document: """
                {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.0023064255]}],
                 "model": "text-embedding-ada-002", "usage": {"prompt_tokens": 8, "total_tokens": 8}}
                """,
            tokens: [8, nil, nil, 0, nil], model: "text-embedding-ada-002"),
        UsageSample(
            description: "responses; platform.openai.com, API reference, responses",
            document: """
                {"id": "resp_67ccd2bed1ec8190b14f964abc054267", "object": "response", "model": "gpt-4.1-2025-04-14",
                 "output": [], "usage": {"input_tokens": 328, "input_tokens_details": {"cached_tokens": 128},
                 "output_tokens": 52, "output_tokens_details": {"reasoning_tokens": 20}, "total_tokens": 380}}
                """,
            tokens: [200, 128, nil, 32, 20], model: "gpt-4.1-2025-04-14", call: "resp_67ccd2bed1ec8190b14f964abc054267"),
        UsageSample(
            description: "the last event of a stream of responses",
            document: """
                {"type": "response.completed", "sequence_number": 9, "response": {"id": "resp_1", "model": "gpt-4o",
                 "usage": {"input_tokens": 37, "output_tokens": 11, "output_tokens_details": {"reasoning_tokens": 0},
                 "total_tokens": 48}}}
                """,
            tokens: [37, nil, nil, 11, 0], model: "gpt-4o", call: "resp_1"),
        UsageSample(
            description: "messages with a prompt cache; docs.anthropic.com, prompt caching",
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
        UsageSample(
            description: "messages with thinking and a prompt cache; anthropic-sdk-python, types/usage.py",
            document: """
                {"id": "msg_01Aq9w938a90dw8q", "type": "message", "role": "assistant", "model": "claude-opus-4-5",
                 "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn",
                 "usage": {"input_tokens": 21, "cache_creation_input_tokens": 188086, "cache_read_input_tokens": 1024,
                           "output_tokens": 393, "output_tokens_details": {"thinking_tokens": 200}}}
                """,
            tokens: [21, 1024, 188_086, 193, 200], model: "claude-opus-4-5", call: "msg_01Aq9w938a90dw8q"),
        UsageSample(
            description: "usageMetadata with thoughts, a cache and a tool; ai.google.dev, GenerateContentResponse",
            document: """
                {"candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP"}],
                 "usageMetadata": {"promptTokenCount": 696219, "candidatesTokenCount": 214, "totalTokenCount": 697133,
                   "cachedContentTokenCount": 696190, "thoughtsTokenCount": 600, "toolUsePromptTokenCount": 100,
                   "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 696219}]},
                 "modelVersion": "gemini-2.5-flash", "responseId": "mQHmaJyLO5"}
                """,
            tokens: [129, 696_190, nil, 214, 600], model: "gemini-2.5-flash", call: "mQHmaJyLO5"),
        UsageSample(
            description: "converse; docs.aws.amazon.com, Bedrock, TokenUsage",
            document: """
                {"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}, "stopReason": "end_turn",
                 "usage": {"inputTokens": 30, "outputTokens": 628, "totalTokens": 1756,
                           "cacheReadInputTokens": 1000, "cacheWriteInputTokens": 98}, "metrics": {"latencyMs": 1275}}
                """,
            tokens: [30, 1000, 98, 628, nil]),
        UsageSample(
            description: "OpenRouter's usage with its cost; openrouter.ai, usage accounting",
            document: """
                {"object": "chat.completion.chunk", "usage": {"completion_tokens": 2,
                 "completion_tokens_details": {"reasoning_tokens": 0}, "cost": 0.00014675,
                 "cost_details": {"upstream_inference_cost": 19}, "prompt_tokens": 194,
                 "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 100, "audio_tokens": 0},
                 "total_tokens": 196}}
                """,
            tokens: [94, 0, 100, 2, 0], cost: "0.00014675"),
        UsageSample(
            description: "Ollama; github.com/ollama/ollama, docs/api.md",
            document: """
                {"model": "llama3.2", "created_at": "2023-08-04T19:22:45.499127Z", "response": "", "done": true,
                 "total_duration": 10706818083, "prompt_eval_count": 26, "prompt_eval_duration": 130079000,
                 "eval_count": 259, "eval_duration": 4232710000}
                """,
            tokens: [26, nil, nil, 259, nil], model: "llama3.2"),
        UsageSample(
            description: "DeepSeek's cache; api-docs.deepseek.com",
            document: """
                {"usage": {"prompt_tokens": 100, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36,
                 "completion_tokens": 5, "total_tokens": 105}}
                """,
            tokens: [36, 64, nil, 5, nil]),
        UsageSample(
            description: "reasoning beside the completion, as the total says",
            document: """
                {"usage": {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
                 "completion_tokens_details": {"reasoning_tokens": 94}}}
                """,
            tokens: [32, nil, nil, 9, 94]),
        UsageSample(
            description: "counts that were printed as doubles",
            document: #"{"input_tokens": 1.2e3, "output_tokens": 7.0}"#, tokens: [1200, nil, nil, 7, nil]),
    ]
}
