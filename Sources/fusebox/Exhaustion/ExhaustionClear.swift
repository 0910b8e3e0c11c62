import ArgumentParser
import FuseboxClient

extension ExhaustionCommands {
    /// `fusebox exhaustion clear PROVIDER`
    struct Clear: DaemonCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a provider's mark. Operators only.")

        @OptionGroup var marked: ProviderArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.withKnown(marked.provider) { () throws(ClientError) in
                try client.exhaustion.clear(marked.provider, mustBeKnown: true)
            }
            return .done
        }
    }

    /// `fusebox exhaustion reset`
    struct Reset: DaemonCommand {
        static let configuration = CommandConfiguration(abstract: "Remove all marks. Operators only.")

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.exhaustion.reset()
            return .done
        }
    }
}
