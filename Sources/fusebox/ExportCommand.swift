import ArgumentParser
import FuseboxClient
import FuseboxEngine
import FuseboxInterop
import FuseboxWire

/// Whose JSON is written or read.
enum ExchangeFormat: String, ExpressibleByArgument, CaseIterable {
    /// The snapshots of the TypeScript library of that name.
    case llmProviders = "llm-providers"
}

/// `fusebox export`
struct ExportCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print the whole state as the JSON of another library.",
        discussion: """
            One object of three snapshots: breakers, exhaustion, ledger. It is taken through a snapshot of the daemon, \
            so that all of it is of one moment. Under the profile llm-providers it brings breakers up to date, as the \
            library's `snapshot()` does. Operators only.

            EXAMPLE
              fusebox export --format llm-providers > state.json
            """)

    @Option(help: "Whose JSON.")
    var format = ExchangeFormat.llmProviders

    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        // Where looks change state, an export brings the breakers up to date by one.
        if try client.status().profile == .llmProviders { _ = try client.breakers.list() }
        let machine = try SnapshotFile.taken(by: client).file.stateMachine()
        // A snapshot in which nothing has changed since may be an old one; marks expire all the same.
        let clock = try DaemonClock(of: client)
        let state = LLMProvidersSnapshot.export(machine, at: Moment(now: clock.now, wall: clock.wall))
        return Answer(json: state, text: state.text(pretty: true))
    }
}
