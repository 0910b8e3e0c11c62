import ArgumentParser
import FuseboxClient
import FuseboxEngine
import FuseboxInterop
import FuseboxWire

/// The format of exported and imported JSON.
enum ExchangeFormat: String, ExpressibleByArgument, CaseIterable {
    /// The snapshots of the TypeScript library of that name.
    case llmProviders = "llm-providers"
}

/// `fusebox export`
struct ExportCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print the whole state as JSON of another library.",
        discussion: """
            The output is one object with three snapshots: breakers, exhaustion, ledger. The daemon takes a snapshot for it, \
            so all parts are of the same time. Under the profile llm-providers the decay of all breakers is applied, as the \
            library's `snapshot()` does. Operators only.

            EXAMPLE
              fusebox export --format llm-providers > state.json
            """)

    @Option(help: "The format.")
    var format = ExchangeFormat.llmProviders

    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        // Under a profile whose reads change state, an export reads all breakers first.
        if try client.status().profile == .llmProviders { _ = try client.breakers.list() }
        let machine = try SnapshotFile.taken(by: client).file.stateMachine()
        // If nothing has changed, the daemon may return an older snapshot. Marks may have expired since.
        let clock = try DaemonClock(of: client)
        let state = LLMProvidersSnapshot.export(machine, at: Moment(now: clock.now, wall: clock.wall))
        return Answer(json: state, text: state.text(pretty: true))
    }
}
