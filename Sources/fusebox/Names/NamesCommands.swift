import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox names`
struct NamesCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "names",
        abstract: "What operators demand of the names in calls. Changing it is for operators only.",
        subcommands: [Show.self, Strict.self, RequireTag.self], defaultSubcommand: Show.self)

    /// `fusebox names show`
    struct Show: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show what is demanded of names.")

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let policy = try client.names.policy()
            let listing: Listing = [
                "strict": policy.isStrict ? "on: workers may name known providers only" : "off",
                "required tags": NamesCommands.requiredTags(policy),
            ]
            return Answer(json: JSONValue(record: policy), text: listing.text)
        }
    }

    /// The tags that every call must have, in a line.
    static func requiredTags(_ policy: NamePolicy) -> String {
        policy.requiredTags.isEmpty ? "none" : policy.requiredTags.map { "'\($0)'" }.joined(separator: ", ")
    }

    /// `fusebox names strict on|off`
    struct Strict: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "strict", abstract: "Set whether workers may name only providers that are known.",
            discussion: """
                A worker that names another provider is refused. Operators make a provider known by setting something for it, \
                such as a limit.

                EXAMPLE
                  fusebox names strict on
                """)

        /// The two positions of a switch.
        enum Position: String, ExpressibleByArgument, CaseIterable {
            case on
            case off
        }

        @Argument(help: "on or off.")
        var position: Position

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.names.setStrict(position == .on)
            return .done
        }
    }

    /// `fusebox names require-tag TAG…`
    struct RequireTag: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "require-tag", abstract: "Set what tags every call must have.",
            discussion: """
                A call needs a tag like each of those that are given, in the place of those before; 'team:*' is any tag that \
                begins so. Other calls are refused.

                EXAMPLES
                  fusebox names require-tag 'team:*'
                  fusebox names require-tag --none
                """)

        @Argument(
            help: ArgumentHelp(
                "The tags, or 'prefix*' for those that begin so. (default: none; see --none)", valueName: "tag"),
            completion: KnownNames.tags)
        var tags: [String] = []

        @Flag(help: "Demand no tag.")
        var none = false

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard none == tags.isEmpty else {
                throw ValidationError(none ? "give tags or --none, not both" : "which tag? give one, or --none")
            }
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.names.requireTags(tags)
            return .done
        }
    }
}
