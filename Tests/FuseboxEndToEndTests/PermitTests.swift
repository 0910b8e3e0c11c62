import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// Permits when a worker or the daemon dies.
    @Suite struct PermitTests {
        /// The grace of a worker, plus the delay of a busy machine.
        private static let graceMilliseconds: Int64 = 2_000
        private static let slackMilliseconds: Int64 = 1_500

        private func restart(_ daemon: DaemonProcess, _ options: DaemonProcess.Options) throws -> DaemonProcess {
            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            #expect(daemon.check() == 0)
            return try DaemonProcess(options, in: daemon.folder)
        }

        private func expectCleanEnd(_ daemon: DaemonProcess) throws {
            #expect(try daemon.stop() == 0)
            #expect(daemon.check() == 0)
        }

        // MARK: The daemon's death

        @Test(arguments: ["commit", "interval"])
        func aPermitSurvivesTheDaemonAndIsSettledExactlyOnce(_ durability: String) throws {
            let options = DaemonProcess.Options(flags: ["--durability", durability])
            var daemon = try DaemonProcess(options)
            let worker = WorkerID.random()
            let cost = Money.dollars("0.5")
            let first = try RawPeer.greeted(daemon.socketPath, as: worker)
            try first.set(["$10 until reset"], on: Scope(provider: Name("openai")))
            let admission = try RawPeer.frame(
                Admit(
                    candidates: Candidates([Candidate(provider: Name("openai"), model: Name("gpt"))]),
                    estimate: Estimate(cost: .dollars("2")), ttlMilliseconds: 3_600_000), sequence: 2)
            first.send(admission)
            let granted = try #require(try first.next())
            let permit = try #require(try granted.reply(Admit.Reply.self).permit)

            daemon = try restart(daemon, options)
            let second = try RawPeer.greeted(daemon.socketPath, as: worker, after: 2)
            second.send(admission)
            #expect(try second.next()?.payload == granted.payload, "an admit that is sent again is the same permit")
            let list = try second.permits()
            #expect(list.permits.map(\.permit) == [permit])
            #expect(list.permits.first?.isInFlight == true)
            #expect(list.totals.held == .dollars("2"))

            let settle = RawPeer.frame(
                Settle(permit: permit, outcome: .success, usage: CallUsage(cost: cost, inputTokens: 1)), sequence: 3)
            second.send(settle)
            let settled = try #require(try second.next())
            #expect(try settled.reply(Settle.Reply.self).standing == .inForce)
            second.send(settle)
            #expect(try second.next()?.payload == settled.payload)

            daemon = try restart(daemon, options)
            let third = try RawPeer.greeted(daemon.socketPath, as: worker, after: 3)
            third.send(settle)
            #expect(try third.next()?.payload == settled.payload)
            let again = try third.ask(Settle(permit: permit, outcome: .success, usage: CallUsage(cost: cost)))
            #expect(try again.reply(Settle.Reply.self).standing == .settled)
            let account = try third.account("openai")
            #expect(account.usage.spend == cost && account.usage.requests == 1)
            #expect(account.held == .zero && account.inFlight == 0)
            try expectCleanEnd(daemon)
        }

        @Test func whoDoesNotComeBackAfterARestartGivesBackAndWhoDoesKeeps() throws {
            var daemon = try DaemonProcess()
            let (returning, lost) = (WorkerID.random(), WorkerID.random())
            let kept = try RawPeer.greeted(daemon.socketPath, as: returning).admit("openai").permit
            let forsaken = try RawPeer.greeted(daemon.socketPath, as: lost).admit("openai").permit

            daemon = try restart(daemon, DaemonProcess.Options())
            let subscriber = try RawPeer.subscribed(daemon.socketPath, to: .admission)
            let ready = try RawPeer.greeted(daemon.socketPath).now()
            let back = try RawPeer.greeted(daemon.socketPath, as: returning, after: 1)
            let lapse = try subscriber.nextLapse()
            #expect(lapse.entry.permit == forsaken && lapse.entry.standing == .reclaimed)
            #expect(lapse.at - ready <= Self.graceMilliseconds + Self.slackMilliseconds)
            // The daemon reported that it was ready before it could be asked.
            #expect(lapse.at - ready > Self.graceMilliseconds - Self.slackMilliseconds)

            #expect(try back.permits().permits.map(\.permit) == [kept])
            let settled = try back.ask(Settle(permit: kept, outcome: .success))
            #expect(try settled.reply(Settle.Reply.self).standing == .inForce)
            try expectCleanEnd(daemon)
        }

        /// If a recovery takes longer than the grace, workers still have the whole grace.
        @Test(.enabled(if: access("/usr/bin/strace", X_OK) == 0))
        func theGraceBeginsWhenTheDaemonIsReady() throws {
            var daemon = try DaemonProcess()
            let worker = WorkerID.random()
            let permit = try RawPeer.greeted(daemon.socketPath, as: worker).admit("openai").permit

            var slow = DaemonProcess.Options()
            slow.prelude = """
                set -- /usr/bin/strace -D -f -o /dev/null -e trace=listen -e inject=listen:delay_enter=2500000 "$@"
                """
            daemon = try restart(daemon, slow)
            let peer = try RawPeer.greeted(daemon.socketPath)
            let (ready, list) = (try peer.now(), try peer.permits())
            #expect(list.permits.map(\.permit) == [permit], "taken back before the worker could come")
            let subscriber = try RawPeer.subscribed(daemon.socketPath, to: .admission)
            let lapse = try subscriber.nextLapse()
            #expect(lapse.entry.permit == permit)
            #expect(lapse.at - ready > Self.graceMilliseconds - Self.slackMilliseconds)
        }

        // MARK: A worker's death

        @Test func goodbyeGivesBackAtOnce() throws {
            let daemon = try DaemonProcess()
            let subscriber = try RawPeer.subscribed(daemon.socketPath, to: .admission)
            let peer = try RawPeer.greeted(daemon.socketPath)
            let permits = try (1...3).map { _ in try peer.admit("openai").permit }
            let before = try peer.now()
            #expect(try peer.ask(Goodbye()).status == .ok)
            for permit in permits {
                let lapse = try subscriber.nextLapse()
                #expect(lapse.entry.permit == permit && lapse.entry.standing == .reclaimed)
                #expect(lapse.at - before < Self.graceMilliseconds / 2)
            }
            try expectCleanEnd(daemon)
        }

        @Test func whoComesBackInTimeKeepsAndAFencedConnectionIsNoDeath() throws {
            let daemon = try DaemonProcess()
            let subscriber = try RawPeer.subscribed(daemon.socketPath, to: .admission)
            let (returning, doubled) = (WorkerID.random(), WorkerID.random())
            let returned = try RawPeer.greeted(daemon.socketPath, as: returning).admit("openai").permit
            let back = try RawPeer.greeted(daemon.socketPath, as: returning, after: 1)
            let older = try RawPeer.greeted(daemon.socketPath, as: doubled)
            let doubledPermit = try older.admit("openai").permit
            let newer = try RawPeer.greeted(daemon.socketPath, as: doubled, after: 1)
            #expect(try older.next()?.status == .fenced)
            #expect(try older.isClosed())
            // When this permit's time is over, so would be that of the others.
            let lost = try RawPeer.greeted(daemon.socketPath).admit("openai").permit

            #expect(try subscriber.nextLapse().entry.permit == lost)
            #expect(try back.permits().permits.map(\.permit) == [returned, doubledPermit])
            for (peer, permit) in [(back, returned), (newer, doubledPermit)] {
                let settled = try peer.ask(Settle(permit: permit, outcome: .cancelled))
                #expect(try settled.reply(Settle.Reply.self).standing == .inForce)
            }
            try expectCleanEnd(daemon)
        }

        /// A provider that recovers, and lets one call through at a time.
        private func setOneProbe(_ provider: String, _ peer: RawPeer) throws {
            var change = BreakerConfigurationChange()
            change.maxProbes = 1
            change.degradationCurve = [1, 0.9]
            change.resetTimeoutMilliseconds = 86_400_000
            let name = try Name(provider)
            try #require(try peer.ask(BreakerConfigure(name: name, change: change)).status == .ok)
            try #require(try peer.ask(BreakerForceOpen(name: name)).status == .ok)
            for _ in 0..<4 { try #require(try peer.ask(BreakerSuccess(name: name)).status == .ok) }
        }

        private func isAdmitted(_ provider: String, _ peer: RawPeer) throws -> Bool {
            let candidates = try Candidates([Candidate(provider: Name(provider))])
            let reply = try peer.ask(Admit(candidates: candidates, ttlMilliseconds: 60_000))
            return try reply.reply(Admit.Reply.self).permit != nil
        }

        private func hold(_ provider: String, _ daemon: DaemonProcess, hasHeir: Bool) throws -> CallerProcess {
            let words = ["socket=\(daemon.socketPath)", "provider=\(provider)", "heir=\(hasHeir ? 1 : 0)"]
            let holder = CallerProcess("hold", words, name: "holder", in: daemon.folder)
            let isHeld = waitUntil { holder.book.count == (hasHeir ? 2 : 1) || holder.ended != nil }
            try #require(isHeld && holder.book.count == (hasHeir ? 2 : 1), "\(holder.log)")
            return holder
        }

        /// The kernel says that the process is gone, though nobody has waited for it yet: nobody waits for the grace.
        @Test func theOnlyProbeOfAProcessThatIsKilledIsFreeAtOnce() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            try setOneProbe("degraded", peer)
            let holder = try hold("degraded", daemon, hasHeir: false)
            #expect(try !isAdmitted("degraded", peer))
            kill(holder.process, SIGKILL)
            let stopwatch = Stopwatch(of: daemon.process)
            let isFree = try waitUntil { try isAdmitted("degraded", peer) }
            let passed = Int64(stopwatch.milliseconds)
            #expect(isFree && passed < Self.graceMilliseconds / 2, "it was free after \(passed) ms")
            #expect(try peer.permits().totals.reclaimed == 1)
            try expectCleanEnd(daemon)
        }

        /// It has left its connection to another process, which goes on as the same worker.
        @Test func theEndOfAProcessEndsNothingWhileAnotherHasItsConnection() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            try setOneProbe("degraded", peer)
            let holder = try hold("degraded", daemon, hasHeir: true)
            let heir = try #require(pid_t(holder.book[1][1]))
            defer { kill(heir, SIGKILL) }
            #expect(waitUntil { holder.ended != nil } && holder.ended == 0, "\(holder.log)")
            // The kernel told of the end before it was waited for, so the turn of the first question knows of it.
            for _ in 0..<20 { #expect(try !isAdmitted("degraded", peer)) }
            // When the heir goes, the worker may be yet another's.
            kill(heir, SIGKILL)
            let killed = monotonicMilliseconds()
            let isFree = try waitUntil { try isAdmitted("degraded", peer) }
            let passed = Int64(monotonicMilliseconds() - killed)
            #expect(isFree && passed > Self.graceMilliseconds - 100, "it was free after \(passed) ms")
            try expectCleanEnd(daemon)
        }

        /// The provider may still charge for a call that was sent.
        @Test func aHoldAgainstALimitThatDeniesStaysToItsTTLAfterADeath() throws {
            let daemon = try DaemonProcess()
            let subscriber = try RawPeer.subscribed(daemon.socketPath, to: .admission)
            let operating = try RawPeer.greeted(daemon.socketPath)
            try operating.set(["$10 until reset"], on: Scope(provider: Name("enforced")))
            try operating.set(["$10 until reset"], on: Scope(provider: Name("notifying")), mode: .notify)
            let (hard, soft, expiresAt): (UInt64, UInt64, Timestamp) = try {
                let peer = try RawPeer.greeted(daemon.socketPath)
                let soft = try peer.admit("notifying", cost: .dollars("4")).permit
                let hard = try peer.admit("enforced", cost: .dollars("4"), ttlMilliseconds: 4_000)
                return (hard.permit, soft, hard.expiresAt)
            }()

            let first = try subscriber.nextLapse()
            #expect(first.entry.permit == soft && first.entry.standing == .reclaimed)
            #expect(try operating.account("notifying").held == .zero)
            let held = try operating.account("enforced")
            // If the machine stalled, the time to live may have passed too.
            #expect(held.inFlight == 0)
            #expect(try held.held == .dollars("4") || operating.now() >= expiresAt)

            let second = try subscriber.nextLapse()
            #expect(second.entry.permit == hard && second.entry.standing == .expired && !second.entry.isInFlight)
            #expect(second.at >= expiresAt && second.at - expiresAt < Self.slackMilliseconds)
            #expect(try operating.account("enforced").held == .zero)
            try expectCleanEnd(daemon)
        }

        @Test(.enabled(if: geteuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0))
        func aPermitIsNoOtherUsersToSettle() throws {
            let daemon = try DaemonProcess("--socket-mode", "666")
            let peer = try RawPeer.greeted(daemon.socketPath)
            let permit = try peer.admit("openai").permit
            // The build folder may not be readable by others.
            let caller = daemon.folder("fusebox-caller")
            chmod(daemon.folder.path, 0o755)
            #expect(run(["/bin/cp", Program.path("fusebox-caller"), caller]) == 0)
            chmod(caller, 0o755)
            let settle = [caller, "settle", "socket=\(daemon.socketPath)", "permit=\(permit)"]
            let asNobody = ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            #expect(run(asNobody + settle) == Int32(Status.notPermitted.rawValue))
            #expect(try peer.permits().permits.map(\.permit) == [permit])
            // Another process of the same user may settle it.
            #expect(run(settle) == Int32(Status.ok.rawValue))
            #expect(try peer.permits().permits.isEmpty)
        }
    }
}
