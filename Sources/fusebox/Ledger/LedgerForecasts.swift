import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// The time over which a burn rate was measured.
    fileprivate static func measured(_ rate: BurnRate) -> String {
        Formatting.span(milliseconds: rate.baseMilliseconds)
    }

    /// A note about a burn rate that is unknown; nil if it is known.
    fileprivate static func note(_ rate: BurnRate) -> String? {
        guard rate.costPerDay == nil else { return note(isApproximate: rate.isApproximate) }
        let shortest = min(rate.windowMilliseconds, BurnRate.shortestBaseMilliseconds)
        guard shortest > 0 else { return "a window of 0 has no rate; give a longer --window" }
        return "the rate is shown once the history covers \(Formatting.span(milliseconds: shortest))"
    }

    /// The number of a provider's calls in a window whose cost nobody told. No rate has them.
    fileprivate static func unpricedCalls(
        _ provider: String, _ window: Duration, _ client: FuseboxClient
    ) throws(ClientError) -> Int64 {
        try client.ledger.summary(provider, window: window).unpriced
    }
}

extension LedgerCommands {
    /// `fusebox ledger burn PROVIDER`
    struct Burn: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "burn", abstract: "Show the cost of a provider per hour and day.")

        @OptionGroup var account: ProviderArgument
        @OptionGroup var history: WindowOption
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try LedgerCommands.account(account.provider, client)
            let rate = try client.ledger.burnRate(account.provider, window: history.window.duration)
            let unpriced = try unpricedCalls(account.provider, history.window.duration, client)
            return Answer(
                json: JSONValue(record: rate).adding(["unpriced": JSONValue(unpriced)]),
                text: listing(rate, unpriced).text)
        }

        private func listing(_ rate: BurnRate, _ unpriced: Int64) -> Listing {
            [
                "per hour": Formatting.rate(rate.costPerHour), "per day": Formatting.rate(rate.costPerDay),
                "window": Quantity.text(milliseconds: rate.windowMilliseconds), "measured over": measured(rate),
                "records": "\(rate.sampleCount)", "unpriced": Formatting.unpriced(unpriced), "note": note(rate),
            ]
        }
    }

    /// `fusebox ledger depletion PROVIDER`
    struct Depletion: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "depletion",
            abstract: "Show when a limit of a provider's cost will be used up at its burn rate.",
            discussion: """
                It is shown for the limit that is used up first, of those that go on for a week or more: per week, month, \
                quarter or year, until reset, and prepaid.
                """)

        @OptionGroup var account: ProviderArgument
        @OptionGroup var history: WindowOption
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try LedgerCommands.account(account.provider, client)
            let estimate = try client.ledger.depletion(account.provider, window: history.window.duration)
            let unpriced = try unpricedCalls(account.provider, history.window.duration, client)
            let clock = try DaemonClock(of: client)
            return Answer(
                json: ["estimate": estimate.map(LimitReport.json) ?? .null, "unpriced": JSONValue(unpriced)],
                text: estimate.map { listing($0, unpriced, clock).text }
                    ?? Table.printable("\(account.provider) has no limit of cost that goes on for a week or more"))
        }

        private func listing(_ estimate: DepletionEstimate, _ unpriced: Int64, _ clock: DaemonClock) -> Listing {
            [
                "limit": "\(estimate.limit)",
                "left": Formatting.dollars(estimate.remaining),
                "burn": estimate.burnRate.costPerDay.map { "\(Formatting.dollars($0)) a day" } ?? "-",
                "measured over": measured(estimate.burnRate),
                "lasts": lasts(estimate),
                "used up": usedUp(estimate, clock),
                "unpriced": Formatting.unpriced(unpriced),
                "note": note(estimate.burnRate),
            ]
        }

        private func lasts(_ estimate: DepletionEstimate) -> String {
            if let days = estimate.daysRemaining { return Formatting.days(days) }
            return switch estimate.burnRate.costPerDay {
            case nil: "not known yet"
            case let cost? where cost > 0: "longer than its window"
            default: "nothing is being spent"
            }
        }

        /// The date at which the limit is used up; nil if it is beyond a year, which is too uncertain to be shown.
        private func usedUp(_ estimate: DepletionEstimate, _ clock: DaemonClock) -> String? {
            guard let days = estimate.daysRemaining, days > 0, days <= 366 else { return nil }
            return estimate.depletesAt.map { clock.date($0) }
        }
    }

    /// `fusebox ledger summary [PROVIDER]`
    struct Summary: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "summary", abstract: "Show the cost of one provider, or of each provider, within a window.")

        @Argument(help: "The provider. (default: all that have a history)", completion: KnownNames.providers)
        var provider: String?

        @OptionGroup var history: WindowOption
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let window = history.window.duration
            if let provider { try LedgerCommands.account(provider, client) }
            let summaries =
                try provider.map { [try client.ledger.summary($0, window: window)] }
                ?? client.ledger.summaries(window: window).sorted { $0.provider < $1.provider }
            let table = Table(
                [.left("PROVIDER"), .right("SPENT"), .right("REQUESTS"), .nonzero("UNPRICED"), .left("NOTE")],
                rows: summaries.map { summary in
                    [
                        summary.provider.text, Formatting.dollars(summary.spend), "\(summary.requests)",
                        "\(summary.unpriced)", note(isApproximate: summary.isApproximate) ?? "",
                    ]
                })
            return Answer(
                json: ["summaries": .array(summaries.map { JSONValue(record: $0) })],
                text: table.text(ifEmpty: "No provider has a history."))
        }
    }
}
