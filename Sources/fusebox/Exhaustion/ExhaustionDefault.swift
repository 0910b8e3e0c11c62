import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension ExhaustionCommands {
    /// `fusebox exhaustion default`
    struct Default: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or set the length of marks without a given time. Setting it is for operators only.")

        @Option(
            name: .customLong("for"),
            parsing: .unconditional,
            help: ArgumentHelp(
                "The new length, \(durationHelp). (default: unchanged; initially 5m)", valueName: "time"),
            transform: DurationArgument.within(ValueRanges.cooldown))
        var cooldown: DurationArgument?

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            if let cooldown { try client.exhaustion.setDefaultCooldown(cooldown.duration) }
            let milliseconds = Int64(try client.exhaustion.defaultCooldown() / .milliseconds(1))
            return Answer(
                json: ["cooldownMilliseconds": JSONValue(milliseconds)],
                text: Quantity.text(milliseconds: milliseconds))
        }
    }
}
