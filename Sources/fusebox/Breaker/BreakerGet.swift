import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension BreakerCommands {
    /// `fusebox breaker get NAME`
    struct Get: DaemonCommand {
        static let configuration = CommandConfiguration(abstract: "Show one breaker.")

        @OptionGroup var breaker: NameArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let reply = try client.withKnown(breaker.name) { () throws(ClientError) in
                try client.breakers.get(breaker.name, mustBeKnown: true)
            }
            let clock = try DaemonClock(of: client)
            let status = reply.status
            let listing: Listing = [
                "breaker": reply.exists
                    ? breaker.name : "\(breaker.name) (does not exist; a new one would be as shown)",
                "state": "\(status.state), \(Formatting.percent(status.share)) of traffic admitted",
                "failures": "\(status.consecutiveFailures) of the \(status.failureThreshold) that open it",
                "outcomes":
                    "\(status.totalRequests): \(Quantity.count(status.totalSuccesses, "success", plural: "successes")), "
                    + Quantity.count(status.totalFailures, "failure"),
                "last failure": clock.relative(status.lastFailure),
                "last success": clock.relative(status.lastSuccess),
                "last request": clock.relative(status.lastRequest),
                "recovers": status.nextAttempt.map { "a step \(clock.relative($0))" },
            ]
            return Answer(json: JSONValue(record: reply), text: listing.text)
        }
    }
}
