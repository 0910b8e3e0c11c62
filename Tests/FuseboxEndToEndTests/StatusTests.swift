import FuseboxClient
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// The report of `status` about the daemon's environment: whether the journal takes changes, and how much room
    /// there is.
    @Suite struct StatusTests {
        @Test func statusTellsHowTheJournalTheDiskAndTheMemoryAre() throws {
            let daemon = try DaemonProcess("--snapshot-interval", "60m")
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            let before = try client.status()
            try client.ledger.record(provider: "openai", model: "gpt-4o", cost: .dollars("1"))
            let status = try client.status()
            #expect(status.durability == "commit")
            #expect(status.dataDirectory == Self.resolved(daemon.dataPath))
            #expect(status.journal == .following)
            #expect(status.journalFailure == "")
            #expect(status.journalBytes > before.journalBytes)
            #expect(before.journalRoom - status.journalRoom == status.journalBytes - before.journalBytes)
            #expect(status.syncedSequence == status.sequence, "the record was acknowledged, so it is on the disk")
            #expect(try #require(status.syncedAt) >= #require(before.syncedAt))
            #expect(try #require(status.syncedAt) <= status.now)
            #expect(status.fileSystemRoom > 0)
            let resident = UInt64(daemon.residentBytes)
            if resident > 0 { #expect((resident / 4...resident * 4).contains(status.residentBytes)) }
            #expect(try client.snapshots.now().sequence == status.sequence)
            #expect(try client.status().journalBytes == 0, "they count from the newest snapshot on")
            client.close()
            #expect(try daemon.stop() == 0)
        }

        @Test func withoutAJournalThereIsNothingToTellOfOne() throws {
            let daemon = try DaemonProcess("--durability", "snapshot")
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            try client.breakers.failure("openai")
            let status = try client.status()
            #expect(status.durability == "snapshot")
            #expect(status.journal == JournalStanding.none)
            #expect(status.syncedAt == nil)
            #expect(status.fileSystemRoom > 0)
        }

        @Test(.enabled(if: SmallDisk.isPossible))
        func aDiskThatIsFullFromTheStartOnShows() throws {
            let disk = try SmallDisk()
            var options = DaemonProcess.Options(flags: ["--journal-segment", "256KiB", "--snapshot-interval", "60m"])
            options.dataPath = "\(disk.path)/data"
            let folder = TemporaryFolder()
            let first = try DaemonProcess(options, in: folder)
            do {
                let client = try FuseboxClient.connect(to: first.socketPath, configuration: .patient)
                try client.ledger.record(provider: "openai", model: "gpt-4o", cost: .dollars("1"))
                client.close()
            }
            #expect(try first.stop() == 0)
            disk.fill()

            let daemon = try DaemonProcess(options, in: folder)
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            // The spare segment that the daemon found is the only free space.
            #expect(waitUntil { (try? client.status().journal) == .short })
            let short = try client.status()
            #expect(short.journalFailure.contains("No space left on device"))
            #expect(short.fileSystemRoom < 64 * 1_024)
            #expect(try client.ledger.provider("openai")?.usage.spend == .dollars("1"))

            disk.free()
            #expect(waitUntil { (try? client.status().journal) == .following })
            let free = try client.status()
            #expect(free.journalFailure == "")
            #expect(free.journalRoom > 0)
            try client.ledger.record(provider: "openai", model: "gpt-4o", cost: .dollars("1"))
            #expect(waitUntil { (try? client.status().fileSystemRoom) ?? 0 > 4_096 })
        }

        @Test(.enabled(if: SmallDisk.isPossible))
        func aDiskThatFillsUpIsShortBeforeItIsFull() throws {
            let disk = try SmallDisk()
            var options = DaemonProcess.Options(flags: ["--journal-segment", "64KiB", "--snapshot-interval", "60m"])
            options.dataPath = "\(disk.path)/data"
            let daemon = try DaemonProcess(options)
            disk.fill()
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            var standings: [JournalStanding] = []
            while standings.last != .full, standings.count < 4_000 {
                _ = try? client.ledger.record(provider: "openai", model: "gpt-4o", cost: .dollars("1"))
                standings.append(try client.status().journal)
            }
            #expect(standings.last == .full)
            #expect(standings.contains(.short))
            #expect(standings.firstIndex(of: .full) == standings.count - 1)
            let failure = try client.status().journalFailure
            #expect(failure.contains("No space left on device"))
            // The service manager shows it.
            try daemon.waitForNotification("STATUS=no changes are taken: \(failure)")
        }

        private static func resolved(_ path: String) -> String? {
            guard let resolved = realpath(path, nil) else { return nil }
            defer { free(resolved) }
            return String(cString: resolved)
        }
    }
}
