import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension BreakerCommands {
    /// `fusebox breaker list`
    struct List: DaemonCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Show all breakers.")

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let entries = try client.breakers.list().sorted { $0.route < $1.route }
            let clock = try DaemonClock(of: client)
            let table = Table(columns, rows: entries.map { row($0, clock) })
            return Answer(
                json: [
                    "breakers": .array(entries.map { JSONValue(record: $0) }), "now": JSONValue(clock.now.milliseconds),
                ],
                text: table.text(ifEmpty: "There are no breakers yet."))
        }
    }
}
