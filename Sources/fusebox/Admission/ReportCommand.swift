import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox report`
struct ReportCommand: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Tell how a call without a permit went, and what it used.",
        discussion: """
            Breaker, exhaustion mark and ledger hear of it at once. `fusebox run` does all of it around a call, and asks first.

            EXAMPLES
              fusebox report --provider openai --outcome success --model gpt-4o --cost 0.0012
              fusebox report --provider openai --outcome throttled --retry-after 30s
            """)

    @Option(help: ArgumentHelp("Where the call went.", valueName: "name"))
    var provider: String

    @Option(
        help: ArgumentHelp(
            "How it went: \(OutcomeArgument.allValueStrings.joined(separator: ", ")).", valueName: "outcome"))
    var outcome: OutcomeArgument

    @Option(help: ArgumentHelp("The model that was asked for, which is charged. (default: none)", valueName: "name"))
    var model: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What it cost. (default: 0 if tokens are told; else nothing is recorded)", valueName: "dollars"),
        transform: MoneyArgument.cost)
    var cost: MoneyArgument?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Tokens sent. (default: 0)", valueName: "count"),
        transform: NumberArgument.count)
    var inputTokens: Int?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Tokens received. (default: 0)", valueName: "count"),
        transform: NumberArgument.count)
    var outputTokens: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "With failure, throttled and quota-exhausted: when the provider takes calls again: \(retryTimeHelp). (default: not told)",
            valueName: "time"),
        transform: DurationArgument.retryTime)
    var retryAfter: DurationArgument?

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard retryAfter == nil || outcome.outcome.takesRetryAfter else {
            throw ValidationError("--retry-after goes with --outcome failure, throttled and quota-exhausted only")
        }
        guard outcome.outcome != .cancelled || usage == nil else {
            throw ValidationError("a call that was never sent has used nothing; --outcome abandoned counts usage")
        }
    }

    private var usage: Usage? {
        guard cost != nil || inputTokens != nil || outputTokens != nil else { return nil }
        return Usage(
            model: model, cost: cost?.money ?? .zero, inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0)
    }

    func answer(from client: FuseboxClient) throws -> Answer {
        let recording = try client.admission.report(
            try Candidate(provider, model: model), outcome.call(retryAfter: retryAfter?.duration, usage: usage))
        return LedgerCommands.answer(recording)
    }
}

/// An outcome on the command line.
struct OutcomeArgument: ExpressibleByArgument {
    let outcome: Outcome

    private static let names: [(name: String, outcome: Outcome)] = [
        ("success", .success), ("failure", .failure), ("throttled", .throttled), ("quota-exhausted", .quotaExhausted),
        ("rejected", .rejected), ("abandoned", .abandoned), ("cancelled", .cancelled),
    ]

    init?(argument: String) {
        guard let outcome = Self.names.first(where: { $0.name == argument })?.outcome else { return nil }
        self.outcome = outcome
    }

    static var allValueStrings: [String] { names.map(\.name) }

    /// An outcome as it is given.
    static func name(_ outcome: Outcome) -> String {
        names.first { $0.outcome == outcome }?.name ?? "\(outcome)"
    }

    func call(retryAfter: Duration? = nil, usage: Usage? = nil) -> CallOutcome {
        CallOutcome(outcome, retryAfter: retryAfter, usage: usage)
    }
}

extension CallOutcome {
    /// An outcome with what goes with it; what does not is left out.
    init(_ outcome: Outcome, retryAfter: Duration?, usage: Usage?) {
        switch outcome {
        case .success: self = .success(usage: usage)
        case .failure: self = .failure(retryAfter: retryAfter, usage: usage)
        case .throttled: self = .throttled(retryAfter: retryAfter, usage: usage)
        case .quotaExhausted: self = .quotaExhausted(resetAfter: retryAfter, usage: usage)
        case .rejected: self = .rejected(usage: usage)
        case .abandoned: self = .abandoned(usage: usage)
        case .cancelled: self = .cancelled
        }
    }
}
