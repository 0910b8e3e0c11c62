import FuseboxClient
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// The owner, the place and the contents of the data directory.
    @Suite struct DataDirectoryTests {
        private func record() throws -> LedgerRecord {
            LedgerRecord(
                provider: try Name("openai"), model: try Name("gpt"), cost: Money(nanodollars: 1), inputTokens: 1,
                outputTokens: 1)
        }

        private func start(_ folder: TemporaryFolder, socket: String = "other-socket") -> DaemonProcess {
            var options = DaemonProcess.Options()
            options.socketPath = folder(socket)
            return DaemonProcess(starting: options, in: folder)
        }

        // MARK: Two daemons

        @Test func aSecondDaemonIsRefusedWhateverWasDeletedInTheDirectory() throws {
            let first = try DaemonProcess()
            for name in fileNames(in: first.dataPath) where !name.hasPrefix("journal-0") {
                unlink("\(first.dataPath)/\(name)")
                let second = start(first.folder)
                #expect(try second.wait() == 75, "without \(name): \(second.log)")
                #expect(second.logs("another fuseboxd uses the data directory"))
            }
        }

        // MARK: A directory that was removed

        enum Loss: CaseIterable { case directory, replaced, moved, segment }

        private func lose(_ loss: Loss, _ daemon: DaemonProcess) {
            let data = daemon.dataPath
            switch loss {
            case .directory, .replaced:
                // The daemon may still be creating its spare segment.
                repeat { for name in fileNames(in: data) { unlink("\(data)/\(name)") } } while rmdir(data) != 0
                if loss == .replaced { mkdir(data, 0o700) }
            case .moved: rename(data, daemon.folder("elsewhere"))
            case .segment: for name in segmentNames(in: data) { unlink("\(data)/\(name)") }
            }
        }

        /// No durable change is acknowledged for a file that was removed.
        @Test(arguments: Loss.allCases) func nothingIsAcknowledgedInADirectoryThatIsGone(_ loss: Loss) throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            #expect(try peer.ask(record()).status == .ok)
            lose(loss, daemon)
            peer.send(try record(), correlation: 9)
            #expect(try peer.next() == nil)
            #expect(try daemon.wait() == 74)
            #expect(daemon.logs("the data directory is lost"), "\(daemon.log)")
        }

        @Test(arguments: ["commit", "interval", "snapshot"])
        func anIdleDaemonEndsWhenItsDirectoryIsGone(_ durability: String) throws {
            let daemon = try DaemonProcess("--durability", durability)
            lose(.directory, daemon)
            #expect(try daemon.wait() == 74)
            #expect(daemon.logs("the data directory is lost"), "\(daemon.log)")
        }

        /// The daemon looks about once a second, even when it is idle.
        @Test(arguments: ["commit", "interval"])
        func anIdleDaemonEndsWhenItsSegmentIsGone(_ durability: String) throws {
            let daemon = try DaemonProcess("--durability", durability)
            lose(.segment, daemon)
            let stopwatch = Stopwatch(of: daemon.process)
            var passed = 0
            let isOver = waitUntil {
                passed = stopwatch.milliseconds
                return daemon.hasEnded
            }
            #expect(try isOver && daemon.wait() == 74)
            #expect(passed < 3_000 * patience, "the daemon continued for \(passed) ms")
            #expect(daemon.logs("the data directory is lost"), "\(daemon.log)")
        }

        // MARK: Contents

        @Test func aDirectoryThatOthersMayWriteToIsRefused() throws {
            let folder = TemporaryFolder()
            let first = try DaemonProcess(in: folder)
            #expect(try first.stop() == 0)
            chmod(first.dataPath, 0o777)
            for flags in [[], ["--check"]] {
                let daemon = DaemonProcess(starting: .init(flags: flags), in: folder)
                #expect(try daemon.wait() == 74)
                #expect(daemon.logs("chmod 700 \(first.dataPath)"))
            }
            chmod(first.dataPath, 0o700)
            #expect(try DaemonProcess(in: folder).stop() == 0)
        }

        /// The daemon neither crashes nor hangs, and its error names the file.
        @Test(arguments: [
            "snapshot-18446744073709551615.fusebox", "snapshot-18446744073709551614.fusebox",
            "journal-18446744073709551615.fusebox",
        ])
        func aNameThatNoDaemonHasGivenIsSaid(_ name: String) throws {
            let first = try DaemonProcess()
            #expect(try RawPeer.greeted(first.socketPath).ask(record()).status == .ok)
            let path = "\(first.dataPath)/\(name)"
            write(contents(of: "\(first.dataPath)/\(try #require(first.snapshots.last))"), to: path)
            // A running daemon is not affected.
            let peer = try RawPeer.greeted(first.socketPath)
            for _ in 0..<5 {
                #expect(try peer.ask(record()).status == .ok)
                #expect(try peer.ask(SnapshotNow()).status == .ok)
            }
            #expect(try first.stop() == 0)
            for flags in [[], ["--check"]] {
                let daemon = DaemonProcess(starting: .init(flags: flags), in: first.folder)
                #expect(try daemon.wait() == 65)
                #expect(daemon.logs(name), "\(daemon.log)")
            }
            unlink(path)
            let next = try DaemonProcess(in: first.folder)
            let total = try RawPeer.greeted(next.socketPath).ask(LedgerTotal()).reply(LedgerTotal.Reply.self)
            #expect(total.spend.nanodollars == 6)
        }

        @Test(arguments: [
            "snapshot-00000000000000000009.fusebox", "journal-00000000000000000009.fusebox", "synced.fusebox",
        ])
        func aPipeUnderTheNameOfAFileIsSaidAndNotWaitedFor(_ name: String) throws {
            let first = try DaemonProcess()
            #expect(try first.stop() == 0)
            let path = "\(first.dataPath)/\(name)"
            unlink(path)
            mkfifo(path, 0o600)
            for flags in [[], ["--check"]] {
                let daemon = DaemonProcess(starting: .init(flags: flags), in: first.folder)
                #expect(try daemon.wait() == 74)
                #expect(daemon.logs("\(path): it is no regular file"), "\(daemon.log)")
            }
        }

        /// A copy of a segment never gets acknowledged entries.
        @Test func aStrayCopyOfASegmentIsRefused() throws {
            let first = try DaemonProcess()
            #expect(try RawPeer.greeted(first.socketPath).ask(record()).status == .ok)
            first.send(SIGKILL)
            _ = try first.wait()
            let copy = "journal-00000000000000009000.fusebox"
            write(
                contents(of: "\(first.dataPath)/\(try #require(segmentNames(in: first.dataPath).last))"),
                to: "\(first.dataPath)/\(copy)")
            let refused = DaemonProcess(starting: .init(), in: first.folder)
            #expect(try refused.wait() == 65)
            #expect(refused.logs("\(copy) does not match its name"))
            unlink("\(first.dataPath)/\(copy)")
            #expect(try DaemonProcess(in: first.folder).stop() == 0)
        }

        /// After a crash the marks are exact, so even the last acknowledgement is missed if it is lost.
        @Test func anAcknowledgedEndThatIsEmptiedIsMissed() throws {
            let first = try DaemonProcess()
            let peer = try RawPeer.greeted(first.socketPath)
            for _ in 0..<5 { #expect(try peer.ask(record()).status == .ok) }
            first.send(SIGKILL)
            _ = try first.wait()
            let path = "\(first.dataPath)/\(try #require(segmentNames(in: first.dataPath).last))"
            let bytes = contents(of: path)
            let end = try #require(bytes.lastIndex { $0 != 0 })
            write(Array(bytes[..<(end - 40)]) + [UInt8](repeating: 0, count: bytes.count - end + 40), to: path)
            let refused = DaemonProcess(starting: .init(), in: first.folder)
            #expect(try refused.wait() == 65)
            write(bytes, to: path)
            #expect(try DaemonProcess(in: first.folder).stop() == 0)
        }

        // MARK: A full disk

        private func options(_ disk: SmallDisk, _ flags: String...) -> DaemonProcess.Options {
            var options = DaemonProcess.Options()
            options.flags = ["--snapshot-interval", "60m"] + flags
            options.dataPath = "\(disk.path)/data"
            return options
        }

        @Test(.enabled(if: SmallDisk.isPossible)) func aDiskThatIsFullFromTheStartIsSaid() throws {
            let disk = try SmallDisk()
            let small = ["--journal-segment", "256KiB"]
            var few = options(disk)
            few.flags += small
            let first = try DaemonProcess(few)
            #expect(try RawPeer.greeted(first.socketPath).ask(record()).status == .ok)
            #expect(try first.stop() == 0)
            #expect(first.check() == 0)
            // There is room for small files and none for a segment.
            disk.fill()
            unlink("\(first.dataPath)/journal-spare.fusebox")
            disk.fill()

            #expect(first.check() == 74)
            var check = few
            check.flags.append("--check")
            let checked = DaemonProcess(starting: check, in: first.folder)
            #expect(try checked.wait() == 74)
            #expect(checked.logs("there is no room for the next segment of the journal"), "\(checked.log)")

            let daemon = try DaemonProcess(few, in: first.folder)
            #expect(daemon.logs("no room for the next segment of the journal"), "\(daemon.log)")
            #expect(try RawPeer.greeted(daemon.socketPath).ask(record()).status == .storageFailed)
            disk.free()
            let peer = try RawPeer.greeted(daemon.socketPath)
            #expect(waitUntil { (try? peer.ask(record()).status) == .ok }, "\(daemon.log)")
            #expect(daemon.logs("there is room for the journal again"))
            #expect(daemon.log.split(separator: "\n").count { $0.contains("no room for the next segment") } == 1)
            #expect(daemon.check() == 0)
        }

        /// The size of segments that an earlier start allocated counts, not the size that this start would allocate.
        @Test(.enabled(if: SmallDisk.isPossible)) func largerSegmentsAndAFullDiskEndNothing() throws {
            let disk = try SmallDisk()
            let first = try DaemonProcess(options(disk, "--journal-segment", "64KiB"))
            #expect(try RawPeer.greeted(first.socketPath).ask(record()).status == .ok)
            first.send(SIGKILL)
            _ = try first.wait()
            disk.fill()
            let daemon = try DaemonProcess(options(disk, "--journal-segment", "2MiB"), in: first.folder)
            let peer = try RawPeer.greeted(daemon.socketPath)
            var acknowledged: Int64 = 1
            var status = try peer.ask(record()).status
            while status == .ok, acknowledged < 5_000 {
                acknowledged += 1
                status = try peer.ask(record()).status
            }
            #expect(status == .storageFailed && acknowledged > 1, "\(daemon.log)")
            disk.free()
            #expect(waitUntil { (try? peer.ask(record()).status) == .ok }, "\(daemon.log)")
            daemon.send(SIGKILL)
            _ = try daemon.wait()
            let next = try DaemonProcess(options(disk, "--journal-segment", "2MiB"), in: first.folder)
            let total = try RawPeer.greeted(next.socketPath).ask(LedgerTotal()).reply(LedgerTotal.Reply.self)
            #expect(total.spend.nanodollars == acknowledged + 1)
        }
    }
}
