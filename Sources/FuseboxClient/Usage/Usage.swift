import FuseboxJSON
import FuseboxWire

/// What a call has used.
///
/// The kinds of tokens are disjoint: no token is of two kinds. `init(reported:)` takes the numbers of the main providers
/// apart.
public struct Usage: Sendable, Equatable {
    /// The name of the model that answered. If the candidate named a model, that model is charged, and this name is
    /// shown beside it. Otherwise this name is charged. Nil: `unspecified`.
    public var model: String?
    /// The cost, $0 to $1,000,000; nil: not known.
    public var cost: Money?
    /// Tokens sent, neither read from a cache nor written to one, 0 to 4,294,967,295; nil: not known.
    public var inputTokens: Int?
    /// Tokens sent and read from a cache, 0 to 4,294,967,295; nil: not known.
    public var cachedInputTokens: Int?
    /// Tokens sent and written to a cache, 0 to 4,294,967,295; nil: not known.
    public var cacheWriteTokens: Int?
    /// Tokens received, without reasoning, 0 to 4,294,967,295; nil: not known.
    public var outputTokens: Int?
    /// Tokens of reasoning, 0 to 4,294,967,295; nil: not known.
    public var reasoningTokens: Int?
    /// What was reported of it: later events of the stream are understood beside earlier ones.
    private var reported = ReportedUsage()

    /// What a call has used; nil: not known.
    public init(
        model: String? = nil, cost: Money? = nil, inputTokens: Int? = nil, outputTokens: Int? = nil,
        cachedInputTokens: Int? = nil, cacheWriteTokens: Int? = nil, reasoningTokens: Int? = nil
    ) {
        self.model = model
        self.cost = cost
        self.inputTokens = inputTokens
        self.cachedInputTokens = cachedInputTokens
        self.cacheWriteTokens = cacheWriteTokens
        self.outputTokens = outputTokens
        self.reasoningTokens = reasoningTokens
    }

    /// The usage that a provider has told, as JSON: its usage object, or an answer or an event of a stream that has one.
    ///
    /// Chat completions, embeddings and responses of OpenAI and those that follow them are understood, messages of
    /// Anthropic, Gemini, Bedrock converse, OpenRouter and Ollama. An object whose usage is null tells nothing.
    ///
    /// - Throws: `invalidArgument` if the text is not JSON, if no usage is found in it, or if a number is out of range
    public init(reported json: String) throws(ClientError) {
        self.init()
        try update(reported: json)
    }

    /// The usage that a provider has told, as JSON in UTF-8; see `init(reported:)` for text.
    ///
    /// - Throws: `invalidArgument`
    public init(reported bytes: some Collection<UInt8>) throws(ClientError) {
        self.init()
        try update(reported: bytes)
    }

    /// Two usages are equal if their numbers and models are.
    public static func == (left: Usage, right: Usage) -> Bool {
        left.model == right.model && left.cost == right.cost
            && TokenKind.allCases.allSatisfy { left[$0] == right[$0] }
    }

    /// Takes what a later event of the same stream tells. What the event leaves out stays.
    ///
    /// - Throws: `invalidArgument` as `init(reported:)`; then nothing has changed
    public mutating func update(reported json: String) throws(ClientError) { try update(reported: json.utf8) }

    /// Takes what a later event of the same stream tells, as JSON in UTF-8. What the event leaves out stays.
    ///
    /// - Throws: `invalidArgument` as `init(reported:)`; then nothing has changed
    public mutating func update(reported bytes: some Collection<UInt8>) throws(ClientError) {
        let document: JSONValue
        do throws(JSONError) { document = try JSONValue(parsing: bytes) } catch {
            throw .invalidArgument(Refusal(.malformed, "the reported usage is not JSON: \(error)"))
        }
        do throws(Refusal) { update(with: try ReportedUsage(document)) } catch { throw .invalidArgument(error) }
    }

    /// Takes what a later report of the same call tells. What the report leaves out stays.
    package mutating func update(with report: ReportedUsage) {
        model = report.model ?? model
        cost = report.cost ?? cost
        let before = reported.tokens
        reported.update(with: report)
        let (tokens, told) = (reported.tokens, report.tokens)
        for kind in TokenKind.allCases where told[kind] != nil || tokens[kind] != before[kind] {
            self[kind] = tokens[kind]
        }
    }

    /// The tokens of a kind; nil: not known.
    package subscript(kind: TokenKind) -> Int? {
        get {
            switch kind {
            case .input: inputTokens
            case .cachedInput: cachedInputTokens
            case .cacheWrite: cacheWriteTokens
            case .output: outputTokens
            case .reasoning: reasoningTokens
            }
        }
        set {
            switch kind {
            case .input: inputTokens = newValue
            case .cachedInput: cachedInputTokens = newValue
            case .cacheWrite: cacheWriteTokens = newValue
            case .output: outputTokens = newValue
            case .reasoning: reasoningTokens = newValue
            }
        }
    }

    /// All tokens that are known, of every kind.
    package var knownTokens: Int { TokenKind.allCases.reduce(0) { $0 + (self[$1] ?? 0) } }

    /// The sum of two usages, clamped to the ranges. What only one tells is taken from it. The model is that of the later
    /// one, if it names one.
    package static func + (earlier: Usage, later: Usage) -> Usage {
        var sum = earlier
        sum.reported = ReportedUsage()
        sum.model = later.model ?? earlier.model
        if let cost = later.cost {
            sum.cost =
                (earlier.cost ?? .zero).adding(cost) ?? Money(nanodollars: cost < .zero ? .min : .max)
        }
        for kind in TokenKind.allCases {
            guard let count = later[kind] else { continue }
            let (tokens, overflow) = (earlier[kind] ?? 0).addingReportingOverflow(count)
            sum[kind] = overflow ? (count < 0 ? .min : .max) : tokens
        }
        return sum
    }

    /// The tokens as the wire has them.
    var sentTokens: TokenUsage {
        get throws(ClientError) {
            TokenUsage(
                input: try .optional(inputTokens, "inputTokens"),
                cachedInput: try .optional(cachedInputTokens, "cachedInputTokens"),
                cacheWrite: try .optional(cacheWriteTokens, "cacheWriteTokens"),
                output: try .optional(outputTokens, "outputTokens"),
                reasoning: try .optional(reasoningTokens, "reasoningTokens"))
        }
    }
}

extension Usage: CustomStringConvertible {
    /// What is known of it: `1200 input and 300 output tokens, $0.0012, by gpt-4o`.
    public var description: String {
        var parts: [String] = []
        let counts = TokenKind.allCases.compactMap { kind in self[kind].map { "\($0) \(kind.word)" } }
        if let last = counts.last {
            let others = counts.dropLast().joined(separator: ", ")
            parts.append((others.isEmpty ? last : "\(others) and \(last)") + " tokens")
        }
        if let cost { parts.append("$\(cost)") }
        // The text comes from the provider and may be anything.
        if let model { parts.append("by \((try? Name(model))?.text ?? "a model whose name is no name")") }
        return parts.isEmpty ? "no known usage" : parts.joined(separator: ", ")
    }
}

extension TokenKind {
    fileprivate var word: String {
        switch self {
        case .input: "input"
        case .cachedInput: "cached input"
        case .cacheWrite: "cache write"
        case .output: "output"
        case .reasoning: "reasoning"
        }
    }
}
