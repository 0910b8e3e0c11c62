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
            The fullest limit of a provider that denies stands below it, with a bar of what is used (#), held (=) and left \
            (.). UNPRICED are its requests whose cost nobody told: SPENT lacks it. LASTS is how long its limits of cost last \
            at its burn rate. Below the table stands how many calls wait for their turn, which `fusebox permits --waiting` \
            lists. `fusebox limit list` shows all limits, `fusebox latency` how long calls have taken lately. EXHAUSTED \
            is about the provider as a whole; a number of routes is that of its deployments and models with a mark or a pause \
            of their own, which `fusebox exhaustion list` shows.
            """)

    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        let waiting = Int(try client.call(Overview()).waiting)
        let entries = try client.overview().sorted { $0.name < $1.name }
        let pauses = entries.contains(where: \.isPaused) ? try client.exhaustion.pauses() : []
        let clock = try DaemonClock(of: client)
        let table = Table(
            [
                .left("NAME"), .left("STATE"), .right("SHARE"), .right("IN FLIGHT"), .left("EXHAUSTED"),
                .right("SPENT"), .nonzero("UNPRICED"), .right("HELD"), .left("LASTS"),
            ],
            rows: entries.map { Self.row($0, clock) },
            notes: entries.map { Self.notes($0, pauses, clock) })
        return Answer(
            json: [
                "entries": .array(entries.map(Self.json)), "now": JSONValue(clock.now.milliseconds),
                "waiting": JSONValue(waiting),
            ],
            text: table.fitted(ifEmpty: "There are no providers and no breakers yet.") + Self.text(waiting: waiting))
    }

    private static func text(waiting: Int) -> String {
        waiting == 0
            ? ""
            : "\n\n\(Quantity.count(waiting, "call")) \(waiting == 1 ? "waits for its turn" : "wait for their turns")"
    }

    private static func row(_ entry: Overview.Entry, _ clock: DaemonClock) -> [String] {
        [
            entry.name.text, "\(entry.state)\(narrow(entry))", Formatting.percent(entry.share), "\(entry.inFlight)",
            exhausted(entry, clock),
            Formatting.dollars(entry.spend), "\(entry.unpriced)", Formatting.dollars(entry.held),
            entry.daysRemaining.map(Formatting.days) ?? "-",
        ]
    }

    /// How many breakers of its deployments and models are not closed.
    private static func narrow(_ entry: Overview.Entry) -> String {
        entry.narrowBreakers == 0 ? "" : ", \(entry.narrowBreakers) below not closed"
    }

    /// What keeps calls away.
    private static func exhausted(_ entry: Overview.Entry, _ clock: DaemonClock) -> String {
        if entry.isPaused { return "paused" }
        if let end = entry.exhaustedUntil { return "ends \(clock.relative(end))" }
        let narrow = entry.narrowMarks + entry.narrowPauses
        return narrow == 0 ? "-" : Quantity.count(narrow, "route")
    }

    private static func notes(
        _ entry: Overview.Entry, _ pauses: [PauseEntry], _ clock: DaemonClock
    ) -> [String] {
        var notes: [String] = []
        for pause in pauses where pause.provider == entry.name && pause.deployment == nil && pause.model == nil {
            notes.append(MarkText.sentence(pause, clock))
        }
        if let fullest = entry.fullest { notes.append(LimitReport.fullest(fullest, of: entry.limits)) }
        return notes
    }

    private static func json(_ entry: Overview.Entry) -> JSONValue {
        JSONValue(record: entry).replacing("fullest", with: entry.fullest.map(LimitReport.json) ?? .null)
    }
}
