import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox overview`
struct OverviewCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "overview",
        abstract: "Show every provider and breaker: share, exhaustion, spend and limits.",
        discussion: """
            The fullest limit of a provider that denies stands below it, with a bar of what is used (#), held (=) and left (.). LASTS is \
            how long its limits of cost last at its burn rate. `fusebox limit list` shows all limits, \
            `fusebox latency` how long calls have taken lately.
            """)

    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        let entries = try client.overview().sorted { $0.name < $1.name }
        let clock = try DaemonClock(of: client)
        let table = Table(
            [
                .left("NAME"), .left("STATE"), .right("SHARE"), .right("IN FLIGHT"), .left("EXHAUSTED"),
                .right("SPENT"), .right("HELD"), .left("LASTS"),
            ],
            rows: entries.map { Self.row($0, clock) },
            notes: entries.map { entry in entry.fullest.map { [LimitReport.fullest($0, of: entry.limits)] } ?? [] })
        return Answer(
            json: ["entries": .array(entries.map(Self.json)), "now": JSONValue(clock.now.milliseconds)],
            text: table.fitted(ifEmpty: "There are no providers and no breakers yet."))
    }

    private static func row(_ entry: Overview.Entry, _ clock: DaemonClock) -> [String] {
        [
            entry.name.text, "\(entry.state)", Formatting.percent(entry.share), "\(entry.inFlight)",
            entry.exhaustedUntil.map { "ends \(clock.relative($0))" } ?? "-",
            Formatting.dollars(entry.spend), Formatting.dollars(entry.held),
            entry.daysRemaining.map(Formatting.days) ?? "-",
        ]
    }

    private static func json(_ entry: Overview.Entry) -> JSONValue {
        JSONValue(record: entry).replacing("fullest", with: entry.fullest.map(LimitReport.json) ?? .null)
    }
}
