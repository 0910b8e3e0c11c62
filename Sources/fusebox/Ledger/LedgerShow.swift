import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger show [SCOPE]`
    struct Show: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what was spent and which limits there are: of all providers, or of one scope.",
            discussion: """
                Without a scope each provider is shown with the fullest of its limits. Bars tell what is used (#), held (=) \
                and left (.).

                EXAMPLES
                  fusebox ledger show
                  fusebox ledger show openai
                  fusebox ledger show --tag team:search
                """)

        @OptionGroup var account: AccountScope
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let clock = try DaemonClock(of: client)
            if let scope = try account.scope { return try Self.one(scope, client, clock) }
            return try Self.all(client, clock)
        }

        private static func all(_ client: FuseboxClient, _ clock: DaemonClock) throws -> Answer {
            let accounts = try client.ledger.providers().sorted { $0.provider < $1.provider }
            let fullest = Dictionary(
                try client.overview().compactMap { entry in entry.fullest.map { (entry.name, (entry.limits, $0)) } },
                uniquingKeysWith: { first, _ in first })
            let total = try client.ledger.total()
            let table = Table(
                [.left("PROVIDER")] + usageColumns,
                rows: accounts.map { [$0.provider.text] + cells($0.usage, clock) },
                notes: accounts.map { account in
                    fullest[account.provider].map { [LimitReport.fullest($1, of: $0)] } ?? []
                })
            return Answer(
                json: JSONValue(record: total).adding([
                    "providers": .array(
                        accounts.map { account in
                            let limit = fullest[account.provider]
                            return JSONValue(record: account).adding([
                                "limits": JSONValue(limit?.0 ?? 0),
                                "fullest": limit.map { LimitReport.json($1) } ?? .null,
                            ])
                        })
                ]),
                text: table.fitted(ifEmpty: "Nothing has been recorded yet.") + "\n\n" + text(total))
        }

        private static func text(_ total: LedgerTotal.Reply) -> String {
            "total \(Formatting.dollars(total.spend)) since \(DaemonClock.date(wall: total.since))"
        }

        private static func one(
            _ scope: Scope, _ client: FuseboxClient, _ clock: DaemonClock
        ) throws -> Answer {
            let limits = try client.limits.list(scope)
            let account = try ScopeAccount(of: scope, client)
            if account == nil, limits.isEmpty, let provider = scope.provider, scope.tag == nil {
                try LedgerCommands.account(provider.text, client)
            }
            // The uses of a template are of other scopes.
            let table = LimitReport.table(
                limits, showsScopes: limits.contains { $0.scope != scope },
                ifEmpty: Table.printable("No limit is set on \(scope)."))
            let parts = [account.map { listing($0, clock) }, table, account.flatMap { models($0, clock) }]
            return Answer(
                json: (account?.json ?? [:]).adding([
                    "scope": LimitReport.json(scope), "limits": .array(limits.map(LimitReport.json)),
                ]),
                text: parts.compactMap(\.self).joined(separator: "\n\n"))
        }

        private static func listing(_ account: ScopeAccount, _ clock: DaemonClock) -> String {
            switch account {
            case .host(let total): return text(total)
            case .provider(let account, _):
                let holds = account.held != .zero || account.inFlight != 0
                return listing(
                    ("provider", account.provider), account.usage, clock,
                    held: holds
                        ? "\(Formatting.dollars(account.held)), \(Quantity.count(account.inFlight, "call")) in flight"
                        : nil)
            case .model(let account):
                return listing(("model", account.model), account.usage, clock, answering: account.answering)
            }
        }

        private static func listing(
            _ subject: (kind: String, name: Name), _ usage: AccountUsage, _ clock: DaemonClock, held: String? = nil,
            answering: Name? = nil
        ) -> String {
            let listing: Listing = [
                subject.kind: subject.name.text,
                "answered as": answering?.text,
                "spent": "\(Formatting.dollars(usage.spend)) by \(Quantity.count(usage.requests, "request"))",
                "tokens": "\(usage.inputTokens) in, \(usage.outputTokens) out",
                "last": clock.relative(usage.lastRecorded),
                "held": held,
            ]
            return listing.fitted
        }

        /// The accounts of a provider's models; nil if it has none.
        private static func models(_ account: ScopeAccount, _ clock: DaemonClock) -> String? {
            guard case .provider(_, let models) = account, !models.isEmpty else { return nil }
            // The model that answered is shown if it differs from the one that was asked for.
            let hasOthers = models.contains { $0.answering != nil }
            let table = Table(
                [.left("MODEL")] + usageColumns + (hasOthers ? [.left("ANSWERED AS")] : []),
                rows: models.map { account in
                    [account.model.text] + cells(account.usage, clock)
                        + (hasOthers ? [account.answering?.text ?? "-"] : [])
                })
            return table.fitted(ifEmpty: "")
        }
    }
}
