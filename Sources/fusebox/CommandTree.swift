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
