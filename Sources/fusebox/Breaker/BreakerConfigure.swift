import ArgumentParser
import FuseboxClient

extension BreakerCommands {
    /// `fusebox breaker configure NAME | --default`
    struct Configure: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or change how a breaker reacts, or how new breakers will.",
            usage: "fusebox breaker configure NAME [options]\nfusebox breaker configure --default [options]",
            discussion: """
                What is not named keeps its value; without any option nothing is changed. Its failures stay. Changing \
                is for operators only.

                EXAMPLE
                  fusebox breaker configure openai --reset-timeout 90s --curve 1,0.5,0.1
                """)

        @Argument(help: "The breaker.")
        var name: String?

        @Flag(name: .customLong("default"), help: "The configuration that breakers are created with.")
        var isDefault = false

        @Option(help: ArgumentHelp("Failures in a row at which it opens.", valueName: "count"))
        var failureThreshold: Int?

        @Option(help: ArgumentHelp("Quiet time that takes one failure off, \(durationHelp).", valueName: "time"))
        var resetTimeout: DurationArgument?

        @Option(
            help: ArgumentHelp(
                "Share of traffic admitted at 0, 1, 2 … failures, each 0 to 1: 1,0.9,0.7,0.4,0.1.",
                valueName: "shares"))
        var curve: CurveArgument?

        @Option(help: ArgumentHelp("Length of the monitoring window; kept, not used.", valueName: "time"))
        var monitoringPeriod: DurationArgument?

        @Option(help: ArgumentHelp("Kept, not used.", valueName: "count"))
        var minRequests: Int?

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard (name != nil) != isDefault else { throw ValidationError("give the breaker's name, or --default") }
        }

        private var changesSomething: Bool {
            failureThreshold != nil || resetTimeout != nil || curve != nil || monitoringPeriod != nil
                || minRequests != nil
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            if changesSomething { try change(client.breakers) }
            let configuration =
                try name.map { try client.breakers.configuration($0) } ?? client.breakers.defaultConfiguration()
            return BreakerCommands.answer(configuration)
        }

        private func change(_ breakers: Breakers) throws {
            if let name {
                try breakers.configure(
                    name, failureThreshold: failureThreshold, resetTimeout: resetTimeout?.duration,
                    monitoringPeriod: monitoringPeriod?.duration, minRequests: minRequests,
                    degradationCurve: curve?.shares)
            } else {
                try breakers.configureDefault(
                    failureThreshold: failureThreshold, resetTimeout: resetTimeout?.duration,
                    monitoringPeriod: monitoringPeriod?.duration, minRequests: minRequests,
                    degradationCurve: curve?.shares)
            }
        }
    }
}
