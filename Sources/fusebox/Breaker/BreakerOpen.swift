import ArgumentParser
import FuseboxClient

extension BreakerCommands {
    /// `fusebox breaker open NAME`
    struct Open: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open a breaker by hand; quiet time closes it again. Operators only.")

        @OptionGroup var breaker: NameArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.breakers.forceOpen(breaker.name)
            return .done
        }
    }
}
