import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox report`
struct ReportCommand: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Report the outcome and the usage of a call without a permit.",
        discussion: """
            Breaker, exhaustion mark and ledger are updated at once. `fusebox run` admits a call, runs it and reports it.

            EXAMPLES
              fusebox report --provider openai --outcome success --model gpt-4o --cost 0.0012
              fusebox report --provider openai --outcome throttled --retry-after 30s
            """)

    @Option(
        help: ArgumentHelp(
            "The route that was taken: provider[@deployment][/model]. (default: --provider says it)", valueName: "route"
        ))
    var route: String?

    @Option(help: ArgumentHelp("The provider that was called, instead of --route. (default: none)", valueName: "name"))
    var provider: String?

    @Option(
        help: ArgumentHelp("The deployment that was called. (default: none is told apart)", valueName: "name"))
    var deployment: String?

    @Option(
        help: ArgumentHelp(
            "The outcome: \(OutcomeArgument.allValueStrings.joined(separator: ", ")).", valueName: "outcome"))
    var outcome: OutcomeArgument

    @Option(help: ArgumentHelp("The model that the call asked for. It is charged. (default: none)", valueName: "name"))
    var model: String?

    @Option(
        name: .customLong("tag"),
        help: ArgumentHelp(
            "What the call was made for. Repeat it for up to \(WireLimits.TagList.capacity). (default: none)",
            valueName: "tag"))
    var tags: [String] = []

    @OptionGroup var used: UsageOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "When the provider accepts calls again, for failure, throttled and quota-exhausted: \(retryTimeHelp). (default: unknown)",
            valueName: "time"),
        transform: DurationArgument.retryTime)
    var retryAfter: DurationArgument?

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard (route == nil) != (provider == nil) else {
            throw ValidationError(
                route == nil
                    ? "which provider was called? give --route or --provider" : "give --route or --provider, not both")
        }
        guard route == nil || (model == nil && deployment == nil) else {
            throw ValidationError("a route has its deployment and model in it: --route provider@deployment/model")
        }
        guard retryAfter == nil || outcome.outcome.takesRetryAfter else {
            let outcomes = Outcome.withRetryAfter(OutcomeArgument.name)
            throw ValidationError("--retry-after goes with --outcome \(outcomes) only")
        }
        guard outcome.outcome.takesUsage || used.isEmpty else {
            throw ValidationError(
                "a cancelled call was never sent and has no usage; for a call that was sent, give --outcome abandoned")
        }
    }

    private var usage: Usage? {
        get throws(ClientError) {
            guard var usage = try used.usage else { return nil }
            if let model { usage.model = model }
            return usage
        }
    }

    private var candidate: Candidate {
        get throws(ClientError) {
            if let route { return try Candidate(route: route) }
            return try Candidate(provider ?? "", deployment: deployment, model: model)
        }
    }

    func answer(from client: FuseboxClient) throws -> Answer {
        let recording = try client.admission.report(
            try candidate, tags: tags, outcome.call(retryAfter: retryAfter?.duration, usage: try usage))
        return LedgerCommands.answer(recording)
    }
}

/// An outcome on the command line.
struct OutcomeArgument: ExpressibleByArgument {
    let outcome: Outcome

    init?(argument: String) {
        guard let outcome = Outcome.allCases.first(where: { Self.name($0) == argument }) else { return nil }
        self.outcome = outcome
    }

    static var allValueStrings: [String] { Outcome.allCases.map(name) }

    /// The name of an outcome on the command line: `quota-exhausted`.
    static func name(_ outcome: Outcome) -> String {
        "\(outcome)".map { $0.isUppercase ? "-\($0.lowercased())" : "\($0)" }.joined()
    }

    func call(retryAfter: Duration? = nil, usage: Usage? = nil) -> CallOutcome {
        CallOutcome(outcome, retryAfter: retryAfter, usage: usage)
    }
}
