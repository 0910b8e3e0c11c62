import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

/// Who may read what of the ledger, with users and groups of the system. Only root can become another user.
@Suite(.enabled(if: geteuid() == 0)) struct ReaderCommandsTests {
    private static let user = 54_331
    /// A group that every Debian has.
    private static let group = "users"

    /// A daemon with calls of root and of a user, for tags of their own and one that they share.
    private func daemonThatSpent(_ flags: String...) throws -> Daemon {
        let daemon = try Daemon(arguments: ["--socket-mode", "0666"] + flags)
        chmod(daemon.folder.path, 0o755)
        // The build folder may not be readable by others.
        #expect(try Program.run(["/bin/cp", Program.fusebox, daemon.folder("fusebox")]).status == 0)
        chmod(daemon.folder("fusebox"), 0o755)
        _ = try daemon.fusebox("limit", "set", "--tag", "team:mail", "$5 per month")
        for (tag, isRoot) in [("team:mail", true), ("team:search", false)] {
            let arguments = ["ledger", "record", "openai", "gpt-4o", "--cost", "1", "--tag", tag]
            let outcome =
                isRoot
                ? try Program.run([Program.fusebox] + arguments + ["--socket", daemon.socket])
                : try worker(daemon, arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        return daemon
    }

    private func worker(_ daemon: Daemon, _ arguments: [String], group: String = "nogroup") throws -> Program.Outcome {
        let user = ["/usr/bin/setpriv", "--reuid=\(Self.user)", "--regid=\(group)", "--clear-groups"]
        return try Program.run(user + [daemon.folder("fusebox")] + arguments + ["--socket", daemon.socket])
    }

    private static let readable = [
        ["ledger", "show"], ["ledger", "show", "openai"], ["ledger", "show", "--host"],
        ["ledger", "show", "--tag", "team:search"], ["ledger", "list", "providers"], ["ledger", "list", "tags"],
        ["overview"], ["limit", "list"], ["permits"], ["status"],
    ]
    private static let restricted = [
        ["ledger", "show", "--tag", "team:mail"], ["ledger", "show", "openai", "--model", "gpt-4o"],
        ["ledger", "list", "models"], ["ledger", "list", "deployments"], ["ledger", "history"],
        ["limit", "list", "--tag", "team:mail"],
    ]

    @Test func aWorkerReadsTotalsOfProvidersAndItsOwnTags() throws {
        let daemon = try daemonThatSpent()
        for command in Self.readable {
            let outcome = try worker(daemon, command)
            #expect(outcome.status == 0, "\(command): \(outcome.errors)")
            #expect(!outcome.output.contains("team:mail"), "\(command): \(outcome.output)")
        }
        for command in Self.restricted {
            let outcome = try worker(daemon, command)
            #expect(outcome.status == 77, "\(command): \(outcome.errors)")
            #expect(outcome.output == "", "\(command)")
        }
        #expect(try worker(daemon, ["ledger", "list", "tags"]).output.contains("team:search"))
        #expect(try daemon.fusebox("ledger", "show", "--tag", "team:search").status == 0)
    }

    @Test func membersOfTheReadersGroupReadEverythingAndChangeNothing() throws {
        let daemon = try daemonThatSpent("--readers", Self.group)
        for command in Self.readable + Self.restricted {
            let outcome = try worker(daemon, command, group: Self.group)
            #expect(outcome.status == 0, "\(command): \(outcome.errors)")
        }
        #expect(try worker(daemon, ["limit", "list"], group: Self.group).output.contains("team:mail"))
        #expect(try worker(daemon, ["ledger", "reset", "--host"], group: Self.group).status == 77)
        #expect(try worker(daemon, ["ledger", "history"]).status == 77)
    }

    @Test func anOpenLedgerIsReadByEverybody() throws {
        let daemon = try daemonThatSpent("--open-ledger")
        for command in Self.readable + Self.restricted {
            let outcome = try worker(daemon, command)
            #expect(outcome.status == 0, "\(command): \(outcome.errors)")
        }
        #expect(try worker(daemon, ["ledger", "reset", "--host"]).status == 77)
    }

    @Test func aGroupThatDoesNotExistIsRefused() throws {
        let arguments = ["--readers", "no-such-group", "--data", "/nonexistent/data", "--socket", "/nonexistent/s"]
        let outcome = try Program.run([Program.fuseboxd] + arguments)
        #expect(outcome.status == 78 || outcome.status == 64)
        #expect(outcome.errors.contains("name another one with --readers"), "\(outcome.errors)")
    }
}
