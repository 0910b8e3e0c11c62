import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension PermitsCommands {
    /// `fusebox permits list`
    struct List: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show the permits in force, and the totals of all permits.",
            discussion:
                "A permit whose worker has died may stay in force until it expires, because of what it holds. It is not in flight."
        )

        @Flag(help: "Show the calls that wait for their turn instead.")
        var waiting = false

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            if waiting { return WaitingTable.answer(try client.admission.waiting(), try DaemonClock(of: client)) }
            let overview = try client.admission.permits()
            let clock = try DaemonClock(of: client)
            let table = Table(
                [
                    .right("PERMIT"), .left("ROUTE"), .left("TAGS"), .right("COST"), .right("TOKENS"),
                    .left("IN FLIGHT"), .left("GRANTED"), .left("ENDS"), .right("USER"), .left("WORKER"),
                ],
                rows: overview.permits.map { Self.row($0, clock) })
            return Answer(
                json: [
                    "permits": .array(overview.permits.map { JSONValue(record: $0) }),
                    "totals": JSONValue(record: overview.totals), "now": JSONValue(overview.now.milliseconds),
                ],
                text: table.text(ifEmpty: "No permit is in force.") + "\n\n" + PermitsCommands.sentence(overview.totals)
            )
        }

        private static func row(_ entry: PermitEntry, _ clock: DaemonClock) -> [String] {
            [
                "\(entry.permit)",
                Candidate(provider: entry.provider, deployment: entry.deployment, model: entry.model).route,
                // The daemon's own tag, `uid:N`, says what the column USER says.
                entry.tags.filter { !TagText.isOfUser($0) }.map(\.text).joined(separator: " "),
                entry.estimate.cost.map { Formatting.dollars($0) } ?? "-", tokens(entry.estimate),
                entry.isInFlight ? "yes" : "no", clock.relative(entry.grantedAt), clock.relative(entry.expiresAt),
                "\(entry.user)",
                // The first digits are enough to tell workers apart. JSON has all of them.
                String(Formatting.epoch(entry.worker.high).prefix(8)),
            ]
        }
    }
}

extension PermitsCommands.List {
    private static func tokens(_ estimate: Estimate) -> String {
        let isKnown = estimate.tokens != nil || estimate.inputTokens != nil || estimate.outputTokens != nil
        return isKnown ? "\(estimate.allTokens)" : "-"
    }
}

extension PermitsCommands {
    /// The totals of all permits, as a sentence.
    static func sentence(_ totals: PermitTotals) -> String {
        let late = totals.settledLate == 0 ? "" : " (\(totals.settledLate) settled late)"
        let revoked = totals.revoked == 0 ? "" : ", \(totals.revoked) revoked"
        return
            "\(Quantity.count(totals.granted, "permit")) granted: \(totals.settled) settled, \(totals.expired) expired, "
            + "\(totals.reclaimed) reclaimed\(revoked)\(late), \(totals.outstanding) in force, "
            + "\(Formatting.dollars(totals.held)) held"
    }
}
