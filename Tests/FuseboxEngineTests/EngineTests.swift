import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire
import Testing

@Suite struct EngineTests {
    // MARK: Hello

    @Test func theFirstRequestMustBeHello() throws {
        let peer = Conversation().stranger()
        let (verdict, answers) = try peer.send(Ping())
        #expect(answers.map(\.status) == [.helloRequired])
        guard case .close = verdict else { Issue.record("the connection stays open"); return }
    }

    @Test func aSecondHelloCloses() throws {
        let peer = try Conversation().peer()
        let (verdict, answers) = try peer.send(Hello(worker: WorkerID(high: 0, low: 1), client: ""))
        #expect(answers.map(\.status) == [.helloRequired])
        guard case .close = verdict else { Issue.record("the connection stays open"); return }
    }

    @Test func otherMagicIsAnotherProtocol() throws {
        var hello = Hello(worker: WorkerID(high: 0, low: 1), client: "")
        hello.magic = 1
        #expect(try Conversation().stranger().ask(hello).status == .badMagic)
    }

    /// The versions a client speaks, and what comes of it: a server of version 1 to 1.
    @Test(arguments: [
        (1, 1, Status.ok), (1, 2, .ok), (0, 9, .ok), (1, 65_535, .ok), (2, 9, .unsupportedVersion),
        (0, 0, .unsupportedVersion),
        (9, 1, .unsupportedVersion),
    ])
    func versionsAreNegotiated(_ lowest: UInt16, _ highest: UInt16, _ status: Status) throws {
        var hello = Hello(worker: WorkerID(high: 0, low: 1), client: "")
        hello.lowestVersion = lowest
        hello.highestVersion = highest
        let peer = Conversation().stranger()
        let answer = try peer.ask(hello)
        #expect(answer.status == status)
        guard status == .ok else { return }
        #expect(try answer.reply(Hello.Reply.self).version == 1)
        #expect(peer.session.version == 1)
    }

    @Test func helloTellsWhoTheServerIsAndWhatOneMay() throws {
        let conversation = Conversation()
        let hello = try conversation.stranger(1, isOperator: false).ok(
            Hello(worker: WorkerID(high: 0, low: 1), client: ""))
        #expect(hello.epoch == 42)
        #expect(hello.server == "engine under test")
        #expect(!hello.isOperator)
        #expect(hello.frameLimit == UInt32(WireLimits.frameLength))
    }

    @Test func goodbyeIsAnsweredAndCloses() throws {
        let (verdict, answers) = try Conversation().peer().send(Goodbye())
        #expect(answers.map(\.status) == [.ok])
        guard case .close = verdict else { Issue.record("the connection stays open"); return }
    }

    // MARK: Requests

    /// Feeds a command's samples, with whatever else is needed for it to be taken.
    private struct Sampler: CommandVisitor {
        var answered = 0
        var conversation = Conversation()

        mutating func visit<C: Command>(_ command: C.Type) {
            for variant in 0..<3 {
                do {
                    let peer = try conversation.peer(UInt64(answered))
                    let (verdict, answers) = try peer.send(C.sample(variant))
                    if case .deferred = verdict { #expect(answers.isEmpty) } else { #expect(answers.count == 1) }
                    for answer in answers {
                        #expect(answer.header.command == C.declaration.number)
                        if C.declaration.access == .engine { #expect(answer.status == .unknownCommand) }
                        if answer.status == .ok { _ = try answer.reply(C.Reply.self) }
                    }
                    // Every truncation of it is answered too, with what is wrong.
                    answered += 1
                    var payload = ByteWriter()
                    if C.declaration.isSequenced {
                        RequestSequence(sequence: 9, oldestUnacknowledged: 9).encode(into: &payload)
                    }
                    C.sample(variant).encode(into: &payload)
                    for length in 0..<payload.count where C.declaration.number != Hello.declaration.number {
                        let header = FrameHeader(command: C.declaration.number, kind: .request, correlation: 1)
                        let (_, refused) = try peer.send(header, Array(payload.bytes[..<length]))
                        #expect(
                            refused.count == 1 && refused[0].status != .ok, "\(C.declaration.name) cut at \(length)")
                    }
                } catch { Issue.record("\(C.declaration.name): \(error)") }
            }
        }
    }

