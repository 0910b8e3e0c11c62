import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// Durations run on the steady clock. Dates follow the wall clock, forward only. Both hold while the daemon runs
    /// and from one start to the next. The tests use `libfaketime`.
    @Suite(.enabled(if: FakedClock.isPossible)) struct ClockTests {
        private static let hour = 3600
        private static let day = 24 * hour
        private static let minute: Int64 = 60_000
        private static let cooldown = 60 * minute
        private static let name = try! Name("openai")

        private let folder = TemporaryFolder()
        private let clock: FakedClock

        init() { clock = FakedClock(in: folder) }

        private func start(_ clocks: FakedClock.Clocks = .wall) throws -> DaemonProcess {
            var options = DaemonProcess.Options()
            options.flags = ["--snapshot-interval", "60m"]
            options.prelude = clock.prelude(clocks)
            return try DaemonProcess(options, in: folder)
        }

        /// Ends the daemon, in order or by a kill.
        private func end(_ daemon: DaemonProcess, _ signal: Int32) throws {
            #expect(try daemon.stop(signal) == (signal == SIGKILL ? 128 + SIGKILL : 0))
            FakedClock.forget(daemon.process)
        }

        // MARK: State that depends on time

        /// A mark, an open breaker, a rate window and a history. Time alone would change each of them.
        private func fill(_ daemon: DaemonProcess) throws {
            let peer = try RawPeer.greeted(daemon.socketPath)
            let name = Self.name
            let change = BreakerConfigurationChange(failureThreshold: 1, resetTimeoutMilliseconds: Self.cooldown)
            #expect(try peer.ask(BreakerConfigure(name: name, change: change)).status == .ok)
            // The decay of an open breaker begins with the first request that it refuses, or with the failure.
            #expect(try peer.ask(BreakerFailure(name: name)).status == .ok)
            #expect(try peer.ask(BreakerAcquire(name: name)).status == .ok)
            #expect(try peer.ask(LedgerSetBudget(budget: Budget(provider: name, rpd: 10))).status == .ok)
            for _ in 0..<3 {
                let record = LedgerRecord(
                    provider: name, model: name, cost: Money(nanodollars: 1), inputTokens: 1, outputTokens: 1)
                #expect(try peer.ask(record).status == .ok)
            }
            let mark = ExhaustionMark(provider: name, resetAfterMilliseconds: Self.cooldown)
            #expect(try peer.ask(mark).status == .ok)
        }

        /// The rest of each duration at a time.
        private struct Standing {
            var now: Timestamp
            var wall: Timestamp
            /// The time until the mark expires; nil if it has expired.
            var cooldown: Int64?
            /// The time until the breaker lets a call through; nil if it does.
            var breaker: Int64?
            /// The use in the window of a day.
            var counted: Int64
            /// The records of the last hour.
            var recorded: UInt64
            /// The test's own clock at the time of the look.
            var asked = monotonicMilliseconds()
        }

        private func look(at daemon: DaemonProcess) throws -> Standing {
            let asked = monotonicMilliseconds()
            let peer = try RawPeer.greeted(daemon.socketPath)
            let name = Self.name
            let time = try peer.ask(Ping()).reply(Ping.Reply.self)
            let mark = try peer.ask(ExhaustionGet(provider: name)).reply(ExhaustionGet.Reply.self).entry
            let breaker = try peer.ask(BreakerGet(name: name)).reply(BreakerGet.Reply.self).status
            let rate = try peer.ask(LedgerCheckRate(provider: name, dimension: .rpd)).reply(LedgerCheckRate.Reply.self)
            let summary = try peer.ask(LedgerSummary(provider: name, windowMilliseconds: 60 * Self.minute))
                .reply(LedgerSummary.Reply.self)
            return Standing(
                now: time.now, wall: time.wall, cooldown: mark.map { $0.resetsAt - time.now },
                breaker: breaker.state == .open ? breaker.nextAttempt.map { $0 - time.now } : nil,
                counted: rate.used, recorded: summary.requests, asked: asked)
        }

        /// Expects that the daemon has seen as much time between two looks as the test, and that nothing else has
        /// changed.
        private func expectOnlyTimePassed(
            _ before: Standing, _ after: Standing, andAlso passed: Int64 = 0,
            _ location: SourceLocation = #_sourceLocation
        ) {
            let seen = passed + Int64(monotonicMilliseconds() - before.asked) + 2
            let durations = [
                ("the steady clock", -before.now.milliseconds, -after.now.milliseconds),
                ("the cooldown", before.cooldown ?? 0, after.cooldown ?? 0),
                ("the breaker's timeout", before.breaker ?? 0, after.breaker ?? 0),
            ]
            for (what, earlier, later) in durations {
                #expect(later <= earlier - passed, "\(what) went back", sourceLocation: location)
                #expect(later >= earlier - seen, "\(what) leapt", sourceLocation: location)
            }
            #expect(after.cooldown != nil && after.breaker != nil, sourceLocation: location)
            #expect(after.counted == 3 && after.recorded == 3, sourceLocation: location)
            // A kill leaves the date of the last change, which is shortly before the look.
            #expect(after.wall - before.wall >= -seen, "dates go back", sourceLocation: location)
        }

        // MARK: While it runs

        @Test(arguments: [2 * hour, -2 * hour, 400 * day, -400 * day])
        func aStepOfTheWallClockIsLoggedAndChangesNoDuration(seconds: Int) throws {
            let daemon = try start()
            try fill(daemon)
            let before = try look(at: daemon)
            #expect(before.cooldown != nil && before.breaker != nil && before.counted == 3 && before.recorded == 3)

            clock.set(offsetSeconds: seconds)
            let stepped = try look(at: daemon)
            expectOnlyTimePassed(before, stepped)
            try expectSteps(daemon, [seconds])
            #expect(stepped.wall - before.wall < Self.minute, "dates do not follow a step at once")

            clock.set(offsetSeconds: 0)
            let back = try look(at: daemon)
            expectOnlyTimePassed(stepped, back)
            try expectSteps(daemon, [seconds, -seconds])
            try end(daemon, SIGTERM)
        }

        /// The steps in its log, rounded to seconds.
        private func expectSteps(_ daemon: DaemonProcess, _ seconds: [Int]) throws {
            var told: [Int] = []
            _ = waitUntil {
                told = daemon.log.split(separator: "\n").compactMap { line in
                    guard let words = line.split(separator: " was stepped by ").dropFirst().first else { return nil }
                    return words.split(separator: " ").first.flatMap { Int($0) }
                }
                return told.count >= seconds.count
            }
            #expect(told.count == seconds.count, "\(daemon.log)")
            for (milliseconds, seconds) in zip(told, seconds) { #expect(abs(milliseconds - seconds * 1000) < 1000) }
        }

        /// The values that would be seen if durations followed the stepped clock.
        @Test func timeThatPassesEndsThemAll() throws {
            let daemon = try start(.all)
            try fill(daemon)
            let before = try look(at: daemon)
            clock.set(offsetSeconds: 30 * 60)
            let half = try look(at: daemon)
            expectOnlyTimePassed(before, half, andAlso: 30 * Self.minute)
            clock.set(offsetSeconds: 25 * Self.hour)
            let after = try look(at: daemon)
            #expect(after.cooldown == nil && after.breaker == nil)
            #expect(after.counted == 0 && after.recorded == 0)
            #expect(!daemon.log.contains("was stepped by"))
            try end(daemon, SIGTERM)
        }

        // MARK: From one start to the next

        @Test(arguments: [SIGTERM, SIGKILL], [0, -hour, -400 * day])
        func aRestartWithTheClockSetBackGoesOnWhereItWas(_ signal: Int32, seconds: Int) throws {
            let daemon = try start()
            try fill(daemon)
            let before = try look(at: daemon)
            try end(daemon, signal)
            clock.set(offsetSeconds: seconds)
            let next = try start()
            // The last time on disk is that of the last change, which is shortly before the look.
            let settled = waitUntil { ((try? look(at: next).now) ?? before.now) > before.now }
            #expect(settled)
            expectOnlyTimePassed(before, try look(at: next))
            try end(next, SIGTERM)
        }

        @Test(arguments: [SIGTERM, SIGKILL])
        func timeThatPassedWhileItWasDownCounts(_ signal: Int32) throws {
            let daemon = try start()
            try fill(daemon)
            let before = try look(at: daemon)
            try end(daemon, signal)
            clock.set(offsetSeconds: 20 * 60)
            let next = try start()
            expectOnlyTimePassed(before, try look(at: next), andAlso: 20 * Self.minute)
            try end(next, signal)
            clock.set(offsetSeconds: 25 * Self.hour)
            let last = try start()
            let after = try look(at: last)
            #expect(after.cooldown == nil && after.breaker == nil)
            #expect(after.counted == 0 && after.recorded == 0)
            try end(last, SIGTERM)
        }

        /// If the clock was set back between two starts, time stands still and then continues from there.
        @Test func aClockThatIsSetBackMoreThanOnceNeverTakesTimeAway() throws {
            var daemon = try start()
            try fill(daemon)
            var last = try look(at: daemon)
            for (seconds, signal) in [(-600, SIGTERM), (-1200, SIGKILL), (-7200, SIGTERM), (-90_000, SIGKILL)] {
                try end(daemon, signal)
                clock.set(offsetSeconds: seconds)
                daemon = try start()
                let settled = waitUntil { ((try? look(at: daemon).now) ?? last.now) > last.now }
                #expect(settled)
                let next = try look(at: daemon)
                expectOnlyTimePassed(last, next)
                last = next
            }
            try end(daemon, SIGTERM)
        }

        // The time is also recorded while nothing changes. So the time since the last change is not lost when the wall
        // clock is set back, and a step since then does not count as time.

        @Test(arguments: [SIGTERM, SIGKILL])
        func timeThatPassedWithoutAChangeIsNotTakenBack(_ signal: Int32) throws {
            let daemon = try startIdle(.all)
            clock.set(offsetSeconds: 20 * 60)
            let before = try look(at: daemon)
            try end(daemon, signal)
            // The machine boots, and its clock is set back.
            clock.set(offsetSeconds: 0)
            let next = try start(.all)
            let after = try look(at: next)
            expectOnlyTimePassed(before, after)
            try end(next, SIGTERM)
        }

        @Test(arguments: [SIGTERM, SIGKILL])
        func aStepWithoutAChangeAfterItIsNotTimeThatPassed(_ signal: Int32) throws {
            let daemon = try startIdle(.wall)
            clock.set(offsetSeconds: 30 * 60)
            let before = try look(at: daemon)
            try end(daemon, signal)
            let next = try start()
            let after = try look(at: next)
            expectOnlyTimePassed(before, after)
            try end(next, SIGTERM)
        }

        /// A daemon whose newest snapshot has the whole state.
        private func startIdle(_ clocks: FakedClock.Clocks) throws -> DaemonProcess {
            let daemon = try start(clocks)
            try fill(daemon)
            #expect(try RawPeer.greeted(daemon.socketPath).ask(SnapshotNow()).status == .ok)
            return daemon
        }

        // MARK: Periods

        private func closedPeriods(_ daemon: DaemonProcess) throws -> [LedgerClosedPeriods.Period] {
            let peer = try RawPeer.greeted(daemon.socketPath)
            return try peer.ask(LedgerClosedPeriods(provider: Self.name)).reply(LedgerClosedPeriods.Reply.self).periods
        }

        private func spend(_ daemon: DaemonProcess) throws -> Int64 {
            let peer = try RawPeer.greeted(daemon.socketPath)
            return try peer.ask(LedgerTotal()).reply(LedgerTotal.Reply.self).spend.nanodollars
        }

        /// A new month begins when the old one has ended. A clock that is set back does not begin it again.
        @Test(arguments: [SIGTERM, SIGKILL])
        func aPeriodThatHasEndedDoesNotComeBack(_ signal: Int32) throws {
            let daemon = try start(.all)
            try fill(daemon)
            #expect(try closedPeriods(daemon).isEmpty)
            #expect(try spend(daemon) == 3)
            clock.set(offsetSeconds: 40 * Self.day)
            // The periods roll over with the next change.
            try record(daemon)
            let closed = try closedPeriods(daemon)
            #expect(closed.map(\.usage.spend.nanodollars) == [3])
            #expect(try spend(daemon) == 1)
            let before = try look(at: daemon)

            try end(daemon, signal)
            clock.set(offsetSeconds: 0)
            let next = try start(.all)
            // A kill leaves the date of the last change, which is shortly before the look.
            #expect(try look(at: next).wall >= before.wall - Self.minute)
            try record(next)
            #expect(try closedPeriods(next) == closed)
            #expect(try spend(next) == 2)
            #expect(!next.log.contains("taken back"), "nobody says that the clock is right now")
            try end(next, SIGTERM)
        }

        @Test(arguments: [nil, SIGTERM, SIGKILL])
        func aClockThatIsFortyDaysAheadForAMomentEndsNoPeriod(_ restart: Int32?) throws {
            var daemon = try start()
            try fill(daemon)
            let before = try look(at: daemon)
            clock.set(offsetSeconds: 40 * Self.day)
            try record(daemon)
            if let restart {
                try end(daemon, restart)
                daemon = try start()
                try record(daemon)
            }
            clock.set(offsetSeconds: 0)
            try record(daemon)
            #expect(try closedPeriods(daemon).isEmpty)
            #expect(try spend(daemon) == (restart == nil ? 5 : 6))
            #expect(try look(at: daemon).wall - before.wall < 10 * Self.minute, "dates are right")
            #expect(daemon.logs("was stepped by"))
            try end(daemon, SIGTERM)
            daemon = try start()
            #expect(try closedPeriods(daemon).isEmpty)
            try end(daemon, SIGTERM)
        }

        @Test(arguments: [SIGTERM, SIGKILL])
        func aStartTenYearsAheadEndsNoPeriod(_ signal: Int32) throws {
            var daemon = try start()
            try fill(daemon)
            let before = try look(at: daemon)
            try end(daemon, SIGTERM)
            clock.set(offsetSeconds: 3_650 * Self.day)
            daemon = try start()
            try record(daemon)
            #expect(daemon.logs("is not synchronised; the last recorded date is"))
            try end(daemon, signal)
            clock.set(offsetSeconds: 0)
            daemon = try start()
            try record(daemon)
            #expect(try closedPeriods(daemon).isEmpty)
            #expect(try spend(daemon) == 5)
            #expect(try look(at: daemon).wall - before.wall < 10 * Self.minute, "dates are right")
            try end(daemon, SIGTERM)
        }

        /// The kernel reported that the wrong clock was synchronised, so it was believed.
        @Test(arguments: [SIGTERM, SIGKILL])
        func aRecordedTimeAheadOfASynchronisedClockIsTakenBackAtTheStart(_ signal: Int32) throws {
            var daemon = try start()
            try fill(daemon)
            let before = try look(at: daemon)
            try end(daemon, SIGTERM)
            clock.set(offsetSeconds: 3_650 * Self.day)
            clock.isSynchronised = true
            daemon = try start()
            try record(daemon)
            #expect(try closedPeriods(daemon).map(\.usage.spend.nanodollars) == [3])
            #expect(try spend(daemon) == 1)
            try end(daemon, signal)

            clock.set(offsetSeconds: 0)
            daemon = try start()
            #expect(daemon.logs("dates are taken back to the wall clock"))
            try expectPeriodIsOpenAgain(daemon, after: before)
            try end(daemon, signal)
            // The date stays where it was taken back to.
            daemon = try start()
            #expect(!daemon.log.contains("taken back"))
            try expectPeriodIsOpenAgain(daemon, after: before)
            try end(daemon, SIGTERM)
        }

        @Test func aRunningDaemonIsTakenBackToo() throws {
            clock.set(offsetSeconds: 3_650 * Self.day)
            var daemon = try start()
            try fill(daemon)
            let status = try RawPeer.greeted(daemon.socketPath).ask(ServerStatus()).reply(ServerStatus.Reply.self)
            #expect(!status.isClockSynchronised)
            try end(daemon, SIGTERM)
            clock.set(offsetSeconds: 0)
            daemon = try start()
            let ahead = try look(at: daemon)
            #expect(ahead.wall >= status.wall, "nobody says that the clock is right now")
            let stuck = try RawPeer.greeted(daemon.socketPath).ask(ServerStatus()).reply(ServerStatus.Reply.self)
            #expect(stuck.wall - stuck.systemWall > 3_649 * 24 * 60 * Self.minute, "status shows both clocks")
            clock.isSynchronised = true
            #expect(daemon.logs("taken back"))
            let right = try RawPeer.greeted(daemon.socketPath).ask(ServerStatus()).reply(ServerStatus.Reply.self)
            #expect(right.isClockSynchronised && abs(right.systemWall - right.wall) < Self.minute)
            #expect(try spend(daemon) == 3)
            try end(daemon, SIGTERM)
        }

        private func expectPeriodIsOpenAgain(_ daemon: DaemonProcess, after before: Standing) throws {
            #expect(try closedPeriods(daemon).isEmpty)
            #expect(try spend(daemon) == 4)
            let wall = try look(at: daemon).wall
            #expect(wall - before.wall < 10 * Self.minute && wall >= before.wall - 1, "dates are right")
        }

        private func record(_ daemon: DaemonProcess) throws {
            let peer = try RawPeer.greeted(daemon.socketPath)
            let record = LedgerRecord(
                provider: Self.name, model: Self.name, cost: Money(nanodollars: 1), inputTokens: 1, outputTokens: 1)
            #expect(try peer.ask(record).status == .ok)
        }
    }
}
