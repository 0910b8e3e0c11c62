import ArgumentParser
import FuseboxClient
import FuseboxWire

extension BreakerCommands {
    /// `fusebox breaker configure ROUTE | --default`
    struct Configure: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "configure",
            abstract: "Show or change the configuration of a breaker, or that of new breakers.",
            usage: "fusebox breaker configure ROUTE [options]\nfusebox breaker configure --default [options]",
            discussion: """
                Options that are not given keep their values. Without any option the configuration is only shown. A change \
                keeps the failures, and is for operators only. Deployments and models have the configuration of their \
                provider until they get one of their own. Under the profile llm-providers nothing but failures in a row \
                opens a breaker: rates and --min-requests are kept for the other profile.

                EXAMPLES
                  fusebox breaker configure openai --reset-timeout 90s --curve 1,0.5,0.1
                  fusebox breaker configure openai --failure-rate 50% --min-requests 20 --monitoring-period 1m
                  fusebox breaker configure openai --slow-rate 30% --slow-after 20s --max-reset-timeout 10m
                  fusebox breaker configure openai --by model
                """)

        @OptionGroup var breaker: OptionalRoute

        @Flag(name: .customLong("default"), help: "The configuration of breakers that have none of their own.")
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
                "How long a call counts for the rates, and a worker's failure for --min-workers, \(durationHelp). (default: unchanged; initially 5m)",
                valueName: "time"),
            transform: DurationArgument.within(ValueRanges.monitoringPeriod))
        var monitoringPeriod: DurationArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Calls within the monitoring period that a rate needs to open the breaker. (default: unchanged; initially 3)",
                valueName: "count"),
            transform: NumberArgument.count)
        var minRequests: Int?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "From its opening until the breaker is closed: calls with a permit of that time that may be in flight; 0: no limit but the share. (default: unchanged; initially 0)",
                valueName: "count"),
            transform: NumberArgument.count)
        var maxProbes: Int?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Distinct workers that must report failures before the breaker opens fully, at most \(WireLimits.minWorkers). (default: unchanged; initially 1)",
                valueName: "count"),
            transform: NumberArgument.within(0...Int(ValueRanges.minWorkers.upperBound)))
        var minWorkers: Int?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Share of failed calls within the monitoring period at which a failure opens the breaker, such as 50%; 0: any may fail. (default: unchanged; initially 0)",
                valueName: "share"),
            transform: NumberArgument.share)
        var failureRate: Double?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Share of slow calls at which a slow call opens the breaker; needs --slow-after; 0: any may be slow. (default: unchanged; initially 0)",
                valueName: "share"),
            transform: NumberArgument.share)
        var slowRate: Double?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "From how long on a call with a permit is slow, \(durationHelp); 0s: none is. (default: unchanged; initially 0s)",
                valueName: "time"),
            transform: DurationArgument.within(ValueRanges.slowCall))
        var slowAfter: DurationArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Up to where the reset timeout doubles with each recovery that fails, \(durationHelp); 0s: it stays. (default: unchanged; initially 0s)",
                valueName: "time"),
            transform: DurationArgument.within(ValueRanges.maxResetTimeout))
        var maxResetTimeout: DurationArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "What has a breaker of its own: each provider with its deployments, or each of its models too. (default: unchanged; initially provider)",
                valueName: "what"))
        var by: Division?

        @Flag(
            help:
                "Leave a breaker as it is that has a configuration of its own. Of several that configure it the first wins."
        )
        var ifAbsent = false

        @OptionGroup var creation: CreationOption
        @OptionGroup var connection: ConnectionOptions

        /// What has a breaker of its own.
        enum Division: String, ExpressibleByArgument, CaseIterable {
            case provider
            case model
        }

        func validate() throws {
            guard breaker.isGiven != isDefault else { throw ValidationError("give the breaker's route, or --default") }
            guard !creation.create || (breaker.isGiven && changesSomething) else {
                throw ValidationError("--create needs the route of a breaker and an option to set")
            }
            guard !ifAbsent || (breaker.isGiven && changesSomething) else {
                throw ValidationError("--if-absent needs the route of a breaker and an option to set")
            }
        }

        private var changesSomething: Bool {
            failureThreshold != nil || resetTimeout != nil || curve != nil || monitoringPeriod != nil
                || minRequests != nil || maxProbes != nil || minWorkers != nil || failureRate != nil
                || slowRate != nil || slowAfter != nil || maxResetTimeout != nil || by != nil
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            guard let route = try breaker.candidate else {
                if changesSomething { try change(client.breakers, nil) }
                return try BreakerCommands.answer(try client.breakers.defaultConfiguration(), of: client)
            }
            let hint = changesSomething ? CreationOption.hint : nil
            let configuration = try client.withKnown(route.route, creation: hint) { () throws(ClientError) in
                if changesSomething { try change(client.breakers, route) }
                return try client.breakers.configuration(route, mustBeKnown: true)
            }
            return try BreakerCommands.answer(configuration, of: client)
        }

        private func change(_ breakers: Breakers, _ route: Candidate?) throws(ClientError) {
            if let route {
                try breakers.configure(
                    route, failureThreshold: failureThreshold, resetTimeout: resetTimeout?.duration,
                    monitoringPeriod: monitoringPeriod?.duration, minRequests: minRequests,
                    degradationCurve: curve, maxProbes: maxProbes, minWorkers: minWorkers, failureRate: failureRate,
                    slowCallRate: slowRate, slowCall: slowAfter?.duration, maxResetTimeout: maxResetTimeout?.duration,
                    byModel: by.map { $0 == .model }, mustBeKnown: !creation.create, ifAbsent: ifAbsent)
            } else {
                try breakers.configureDefault(
                    failureThreshold: failureThreshold, resetTimeout: resetTimeout?.duration,
                    monitoringPeriod: monitoringPeriod?.duration, minRequests: minRequests,
                    degradationCurve: curve, maxProbes: maxProbes, minWorkers: minWorkers, failureRate: failureRate,
                    slowCallRate: slowRate, slowCall: slowAfter?.duration, maxResetTimeout: maxResetTimeout?.duration,
                    byModel: by.map { $0 == .model })
            }
        }
    }
}