    @Test func everyCommandIsAnsweredExactlyOnce() {
        var sampler = Sampler()
        CommandTable.forEach(&sampler)
        #expect(sampler.answered > 150)
    }

    @Test func numbersThatAreNoCommandsAreRefused() throws {
        let peer = try Conversation().peer()
        for number in [0, 6, 143, 144, 239, 240, 246, 255, 256, 65_535] as [UInt16] {
            let (_, answers) = try peer.send(FrameHeader(command: number, kind: .request, correlation: 1), [])
            #expect(answers.map(\.status) == [.unknownCommand])
        }
    }

    @Test func aClientSendsNoRepliesAndNoEvents() throws {
        let ping = Ping.declaration.number
        for header in [
            FrameHeader(command: ping, kind: .reply, correlation: 1),
            FrameHeader(command: ping, kind: .event, correlation: 1),
            FrameHeader(command: ping, kind: .request, detail: 1, correlation: 1),
        ] {
            let (verdict, answers) = try Conversation().peer().send(header, [])
            #expect(answers.map(\.status) == [.malformed])
            guard case .close = verdict else { Issue.record("the connection stays open"); return }
        }
    }

    @Test func aPayloadIsConsumedToItsLastByte() throws {
        let peer = try Conversation().peer()
        let header = FrameHeader(command: Ping.declaration.number, kind: .request, correlation: 1)
        #expect(try peer.send(header, [0]).1.map(\.status) == [.trailingBytes])
    }

    @Test func operatorCommandsAreForOperators() throws {
        let conversation = Conversation()
        let worker = try conversation.peer(1, isOperator: false)
        let name = try Name("openai")
        #expect(try worker.ask(BreakerAcquire(name: name)).status == .ok)
        #expect(try worker.ask(BreakerReset(name: name)).status == .notPermitted)
        #expect(try worker.ask(SnapshotNow()).status == .notPermitted)
        #expect(try worker.ask(ImportChunk()).status == .notPermitted)
        #expect(try conversation.peer(2).ask(BreakerReset(name: name)).status == .ok)
    }

    @Test func sequenceNumbersMustRise() throws {
        let peer = try Conversation().peer()
        let success = BreakerSuccess(name: try Name("openai"))
        #expect(try peer.ask(success).status == .ok)
        #expect(try peer.ask(success).status == .ok)
        // The first one's reply was acknowledged by the second, and is not kept any more.
        peer.sequence -= 2
        #expect(try peer.ask(success).status == .sequenceOutOfOrder)
        peer.sequence += 100
        #expect(try peer.ask(success).status == .ok)
        #expect(try peer.ok(BreakerGet(name: try Name("openai"))).status.totalSuccesses == 3)
    }

    @Test func whatIsSentAgainGetsItsReplyAgainAndCountsOnce() throws {
        let conversation = Conversation()
        let peer = try conversation.peer()
        let record = LedgerRecord(
            provider: try Name("one"), model: try Name("m"), cost: Money(nanodollars: 5), inputTokens: 1,
            outputTokens: 1)
        let first = try peer.ask(record)
        peer.sequence -= 1
        let again = try peer.ask(record)
        #expect(again.status == .ok)
        #expect(again.payload == first.payload)
        #expect(try peer.ok(LedgerTotal()).spend == Money(nanodollars: 5))
    }

