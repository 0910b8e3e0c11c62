import FuseboxWire

extension ProtocolVectors {
    /// The frames of one connection from hello to goodbye, in order. `proto-docs/protocol.md` explains them.
    package static func conversation() -> [Vector] {
        let provider = name("openai")
        return [
            request(
                "hello",
                Hello(worker: WorkerID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210), client: "demo"),
                1, unsequenced),
            reply("hello, answered", Hello.self, welcome, 1),
            request("subscribe to the ledger's events", Subscribe(topics: .ledger), 2, unsequenced),
            reply("subscribed", Subscribe.self, subscribed, 2),
            request(
                "acquire, the worker's first sequenced request", BreakerAcquire(name: provider), 3,
                RequestSequence(sequence: 1, oldestUnacknowledged: 1)),
            reply("admitted", BreakerAcquire.self, admitted, 3),
            request(
                "record",
                LedgerRecord(
                    provider: provider, model: name("gpt-4o"), cost: .dollars("0.0012"), inputTokens: 120,
                    outputTokens: 300),
                4, RequestSequence(sequence: 2, oldestUnacknowledged: 2)),
            event(
                "the event that it fires", .limitReached(reached),
                EventEnvelope(number: 42, missed: 0, at: Timestamp(milliseconds: 1_767_225_600_250))),
            reply("recorded, with the same event in the reply", LedgerRecord.self, recorded, 4),
            request(
                "a request about a breaker that does not exist", BreakerSerialize(name: name("nobody")), 5, unsequenced),
            refusal(
                "refused", Refusal(.notFound, "no breaker is named nobody"),
                command: BreakerSerialize.declaration.number, correlation: 5),
            request("goodbye", Goodbye(), 6, unsequenced),
            reply("goodbye, answered; the server closes", Goodbye.self, Done(), 6),
        ]
    }

    /// The argument for requests that are not sequenced.
    private static let unsequenced = RequestSequence()

    private static func name(_ text: String) -> Name {
        guard let name = try? Name(text) else { preconditionFailure("\(text) is a valid name") }
        return name
    }

    private static var welcome: Hello.Reply {
        var reply = Hello.Reply()
        reply.version = 1
        reply.epoch = 0x1122_3344_5566_7788
        reply.frameLimit = UInt32(WireLimits.frameLength)
        reply.keptReplies = 4_096
        reply.idleMilliseconds = 86_400_000
        reply.graceMilliseconds = 2_000
        reply.server = "fuseboxd 1.0.0"
        return reply
    }

    private static var subscribed: Subscribe.Reply {
        var reply = Subscribe.Reply()
        reply.nextNumber = 42
        return reply
    }

    private static var admitted: BreakerAcquire.Reply {
        var reply = BreakerAcquire.Reply()
        reply.admitted = true
        reply.share = 1
        return reply
    }

    private static var reached: LimitReached {
        var event = LimitReached()
        event.entry.scope = Scope(provider: name("openai"))
        event.entry.limit = Limit(.cost, Money.dollars("50").nanodollars, .calendar(.month))
        event.entry.used = Money.dollars("40.0006").nanodollars
        event.entry.share = 0.800012
        event.entry.toldTier = .warning
        event.tier = .warning
        return event
    }

    private static var recorded: LedgerRecord.Reply {
        var reply = LedgerRecord.Reply()
        reply.reached = [reached]
        return reply
    }
}
