import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// When a window of the calendar ends. The tests use `libfaketime`.
    @Suite(.enabled(if: FakedClock.isPossible)) struct LimitClockTests {
        private static let hour = 3_600
        private static let day = 24 * hour
        private static let scope = Scope(provider: try! Name("openai"))
        private static let cost = Money.dollars("0.5")

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
        private func end(_ daemon: DaemonProcess, _ signal: Int32 = SIGTERM) throws {
            #expect(try daemon.stop(signal) == (signal == SIGKILL ? 128 + SIGKILL : 0))
            FakedClock.forget(daemon.process)
        }

        private func isAdmitted(_ daemon: DaemonProcess) throws -> Bool {
            try RawPeer.greeted(daemon.socketPath).call("openai", cost: Self.cost)
        }

        /// Sets $1 a day, and uses it up.
        private func useUp(_ daemon: DaemonProcess) throws {
            let peer = try RawPeer.greeted(daemon.socketPath)
            try peer.set(["$1 \(LongWindow.day)", "2 requests \(LongWindow.day)"], on: Self.scope)
            for _ in 1...2 { #expect(try peer.call("openai", cost: Self.cost)) }
            try expectUsedUp(daemon)
        }

        private func expectUsedUp(_ daemon: DaemonProcess, _ location: SourceLocation = #_sourceLocation) throws {
            #expect(try !isAdmitted(daemon), sourceLocation: location)
            let entries = try RawPeer.greeted(daemon.socketPath).limits()
            #expect(entries.map(\.used) == [1_000_000_000, 2], sourceLocation: location)
        }

        /// A call is admitted, the first of its day.
        private func expectNewDay(_ daemon: DaemonProcess, _ location: SourceLocation = #_sourceLocation) throws {
            #expect(try isAdmitted(daemon), sourceLocation: location)
            let entries = try RawPeer.greeted(daemon.socketPath).limits()
            #expect(entries.map(\.used) == [500_000_000, 1], sourceLocation: location)
        }

        // MARK: Steps of the wall clock

        /// Thirteen hours lead from noon past midnight.
        @Test(arguments: [40 * day, 13 * hour])
        func aClockThatIsAheadForAMomentBeginsNoDay(seconds: Int) throws {
            let daemon = try start()
            try useUp(daemon)
            clock.set(offsetSeconds: seconds)
            try expectUsedUp(daemon)
            clock.set(offsetSeconds: 0)
            try expectUsedUp(daemon)
            try end(daemon)
        }

        @Test(arguments: [40 * day, 13 * hour], [SIGTERM, SIGKILL])
        func norDoesItWithAStartMeanwhile(seconds: Int, signal: Int32) throws {
            var daemon = try start()
            try useUp(daemon)
            clock.set(offsetSeconds: seconds)
            try expectUsedUp(daemon)
            try end(daemon, signal)
            daemon = try start()
            try expectUsedUp(daemon)
            clock.set(offsetSeconds: 0)
            try expectUsedUp(daemon)
            try end(daemon)
        }

        @Test(arguments: [SIGTERM, SIGKILL])
        func aStartTenYearsAheadBeginsNoDay(_ signal: Int32) throws {
            var daemon = try start()
            try useUp(daemon)
            try end(daemon)
            clock.set(offsetSeconds: 3_650 * Self.day)
            daemon = try start()
            #expect(daemon.logs("is not synchronised; the last recorded date is"))
            try expectUsedUp(daemon)
            try end(daemon, signal)
            clock.set(offsetSeconds: 0)
            daemon = try start()
            try expectUsedUp(daemon)
            try end(daemon)
        }

        /// The kernel reported that the wrong clock was synchronised, so it was believed.
        @Test(arguments: [SIGTERM, SIGKILL])
        func windowsThatAWrongClockHasEndedAreOpenAgain(_ signal: Int32) throws {
            var daemon = try start()
            try useUp(daemon)
            let entry = try RawPeer.greeted(daemon.socketPath).limit(.cost, on: Self.scope)
            try end(daemon)
            clock.set(offsetSeconds: 3_650 * Self.day)
            clock.isSynchronised = true
            daemon = try start()
            try expectNewDay(daemon)
            try end(daemon, signal)

            clock.set(offsetSeconds: 0)
            daemon = try start()
            #expect(daemon.logs("dates are taken back to the wall clock; windows of calendars that are open again: 1"))
            let again = try RawPeer.greeted(daemon.socketPath).limit(.cost, on: Self.scope)
            let later = try #require(entry.endsInMilliseconds) - (again.endsInMilliseconds ?? 0)
            #expect((0..<600_000).contains(later), "the day ends when it would have ended")
            try end(daemon, signal)
            daemon = try start()
            #expect(!daemon.log.contains("taken back"), "dates stay where they were taken back to")
            try end(daemon)
        }

        @Test func theEndOfTheDayIsNotNowWhileTheClockIsInDoubt() throws {
            let daemon = try start()
            try useUp(daemon)
            clock.set(offsetSeconds: 13 * Self.hour)
            let entry = try RawPeer.greeted(daemon.socketPath).limit(.cost, on: Self.scope)
            #expect((entry.endsInMilliseconds ?? 1) > 0)
            try end(daemon)
        }

        @Test func aDayThatPassesBeginsTheNext() throws {
            let daemon = try start(.all)
            try useUp(daemon)
            clock.set(offsetSeconds: 11 * Self.hour)
            try expectUsedUp(daemon)
            clock.set(offsetSeconds: 24 * Self.hour)
            try expectNewDay(daemon)
            try end(daemon)
        }

        // MARK: While the daemon was down

        @Test(arguments: [SIGTERM, SIGKILL])
        func aBoundaryCrossedMeanwhileCountsAtTheStartBySynchronisedClock(_ signal: Int32) throws {
            clock.isSynchronised = true
            var daemon = try start()
            try useUp(daemon)
            try end(daemon, signal)
            clock.set(offsetSeconds: Self.day)
            daemon = try start()
            try expectNewDay(daemon)
            try end(daemon)
        }

        @Test(arguments: [SIGTERM, SIGKILL])
        func itWaitsForAClockThatIsNotSynchronised(_ signal: Int32) throws {
            var daemon = try start()
            try useUp(daemon)
            try end(daemon, signal)
            clock.set(offsetSeconds: Self.day)
            daemon = try start()
            try expectUsedUp(daemon)
            clock.isSynchronised = true
            let peer = try RawPeer.greeted(daemon.socketPath)
            let hasBegun = try waitUntil { try peer.limits().allSatisfy { $0.used == 0 } }
            #expect(hasBegun)
            try expectNewDay(daemon)
            try end(daemon)
        }

        // MARK: Sliding windows

        /// Four bursts, of which the second and the fourth come by each even number of seconds after those before them.
        @Test func tenRequestsAMinuteAreNeverMoreInAnyMinuteWheneverBurstsCome() throws {
            let daemon = try start(.all)
            let peer = try RawPeer.greeted(daemon.socketPath)
            try peer.set(["10 requests per minute"], on: Self.scope)
            let route = Candidate(provider: try Name("openai"))
            // The steady clock in milliseconds.
            var granted: [Int64] = []
            var denied: [Int64] = []
            func burst(_ calls: Int, at seconds: Int) throws {
                clock.set(offsetSeconds: seconds)
                for _ in 1...calls {
                    let before = try peer.now().milliseconds
                    if let permit = try peer.permit(route, ttlMilliseconds: Int64(Self.hour) * 1_000) {
                        granted.append(permit.expiresAt.milliseconds - Int64(Self.hour) * 1_000)
                        try peer.settle(permit.number, cost: .zero)
                    } else {
                        denied.append(before)
                    }
                }
            }
            for (round, after) in stride(from: 0, through: 60, by: 2).enumerated() {
                let start = round * 150
                try burst(4, at: start)
                try burst(12, at: start + after)
                try burst(12, at: start + 60)
                try burst(12, at: start + 60 + after)
            }
            #expect(granted.count >= 31 * 10 && denied.count >= 31 * 10)
            for (first, eleventh) in zip(granted, granted.dropFirst(10)) {
                #expect(eleventh - first >= 60_000, "11 calls within \(eleventh - first) ms")
            }
            // Nothing was denied that fits a window of 61 seconds.
            for moment in denied {
                let used = granted.count { $0 > moment - 61_000 && $0 <= moment }
                #expect(used >= 10, "denied after \(used) calls")
            }
            try end(daemon)
        }

        // MARK: Zones

        /// The days in 2040 on which the clocks of Los Angeles are put forward and back: March 11 and November 4.
        @Test(arguments: [(2_215_065_600, 23), (2_235_625_200, 25)])
        func aDayInLosAngelesIsAsLongAsItsClocksSay(midnight: Int, hours: Int) throws {
            let start = midnight - time(nil)
            clock.set(offsetSeconds: start + 600)
            let daemon = try self.start(.all)
            let peer = try RawPeer.greeted(daemon.socketPath)
            try peer.set(["$1 per day in America/Los_Angeles"], on: Self.scope)
            for _ in 1...2 { #expect(try peer.call("openai", cost: Self.cost)) }
            let left = try #require(try peer.limit(.cost, on: Self.scope).endsInMilliseconds) / 60_000
            #expect((hours * 60 - 20...hours * 60 - 10).contains(Int(left)), "\(left) minutes are left of the day")

            clock.set(offsetSeconds: start + hours * Self.hour - 600)
            #expect(try !isAdmitted(daemon))
            clock.set(offsetSeconds: start + hours * Self.hour + 1)
            #expect(try isAdmitted(daemon))
            // The first peer has been silent for a day.
            let next = try RawPeer.greeted(daemon.socketPath)
            #expect(try next.limit(.cost, on: Self.scope).used == Self.cost.nanodollars)
            try end(daemon)
        }
    }
}
