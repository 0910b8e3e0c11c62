import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger reset-period`
    struct ResetPeriod: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "End the budget period now and begin a new one. Operators only.")

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.ledger.resetPeriod()
            return .done
        }
    }

    /// `fusebox ledger period`
    struct Period: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or set the length of budget periods. Setting it is for operators only.")

        @Option(help: "The length. A `manual` period lasts until reset-period. (default: unchanged; initially month)")
        var length: PeriodLength?

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            if let length { try client.ledger.setPeriod(length) }
            let total = try client.ledger.total()
            let listing: Listing = [
                "length": spelled(total.periodLength),
                "began": DaemonClock.date(wall: total.periodStart),
                "ends": total.periodEnd.map { DaemonClock.date(wall: $0) } ?? "by hand",
                "spent": Formatting.dollars(total.spend),
            ]
            return Answer(json: JSONValue(record: total), text: listing.text)
        }
    }

    /// `fusebox ledger periods PROVIDER`
    struct Periods: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a provider's sums in ended periods, oldest first.")

        @OptionGroup var account: ProviderArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try LedgerCommands.account(account.provider, client)
            let periods = try client.ledger.closedPeriods(of: account.provider)
            let table = Table(
                [
                    .left("BEGAN"), .left("ENDED"), .right("SPENT"), .right("REQUESTS"), .right("INPUT"),
                    .right("OUTPUT"),
                ],
                rows: periods.map { period in
                    [
                        DaemonClock.date(wall: period.start), DaemonClock.date(wall: period.end),
                        Formatting.dollars(period.usage.spend), "\(period.usage.requests)",
                        "\(period.usage.inputTokens)", "\(period.usage.outputTokens)",
                    ]
                })
            return Answer(
                json: ["periods": .array(periods.map { JSONValue(record: $0) })],
                text: table.text(ifEmpty: "No period has ended yet."))
        }
    }
}
