import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension BreakerCommands {
    /// `fusebox breaker get ROUTE`
    struct Get: DaemonCommand {
        static let configuration = CommandConfiguration(commandName: "get", abstract: "Show one breaker.")

        @OptionGroup var breaker: RouteArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let candidate = try breaker.candidate
            let route = candidate.route
            let reply = try client.withKnown(route) { () throws(ClientError) in
                try client.breakers.get(candidate, mustBeKnown: true)
            }
            let clock = try DaemonClock(of: client)
            let profile = try client.status().profile
            let status = reply.status
            let rule = status.openedBy.map {
                "; \(status.state == .open ? "" : "opened, because ")\(BreakerText.sentence($0))"
            }
            let listing: Listing = [
                "breaker": reply.exists
                    ? route : "\(route) (does not exist; a new one would be as shown)",
                "state": "\(status.state), \(Formatting.percent(status.share)) of traffic admitted\(rule ?? "")",
                "failures": "\(status.consecutiveFailures) of the \(status.failureThreshold) that open it",
                "workers": BreakerText.workers(status),
                "failure rate": status.rates.flatMap { BreakerText.failures($0, under: profile) },
                "slow-call rate": status.rates.flatMap { BreakerText.slowCalls($0, under: profile) },
                "outcomes":
                    "\(status.totalRequests): \(Quantity.count(status.totalSuccesses, "success", plural: "successes")), "
                    + Quantity.count(status.totalFailures, "failure"),
                "last failure": clock.relative(status.lastFailure),
                "last success": clock.relative(status.lastSuccess),
                "last request": clock.relative(status.lastRequest),
                "recovers": status.nextAttempt.map { "a step \(clock.relative($0))" },
                "reset timeout": Quantity.text(milliseconds: status.resetTimeoutMilliseconds)
                    + (status.failedRecoveries == 0
                        ? ""
                        : "; \(Quantity.count(UInt64(status.failedRecoveries), "recovery", plural: "recoveries")) failed"),
                "episode": "\(status.episode)",
            ]
            return Answer(json: JSONValue(record: reply), text: listing.text)
        }
    }
}
