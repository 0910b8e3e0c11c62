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
        commandName: "import", abstract: "Replace the state, or parts of it, with JSON of another library.",
        discussion: """
            The input is the output of `fusebox export`: an object with three snapshots, breakers, exhaustion, ledger. It may \
            also be one of these, or a `serialize()` string of the library. The given parts of the daemon's state are \
            replaced. The other parts, and permits, stay. Operators only.

            EXAMPLE
              fusebox import --format llm-providers state.json
            """)

    @Option(help: "The format.")
    var format = ExchangeFormat.llmProviders

    @Argument(help: "The file; - for standard input.", completion: .file())
    var file: String

    @Flag(help: "Read the file, say what it holds, and change nothing.")
    var dryRun = false

    @OptionGroup var confirmation: Confirmation
    @OptionGroup var connection: DiskConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        let document = try LocalFile.readJSON(file)
        let parts = LLMProvidersSnapshot.parts(of: document)
        guard !parts.isEmpty else {
            throw Failure(
                .damagedData,
                "\(LocalFile.label(file)): expected an object of `breakers`, `exhaustion` and `ledger`, as `fusebox export` "
                    + "prints it, or one of them; use `fusebox breaker deserialize` for a single breaker"
            )
        }
        let status = try client.status()
        let moment = Moment(now: status.now, wall: status.wall)
        let machine: StateMachine
        do throws(JSONFieldError) {
            machine = try LLMProvidersSnapshot.stateMachine(from: document, profile: status.profile, at: moment)
        } catch { throw Failure(error, in: LocalFile.label(file)) }
        let contents = [
            parts.contains(.breakers) ? Quantity.count(machine.breakers.count, "breaker") : nil,
            parts.contains(.exhaustion) ? Quantity.count(machine.exhaustion.count, "mark") : nil,
            parts.contains(.ledger) ? Quantity.count(machine.ledger.providerCount, "provider") : nil,
        ].compactMap(\.self)
        let list = contents.joined(separator: ", ")
        guard !dryRun else {
            return Answer(
                json: ["isDryRun": true, "holds": .array(contents.map { .string($0) })],
                text: "\(LocalFile.label(file)) holds \(list); nothing was imported")
        }
        try confirmation.ask("the daemon's present \(Self.names(of: parts)) will be replaced by \(list)", client)
        let header = SnapshotHeader(epoch: status.epoch, sequence: 0, moment: moment, profile: status.profile)
        let info = try client.importState(SnapshotCapture(machine, header: header).bytes(), parts: parts)
        return Answer(
            json: JSONValue(record: info),
            text:
                "imported \(list); they are in \(info.file) of the daemon's data directory")
    }

    /// What the parts of a state are, in words.
    private static func names(of parts: StateParts) -> String {
        [
            parts.contains(.breakers) ? "breakers" : nil, parts.contains(.exhaustion) ? "marks" : nil,
            parts.contains(.ledger) ? "accounts and limits" : nil,
        ].compactMap(\.self).joined(separator: ", ")
    }
}
