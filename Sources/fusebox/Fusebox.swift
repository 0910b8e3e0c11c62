import ArgumentParser
import FuseboxWire
import Glibc

/// The command-line tool. It asks and operates a running daemon, and works on its files without one.
@main
struct Fusebox: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fusebox",
        abstract: "Ask and operate fuseboxd: circuit breakers, quota exhaustion, spend and limits of a host.",
        discussion: """
            Tables are for people. With --json every answer is one JSON value for programs. Its fields have the names of \
            proto-docs/commands.md. Money is in exact dollars, and times are milliseconds since 1970 on the daemon's clock. \
            Identifiers are text: permits in decimal digits, epochs and workers in hexadecimal digits.

            EXAMPLES
              fusebox overview
              fusebox run --provider openai --provider anthropic --cost 0.01 -- ./ask.sh
              fusebox limit set --provider openai '$50 per month' '600 requests per minute'
              fusebox watch breaker exhaustion --json

            EXIT STATUS
              0   done
              64  the command line is wrong, or names something that does not exist
              65  a file or an input is damaged
              69  no daemon answers
              74  standard output cannot be written
              75  not now: the call is denied, or the command may succeed later
              77  not permitted
              78  denied, and waiting does not help: a limit is too small for the call, or used up for good
            `fusebox run` exits with the status of its command. If no daemon answers, a report is kept in the spool, which \
            counts as done (0): see `fusebox help spool`.
            """,
        version: "fusebox \(fuseboxVersion)",
        subcommands: [
            StatusCommand.self, OverviewCommand.self, LatencyCommand.self, WatchCommand.self, PingCommand.self,
            DoctorCommand.self, HealthCommand.self,
        ],
        groupedSubcommands: [
            CommandGroup(
                name: "Admission",
                subcommands: [
                    RunCommand.self, AdmitCommand.self, ReportCommand.self, PermitsCommands.self, SpoolCommands.self,
                ]),
            CommandGroup(
                name: "State",
                subcommands: [
                    BreakerCommands.self, ExhaustionCommands.self, PauseCommand.self, ResumeCommand.self,
                    LedgerCommands.self, LimitCommands.self,
                    NamesCommands.self, AliasCommands.self, PriceCommands.self, ForgetCommand.self,
                ]),
            CommandGroup(name: "Policy", subcommands: [ApplyCommand.self, PolicyCommands.self]),
            CommandGroup(
                name: "Files",
                subcommands: [SnapshotCommands.self, BackupCommand.self, ExportCommand.self, ImportCommand.self]),
            CommandGroup(
                name: "Offline",
                subcommands: [
                    CheckCommand.self, RepairCommand.self, JournalCommands.self, SimulateCommand.self,
                    ProtocolCommand.self,
                ]),
        ])

    // So that these options may also come before the subcommand.
    @OptionGroup var connection: PlainConnectionOptions

    static func main() {
        // A closed pipe is then an error of `write`, on which the tool ends quietly.
        _ = signal(SIGPIPE, SIG_IGN)
        CommandTree.unknownCommand(in: CommandLine.arguments.dropFirst())?.exit()
        CommandTree.repeatedOption(in: CommandLine.arguments.dropFirst())?.exit()
        LimitArgument.negative(in: CommandLine.arguments.dropFirst())?.exit()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            end(error)
        }
    }

    /// Prints a text that was requested instead of a command, such as help, and exits.
    private static func tell(_ message: String) -> Never {
        do throws(Failure) {
            var output = Output()
            if !message.isEmpty { try output.write(line: message) }
            try output.flush()
        } catch { error.exit() }
        Glibc.exit(0)
    }

    /// Prints an error and exits. The parser prints its own errors with the usage.
    private static func end(_ error: any Error) -> Never {
        Failure(of: error)?.exit()
        let message = fullMessage(for: error)
        if exitCode(for: error) == .success { tell(message) }
        guard exitCode(for: error) == .validationFailure, message.hasPrefix("Error: ") else { exit(withError: error) }
        // A `fusebox run` with a wrong command line makes no call.
        if CommandLine.arguments.dropFirst().prefix(while: { $0 != "--" }).contains(RunCommand.name) {
            UsageFile.tellOuterRun(notSent: ExitCode.validationFailure.rawValue)
        }
        let text = String(message.dropFirst("Error: ".count))
        guard !Failure.isJSONWanted else { Failure(.usage, text.part(before: "\nUsage:")).exit() }
        Failure.tell("fusebox: " + text)
        exit(withError: ExitCode.validationFailure)
    }
}

extension String {
    /// The text before a separator; all of it if it has none.
    fileprivate func part(before separator: String) -> String {
        var rest = self[...]
        while !rest.isEmpty, !rest.hasPrefix(separator) { rest = rest.dropFirst() }
        return String(self[..<rest.startIndex])
    }
}
