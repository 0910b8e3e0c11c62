import FuseboxCore
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// What previews and the overview tell of calls that wait.
struct WaitingAnswersTests {
    private let conversation = Conversation()
    private let holder: Conversation.Peer
    private let waiter: Conversation.Peer

    init() throws {
        holder = conversation.stranger(1, isOperator: true, user: 0)
        _ = try holder.ok(Hello(worker: WorkerID(high: 1, low: 1), client: "holder"))
        waiter = conversation.stranger(2, isOperator: false, user: 1_000)
        _ = try waiter.ok(Hello(worker: WorkerID(high: 1, low: 2), client: "waiter"))
        let limit = try LimitText.limit("100 tokens per 10s")
        _ = try holder.ok(LimitSet(scope: Scope(provider: try Name("p")), limits: [limit]))
    }

    private func candidates(_ providers: [String]) throws -> Candidates {
        var candidates = Candidates()
        for provider in providers { candidates.append(Candidate(provider: try Name(provider))) }
        return candidates
    }

    private func admit(_ providers: [String] = ["p"], tokens: UInt32, wait: Int64 = 0) throws -> Admit.Reply {
        let admit = Admit(
            candidates: try candidates(providers), estimate: Estimate(tokens: tokens), ttlMilliseconds: 60_000,
            waitMilliseconds: wait)
        return try (wait > 0 ? waiter : holder).ok(admit)
    }

    private func preview(_ providers: [String] = ["p"], tokens: UInt32) throws -> AdmitPreview.Reply {
        let estimate = Estimate(tokens: tokens)
        return try holder.ok(AdmitPreview(candidates: try candidates(providers), estimate: estimate))
    }

    private var waiting: UInt32 { get throws { try holder.ok(Overview()).waiting } }

    @Test func aPreviewPromisesNoPlaceThatTheQueueHolds() throws {
        let held = try admit(tokens: 60)
        #expect(try preview(tokens: 30).decision.candidate == 0)
        let ticket = try #require(try admit(tokens: 90, wait: 30_000).ticket)
        // An admission says the same.
        let denied = try preview(tokens: 30)
        #expect(denied.decision.candidate == nil)
        #expect(denied.decision.denials.array == (try admit(tokens: 30)).decision.denials.array)
        #expect(denied.decision.denials.array.map(\.reason) == [.waiting])
        #expect(denied.outlooks.array.map(\.denial?.reason) == [.waiting])
        // A call that takes nothing of the limit passes, and so does one by another way.
        #expect(try preview(tokens: 0).decision.candidate == 0)
        let both = try preview(["q", "p"], tokens: 30)
        #expect(both.decision.candidate == 0)
        #expect(both.outlooks.array.map(\.denial?.reason) == [nil, .waiting])
        let second = try preview(["p", "q"], tokens: 30)
        #expect(second.decision.candidate == 1 && second.decision.denials.array.map(\.reason) == [.waiting])
        _ = try waiter.ok(Withdraw(ticket: ticket))
        #expect(try preview(tokens: 30).decision.candidate == 0)
        #expect(held.permit != nil)
    }

    @Test func aPreviewThatIsRefusedLeavesNothingToTheNext() throws {
        _ = try admit(tokens: 60)
        let ticket = try #require(try admit(tokens: 90, wait: 30_000).ticket)
        let refused = AdmitPreview(candidates: try candidates(["p"]), estimate: Estimate(cost: Money(nanodollars: -1)))
        #expect(try holder.ask(refused).status == .outOfRange)
        _ = try waiter.ok(Withdraw(ticket: ticket))
        #expect(try preview(tokens: 30).decision.candidate == 0)
    }

    @Test func aCallThatFindsTheQueueFullIsToldForWhom() throws {
        var bounds = Bounds()
        bounds.waiting = 2
        bounds.waitingPerUser = 1
        let conversation = Conversation(bounds: bounds)
        func peer(_ id: UInt64, user: UInt32) throws -> Conversation.Peer {
            let peer = conversation.stranger(id, isOperator: user == 0, user: user)
            _ = try peer.ok(Hello(worker: WorkerID(high: 1, low: id), client: "peer"))
            return peer
        }
        let holder = try peer(1, user: 0)
        let limit = try LimitText.limit("100 tokens per 10s")
        _ = try holder.ok(LimitSet(scope: Scope(provider: try Name("p")), limits: [limit]))
        let (first, second, third) = (
            try peer(2, user: 1_000), try peer(3, user: 1_001), try peer(4, user: 1_002)
        )
        func admit(tokens: UInt32, wait: Int64 = 30_000) throws -> Admit {
            Admit(
                candidates: try candidates(["p"]), estimate: Estimate(tokens: tokens), ttlMilliseconds: 60_000,
                waitMilliseconds: wait)
        }
        _ = try holder.ok(admit(tokens: 60, wait: 0))
        let waits = try first.ok(admit(tokens: 90))
        #expect(waits.ticket != nil && waits.decision.fullQueue == nil)
        let again = try first.ok(admit(tokens: 90))
        #expect(again.ticket == nil && again.decision.fullQueue == .user)
        // A call that does not wait, and one that waiting cannot help, are not denied for it.
        #expect(try first.ok(admit(tokens: 90, wait: 0)).decision.fullQueue == nil)
        #expect(try first.ok(admit(tokens: 101)).decision.fullQueue == nil)
        #expect(try second.ok(admit(tokens: 90)).ticket != nil)
        #expect(try third.ok(admit(tokens: 90)).decision.fullQueue == .everybody)
        let page = try holder.ok(WaitingList())
        #expect((page.waiting, page.limit, page.limitPerUser) == (2, 2, 1))
    }

    @Test func theOverviewCountsWhoWait() throws {
        #expect(try waiting == 0)
        let held = try admit(tokens: 60)
        let ticket = try #require(try admit(tokens: 90, wait: 30_000).ticket)
        _ = try admit(tokens: 50, wait: 30_000)
        #expect(try waiting == 2)
        _ = try waiter.ok(Withdraw(ticket: ticket))
        #expect(try waiting == 1)
        _ = try holder.ok(Settle(permit: try #require(held.permit), outcome: .cancelled))
        #expect(try waiting == 0)
    }
}
