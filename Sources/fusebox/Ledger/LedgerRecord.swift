import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger record PROVIDER MODEL --cost …`
    struct Record: ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "record", abstract: "Record the cost of a call.",
            discussion: """
                EXAMPLE
                  fusebox ledger record openai gpt-4o --cost 0.0012 --input-tokens 120
                """)

        @OptionGroup var account: ProviderArgument

        @Argument(help: "The model.", completion: KnownNames.models)
        var model: String

        @OptionGroup var used: UsageOptions

        @Option(
            help: ArgumentHelp("The deployment that was called. (default: none is told apart)", valueName: "name"),
            completion: KnownNames.deployments)
        var deployment: String?

        @Option(
            name: .customLong("tag"),
            help: ArgumentHelp(
                "What the call was made for. Repeat it for up to \(WireLimits.TagList.capacity). (default: none)",
                valueName: "tag"), completion: KnownNames.tags)
        var tags: [String] = []

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard !used.isEmpty else { throw ValidationError("what did the call use? give --cost, tokens or --usage") }
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            let recording = try client.ledger.record(
                provider: account.provider, deployment: deployment, model: model, tags: tags,
                try used.usage ?? Usage())
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
