import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger show [SCOPE]`
    struct Show: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show what was spent and which limits there are: of all providers, or of one scope.",
            discussion: """
                Without a scope each provider is shown with the fullest of its limits. Bars tell what is used (#), held (=) \
                and left (.). UNPRICED are the requests whose cost nobody told: SPENT lacks it.

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
            let since = DaemonClock.date(wall: total.since)
            return
                "total \(Formatting.dollars(total.spend)) since \(since)\(Formatting.without(unpriced: total.unpriced))"
        }

        private static func one(
            _ scope: Scope, _ client: FuseboxClient, _ clock: DaemonClock
        ) throws -> Answer {
            let limits = try client.limits.list(scope)
            let account = try client.ledger.account(scope)
            let isProvider = scope.tag == nil && scope.deployment == nil && scope.model == nil
            let provider = isProvider ? try scope.provider.flatMap { try client.ledger.provider($0.text) } : nil
            if account == nil, limits.isEmpty, let provider = scope.provider, scope.tag == nil {
                try LedgerCommands.account(provider.text, client)
            }
            let models =
                provider.map(\.models) ?? 0 == 0
                ? [] : try models(of: scope.provider?.text ?? "", client).sorted { $0.model < $1.model }
            // The uses of a template are of other scopes.
            let none =
                account == nil && !LimitReport.isTemplate(scope)
                ? "\(scope) has no account, and no limit is set on it." : "No limit is set on \(scope)."
            let table = LimitReport.table(
                limits, showsScopes: limits.contains { $0.scope != scope }, ifEmpty: Table.printable(none))
            let parts = [
                account.map { listing($0, provider, clock).fitted }, table, models.isEmpty ? nil : text(models, clock),
            ]
            let fields: [JSONValue] =
                (account.map { [JSONValue(record: $0)] } ?? [["scope": LimitReport.json(scope)]])
                + (provider.map { account in
                    [
                        [
                            "held": .number("\(account.held)"), "inFlight": JSONValue(account.inFlight),
                            "models": JSONValue(account.models),
                            "modelAccounts": .array(models.map { JSONValue(record: $0) }),
                        ]
                    ]
                } ?? []) + [["limits": .array(limits.map(LimitReport.json))]]
            return Answer(
                json: .object(fields.flatMap { $0.members ?? [] }),
                text: parts.compactMap(\.self).joined(separator: "\n\n"))
        }

        /// The accounts of a provider's models. None for those who may not read them.
        private static func models(of provider: String, _ client: FuseboxClient) throws -> [ModelAccount] {
            do throws(ClientError) { return try client.ledger.models(of: provider) } catch {
                guard case .refused(let refusal) = error, refusal.status == .notPermitted else { throw error }
                return []
            }
        }

        private static func listing(
            _ account: ScopeAccount, _ provider: ProviderAccount?, _ clock: DaemonClock
        ) -> Listing {
            let holds = provider.map { $0.held != .zero || $0.inFlight != 0 } ?? false
            return [
                "scope": "\(account.scope)",
                "spent": spent(account.usage.spend, account.usage.requests, account.usage.unpriced),
                "unpriced": Formatting.unpriced(account.usage.unpriced),
                "today": spent(account.today.spend, account.today.requests, account.today.unpriced),
                "month": spent(account.month.spend, account.month.requests, account.month.unpriced),
                "tokens": tokens(account.usage),
                "last": clock.relative(account.usage.lastRecorded),
                "held": provider.flatMap { provider in
                    holds
                        ? "\(Formatting.dollars(provider.held)), \(Quantity.count(provider.inFlight, "call")) in flight"
                        : nil
                },
            ]
        }

        /// All tokens sent and received, and which of them were of a kind of their own.
        private static func tokens(_ usage: AccountUsage) -> String {
            var sent: [String] = []
            if usage.cachedInputTokens > 0 { sent.append("\(usage.cachedInputTokens) read from a cache") }
            if usage.cacheWriteTokens > 0 { sent.append("\(usage.cacheWriteTokens) written to one") }
            let kinds = sent.isEmpty ? "" : " (\(sent.joined(separator: ", ")))"
            let reasoning = usage.reasoningTokens > 0 ? " (\(usage.reasoningTokens) reasoning)" : ""
            return "\(usage.sentTokens) in\(kinds), \(usage.receivedTokens) out\(reasoning)"
        }

        private static func spent(_ spend: Money, _ requests: Int64, _ unpriced: Int64) -> String {
            "\(Formatting.dollars(spend)) by \(Formatting.requests(requests, unpriced: unpriced))"
        }

        /// The accounts of a provider's models.
        private static func text(_ models: [ModelAccount], _ clock: DaemonClock) -> String {
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
