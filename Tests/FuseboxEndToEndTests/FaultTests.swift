import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// Errors of the disk and of the system. They are reported, no acknowledged change is lost, and the daemon
    /// continues if it can.
    @Suite struct FaultTests {
        /// A peer that counts its acknowledged records of one nano-dollar each.
        private final class Reporter {
            let worker = WorkerID(high: .random(in: 1 ... .max), low: 7)
            private(set) var peer: RawPeer
            private(set) var acknowledged: Int64 = 0
            private(set) var sequence: UInt64 = 0
            let name: Name

            init(_ daemon: DaemonProcess) throws {
                name = try Name("openai")
                peer = try RawPeer(daemon.socketPath)
                try greet()
            }

            /// Continues with another daemon.
            func reconnect(_ daemon: DaemonProcess) throws {
                peer = try RawPeer(daemon.socketPath)
                try greet()
            }

            private func greet() throws {
                peer.send(RawPeer.frame(Hello(worker: worker, lastSequence: sequence, client: "reporter")))
                #expect(try peer.next()?.status == .ok)
            }

            private var record: LedgerRecord {
                LedgerRecord(
                    provider: name, model: name, cost: Money(nanodollars: 1), inputTokens: 1, outputTokens: 1)
            }

            /// Sends the next record, or repeats one. Returns the reply; nil if there was none.
            func report(number: UInt64? = nil) throws -> RawPeer.Frame? {
                if number == nil { sequence += 1 }
                peer.send(RawPeer.frame(record, sequence: number ?? sequence))
                let frame = try peer.next()
                if frame?.status == .ok { acknowledged += 1 }
                return frame
            }

            /// A change of another kind.
            func send<C: Command>(_ command: C) throws -> RawPeer.Frame? {
                if C.declaration.isSequenced { sequence += 1 }
                peer.send(RawPeer.frame(command, sequence: sequence))
                return try peer.next()
            }

            func total() throws -> Int64 {
                let frame = try #require(try send(LedgerTotal()))
                return try frame.reply(LedgerTotal.Reply.self).spend.nanodollars
            }

            func failures() throws -> UInt64 {
                let frame = try #require(try send(BreakerGet(name: name)))
                return try frame.reply(BreakerGet.Reply.self).status.totalFailures
            }
        }

        // MARK: A full disk

        private func smallOptions(_ disk: SmallDisk) -> DaemonProcess.Options {
            var options = DaemonProcess.Options()
            options.flags = ["--journal-segment", "256KiB", "--snapshot-interval", "60m"]
            options.dataPath = "\(disk.path)/data"
            return options
        }

        /// Fills the disk and reports until the daemon notices.
        private func fill(_ disk: SmallDisk, _ reporter: Reporter) throws {
            #expect(try reporter.report()?.status == .ok)
            disk.fill()
            var status: Status? = .ok
            while status == .ok { status = try reporter.report()?.status }
            #expect(status == .storageFailed)
        }

        @Test(.enabled(if: SmallDisk.isPossible))
        func aFullDiskRefusesWhatMustBeJournaledAndServesTheRest() throws {
            let disk = try SmallDisk()
            let daemon = try DaemonProcess(smallOptions(disk))
            let reporter = try Reporter(daemon)
            try fill(disk, reporter)

            for _ in 0..<3 {
                let refused = try #require(try reporter.report())
                #expect(refused.status == .storageFailed)
                #expect(refused.message.contains("nothing was changed"))
            }
            #expect(try reporter.send(ExhaustionMark(provider: reporter.name))?.status == .storageFailed)
            #expect(try reporter.total() == reporter.acknowledged, "nothing was changed")
            for _ in 0..<2 { #expect(try reporter.send(BreakerFailure(name: reporter.name))?.status == .ok) }
            #expect(try reporter.failures() == 2, "outcomes are taken")
            #expect(try reporter.report()?.status == .storageFailed)

            disk.free()
            #expect(waitUntil { (try? reporter.report()?.status) == .ok }, "it recovers by itself: \(daemon.log)")
            #expect(try reporter.send(BreakerFailure(name: reporter.name))?.status == .ok)
            #expect(waitUntil { daemon.log.contains("there is room for the journal again") })

            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            let next = try DaemonProcess(smallOptions(disk), in: daemon.folder)
            try reporter.reconnect(next)
            #expect(try reporter.total() == reporter.acknowledged)
            #expect(try reporter.failures() == 3, "the snapshot after it holds what came unjournaled")
        }

        @Test(.enabled(if: SmallDisk.isPossible), arguments: [SIGKILL, SIGTERM])
        func anEndWhileTheDiskIsFullLosesNothingAcknowledged(_ signal: Int32) throws {
            let disk = try SmallDisk()
            let daemon = try DaemonProcess(smallOptions(disk))
            let reporter = try Reporter(daemon)
            try fill(disk, reporter)
            #expect(try reporter.send(BreakerFailure(name: reporter.name))?.status == .ok)
            let status = try daemon.stop(signal)
            #expect(status == (signal == SIGKILL ? 128 + SIGKILL : 74), "\(daemon.log)")
            // The daemon starts on the full disk, and continues when there is room.
            let next = try DaemonProcess(smallOptions(disk), in: daemon.folder)
            try reporter.reconnect(next)
            #expect(try reporter.total() == reporter.acknowledged)
            disk.free()
            #expect(waitUntil { (try? reporter.report()?.status) == .ok }, "\(next.log)")
            #expect(try next.stop() == 0)
            let last = try DaemonProcess(smallOptions(disk), in: daemon.folder)
            try reporter.reconnect(last)
            #expect(try reporter.total() == reporter.acknowledged)
        }

        /// If there is room for a snapshot and none for a segment, an orderly stop keeps the outcomes too.
        @Test(.enabled(if: Interposer.isPossible))
        func aStopInOrderWithoutRoomForTheJournalKeepsOutcomes() throws {
            let folder = TemporaryFolder()
            let interposer = try Interposer(in: folder)
            let daemon = try DaemonProcess(options(interposer), in: folder)
            let reporter = try Reporter(daemon)
            interposer.fail("fallocate")
            var status: Status? = .ok
            while status == .ok { status = try reporter.report()?.status }
            #expect(status == .storageFailed)
            for _ in 0..<5 { #expect(try reporter.send(BreakerFailure(name: reporter.name))?.status == .ok) }
            #expect(try daemon.stop() == 0)
            interposer.heal()
            let next = try DaemonProcess(options(interposer), in: folder)
            try reporter.reconnect(next)
            #expect(try reporter.total() == reporter.acknowledged)
            #expect(try reporter.failures() == 5)
            #expect(try reporter.report()?.status == .ok)
        }

        @Test(.enabled(if: SmallDisk.isPossible))
        func aDirectoryThatIsReadOnlyIsSaid() throws {
            let disk = try SmallDisk()
            #expect(try DaemonProcess(smallOptions(disk)).stop() == 0)
            disk.becomeReadOnly()
            let daemon = DaemonProcess(starting: smallOptions(disk))
            #expect(try daemon.wait() == 74)
            #expect(daemon.logs("Read-only file system"))
        }

        // MARK: System calls that fail

        private func options(_ interposer: Interposer) -> DaemonProcess.Options {
            var options = DaemonProcess.Options()
            options.flags = ["--journal-segment", "256KiB", "--snapshot-interval", "60m"]
            options.prelude = interposer.prelude
            return options
        }

        /// After these errors the contents of the disk are unknown.
        @Test(.enabled(if: Interposer.isPossible), arguments: ["fdatasync", "pwrite"])
        func afterAFailureOfTheJournalNothingIsAcknowledgedAndItEnds(_ call: String) throws {
            let folder = TemporaryFolder()
            let interposer = try Interposer(in: folder)
            let daemon = try DaemonProcess(options(interposer), in: folder)
            let reporter = try Reporter(daemon)
            for _ in 0..<20 { #expect(try reporter.report()?.status == .ok) }
            interposer.fail(call)
            #expect(try reporter.report() == nil, "no acknowledgement")
            #expect(try daemon.wait() == 74)
            #expect(daemon.logs("critical: the journal cannot be written any more"))
            interposer.heal()
            let next = try DaemonProcess(options(interposer), in: folder)
            try reporter.reconnect(next)
            let total = try reporter.total()
            #expect(total == 20 || total == 21)
            // It may have been applied or not. Sent again, it counts once.
            #expect(try reporter.report(number: 21)?.status == .ok)
            #expect(try reporter.total() == 21)
        }

        @Test(.enabled(if: Interposer.isPossible), arguments: ["fsync", "write", "renameat", "openat"])
        func aSnapshotThatFailsIsToldAndTriedAgain(_ call: String) throws {
            let folder = TemporaryFolder()
            let interposer = try Interposer(in: folder)
            let daemon = try DaemonProcess(options(interposer), in: folder)
            let reporter = try Reporter(daemon)
            #expect(try reporter.report()?.status == .ok)
            let before = daemon.snapshots
            interposer.fail(call)
            #expect(try reporter.send(SnapshotNow())?.status == .storageFailed)
            #expect(daemon.snapshots == before)
            #expect(try reporter.report()?.status == .ok, "the journal goes on")
            interposer.heal()
            #expect(try reporter.send(SnapshotNow())?.status == .ok)
            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            let next = try DaemonProcess(options(interposer), in: folder)
            try reporter.reconnect(next)
            #expect(try reporter.total() == 2)
        }

        /// If a directory cannot be listed completely, it does not count as one with fewer files.
        @Test(.enabled(if: Interposer.isPossible))
        func aDirectoryThatCannotBeReadIsNotTakenForAnEmptyOne() throws {
            let folder = TemporaryFolder()
            let interposer = try Interposer(in: folder)
            let daemon = try DaemonProcess(options(interposer), in: folder)
            let reporter = try Reporter(daemon)
            for _ in 0..<3 { #expect(try reporter.report()?.status == .ok) }
            #expect(try daemon.stop() == 0)
            let before = fileNames(in: daemon.dataPath)
            interposer.fail("readdir")
            let refused = DaemonProcess(starting: options(interposer), in: folder)
            #expect(try refused.wait() == 74)
            #expect(refused.logs("the data directory cannot be read: readdir"))
            #expect(fileNames(in: daemon.dataPath) == before)
            interposer.heal()
            let next = try DaemonProcess(options(interposer), in: folder)
            try reporter.reconnect(next)
            #expect(try reporter.total() == 3)
        }

        @Test(.enabled(if: Interposer.isPossible))
        func shortAndInterruptedWritesAreCompleted() throws {
            let folder = TemporaryFolder()
            let interposer = try Interposer(in: folder)
            interposer.fail("short")
            let daemon = try DaemonProcess(options(interposer), in: folder)
            let reporter = try Reporter(daemon)
            for _ in 0..<50 { #expect(try reporter.report()?.status == .ok) }
            #expect(try reporter.send(SnapshotNow())?.status == .ok)
            for _ in 0..<50 { #expect(try reporter.report()?.status == .ok) }
            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            let next = try DaemonProcess(options(interposer), in: folder)
            try reporter.reconnect(next)
            #expect(try reporter.total() == 100)
        }

        // MARK: The system

        @Test func aDaemonThatIsStoppedForAWhileLosesNothing() throws {
            let daemon = try DaemonProcess()
            let reporter = try Reporter(daemon)
            #expect(try reporter.report()?.status == .ok)
            daemon.send(SIGSTOP)
            let record = LedgerRecord(
                provider: reporter.name, model: reporter.name, cost: Money(nanodollars: 1), inputTokens: 1,
                outputTokens: 1)
            for sequence in 100..<150 as Range<UInt64> { reporter.peer.send(RawPeer.frame(record, sequence: sequence)) }
            #expect(!reporter.peer.hasInput(withinMilliseconds: 1_500))
            daemon.send(SIGCONT)
            for _ in 0..<50 { #expect(try reporter.peer.next()?.status == .ok) }
            let total = try reporter.peer.ask(LedgerTotal()).reply(LedgerTotal.Reply.self)
            #expect(total.spend.nanodollars == 51)
            #expect(!daemon.log.contains("was stepped"))
        }

        @Test func withoutDescriptorsToSpareTheJournalAndSnapshotsGoOn() throws {
            var options = DaemonProcess.Options()
            options.prelude = "ulimit -n 64"
            options.flags = ["--journal-segment", "64KiB", "--snapshot-interval", "60m"]
            let daemon = try DaemonProcess(options)
            let reporter = try Reporter(daemon)
            let others = try (0..<31).map { _ in try RawPeer.greeted(daemon.socketPath) }
            let first = segmentNames(in: daemon.dataPath)
            var rounds = 0
            while segmentNames(in: daemon.dataPath).count < first.count + 3, rounds < 20_000 {
                #expect(try reporter.report()?.status == .ok)
                rounds += 1
            }
            #expect(rounds < 20_000, "no segment was completed")
            #expect(try reporter.send(SnapshotNow())?.status == .ok)
            for other in others { #expect(try other.ask(Ping()).status == .ok) }
        }

        @Test func tooFewDescriptorsAreSaid() throws {
            var options = DaemonProcess.Options()
            options.prelude = "ulimit -n 20"
            let daemon = DaemonProcess(starting: options)
            #expect(try daemon.wait() == 64)
            #expect(daemon.logs("ulimit -n"))
        }
    }
}
