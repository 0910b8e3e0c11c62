import FuseboxClient
import FuseboxCore
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// One user takes as much as it can get, and another user's work continues. Both are processes of different users.
    @Suite(.enabled(if: geteuid() == 0, "only root can start processes of two other users"))
    struct HostileUserTests {
        private static let hostile = 54_321
        private static let neighbour = 54_322

        /// A daemon that every user may connect to.
        private func daemon(_ flags: String...) throws -> DaemonProcess {
            try daemon(flags, in: TemporaryFolder())
        }

        private func daemon(
            _ flags: [String], in folder: TemporaryFolder, prelude: String = "true"
        ) throws -> DaemonProcess {
            var options = DaemonProcess.Options(flags: ["--socket-mode", "0666"] + flags)
            options.prelude = "ulimit -n $(ulimit -Hn); \(prelude)"
            chmod(folder.path, 0o755)
            return try DaemonProcess(options, in: folder)
        }

        /// Starts the hostile process and waits until it has taken what it can. Returns the words of its book.
        private func take(
            _ kind: String, _ count: Int, of daemon: DaemonProcess, as user: Int = hostile
        ) throws -> (process: CallerProcess, words: [Substring]) {
            let words = ["socket=\(daemon.socketPath)", "uid=\(user)", "kind=\(kind)", "count=\(count)"]
            let name = "\(kind)-\(fileNames(in: daemon.folder.path).count)"
            let process = CallerProcess("hostile", words, name: name, in: daemon.folder)
            let isReady = waitUntil { !process.book.isEmpty || process.ended != nil }
            try #require(isReady && process.ended == nil, "\(kind): \(process.log)")
            return (process, Array(process.book[0].dropFirst()))
        }

        /// Runs the other user's worker, and an operator's as root. Returns the median of the worker's pings in
        /// milliseconds.
        @discardableResult
        private func expectOthersGoOn(
            _ daemon: DaemonProcess, rounds: Int = 20, _ location: SourceLocation = #_sourceLocation
        ) throws -> Double {
            let name = "neighbour-\(fileNames(in: daemon.folder.path).count)"
            let words = [
                "socket=\(daemon.socketPath)", "uid=\(Self.neighbour)", "rounds=\(rounds)", "name=\(name)",
            ]
            let process = CallerProcess("neighbour", words, name: name, in: daemon.folder)
            _ = waitUntil { process.ended != nil }
            #expect(process.ended == 0, "\(process.log)", sourceLocation: location)
            let root = try RawPeer.greeted(daemon.socketPath)
            #expect(try root.ask(SnapshotNow()).status == .ok, sourceLocation: location)
            let limits = LimitSet(
                scope: Scope(provider: try Name("of-root-\(name)")), limits: [Limit(.cost, 5_000_000_000, .manual)])
            #expect(try root.ask(limits).status == .ok, sourceLocation: location)
            let median = process.book.last.flatMap { $0.count > 2 ? Double($0[2]) : nil }
            return (median ?? .infinity) / 1_000
        }

        // MARK: Connections

        @Test func connectionsOfOneUserLeavePlacesForOthersAndForOperators() throws {
            let daemon = try daemon("--max-connections", "128", "--max-connections-per-user", "40")
            let (process, words) = try take("connections", 200, of: daemon)
            #expect(words[0] == "40")
            #expect(words.dropFirst().joined(separator: " ").contains("limit for one user"))
            try expectOthersGoOn(daemon)
            // Two more users take all places for users. The places of operators stay free.
            for (user, places) in [(60_001, 40), (60_002, 40)] {
                let words = ["socket=\(daemon.socketPath)", "uid=\(user)", "kind=connections", "count=200"]
                let other = CallerProcess("hostile", words, name: "\(user)", in: daemon.folder)
                #expect(waitUntil { !other.book.isEmpty })
                #expect(other.book[0][1] == "\(places)")
                if user == 60_002 {
                    let root = try RawPeer.greeted(daemon.socketPath)
                    #expect(try root.ask(SnapshotNow()).status == .ok)
                }
            }
            withExtendedLifetime(process) {}
        }

        @Test func connectionsWithoutHelloKeepNobodyOut() throws {
            let daemon = try daemon("--max-connections", "128", "--max-connections-per-user", "100")
            let (process, _) = try take("silent", 300, of: daemon)
            try expectOthersGoOn(daemon, rounds: 40)
            withExtendedLifetime(process) {}
        }

        // MARK: Names and workers

        @Test func aUserThatHasAllItMayOfNamesAccountsAndModelsLeavesTheRestToOthers() throws {
            var daemon = try daemon()
            let bounds = Bounds()
            // A record without room for its own name is counted under another one. It is not refused.
            #expect(try take("models", bounds.modelsPerUser + 500, of: daemon).words[1...] == ["0", "0"])
            #expect(try take("accounts", bounds.providerAccountsPerUser + 99, of: daemon).words[1...] == ["0", "0"])
            let breakers = try take("breakers", bounds.namesPerUser + 500, of: daemon).words
            // The names of its accounts are names too, and so is `(other)`. There is room for no more.
            #expect(Int(breakers[0]) == bounds.namesPerUser - bounds.providerAccountsPerUser - 1)
            try expectOthersGoOn(daemon)
            let root = try RawPeer.greeted(daemon.socketPath)
            #expect(try root.account("p").usage.spend == Money(nanodollars: Int64(bounds.modelsPerUser) + 500))
            #expect(try root.account("(other)").usage.spend == Money(nanodollars: 100))
            // The same holds after a restart.
            #expect(try daemon.stop() == 0)
            let options = DaemonProcess.Options(flags: ["--socket-mode", "0666"])
            daemon = try DaemonProcess(options, in: daemon.folder)
            #expect(try take("breakers", bounds.namesPerUser + 10, of: daemon).words[1] != "0")
            try expectOthersGoOn(daemon)
            // An operator can make room.
            let operating = try RawPeer.greeted(daemon.socketPath)
            #expect(try operating.ask(Forget(name: Name("provider-1"))).status == .ok)
        }

        @Test func workersOfOneUserMakeNobodyElseForgotten() throws {
            let daemon = try daemon("--max-workers", "256")
            // The worker is known before, meanwhile and afterwards.
            let worker = WorkerID.random()
            let peer = try RawPeer.greeted(daemon.socketPath, as: worker)
            #expect(try peer.ask(BreakerSuccess(name: Name("mine"))).status == .ok)
            let (process, _) = try take("workers", 600, of: daemon)
            try expectOthersGoOn(daemon)
            _ = try RawPeer.greeted(daemon.socketPath, as: worker, after: 1)
            withExtendedLifetime(process) {}
        }

        /// The processes of one user hold as many permits as it may have, and die at once. Others continue meanwhile,
        /// and every permit is given back sooner than after the grace.
        @Test func permitsOfProcessesThatAreKilledComeBackAndOthersGoOnMeanwhile() throws {
            let daemon = try daemon()
            let root = try RawPeer.greeted(daemon.socketPath)
            func totals() throws -> PermitTotals {
                try root.ask(PermitList(cursor: 0)).reply(PermitList.Reply.self).totals
            }
            let bounds = Bounds()
            let share = bounds.permitsPerUser / 4
            let bystander = Bystander(daemon)
            for round in 1...2 as ClosedRange<UInt64> {
                let holders = try (0..<4).map { _ in try take("permits", share, of: daemon) }
                for holder in holders { #expect(holder.words == ["\(share)", "0", "0"]) }
                // This user gets no further permit.
                let more = try take("permits", 10, of: daemon).words
                #expect(more == ["0", "10", "0"], "\(more)")
                try expectOthersGoOn(daemon)
                for holder in holders { holder.process.kill() }
                let stopwatch = Stopwatch(of: daemon.process)
                #expect(waitUntil { (try? totals().outstanding) == 0 })
                let passed = Int64(stopwatch.milliseconds)
                // No worker of an ended process is waited for. The turns reclaim as many permits as one turn may.
                let bound = Int64(bounds.workerGraceMilliseconds) * Int64(patience)
                #expect(passed <= bound, "the last place came back after \(passed) ms")
                #expect(try totals().reclaimed == round * UInt64(bounds.permitsPerUser))
                try expectOthersGoOn(daemon)
            }
            bystander.expectWasServed()
        }

        // MARK: Time and memory

        @Test func listsOfOneUsersManyConnectionsDelayNobodyElse() throws {
            let daemon = try daemon()
            let (process, words) = try take("lists", 400, of: daemon)
            #expect(words == ["400"])
            // If connections were served in turn, each ping would wait for 400 of them, 800 ms and more.
            let median = try expectOthersGoOn(daemon, rounds: 10)
            #expect(median < 150, "half of the pings took longer than \(median) ms")
            withExtendedLifetime(process) {}
        }

        @Test(arguments: ["unread", "half"])
        func whatOneUserDoesNotReadOrCompleteIsBounded(_ kind: String) throws {
            let daemon = try daemon("--max-buffers", "16MiB")
            let before = daemon.residentBytes
            let (process, _) = try take(kind, 200, of: daemon)
            try expectOthersGoOn(daemon)
            // The user's 8 MiB, and what the allocator keeps of freed memory. Without a bound it would be 50 MiB and
            // more.
            #expect(daemon.residentBytes < before + 32 << 20)
            // Connections with unread replies are not served. Of half frames, the connection with the longest is
            // dropped.
            if kind == "half" { #expect(daemon.logs("which may buffer 8388608 together")) }
            withExtendedLifetime(process) {}
        }

        /// Replies that wait for the disk count as their user's memory, like unread replies.
        @Test(.enabled(if: Interposer.isPossible))
        func repliesThatADiskThatHangsHoldsBackAreBounded() throws {
            let folder = TemporaryFolder()
            let interposer = try Interposer(in: folder)
            let daemon = try daemon(["--max-buffers", "16MiB"], in: folder, prelude: interposer.prelude)
            try expectOthersGoOn(daemon)
            let before = daemon.residentBytes
            interposer.holdSyncs()
            let (process, words) = try take("resends", 200, of: daemon)
            // The buffers of the sockets, and little more.
            #expect(try #require(Int(words[0])) < 100 << 20)
            #expect(daemon.residentBytes < before + 32 << 20)
            // Others get replies to everything that does not need the disk.
            let root = try RawPeer.greeted(daemon.socketPath)
            #expect(try root.ask(Ping()).status == .ok)
            #expect(try root.ask(BreakerAcquire(name: Name("p"))).status == .ok)
            interposer.heal()
            try expectOthersGoOn(daemon)
            #expect(try root.account("p").usage.requests == 200)
            #expect(process.ended == nil && !daemon.log.contains("dropped"), "\(daemon.log)")
        }

        /// New reports fill the journal while the disk hangs. Its room is for everybody: others' calls are admitted, and each
        /// report counts once the disk is back.
        @Test(.enabled(if: Interposer.isPossible))
        func whatOneUserReportsWhileTheDiskHangsLeavesRoomInTheJournal() throws {
            let folder = TemporaryFolder()
            let interposer = try Interposer(in: folder)
            let daemon = try daemon(["--journal-segment", "1MiB"], in: folder, prelude: interposer.prelude)
            try expectOthersGoOn(daemon)
            interposer.holdSyncs()
            let (process, words) = try take("reports", 40, of: daemon)
            #expect(try #require(Int(words[0])) > 256 << 10)
            let root = try RawPeer.greeted(daemon.socketPath)
            let before = try root.ask(ServerStatus()).reply(ServerStatus.Reply.self)
            #expect(before.journalRoom > 128 << 10)
            // Admissions do not wait for the disk.
            #expect(try take("permits", 400, of: daemon, as: Self.neighbour).words == ["400", "0", "0"])
            #expect(try root.ask(BreakerAcquire(name: Name("p"))).status == .ok)
            interposer.heal()
            try expectOthersGoOn(daemon)
            // Its requests are handled on, each once.
            let sent = try #require(Int64(words[1]))
            var counted: Int64 = 0
            let isThere = try waitUntil {
                counted = try root.account("reported").usage.requests
                return counted >= sent
            }
            #expect(isThere)
            #expect(counted == sent)
            #expect(process.ended == nil && !daemon.log.contains("dropped"), "\(daemon.log)")
        }

        @Test func denialsAreNotJournaled() throws {
            let daemon = try daemon()
            let root = try RawPeer.greeted(daemon.socketPath)
            #expect(try root.ask(BreakerForceOpen(name: Name("open"))).status == .ok)
            func sequence() throws -> UInt64 {
                try root.ask(ServerStatus()).reply(ServerStatus.Reply.self).sequence
            }
            let before = try sequence()
            let count = 20_000
            let (process, words) = try take("denials", count, of: daemon)
            #expect(words == ["\(count)"])
            // The worker's first request, after which it is known, and elapsed time.
            #expect(try sequence() < before + 20)
            try expectOthersGoOn(daemon)
            withExtendedLifetime(process) {}
        }
    }
}
