import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox overview`
struct OverviewCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "overview",
        abstract: "Show every provider and breaker: share, exhaustion, spend and rate windows.")

    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        let entries = try client.overview().sorted { $0.name < $1.name }
        let clock = try DaemonClock(of: client)
        let table = Table(
            [
                .left("NAME"), .left("STATE"), .right("SHARE"), .right("IN FLIGHT"), .left("EXHAUSTED"),
                .right("SPEND"), .right("HELD"), .right("BUDGET"), .right("USED"), .right("LASTS"), .right("RPM"),
                .right("RPD"), .right("TPM"), .right("TPD"),
            ],
            rows: entries.map { Self.row($0, clock) })
        return Answer(
            json: ["entries": .array(entries.map { JSONValue(record: $0) }), "now": JSONValue(clock.now.milliseconds)],
            text: table.text(ifEmpty: "There are no providers and no breakers yet."))
    }

    private static func row(_ entry: Overview.Entry, _ clock: DaemonClock) -> [String] {
        [
            entry.name.text, "\(entry.state)", Formatting.percent(entry.share), "\(entry.inFlight)",
            entry.exhaustedUntil.map { "ends \(clock.relative($0))" } ?? "-",
            Formatting.dollars(entry.spend), Formatting.dollars(entry.held),
            entry.budget.map { Formatting.dollars($0) } ?? "-",
            entry.budget == nil ? "-" : Formatting.percent(entry.utilization),
            entry.daysRemaining.map(Formatting.days) ?? "-",
            Formatting.window(entry.rpm), Formatting.window(entry.rpd), Formatting.window(entry.tpm),
            Formatting.window(entry.tpd),
        ]
    }
}
