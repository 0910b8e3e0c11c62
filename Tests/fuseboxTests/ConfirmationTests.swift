import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

@testable import fusebox

/// What cannot be undone is asked for on a terminal, and wants `--yes` where there is none.
struct ConfirmationTests {
    private let daemon: Daemon

    init() throws {
        daemon = try Daemon()
        _ = try daemon.fusebox("ledger", "record", "openai", "gpt-4o", "--cost", "1", "--tag", "user:1")
    }

    private static let commands = [
        ["forget", "openai"], ["ledger", "reset", "openai"], ["ledger", "reset", "--host"],
        ["ledger", "forget", "--tag", "user:1"],
    ]

    private var spend: JSONValue? { get throws { try daemon.json("ledger", "show", "openai")["usage"]?["spend"] } }

    @Test(arguments: commands) func withoutATerminalItWantsConsent(_ command: [String]) throws {
        let refused = try Program.run([Program.fusebox] + command + ["--socket", daemon.socket])
        #expect(refused.status == 64)
        #expect(refused.errors.hasSuffix("and that cannot be undone; if it is meant, say so with --yes\n"))
        #expect(try spend == 1)
        #expect(try Program.run([Program.fusebox] + command + ["--yes", "--socket", daemon.socket]).status == 0)
    }

    @Test func whatWouldBeForgottenIsToldAndNothingIs() throws {
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "5 rpm", "$9 per day")
        let told = try daemon.fusebox("forget", "openai", "--dry-run")
        #expect(told.status == 0 && told.errors == "")
        #expect(told.output.contains("its account of $1"), "\(told.output)")
        #expect(told.output.contains("with 1 model, 2 limits; nothing was changed"), "\(told.output)")
        let json = try daemon.json("forget", "openai", "--dry-run")
        #expect(json["spend"] == 1 && json["limits"]?.list?.count == 2)
        #expect(try spend == 1)
        #expect(try daemon.fusebox("forget", "nobody", "--dry-run").status == 64)
    }

    @Test func anImportWantsConsentAndCanBeTriedFirst() throws {
        let state = try daemon.fusebox("export").output
        let tried = try daemon.fusebox("import", "-", "--dry-run", input: state)
        #expect(tried.status == 0)
        #expect(tried.output == "standard input holds 0 breakers, 0 marks, 1 provider; nothing was imported\n")
        let refused = try daemon.fusebox("import", "-", input: state)
        #expect(refused.status == 64 && refused.errors.contains("say so with --yes"))
        #expect(try daemon.fusebox("import", "-", "--yes", input: state).status == 0)
    }

    /// Runs the tool on a terminal, and answers its question.
    private func onTerminal(_ command: [String], answer: String) throws -> (status: String, output: String) {
        let program = """
            import os, pty, sys
            child, terminal = pty.fork()
            if child == 0:
                os.execv(sys.argv[2], sys.argv[2:])
            seen = b""
            while b"[y/N]" not in seen:
                seen += os.read(terminal, 1024)
            os.write(terminal, sys.argv[1].encode() + b"\\n")
            try:
                while chunk := os.read(terminal, 1024):
                    seen += chunk
            except OSError:
                pass
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
            sys.stdout.buffer.write(seen)
            """
        let outcome = try Program.run(
            ["/usr/bin/env", "python3", "-c", program, answer, Program.fusebox] + command + [
                "--socket", daemon.socket,
            ],
            environment: daemon.environment)
        return (outcome.lines.first ?? "", outcome.output)
    }

    @Test func onATerminalItAsks() throws {
        let no = try onTerminal(["ledger", "reset", "openai"], answer: "n")
        #expect(no.status == "64" && no.output.contains("Go on? [y/N]") && no.output.contains("nothing was changed"))
        #expect(try onTerminal(["ledger", "reset", "openai"], answer: "").status == "64")
        #expect(try spend == 1)
        #expect(try onTerminal(["ledger", "reset", "openai"], answer: "y").status == "0")
        #expect(try spend == 0)
    }

    @Test func errorsAreJSONWhereAnswersAre() throws {
        for (command, status) in [(["forget", "nobody"], 64), (["status", "--nonsense"], 64), (["nonsense"], 64)] {
            let outcome = try Program.run([Program.fusebox] + command + ["--json", "--socket", daemon.socket])
            #expect(outcome.status == Int32(status) && outcome.output == "")
            let error = try JSONValue(parsing: Array(outcome.errors.utf8))["error"]
            #expect(error?["exitStatus"] == JSONValue(status), "\(command)")
            #expect(error?["message"]?.text?.isEmpty == false && error?["message"]?.text?.contains("\n") == false)
        }
    }

    /// Every command that has --json, with arguments that it has or needs, without a daemon and without the files.
    @Test func everyCommandThatAnswersInJSONTellsItsErrorsInJSON() throws {
        let dump = try CommandDump(of: Program.fusebox)
        let commands = dump.commands.filter { command in
            dump.parameters.contains { $0.command == command && $0.name == "--json" }
        }
        #expect(commands.count > 60)
        var failed = 0
        for command in commands where !command.isEmpty {
            let needed = dump.parameters.filter { $0.command == command && $0.isRequired && $0.kind != "flag" }
            let arguments = needed.flatMap { $0.kind == "option" ? [$0.name, "/nowhere"] : ["/nowhere"] }
            let outcome = try Program.run(
                [Program.fusebox] + command + ["--json", "--socket", "/nowhere"] + arguments)
            guard outcome.status != 0, outcome.output == "" else { continue }
            failed += 1
            let error = try? JSONValue(parsing: Array(outcome.errors.utf8))["error"]
            #expect(error?["exitStatus"] == JSONValue(Int(outcome.status)), "\(command): \(outcome.errors)")
        }
        #expect(failed > 50)
    }
}
