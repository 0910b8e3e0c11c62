import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger adjust SCOPE --cost=-1.23 --reason TEXT`
    struct Adjust: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "adjust",
            abstract: "Correct what was spent, in the accounts and limits that contain a scope. Operators only.",
            discussion: """
                It counts as a call by the scope would: a correction of a model is one of its provider and of the host too. A \
                negative amount is taken back, from the newest use backwards, and limits that were used up admit calls again. \
                The accounts of the host's users (uid:N) stay as they are, unless --tag names one.

                EXAMPLES
                  fusebox ledger adjust openai --model gpt-4o --cost=-1.23 --reason 'credit note of May'
                  fusebox ledger adjust --tag team:search --cost '$5' --reason 'calls of the old gateway'
                """)

        @OptionGroup var account: AccountScope

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "The dollars that are added; a negative amount, as in --cost=-1.23, is taken back.",
                valueName: "amount"),
            transform: MoneyArgument.correction)
        var cost: MoneyArgument

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Why: events tell it, and the journal keeps it.", valueName: "text"),
            transform: Self.reason)
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        static func reason(_ text: String) throws -> String {
            guard (1...WireLimits.textLength).contains(text.utf8.count) else {
                throw ValidationError("give the reason in 1 to \(WireLimits.textLength) bytes")
            }
            return text
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            guard let scope = try account.scope else {
                throw Failure(.usage, "whose account? give a provider, --tag or --host")
            }
            try client.withAccounts(of: scope) { () throws(ClientError) in
                _ = try client.ledger.adjust(scope, cost: cost.money, reason: reason)
            }
            let accounts = try Self.accounts(containing: scope).compactMap { try client.ledger.account($0) }
            let limits = try Self.scopes(containing: scope).flatMap { try client.limits.list($0) }
                .filter { $0.limit.dimension == .cost }
            let clock = try DaemonClock(of: client)
            let table = Table(
                [.left("ACCOUNT")] + spendColumns, rows: accounts.map { ["\($0.scope)"] + cells($0, clock) })
            return Answer(
                json: [
                    "scope": LimitReport.json(scope), "cost": .number("\(cost.money)"), "reason": .string(reason),
                    "accounts": .array(accounts.map { JSONValue(record: $0) }),
                    "limits": .array(limits.map(LimitReport.json)),
                ],
                text: ([sentence(scope), table.fitted(ifEmpty: "")]
                    + (limits.isEmpty ? [] : [LimitReport.table(limits, ifEmpty: "")])).joined(separator: "\n\n"))
        }

        private func sentence(_ scope: Scope) -> String {
            let amount = Formatting.dollars(
                cost.money < .zero ? Money(nanodollars: -cost.money.nanodollars) : cost.money)
            let change = cost.money < .zero ? "\(amount) taken back from" : "\(amount) added to"
            return TerminalText.wrapped("\(change) \(scope): \(reason.printable)").joined(separator: "\n")
        }

        // MARK: What contains a scope

        /// The scopes with an account that a call by a scope counts in, from the scope itself up to the host.
        static func accounts(containing scope: Scope) -> [Scope] {
            var accounts: [Scope] = []
            if let tag = scope.tag { accounts.append(Scope(tag: tag)) }
            if let provider = scope.provider {
                if let model = scope.model { accounts.append(Scope(provider: provider, model: model)) }
                if let deployment = scope.deployment {
                    accounts.append(Scope(provider: provider, deployment: deployment))
                }
                accounts.append(Scope(provider: provider))
            }
            return accounts + [.host]
        }

        /// The scopes whose limits cover a call by a scope.
        static func scopes(containing scope: Scope) -> [Scope] {
            let parts = accounts(containing: scope)
            var scopes = parts.contains(scope) ? parts : [scope] + parts
            guard let tag = scope.tag, let provider = scope.provider, scope.model != nil else { return scopes }
            scopes.insert(Scope(provider: provider, tag: tag), at: 1)
            return scopes
        }
    }
}

extension FuseboxClient {
    /// Runs a request about accounts that must exist. If one does not, the failure suggests a similar scope.
    func withAccounts<Result>(
        of scope: FuseboxClient.Scope, _ request: () throws(ClientError) -> Result
    ) throws -> Result {
        do throws(ClientError) { return try request() } catch {
            guard case .refused(let refusal) = error, refusal.status == .notFound else { throw error }
            let missing = try LedgerCommands.Adjust.accounts(containing: scope).last { try ledger.account($0) == nil }
            let kind = missing.flatMap(LedgerCommands.ListedKind.init) ?? .providers
            throw Failure.unknown(
                "\(missing ?? scope)", refusal.message,
                among: try ledger.accounts(kind.accounts).map { "\($0.scope)" },
                otherwise: "`fusebox ledger list \(kind.rawValue)` lists those that have an account")
        }
    }
}
