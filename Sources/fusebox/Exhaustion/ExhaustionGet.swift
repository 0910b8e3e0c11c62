import ArgumentParser
import FuseboxClient
import FuseboxInterop

extension ExhaustionCommands {
    /// `fusebox exhaustion get PROVIDER`
    struct Get: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show whether a provider is exhausted, and until when.")

        @OptionGroup var marked: ProviderArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let entry = try client.exhaustion.get(marked.provider).entry
            let clock = try DaemonClock(of: client)
            let text = entry.map { "exhausted, ends \(clock.relative($0.resetsAt)) at \(clock.date($0.resetsAt))" }
            return Answer(
                json: ["entry": entry.map { JSONValue(record: $0) } ?? .null], text: text ?? "not exhausted")
        }
    }
}
