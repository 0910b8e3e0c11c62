import ArgumentParser
import FuseboxClient

extension BreakerCommands {
    /// `fusebox breaker open NAME`
    struct Open: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open a breaker by hand. Time without traffic closes it again. Operators only.")

        @OptionGroup var breaker: NameArgument
        @OptionGroup var creation: CreationOption
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.withKnown(breaker.name, creation: CreationOption.hint) { () throws(ClientError) in
                try client.breakers.forceOpen(breaker.name, mustBeKnown: !creation.create)
            }
            return .done
        }
    }
}
