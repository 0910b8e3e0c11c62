import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

@testable import fusebox

/// The promises of the help texts, checked for every subcommand.
struct HelpTests {
    @Test(
        arguments: [
            Program.fusebox, Program.fuseboxd,
        ])
    func helpShowsTheDefaultOfEveryOptionAndArgumentThatMayBeLeftOut(_ program: String) throws {
        let dump = try CommandDump(of: program)
        #expect(dump.parameters.count > 10)
        for parameter in dump.parameters where parameter.kind != "flag" {
            #expect(parameter.isRequired || parameter.hasDefault, "\(parameter)")
        }
    }

    @Test(
        arguments: [
            Program.fusebox, Program.fuseboxd,
        ])
    func shellsCompleteTheNamesOfFilesAndDirectories(_ program: String) throws {
        let paths = ["path", "file", "directory", "trace", "socket", "data"]
        // The files of the spool are named without their folder.
        let parameters = try CommandDump(of: program).parameters.filter { parameter in
            parameter.kind != "flag" && paths.contains(parameter.valueName) && parameter.command.first != "spool"
        }
        #expect(parameters.count > 1)
        for parameter in parameters {
            #expect(["file", "directory"].contains(parameter.completion), "\(parameter)")
        }
    }

    @Test func everySubcommandHasAHelpTextAndSaysWhatEachOfItsParametersIsFor() throws {
        let dump = try CommandDump(of: Program.fusebox)
        #expect(dump.commands.count > 50)
        for parameter in dump.parameters { #expect(!parameter.help.isEmpty, "\(parameter)") }
        for command in dump.commands where command.count < 2 {
            let outcome = try Program.run([Program.fusebox, "help"] + command)
            #expect(outcome.status == 0)
            #expect(outcome.output.hasPrefix("OVERVIEW: "), "\(command)")
            #expect(outcome.errors == "")
        }
    }

    // The parser would derive a name from its type. That search took more than half of the tool's start.
    @Test func everySubcommandDeclaresItsName() {
        var commands = CommandTree.children(of: Fusebox.self)
        var count = 0
        while let command = commands.popLast() {
            #expect(command.configuration.commandName != nil, "\(command)")
            commands += CommandTree.children(of: command)
            count += 1
        }
        #expect(count > 80)
    }

    // MARK: Unknown commands

    @Test(
        arguments: [
            (["statsu"], "did you mean 'status'?"), (["help", "statsu"], "did you mean 'status'?"),
            (["brekaer", "list"], "did you mean 'breaker'?"), (["breaker", "lst"], "did you mean 'list'?"),
            (["help", "breaker", "lst"], "did you mean 'list'?"),
            (["breaker", "lst", "--help"], "did you mean 'list'?"),
            (["snapshot", "svae", "file"], "did you mean 'save'?"), (["--json", "overveiw"], "'overview'?"),
            (["--socket", "/nowhere", "pnig"], "did you mean 'ping'?"),
            (["nosuch"], "`fusebox help` lists the commands"),
            (["help", "nosuch"], "`fusebox help` lists the commands"),
            (["breaker", "nosuch"], "`fusebox help breaker` lists the commands"),
            (["help", "breaker", "nosuch"], "`fusebox help breaker` lists the commands"),
        ] as [([String], String)])
    func aCommandThatThereIsNotEndsWith64AndSaysWhichWasMeant(_ arguments: [String], _ hint: String) throws {
        let outcome = try Program.run([Program.fusebox] + arguments)
        #expect(outcome.status == 64)
        #expect(outcome.output == "")
        #expect(outcome.errors.contains("there is no command 'fusebox "), "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix(arguments.contains("--json") ? "{" : "fusebox: "))
        #expect(outcome.errors.contains(hint), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }

    /// The parser would take such a word for an argument of the default subcommand.
    @Test func aMistypedSubcommandIsNoArgumentOfTheDefaultOne() throws {
        let groups = CommandTree.children(of: Fusebox.self).filter { $0.configuration.defaultSubcommand != nil }
        #expect(groups.count > 4)
        for group in groups {
            let word = try #require(group.configuration.commandName)
            for command in CommandTree.children(of: group) {
                let name = try #require(command.configuration.commandName)
                for options in [[], ["--json"], ["--timeout", "1s"], ["--socket=/nowhere"]] {
                    let failure = CommandTree.unknownCommand(in: [word] + options + [name + "x"])
                    #expect(failure?.status == .usage)
                    #expect(
                        failure?.message == "there is no command 'fusebox \(word) \(name)x'; did you mean '\(name)'?",
                        "\(word) \(options)")
                }
                #expect(CommandTree.unknownCommand(in: [word, name, name + "x"]) == nil)
            }
        }
        // An option's value is none, and a group alone is its default subcommand.
        for line in [["limit", "--provider", "listx"], ["permits", "--waiting"], ["price"], ["policy", "--json"]] {
            #expect(CommandTree.unknownCommand(in: line) == nil, "\(line)")
        }
        for command in [["price", "lisst"], ["limit", "--json", "lisst"]] {
            let outcome = try Program.run([Program.fusebox] + command + ["--socket", "/nowhere"])
            #expect(outcome.status == 64 && outcome.errors.contains("did you mean 'list'?"), "\(outcome.errors)")
        }
    }

    /// The parser would take the last one and charge that alone.
    @Test func anOptionThatNamesWhatIsChargedIsRefusedTwiceWhereItHasOneValue() throws {
        let names = ["--route", "--provider", "--deployment", "--model", "--tag"]
        let parameters = try CommandDump(of: Program.fusebox).parameters.filter { names.contains($0.name) }
        #expect(Set(parameters.map(\.isRepeating)) == [true, false])
        for parameter in parameters {
            let twice = ["\(parameter.name)=a", parameter.name, "b", "--socket", "/nowhere"]
            let outcome = try Program.run([Program.fusebox] + parameter.command + twice)
            let isRefused = outcome.errors.contains("\(parameter.name) is given twice")
            #expect(isRefused != parameter.isRepeating && outcome.status != 0, "\(parameter): \(outcome.errors)")
        }
    }

    @Test func whatFollowsIsNoCommandOfThisTool() throws {
        let outcome = try Program.run([
            Program.fusebox, "run", "--fail-open", "--provider", "p", "--socket", "/nowhere", "--", "echo", "help",
        ])
        #expect(outcome.status == 0)
        #expect(outcome.output == "help\n")
    }

    // MARK: Numbers

    @Test(
        arguments: [
            Program.fusebox, Program.fuseboxd,
        ])
    func whatIsNoNumberOrOutOfRangeIsToldTheFormAndTheRangeByEveryOptionThatTakesOne(_ program: String) throws {
        let numbers = try CommandDump(of: program).parameters.filter(\.isNumber)
        #expect(numbers.count > 5)
        // An option that several commands share, such as `--timeout`, is declared once.
        var seen: Set<[String]> = []
        for parameter in numbers
        where seen.insert([parameter.name, parameter.valueName, parameter.help]).inserted {
            // A provider's "-1" means now, a correction takes it back, and a ratio has no upper bound.
            let values = [("x", []), ("-1", ["--retry-after", "amount"]), ("99999999999999999999999", ["ratio"])]
            for (value, but) in values where !but.contains(parameter.name) && !but.contains(parameter.valueName) {
                let outcome = try Program.run([program] + parameter.command + [parameter.name, value])
                #expect(outcome.status == 64, "\(parameter) \(value)")
                #expect(outcome.output == "")
                #expect(
                    outcome.errors.contains(
                        #/: (give|'.*' is no .*;) .*(from .* to |of at least 0|up to .* from now)/#),
                    "\(parameter) \(value): \(outcome.errors)")
            }
        }
        if program == Program.fusebox {
            let outcome = try Program.run([program, "permits", "revoke", "12x"])
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains("give the number of a permit, from 1 to 18446744073709551615"))
        }
    }

