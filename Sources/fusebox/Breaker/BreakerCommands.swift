import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox breaker`
struct BreakerCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breaker", abstract: "Circuit breakers: may a call go out now, and how did earlier calls go?",
        subcommands: [
            List.self, Get.self, Acquire.self, Success.self, Failed.self, Open.self, Reset.self, Remove.self,
            Configure.self, Serialize.self, Deserialize.self,
        ])

    /// The option that permits a new name.
    struct CreationOption: ParsableArguments {
        @Flag(help: "Create the names if they are unknown. Otherwise an unknown name is refused (64).")
        var create = false

        /// The hint of an error about an unknown name.
        static let hint = "--create creates it"
    }
}

extension BreakerCommands {
    static let columns: [Table.Column] = [
        .left("BREAKER"), .left("STATE"), .right("SHARE"), .right("FAILURES"), .right("REQUESTS"), .right("SUCCESSES"),
        .left("LAST FAILURE"), .left("RECOVERS"),
    ]

    static func row(_ entry: BreakerList.Entry, _ clock: DaemonClock) -> [String] {
        let status = entry.status
        return [
            entry.route, "\(status.state)", Formatting.percent(status.share),
            "\(status.consecutiveFailures)/\(status.failureThreshold)", "\(status.totalRequests)",
            "\(status.totalSuccesses)", clock.relative(status.lastFailure), clock.relative(status.nextAttempt),
        ]
    }

    /// The answer that shows a configuration.
    static func answer(_ configuration: BreakerConfiguration, of client: FuseboxClient) throws -> Answer {
        let profile = try client.status().profile
        return Answer(
            json: JSONValue(record: configuration), text: BreakerText.listing(configuration, under: profile).text)
    }
}

extension BreakerList.Entry {
    /// The breaker as its route: `openai@eu/gpt-4o`.
    var route: String { Candidate(provider: name, deployment: deployment, model: model).route }
}
