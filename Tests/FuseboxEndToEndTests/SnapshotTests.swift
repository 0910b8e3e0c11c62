import FuseboxClient
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// The state is recovered automatically. Files that cannot be read are reported and kept.
    @Suite struct SnapshotTests {
        /// The snapshot that a new journal begins with.
        private static let empty = "snapshot-00000000000000000000.fusebox"

        /// Makes one change of each kind.
        private func fill(_ daemon: DaemonProcess) throws {
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            for _ in 0..<5 { _ = try client.breakers.failure("openai") }
            _ = try client.exhaustion.mark("anthropic", for: .seconds(3_600))
            for _ in 0..<3 { try record(client, nanodollars: 1_200_000) }
        }

        private func record(_ client: FuseboxClient, nanodollars: Int64) throws {
            _ = try client.call(
                LedgerRecord(
                    provider: try Name("openai"), model: try Name("gpt"), cost: Money(nanodollars: nanodollars),
                    inputTokens: 120, outputTokens: 300))
        }

        private func expectIsFilled(_ daemon: DaemonProcess) throws {
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            #expect(try client.breakers.get("openai").status.state == .open)
            #expect(try client.exhaustion.get("anthropic").entry != nil)
            let account = try #require(try client.ledger.provider("openai"))
            #expect(account.usage.spend == Money(nanodollars: 3_600_000))
            #expect(account.usage.requests == 3)
            #expect(account.usage.inputTokens == 360)
        }

        @Test(arguments: [SIGTERM, SIGINT])
        func stateComesBackAfterAStop(_ signal: Int32) throws {
            let first = try DaemonProcess()
            try fill(first)
            #expect(try first.stop(signal) == 0)
            #expect(first.snapshots.count == 2, "the empty one that the journal began with, and the last")
            #expect(
                fileNames(in: first.folder.path).contains("socket") == false, "the socket file goes with the daemon")
            try expectIsFilled(try DaemonProcess(in: first.folder))
        }

        @Test func aPeriodicSnapshotAppearsByItself() throws {
            let daemon = try DaemonProcess("--snapshot-interval", "50ms")
            #expect(daemon.snapshots == [Self.empty], "nothing has changed yet")
            try fill(daemon)
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            #expect(waitUntil { (try? client.status()).map { $0.snapshotSequence == $0.sequence } ?? false })
            // The snapshot has all acknowledged changes, so killing the daemon now loses nothing.
            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            try expectIsFilled(try DaemonProcess(in: daemon.folder))
        }

        @Test func aSnapshotOnDemandHoldsWhatCameBeforeIt() throws {
            let daemon = try DaemonProcess("--snapshot-interval", "60m")
            try fill(daemon)
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            let info = try client.snapshots.now()
            #expect(daemon.snapshots == [Self.empty, info.file])
            #expect(try client.snapshots.now() == info, "nothing has changed: it is the same one")
            #expect(try client.snapshots.list().map(\.file) == [info.file, Self.empty])
            #expect(try client.snapshots.list().first == info)
            var bytes: [UInt8] = []
            try client.snapshots.read(sequence: info.sequence) { bytes += $0 }
            #expect(bytes == contents(of: "\(daemon.dataPath)/\(info.file)"))
            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            try expectIsFilled(try DaemonProcess(in: daemon.folder))
        }

        @Test func threeGenerationsAreKept() throws {
            let daemon = try DaemonProcess("--snapshot-interval", "60m")
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            var files: [String] = []
            for _ in 0..<5 {
                _ = try client.breakers.failure("openai")
                files.append(try client.snapshots.now().file)
            }
            #expect(daemon.snapshots == Array(files.suffix(3)))
            let peer = try RawPeer.greeted(daemon.socketPath)
            #expect(try peer.ask(SnapshotRead(sequence: 1, offset: 0)).status == .notFound)
        }

        @Test func aPeerThatHalfClosesStillGetsItsSnapshot() throws {
            let daemon = try DaemonProcess()
            try fill(daemon)
            let peer = try RawPeer.greeted(daemon.socketPath)
            for number in 0..<5 { peer.send(SnapshotNow(), correlation: UInt32(number)) }
            peer.shutDownSending()
            for number in 0..<5 {
                let answer = try #require(try peer.next())
                #expect(answer.status == .ok)
                #expect(answer.header.correlation == UInt32(number))
            }
            #expect(try peer.isClosed())
        }

        /// A data directory with an empty snapshot, one of three records, and a newer one with one more.
        private func twoGenerations() throws -> TemporaryFolder {
            let daemon = try DaemonProcess()
            try fill(daemon)
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            _ = try client.snapshots.now()
            try record(client, nanodollars: 1)
            #expect(try daemon.stop() == 0)
            try #require(daemon.snapshots.count == 3)
            return daemon.folder
        }

        private func damage(_ file: String, at place: Int = 40) {
            var bytes = contents(of: file)
            bytes[place] ^= 0x10
            write(bytes, to: file)
        }

        /// Damage in the magic, the version, the header and the sections.
        @Test(arguments: [0, 8, 30, 100])
        func aDamagedNewestFallsBackLoudlyAndIsKept(_ place: Int) throws {
            let folder = try twoGenerations()
            let newest = try #require(snapshots(in: folder).last)
            damage("\(folder("data"))/\(newest)", at: place)
            let broken = contents(of: "\(folder("data"))/\(newest)")

            let daemon = try DaemonProcess(in: folder)
            #expect(daemon.logs("FELL BACK"))
            #expect(daemon.logs("the journal brought everything back"))
            #expect(daemon.logs(newest))
            #expect(contents(of: "\(folder("data"))/\(newest).damaged") == broken)
            // The start after that is an ordinary one.
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            #expect(try client.ledger.total().spend == Money(nanodollars: 3_600_001))
            try record(client, nanodollars: 5)
            #expect(try daemon.stop() == 0)
            let next = try DaemonProcess(in: folder)
            #expect(!next.log.contains("FELL BACK"))
            let again = try FuseboxClient.connect(to: next.socketPath, configuration: .patient)
            #expect(try again.ledger.total().spend == Money(nanodollars: 3_600_006))
        }

        private func snapshots(in folder: TemporaryFolder) -> [String] {
            snapshotNames(in: folder("data"))
        }

        @Test func ifAllAreDamagedItRefusesAndTouchesNothing() throws {
            let folder = try twoGenerations()
            for file in snapshots(in: folder) { damage("\(folder("data"))/\(file)") }
            write([1, 2, 3], to: "\(folder("data"))/snapshot-00000000000000000099.fusebox.partial")
            let before = fileNames(in: folder("data")).map { ($0, contents(of: "\(folder("data"))/\($0)")) }

            let daemon = DaemonProcess(starting: .init(), in: folder)
            #expect(try daemon.wait() == 65)
            #expect(daemon.logs("fusebox snapshot restore"), "it says what to do")
            let after = fileNames(in: folder("data")).map { ($0, contents(of: "\(folder("data"))/\($0)")) }
            #expect(before.elementsEqual(after, by: ==))
        }

        @Test func whatACrashLeftHalfWrittenIsRemoved() throws {
            let folder = try twoGenerations()
            let partial = "snapshot-00000000000000000099.fusebox.partial"
            write([1, 2, 3], to: "\(folder("data"))/\(partial)")
            let daemon = try DaemonProcess(in: folder)
            #expect(!fileNames(in: folder("data")).contains(partial))
            #expect(try daemon.stop() == 0)
        }

        // MARK: Starting

        @Test func aSecondDaemonOnTheDirectorySaysSo() throws {
            let first = try DaemonProcess()
            var options = DaemonProcess.Options()
            options.socketPath = first.folder("other-socket")
            let second = DaemonProcess(starting: options, in: first.folder)
            #expect(try second.wait() == 75)
            #expect(second.logs("another fuseboxd uses the data directory"))
            try fill(first)
            try expectIsFilled(first)
        }

        @Test func aSecondDaemonOnTheSocketSaysSo() throws {
            let first = try DaemonProcess()
            var options = DaemonProcess.Options()
            options.dataPath = first.folder("other-data")
            let second = DaemonProcess(starting: options, in: first.folder)
            #expect(try second.wait() == 75)
            #expect(second.logs("another process listens on"))
            try fill(first)
            try expectIsFilled(first)
        }

        @Test func aStaleSocketIsReplacedAndAnotherFileIsNot() throws {
            let first = try DaemonProcess()
            first.send(SIGKILL)
            #expect(try first.wait() == 128 + SIGKILL)
            #expect(fileNames(in: first.folder.path).contains("socket"))
            let second = try DaemonProcess(in: first.folder)
            try fill(second)
            #expect(try second.stop() == 0)

            write(Array("precious".utf8), to: second.socketPath)
            let third = DaemonProcess(starting: .init(), in: first.folder)
            #expect(try third.wait() == 69)
            #expect(contents(of: second.socketPath) == Array("precious".utf8))
        }

        @Test func aDirectoryThatCannotBeUsedIsSaid() throws {
            var options = DaemonProcess.Options()
            options.dataPath = "/proc/nowhere/data"
            let daemon = DaemonProcess(starting: options, in: TemporaryFolder())
            #expect(try daemon.wait() == 74)
            #expect(daemon.logs("/proc/nowhere/data"))
        }

        @Test(arguments: [
            ["--snapshot-interval", "60"], ["--profile", "other"], ["--socket-mode", "999"], ["--nonsense"],
        ])
        func badFlagsAreUsageErrors(_ flags: [String]) throws {
            let daemon = DaemonProcess(starting: .init(flags: flags), in: TemporaryFolder())
            #expect(try daemon.wait() == 64)
        }

        // MARK: --check

        @Test func checkChangesNothing() throws {
            let folder = TemporaryFolder()
            let fresh = DaemonProcess(starting: .init(flags: ["--check"]), in: folder)
            #expect(try fresh.wait() == 0)
            #expect(!fileNames(in: folder.path).contains("data"))

            let filled = try twoGenerations()
            let names = snapshots(in: filled)
            let good = DaemonProcess(starting: .init(flags: ["--check"]), in: filled)
            #expect(try good.wait() == 0)
            #expect(good.logs(names[2]))

            damage("\(filled("data"))/\(names[2])")
            let half = DaemonProcess(starting: .init(flags: ["--check"]), in: filled)
            #expect(try half.wait() == 0)
            #expect(half.logs("FELL BACK to \(names[1])"))
            #expect(snapshots(in: filled) == names)

            for name in names.dropLast() { damage("\(filled("data"))/\(name)") }
            let none = DaemonProcess(starting: .init(flags: ["--check"]), in: filled)
            #expect(try none.wait() == 65)
            #expect(snapshots(in: filled) == names)
        }

        @Test func checkEndsWithWhatTheSocketWouldEndAStartWith() throws {
            let folder = TemporaryFolder()
            try #require(close(creat(folder("occupied"), 0o600)) == 0)
            let long = folder(String(repeating: "x", count: 120))
            for path in [folder("occupied"), folder("none/socket"), long] {
                for flags in [["--check"], []] {
                    let options = DaemonProcess.Options(flags: flags, socketPath: path)
                    let daemon = DaemonProcess(starting: options, in: folder)
                    #expect(try daemon.wait() == 69, "\(path) \(flags)")
                }
            }
            let running = try DaemonProcess(in: folder)
            let beside = DaemonProcess(starting: .init(flags: ["--check"]), in: folder)
            #expect(try beside.wait() == 75)
            #expect(beside.logs("another process listens"))
            #expect(try running.stop() == 0)
        }
    }
}
