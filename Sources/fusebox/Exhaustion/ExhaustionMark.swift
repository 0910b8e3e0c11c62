import ArgumentParser
import FuseboxClient
import FuseboxInterop

extension ExhaustionCommands {
    /// `fusebox exhaustion mark ROUTE`
    struct Mark: ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "mark", abstract: "Mark the quota of a provider, or of one deployment or model, as exhausted.",
            discussion: """
                A mark never shortens a longer one, and lasts no longer than `exhaustion default` allows. A success that was \
                admitted after it ends it, and so does `exhaustion clear`. `fusebox pause` keeps calls away whatever happens.

                EXAMPLES
                  fusebox exhaustion mark openai --for 5m
                  fusebox exhaustion mark gemini/gemini-2.5-flash --for 1h
                """)

        @OptionGroup var marked: RouteArgument

        @Option(
            name: .customLong("for"),
            parsing: .unconditional,
            help: ArgumentHelp(
                "The length of the mark: \(retryTimeHelp). (default: see `exhaustion default`)", valueName: "time"),
            transform: DurationArgument.cooldown)
        var cooldown: DurationArgument?

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let names = try marked.names
            let marking = try client.exhaustion.mark(
                names.provider, deployment: names.deployment, model: names.model, for: cooldown?.duration)
            guard !marking.isAssumed else { return .done }
            let clock = try DaemonClock(of: client)
            return Answer(
                json: ["resetsAt": marking.resetsAt.map { JSONValue($0.milliseconds) } ?? .null],
                text: "exhausted, ends \(clock.relative(marking.resetsAt))")
        }
    }
}
