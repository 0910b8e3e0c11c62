import ArgumentParser
import FuseboxClient
import FuseboxWire

/// The options that tell what a call has used.
struct UsageOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The cost, rounded up to a billionth of a dollar. (default: unknown)", valueName: "dollars"),
        transform: MoneyArgument.cost)
    var cost: MoneyArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Tokens sent, neither read from a cache nor written to one. (default: unknown)", valueName: "count"),
        transform: NumberArgument.count)
    var inputTokens: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Tokens sent and read from a cache. (default: unknown)", valueName: "count"),
        transform: NumberArgument.count)
    var cachedInputTokens: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Tokens sent and written to a cache. (default: unknown)", valueName: "count"),
        transform: NumberArgument.count)
    var cacheWriteTokens: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Tokens received, without reasoning. (default: unknown)", valueName: "count"),
        transform: NumberArgument.count)
    var outputTokens: Int?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Tokens of reasoning. (default: unknown)", valueName: "count"),
        transform: NumberArgument.count)
    var reasoningTokens: Int?

    @Option(
        name: .customLong("usage"), parsing: .unconditional,
        help: ArgumentHelp(
            "The usage as the provider sent it: its usage object, or an answer that has one. (default: none)",
            valueName: "json"))
    var json: String?

    /// What the call has used; nil if no option tells it.
    var usage: Usage? {
        get throws(ClientError) {
            var usage = try json.map { json throws(ClientError) in try Usage(reported: json) } ?? Usage()
            if let cost { usage.cost = cost.money }
            for (kind, count) in counts { usage[kind] = count ?? usage[kind] }
            return usage == Usage() ? nil : usage
        }
    }

    /// Whether no option tells anything.
    var isEmpty: Bool { json == nil && cost == nil && counts.allSatisfy { $0.count == nil } }

    private var counts: [(kind: TokenKind, count: Int?)] {
        [
            (.input, inputTokens), (.cachedInput, cachedInputTokens), (.cacheWrite, cacheWriteTokens),
            (.output, outputTokens), (.reasoning, reasoningTokens),
        ]
    }

    func validate() throws {
        do throws(ClientError) { _ = try usage } catch {
            throw ValidationError("--usage: \(Failure(error).message)")
        }
    }
}
