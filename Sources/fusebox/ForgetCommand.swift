import ArgumentParser
import FuseboxClient

/// `fusebox forget NAME`
struct ForgetCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Remove a name: its breaker, its mark, its account with all models, its limits.",
        discussion: "The spend of the name is lost. Operators only.")

    @Argument(help: "The provider or breaker.", completion: KnownNames.providers)
    var name: String

    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        try client.withKnown(name) { () throws(ClientError) in try client.forget(name) }
        return .done
    }
}
