import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger show [PROVIDER]`
    struct Show: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the spend of this period, for all providers or for one and its models.")

        @Argument(help: "The provider. (default: all)")
        var provider: String?

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let clock = try DaemonClock(of: client)
            if let provider { return try Self.one(provider, client, clock) }
            return try Self.all(client, clock)
        }

        private static func all(_ client: FuseboxClient, _ clock: DaemonClock) throws -> Answer {
            let accounts = try client.ledger.providers().sorted { $0.provider < $1.provider }
            let total = try client.ledger.total()
            let columns: [Table.Column] = [.left("PROVIDER")] + usageColumns + [.right("BUDGET"), .right("USED")]
            let table = Table(
                columns,
                rows: accounts.map { account in
                    [account.provider.text] + cells(account.usage, clock) + budgetCells(account)
                })
            let end = total.periodEnd.map { "ends \(clock.relative(wall: $0))" } ?? "ends by hand"
            let summary =
                "total \(Formatting.dollars(total.spend)) since \(DaemonClock.date(wall: total.periodStart)), \(end)"
            return Answer(
                json: .object(
                    (JSONValue(record: total).members ?? [])
                        + [("providers", .array(accounts.map { JSONValue(record: $0) }))]),
                text: table.text(ifEmpty: "Nothing has been recorded yet.") + "\n\n" + summary)
        }

        private static func budgetCells(_ account: ProviderAccount) -> [String] {
            guard let budget = account.budget else { return ["-", "-"] }
            guard budget > .zero else { return [Formatting.dollars(budget), "-"] }
            return [Formatting.dollars(budget), Formatting.percent(account.usage.spend.dollars / budget.dollars)]
        }

        private static func one(
            _ provider: String, _ client: FuseboxClient, _ clock: DaemonClock
        ) throws -> Answer {
            let account = try LedgerCommands.account(provider, client)
            let models = try client.ledger.models(of: provider).sorted { $0.model < $1.model }
            let balance = try client.ledger.balance(provider)
            // The model that answered is shown if it differs from the one that was asked for.
            let hasOthers = models.contains { $0.answering != nil }
            let table = Table(
                [.left("MODEL")] + usageColumns + (hasOthers ? [.left("ANSWERED AS")] : []),
                rows: models.map { account in
                    [account.model.text] + cells(account.usage, clock)
                        + (hasOthers ? [account.answering?.text ?? "-"] : [])
                })
            return Answer(
                json: .object(
                    (JSONValue(record: account).members ?? []) + [
                        ("remaining", balance.remaining.map { .number("\($0)") } ?? .null),
                        ("utilization", JSONValue(balance.utilization)),
                        ("modelAccounts", .array(models.map { JSONValue(record: $0) })),
                    ]),
                text: listing(account, balance, clock).text + (models.isEmpty ? "" : "\n\n" + table.text))
        }

        private static func listing(_ account: ProviderAccount, _ balance: Balance, _ clock: DaemonClock) -> Listing {
            let usage = account.usage
            let budget = account.budget.map { budget in
                "\(Formatting.dollars(budget)), \(Formatting.percent(balance.utilization)) used"
                    + (balance.remaining.map { ", \(Formatting.dollars($0)) left" } ?? "")
                    + (account.isEnforced ? ", enforced" : "")
            }
            return [
                "provider": account.provider.text,
                "spent": "\(Formatting.dollars(usage.spend)) by \(Quantity.count(usage.requests, "request"))",
                "tokens": "\(usage.inputTokens) in, \(usage.outputTokens) out",
                "last": clock.relative(usage.lastRecorded),
                "held": account.held == .zero && account.inFlight == 0
                    ? nil
                    : "\(Formatting.dollars(account.held)), \(Quantity.count(account.inFlight, "call")) in flight",
                "budget": budget ?? "none",
                "rpm": account.rpm.map { Formatting.window($0) },
                "rpd": account.rpd.map { Formatting.window($0) },
                "tpm": account.tpm.map { Formatting.window($0) },
                "tpd": account.tpd.map { Formatting.window($0) },
            ]
        }
    }
}
