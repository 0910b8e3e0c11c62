import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension ExhaustionCommands {
    /// `fusebox exhaustion list`
    struct List: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show all marks and pauses in force.")

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let marks = try client.exhaustion.list().sorted { $0.route < $1.route }
            let pauses = try client.exhaustion.pauses().sorted { $0.route < $1.route }
            let clock = try DaemonClock(of: client)
            var tables: [String] = []
            if !marks.isEmpty { tables.append(Self.table(marks, clock).text) }
            if !pauses.isEmpty { tables.append(Self.table(pauses, clock).text) }
            return Answer(
                json: [
                    "marks": .array(marks.map { JSONValue(record: $0) }),
                    "pauses": .array(pauses.map { JSONValue(record: $0) }), "now": JSONValue(clock.now.milliseconds),
                ],
                text: tables.isEmpty ? "No route is exhausted." : tables.joined(separator: "\n\n"))
        }

        private static func table(_ marks: [ExhaustionEntry], _ clock: DaemonClock) -> Table {
            Table(
                [.left("ROUTE"), .left("MARKED"), .left("ENDS"), .left("WHY"), .left("BY"), .left("PROBE")],
                rows: marks.map { entry in
                    [
                        entry.route, clock.relative(entry.exhaustedAt), clock.relative(entry.resetsAt),
                        MarkText.text(entry.reason), "uid:\(entry.user)", MarkText.probe(entry, clock),
                    ]
                })
        }

        private static func table(_ pauses: [PauseEntry], _ clock: DaemonClock) -> Table {
            Table(
                [.left("PAUSED"), .left("SINCE"), .left("ENDS"), .left("BY"), .left("WHY")],
                rows: pauses.map { pause in
                    [
                        pause.route, clock.relative(pause.since), MarkText.end(pause, clock), "uid:\(pause.user)",
                        pause.reason,
                    ]
                })
        }
    }
}
