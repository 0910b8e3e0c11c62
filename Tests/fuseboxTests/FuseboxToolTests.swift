import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

/// Properties of every subcommand: options, exit statuses, errors.
struct FuseboxToolTests {
    @Test func saysItsVersionWhichIsTheDaemons() throws {
        let outcome = try Program.run([Program.fusebox, "--version"])
        let daemon = try Program.run([Program.fuseboxd, "--version"])
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("fusebox "))
        #expect(outcome.output.split(separator: " ").last == daemon.output.split(separator: " ").last)
    }

    @Test(arguments: [
        ["nonsense"], ["breaker", "reset"], ["breaker", "reset", "a", "--all"], ["breaker", "configure"],
        ["exhaustion", "mark", "a", "--for", "5x"], ["exhaustion", "default", "--for=-1s"],
        ["exhaustion", "mark", "a", "--for", "9999d"],
        ["ledger", "reset", "a", "b"], ["ledger", "record", "a", "m", "--cost", "1e7"],
        ["ledger", "record", "a", "m", "--cost", "1,5"], ["ledger", "record", "a", "m"],
        ["ledger", "reset", "a", "--host"], ["breaker", "configure", "a", "--curve", "1,2"], ["watch", "weather"],
        ["protocol"], ["protocol", "--format", "vectors"], ["protocol", "--format", "json", "here"],
        ["simulate", "--profile", "other", "trace"], ["export", "--format", "yaml"], ["ping", "--count", "0"],
        ["snapshot", "verify", "/nowhere/at/all"], ["admit", "--provider", "a"], ["admit", "--dry-run"],
        ["report", "--provider", "a", "--outcome", "fine"],
        ["report", "--provider", "a", "--outcome", "rejected", "--retry-after", "1s"],
        ["report", "--provider", "a"], ["report", "--provider", "a", "--status", "99"],
        ["report", "--provider", "a", "--status", "429", "--outcome", "throttled"],
        ["exhaustion", "mark", "a", "--for", "-1s"],
        ["report", "--provider", "a", "--outcome", "cancelled", "--cost", "1"],
    ])
    func aWrongCommandLineEndsWith64(_ arguments: [String]) throws {
        let outcome = try Program.run([Program.fusebox] + arguments + ["--socket", "/nowhere"])
        #expect(outcome.status == 64)
        #expect(outcome.output == "")
        #expect(outcome.errors.hasPrefix("fusebox: "))
    }

    @Test(
        arguments: [
            (
                ["run", "--provider", "a", "--ttl", "25h", "--", "true"],
                "such as 500ms, 60s, 1.5h, 1h30m or 7d, from 1ms to 1d"
            ),
            (["ledger", "burn", "a", "--window", "90"], "such as 500ms, 60s, 1.5h, 1h30m or 7d, of at least 0s"),
            (
                ["breaker", "configure", "a", "--reset-timeout", "x"],
                "such as 500ms, 60s, 1.5h, 1h30m or 7d, from 1ms to 366d"
            ),
            (["exhaustion", "mark", "a", "--for", "9999d"], "such as 1500ms, 6m0s or 1.5h, or a moment"),
            (["report", "--provider", "a", "--outcome", "failure", "--retry-after", "soon"], "up to 366d from now"),
            (
                ["admit", "--dry-run", "--provider", "a", "--cost", "2e6"],
                "such as 0.0012, $1,200.50, '5 USD' or '12 cents', from 0 to 1000000"
            ),
            (
                ["report", "--provider", "a", "--outcome", "failure", "--input-tokens", "1.5"],
                "give a whole number from 0 to 4294967295"
            ),
            (
                ["report", "--provider", "a", "--outcome", "failure", "--output-tokens", "1e10"],
                "give a whole number from 0 to 4294967295"
            ),
            (["run", "--provider", "a", "--tokens", "many", "--", "true"], "give a whole number from 0 to 4294967295"),
            (
                ["permits", "revoke", "p1"],
                "give the number of a permit, from 1 to 18446744073709551615: `fusebox permits` lists them"
            ),
        ] as [([String], String)])
    func aWrongDurationTimeOrAmountSaysTheFormsAndTheRange(arguments: [String], words: String) throws {
        let outcome = try Program.run([Program.fusebox] + arguments)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }

    @Test func durationsAndTimesAreUnderstoodInEveryForm() throws {
        let daemon = try Daemon()
        for (text, seconds) in [("90", 90), ("1.5h", 5_400), ("1h30m", 5_400), ("6m0s", 360), ("1500ms", 2)] {
            _ = try daemon.fusebox("exhaustion", "mark", "p", "--for", text)
            let mark = try daemon.json("exhaustion", "get", "p")["entry"]
            let length = (mark?["resetsAt"]?.int64 ?? 0) - (mark?["exhaustedAt"]?.int64 ?? 0)
            #expect((length + 999) / 1_000 == seconds, "\(text)")
            _ = try daemon.fusebox("exhaustion", "clear", "p")
        }
        _ = try daemon.fusebox("exhaustion", "default", "--for", "1h30m")
        #expect(try daemon.json("exhaustion", "default")["cooldownMilliseconds"] == 5_400_000)
        _ = try daemon.fusebox("breaker", "configure", "--default", "--reset-timeout", "1.5h")
        _ = try daemon.fusebox("ledger", "record", "p", "m", "--cost", "7.5e-05", "--input-tokens", "1.2e3")
        _ = try daemon.fusebox("report", "--provider", "p", "--outcome", "success", "--input-tokens", "120.0")
        #expect(try daemon.json("ledger", "show", "p")["usage"]?["inputTokens"] == 1_320)
        #expect(try daemon.json("ledger", "burn", "p", "--window", "1d12h")["windowMilliseconds"] == 129_600_000)
    }

    @Test(arguments: [
        ["breaker", "get", ""], ["breaker", "get", "a\u{1}"], ["breaker", "serialize", "nobody"], ["forget", "nobody"],
        ["ledger", "show", "nobody"],
    ])
    func whatTheDaemonDoesNotTakeEndsWith64(_ arguments: [String]) throws {
        let daemon = try Daemon()
        let outcome = try Program.run([Program.fusebox] + arguments + ["--socket", daemon.socket])
        #expect(outcome.status == 64)
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }

    @Test func withoutADaemonItEndsWith69AndSaysWhatToDo() throws {
        let folder = TemporaryFolder()
        let socket = "\(folder.path)/none"
        for arguments in [["status"], ["breaker", "acquire", "a"], ["watch"], ["export"], ["ping"]] {
            let outcome = try Program.run([Program.fusebox] + arguments, environment: ["FUSEBOX_SOCKET": socket])
            #expect(outcome.status == 69)
            #expect(outcome.output == "")
            #expect(outcome.errors.hasPrefix("fusebox: no daemon answers at \(socket)"))
            #expect(outcome.errors.contains("is fuseboxd running"))
            #expect(outcome.errors.split(separator: "\n").count == 1)
        }
    }

    @Test func theSocketMayStandBeforeTheSubcommandAndInTheEnvironment() throws {
        let daemon = try Daemon()
        let before = try Program.run([Program.fusebox, "--socket", daemon.socket, "--json", "breaker", "list"])
        #expect(try before.json["breakers"]?.list?.isEmpty == true)
        let surrounding = try Program.run([Program.fusebox, "status"], environment: ["FUSEBOX_SOCKET": daemon.socket])
        #expect(surrounding.status == 0)
        let stronger = try Program.run(
            [Program.fusebox, "status", "--socket", daemon.socket], environment: ["FUSEBOX_SOCKET": "/nowhere"])
        #expect(stronger.status == 0)
    }

    @Test func aReaderThatHasHadEnoughEndsItQuietly() throws {
        let daemon = try Daemon()
        // More than a pipe has room for.
        let child = try Child([
            "/bin/sh", "-c",
            "{ '\(Program.fusebox)' ping --count 20000 --socket '\(daemon.socket)'; echo $? >&2; } | head -1",
        ])
        let outcome = child.end()
        #expect(outcome.lines.count == 1)
        #expect(outcome.errors == "0\n")
    }

    @Test func outputThatCannotBeWrittenIsNoSuccess() throws {
        let outcome = try Program.run(["/bin/sh", "-c", "'\(Program.fusebox)' protocol --format json > /dev/full"])
        #expect(outcome.status == 74)
        #expect(outcome.errors == "fusebox: cannot write standard output: No space left on device\n")
    }

    // MARK: Permission

    /// A command that runs a program as an unprivileged user; nil where this is not possible.
    private static func asNobody(_ arguments: [String]) -> [String]? {
        guard geteuid() == 0, access("/usr/bin/setpriv", X_OK) == 0 else { return nil }
        return ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] + arguments
    }

    static let canBeNobody = asNobody([]) != nil

    /// A copy of the tool that other users may run, because they may not be able to read the build folder.
    private static func runAsNobody(_ arguments: [String], with daemon: Daemon) throws -> Program.Outcome {
        let copy = "\(daemon.folder.path)/fusebox"
        chmod(daemon.folder.path, 0o755)
        _ = try Program.run(["/bin/cp", Program.fusebox, copy])
        chmod(copy, 0o755)
        return try Program.run(asNobody([copy] + arguments + ["--socket", daemon.socket]) ?? [])
    }

    @Test(.enabled(if: canBeNobody)) func aSocketThatOneMayNotUseEndsWith77() throws {
        let outcome = try Self.runAsNobody(["status"], with: try Daemon(arguments: ["--socket-mode", "600"]))
        #expect(outcome.status == 77)
        #expect(outcome.errors.hasPrefix("fusebox: no permission to connect to "))
        #expect(outcome.errors.contains("--socket-mode"))
    }

    @Test(.enabled(if: canBeNobody)) func aSocketOfAGroupSaysWhichItIs() throws {
        let outcome = try Self.runAsNobody(["status"], with: try Daemon(arguments: ["--socket-mode", "660"]))
        #expect(outcome.status == 77)
        #expect(outcome.errors.contains("members of the group 'root' may"))
    }

    @Test(
        .enabled(if: canBeNobody),
        arguments: [
            ["breaker", "open", "a"], ["snapshot", "now"], ["export"], ["ledger", "reset", "--host"],
            ["limit", "set", "--host", "$1 per day"], ["limit", "raise", "--host", "$1 per day", "--for", "1h"],
            ["limit", "remove", "--host", "--all"],
        ])
    func anOperatorsCommandEndsWith77ForOthers(_ arguments: [String]) throws {
        let daemon = try Daemon(arguments: ["--socket-mode", "666"])
        #expect(try Self.runAsNobody(["breaker", "acquire", "a"], with: daemon).status == 0)
        let outcome = try Self.runAsNobody(arguments, with: daemon)
        #expect(outcome.status == 77)
        #expect(outcome.errors.contains("operators"))
    }
}
