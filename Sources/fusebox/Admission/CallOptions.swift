import ArgumentParser
import FuseboxClient
import FuseboxWire

/// The options that describe a call: its candidates and its estimate.
struct CallOptions: ParsableArguments {
    @Option(
        name: .customLong("route"),
        help: ArgumentHelp(
            "A route that the call may take: provider[@deployment][/model]. Repeat it for several, best first. (default: --provider says it)",
            valueName: "route"), completion: KnownNames.routes)
    var routes: [String] = []

    @Option(
        name: .customLong("provider"),
        help: ArgumentHelp(
            "A provider that the call may go to, instead of --route. Repeat it for several, best first. (default: none)",
            valueName: "name"), completion: KnownNames.providers)
    var providers: [String] = []

    @Option(
        help: ArgumentHelp(
            "The deployment of the provider: an API key, region or endpoint. (default: none is told apart)",
            valueName: "name"), completion: KnownNames.deployments)
    var deployment: String?

    @Option(
        name: .customLong("model"),
        help: ArgumentHelp(
            "The model that the call asks for. It is charged, and its limits count too. Give it once for all providers, or once for each in the same order. (default: none)",
            valueName: "name"), completion: KnownNames.models)
    var models: [String] = []

    @Option(
        name: .customLong("tag"),
        help: ArgumentHelp(
            "What the call is made for, such as team:search. Repeat it for up to \(WireLimits.TagList.capacity). (default: none)",
            valueName: "tag"), completion: KnownNames.tags)
    var tags: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The most that the call may cost. It is held until the call is settled. (default: unknown)",
            valueName: "dollars"),
        transform: MoneyArgument.cost)
    var cost: MoneyArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The most tokens that the call may use, input and output together. (default: unknown)", valueName: "count"),
        transform: NumberArgument.count)
    var tokens: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most tokens that the call may send. (default: unknown)", valueName: "count"),
        transform: NumberArgument.count)
    var inputTokens: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most tokens that the call may receive. (default: unknown)", valueName: "count"),
        transform: NumberArgument.count)
    var outputTokens: Int?

    /// Whether it is known what the call may use.
    var hasEstimate: Bool { cost != nil || tokens != nil || inputTokens != nil || outputTokens != nil }

    func validate() throws {
        guard routes.isEmpty != providers.isEmpty else {
            throw ValidationError(
                routes.isEmpty
                    ? "where may the call go? give --route or --provider" : "give --route or --provider, not both")
        }
        guard routes.isEmpty || (models.isEmpty && deployment == nil) else {
            throw ValidationError("a route has its deployment and model in it: --route provider@deployment/model")
        }
        guard deployment == nil || providers.count == 1 else {
            throw ValidationError(
                "--deployment is that of one --provider; for several give --route provider@deployment")
        }
        guard tokens == nil || (inputTokens == nil && outputTokens == nil) else {
            throw ValidationError("give --tokens, or --input-tokens and --output-tokens")
        }
        guard models.isEmpty || models.count == 1 || models.count == providers.count else {
            throw ValidationError("give --model once, or once for each --provider")
        }
    }

    var candidates: [Candidate] {
        get throws(ClientError) {
            var candidates: [Candidate] = []
            for route in routes { candidates.append(try Candidate(route: route)) }
            for (place, provider) in providers.enumerated() {
                let model = models.count > 1 ? models[place] : models.first
                candidates.append(try Candidate(provider, deployment: deployment, model: model))
            }
            return candidates
        }
    }

    var estimate: Estimate {
        get throws(ClientError) {
            var estimate = try Estimate.tokens(input: inputTokens, output: outputTokens)
            if let tokens { estimate = try .tokens(tokens) }
            estimate.cost = cost?.money
            return estimate
        }
    }
}
