import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// The rules of `proto-docs/protocol.md` on frames, hello and sequences, from the view of an independent client.
    @Suite struct ProtocolRulesTests {
        private static let worker = WorkerID(high: 0xF00D, low: 1)

        private func bytes(_ command: UInt16, kind: UInt8 = 0, detail: UInt8 = 0, _ payload: [UInt8] = []) -> [UInt8] {
            var writer = ByteWriter()
            writer.write(UInt32(8 + payload.count))
            writer.write(command)
            writer.write(kind)
            writer.write(detail)
            writer.write(UInt32(9))
            writer.write(contentsOf: payload)
            return writer.bytes
        }

        // MARK: Frames

        @Test(arguments: [(1, 0), (2, 0), (3, 0), (0, 1)])
        func aFrameThatIsNoRequestIsMalformedAndClosesTheConnection(kind: UInt8, detail: UInt8) throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            peer.send(bytes(Ping.declaration.number, kind: kind, detail: detail))
            let answer = try #require(try peer.next())
            #expect(answer.status == .malformed)
            #expect(answer.header.command == Ping.declaration.number && answer.header.correlation == 9)
            #expect(try peer.isClosed())
        }

        @Test func aTopicThatThereIsNotIsRefusedAndTheChoiceBeforeItStays() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            #expect(try peer.ask(Subscribe(topics: .all)).status == .ok)
            var unknown = Subscribe(topics: .breaker)
            for bits in [32, 33, UInt32.max] {
                unknown.topics = bits
                #expect(try peer.ask(unknown).status == .outOfRange)
            }
            let other = try RawPeer.greeted(daemon.socketPath)
            #expect(try other.ask(ExhaustionMark(provider: try Name("p"))).status == .ok)
            #expect(try peer.nextEvent().event.declaration.name == "providerExhausted")
        }

        // MARK: Hello

        @Test(
            arguments: [
                ("no UTF-8", [2, 0, 0xC3, 0x28], Status.badText), ("a text too long", [0xFF, 0xFF], .outOfRange),
                ("a byte too many", [0, 0, 0], .trailingBytes), ("cut short", [], .malformed),
            ] as [(String, [UInt8], Status)])
        func whateverIsWrongWithHelloClosesTheConnectionWithTheStatusOfWhatItIs(
            what: String, client: [UInt8], status: Status
        ) throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer(daemon.socketPath)
            let hello = RawPeer.frame(Hello(worker: Self.worker, client: ""))
            peer.send(bytes(1, Array(hello[12..<(hello.count - 2)]) + client))
            #expect(try peer.next()?.status == status)
            #expect(try peer.isClosed())
        }

        @Test func aHelloWithoutAMagicIsNotThisProtocolsAndWorkerId0IsRefusedAndBothCloseTheConnection() throws {
            let daemon = try DaemonProcess()
            let stranger = try RawPeer(daemon.socketPath)
            stranger.send(bytes(1))
            #expect(try stranger.next()?.status == .badMagic)
            #expect(try stranger.isClosed())
            let nobody = try RawPeer(daemon.socketPath)
            nobody.send(RawPeer.frame(Hello(worker: WorkerID(high: 0, low: 0), client: "test")))
            #expect(try nobody.next()?.status == .outOfRange)
            #expect(try nobody.isClosed())
        }

        @Test func aSnapshotThatIsNotKeptIsNotFoundAndTheRefusalTellsNoPathOfTheDaemons() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            let answer = try peer.ask(SnapshotRead(sequence: 9_999, offset: 0))
            #expect(answer.status == .notFound)
            #expect(!answer.message.contains("/"))
        }

        // MARK: Sequences

        private func frame<C: Command>(_ command: C, _ sequence: UInt64, oldest: UInt64) -> [UInt8] {
            var writer = ByteWriter()
            RawPeer.write(command, sequence: sequence, oldest: oldest, into: &writer)
            return writer.bytes
        }

        private func record(_ nanodollars: Int64) throws -> LedgerRecord {
            LedgerRecord(
                provider: try Name("p"), model: try Name("m"), cost: Money(nanodollars: nanodollars), inputTokens: 1,
                outputTokens: 1)
        }

        private func ask(_ peer: RawPeer, _ frame: [UInt8]) throws -> RawPeer.Frame {
            peer.send(frame)
            return try #require(try peer.next())
        }

        private func spend(_ peer: RawPeer) throws -> Int64 {
            try ask(peer, RawPeer.frame(LedgerTotal())).reply(LedgerTotal.Reply.self).spend.nanodollars
        }

        @Test func sequence0AndAnOldestUnacknowledgedAboveTheSequenceAreOutOfRange() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            #expect(try ask(peer, frame(try record(1), 0, oldest: 0)).status == .outOfRange)
            #expect(try ask(peer, frame(try record(1), 1, oldest: 2)).status == .outOfRange)
            #expect(try spend(peer) == 0)
            #expect(try ask(peer, frame(try record(1), 1, oldest: 0)).status == .ok, "they took no number")
            #expect(try spend(peer) == 1)
        }

        @Test func aUsedNumberWithAnotherRequestIsRefusedAndTheSameOneGetsItsReplyOverACrashAndAStopToo() throws {
            let folder = TemporaryFolder()
            // From the journal after a crash, and from the snapshot after a stop.
            for ending in [nil, SIGKILL, SIGTERM] {
                if let ending { try check(in: folder, after: ending) } else { try begin(in: folder) }
            }
        }

        private func begin(in folder: TemporaryFolder) throws {
            let daemon = try DaemonProcess(in: folder)
            let peer = try RawPeer(daemon.socketPath)
            peer.send(RawPeer.frame(Hello(worker: Self.worker, client: "raw peer")))
            #expect(try peer.next()?.status == .ok)
            #expect(try ask(peer, frame(try record(5), 1, oldest: 1)).status == .ok)
            #expect(try ask(peer, frame(BreakerSuccess(name: try Name("p")), 2, oldest: 1)).status == .ok)
            try expectReuseIsRefused(peer)
            daemon.send(SIGKILL)
            _ = try daemon.wait()
        }

        private func check(in folder: TemporaryFolder, after ending: Int32) throws {
            let daemon = try DaemonProcess(in: folder)
            let peer = try RawPeer.greeted(daemon.socketPath, as: Self.worker, after: 2)
            try expectReuseIsRefused(peer)
            daemon.send(ending == SIGKILL ? SIGTERM : SIGKILL)
            _ = try daemon.wait()
        }

        private func expectReuseIsRefused(_ peer: RawPeer) throws {
            #expect(try ask(peer, frame(try record(6), 1, oldest: 1)).status == .sequenceReused, "another amount")
            #expect(try ask(peer, frame(try record(5), 2, oldest: 1)).status == .sequenceReused, "another command")
            let failure = BreakerFailure(name: try Name("p"))
            #expect(
                try ask(peer, frame(failure, 2, oldest: 1)).status == .sequenceReused, "another, of the same fields")
            #expect(try ask(peer, frame(try record(5), 1, oldest: 1)).status == .ok)
            #expect(try ask(peer, frame(try record(5), 1, oldest: 0)).status == .ok, "what is acknowledged may differ")
            #expect(try spend(peer) == 5)
        }

        // MARK: Admission

        private static let scope = Scope(provider: try! Name("p"))

        private func limit(_ peer: RawPeer) throws {
            try peer.set(["$1 until reset", "10 requests per minute fixed"], on: Self.scope)
        }

        private func admit(_ peer: RawPeer, _ cost: Money, ttl: Int64 = 60_000) throws -> Admit.Reply {
            var candidates = Candidates()
            candidates.append(Candidate(provider: try Name("p")))
            let admit = Admit(
                candidates: candidates, estimate: Estimate(cost: cost, tokens: 0), ttlMilliseconds: ttl)
            return try peer.ask(admit).reply(Admit.Reply.self)
        }

        @Test func aDeniedAdmitHasADenialForEachCandidateAndTheFieldsOfAGrantSayNothing() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            try limit(peer)
            let reply = try admit(peer, .dollars("2"))
            #expect(reply.permit == nil && reply.decision.candidate == nil)
            #expect(reply.expiresAt.milliseconds == 0)
            #expect(reply.decision.state == .closed && reply.decision.share == 0)
            #expect(reply.decision.denials.array == [Denial(reason: .limit, retryAfterMilliseconds: nil)])
            #expect(reply.decision.limits.map(\.candidate) == [0])
        }

        @Test func goodbyeKeepsWhatIsHeldAgainstALimitThatDeniesToThePermitsTimeToLive() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            try limit(peer)
            let leaving = try RawPeer.greeted(daemon.socketPath)
            #expect(try admit(leaving, .dollars("0.75")).permit != nil)
            #expect(try leaving.ask(Goodbye()).status == .ok)
            let account = try #require(
                try peer.ask(LedgerProvider(provider: try Name("p"))).reply(LedgerProvider.Reply.self).account)
            #expect(account.held == .dollars("0.75"))
            #expect(account.inFlight == 0)
            #expect(try admit(peer, .dollars("0.5")).permit == nil)
        }

        @Test func aLateCancelledGivesTheRequestBackInAWindowThatIsStillThatOfItsAdmission() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            try limit(peer)
            let permit = try #require(try admit(peer, .zero, ttl: 1).permit)
            let isOver = waitUntil {
                let totals = try? peer.ask(PermitList()).reply(PermitList.Reply.self).totals
                return totals?.expired == 1
            }
            #expect(isOver)
            #expect(try peer.limit(.requests, on: Self.scope).used == 1)
            let settled = try peer.ask(Settle(permit: permit, outcome: .cancelled)).reply(Settle.Reply.self)
            #expect(settled.standing == .expired)
            // The minute may have ended meanwhile. Then there is nothing to give back.
            #expect(try peer.limit(.requests, on: Self.scope).used == 0)
        }
    }
}
