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
              curl -s -i … > answer.txt; fusebox report --route openai/gpt-4o --headers answer.txt
            """)

    @Option(
        help: ArgumentHelp(
            "The route that was taken: provider[@deployment][/model]. (default: --provider says it)", valueName: "route"
        ), completion: KnownNames.routes)
    var route: String?

    @Option(
        help: ArgumentHelp("The provider that was called, instead of --route. (default: none)", valueName: "name"),
        completion: KnownNames.providers)
    var provider: String?

    @Option(
        help: ArgumentHelp("The deployment that was called. (default: none is told apart)", valueName: "name"),
        completion: KnownNames.deployments)
    var deployment: String?

    @Option(
        help: ArgumentHelp(
            "The outcome: \(OutcomeArgument.allValueStrings.joined(separator: ", ")). (default: --status or --headers tells it)",
            valueName: "outcome"))
    var outcome: OutcomeArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The status of the provider's answer, which tells the outcome. (default: --headers has it)",
            valueName: "status"),
        transform: ReportCommand.status)
    var status: Int?

    @Option(
        help: ArgumentHelp(
            "A file with the head of the provider's answer as `curl -D FILE` writes it, or - for standard input. The body may follow, as with `curl -i`: an error tells the outcome too, and usage counts. (default: none)",
            valueName: "path"), completion: .file())
    var headers: String?

    @Option(
        help: ArgumentHelp("The model that the call asked for. It is charged. (default: none)", valueName: "name"),
        completion: KnownNames.models)
    var model: String?

    @Option(
        name: .customLong("tag"),
        help: ArgumentHelp(
            "What the call was made for. Repeat it for up to \(WireLimits.TagList.capacity). (default: none)",
            valueName: "tag"), completion: KnownNames.tags)
    var tags: [String] = []

    @OptionGroup var used: UsageOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "When the provider accepts calls again, for failure, throttled and quota-exhausted: \(retryTimeHelp). (default: unknown)",
            valueName: "time"),
        transform: DurationArgument.retryTime)
    var retryAfter: DurationArgument?

    @Option(
        help: ArgumentHelp(
            "How much of the route the outcome marks, if it marks: \(MarkScopeArgument.names). (default: the whole route, with a 403 too; with another unauthorized the deployment)",
            valueName: "scope"))
    var markScope: MarkScopeArgument?

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
        guard let outcome = outcome?.outcome else {
            guard status != nil || headers != nil else {
                throw ValidationError("how did the call go? give --outcome, --status or --headers")
            }
            return
        }
        guard status == nil, headers == nil else {
            throw ValidationError("--status and --headers tell the outcome; leave --outcome out")
        }
        guard retryAfter == nil || outcome.takesRetryAfter else {
            let outcomes = Outcome.withRetryAfter(OutcomeArgument.name)
            throw ValidationError("--retry-after goes with --outcome \(outcomes) only")
        }
        guard markScope == nil || outcome.isOfProvider else {
            throw ValidationError(
                "--mark-scope goes with an outcome of the provider, not with \(OutcomeArgument.name(outcome))")
        }
        guard outcome.takesUsage || used.isEmpty else {
            throw ValidationError(
                "a cancelled call was never sent and has no usage; for a call that was sent, give --outcome abandoned")
        }
    }

    private static func status(_ text: String) throws -> Int {
        guard let status = Int(text), 100...599 ~= status else {
            throw ValidationError("give a status of HTTP, from 100 to 599")
        }
        return status
    }

    private func usage(_ told: Usage? = nil) throws(ClientError) -> Usage? {
        guard var usage = try used.usage ?? told else { return nil }
        if let model { usage.model = model }
        return usage
    }

    /// The outcome that was given, or that of the provider's answer.
    private var call: CallOutcome {
        get throws {
            if let outcome { return outcome.call(retryAfter: retryAfter?.duration, usage: try usage()) }
            var told = ToldUsage(in: headers.map(LocalFile.label) ?? "--status")
            if let headers { told.take(String(decoding: try LocalFile.read(headers), as: UTF8.self)) }
            if let status { told.take("status=\(status)") }
            for complaint in told.complaints { Failure.tell("fusebox: \(Table.printable(complaint))") }
            guard let answer = told.answer else {
                throw Failure(
                    .usage,
                    "no status is found in \(headers.map(LocalFile.label) ?? ""); `curl -D` writes it, or give --status"
                )
            }
            var call = CallOutcome(
                answer.outcome, retryAfter: retryAfter?.duration ?? answer.retryAfter, usage: try usage(told.usage))
            call.markScope = answer.markScope
            return call
        }
    }

    private var candidate: Candidate {
        get throws(ClientError) {
            if let route { return try Candidate(route: route) }
            return try Candidate(provider ?? "", deployment: deployment, model: model)
        }
    }

    func answer(from client: FuseboxClient) throws -> Answer {
        var call = try call
        // An answer of the provider may tell a success.
        if call.outcome.isOfProvider, let markScope { call.markScope = markScope.scope }
        let recording = try client.admission.report(try candidate, tags: tags, call)
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

/// How much of a route is marked, on the command line.
struct MarkScopeArgument: ExpressibleByArgument {
    let scope: MarkScope

    init?(argument: String) {
        guard let scope = MarkScope.allCases.first(where: { "\($0)" == argument }) else { return nil }
        self.scope = scope
    }

    static var allValueStrings: [String] { MarkScope.allCases.map { "\($0)" } }

    /// The scopes, in a sentence.
    static var names: String { allValueStrings.joined(separator: ", ") }
}
