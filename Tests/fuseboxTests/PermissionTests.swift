import FuseboxTestSupport
import Glibc
import Testing

/// A user whom permissions restrict. They do not restrict root, which changes to another user.
private enum Unprivileged {
    static let prefix =
        geteuid() == 0 ? ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []

    /// Whether the tools can be run as that user.
    static let isPossible = (try? Program.run(prefix + [Program.fusebox, "--version"]).status) == 0
}

/// The errors of the tools for a user that may not read a data directory, or may read and not write it.
@Suite(.enabled(if: Unprivileged.isPossible)) struct PermissionTests {
    private let folder = TemporaryFolder()
    private var data: String { "\(folder.path)/data" }

    private func tool(_ arguments: String...) throws -> Program.Outcome {
        try Program.run(Unprivileged.prefix + [Program.fusebox] + arguments)
    }

    /// A daemon's directory and a snapshot of it, both with these permissions.
    private func written(directory: mode_t, files: mode_t) throws -> (names: [String], backup: String) {
        let daemon = try Daemon(in: folder)
        _ = try daemon.fusebox("ledger", "record", "openai", "gpt-4o", "--cost", "0.5")
        let backup = "\(folder.path)/backup.fusebox"
        _ = try daemon.fusebox("snapshot", "save", backup)
        daemon.stop()
        let names = try Program.run(["/bin/ls", data]).lines
        for name in names { chmod("\(data)/\(name)", files) }
        chmod(backup, 0o644)
        chmod(data, directory)
        chmod(folder.path, 0o755)
        return (names, backup)
    }

    private func first(_ names: [String], _ prefix: String) throws -> String {
        "\(data)/\(try #require(names.first { $0.hasPrefix(prefix) }))"
    }

    /// One line with the refused operation and its path, and status 77.
    private func expectRefused(
        _ outcome: Program.Outcome, _ path: String, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.status == 77, sourceLocation: location)
        #expect(outcome.errors.contains(#/^(fusebox: |{"error":{"message":")cannot /#), sourceLocation: location)
        #expect(outcome.errors.contains(path), sourceLocation: location)
        #expect(outcome.errors.contains(": Permission denied"), sourceLocation: location)
        #expect(outcome.output == "", sourceLocation: location)
    }

    @Test(arguments: [["--json"], []]) func aDirectoryThatMayNotBeEntered(_ json: [String]) throws {
        let (names, backup) = try written(directory: 0o000, files: 0o600)
        let commands = [["check", data], ["repair", data], ["snapshot", "restore", backup, "--data", data]]
        for command in commands {
            expectRefused(try Program.run(Unprivileged.prefix + [Program.fusebox] + command + json), data)
        }
        expectRefused(try tool("journal", "dump", try first(names, "journal-")), data)
        expectRefused(try tool("snapshot", "show", try first(names, "snapshot-")), data)
        expectRefused(try tool("snapshot", "verify", try first(names, "snapshot-")), data)
        chmod(data, 0o755)
        #expect(try Program.run(["/bin/ls", data]).lines == names)
    }

    @Test func filesThatMayNotBeRead() throws {
        let (names, backup) = try written(directory: 0o755, files: 0o000)
        for command in [
            ["check", data], ["repair", data], ["snapshot", "restore", backup, "--data", data, "--force"],
        ] {
            expectRefused(try Program.run(Unprivileged.prefix + [Program.fusebox] + command), data)
        }
        #expect(try Program.run(["/bin/ls", data]).lines == names)
    }

    @Test func aDirectoryThatMayOnlyBeReadCanBeLookedAt() throws {
        let (names, backup) = try written(directory: 0o755, files: 0o644)
        #expect(try tool("check", data).status == 0)
        #expect(try tool("journal", "dump", try first(names, "journal-")).status == 0)
        #expect(try tool("snapshot", "verify", try first(names, "snapshot-")).status == 0)
        expectRefused(try tool("repair", data), data)
        expectRefused(try tool("snapshot", "restore", backup, "--data", data, "--force"), data)
        #expect(try Program.run(["/bin/ls", data]).lines == names)
    }

    /// The daemon reports it in the same way.
    @Test func aDaemonOnADirectoryThatMayNotBeEntered() throws {
        _ = try written(directory: 0o000, files: 0o600)
        let outcome = try Program.run(
            Unprivileged.prefix + [Program.fuseboxd, "--data", data, "--socket", "\(folder.path)/other"])
        #expect(outcome.status == 74)
        #expect(outcome.errors.contains(data) && outcome.errors.contains("Permission denied"))
    }
}
