import ArgumentParser
import FuseboxClient
import FuseboxWire

extension BreakerCommands {
    /// `fusebox breaker configure NAME | --default`
    struct Configure: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or change the configuration of a breaker, or that of new breakers.",
            usage: "fusebox breaker configure NAME [options]\nfusebox breaker configure --default [options]",
            discussion: """
                Options that are not given keep their values. Without any option the configuration is only shown. A change \
                keeps the failures, and is for operators only.

                EXAMPLE
                  fusebox breaker configure openai --reset-timeout 90s --curve 1,0.5,0.1
                """)

        @Argument(help: "The breaker. (default: none, with --default)")
        var name: String?

        @Flag(name: .customLong("default"), help: "The configuration of new breakers.")
        var isDefault = false

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Consecutive failures at which the breaker opens; 0 counts as 1. (default: unchanged; initially 5)",
                valueName: "count"),
            transform: NumberArgument.count)
        var failureThreshold: Int?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Time without traffic that removes one failure, \(durationHelp). (default: unchanged; initially 60s)",
                valueName: "time"),
            transform: DurationArgument.within(ValueRanges.resetTimeout))
        var resetTimeout: DurationArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Share of traffic that is admitted at 0, 1, 2 … failures, each 0 to 1. (default: unchanged; initially 1,0.9,0.7,0.4,0.1)",
                valueName: "shares"),
            transform: NumberArgument.curve)
        var curve: [Double]?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "How long a worker's failure counts for --min-workers, \(durationHelp). (default: unchanged; initially 5m)",
                valueName: "time"),
            transform: DurationArgument.within(ValueRanges.monitoringPeriod))
        var monitoringPeriod: DurationArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Stored and not used. (default: unchanged; initially 3)", valueName: "count"),
            transform: NumberArgument.count)
        var minRequests: Int?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Calls with a permit that may be in flight while the breaker is not closed; 0: no limit but the share. (default: unchanged; initially 0)",
                valueName: "count"),
            transform: NumberArgument.count)
        var maxProbes: Int?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Distinct workers that must report failures before the breaker opens fully, at most 16. (default: unchanged; initially 1)",
                valueName: "count"),
            transform: NumberArgument.within(0...Int(ValueRanges.minWorkers.upperBound)))
        var minWorkers: Int?

        @OptionGroup var creation: CreationOption
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard (name != nil) != isDefault else { throw ValidationError("give the breaker's name, or --default") }
            guard !creation.create || (name != nil && changesSomething) else {
                throw ValidationError("--create needs the name of a breaker and an option to set")
            }
        }

        private var changesSomething: Bool {
            failureThreshold != nil || resetTimeout != nil || curve != nil || monitoringPeriod != nil
                || minRequests != nil || maxProbes != nil || minWorkers != nil
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            guard let name else {
                if changesSomething { try change(client.breakers, nil) }
                return BreakerCommands.answer(try client.breakers.defaultConfiguration())
            }
            let hint = changesSomething ? CreationOption.hint : nil
            let configuration = try client.withKnown(name, creation: hint) { () throws(ClientError) in
                if changesSomething { try change(client.breakers, name) }
                return try client.breakers.configuration(name, mustBeKnown: true)
            }
            return BreakerCommands.answer(configuration)
        }

        private func change(_ breakers: Breakers, _ name: String?) throws(ClientError) {
            if let name {
                try breakers.configure(
                    name, failureThreshold: failureThreshold, resetTimeout: resetTimeout?.duration,
                    monitoringPeriod: monitoringPeriod?.duration, minRequests: minRequests,
                    degradationCurve: curve, maxProbes: maxProbes, minWorkers: minWorkers,
                    mustBeKnown: !creation.create)
            } else {
                try breakers.configureDefault(
                    failureThreshold: failureThreshold, resetTimeout: resetTimeout?.duration,
                    monitoringPeriod: monitoringPeriod?.duration, minRequests: minRequests,
                    degradationCurve: curve, maxProbes: maxProbes, minWorkers: minWorkers)
            }
        }
    }
}