    @Test func aRefusedRequestChangesNothing() throws {
        var bounds = Bounds()
        bounds.names = 1
        let conversation = Conversation(bounds: bounds)
        let peer = try conversation.peer()
        _ = try peer.ok(BreakerFailure(name: try Name("one")))
        #expect(try peer.ask(BreakerFailure(name: try Name("two"))).status == .limitReached)
        // That one has acknowledged the reply before it: from here on nothing changes at all.
        let before = conversation.capture().bytes()
        #expect(try peer.ask(BreakerFailure(name: try Name("two"))).status == .limitReached)
        #expect(try peer.ask(Forget(name: try Name("two"))).status == .notFound)
        let overspend = LedgerRecord(
            provider: try Name("one"), model: try Name("m"), cost: Money(nanodollars: -1), inputTokens: 0,
            outputTokens: 0)
        #expect(try peer.ask(overspend).status == .outOfRange)
        #expect(conversation.capture().bytes() == before)
        #expect(conversation.refusals == 4)
    }

    // MARK: Names

    @Test func idleBreakersMakeRoomForNewNames() throws {
        var bounds = Bounds()
        bounds.names = 4
        let conversation = Conversation(bounds: bounds)
        let peer = try conversation.peer()
        for number in 1...3 { _ = try peer.ok(BreakerSuccess(name: try Name("idle-\(number)"))) }
        _ = try peer.ok(BreakerForceOpen(name: try Name("open")))
        #expect(try peer.ask(BreakerAcquire(name: try Name("new"))).status == .limitReached, "none is idle yet")

        conversation.now += bounds.idleBreakerMilliseconds / 2
        _ = try peer.ok(BreakerSuccess(name: try Name("idle-3")))
        _ = try peer.ok(BreakerForceOpen(name: try Name("open")))
        conversation.now += bounds.idleBreakerMilliseconds / 2 + 1
        _ = try peer.ok(BreakerForceOpen(name: try Name("open")))
        #expect(try peer.ask(BreakerAcquire(name: try Name("new"))).status == .ok)
        #expect(try peer.ok(BreakerList(cursor: 0)).entries.map(\.name.text).sorted() == ["idle-3", "new", "open"])
    }

    // MARK: Events

    @Test func subscribersHearTheTopicsTheyWant() throws {
        let conversation = Conversation()
        let breakers = try conversation.peer(1)
        let marks = try conversation.peer(2)
        _ = try breakers.ok(Subscribe(topics: .breaker))
        _ = try marks.ok(Subscribe(topics: .exhaustion))
        _ = try marks.ok(BreakerForceOpen(name: try Name("openai")))
        _ = try breakers.ok(ExhaustionMark(provider: try Name("openai")))
        #expect(conversation.hasEvents)
        #expect(try breakers.events().map(\.header.command) == [BreakerTransition.declaration.number])
        #expect(try marks.events().map(\.header.command) == [ProviderExhausted.declaration.number])
        conversation.engine.eventsDelivered()
        #expect(try breakers.events().isEmpty)
        #expect(!conversation.hasEvents)
    }

