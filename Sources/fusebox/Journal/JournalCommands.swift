import ArgumentParser

/// `fusebox journal`
struct JournalCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "The journal's files, read without a daemon.", subcommands: [Dump.self]
    )
}
