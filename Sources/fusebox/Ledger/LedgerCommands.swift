import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox ledger`
struct LedgerCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "The credit ledger: what was spent, at which rate, and until when limits last.",
        subcommands: [
            Show.self, List.self, History.self, Record.self, Burn.self, Summary.self, Depletion.self, Adjust.self,
            Reconcile.self, Reset.self, Forget.self,
        ])

    /// The argument that names a provider.
    struct ProviderArgument: ParsableArguments {
        @Argument(help: "The provider.", completion: KnownNames.providers)
        var provider: String
    }

    /// The option for the part of a provider's history that counts.
    struct WindowOption: ParsableArguments {
        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "The length of the newest part of the history that counts, \(durationHelp). (default: 24h)",
                valueName: "time"),
            transform: DurationArgument.within(ValueRanges.window))
        var window = DurationArgument(duration: .seconds(86_400))
    }
}

extension LedgerCommands {
    /// The columns and cells of an account's usage.
    static let usageColumns: [Table.Column] = [
        .right("SPENT"), .right("REQUESTS"), .nonzero("UNPRICED"), .right("INPUT"), .right("OUTPUT"), .left("LAST"),
    ]

    static func cells(_ usage: AccountUsage, _ clock: DaemonClock) -> [String] {
        [
            Formatting.dollars(usage.spend), "\(usage.requests)", "\(usage.unpriced)", "\(usage.sentTokens)",
            "\(usage.receivedTokens)", clock.relative(usage.lastRecorded),
        ]
    }

    /// The account of a provider. It is an error if there is none.
    @discardableResult
    static func account(_ provider: String, _ client: FuseboxClient) throws -> ProviderAccount {
        if let account = try client.ledger.provider(provider) { return account }
        throw Failure.unknown(
            provider, "the ledger has no provider '\(provider)'",
            among: try client.ledger.providers().map(\.provider.text),
            otherwise: "`fusebox ledger show` lists the providers")
    }

    /// A note for sums that include older records.
    static func note(isApproximate: Bool) -> String? {
        isApproximate ? "includes some older records, because old history is stored in sums" : nil
    }
}
