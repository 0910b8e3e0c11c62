import ArgumentParser

/// The subcommands by their names, as a command line walks through them.
enum CommandTree {
    /// What is wrong with the names of commands in a command line: the first that there is none of. The parser would take
    /// `help nosuch` and `nosuch --help` for a wish to read about something else.
    static func unknownCommand(in arguments: some Sequence<String>) -> Failure? {
        var command: any ParsableCommand.Type = Fusebox.self
        var path = ["fusebox"]
        var isHelp = false
        var words = arguments.makeIterator()
        while let word = words.next() {
            if word == "--" { return nil }
            guard !word.hasPrefix("-") else {
                // The root's options with a value, of which the parser has one.
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
                        "`\((["fusebox", "help"] + path.dropFirst()).joined(separator: " "))` lists those there are")
            } else {
                return nil
            }
        }
        return nil
    }

    /// The commands right below one.
    static func children(of command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        command.configuration.subcommands + command.configuration.groupedSubcommands.flatMap(\.subcommands)
    }

    private static func names(of command: any ParsableCommand.Type) -> [String] {
        [command._commandName] + command.configuration.aliases
    }
}
