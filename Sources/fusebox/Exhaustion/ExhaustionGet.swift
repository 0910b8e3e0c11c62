import ArgumentParser
import FuseboxClient
import FuseboxInterop

extension ExhaustionCommands {
    /// `fusebox exhaustion get ROUTE`
    struct Get: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "get",
            abstract: "Show whether calls by a route are kept away by a mark or a pause, and until when.")

        @OptionGroup var marked: RouteArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let names = try marked.names
            let check = try client.exhaustion.get(names.provider, deployment: names.deployment, model: names.model)
            let clock = try DaemonClock(of: client)
            var lines: [String] = []
            if let pause = check.pause { lines.append(MarkText.sentence(pause, clock)) }
            if let entry = check.entry { lines.append(Self.sentence(entry, of: names, clock)) }
            return Answer(
                json: [
                    "entry": check.entry.map { JSONValue(record: $0) } ?? .null,
                    "pause": check.pause.map { JSONValue(record: $0) } ?? .null,
                ],
                text: lines.isEmpty ? "not exhausted" : lines.map(Table.printable).joined(separator: "\n"))
        }

        private static func sentence(_ entry: ExhaustionEntry, of names: RouteNames, _ clock: DaemonClock) -> String {
            let isWider = (entry.deployment?.text, entry.model?.text) != (names.deployment, names.model)
            return
                "exhausted\(isWider ? " as part of \(entry.route)" : ""), ends \(clock.relative(entry.resetsAt)) at \(clock.date(entry.resetsAt))"
        }
    }
}
