import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox breaker`
struct BreakerCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breaker", abstract: "Circuit breakers: may a call go out now, and how did earlier ones go?",
        subcommands: [
            List.self, Get.self, Acquire.self, Success.self, Failed.self, Open.self, Reset.self, Configure.self,
            Serialize.self, Deserialize.self,
        ])

    /// The argument that names a breaker.
    struct NameArgument: ParsableArguments {
        @Argument(help: "The breaker, usually named after its provider.")
        var name: String
    }

    /// Whether a name may be new.
    struct CreationOption: ParsableArguments {
        @Flag(help: "Make the name known if it is not; else a name that nothing is known of is refused (64).")
        var create = false

        /// What is said of it where a name is refused.
        static let hint = "--create makes it known"
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

    /// A configuration, for programs and for people.
    static func answer(_ configuration: BreakerConfiguration) -> Answer {
        let listing: Listing = [
            "failure threshold": "\(configuration.failureThreshold)",
            "reset timeout": Quantity.text(milliseconds: configuration.resetTimeoutMilliseconds),
            "curve": configuration.degradationCurve.map { JSONValue($0).text() }.joined(separator: ","),
            "monitoring period": Quantity.text(milliseconds: configuration.monitoringPeriodMilliseconds),
            "min requests": "\(configuration.minRequests)",
            "max probes": configuration.maxProbes == 0 ? "as many as its share" : "\(configuration.maxProbes)",
            "min workers": "\(configuration.minWorkers)",
        ]
        return Answer(json: JSONValue(record: configuration), text: listing.text)
    }
}
