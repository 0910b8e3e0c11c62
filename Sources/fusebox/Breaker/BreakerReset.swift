import ArgumentParser
import FuseboxClient

extension BreakerCommands {
    /// `fusebox breaker reset NAME | --all`
    struct Reset: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Close a breaker and reset its failures and statistics. Operators only.",
            usage: "fusebox breaker reset NAME\nfusebox breaker reset --all")

        @Argument(help: "The breaker. (default: none, with --all)")
        var name: String?

        @Flag(help: "Reset every breaker.")
        var all = false

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard (name != nil) != all else { throw ValidationError("give the breaker's name, or --all") }
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            guard let name else {
                try client.breakers.resetAll()
                return .done
            }
            try client.withKnown(name) { () throws(ClientError) in try client.breakers.reset(name, mustBeKnown: true) }
            return .done
        }
    }
}
