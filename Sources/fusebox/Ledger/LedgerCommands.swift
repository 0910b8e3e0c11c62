import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox ledger`
struct LedgerCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "The credit ledger: what was spent, what is left, and within which limits?",
        subcommands: [
            Show.self, Record.self, BudgetCommands.self, Burn.self, Summary.self, Depletion.self, Check.self,
            Thresholds.self, ResetPeriod.self, Period.self, Periods.self,
        ])

    /// The argument that names a provider.
    struct ProviderArgument: ParsableArguments {
        @Argument(help: "The provider.")
        var provider: String
    }

    /// How much of a provider's history is looked at.
    struct WindowOption: ParsableArguments {
        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "The newest part of the history to look at, \(durationHelp). (default: 24h)", valueName: "time"),
            transform: DurationArgument.within(ValueRanges.window))
        var window = DurationArgument(duration: .seconds(86_400))
    }
}

extension LedgerCommands {
    /// Columns and cells of what was spent on an account.
    static let usageColumns: [Table.Column] = [
        .right("SPENT"), .right("REQUESTS"), .right("INPUT"), .right("OUTPUT"), .left("LAST"),
    ]

    static func cells(_ usage: AccountUsage, _ clock: DaemonClock) -> [String] {
        [
            Formatting.dollars(usage.spend), "\(usage.requests)", "\(usage.inputTokens)", "\(usage.outputTokens)",
            clock.relative(usage.lastRecorded),
        ]
    }

    /// The account of a provider that must have one.
    @discardableResult
    static func account(_ provider: String, _ client: FuseboxClient) throws -> ProviderAccount {
        if let account = try client.ledger.provider(provider) { return account }
        throw Failure.unknown(
            provider, "the ledger has no provider '\(provider)'",
            among: try client.ledger.providers().map(\.provider.text),
            otherwise: "`fusebox ledger show` lists those it has")
    }

    /// A note at sums that hold more than was asked for.
    static func note(isApproximate: Bool) -> String? {
        isApproximate ? "older records are counted in: history that old is kept in sums" : nil
    }

    /// A period as people call it.
    static func spelled(_ length: PeriodLength) -> String {
        length == .manual ? "until `fusebox ledger reset-period`" : "a \(length)"
    }
}
