import ArgumentParser
import FuseboxClient

extension ExhaustionCommands {
    /// `fusebox exhaustion clear ROUTE`
    struct Clear: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "clear",
            abstract: "Remove a route's mark. Wider and narrower marks stay, and pauses do. Operators only.")

        @OptionGroup var marked: RouteArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let names = try marked.names
            try client.withKnown(names.provider) { () throws(ClientError) in
                try client.exhaustion.clear(
                    names.provider, deployment: names.deployment, model: names.model, mustBeKnown: true)
            }
            return .done
        }
    }

    /// `fusebox exhaustion reset`
    struct Reset: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "reset", abstract: "Remove all marks. Pauses stay. Operators only.")

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.exhaustion.reset()
            return .done
        }
    }
}
