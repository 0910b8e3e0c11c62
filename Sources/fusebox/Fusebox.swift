import ArgumentParser
import Glibc

/// The command-line tool: asks and operates a running daemon, and works on its files without one.
@main
struct Fusebox: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fusebox",
        abstract: "Asks and operates fuseboxd: circuit breakers, quota exhaustion and the credit ledger of a host.",
        discussion: """
            Tables are for people; with --json every answer is one JSON value for programs, its fields named as in \
            proto-docs/commands.md: money in exact dollars, moments in milliseconds since 1970 on the daemon's clock, and as text what has no meaning as \
            a number: permits, and epochs and workers in hexadecimal digits.

            EXAMPLES
              fusebox overview
              fusebox run --provider openai --provider anthropic --cost 0.01 -- ./ask.sh
              fusebox ledger budget set openai --monthly 50 --rpm 60
              fusebox watch breaker exhaustion --json

            EXIT STATUS
              0   done
              64  the command line is wrong, or names something that does not exist
              65  a file, or what was read, is damaged
              69  no daemon answers
              74  standard output cannot be written
              75  not now: a call that may not go out, or something to try again
              77  not permitted
              78  denied, and waiting does not help: a budget or limit is too small for the call, or used up for good
            `fusebox run` passes on the exit status of its command. A report that no daemon takes is kept in the spool, and \
            that is done (0): see `fusebox help spool`.
            """,
        version: "fusebox 0.1.0",
        subcommands: [
            StatusCommand.self, OverviewCommand.self, WatchCommand.self, PingCommand.self,
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
                    BreakerCommands.self, ExhaustionCommands.self, LedgerCommands.self, ForgetCommand.self,
                ]),
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

    // Here too, so that it may stand before the subcommand.
    @OptionGroup var connection: ConnectionOptions

    static func main() {
        // A reader that has had enough is met as an error of writing, and ends the tool quietly.
        _ = signal(SIGPIPE, SIG_IGN)
        CommandTree.unknownCommand(in: CommandLine.arguments.dropFirst())?.exit()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            end(error)
        }
    }

    /// Prints what was asked for in the place of a command, such as help, and exits.
    private static func tell(_ message: String) -> Never {
        do throws(Failure) {
            var output = Output()
            if !message.isEmpty { try output.write(line: message) }
            try output.flush()
        } catch { error.exit() }
        Glibc.exit(0)
    }

    /// Tells what went wrong, in one line where it was not the command line itself, and exits.
    private static func end(_ error: any Error) -> Never {
        Failure(of: error)?.exit()
        let message = fullMessage(for: error)
        if exitCode(for: error) == .success { tell(message) }
        guard exitCode(for: error) == .validationFailure, message.hasPrefix("Error: ") else { exit(withError: error) }
        // A `run` that is not understood makes no call either.
        if CommandLine.arguments.dropFirst().prefix(while: { $0 != "--" }).contains(RunCommand.name) {
            UsageFile.tellOuterRun(notSent: ExitCode.validationFailure.rawValue)
        }
        Failure.tell("fusebox: " + message.dropFirst("Error: ".count))
        exit(withError: ExitCode.validationFailure)
    }
}
