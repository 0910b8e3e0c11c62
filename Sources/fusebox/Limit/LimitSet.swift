import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LimitCommands {
    /// `fusebox limit set SCOPE LIMIT…`
    struct Set: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Set limits on a scope, all or none.",
            discussion: """
                A limit of the same dimension and window is changed and keeps what was used of it. Others stay: $5 per day and \
                $50 per month stand side by side. A new limit counts what its window has used before, as far as that is known, \
                and sees calls in flight.

                EXAMPLES
                  fusebox limit set --provider openai '$50 per month' '600 requests per minute'
                  fusebox limit set --provider openai --model gpt-4o '$5 per day'
                  fusebox limit set --tag 'user:*' '$1 per day' '2 in flight'
                  fusebox limit set --host '$100 per day' --notify --thresholds 50,80,95
                """)

        @OptionGroup var scope: ScopeOptions

        @Flag(help: "Deny nothing: send the events of the thresholds only.")
        var notify = false

        @Flag(help: "Deny nothing: count the calls that would have been denied, beside a limit that denies.")
        var shadow = false

        @Option(
            help: ArgumentHelp(
                "What becomes of the estimate of a call that was never settled: charge or release. (default: charge for cost, else release)",
                valueName: "rule"))
        var onLapse: LapseRule?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Where events tell how full it is: one to three ascending percentages, or none. (default: 80,90,95 for cost and for windows of a day and more, else none)",
                valueName: "percentages"),
            transform: ThresholdsArgument.read)
        var thresholds: ThresholdsArgument?

        @Flag(help: "Do not count tokens that were read from a cache, in a limit of tokens or input tokens.")
        var skipCacheReads = false

        @Argument(help: "The limits, such as '$50 per month' or '600 requests per minute'. Quote each of them.")
        var limits: [String]

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard !notify || !shadow else { throw ValidationError("give --notify or --shadow, not both") }
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            let scope = try scope.required
            let mode: LimitMode = notify ? .notify : shadow ? .shadow : .deny
            let limits = try limits.map { text in
                let limit = try LimitArgument.limit(text)
                return Limit(
                    limit.dimension, limit.amount, limit.window, mode: mode, onLapse: onLapse,
                    // Calls in flight are never used up: they only hold.
                    thresholds: limit.dimension == .inFlight ? nil : thresholds?.thresholds,
                    skipsCacheReads: skipCacheReads)
            }
            guard thresholds == nil || limits.contains(where: { $0.dimension != .inFlight }) else {
                throw Failure(.usage, "--thresholds: a limit of calls in flight has none")
            }
            let changes = try client.limits.set(limits, on: scope)
            return Answer(
                json: [
                    "changes": .array(
                        changes.map { change in
                            [
                                "before": change.before.map(LimitReport.json) ?? .null,
                                "entry": LimitReport.json(change.entry),
                            ]
                        })
                ],
                text: changes.map(Self.line).joined(separator: "\n"))
        }

        private static func line(_ change: LimitChange) -> String {
            let now = "\(change.entry.scope): \(change.entry.limit)"
            let mode = change.entry.limit.mode == .deny ? "" : ", \(change.entry.limit.mode) only"
            let before =
                switch change.before {
                case nil: "new"
                case let before? where before == change.entry.limit: "unchanged"
                case let before?: "was \(before)\(differences(before, change.entry.limit))"
                }
            let used = LimitReport.isTemplate(change.entry.scope) ? "" : "; \(LimitReport.sentence(change.entry))"
            let thresholds = LimitReport.thresholds(change.entry.limit).map { "; \($0)" } ?? ""
            return Table.printable("\(now)\(mode) (\(before))\(used)\(thresholds)")
        }

        /// What a limit was before beside its amount, where it is another now.
        private static func differences(_ before: Limit, _ now: Limit) -> String {
            let differences = [
                before.mode == now.mode ? nil : "\(before.mode)",
                before.onLapse == now.onLapse || before.mode != now.mode ? nil : "\(before.onLapse) on lapse",
                before.thresholds == now.thresholds
                    ? nil : LimitReport.thresholds(before) ?? "the usual thresholds",
                before.skipsCacheReads == now.skipsCacheReads
                    ? nil : before.skipsCacheReads ? "without cache reads" : "with cache reads",
            ]
            return differences.compactMap { $0.map { ", \($0)" } }.joined()
        }
    }

    /// `fusebox limit raise SCOPE LIMIT --for TIME`
    struct Raise: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "raise", abstract: "Raise a limit for a while. It goes back by itself.",
            discussion: """
                EXAMPLES
                  fusebox limit raise --provider openai '$80 per month' --for 2h
                  fusebox limit raise --tag team:search '900 requests per minute' --until 2026-12-24T18:00:00Z
                """)

        @OptionGroup var scope: ScopeOptions

        @Argument(help: "The limit with the amount that holds meanwhile, such as '$80 per month'.")
        var limit: String

        @Option(
            name: .customLong("for"), parsing: .unconditional,
            help: ArgumentHelp("How long, \(durationHelp). (default: --until says it)", valueName: "time"),
            transform: DurationArgument.within(ValueRanges.raise))
        var duration: DurationArgument?

        @Option(
            help: ArgumentHelp(
                "Until when: a date of RFC 3339, or seconds since 1970. (default: --for says it)", valueName: "moment"))
        var until: String?

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard (duration == nil) != (until == nil) else {
                throw ValidationError(
                    duration == nil ? "how long? give --for or --until" : "give --for or --until, not both")
            }
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            let scope = try scope.required
            let limit = try LimitArgument.limit(limit)
            let entry: LimitEntry
            if let duration {
                entry = try client.withLimits(of: scope) { () throws(ClientError) in
                    try client.limits.raise(limit, on: scope, for: duration.duration)
                }
            } else {
                let moment = try moment(at: try DaemonClock(of: client).wall)
                entry = try client.withLimits(of: scope) { () throws(ClientError) in
                    try client.limits.raise(limit, on: scope, until: moment)
                }
            }
            let span = Formatting.span(milliseconds: entry.raisedMilliseconds ?? 0)
            var raised = entry.limit
            raised.amount = entry.amount
            return Answer(
                json: ["entry": LimitReport.json(entry)],
                text: Table.printable("\(scope): \(raised) for \(span), then \(entry.limit) again"))
        }

        private func moment(at wall: Timestamp) throws -> Timestamp {
            guard let until, let milliseconds = RetryTime.milliseconds(until, at: wall), milliseconds > 0 else {
                throw Failure(
                    .usage, "--until: give a moment to come, such as 2026-12-24T18:00:00Z, or seconds since 1970")
            }
            return wall + milliseconds
        }
    }

    /// `fusebox limit top-up SCOPE AMOUNT`
    struct TopUp: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "top-up", abstract: "Add to the amount of a prepaid limit. What was used of it stays.",
            discussion: """
                EXAMPLES
                  fusebox limit top-up --tag team:search '$50'
                  fusebox limit top-up --provider openai '1M tokens'
                """)

        @OptionGroup var scope: ScopeOptions

        @Argument(help: "What is added, such as '$50' or '1000 requests'.")
        var amount: String

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let scope = try scope.required
            let isWindowTold = amount.contains("prepaid") || amount.contains("pre-paid")
            let limit = try LimitArgument.limit(isWindowTold ? amount : "\(amount) prepaid")
            let entry = try client.withLimits(of: scope) { () throws(ClientError) in
                try client.limits.topUp(limit, on: scope)
            }
            return Answer(
                json: ["entry": LimitReport.json(entry)],
                text: Table.printable(
                    "\(scope): \(limit.dimension.text(of: limit.amount)) more, \(entry.limit) now; \(LimitReport.sentence(entry))"
                ))
        }
    }

    /// `fusebox limit remove SCOPE [LIMIT…|--all]`
    struct Remove: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Remove limits from a scope. Calls in flight go on.",
            discussion: """
                EXAMPLES
                  fusebox limit remove --provider openai 'requests per minute'
                  fusebox limit remove --tag 'user:*' --all
                """)

        @OptionGroup var scope: ScopeOptions

        @Flag(help: "Remove every limit of the scope.")
        var all = false

        @Argument(
            help:
                "The limits. Their amounts may be left out: 'requests per minute', 'cost per day'. (default: none; see --all)"
        )
        var limits: [String] = []

        @Flag(help: "Remove limits that were set with --shadow.")
        var shadow = false

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard all == limits.isEmpty else {
                throw ValidationError(
                    all ? "give the limits or --all, not both" : "which limits? name them, or give --all")
            }
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            let scope = try scope.required
            let named = try limits.map { text in
                var limit = try LimitArgument.identity(text)
                if shadow { limit.mode = .shadow }
                return limit
            }
            let removed = try client.withLimits(of: scope) { () throws(ClientError) in
                try client.limits.remove(all ? nil : named, from: scope)
            }
            return Answer(
                json: ["removed": .array(removed.map(LimitReport.json))],
                text: removed.map { Table.printable("\($0.scope): \($0.limit)\(LimitReport.mode($0.limit)) removed") }
                    .joined(separator: "\n"))
        }
    }

    /// `fusebox limit list [SCOPE]`
    struct List: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show limits with what is used (#), held (=) and left (.) of them.",
            discussion: """
                Of a tag, the limits that a template gives it are shown too. Of a template, those of each tag that has used it. \
                FULL is what is used or held. Thresholds are told where they are not the usual ones.
                """)

        @OptionGroup var scope: ScopeOptions
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let scope = try scope.scope
            let entries = try client.limits.list(scope)
            let none = scope.map { "No limit is set on \($0)." } ?? "No limit is set."
            return Answer(
                json: ["limits": .array(entries.map(LimitReport.json))],
                text: LimitReport.table(entries, ifEmpty: Table.printable(none)))
        }
    }
}

extension LapseRule: ExpressibleByArgument {}
extension LapseRule: NamedArgument {}
