import ArgumentParser
import FuseboxClient

extension BreakerCommands {
    /// `fusebox breaker remove ROUTE`
    struct Remove: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Remove a breaker with its statistics and its configuration. Operators only.",
            discussion: """
                The next call by the route makes the breaker anew, closed and with the configuration above it. Marks, \
                accounts and limits of the route stay; `fusebox forget` removes all that is known of a provider.
                """)

        @OptionGroup var breaker: RouteArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let route = try breaker.candidate
            try client.withKnown(route.route) { () throws(ClientError) in try client.breakers.remove(route) }
            return .done
        }
    }
}
