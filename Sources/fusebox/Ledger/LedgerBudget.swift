import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger budget`
    struct BudgetCommands: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "budget", abstract: "Budgets and rate limits. Changing them is for operators only.",
            subcommands: [List.self, Set.self, Remove.self])

        /// The arguments that name the account of a budget.
        struct AccountArguments: ParsableArguments {
            @Argument(help: "The provider.")
            var provider: String

            @Argument(help: "A model. (default: the provider as a whole)")
            var model: String?
        }
    }
}

extension LedgerCommands.BudgetCommands {
    /// `fusebox ledger budget list`
    struct List: DaemonCommand {
        static let configuration = CommandConfiguration(abstract: "Show all budgets and rate limits.")

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let budgets = try client.ledger.budgets().sorted { left, right in
                left.provider == right.provider
                    ? (left.model?.text ?? "") < (right.model?.text ?? "") : left.provider < right.provider
            }
            let table = Table(
                [
                    .left("PROVIDER"), .left("MODEL"), .right("MONTHLY"), .left("ENFORCED"), .right("RPM"),
                    .right("RPD"), .right("TPM"), .right("TPD"),
                ],
                rows: budgets.map { budget in
                    [
                        budget.provider.text, budget.model?.text ?? "-",
                        budget.monthly.map { Formatting.dollars($0) } ?? "-",
                        budget.monthly == nil ? "-" : budget.isEnforced ? "yes" : "no",
                    ]
                        + RateDimension.allCases.map { budget[$0].map(String.init) ?? "-" }
                })
            return Answer(
                json: ["budgets": .array(budgets.map { JSONValue(record: $0) })],
                text: table.text(ifEmpty: "No budget is set."))
        }
    }

    /// `fusebox ledger budget set PROVIDER [MODEL]`
    struct Set: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a budget and rate limits. Options that are not given keep their values.",
            discussion: """
                Rate limits always apply to the provider as a whole. Every budget sends events. An enforced budget also \
                denies calls: what is spent, what calls in flight hold and the estimate of the call must not exceed it.

                EXAMPLES
                  fusebox ledger budget set openai --monthly 50 --rpm 60 --tpd 2000000
                  fusebox ledger budget set openai --enforce
                """)

        @OptionGroup var account: AccountArguments

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Budget per period. (default: unchanged)", valueName: "dollars"),
            transform: MoneyArgument.amount)
        var monthly: MoneyArgument?

        @Flag(
            inversion: .prefixedNo,
            help:
                "Whether calls beyond the budget are denied. (default: unchanged; --no-enforce for a new budget)"
        )
        var enforce: Bool?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Requests per minute. (default: unchanged)", valueName: "count"),
            transform: NumberArgument.amount)
        var rpm: Int?

        @Option(
            parsing: .unconditional, help: ArgumentHelp("Requests per day. (default: unchanged)", valueName: "count"),
            transform: NumberArgument.amount)
        var rpd: Int?

        @Option(
            parsing: .unconditional, help: ArgumentHelp("Tokens per minute. (default: unchanged)", valueName: "count"),
            transform: NumberArgument.amount)
        var tpm: Int?

        @Option(
            parsing: .unconditional, help: ArgumentHelp("Tokens per day. (default: unchanged)", valueName: "count"),
            transform: NumberArgument.amount)
        var tpd: Int?

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard monthly != nil || enforce != nil || [rpm, rpd, tpm, tpd].contains(where: { $0 != nil }) else {
                throw ValidationError("nothing to set; give --monthly, --enforce, --rpm, --rpd, --tpm or --tpd")
            }
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            let (monthly, isEnforced) = try amount(client)
            try client.ledger.setBudget(
                account.provider, model: account.model, monthly: monthly, rpm: rpm, rpd: rpd, tpm: tpm, tpd: tpd,
                enforced: isEnforced)
            return .done
        }

        /// The amount of the budget and whether it is enforced. The daemon sets both together, so an option that was
        /// not given is replaced by the present value.
        private func amount(_ client: FuseboxClient) throws -> (monthly: Money?, isEnforced: Bool) {
            guard monthly != nil || enforce != nil else { return (nil, false) }
            let present = try client.ledger.budgets().first { budget in
                budget.provider.text == account.provider && budget.model?.text == account.model
            }
            guard let monthly = monthly?.money ?? present?.monthly else {
                throw Failure(.usage, "there is no budget to enforce; set its amount with --monthly")
            }
            return (monthly, enforce ?? present?.isEnforced ?? false)
        }
    }

    /// `fusebox ledger budget remove PROVIDER [MODEL]`
    struct Remove: DaemonCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a budget. Rate limits stay.")

        @OptionGroup var account: AccountArguments
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            do throws(ClientError) {
                try client.ledger.removeBudget(account.provider, model: account.model, mustExist: true)
            } catch {
                guard case .refused(let refusal) = error, refusal.status == .notFound else { throw error }
                let budgets = (try? client.ledger.budgets()) ?? []
                throw Failure.unknown(
                    Self.spelled(account.provider, account.model), refusal.message,
                    among: budgets.map { Self.spelled($0.provider.text, $0.model?.text) },
                    otherwise: "`fusebox ledger budget list` lists the budgets")
            }
            return .done
        }

        private static func spelled(_ provider: String, _ model: String?) -> String {
            provider + (model.map { "/\($0)" } ?? "")
        }
    }
}
