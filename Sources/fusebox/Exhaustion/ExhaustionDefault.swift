import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension ExhaustionCommands {
    /// `fusebox exhaustion default`
    struct Default: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "default", abstract: "Show or set how long marks last. Setting it is for operators only.",
            discussion: """
                A mark without a given time lasts as long as --for says, twice as long if it is the second in a row, and so on, \
                until a success. No mark lasts longer than --max-mark says. Both are kept over restarts. Under the profile \
                llm-providers marks do not double, and last as long as told: --max-mark is kept for the other profile.
                """)

        @Option(
            name: .customLong("for"),
            parsing: .unconditional,
            help: ArgumentHelp(
                "The new length, \(durationHelp). (default: unchanged; initially 5m)", valueName: "time"),
            transform: DurationArgument.within(ValueRanges.cooldown))
        var cooldown: DurationArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "How long a mark lasts at most, \(durationHelp), a minute or more. (default: unchanged; initially 24h)",
                valueName: "time"),
            transform: DurationArgument.within(ValueRanges.longestMark))
        var maxMark: DurationArgument?

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            if let cooldown { try client.exhaustion.setDefaultCooldown(cooldown.duration) }
            if let maxMark { try client.exhaustion.setLongestMark(maxMark.duration) }
            let milliseconds = Int64(try client.exhaustion.defaultCooldown() / .milliseconds(1))
            let longest = Int64(try client.exhaustion.longestMark() / .milliseconds(1))
            let profile = try client.status().profile
            let idle = profile == .llmProviders ? ", not under the profile \(profile.name)" : ""
            return Answer(
                json: ["cooldownMilliseconds": JSONValue(milliseconds), "longestMilliseconds": JSONValue(longest)],
                text: "\(Quantity.text(milliseconds: milliseconds)), "
                    + "at most \(Quantity.text(milliseconds: longest))\(idle)")
        }
    }
}
