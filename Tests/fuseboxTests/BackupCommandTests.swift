import FuseboxInterop
import Glibc
import Testing

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
