import ArgumentParser
import FuseboxClient

extension BreakerCommands {
    /// `fusebox breaker open ROUTE`
    struct Open: DaemonCommand {
        static let configuration = CommandConfiguration(
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
            try client.withKnown(breaker.route, creation: CreationOption.hint) { () throws(ClientError) in
                try client.breakers.forceOpen(breaker.route, mustBeKnown: !creation.create)
            }
            return .done
        }
    }
}