    @Test func whatASlowSubscriberMissesIsCounted() throws {
        let conversation = Conversation()
        let slow = try conversation.peer(1)
        let subscribed = try slow.ok(Subscribe(topics: .all))
        for _ in 0..<3 {
            _ = try slow.ok(BreakerForceOpen(name: try Name("openai")))
            _ = try slow.ok(BreakerReset(name: try Name("openai")))
            #expect(try slow.events(afterBacklog: Bounds().eventBacklog).isEmpty)
            conversation.engine.eventsDelivered()
        }
        _ = try slow.ok(BreakerForceOpen(name: try Name("openai")))
        let envelope = try envelope(try #require(try slow.events().first))
        #expect(envelope.missed == 6)
        #expect(envelope.number == subscribed.nextNumber + 6)
    }

    @Test func whatFindsNoRoomAmongEventsIsCountedAsMissedByTopic() throws {
        let conversation = Conversation()
        let listener = try conversation.peer(1)
        let other = try conversation.peer(2)
        _ = try listener.ok(Subscribe(topics: .breaker))
        _ = try other.ok(Subscribe(topics: .exhaustion))
        // Each opens and closes a breaker: two events, that nobody hands out meanwhile, as if the disk hung.
        for _ in 0..<4_100 {
            _ = try listener.ok(BreakerForceOpen(name: try Name("openai")))
            _ = try listener.ok(BreakerReset(name: try Name("openai")))
        }
        _ = try other.ok(ExhaustionMark(provider: try Name("openai")))
        var heard = 0
        var missed: UInt64 = 0
        for _ in 0..<2 {
            for event in try listener.events() {
                heard += 1
                missed += try envelope(event).missed
            }
            #expect(try other.events().isEmpty)
            conversation.engine.eventsDelivered()
            _ = try listener.ok(BreakerForceOpen(name: try Name("openai")))
        }
        #expect(UInt64(heard) + missed == 8_201)
        _ = try other.ok(ExhaustionMark(provider: try Name("anthropic")))
        #expect(try envelope(try #require(try other.events().first)).missed == 1)
    }

    @Test func aSubscriberHearsNothingFromBefore() throws {
        let conversation = Conversation()
        let early = try conversation.peer(1)
        let late = try conversation.peer(2)
        _ = try early.ok(Subscribe(topics: .breaker))
        _ = try early.ok(BreakerForceOpen(name: try Name("openai")))
        conversation.endTurn()
        conversation.engine.beginEvents()
        _ = try late.ok(Subscribe(topics: .breaker))
        #expect(try early.events().count == 1)
        #expect(try late.events().isEmpty)
        conversation.engine.eventsDelivered()
        _ = try early.ok(BreakerReset(name: try Name("openai")))
        #expect(try late.events().count == 1)
    }

    private func envelope(_ event: Conversation.Answer) throws -> EventEnvelope {
        var envelope = EventEnvelope()
        try event.payload.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            try envelope.decode(from: &reader)
        }
        return envelope
    }

    @Test func onlyWhatMayBeJournaledWaitsForRoom() {
        let engine = Conversation()
        let waiting = [
            Goodbye.declaration, Admit.declaration, Settle.declaration, LedgerRecord.declaration,
            BreakerAcquire.declaration, LimitSet.declaration, LedgerReset.declaration,
        ]
        for command in waiting { #expect(engine.needsRoom(command.number)) }
        let others = [
            Hello.declaration, Ping.declaration, ServerStatus.declaration, Subscribe.declaration,
            AdmitPreview.declaration,
            BreakerList.declaration, LimitGet.declaration, SnapshotNow.declaration,
        ]
        for command in others { #expect(!engine.needsRoom(command.number)) }
        #expect(!engine.needsRoom(.max))
    }

    @Test func statusCountsSubscribers() throws {
        let conversation = Conversation()
        let peer = try conversation.peer(1)
        #expect(try peer.ok(ServerStatus()).subscribers == 0)
        _ = try peer.ok(Subscribe(topics: .all))
        _ = try peer.ok(Subscribe(topics: .breaker))
        #expect(try peer.ok(ServerStatus()).subscribers == 1)
        conversation.engine.sessionEnded(peer.session)
        #expect(try conversation.peer(2).ok(ServerStatus()).subscribers == 0)
    }

    @Test func marksExpireByTimeAlone() throws {
        let conversation = Conversation()
        let peer = try conversation.peer()
        _ = try peer.ok(Subscribe(topics: .all))
        _ = try peer.ok(ExhaustionMark(provider: try Name("openai"), resetAfterMilliseconds: 500))
        _ = try peer.events()
        conversation.engine.eventsDelivered()
        conversation.now += 499
        conversation.engine.advance(to: conversation.moment)
        #expect(!conversation.hasEvents)
        conversation.now += 1
        conversation.engine.advance(to: conversation.moment)
        #expect(try peer.events().map(\.header.command) == [ProviderRestored.declaration.number])
    }
}
