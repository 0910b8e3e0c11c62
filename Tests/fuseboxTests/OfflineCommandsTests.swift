import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

/// `check`, `repair` and `journal dump` on the files of real daemons.
struct OfflineCommandsTests {
    private let folder = TemporaryFolder()
    private var data: String { "\(folder.path)/data" }

    /// Runs a daemon with this many records, and kills it. Each record is two changes, because the worker says goodbye
    /// after it.
    private func killedDaemon(records: Int) throws {
        let daemon = try Daemon(in: folder, arguments: ["--journal-segment", "64KiB"])
        for _ in 0..<records { try record(daemon) }
        daemon.kill()
    }

    private func record(_ daemon: Daemon) throws {
        let outcome = try daemon.fusebox("ledger", "record", "openai", "gpt-4o", "--cost", "0.5", "--input-tokens", "7")
        try #require(outcome.status == 0, "\(outcome.errors)")
        // Its reply comes after that goodbye was journaled, which is a change too.
        _ = try daemon.fusebox("status")
    }

    private func tool(_ arguments: String...) throws -> Program.Outcome {
        try Program.run([Program.fusebox] + arguments)
    }

    private func names() throws -> [String] { try Program.run(["/bin/ls", data]).lines }

    private func segment() throws -> String {
        try #require(try names().last { $0.hasPrefix("journal-") && $0.hasSuffix("1.fusebox") })
    }

    private func flip(_ name: String, at offset: Int) throws {
        let file = open("\(data)/\(name)", O_RDWR)
        try #require(file >= 0)
        defer { close(file) }
        var byte: UInt8 = 0
        #expect(pread(file, &byte, 1, off_t(offset)) == 1)
        byte ^= 0x10
        #expect(pwrite(file, &byte, 1, off_t(offset)) == 1)
    }

    private func entries(_ name: String) throws -> [JSONValue] {
        try tool("journal", "dump", "\(data)/\(name)").lines.map { try JSONValue(parsing: Array($0.utf8)) }
    }

    private func spend() throws -> JSONValue? {
        let daemon = try Daemon(in: folder)
        defer { daemon.stop() }
        return try daemon.json("ledger", "show")["spend"]
    }

    // MARK: Check

