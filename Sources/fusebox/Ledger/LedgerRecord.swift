import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger record PROVIDER MODEL --cost …`
    struct Record: ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Record the cost of a call.",
            discussion: """
                EXAMPLE
                  fusebox ledger record openai gpt-4o --cost 0.0012 --input-tokens 120
                """)

        @OptionGroup var account: ProviderArgument

        @Argument(help: "The model.")
        var model: String

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("The cost in dollars, rounded up to a billionth.", valueName: "dollars"),
            transform: MoneyArgument.cost)
        var cost: MoneyArgument

        @Option(
            parsing: .unconditional, help: ArgumentHelp("Tokens sent. (default: 0)", valueName: "count"),
            transform: NumberArgument.count)
        var inputTokens = 0

        @Option(
            parsing: .unconditional, help: ArgumentHelp("Tokens received. (default: 0)", valueName: "count"),
            transform: NumberArgument.count)
        var outputTokens = 0

        @Option(
            help: ArgumentHelp("The deployment that was called. (default: none is told apart)", valueName: "name"))
        var deployment: String?

        @Option(
            name: .customLong("tag"),
            help: ArgumentHelp(
                "What the call was made for. Repeat it for up to \(WireLimits.TagList.capacity). (default: none)",
                valueName: "tag"))
        var tags: [String] = []

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let recording = try client.ledger.record(
                provider: account.provider, deployment: deployment, model: model, tags: tags, cost: cost.money,
                inputTokens: inputTokens,
                outputTokens: outputTokens)
            return LedgerCommands.answer(recording)
        }
    }

    /// The answer of a record: the thresholds that it reached, and the limit that will be used up sooner than was told.
    static func answer(_ recording: Recording) -> Answer {
        let lines =
            recording.reached.map(LimitReport.sentence) + (recording.depletion.map { [LimitReport.sentence($0)] } ?? [])
        return Answer(
            json: [
                "reached": .array(recording.reached.map(LimitReport.json)),
                "depletion": recording.depletion.map(LimitReport.json) ?? .null,
            ],
            text: lines.map(Table.printable).joined(separator: "\n"))
    }
}
