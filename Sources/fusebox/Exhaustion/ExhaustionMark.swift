import ArgumentParser
import FuseboxClient
import FuseboxInterop

extension ExhaustionCommands {
    /// `fusebox exhaustion mark PROVIDER`
    struct Mark: ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Mark a provider's quota as exhausted.",
            discussion: """
                A mark never shortens a longer one. `exhaustion clear` removes it.

                EXAMPLE
                  fusebox exhaustion mark openai --for 5m
                """)

        @OptionGroup var marked: ProviderArgument

        @Option(
            name: .customLong("for"),
            parsing: .unconditional,
            help: ArgumentHelp(
                "The length of the mark: \(retryTimeHelp). (default: see `exhaustion default`)", valueName: "time"),
            transform: DurationArgument.cooldown)
        var cooldown: DurationArgument?

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let marking = try client.exhaustion.mark(marked.provider, for: cooldown?.duration)
            guard !marking.isAssumed else { return .done }
            let clock = try DaemonClock(of: client)
            return Answer(
                json: ["resetsAt": marking.resetsAt.map { JSONValue($0.milliseconds) } ?? .null],
                text: "exhausted, ends \(clock.relative(marking.resetsAt))")
        }
    }
}
