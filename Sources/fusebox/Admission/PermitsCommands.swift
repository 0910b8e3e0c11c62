import ArgumentParser

/// `fusebox permits`
struct PermitsCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "permits", abstract: "Permits: which calls are under way, and what do they hold?",
        subcommands: [List.self, Revoke.self], defaultSubcommand: List.self)
}
