import ArgumentParser

/// `fusebox permits`
struct PermitsCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "permits", abstract: "Permits: the calls that are in flight, and what they hold.",
        subcommands: [List.self, Revoke.self], defaultSubcommand: List.self)
}