    // MARK: Output that fails

    @Test func outputThatCannotBeWrittenEndsWith74WhateverWasToBePrinted() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("breaker", "failure", "openai")
        _ = try daemon.fusebox("snapshot", "now")
        let file = "'\(daemon.data)'"
        let commands = [
            "overview", "overview --json", "status", "breaker list", "breaker get openai --json", "ledger show",
            "permits list", "exhaustion list", "snapshot list", "snapshot save -", "spool list", "ping", "export",
            "admit --dry-run --provider openai", "breaker acquire openai", "check \(file)", "check \(file) --json",
            "journal dump \(file)/journal-0*", "protocol --format markdown", "protocol --format json",
            "--version", "--help", "help", "help run", "ledger --help", "limit set --help", "breaker",
            "--generate-completion-script bash",
        ]
        for command in commands {
            let outcome = try Program.run(
                [
                    "/bin/sh", "-c", "'\(Program.fusebox)' \(command) > /dev/full",
                ], environment: ["FUSEBOX_SOCKET": daemon.socket])
            #expect(outcome.status == 74, "\(command): \(outcome.errors)")
            let message = "cannot write standard output: No space left on device"
            let error =
                command.hasSuffix("--json")
                ? #"{"error":{"message":"\#(message)","exitStatus":74}}"# : "fusebox: \(message)"
            #expect(outcome.errors == error + "\n", "\(command)")
        }
        for command in [
            "--help", "--version", "--check --socket '\(daemon.folder.path)/other' --data '\(daemon.folder.path)/new'",
        ] {
            let outcome = try Program.run(["/bin/sh", "-c", "'\(Program.fuseboxd)' \(command) > /dev/full"])
            #expect(outcome.status == 74, "\(command): \(outcome.errors)")
        }
    }

    @Test func eventsThatCannotBeWrittenEndTheWatchWith74() throws {
        let daemon = try Daemon()
        let watch = try Child(
            ["/bin/sh", "-c", "exec '\(Program.fusebox)' watch > /dev/full"],
            environment: ["FUSEBOX_SOCKET": daemon.socket])
        try daemon.waitForSubscribers(1)
        _ = try daemon.fusebox("breaker", "failure", "openai")
        #expect(watch.end().status == 74)
    }
}
