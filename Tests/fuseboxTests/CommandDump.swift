import FuseboxInterop
import FuseboxTestSupport

/// The options and arguments of every subcommand of a program, as its parser dumps them.
struct CommandDump {
    struct Parameter: CustomStringConvertible {
        /// The words that select the subcommand.
        let command: [String]
        /// `option`, `flag` or `positional`.
        let kind: String
        /// The `--name` of an option or a flag.
        let name: String
        let valueName: String
        let isRequired: Bool
        let hasDefault: Bool
        /// Whether it may be given several times.
        let isRepeating: Bool
        /// The kind of values that a shell completes: `file`, `directory`, `list`, `custom`; nil if it completes none.
        let completion: String?
        let help: String

        var description: String { (command + [name]).joined(separator: " ") }

        /// Whether it is an option with a number: a count, a time, an amount.
        var isNumber: Bool { kind == "option" && !Self.words.contains(valueName) }

        /// The kinds of values that are not numbers.
        private static let words: Set<String> = [
            "path", "name", "directory", "outcome", "format", "length", "profile",
            "socket", "data", "durability", "admin-group", "readers", "log-level", "route", "tag", "rule", "moment",
            "percentages", "text", "json", "provider=name", "what", "date", "scope", "file",
        ]
    }

    private(set) var commands: [[String]] = []
    private(set) var parameters: [Parameter] = []

    init(of program: String) throws {
        let dump = try Program.run([program, "--experimental-dump-help"]).json
        walk(dump["command"] ?? .null, at: [])
    }

    private mutating func walk(_ command: JSONValue, at path: [String]) {
        commands.append(path)
        for argument in command["arguments"]?.list ?? [] {
            let kind = argument["kind"]?.text ?? ""
            let valueName = argument["valueName"]?.text ?? ""
            let help = argument["abstract"]?.text ?? ""
            parameters.append(
                Parameter(
                    command: path, kind: kind,
                    name: argument["preferredName"]?["name"]?.text.map { "--\($0)" } ?? "<\(valueName)>",
                    valueName: valueName, isRequired: argument["isOptional"]?.bool == false,
                    hasDefault: argument["defaultValue"]?.text != nil || help.contains("(default: "),
                    isRepeating: argument["isRepeating"]?.bool == true,
                    completion: argument["completionKind"]?.members?.first?.key, help: help))
        }
        for child in command["subcommands"]?.list ?? [] {
            // The parser adds this option.
            guard let name = child["commandName"]?.text, name != "help" else { continue }
            walk(child, at: path + [name])
        }
    }
}
