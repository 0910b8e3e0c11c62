import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

extension EndToEnd {
    /// The ledger's history over days, stops and kills. The tests use `libfaketime`.
    @Suite(.enabled(if: FakedClock.isPossible)) struct HistoryTests {
        private static let day = 86_400

        private let folder = TemporaryFolder()
        private let clock: FakedClock

        init() {
            clock = FakedClock(in: folder)
            clock.isSynchronised = true
        }

        private func start() throws -> DaemonProcess {
            var options = DaemonProcess.Options()
            options.prelude = clock.prelude(.all)
            return try DaemonProcess(options, in: folder)
        }

        private func end(_ daemon: DaemonProcess, _ signal: Int32) throws {
            #expect(try daemon.stop(signal) == (signal == SIGKILL ? 128 + SIGKILL : 0))
            FakedClock.forget(daemon.process)
        }

        private func fusebox(_ daemon: DaemonProcess, _ arguments: String...) throws -> Program.Outcome {
            try Program.run([Program.fusebox, "ledger"] + arguments + ["--socket", daemon.socketPath])
        }

        private func record(_ daemon: DaemonProcess, _ cost: String) throws {
            let outcome = try fusebox(
                daemon, "record", "openai", "gpt-4o", "--cost", cost, "--input-tokens", "7", "--tag", "team:search")
            #expect(outcome.status == 0, "\(outcome.errors)")
        }

        /// What the team has spent on each day, once all of it is on disk.
        private func days(_ daemon: DaemonProcess) throws -> [(day: String, spend: String)] {
            var found: [(day: String, spend: String)] = []
            let isWritten = try waitUntil {
                let outcome = try fusebox(daemon, "history", "--tag", "team:search", "--json")
                let json = try JSONValue(parsing: Array(outcome.output.utf8))
                #expect(json["problems"]?.list?.isEmpty == true)
                found = (json["rows"]?.list ?? []).map { row in
                    (row["day"]?.text ?? "", row["use"]?["spend"].map { "\($0.text())" } ?? "")
                }
                return json["waiting"] == 0
            }
            #expect(isWritten)
            return found
        }

        /// Each day has what was spent on it, however the daemon ended, and whether it ran at midnight or not.
        @Test(arguments: [SIGTERM, SIGKILL])
        func eachDayHasWhatWasSpentOnIt(_ signal: Int32) throws {
            var daemon = try start()
            for number in 1...6 {
                for _ in 0..<number { try record(daemon, "0.25") }
                // Every second time, the day ends while the daemon is down.
                if number % 2 == 0 { try end(daemon, signal) }
                clock.set(offsetSeconds: number * Self.day)
                if number % 2 == 0 { daemon = try start() }
            }
            try record(daemon, "9")
            let found = try days(daemon)
            #expect(found.map(\.spend) == ["0.25", "0.5", "0.75", "1", "1.25", "1.5", "9"])
            #expect(Set(found.map(\.day)).count == 7)
            try end(daemon, signal)
            daemon = try start()
            #expect(try days(daemon).map(\.spend) == found.map(\.spend))
            #expect(daemon.check() == 0)
            try end(daemon, SIGTERM)
        }

        /// What is told of a day is the same while it is open and once it is in its file, in every kind.
        @Test func aDayThatIsOverHasEveryKindOfUse() throws {
            let daemon = try start()
            for cost in [["--cost", "0.25"], []] {
                let outcome = try Program.run(
                    [
                        Program.fusebox, "ledger", "record", "openai", "gpt-4o", "--tag", "team:search",
                        "--input-tokens", "5", "--cached-input-tokens", "2", "--cache-write-tokens", "4",
                        "--output-tokens", "3", "--reasoning-tokens", "1", "--socket", daemon.socketPath,
                    ] + cost)
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            func row() throws -> String {
                let outcome = try fusebox(daemon, "history", "--tag", "team:search", "--csv")
                return try #require(outcome.lines.dropFirst().first)
            }
            let open = try row()
            #expect(open.hasSuffix(",0.25,2,1,10,4,8,6,2"), "\(open)")
            clock.set(offsetSeconds: Self.day)
            try record(daemon, "1")
            #expect(try days(daemon).map(\.spend) == ["0.25", "1"])
            #expect(try row() == open)
            try end(daemon, SIGTERM)
        }

        /// Damage is told with its place, and the rest is read.
        @Test func aDamagedPlaceIsToldAndTheRestIsRead() throws {
            let daemon = try start()
            for number in 1...4 {
                try record(daemon, "\(number)")
                clock.set(offsetSeconds: number * Self.day)
                _ = try days(daemon)
            }
            try record(daemon, "9")
            #expect(try days(daemon).map(\.spend) == ["1", "2", "3", "4", "9"])
            // The four days may lie in two months. The larger file has at least two of them, and what follows the damage
            // proves it.
            let names = fileNames(in: daemon.dataPath).filter { $0.hasPrefix("history-") }
            let name = try #require(
                names.max {
                    contents(of: "\(daemon.dataPath)/\($0)").count < contents(of: "\(daemon.dataPath)/\($1)").count
                })
            let file = "\(daemon.dataPath)/\(name)"
            var bytes = contents(of: file)
            bytes[64 + 20] ^= 4
            write(bytes, to: file)

            let outcome = try fusebox(daemon, "history", "--tag", "team:search")
            #expect(outcome.status == 0)
            #expect(outcome.output.contains("DAMAGED \(name), byte 64: the entry is damaged"), "\(outcome.output)")
            #expect(outcome.output.contains("$9.00"), "\(outcome.output)")
            #expect(daemon.check() == 65)
            try end(daemon, SIGTERM)
        }

        /// A bill of a month that is over is compared with its days, once, and no limit of the present month counts it.
        @Test func aBillIsPartOfTheMonthThatItIsFor() throws {
            var daemon = try start()
            try record(daemon, "1")
            let until = try fusebox(daemon, "history", "--json").json["until"]?.text
            let month = String(try #require(until).prefix(7))
            clock.set(offsetSeconds: 31 * Self.day)
            try record(daemon, "2")
            _ = try days(daemon)
            func bill() throws -> JSONValue {
                let outcome = try fusebox(
                    daemon, "reconcile", "openai", "--month", month, "--billed", "1.25", "--reason", "invoice 7",
                    "--json")
                #expect(outcome.status == 0, "\(outcome.errors)")
                return try outcome.json
            }
            let first = try bill()
            #expect(first["recorded"] == 1)
            #expect(first["difference"] == .number("0.25"))
            #expect(first["countsInLimits"] == false)
            try end(daemon, SIGKILL)
            daemon = try start()
            #expect(try bill()["difference"] == .number("0"))
            let isWritten = try waitUntil {
                let json = try fusebox(daemon, "history", "openai", "--since", month, "--until", month, "--json").json
                guard json["waiting"] == 0 else { return false }
                #expect(json["total"]?["spend"] == .number("1.25"))
                #expect(json["corrections"]?.list?.map { $0["reason"]?.text } == ["invoice 7"])
                return true
            }
            #expect(isWritten)
            #expect(try fusebox(daemon, "show", "openai", "--json").json["usage"]?["spend"] == .number("3.25"))
            #expect(daemon.check() == 0)
            try end(daemon, SIGTERM)
        }

        /// A tag that was forgotten is in no file of the history, and the money stays. A kill at once changes nothing.
        @Test(arguments: [SIGTERM, SIGKILL])
        func aForgottenTagIsInNoFile(_ signal: Int32) throws {
            var daemon = try start()
            try record(daemon, "1")
            clock.set(offsetSeconds: Self.day)
            try record(daemon, "2")
            #expect(try days(daemon).map(\.spend) == ["1", "2"])
            func files() -> [[UInt8]] {
                fileNames(in: daemon.dataPath).filter { $0.hasPrefix("history-") }
                    .map { contents(of: "\(daemon.dataPath)/\($0)") }
            }
            let name = Array("team:search".utf8)
            #expect(files().contains { file in file.indices.contains { file[$0...].starts(with: name) } })
            let outcome = try fusebox(daemon, "forget", "--tag", "team:search", "--yes")
            #expect(outcome.output.contains("team:search is forgotten; $3.00 spent by 2 requests"), "\(outcome.output)")
            #expect(!outcome.output.contains("history"), "\(outcome.output)")
            try end(daemon, signal)
            #expect(!files().contains { file in file.indices.contains { file[$0...].starts(with: name) } })
            daemon = try start()
            #expect(try days(daemon).isEmpty)
            #expect(try fusebox(daemon, "history", "--json").json["total"]?["spend"] == 3)
            #expect(try fusebox(daemon, "forget", "--tag", "team:search", "--yes").status == 64)
            #expect(daemon.check() == 0)
            try end(daemon, SIGTERM)
        }

        /// Backs the daemon up. Returns the path of the snapshot.
        private func backup(_ daemon: DaemonProcess) throws -> String {
            let outcome = try Program.run(
                [Program.fusebox, "backup", folder("backups"), "--socket", daemon.socketPath, "--json"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            return try #require(try outcome.json["file"]?.text)
        }

        /// The files have the day of the backup whole. The restored state does not tell its part again.
        @Test(arguments: [true, false])
        func aRestoreCountsNoDayTwice(keepsDirectory: Bool) throws {
            var daemon = try start()
            try record(daemon, "1")
            // A later backup of the same second would take its name.
            let snapshot = folder("backups/first.snapshot")
            #expect(run(["/bin/mv", try backup(daemon), snapshot]) == 0)
            try record(daemon, "2")
            clock.set(offsetSeconds: Self.day)
            try record(daemon, "4")
            #expect(try days(daemon).map(\.spend) == ["3", "4"])
            // The history beside the older snapshot goes on with each backup.
            _ = try backup(daemon)
            try end(daemon, SIGTERM)
            if !keepsDirectory { #expect(run(["/bin/rm", "-r", daemon.dataPath]) == 0) }
            let restore = [Program.fusebox, "snapshot", "restore", snapshot, "--data", daemon.dataPath, "--force"]
            #expect(run(restore) == 0)
            daemon = try start()
            try record(daemon, "8")
            let found = try days(daemon).map(\.spend)
            #expect(found == ["3", "8"])
            for scope in [[], ["openai"]] {
                let history = try Program.run(
                    [Program.fusebox, "ledger", "history", "--json", "--socket", daemon.socketPath] + scope)
                #expect(try history.json["total"]?["spend"] == 11, "\(scope): \(history.output)")
            }
            // What the account has spent in all is what the snapshot knew.
            let account = try fusebox(daemon, "show", "openai", "--json")
            #expect(try account.json["usage"]?["spend"] == 9, "\(account.output)")
            #expect(daemon.check() == 0)
            try end(daemon, SIGTERM)
        }

        @Test func aBackupHasTheHistoryAndARestoreBringsItBack() throws {
            var daemon = try start()
            try record(daemon, "1")
            clock.set(offsetSeconds: Self.day)
            try record(daemon, "2")
            #expect(try days(daemon).map(\.spend) == ["1", "2"])
            let snapshot = try backup(daemon)
            #expect(run([Program.fusebox, "check", folder("backups")]) == 0)
            try end(daemon, SIGTERM)
            #expect(run(["/bin/rm", "-r", daemon.dataPath]) == 0)
            #expect(run([Program.fusebox, "snapshot", "restore", snapshot, "--data", daemon.dataPath]) == 0)
            daemon = try start()
            #expect(try days(daemon).map(\.spend) == ["1", "2"])
            try end(daemon, SIGTERM)
        }
    }
}

extension Program.Outcome {
    /// The one JSON value that was printed.
    fileprivate var json: JSONValue {
        get throws { try JSONValue(parsing: Array(output.utf8)) }
    }
}
