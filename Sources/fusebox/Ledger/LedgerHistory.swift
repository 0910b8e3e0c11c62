import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire
import Glibc

extension LedgerCommands {
    /// What the rows of the history are.
    enum HistoryRows: String, CaseIterable, ExpressibleByArgument {
        case day, provider, deployment, model, tag
    }

    /// `fusebox ledger history [SCOPE]`
    struct History: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "history",
            abstract:
                "Show what was used on each day, or by each provider, deployment, model or tag in a span of days.",
            discussion: """
                Days are those of UTC. Days that are over are kept for 13 months, in a file a month; today is part of the \
                answer while it lasts. What could not be written or read is told after the table. Tags have no total, because \
                a call counts under each of its tags. UNPRICED are the requests whose cost nobody told: SPENT lacks it. For \
                readers.

                EXAMPLES
                  fusebox ledger history --tag team:search --since 2026-05 --until 2026-05
                  fusebox ledger history openai --by model --since 2026-05-01
                  fusebox ledger history --by tag --since 2026-05 --csv
                """)

        @OptionGroup var account: AccountScope

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "A row for each day, provider, deployment, model or tag. (default: day)", valueName: "what"))
        var by = HistoryRows.day

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "The first day, or the first day of a month: 2026-05-01, 2026-05. (default: 30 days before the last)",
                valueName: "date"), transform: DayArgument.first)
        var since: DayArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "The last day, or the last day of a month: 2026-05-31, 2026-05. (default: today)", valueName: "date"),
            transform: DayArgument.last)
        var until: DayArgument?

        @Flag(
            help:
                "Print comma-separated values, with exact dollars and the kinds of tokens. A name that a spreadsheet would compute gets an apostrophe in front."
        )
        var csv = false

        @OptionGroup var connection: DiskConnectionOptions

        func validate() throws {
            if csv, connection.json { throw ValidationError("--csv and --json do not go together") }
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            let (kind, scope) = try accounts()
            let clock = try client.ping()
            let today = clock.wall.milliseconds.floorDivided(by: DayArgument.milliseconds)
            let last = until?.day ?? today
            let first = since?.day ?? last - 30
            guard first <= last else { throw Failure(.usage, "the last day is before the first") }
            var report = HistoryReport(by, kind, scope, days: first...last)
            try report.read(from: client)
            if csv {
                report.warn()
                return Answer(json: [:], text: report.csv)
            }
            return Answer(json: report.json, text: report.text)
        }

        /// The accounts whose use is told, and what their scopes name.
        private func accounts() throws -> (FuseboxClient.AccountKind, Scope) {
            let scope = try account.scope ?? .host
            guard scope.tag == nil || scope.provider == nil, scope.deployment == nil || scope.model == nil else {
                throw Failure(
                    .usage, "\(scope) has no account: a tag has one, and so has each provider, deployment and model")
            }
            let kind: FuseboxClient.AccountKind
            switch by {
            case .day:
                kind = ListedKind(scope)?.accounts ?? .host
                return (kind, scope)
            case .provider: kind = .provider
            case .deployment: kind = .deployment
            case .model: kind = .model
            case .tag: kind = .tag
            }
            let own = ListedKind(scope)?.accounts
            let isWithin =
                switch (kind, own) {
                case (_, nil), (.deployment, .provider), (.model, .provider): true
                default: kind == own
                }
            guard isWithin else {
                throw Failure(
                    .usage,
                    "accounts know no \(by.rawValue) of \(scope): without a scope --by goes over all accounts of a kind, and with a provider over its deployments or models"
                )
            }
            return (kind, scope)
        }
    }
}

/// A day on the command line, in UTC.
struct DayArgument {
    static let milliseconds: Int64 = 86_400_000
    /// In days since 1970-01-01.
    var day: Int64

    /// Reads a date, or a month as its first day.
    static func first(_ text: String) throws -> DayArgument { try DayArgument(text, isLast: false) }

    /// Reads a date, or a month as its last day.
    static func last(_ text: String) throws -> DayArgument { try DayArgument(text, isLast: true) }

    private init(_ text: String, isLast: Bool) throws {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { $0.count <= 4 ? Int64($0) : nil }
        guard parts.count == 2 || parts.count == 3, let year = parts[0], (1970...9999).contains(year),
            let month = parts[1], (1...12).contains(month)
        else { throw ValidationError(Self.forms) }
        if parts.count == 2 {
            let date = CivilDate(monthNumber: (year - 1970) * 12 + month - 1, day: isLast ? 31 : 1)
            day = date.dayNumber
            return
        }
        guard let dayOfMonth = parts[2] else { throw ValidationError(Self.forms) }
        let date = CivilDate(year: year, month: month, day: dayOfMonth)
        guard date.isValid else { throw ValidationError("the calendar has no \(text)") }
        day = date.dayNumber
    }

    private static let forms = "give a date, such as 2026-05-01, or a month, such as 2026-05"

    /// A day as text: `2026-05-01`.
    static func text(_ day: Int64) -> String {
        let date = CivilDate(dayNumber: day)
        return [date.year, date.month, date.day].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: "-")
    }
}
