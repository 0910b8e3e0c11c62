import FuseboxClient
import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

@testable import fusebox

struct BackupCommandTests {
    private let folder = TemporaryFolder()
    private var backups: String { "\(folder.path)/backups" }

    @Test func aBackupIsDatedVerifiedAndCanBeRestored() throws {
        let daemon = try Daemon(in: folder)
        _ = try daemon.fusebox("ledger", "record", "openai", "gpt-4o", "--cost", "0.5")
        let json = try daemon.json("backup", backups)
        let file = try #require(json["file"]?.text)
        let name = try #require(file.split(separator: "/").last)
        #expect(name.wholeMatch(of: /fusebox-\d{4}-\d\d-\d\dT\d{6}Z\.snapshot/) != nil)
        #expect(json["sequence"] == 2)
        #expect(try Program.run([Program.fusebox, "snapshot", "verify", file]).status == 0)
        #expect(try Program.run(["/bin/ls", "-A", backups]).lines == [String(name)])
    }

    /// Their answers wait until the daemon's disk has a whole snapshot.
    @Test(
        arguments: [
            ["backup", "/backups"], ["snapshot", "now"], ["snapshot", "list"], ["snapshot", "save", "-"],
            ["import", "-"], ["ledger", "history"], ["ledger", "forget", "--tag", "user:1"],
        ])
    func whatWaitsForTheDiskHasTenMinutesAndATimeoutOfItsOwn(_ command: [String]) throws {
        for (timeout, milliseconds) in ["10m": 600_000, "20m": 1_200_000, "1s": 1_000] {
            // The first is what holds without the option.
            let options = timeout == "10m" ? [] : ["--timeout", timeout]
            let configuration = try Self.configuration(of: command + options)
            #expect(configuration.operatorTimeoutMilliseconds == milliseconds)
            #expect(configuration.requestTimeoutMilliseconds == milliseconds)
        }
        // A daemon that does not run is told at once, and other commands wait for five seconds.
        #expect(try Self.configuration(of: command).connectTimeoutMilliseconds == 1_000)
        #expect(try Self.configuration(of: ["status"]).operatorTimeoutMilliseconds == 5_000)
    }

    private static func configuration(of words: [String]) throws -> FuseboxClient.Configuration {
        let command = try Fusebox.parseAsRoot(words)
        if let backup = command as? BackupCommand { return backup.connection.configuration }
        if let save = command as? SnapshotCommands.Save { return save.connection.configuration }
        let other = try #require(command as? any DaemonCommand, "\(words)")
        return other.connection.configuration
    }

    @Test func theOldestGoBeyondTheNumberAndNothingElseDoes() throws {
        let daemon = try Daemon(in: folder)
        mkdir(backups, 0o700)
        let old = (1...4).map { "fusebox-2020-01-0\($0)T000000Z.snapshot" }
        for name in old + ["notes.txt", "fusebox-2019.snapshot"] { folder.write("backups/\(name)", [1]) }
        let json = try daemon.json("backup", backups, "--keep", "3")
        #expect(json["removed"]?.list?.compactMap(\.text) == Array(old.prefix(2)))
        let names = try Program.run(["/bin/ls", backups]).lines
        #expect(Set(names).isSuperset(of: old.suffix(2) + ["notes.txt", "fusebox-2019.snapshot"]))
        #expect(names.count == 5)
    }

    @Test func aDirectoryNamedLikeTheOldestIsLeftAloneAndStopsNothing() throws {
        let daemon = try Daemon(in: folder)
        let old = (1...3).map { "fusebox-2020-01-0\($0)T000000Z.snapshot" }
        mkdir(backups, 0o700)
        mkdir("\(backups)/fusebox-2019-01-01T000000Z.snapshot", 0o700)
        symlink("nowhere", "\(backups)/fusebox-2019-01-02T000000Z.snapshot")
        for name in old { folder.write("backups/\(name)", [1]) }
        let json = try daemon.json("backup", backups, "--keep", "2")
        #expect(json["removed"]?.list?.compactMap(\.text) == Array(old.prefix(2)))
        #expect(
            try Program.run(["/bin/ls", backups]).lines.count == 4, "directory, link, the newest old one, the new one")
    }

    @Test func aNameFromTheFutureKeepsNobodysPlace() throws {
        let daemon = try Daemon(in: folder)
        mkdir(backups, 0o700)
        let future = (1...3).map { "fusebox-9000-01-0\($0)T000000Z.snapshot" }
        let old = (1...2).map { "fusebox-2020-01-0\($0)T000000Z.snapshot" }
        for name in future + old { folder.write("backups/\(name)", [1]) }
        let json = try daemon.json("backup", backups, "--keep", "4")
        #expect(json["removed"]?.list?.compactMap(\.text) == Array(future.prefix(2)))
        let next = try daemon.json("backup", backups, "--keep", "3")
        #expect(next["removed"]?.list?.first?.text == future[2])
        #expect(try Program.run(["/bin/ls", backups]).lines.contains(old[1]))
    }

    @Test func whatABackupThatWasCutShortHasLeftIsRemovedAndWhatIsBeingWrittenIsNot() throws {
        let daemon = try Daemon(in: folder)
        mkdir(backups, 0o700)
        let (dead, alive) = (
            "fusebox-2020-01-01T000000Z.snapshot.partial-1", "fusebox-2020-01-02T000000Z.snapshot.partial-2"
        )
        let others = ["fusebox-2020-01-01T000000Z.snapshot.partial-x", "notes.partial-3"]
        for name in [dead, alive] + others { folder.write("backups/\(name)", [1]) }
        let writer = open("\(backups)/\(alive)", O_WRONLY | O_CLOEXEC)
        defer { close(writer) }
        try #require(flock(writer, LOCK_EX | LOCK_NB) == 0)
        _ = try daemon.json("backup", backups)
        let names = try Program.run(["/bin/ls", backups]).lines
        #expect(!names.contains(dead))
        #expect(Set(names).isSuperset(of: others + [alive]))
        #expect(names.count == 4)

        // The same for a file on the command line.
        for name in ["saved.partial-1", "other.partial-1"] { folder.write(name, [1]) }
        #expect(try daemon.fusebox("snapshot", "save", "\(folder.path)/saved").status == 0)
        let files = try Program.run(["/bin/ls", folder.path]).lines
        #expect(files.contains("saved") && files.contains("other.partial-1"))
        #expect(!files.contains("saved.partial-1"))
    }

    @Test func withoutADaemonNothingIsRemoved() throws {
        mkdir(backups, 0o700)
        let name = "fusebox-2020-01-01T000000Z.snapshot"
        folder.write("backups/\(name)", [1])
        let outcome = try Program.run([
            Program.fusebox, "backup", backups, "--keep", "1", "--socket", "\(folder.path)/none",
        ])
        #expect(outcome.status == 69)
        #expect(try Program.run(["/bin/ls", backups]).lines == [name])
        #expect(try Program.run([Program.fusebox, "backup", backups, "--keep", "0"]).status == 64)
    }
}
