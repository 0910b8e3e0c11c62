import ArgumentParser
import FuseboxClient
import FuseboxInterop

extension LedgerCommands {
    /// `fusebox ledger thresholds`
    struct Thresholds: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or set the shares of a budget at which events fire. Setting them is for operators only.",
            discussion: "EXAMPLE\n  fusebox ledger thresholds --warning 0.8 --critical 0.9 --emergency 0.95")

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Spend divided by budget, such as 0.8. (default: unchanged)", valueName: "ratio"),
            transform: NumberArgument.ratio)
        var warning: Double?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Spend divided by budget, such as 0.9. (default: unchanged)", valueName: "ratio"),
            transform: NumberArgument.ratio)
        var critical: Double?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Spend divided by budget, such as 0.95. (default: unchanged)", valueName: "ratio"),
            transform: NumberArgument.ratio)
        var emergency: Double?

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            if warning != nil || critical != nil || emergency != nil {
                try client.ledger.setThresholds(warning: warning, critical: critical, emergency: emergency)
            }
            let thresholds = try client.ledger.thresholds()
            let listing: Listing = [
                "warning": Formatting.percent(thresholds.warning), "critical": Formatting.percent(thresholds.critical),
                "emergency": Formatting.percent(thresholds.emergency),
            ]
            return Answer(json: JSONValue(record: thresholds), text: listing.text)
        }
    }
}
