import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension ExhaustionCommands {
    /// `fusebox exhaustion list`
    struct List: DaemonCommand {
        static let configuration = CommandConfiguration(abstract: "Show all marks in force.")

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let entries = try client.exhaustion.list().sorted { $0.provider < $1.provider }
            let clock = try DaemonClock(of: client)
            let table = Table(
                [.left("PROVIDER"), .left("MARKED"), .left("ENDS"), .left("AT")],
                rows: entries.map { entry in
                    [
                        entry.provider.text, clock.relative(entry.exhaustedAt), clock.relative(entry.resetsAt),
                        clock.date(entry.resetsAt),
                    ]
                })
            return Answer(
                json: [
                    "marks": .array(entries.map { JSONValue(record: $0) }), "now": JSONValue(clock.now.milliseconds),
                ],
                text: table.text(ifEmpty: "No provider is exhausted."))
        }
    }
}
