import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

struct SnapshotCommandsTests {
    private let folder = TemporaryFolder()

    /// A daemon with a breaker, a mark and an account: four changes, and four forgotten workers.
    private func busyDaemon() throws -> Daemon {
        let daemon = try Daemon(in: folder)
        _ = try daemon.fusebox("breaker", "open", "openai", "--create")
        _ = try daemon.fusebox("exhaustion", "mark", "anthropic", "--for", "30d")
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$50 until reset")
        _ = try daemon.fusebox("ledger", "record", "openai", "gpt-4o", "--cost", "0.0012", "--input-tokens", "7")
        return daemon
    }

    /// A file with the snapshot of a busy daemon, which was then stopped.
    private func savedSnapshot() throws -> (file: String, state: JSONValue) {
        let daemon = try busyDaemon()
        let file = "\(folder.path)/saved.fusebox"
        #expect(try daemon.fusebox("snapshot", "save", file).status == 0)
        let state = try Self.comparable(daemon)
        daemon.stop()
        return (file, state)
    }

    /// The daemon's state without the parts that change with time.
    private static func comparable(_ daemon: Daemon) throws -> JSONValue {
        .array([
            try daemon.json("breaker", "serialize", "openai"), try daemon.json("exhaustion", "get", "anthropic"),
            try daemon.json("ledger", "show", "openai"), try daemon.json("limit", "list"),
        ])
    }

    @Test func nowAndListTellOfFilesThatAreThere() throws {
        let daemon = try busyDaemon()
        #expect(try daemon.json("snapshot", "list")["snapshots"]?.list?.count == 1)
        let info = try daemon.json("snapshot", "now")
        let file = try #require(info["file"]?.text)
        #expect(access("\(daemon.data)/\(file)", R_OK) == 0)
        #expect(info["sequence"] == 8)
        let table = try daemon.fusebox("snapshot", "list").lines
        #expect(table[0].split(separator: " ") == ["FILE", "CHANGES", "TAKEN", "SIZE"])
        #expect(table[1].hasPrefix(file))
        #expect(try daemon.json("snapshot", "list")["snapshots"]?[0] == info)
    }

    @Test func savedIsWhatTheDaemonHas() throws {
        let daemon = try busyDaemon()
        let path = "\(folder.path)/saved.fusebox"
        let saved = try daemon.fusebox("snapshot", "save", path)
        #expect(saved.status == 0)
        #expect(saved.output.hasPrefix("\(path): "))
        #expect(saved.output.hasSuffix(", 8 changes, verified\n"))
        let file = try #require(try daemon.json("snapshot", "save", path)["file"]?.text)
        #expect(!folder.read("saved.fusebox").isEmpty)
        #expect(folder.read("saved.fusebox") == folder.read("data/\(file)"))
        // No other file is left.
        let names = try Program.run(["/bin/ls", folder.path]).lines.filter { $0.hasPrefix("saved") }
        #expect(names == ["saved.fusebox"])

        let piped = try Program.run([
            "/bin/sh", "-c", "'\(Program.fusebox)' snapshot save - --socket '\(daemon.socket)' | cmp - '\(path)'",
        ])
        #expect(piped.status == 0)
    }

    @Test func verifyTellsTheHeaderAndThatAllIsWell() throws {
        let file = try savedSnapshot().file
        let outcome = try Program.run([Program.fusebox, "snapshot", "verify", file])
        #expect(outcome.status == 0)
        #expect(outcome.lines.contains("changes  8"))
        #expect(outcome.lines.last == "OK")
        let json = try Program.run([Program.fusebox, "snapshot", "verify", file, "--json"]).json
        #expect(json["intact"]?.bool == true)
        #expect(json["bytes"]?.int64 == Int64(folder.read("saved.fusebox").count))
        let piped = try Program.run(["/bin/sh", "-c", "'\(Program.fusebox)' snapshot verify - < '\(file)'"])
        #expect(piped.status == 0)
    }

