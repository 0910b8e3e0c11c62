import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox alias`
struct AliasCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alias", abstract: "Names of models that stand for others. Changing them is for operators only.",
        subcommands: [List.self, Set.self, Remove.self], defaultSubcommand: List.self)

    /// `fusebox alias list`
    struct List: DaemonCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Show all aliases.")

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let aliases = try client.names.aliases()
            return Answer(
                json: ["aliases": .array(aliases.map { JSONValue(record: $0) })],
                text: AliasCommands.table(aliases).text(ifEmpty: "No alias is set."))
        }
    }

    /// A row for each alias.
    static func table(_ aliases: [ModelAlias]) -> Table {
        Table(
            [.left("PROVIDER"), .left("NAME"), .left("CHARGED AS")],
            rows: aliases.map { [$0.provider.text, $0.name.text, $0.model.text] })
    }

    /// `fusebox alias set PROVIDER NAME MODEL`
    struct Set: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Let a name of a provider's model stand for another.",
            discussion: """
                Calls that ask for the name are charged to the model, and fall under its limits.

                EXAMPLE
                  fusebox alias set openai gpt-4o-2024-08-06 gpt-4o
                """)

        @Argument(help: "The provider.", completion: KnownNames.providers)
        var provider: String

        @Argument(help: "The name.")
        var name: String

        @Argument(help: "The model that it stands for.", completion: KnownNames.models)
        var model: String

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.names.setAlias(name, of: provider, to: model)
            return .done
        }
    }

    /// `fusebox alias remove PROVIDER NAME`
    struct Remove: DaemonCommand {
        static let configuration = CommandConfiguration(commandName: "remove", abstract: "Remove an alias.")

        @Argument(help: "The provider.", completion: KnownNames.providers)
        var provider: String

        @Argument(help: "The name.")
        var name: String

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            do throws(ClientError) { try client.names.removeAlias(name, of: provider) } catch {
                guard case .refused(let refusal) = error, refusal.status == .notFound else { throw error }
                let known = ((try? client.names.aliases()) ?? []).filter { $0.provider.text == provider }
                throw Failure.unknown(
                    name, refusal.message, among: known.map(\.name.text), otherwise: "`fusebox alias list` lists them")
            }
            return .done
        }
    }
}
