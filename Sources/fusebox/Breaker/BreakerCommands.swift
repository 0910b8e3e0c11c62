import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox breaker`
struct BreakerCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breaker", abstract: "Circuit breakers: may a call go out now, and how did earlier calls go?",
        subcommands: [
            List.self, Get.self, Acquire.self, Success.self, Failed.self, Open.self, Reset.self, Configure.self,
            Serialize.self, Deserialize.self,
        ])

    /// The argument that names a breaker.
    struct NameArgument: ParsableArguments {
        @Argument(help: "The breaker, usually named after its provider.")
        var name: String
    }

    /// The option that permits a new name.
    struct CreationOption: ParsableArguments {
        @Flag(help: "Create the name if it is unknown. Otherwise an unknown name is refused (64).")
        var create = false

        /// The hint of an error about an unknown name.
        static let hint = "--create creates it"
    }
}

extension BreakerCommands {
    static let columns: [Table.Column] = [
        .left("NAME"), .left("STATE"), .right("SHARE"), .right("FAILURES"), .right("REQUESTS"), .right("SUCCESSES"),
        .left("LAST FAILURE"), .left("RECOVERS"),
    ]

    static func row(_ name: String, _ status: BreakerStatus, _ clock: DaemonClock) -> [String] {
        [
            name, "\(status.state)", Formatting.percent(status.share),
            "\(status.consecutiveFailures)/\(status.failureThreshold)", "\(status.totalRequests)",
            "\(status.totalSuccesses)", clock.relative(status.lastFailure), clock.relative(status.nextAttempt),
        ]
    }

    /// The answer that shows a configuration.
    static func answer(_ configuration: BreakerConfiguration) -> Answer {
        let listing: Listing = [
            "failure threshold": "\(configuration.failureThreshold)",
            "reset timeout": Quantity.text(milliseconds: configuration.resetTimeoutMilliseconds),
            "curve": configuration.degradationCurve.map { JSONValue($0).text() }.joined(separator: ","),
            "monitoring period": Quantity.text(milliseconds: configuration.monitoringPeriodMilliseconds),
            "min requests": "\(configuration.minRequests)",
            "max probes": configuration.maxProbes == 0 ? "no limit but the share" : "\(configuration.maxProbes)",
            "min workers": "\(configuration.minWorkers)",
        ]
        return Answer(json: JSONValue(record: configuration), text: listing.text)
    }
}