    @Test(arguments: ["verify", "show", "restore"]) func damageEndsWith65(_ command: String) throws {
        let file = try savedSnapshot().file
        let intact = folder.read("saved.fusebox")
        var flipped = intact
        flipped[intact.count / 2] ^= 1
        for damaged in [Array(intact.dropLast(9)), flipped, intact + [0], Array("no snapshot".utf8), []] {
            folder.write("saved.fusebox", damaged)
            let target = command == "restore" ? ["--data", "\(folder.path)/restored"] : []
            let outcome = try Program.run([Program.fusebox, "snapshot", command, file] + target)
            #expect(outcome.status == 65)
            #expect(outcome.output == "")
            #expect(outcome.errors.hasPrefix("fusebox: \(file): "))
        }
        #expect(access("\(folder.path)/restored", F_OK) != 0)
    }

    @Test func showTellsWhatASnapshotHolds() throws {
        let (file, state) = try savedSnapshot()
        let lines = try Program.run([Program.fusebox, "snapshot", "show", file]).lines
        for (name, value) in [("breakers", "1"), ("exhausted", "1"), ("providers", "1"), ("limits", "1")] {
            #expect(lines.contains(Self.row(name, value)), "\(lines)")
        }
        #expect(lines.contains { $0.hasPrefix(Self.row("spent", "$0.0012 since ")) })
        let json = try Program.run([Program.fusebox, "snapshot", "show", file, "--json"]).json
        #expect(json["header"]?["sequence"] == 8)
        #expect(json["state"]?["breakers"]?["breakers"]?[0] == state[0])
        #expect(json["state"]?["ledger"]?["providers"]?["openai"]?["spend"] == .number("0.0012"))
    }

    private static func row(_ name: String, _ value: String) -> String {
        name + String(repeating: " ", count: "required tags  ".count - name.count) + value
    }

    @Test func showTellsLimitsAccountsAliasesAndWhatIsDemandedOfNames() throws {
        let daemon = try Daemon(in: folder)
        func run(_ arguments: String...) throws { try run(arguments) }
        func run(_ arguments: [String]) throws {
            let outcome = try Program.run([Program.fusebox] + arguments + ["--socket", daemon.socket])
            try #require(outcome.status == 0, "\(outcome.errors)")
        }
        try run("limit", "set", "--provider", "openai", "$50 prepaid", "600 requests per hour")
        try run("limit", "set", "--tag", "user:*", "$2 prepaid")
        try run("limit", "set", "--tag", "team:a", "--provider", "openai", "$9 prepaid")
        try run("alias", "set", "openai", "gpt-4o-2024-08-06", "gpt-4o")
        try run("names", "require-tag", "user:*")
        try run("names", "strict", "on")
        let call = ["--deployment", "eu", "--tag", "user:1", "--tag", "team:a", "--cost", "0.5"]
        try run(["ledger", "record", "openai", "gpt-4o-2024-08-06"] + call)
        let file = "\(folder.path)/saved.fusebox"
        try run("snapshot", "save", file)
        let told = try (
            limits: daemon.json("limit", "list")["limits"],
            uses: daemon.json("limit", "list", "--tag", "user:1")["limits"],
            names: daemon.json("names"), aliases: daemon.json("alias", "list")["aliases"],
            tags: daemon.json("ledger", "list", "tags")["accounts"]?.list ?? [],
            table: daemon.fusebox("limit", "list").lines
        )
        daemon.stop()

        let lines = try Program.run([Program.fusebox, "snapshot", "show", file]).lines
        for (name, value) in [
            ("deployments", "1"), ("models", "1"), ("tags", "\(told.tags.count)"), ("limits", "4"), ("aliases", "1"),
            ("strict names", "on"), ("required tags", "'user:*'"), ("permits", "0 in force"),
        ] { #expect(lines.contains(Self.row(name, value)), "\(lines)") }
        #expect(told.table.count == 5 && told.table.allSatisfy(lines.contains), "\(lines)")
        #expect(lines.last == "openai    gpt-4o-2024-08-06  gpt-4o")

        let json = try Program.run([Program.fusebox, "snapshot", "show", file, "--json"]).json
        #expect(json["limits"] == told.limits)
        #expect(json["templateUses"] == told.uses)
        #expect(json["names"] == told.names)
        #expect(json["aliases"] == told.aliases)
        let accounts = json["accounts"]?.list ?? []
        #expect(!told.tags.isEmpty && told.tags.allSatisfy(accounts.contains))
        // The host, the provider, its deployment and its model.
        #expect(accounts.count == told.tags.count + 4)
    }

    // MARK: Restore

    @Test func aRestoredDirectoryIsTheSameStateInAnotherEpoch() throws {
        let (file, state) = try savedSnapshot()
        let data = "\(folder.path)/restored"
        let outcome = try Program.run([Program.fusebox, "snapshot", "restore", file, "--data", data])
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("restored \(file) to \(data)/snapshot-"))

        let before = try Program.run([Program.fusebox, "snapshot", "verify", file, "--json"]).json["epoch"]?.text
        let daemon = try Daemon(in: folder, data: data)
        #expect(try Self.comparable(daemon) == state)
        let after = try daemon.json("status")["epoch"]?.text
        #expect(before != nil && after != nil && before != after)
    }

