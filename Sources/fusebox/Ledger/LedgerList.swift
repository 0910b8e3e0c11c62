import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// The kinds of accounts that are listed.
    enum ListedKind: String, CaseIterable, ExpressibleByArgument {
        case providers, deployments, models, tags

        /// The kind of a scope that may have an account; nil: it is the host.
        init?(_ scope: Scope) {
            if scope.tag != nil {
                self = .tags
            } else if scope.model != nil {
                self = .models
            } else if scope.deployment != nil {
                self = .deployments
            } else if scope.provider != nil {
                self = .providers
            } else {
                return nil
            }
        }

        var accounts: FuseboxClient.AccountKind {
            switch self {
            case .providers: .provider
            case .deployments: .deployment
            case .models: .model
            case .tags: .tag
            }
        }
    }

    /// The columns and cells of what an account has spent.
    static let spendColumns: [Table.Column] = [
        .right("SPENT"), .right("MONTH"), .right("TODAY"), .right("REQUESTS"), .nonzero("UNPRICED"), .left("LAST"),
    ]

    static func cells(_ account: ScopeAccount, _ clock: DaemonClock) -> [String] {
        [account.usage.spend, account.month.spend, account.today.spend].map { Formatting.dollars($0) }
            + [
                "\(account.usage.requests)", "\(account.usage.unpriced)", clock.relative(account.usage.lastRecorded),
            ]
    }

    /// `fusebox ledger list [KIND]`
    struct List: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract:
                "List the accounts of one kind: what each has spent in all, this month and today, the highest first.",
            discussion: """
                Days and months are those of UTC. UNPRICED are the requests in all whose cost nobody told: what was spent \
                lacks it. `fusebox ledger show SCOPE` shows one account with its limits.

                EXAMPLES
                  fusebox ledger list tags
                  fusebox ledger list models --json
                """)

        @Argument(help: ArgumentHelp("Whose accounts: providers, deployments, models or tags.", valueName: "kind"))
        var kind = ListedKind.providers

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let accounts = try client.ledger.accounts(kind.accounts).map { (name: "\($0.scope)", account: $0) }
                .sorted { one, other in
                    let spends = (one.account.usage.spend, other.account.usage.spend)
                    return spends.0 == spends.1 ? one.name < other.name : spends.0 > spends.1
                }
            let clock = try DaemonClock(of: client)
            let table = Table(
                [.left("\(kind.accounts)".uppercased())] + spendColumns,
                rows: accounts.map { [$0.name] + cells($0.account, clock) })
            return Answer(
                json: [
                    "kind": .string("\(kind.accounts)"),
                    "accounts": .array(accounts.map { JSONValue(record: $0.account) }),
                ],
                text: table.fitted(ifEmpty: "No \(kind.accounts) has an account yet."))
        }
    }
}
