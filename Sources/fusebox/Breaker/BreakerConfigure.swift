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

        @Option(
            help: ArgumentHelp("Quiet time that takes one failure off, \(durationHelp).", valueName: "time"),
            transform: DurationArgument.within(DurationArgument.any))
        var resetTimeout: DurationArgument?

        @Option(
            help: ArgumentHelp(
                "Share of traffic admitted at 0, 1, 2 … failures, each 0 to 1: 1,0.9,0.7,0.4,0.1.",
                valueName: "shares"))
        var curve: CurveArgument?

        @Option(
            help: ArgumentHelp(
                "How long a worker's failure counts for --min-workers, \(durationHelp).", valueName: "time"),
            transform: DurationArgument.within(DurationArgument.any))
        var monitoringPeriod: DurationArgument?

        @Option(help: ArgumentHelp("Kept, not used.", valueName: "count"))
        var minRequests: Int?

        @Option(
            help: ArgumentHelp(
                "Calls with a permit that may be in flight while it is not closed; 0: as many as its share.",
                valueName: "count"))
        var maxProbes: Int?

        @Option(
            help: ArgumentHelp(
                "Distinct workers that failures must come from for it to open fully, at most 16.", valueName: "count"))
        var minWorkers: Int?

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard (name != nil) != isDefault else { throw ValidationError("give the breaker's name, or --default") }
        }

        private var changesSomething: Bool {
            failureThreshold != nil || resetTimeout != nil || curve != nil || monitoringPeriod != nil
                || minRequests != nil || maxProbes != nil || minWorkers != nil
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
                    degradationCurve: curve?.shares, maxProbes: maxProbes, minWorkers: minWorkers)
            } else {
                try breakers.configureDefault(
                    failureThreshold: failureThreshold, resetTimeout: resetTimeout?.duration,
                    monitoringPeriod: monitoringPeriod?.duration, minRequests: minRequests,
                    degradationCurve: curve?.shares, maxProbes: maxProbes, minWorkers: minWorkers)
            }
        }
    }
}
