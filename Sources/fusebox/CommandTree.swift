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
                // The options of the root that have a value. The parser adds the second one.
                if word == "--socket" || word == "--generate-completion-script" { _ = words.next() }
                continue
            }
            let children = children(of: command)
            guard !children.isEmpty else { return nil }
            if word == "help", path.count == 1, !isHelp {
                isHelp = true
            } else if let next = children.first(where: { names(of: $0).contains(word) }) {
                command = next
                path.append(word)
            } else if isHelp || command.configuration.defaultSubcommand == nil {
                let known = children.flatMap(names)
                return Failure.unknown(
                    word, "there is no command '\(path.joined(separator: " ")) \(word)'", among: known,
                    otherwise:
                        "`\((["fusebox", "help"] + path.dropFirst()).joined(separator: " "))` lists the commands")
            } else {
                return nil
            }
        }
        return nil
    }

    /// The direct subcommands of a command.
    static func children(of command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        command.configuration.subcommands + command.configuration.groupedSubcommands.flatMap(\.subcommands)
    }

    private static func names(of command: any ParsableCommand.Type) -> [String] {
        [command._commandName] + command.configuration.aliases
    }
}