    @Test func aDirectoryThatADaemonWasKilledInIsGood() throws {
        try killedDaemon(records: 4)
        let outcome = try tool("check", data)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome.lines.last == "OK")
        let json = try tool("check", data, "--json").json
        #expect(json["good"]?.bool == true)
        #expect(json["inUse"]?.bool == false)
        #expect(json["recovery"]?["possible"]?.bool == true)
        #expect(json["recovery"]?["sequence"] == 8)
        #expect(json["problems"]?.list?.isEmpty == true)
    }

    @Test func checkWorksBesideARunningDaemonAndSaysSo() throws {
        let daemon = try Daemon(in: folder)
        try record(daemon)
        let before = try names()
        let outcome = try tool("check", data)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome.output.contains("is in use"))
        #expect(try names() == before)
    }

    @Test func theSpaceForTheNextSegmentIsCalledWhatItIs() throws {
        try killedDaemon(records: 1)
        folder.write("data/journal-spare.fusebox", [UInt8](repeating: 0, count: 4_096))
        folder.write("data/notes", [])
        let outcome = try tool("check", data)
        #expect(outcome.status == 0, "\(outcome.output)")
        let row = try #require(outcome.lines.first { $0.hasPrefix("journal-spare.fusebox ") })
        #expect(row.hasSuffix("reserved for the next segment") && row.contains("4.0 KiB"), "\(row)")
        #expect(outcome.lines.contains("not examined: notes"))
        let json = try tool("check", data, "--json").json
        #expect(json["files"]?.list?.last == ["file": "journal-spare.fusebox", "kind": "spare", "bytes": 4_096])
        #expect(json["others"] == ["notes"])
    }

    @Test func checkFindsAFlippedBitInTheJournalWithFileAndOffset() throws {
        try killedDaemon(records: 5)
        let name = try segment()
        let second = try #require(try entries(name)[1]["offset"]?.int64)
        try flip(name, at: Int(second) + 20)
        let outcome = try tool("check", data)
        #expect(outcome.status == 65)
        #expect(outcome.output.contains("WRONG \(name), byte \(second): "))
        let problem = try tool("check", data, "--json").json["problems"]?[0]
        #expect(problem?["file"]?.text == name)
        #expect(problem?["offset"]?.int64 == second)
    }

    @Test func checkFindsAFlippedBitInASnapshotWithFileAndOffset() throws {
        let daemon = try Daemon(in: folder)
        try record(daemon)
        daemon.stop()
        let name = try #require(try names().last { $0.hasPrefix("snapshot-") })
        try flip(name, at: 70)
        let outcome = try tool("check", data)
        #expect(outcome.status == 65)
        #expect(outcome.output.contains("WRONG \(name), byte "))
    }

    @Test func checkOfNoDirectoryIsAMistake() throws {
        #expect(try tool("check", "\(folder.path)/none").status == 64)
    }

    @Test(arguments: ["/etc", ""]) func checkAndRepairOfADirectoryThatIsNoDaemonsSaySo(_ path: String) throws {
        let path = path.isEmpty ? folder.path : path
        for command in ["check", "repair"] {
            let outcome = try tool(command, path)
            #expect(outcome.status == 64 && outcome.output == "")
            #expect(outcome.errors.contains("\(path) is not a data directory of Fusebox"))
        }
    }

    @Test func checkOfBackupsLoadsEachOfThem() throws {
        let daemon = try Daemon(in: folder)
        let backups = "\(folder.path)/backups"
        let file = try #require(try daemon.json("backup", backups)["file"]?.text)
        let good = try tool("check", backups)
        #expect(good.status == 0 && good.lines.last == "OK")
        #expect(good.output.contains("is a directory of backups and not a data directory"))
        let other = "fusebox-2020-01-01T000000Z.snapshot"
        var bytes = folder.read("backups/\(file.split(separator: "/").last!)")
        bytes[bytes.count / 2] ^= 1
        folder.write("backups/\(other)", bytes)
        let bad = try tool("check", backups)
        #expect(bad.status == 65 && bad.output.contains("WRONG \(other): "))
        let json = try tool("check", backups, "--json").json
        #expect(json["kind"]?.text == "backups" && json["good"]?.bool == false)
        #expect(json["files"]?.list?.map { $0["intact"]?.bool } == [false, true])
    }

    /// Nothing crashes or hangs, and the error names the file in the way.
    @Test(arguments: ["snapshot-18446744073709551615.fusebox", "journal-18446744073709551615.fusebox"])
    func aNameThatNoDaemonHasGivenIsNamed(_ name: String) throws {
        try killedDaemon(records: 2)
        let backup = "\(folder.path)/backup.fusebox"
        folder.write(
            "backup.fusebox", folder.read("data/\(try #require(try names().first { $0.hasPrefix("snapshot-") }))"))
        folder.write("data/\(name)", [1, 2, 3])
        for command in ["check", "repair"] {
            let outcome = try tool(command, data)
            #expect(outcome.status == 65)
            #expect((outcome.output + outcome.errors).contains("\(name): no daemon reaches the sequence in this name"))
        }
        #expect(try tool("snapshot", "restore", backup, "--data", data, "--force").status == 0)
        #expect(try tool("check", data).status == 0)
    }

    @Test func aPipeIsNamedByCheckAndNotWaitedFor() throws {
        try killedDaemon(records: 2)
        for name in ["snapshot-00000000000000000099.fusebox", "journal-00000000000000000099.fusebox"] {
            mkfifo("\(data)/\(name)", 0o600)
            let outcome = try tool("check", data)
            #expect(outcome.status == 65)
            #expect(outcome.output.contains("WRONG \(name): it is no regular file"))
            #expect(try tool("repair", data).status != 0)
            unlink("\(data)/\(name)")
        }
    }

    @Test func aFlippedBitInTheLastAcknowledgedEntryIsToldForWhatItIs() throws {
        try killedDaemon(records: 3)
        let name = try segment()
        let records = try entries(name).compactMap {
            $0["command"]?.text == "ledger.record" ? $0["offset"]?.int64 : nil
        }
        let last = try #require(records.last)
        try flip(name, at: Int(last) + 20)
        let outcome = try tool("check", data)
        #expect(outcome.status == 65)
        #expect(outcome.output.contains("\(name) is damaged at byte \(last)"))
        #expect(!outcome.output.contains("nothing in it was acknowledged"))
        #expect(try tool("repair", data).lines.last == "at most the changes 5 to 6 are lost")
        #expect(try spend() == .number("1"))
    }

    @Test func repairGoesOnWithoutALastSegmentThatIsGone() throws {
        try killedDaemon(records: 3)
        unlink("\(data)/\(try segment())")
        let check = try tool("check", data)
        #expect(check.status == 65)
        #expect(
            check.output.contains("the changes 1 to 5 are missing")
                || check.output.contains("the changes 1 to 6 are missing"))
        let repair = try tool("repair", data)
        #expect(repair.status == 0 && repair.lines.last?.hasPrefix("at most the changes 1 to ") == true)
        #expect(try tool("check", data).status == 0)
        #expect(try spend() == .number("0"))
    }

    @Test func aSegmentUnderAWrongNameIsToldAndSetAside() throws {
        try killedDaemon(records: 3)
        let copy = "journal-00000000000000009000.fusebox"
        _ = try Program.run(["/bin/cp", "\(data)/\(try segment())", "\(data)/\(copy)"])
        #expect(try tool("check", data).output.contains("WRONG \(copy): it is a copy under a wrong name"))
        #expect(try tool("journal", "dump", "\(data)/\(copy)").status == 65)
        let repair = try tool("repair", data)
        #expect(repair.lines == ["\(copy) was set aside as \(copy).damaged", "no change was lost"])
        #expect(try spend() == .number("1.5"))
    }

    // MARK: Dump

    @Test func dumpPrintsEveryEntryAndHowTheyEnd() throws {
        try killedDaemon(records: 3)
        let lines = try entries(try segment())
        #expect(lines.count == 7)
        #expect(lines.dropLast().map { $0["sequence"]?.int64 } == [1, 2, 3, 4, 5, 6])
        #expect(lines[1]["command"]?.text == "engine.forgetWorker")
        #expect(lines[0]["command"]?.text == "ledger.record")
        #expect(lines[0]["fields"]?["provider"]?.text == "openai")
        #expect(lines[0]["fields"]?["cost"] == .number("0.5"))
        #expect(lines[0]["worker"]?.text?.count == 32)
        #expect(lines[0]["user"]?.int64 == Int64(geteuid()))
        #expect(lines[6]["end"]?.text == "open")
        #expect(lines[6]["entries"] == 6)
        #expect(lines[6]["header"]?["firstSequence"] == 1)
    }

    @Test func dumpOfADamagedSegmentEndsWith65AndTheOffset() throws {
        try killedDaemon(records: 3)
        let name = try segment()
        let offset = try #require(try entries(name)[0]["offset"]?.int64)
        try flip(name, at: Int(offset) + 20)
        let outcome = try tool("journal", "dump", "\(data)/\(name)")
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains("byte \(offset): "))
        #expect(outcome.lines.count == 1)
        folder.write("none", Array("no journal".utf8))
        #expect(try tool("journal", "dump", "\(folder.path)/none").status == 65)
    }

    // MARK: Repair

    @Test func repairCutsADamagedSegmentKeepsItAndSaysWhatIsLost() throws {
        try killedDaemon(records: 5)
        let name = try segment()
        let original = folder.read("data/\(name)")
        let third = try #require(try entries(name)[4]["offset"]?.int64)
        try flip(name, at: Int(third) + 20)
        let damaged = folder.read("data/\(name)")
        #expect(damaged != original)
        #expect(try Program.run([Program.fuseboxd, "--data", data, "--socket", "\(folder.path)/s"]).status == 65)

        let outcome = try tool("repair", data)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("\(name) was cut at byte \(third)"))
        #expect(outcome.lines.last == "at most the changes 5 to 10 are lost")
        #expect(folder.read("data/\(name).damaged") == damaged)
        #expect(Array(folder.read("data/\(name)")[..<Int(third)]) == Array(original[..<Int(third)]))
        #expect(folder.read("data/\(name)").count == original.count)
        #expect(try tool("check", data).status == 0)
        #expect(try spend() == .number("1"))
        #expect(try tool("repair", data).output == "there was nothing to repair\n")
    }

    @Test func repairSetsAsideASnapshotThatAnOlderOneAndTheJournalReplace() throws {
        let daemon = try Daemon(in: folder)
        for _ in 0..<2 {
            try record(daemon)
            _ = try daemon.fusebox("snapshot", "now")
        }
        daemon.kill()
        let name = try #require(try names().last { $0.hasPrefix("snapshot-") })
        try flip(name, at: 70)
        let outcome = try tool("repair", data)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.lines == ["\(name) was set aside as \(name).damaged", "no change was lost"])
        #expect(try tool("check", data).status == 0)
        #expect(try spend() == .number("1"))
    }

    @Test func repairNeedsTheDirectoryForItself() throws {
        let daemon = try Daemon(in: folder)
        #expect(try tool("repair", daemon.data).status == 75)
        #expect(try tool("repair", "\(folder.path)/none").status == 64)
        #expect(access("\(folder.path)/none", F_OK) != 0)
    }

    @Test func repairRefusesWhatOnlyABackupHelps() throws {
        try killedDaemon(records: 2)
        for name in try names() where name.hasPrefix("snapshot-") { try flip(name, at: 30) }
        let before = try names()
        let outcome = try tool("repair", data)
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains("snapshot restore"))
        #expect(try names() == before)
    }

    // MARK: Restore beside a journal

    @Test func restoreRefusesADirectoryWithSegmentsUnlessForced() throws {
        let daemon = try Daemon(in: folder)
        try record(daemon)
        let backup = "\(folder.path)/backup.fusebox"
        _ = try daemon.fusebox("snapshot", "save", backup)
        try record(daemon)
        daemon.kill()
        #expect(try tool("snapshot", "restore", backup, "--data", data).status == 64)
        let forced = try tool("snapshot", "restore", backup, "--data", data, "--force", "--json")
        #expect(forced.status == 0)
        #expect(try names().allSatisfy { !$0.hasPrefix("journal-") })
        #expect(try tool("check", data).status == 0)
        #expect(try spend() == .number("0.5"))
    }

    /// The directory after a restore that dies once its snapshot is written: the files of the old epoch are beside it.
    private func cutRestoreShort() throws -> (snapshot: String, oldSegments: [String]) {
        let daemon = try Daemon(in: folder)
        try record(daemon)
        let backup = "\(folder.path)/backup.fusebox"
        _ = try daemon.fusebox("snapshot", "save", backup)
        try record(daemon)
        daemon.kill()
        let restored = try tool("snapshot", "restore", backup, "--data", data, "--force", "--json").json
        // The files that were set aside are back, as if they had never been moved.
        _ = try Program.run(["/bin/sh", "-c", "mv \(data)/before-restore-*/* \(data)/"])
        let old = try names().filter { $0.hasPrefix("journal-0") }
        #expect(!old.isEmpty)
        return (try #require(restored["file"]?.text), old)
    }

    @Test func theJournalOfAnotherLifeIsNotReplayed() throws {
        let old = try cutRestoreShort().oldSegments
        let recovery = try tool("check", data, "--json").json["recovery"]
        let foreign = recovery?["foreign"]?.list?.compactMap(\.text) ?? []
        #expect(Set(old).isSubset(of: foreign))
        #expect(try spend() == .number("0.5"))
        for name in old { #expect(access("\(data)/\(name).foreign", F_OK) == 0) }
    }

    @Test func anOlderLifeIsNotFallenBackToBesideAnotherOnesJournal() throws {
        let restored = try cutRestoreShort().snapshot
        // The new epoch has its own segment, and then its only snapshot is damaged.
        let daemon = try Daemon(in: folder)
        try record(daemon)
        daemon.kill()
        for name in try names() where name.hasSuffix(".fusebox.foreign") && name.hasPrefix("snapshot-") {
            rename("\(data)/\(name)", "\(data)/\(name.dropLast(".foreign".count))")
        }
        try flip(restored, at: 70)
        let check = try tool("check", data)
        #expect(check.status == 65)
        #expect(check.output.contains("belongs to a restored state whose snapshot is damaged now"))
        #expect(try tool("repair", data).status == 65)
    }
}