    @Test func restoreLeavesAnOccupiedDirectoryAloneUnlessForced() throws {
        let (file, state) = try savedSnapshot()
        // The stopped daemon's own directory, which has another state by now.
        let later = try Daemon(in: folder)
        _ = try later.fusebox("breaker", "reset", "--all")
        _ = try later.fusebox("exhaustion", "reset")
        later.stop()
        let old = try Program.run(["/bin/ls", later.data]).lines

        let refused = try Program.run([Program.fusebox, "snapshot", "restore", file, "--data", later.data])
        #expect(refused.status == 64)
        #expect(refused.errors.contains("is not empty"))
        #expect(try Program.run(["/bin/ls", later.data]).lines == old)

        let forced = try Program.run([
            Program.fusebox, "snapshot", "restore", file, "--data", later.data, "--force", "--json",
        ])
        #expect(forced.status == 0)
        let aside = try #require(try forced.json["setAside"]?.text)
        let kept = try Program.run(["/bin/ls", "\(later.data)/\(aside)"]).lines
        #expect(kept == old)
        let restored = try Daemon(in: folder)
        #expect(try Self.comparable(restored) == state)
    }

    @Test func restoreTouchesNoDirectoryThatIsNoDaemons() throws {
        let file = try savedSnapshot().file
        mkdir("\(folder.path)/photos", 0o700)
        folder.write("photos/cat.png", [1])
        let outcome = try Program.run([
            Program.fusebox, "snapshot", "restore", file, "--data", "\(folder.path)/photos",
        ])
        #expect(outcome.status == 64)
        #expect(try Program.run(["/bin/ls", "\(folder.path)/photos"]).lines == ["cat.png"])
    }

    @Test(arguments: [[], ["--force"]]) func restoreUnderARunningDaemonEndsWith75(_ flags: [String]) throws {
        let daemon = try busyDaemon()
        let file = "\(folder.path)/saved.fusebox"
        _ = try daemon.fusebox("snapshot", "save", file)
        let outcome = try Program.run(
            [Program.fusebox, "snapshot", "restore", file, "--data", daemon.data] + flags)
        #expect(outcome.status == 75)
        #expect(outcome.errors.hasPrefix("fusebox: another fuseboxd uses the data directory "))
    }

    @Test(.enabled(if: geteuid() == 0)) func whatRootRestoresBelongsToTheDirectorysOwner() throws {
        let file = try savedSnapshot().file
        let data = "\(folder.path)/owned"
        mkdir(data, 0o700)
        chown(data, 65534, 65534)
        #expect(try Program.run([Program.fusebox, "snapshot", "restore", file, "--data", data]).status == 0)
        let owners = try Program.run(["/bin/sh", "-c", "stat -c %u:%g '\(data)'/*"]).lines
        #expect(owners == ["65534:65534"])
    }

    @Test func saveReplacesNoDevice() throws {
        let daemon = try Daemon()
        let outcome = try daemon.fusebox("snapshot", "save", "/dev/null")
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("not a regular file"))
    }
}
