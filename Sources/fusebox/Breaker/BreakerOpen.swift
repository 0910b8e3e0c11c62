import ArgumentParser
import FuseboxClient

extension BreakerCommands {
    /// `fusebox breaker open ROUTE`
    struct Open: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "open",
            abstract: "Open a breaker by hand. Time without traffic closes it again. Operators only.",
            discussion: """
                While it is open, no call passes. A provider's breaker that was opened so stands against its deployments and \
                models too. Then it recovers as if it had opened by itself: after each reset timeout it lets a larger share \
                through.
                """)

        @OptionGroup var breaker: RouteArgument
        @OptionGroup var creation: CreationOption
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let route = try breaker.candidate
            try client.withKnown(route.route, creation: CreationOption.hint) { () throws(ClientError) in
                try client.breakers.forceOpen(route, mustBeKnown: !creation.create)
            }
            return .done
        }
    }
}
