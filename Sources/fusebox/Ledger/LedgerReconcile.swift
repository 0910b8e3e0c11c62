import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger reconcile PROVIDER --month 2026-10 --billed 123.45`
    struct Reconcile: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "reconcile",
            abstract:
                "Compare a provider's bill for a month with the ledger, and record the difference. Operators only.",
            discussion: """
                What was billed less what the ledger has of the month becomes a record of that month's history, with its \
                reason, and part of the accounts of the provider and the host. Limits count it if the month is the present \
                one, and otherwise not. The same bill once more records nothing. Months are those of UTC; the history keeps \
                13 of them.

                EXAMPLE
                  fusebox ledger reconcile openai --month 2026-10 --billed 123.45 --reason 'invoice 4711'
                """)

        @OptionGroup var name: ProviderArgument

        @Option(
            parsing: .unconditional, help: ArgumentHelp("The month of the bill: 2026-10.", valueName: "date"),
            transform: MonthArgument.init)
        var month: MonthArgument

        @Option(
            parsing: .unconditional, help: ArgumentHelp("The dollars that were billed.", valueName: "amount"),
            transform: MoneyArgument.bill)
        var billed: MoneyArgument

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Why the sums differ: the history and events tell it. (default: 'bill of DATE')", valueName: "text"),
            transform: Adjust.reason)
        var reason: String?

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let why = reason ?? "bill of \(month)"
            let scope = FuseboxClient.Scope(provider: try Self.name(name.provider))
            let reply = try client.withAccounts(of: scope) { () throws(ClientError) in
                try client.ledger.reconcile(
                    name.provider, year: month.year, month: month.month, billed: billed.money, reason: why)
            }
            return Answer(
                json: [
                    "provider": .string(name.provider), "month": .string("\(month)"),
                    "recorded": .number("\(reply.recorded)"), "unpriced": JSONValue(reply.unpriced),
                    "billed": .number("\(billed.money)"),
                    "difference": .number("\(reply.difference)"), "reason": .string(why),
                    "countsInLimits": JSONValue(reply.isCurrent && reply.difference != .zero),
                    "account": reply.account.map { JSONValue(record: $0) } ?? .null,
                ],
                text: TerminalText.wrapped(sentences(reply, why)).joined(separator: "\n"))
        }

        private static func name(_ text: String) throws(Failure) -> Name {
            do throws(Refusal) { return try Name(text) } catch { throw Failure(.usage, error.message) }
        }

        private func sentences(_ reply: FuseboxClient.Reconciliation, _ why: String) -> String {
            let recorded =
                "\(Formatting.dollars(reply.recorded)) recorded\(Formatting.without(unpriced: reply.unpriced))"
            let sums =
                "\(name.provider.printable) in \(month): \(recorded), \(Formatting.dollars(billed.money)) billed"
            guard reply.difference != .zero else { return "\(sums); there is nothing to record" }
            let change =
                reply.difference < .zero
                ? "\(Formatting.dollars(Money(nanodollars: -reply.difference.nanodollars))) taken back"
                : "\(Formatting.dollars(reply.difference)) added"
            let windows = reply.isCurrent ? "limits count it" : "limits do not count it, because the month is over"
            return "\(sums); \(change): \(why.printable); \(windows)"
        }
    }
}

/// A month on the command line, in UTC.
struct MonthArgument: CustomStringConvertible {
    let year: Int
    let month: Int

    /// Reads a month: `2026-10`.
    init(_ text: String) throws {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 4, parts[1].count == 2, let year = Int(parts[0]),
            let month = Int(parts[1]), (1970...9999).contains(year), (1...12).contains(month)
        else { throw ValidationError("give a month, such as 2026-10") }
        self.year = year
        self.month = month
    }

    var description: String { "\(year)-\(month < 10 ? "0" : "")\(month)" }
}
