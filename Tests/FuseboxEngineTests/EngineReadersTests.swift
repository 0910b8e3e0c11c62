import FuseboxWire
import Testing

@testable import FuseboxEngine

/// What the engine tells peers who may not read everything.
struct EngineReadersTests {
    private func peer(
        _ conversation: Conversation, _ id: UInt64, user: UInt32, isReader: Bool = false
    ) throws -> Conversation.Peer {
        let peer = conversation.stranger(id, isOperator: false, user: user, isReader: isReader)
        _ = try peer.ok(Hello(worker: WorkerID(high: 1, low: id), client: "test"))
        return peer
    }

    @Test func breakdownsAreForReaders() throws {
        let conversation = Conversation()
        let worker = try peer(conversation, 1, user: 1_000)
        let reader = try peer(conversation, 2, user: 1_001, isReader: true)
        let openai = try Name("openai")
        #expect(try worker.ask(LedgerModels(provider: openai, cursor: 0)).status == .notPermitted)
        #expect(try worker.ask(LedgerModel(provider: openai, model: openai)).status == .notPermitted)
        #expect(try worker.ask(LedgerHistory(kind: .host, since: 0, until: 0)).status == .notPermitted)
        #expect(try worker.ask(LedgerAccounts(kind: .model)).status == .notPermitted)
        #expect(try reader.ask(LedgerModels(provider: openai, cursor: 0)).status == .ok)
        #expect(try reader.ask(LedgerAccounts(kind: .model)).status == .ok)
        guard case .deferred = try reader.send(LedgerHistory(kind: .host, since: 0, until: 0)).0 else {
            Issue.record("a reader reads the history")
            return
        }
        // A reader is no operator.
        #expect(try reader.ask(LedgerReset(scope: .host)).status == .notPermitted)
        #expect(try reader.ask(HistoryFiles()).status == .notPermitted)
    }

    /// Events about tags go to the users of the tag, and to readers.
    @Test func eventsOfOtherTagsAreNotTold() throws {
        let conversation = Conversation()
        let ruler = try conversation.peer(1)
        let worker = try peer(conversation, 2, user: 1_000)
        let other = try peer(conversation, 3, user: 1_001)
        let reader = try peer(conversation, 4, user: 1_002, isReader: true)
        let (provider, tag) = (try Name("openai"), try Name("user:42"))
        var record = LedgerRecord(
            provider: provider, model: provider, tags: try WireLimits.TagList([tag]),
            cost: Money(nanodollars: 1_000), inputTokens: 1, outputTokens: 1)
        _ = try other.ok(record)
        record.tags = try WireLimits.TagList([])
        _ = try worker.ok(record)
        for peer in [worker, other, reader] { _ = try peer.ok(Subscribe(topics: .all)) }
        func heard() throws -> [Int] {
            #expect(conversation.hasEvents)
            defer { conversation.engine.eventsDelivered() }
            return try [worker, other, reader].map { try $0.events().count }
        }
        let cost = Money(nanodollars: 1)
        _ = try ruler.ok(LedgerAdjust(scope: Scope(tag: tag), cost: cost, reason: "r"))
        #expect(try heard() == [0, 1, 1])
        _ = try ruler.ok(LedgerAdjust(scope: Scope(provider: provider, model: provider), cost: cost, reason: "r"))
        #expect(try heard() == [0, 0, 1])
        _ = try ruler.ok(LedgerAdjust(scope: Scope(provider: provider), cost: cost, reason: "r"))
        #expect(try heard() == [1, 1, 1])
        _ = try ruler.ok(LedgerReset(scope: Scope(tag: tag)))
        #expect(try heard() == [0, 1, 1])
        let limit = Limit(.cost, 2_000, .prepaid)
        _ = try ruler.ok(LimitSet(scope: Scope(tag: tag), limits: [limit]))
        record.tags = try WireLimits.TagList([tag])
        record.cost = Money(nanodollars: 1_999)
        _ = try other.ok(record)
        let told = try heard()
        #expect(told[0] == 0 && told[1] > 0 && told[1] == told[2])
        // The permit of a user that lapses concerns that user.
        let admit = Admit(
            candidates: try Candidates([Candidate(provider: provider)]), estimate: Estimate(), ttlMilliseconds: 10)
        #expect(try worker.ok(admit).permit != nil)
        conversation.now += 20
        conversation.engine.advance(ClockReading(conversation.moment))
        #expect(try heard() == [1, 0, 1])
    }
}
