import ArgumentParser
import FuseboxClient

extension BreakerCommands {
    /// `fusebox breaker reset ROUTE | --all`
    struct Reset: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "reset", abstract: "Close a breaker and reset its failures and statistics. Operators only.",
            usage: "fusebox breaker reset ROUTE\nfusebox breaker reset --all")

        @OptionGroup var breaker: OptionalRoute

        @Flag(help: "Reset every breaker.")
        var all = false

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard breaker.isGiven != all else { throw ValidationError("give the breaker's route, or --all") }
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            guard let route = try breaker.candidate else {
                try client.breakers.resetAll()
                return .done
            }
            try client.withKnown(route.route) { () throws(ClientError) in
                try client.breakers.reset(route, mustBeKnown: true)
            }
            return .done
        }
    }
}
