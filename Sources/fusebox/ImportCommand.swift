import ArgumentParser
import FuseboxClient
import FuseboxCore
import FuseboxEngine
import FuseboxInterop
import FuseboxStore
import FuseboxWire

/// `fusebox import`
struct ImportCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Replace the whole state by the JSON of another library.",
        discussion: """
            It takes what `export` prints: an object of three snapshots, breakers, exhaustion, ledger. All that the \
            daemon knew is replaced. Operators only.

            EXAMPLE
              fusebox import --format llm-providers state.json
            """)

    @Option(help: "Whose JSON.")
    var format = ExchangeFormat.llmProviders

    @Argument(help: "The file; - for standard input.")
    var file: String

    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        let document = try LocalFile.readJSON(file)
        guard LLMProvidersSnapshot.Kind(of: document) == .export else {
            throw Failure(
                .damagedData,
                "\(LocalFile.label(file)): expected an object of `breakers`, `exhaustion` and `ledger`, as `fusebox export` "
                    + "prints it; an import replaces all three"
            )
        }
        let status = try client.status()
        let moment = Moment(now: status.now, wall: status.wall)
        let machine: StateMachine
        do throws(JSONFieldError) {
            machine = try LLMProvidersSnapshot.stateMachine(from: document, profile: status.profile, at: moment)
        } catch { throw Failure(error, in: LocalFile.label(file)) }
        let header = SnapshotHeader(epoch: status.epoch, sequence: 0, moment: moment, profile: status.profile)
        let info = try client.importState(SnapshotCapture(machine, header: header).bytes())
        let contents = [
            Formatting.count(machine.breakers.count, "breaker"), Formatting.count(machine.exhaustion.count, "mark"),
            Formatting.count(machine.ledger.providerCount, "provider"),
        ]
        return Answer(
            json: JSONValue(record: info),
            text:
                "imported \(contents.joined(separator: ", ")); they are in \(info.file) of the daemon's data directory")
    }
}
