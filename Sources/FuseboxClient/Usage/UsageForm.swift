/// The usage object of a family of APIs: which of its members counts which tokens.
///
/// The forms are data, so that every client of Fusebox reads usage by one description.
package struct UsageForm: Sendable {
    /// A member that counts tokens.
    package struct Part: Sendable {
        /// The member, as names separated by points. If there are several, the first that is told counts.
        package let members: [String]
        /// What it counts.
        package let kind: TokenKind
        /// The kind whose member includes these tokens; nil: no other member includes them.
        package let within: TokenKind?

        init(_ members: String..., counts kind: TokenKind, within: TokenKind? = nil) {
            self.members = members
            self.kind = kind
            self.within = within
        }
    }

    /// The name of the API.
    package let name: String
    /// Members by which the form is recognised, as names separated by points. One of them is enough.
    package let marks: [String]
    /// Members that no object of this form has. One of them shows that the object has another form.
    package let foreign: [String]
    /// The members that count tokens.
    package let parts: [Part]
    /// The kinds of which a usage object without their member has none: embeddings have no output, and Gemini leaves
    /// out what is 0.
    package let absent: [TokenKind]
    /// The member that counts all tokens, as far as there is one.
    package let total: String?
    /// The member that tells the cost in dollars, as far as there is one.
    package let cost: String?

    init(
        _ name: String, marks: [String], foreign: [String] = [], parts: [Part], absent: [TokenKind] = [],
        total: String? = nil, cost: String? = nil
    ) {
        self.name = name
        self.marks = marks
        self.foreign = foreign
        self.parts = parts
        self.absent = absent
        self.total = total
        self.cost = cost
    }

    /// The forms, in the order in which they are tried.
    package static let all = [openAIChat, openAIResponses, anthropic, gemini, bedrock, ollama]

    /// Chat completions and embeddings of OpenAI, and of the many that follow it. OpenRouter adds the cost.
    static let openAIChat = UsageForm(
        "OpenAI chat completions and embeddings, OpenRouter", marks: ["prompt_tokens", "completion_tokens"],
        parts: [
            Part("prompt_tokens", counts: .input),
            Part(
                "prompt_tokens_details.cached_tokens", "prompt_cache_hit_tokens", counts: .cachedInput, within: .input),
            Part("prompt_tokens_details.cache_write_tokens", counts: .cacheWrite, within: .input),
            Part("completion_tokens", counts: .output),
            Part("completion_tokens_details.reasoning_tokens", counts: .reasoning, within: .output),
        ], absent: [.output], total: "total_tokens", cost: "cost")

    /// The responses API of OpenAI. Anthropic's usage may have `output_tokens_details` too, with other members.
    static let openAIResponses = UsageForm(
        "OpenAI responses", marks: ["input_tokens_details", "output_tokens_details"],
        foreign: [
            "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens_details.thinking_tokens",
        ],
        parts: [
            Part("input_tokens", counts: .input),
            Part("input_tokens_details.cached_tokens", counts: .cachedInput, within: .input),
            Part("input_tokens_details.cache_write_tokens", counts: .cacheWrite, within: .input),
            Part("output_tokens", counts: .output),
            Part("output_tokens_details.reasoning_tokens", counts: .reasoning, within: .output),
        ], total: "total_tokens", cost: "cost")

    /// The messages API of Anthropic. `input_tokens` holds neither what was read from the cache nor what was written to
    /// it. `output_tokens` holds what was thought.
    static let anthropic = UsageForm(
        "Anthropic messages", marks: ["input_tokens", "output_tokens"],
        parts: [
            Part("input_tokens", counts: .input),
            Part("cache_read_input_tokens", counts: .cachedInput),
            Part("cache_creation_input_tokens", counts: .cacheWrite),
            Part("output_tokens", counts: .output),
            Part("output_tokens_details.thinking_tokens", counts: .reasoning, within: .output),
        ])

    /// `usageMetadata` of Gemini. Thoughts are counted beside the candidates, and prompts of tools beside the prompt.
    static let gemini = UsageForm(
        "Gemini usageMetadata", marks: ["promptTokenCount", "candidatesTokenCount", "totalTokenCount"],
        parts: [
            Part("promptTokenCount", counts: .input),
            Part("toolUsePromptTokenCount", counts: .input),
            Part("cachedContentTokenCount", counts: .cachedInput, within: .input),
            Part("candidatesTokenCount", "responseTokenCount", counts: .output),
            Part("thoughtsTokenCount", counts: .reasoning),
        ], absent: [.output])

    /// Converse of Amazon Bedrock.
    static let bedrock = UsageForm(
        "Bedrock converse", marks: ["inputTokens", "outputTokens"],
        parts: [
            Part("inputTokens", counts: .input),
            Part("cacheReadInputTokens", counts: .cachedInput),
            Part("cacheWriteInputTokens", counts: .cacheWrite),
            Part("outputTokens", counts: .output),
        ])

    /// Chat and generate of Ollama, which tell it in the answer itself.
    static let ollama = UsageForm(
        "Ollama", marks: ["prompt_eval_count", "eval_count"],
        parts: [
            Part("prompt_eval_count", counts: .input),
            Part("eval_count", counts: .output),
        ])

    /// Where a document may hold a usage object, as members separated by points; empty: it is one.
    package static let places = [
        "", "usage", "usageMetadata", "message.usage", "response.usage", "metadata.usage", "x_groq.usage",
    ]
    /// Where a document may name the model that answered.
    package static let models = ["model", "modelVersion", "message.model", "response.model"]
    /// Where a document may name the call. What comes under another name is about another call.
    package static let calls = ["id", "responseId", "message.id", "response.id"]
}
