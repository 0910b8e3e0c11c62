import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// Limits and what is used of them, when the daemon or a worker dies.
    @Suite struct LimitTests {
        /// The grace of a worker whose end the kernel does not tell.
        private static let graceMilliseconds: Int64 = 2_000

        private static let provider = Scope(provider: try! Name("openai"))
        private static let model = Scope(provider: try! Name("openai"), model: try! Name("gpt"))
        private static let deployment = Scope(
            provider: try! Name("openai"), deployment: try! Name("eu"), model: try! Name("gpt"))
        private static let team = Scope(tag: try! Name("team:a"))
        private static let teamOnModel = Scope(
            provider: try! Name("openai"), model: try! Name("gpt"), tag: try! Name("team:a"))
        private static let users = Scope(tag: try! Name("user:*"))

        private func expectCleanEnd(_ daemon: DaemonProcess) throws {
            #expect(try daemon.stop() == 0)
            #expect(daemon.check() == 0)
        }

        // MARK: The daemon's death

        /// Limits of every kind of scope, dimension, window and mode.
        private func setLimits(_ peer: RawPeer) throws {
            try peer.set(["$100 \(LongWindow.month)", "50 in flight"], on: .host)
            try peer.set(["10 requests per 24h", "$20 prepaid"], on: Self.provider)
            try peer.set(["$1 per 24h", "2 requests per 24h"], on: Self.provider, mode: .shadow)
            try peer.set(["5000 tokens per 7 days", "2000 input tokens \(LongWindow.year)"], on: Self.model)
            try peer.set(["$5 until reset"], on: Self.deployment, onLapse: .release)
            try peer.set(["3 requests per 24h fixed"], on: Self.team, mode: .notify)
            try peer.set(["900 output tokens \(LongWindow.day)"], on: Self.teamOnModel)
            try peer.set(["$2 per 24h", "2 in flight"], on: Self.users)
            let raise = LimitRaise(
                scope: Self.provider, limit: try LimitText.limit("40 requests per 24h"), milliseconds: 864_000_000)
            #expect(try peer.ask(raise).status == .ok)
        }

        /// All limits with what is used of them, without what time alone changes.
        private func standing(_ peer: RawPeer) throws -> [String] {
            try (peer.limits() + peer.limits(on: Self.users)).map { entry in
                let raised = entry.raisedAmount.map { " raised to \($0)" } ?? ""
                let template = entry.template.map { " from \($0)" } ?? ""
                return "\(entry.scope)\(template): \(entry.limit) \(entry.limit.mode) \(entry.limit.onLapse)\(raised), "
                    + "\(entry.used) used, \(entry.held) held, \(entry.assumed) assumed, \(entry.toldTier) told, "
                    + "\(entry.wouldHaveDenied) would have been denied, \(entry.uses) uses"
            }
        }

        @Test(arguments: [SIGKILL, SIGTERM])
        func limitsAndWhatIsUsedOfThemOutliveTheDaemon(_ signal: Int32) throws {
            var daemon = try DaemonProcess()
            let worker = WorkerID.random()
            var peer = try RawPeer.greeted(daemon.socketPath, as: worker)
            try setLimits(peer)
            let route = Candidate(
                provider: try Name("openai"), deployment: try Name("eu"), model: try Name("gpt"))
            let estimate = Estimate(cost: .dollars("0.9"), inputTokens: 100, outputTokens: 200)
            for number in 1...2 {
                let permit = try #require(try peer.permit(route, tags: ["team:a", "user:\(number)"], estimate))
                try peer.settle(permit.number, cost: .dollars("0.25"), input: 120, output: 80)
            }
            let held = try #require(try peer.permit(route, tags: ["team:a", "user:2"], estimate))
            let before = try standing(peer)
            let model = try peer.limit(.tokens, on: Self.model)
            #expect(model.used == 2 * 200 + 300, "two calls as they were told, one as it is estimated")
            #expect(try peer.limit(.cost, on: Self.deployment).held == 900_000_000)
            for (limit, count) in [("$1 per 24h shadow", 2), ("2 requests per 24h shadow", 1)] {
                #expect(
                    before.contains { $0.contains("openai: \(limit)") && $0.contains(" \(count) would") }, "\(before)")
            }

            #expect(try daemon.stop(signal) == (signal == SIGKILL ? 128 + SIGKILL : 0))
            #expect(daemon.check() == 0)
            daemon = try DaemonProcess(in: daemon.folder)
            peer = try RawPeer.greeted(daemon.socketPath, as: worker, after: peer.sequence)
            #expect(try standing(peer) == before)

            // What is held is this call's still.
            try peer.settle(held.number, cost: .dollars("0.5"), input: 1, output: 2)
            #expect(try peer.limit(.tokens, on: Self.model).used == 2 * 200 + 3)
            let cost = try peer.limit(.cost, on: Self.deployment)
            #expect(cost.used == 1_000_000_000 && cost.held == 0)
            #expect(try (peer.limits() + peer.limits(on: Self.users)).allSatisfy { $0.held == 0 })
            try expectCleanEnd(daemon)
        }

        // MARK: A worker's death

        /// The provider may still charge for a call that was sent.
        @Test func aKilledWorkersPlaceIsFreeAtOnceAndItsCostIsHeldToItsTTL() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            try peer.set(["1 in flight", "$1 prepaid", "5 requests per 24h"], on: Self.provider)
            try peer.set(["$1 until reset"], on: Self.provider, mode: .notify)
            let words = [
                "socket=\(daemon.socketPath)", "provider=openai", "cost=600000000", "ttl=4000", "tries=1", "call=0",
                "holds=1",
            ]
            let holder = CallerProcess("limited", words, name: "holder", in: daemon.folder)
            #expect(waitUntil { !holder.book.isEmpty || holder.ended != nil })
            try #require(holder.book.first?.first == "granted", "\(holder.log)")
            let grantedAt = Timestamp(milliseconds: try #require(Int64(holder.book[0][2])))
            #expect(try peer.permit(Candidate(provider: Name("openai"))) == nil, "its place is taken")

            let subscriber = try RawPeer.subscribed(daemon.socketPath, to: .admission)
            kill(holder.process, SIGKILL)
            let stopwatch = Stopwatch(of: daemon.process)
            let isFree = try waitUntil { try peer.limit(.inFlight, on: Self.provider).held == 0 }
            let passed = Int64(stopwatch.milliseconds)
            #expect(isFree && passed < Self.graceMilliseconds / 2, "it was free after \(passed) ms")
            let costs = try peer.limits(on: Self.provider).filter { $0.limit.dimension == .cost }
            // If the machine stalled, the time to live may have passed too.
            if try peer.now() < grantedAt + 4_000 {
                #expect(
                    costs.map(\.held) == [600_000_000, 0], "of the limit that denies, and of the one that does not")
                #expect(costs.map(\.used) == [0, 0])
            }

            let lapse = try subscriber.nextLapse()
            #expect(lapse.entry.standing == .expired && lapse.at >= grantedAt + 4_000)
            let after = try peer.limits(on: Self.provider).filter { $0.limit.dimension == .cost }
            #expect(after.map(\.held) == [0, 0])
            #expect(after.map(\.used) == [600_000_000, 0])
            #expect(after.map(\.assumed) == [600_000_000, 0])
            #expect(try peer.limit(.requests, on: Self.provider).used == 1)
            try expectCleanEnd(daemon)
        }

        @Test(arguments: [LapseRule.charge, .release])
        func aCallThatIsNeverSettledCostsWhatTheLimitSaysUntilItIsToldLate(_ rule: LapseRule) throws {
            let daemon = try DaemonProcess()
            let subscriber = try RawPeer.subscribed(daemon.socketPath, to: .admission)
            let peer = try RawPeer.greeted(daemon.socketPath)
            try peer.set(["$1 per 24h", "1000 tokens per 24h"], on: Self.provider, onLapse: rule)
            let route = Candidate(provider: try Name("openai"))
            let estimate = Estimate(cost: .dollars("0.6"), tokens: 700)
            let permit = try #require(try peer.permit(route, estimate, ttlMilliseconds: 200))
            #expect(try subscriber.nextLapse().entry.standing == .expired)

            let isCharged = rule == .charge
            let (cost, tokens) = (try peer.limit(.cost, on: Self.provider), try peer.limit(.tokens, on: Self.provider))
            #expect(cost.used == (isCharged ? 600_000_000 : 0) && cost.assumed == cost.used && cost.held == 0)
            #expect(tokens.used == (isCharged ? 700 : 0) && tokens.assumed == tokens.used)
            let next = try peer.permit(route, estimate)
            #expect((next == nil) == isCharged)
            if let next { #expect(try peer.ask(Settle(permit: next.number, outcome: .cancelled)).status == .ok) }

            try peer.settle(permit.number, cost: .dollars("0.2"), input: 60, output: 40)
            #expect(try peer.limit(.cost, on: Self.provider).used == 200_000_000)
            #expect(try peer.limit(.tokens, on: Self.provider).used == 100)
            #expect(try peer.limits(on: Self.provider).allSatisfy { $0.assumed == 0 && $0.held == 0 })
            try expectCleanEnd(daemon)
        }

        // MARK: Many processes

        private func callers(_ count: Int, _ words: [String], _ daemon: DaemonProcess) -> [CallerProcess] {
            (1...count).map { number in
                CallerProcess(
                    "limited", ["socket=\(daemon.socketPath)"] + words, name: "\(number)", in: daemon.folder)
            }
        }

        /// When the daemon granted calls to these workers, by its steady clock, in order.
        private func grants(_ callers: [CallerProcess]) -> [Int64] {
            callers.flatMap(\.book).filter { $0.first == "granted" && $0.count == 3 }.compactMap { Int64($0[2]) }
                .sorted()
        }

        /// Eight workers that ask all the time, and a daemon that is killed meanwhile.
        @Test func noStretchOfTheWindowsLengthHasMoreCallsThanTheLimit() throws {
            var daemon = try DaemonProcess()
            try RawPeer.greeted(daemon.socketPath).set(["10 requests per 10s"], on: Self.provider)
            let words = ["provider=openai", "cost=0", "ttl=60000", "tries=0", "call=1500", "holds=0"]
            let callers = callers(8, words, daemon)
            #expect(waitUntil { grants(callers).count >= 5 || callers.contains { $0.ended != nil } })
            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            daemon = try DaemonProcess(in: daemon.folder)
            let wanted = isFull ? 95 : 25
            #expect(waitUntil(seconds: 300) { grants(callers).count >= wanted || callers.contains { $0.ended != nil } })
            for caller in callers { caller.kill() }

            let times = grants(callers)
            #expect(times.count >= wanted, "\(callers.map(\.log))")
            for (first, eleventh) in zip(times, times.dropFirst(10)) {
                #expect(eleventh - first >= 10_000, "11 calls within \(eleventh - first) ms: \(times)")
            }
            let denials = callers.flatMap(\.book).filter { $0.first == "denied" }.map {
                $0.dropFirst().joined(separator: " ")
            }
            #expect(Set(denials) == ["10 requests per 10s"])
            try expectCleanEnd(daemon)
        }

        @Test func oneDollarADayIsTwoCallsOfFiftyCentsForAnyNumberOfProcesses() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            try peer.set(["$1 \(LongWindow.day)"], on: Self.provider)
            let words = ["provider=openai", "cost=500000000", "ttl=60000", "tries=40", "call=50", "holds=0"]
            let callers = callers(6, words, daemon)
            #expect(waitUntil { callers.allSatisfy { $0.ended != nil } })
            #expect(callers.allSatisfy { $0.ended == 0 }, "\(callers.map(\.log))")
            #expect(grants(callers).count == 2)
            #expect(callers.allSatisfy { caller in caller.book.contains { $0.first == "denied" } })
            let entry = try peer.limit(.cost, on: Self.provider)
            #expect(entry.used == 1_000_000_000 && entry.held == 0)
            #expect(try peer.call("openai", cost: .zero), "a call that costs nothing passes")
            #expect(try !peer.call("openai", cost: Money(nanodollars: 1)))
            try expectCleanEnd(daemon)
        }

        // MARK: Many users

        private static func call(of user: Int) throws -> Admit {
            Admit(
                candidates: try Candidates([Candidate(provider: Name("openai"))]),
                tags: try .init([Name("user:\(user)")]),
                estimate: Estimate(cost: .dollars("0.6")), ttlMilliseconds: 3_600_000)
        }

        /// Asks for a call of each user at once.
        private func ask(_ peer: RawPeer, for users: Range<Int>) throws -> [Admit.Reply] {
            for user in users { peer.send(try Self.call(of: user)) }
            return try users.map { _ in try #require(try peer.next()).reply(Admit.Reply.self) }
        }

        /// A limit on `user:*` is one of each user's own, also after the daemon's death.
        @Test func aDollarADayForEachUserHoldsForTenThousandUsers() throws {
            let (users, batch) = (10_000, 100)
            var daemon = try DaemonProcess()
            var peer = try RawPeer.greeted(daemon.socketPath)
            try peer.set(["$1 \(LongWindow.day)"], on: Self.users)
            for first in stride(from: 0, to: users, by: batch) {
                let permits = try ask(peer, for: first..<first + batch).compactMap(\.permit)
                try #require(permits.count == batch)
                let usage = CallUsage(cost: .dollars("0.6"))
                for permit in permits { peer.send(Settle(permit: permit, outcome: .success, usage: usage)) }
                for _ in permits { #expect(try peer.next()?.status == .ok) }
                try #require(try ask(peer, for: first..<first + batch).allSatisfy { $0.permit == nil })
            }
            daemon.kill()
            daemon = try DaemonProcess(in: daemon.folder)
            peer = try RawPeer.greeted(daemon.socketPath)
            for first in stride(from: 0, to: users, by: 1_000) {
                let denied = try ask(peer, for: first..<first + batch)
                #expect(denied.allSatisfy { $0.permit == nil && $0.decision.limits.first?.used == 600_000_000 })
            }
            #expect(try peer.limits(on: Self.users).first?.uses == UInt32(users))
            let newcomer = try ask(peer, for: users..<users + 1)
            #expect(newcomer[0].permit != nil)
            try expectCleanEnd(daemon)
        }
    }
}
