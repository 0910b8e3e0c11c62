import ArgumentParser
import FuseboxClient

/// `fusebox forget NAME`
struct ForgetCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Remove a name: its breaker, its mark, its account with all models, its limits.",
        discussion: """
            The spend of the name is lost. Operators only.

            EXAMPLE
              fusebox forget openai-test --yes
            """)

    @Argument(help: "The provider or breaker.", completion: KnownNames.providers)
    var name: String

    @OptionGroup var confirmation: Confirmation
    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        if !confirmation.yes { try client.checkKnown(name) }
        try confirmation.ask("everything that is known of \(name) will be lost, its spend and its limits too", client)
        try client.withKnown(name) { () throws(ClientError) in try client.forget(name) }
        return .done
    }
}
