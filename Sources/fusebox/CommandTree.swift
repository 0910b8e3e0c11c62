import ArgumentParser

/// The tree of subcommands and their names.
enum CommandTree {
    /// The error for the first unknown command in a command line; nil if there is none. It is checked before the parser
    /// runs, because the parser shows other help texts for `help nosuch` and `nosuch --help`.
    static func unknownCommand(in arguments: some Sequence<String>) -> Failure? {
        var command: any ParsableCommand.Type = Fusebox.self
        var path = ["fusebox"]
        var isHelp = false
        var words = arguments.makeIterator()
        while let word = words.next() {
            if word == "--" { return nil }
            guard !word.hasPrefix("-") else {
                let option = String(word.prefix { $0 != "=" })
                if valuedOptions.contains(option) {
                    if option == word { _ = words.next() }
                } else if command.configuration.defaultSubcommand != nil, !flags.contains(word) {
                    // An option of the default subcommand: what follows belongs to that.
                    return nil
                }
                continue
            }
            let children = children(of: command)
            guard !children.isEmpty else { return nil }
            if word == "help", path.count == 1, !isHelp {
                isHelp = true
            } else if let next = children.first(where: { names(of: $0).contains(word) }) {
                command = next
                path.append(word)
            } else {
                // Also where the parser would take the word for an argument of the default subcommand, and so pass over a
                // mistyped name: arguments want the subcommand's name before them.
                let known = children.flatMap(names)
                return Failure.unknown(
                    word, "there is no command '\(path.joined(separator: " ")) \(word)'", among: known,
                    otherwise:
                        "`\((["fusebox", "help"] + path.dropFirst()).joined(separator: " "))` lists the commands")
            }
        }
        return nil
    }

    /// The options that may come before a subcommand, or belong to every default subcommand, and have a value. The parser
    /// adds the second one.
    private static let valuedOptions: Set<String> = ["--socket", "--generate-completion-script", "--timeout"]
    /// The flags of the same kind. The parser adds all but the first one.
    private static let flags: Set<String> = ["--json", "--help", "-h", "--version"]

    /// The error for an option that is given twice though a call or a scope has one; nil if there is none. It is checked
    /// before the parser runs, because the parser takes the last value and passes over the others.
    static func repeatedOption(in arguments: some Sequence<String>) -> Failure? {
        let words = arguments.prefix { $0 != "--" }
        var command: any ParsableCommand.Type = Fusebox.self
        for word in words where !word.hasPrefix("-") {
            if let next = children(of: command).first(where: { names(of: $0).contains(word) }) { command = next }
        }
        let several = (command as? any RepeatingCommand.Type)?.repeatable ?? []
        var seen: Set<String> = []
        for word in words where word.hasPrefix("--") {
            let name = String(word.dropFirst(2).prefix { $0 != "=" })
            guard chargedNames.contains(name), !several.contains(name), !seen.insert(name).inserted else { continue }
            return Failure(.usage, "--\(name) is given twice; it has one value here")
        }
        return nil
    }

    /// The options that say what is charged or limited.
    private static let chargedNames: Set<String> = ["route", "provider", "deployment", "model", "tag"]

    /// The direct subcommands of a command.
    static func children(of command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        command.configuration.subcommands + command.configuration.groupedSubcommands.flatMap(\.subcommands)
    }

    private static func names(of command: any ParsableCommand.Type) -> [String] {
        [command._commandName] + command.configuration.aliases
    }
}

/// A command some of whose options may be given several times.
protocol RepeatingCommand: ParsableCommand {
    /// The names of those options.
    static var repeatable: Set<String> { get }
}

extension RunCommand: RepeatingCommand {
    static let repeatable: Set = ["route", "provider", "model", "tag"]
}

extension AdmitCommand: RepeatingCommand {
    static let repeatable: Set = ["route", "provider", "model", "tag"]
}

extension ReportCommand: RepeatingCommand {
    static let repeatable: Set = ["tag"]
}

extension LedgerCommands.Record: RepeatingCommand {
    static let repeatable: Set = ["tag"]
}
