import FuseboxCore
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// More calls that wait than one turn examines.
struct WaitingTurnsTests {
    private let conversation: Conversation
    private let operators: Conversation.Peer

    init() throws {
        var bounds = Bounds()
        bounds.examinationsPerTurn = 4
        conversation = Conversation(bounds: bounds)
        operators = conversation.stranger(1, isOperator: true, user: 0)
        _ = try operators.ok(Hello(worker: WorkerID(high: 1, low: 1), client: "operator"))
    }

    private func peer(_ session: UInt64, user: UInt32) throws -> Conversation.Peer {
        let peer = conversation.stranger(session, isOperator: false, user: user)
        _ = try peer.ok(Hello(worker: WorkerID(high: 2, low: session), client: "worker"))
        return peer
    }

    private func admit(_ provider: String, wait: Int64) throws -> Admit {
        var candidates = Candidates()
        candidates.append(Candidate(provider: try Name(provider)))
        return Admit(candidates: candidates, ttlMilliseconds: 86_400_000, waitMilliseconds: wait)
    }

    /// Has the engine do its turns at this moment, and returns how many it took.
    private func finishTurns() -> Int {
        var turns = 0
        while conversation.engine.untilDue(at: conversation.moment) == 0, turns < 1_000 {
            conversation.engine.advance(to: conversation.moment)
            turns += 1
        }
        return turns
    }

    /// Each of them is examined when time wakes them all, none can be granted, and all end at their deadline.
    @Test func callsThatWakeTogetherAllEndAtTheirDeadline() throws {
        let limit = try LimitText.limit("1 in flight")
        _ = try operators.ok(LimitSet(scope: Scope(provider: try Name("p")), limits: [limit]))
        _ = try operators.ok(admit("p", wait: 0))
        let worker = try peer(2, user: 1_000)
        _ = try operators.ok(ExhaustionMark(provider: try Name("p"), resetAfterMilliseconds: 4_000))
        for _ in 0..<60 { #expect(try worker.ok(admit("p", wait: 9_000)).ticket != nil) }
        _ = finishTurns()
        conversation.now += 4_000
        conversation.engine.advance(to: conversation.moment)
        #expect(finishTurns() < 100, "each call is examined once, and not again and again")
        #expect(try conversation.takePushes().isEmpty)
        conversation.now += 5_000
        conversation.engine.advance(to: conversation.moment)
        #expect(finishTurns() < 200)
        #expect(try conversation.takePushes().filter { $0.entry.standing == .expired }.count == 60)
    }

    /// Another user's call is granted in the meantime.
    @Test func nobodyWaitsForTheTurnsOfAnothersCalls() throws {
        let inFlight = [try LimitText.limit("1 in flight")]
        for provider in ["storm", "calm"] {
            _ = try operators.ok(LimitSet(scope: Scope(provider: try Name(provider)), limits: inFlight))
        }
        _ = try operators.ok(admit("storm", wait: 0))
        let first = try #require(try operators.ok(admit("calm", wait: 0)).permit)
        let (stormy, quiet) = (try peer(2, user: 1_000), try peer(3, user: 2_000))
        for _ in 0..<60 { #expect(try stormy.ok(admit("storm", wait: 600_000)).ticket != nil) }
        #expect(try quiet.ok(admit("calm", wait: 600_000)).ticket != nil)
        _ = finishTurns()
        _ = try conversation.takePushes()
        // All of them come one step nearer at once.
        conversation.now += 10_000
        conversation.engine.advance(to: conversation.moment)
        _ = try operators.ok(Settle(permit: first, outcome: .success))
        _ = finishTurns()
        #expect(try conversation.takePushes().map(\.session) == [3])
    }

    /// The turns that an operator's change asks for examine the call that holds others back among the last.
    @Test func noCallWithoutWaitingPassesAfterAnOperatorsChange() throws {
        let (busy, scope) = (Scope(provider: try Name("busy")), Scope(provider: try Name("p")))
        _ = try operators.ok(LimitSet(scope: busy, limits: [try LimitText.limit("1 in flight")]))
        _ = try operators.ok(LimitSet(scope: scope, limits: [try LimitText.limit("100 tokens per 10s")]))
        _ = try operators.ok(admit("busy", wait: 0))
        let worker = try peer(2, user: 1_000)
        var call = try admit("p", wait: 9_000)
        call.estimate = Estimate(tokens: 90)
        var small = try admit("p", wait: 0)
        small.estimate = Estimate(tokens: 30)
        _ = try operators.ok(small)
        for _ in 0..<20 {
            var urgent = try admit("busy", wait: 9_000)
            urgent.priority = 0
            #expect(try worker.ok(urgent).ticket != nil)
        }
        let ticket = try #require(try worker.ok(call).ticket)
        _ = finishTurns()
        #expect(try operators.ok(small).permit == nil, "the call that waits has reserved what is left")
        let other = Scope(provider: try Name("other"))
        _ = try operators.ok(LimitSet(scope: other, limits: [try LimitText.limit("5 in flight")]))
        #expect(try operators.ok(small).permit == nil, "it has, though it was not examined again yet")
        #expect(finishTurns() > 1)
        #expect(try operators.ok(small).permit == nil)
        // Without the limit nothing is reserved.
        _ = try operators.ok(LimitRemove(allOf: scope))
        _ = finishTurns()
        #expect(try conversation.takePushes().map(\.entry.ticket) == [ticket])
        #expect(try operators.ok(small).permit != nil)
    }

    /// Two places come free at once. The user who gets the first comes last for the second, where another user's call
    /// has arrived later.
    @Test func aTurnPutsTheUsersOtherCallsBehindThoseOfOthers() throws {
        for provider in ["p", "q"] {
            let limit = try LimitText.limit("1 in flight")
            _ = try operators.ok(LimitSet(scope: Scope(provider: try Name(provider)), limits: [limit]))
            var held = try admit(provider, wait: 0)
            held.ttlMilliseconds = 1_000
            #expect(try operators.ok(held).permit != nil)
        }
        let (first, second) = (try peer(2, user: 1_000), try peer(3, user: 2_000))
        let served = try #require(try first.ok(admit("q", wait: 60_000)).ticket)
        #expect(try first.ok(admit("p", wait: 60_000)).ticket != nil)
        #expect(try second.ok(admit("p", wait: 60_000)).ticket != nil)
        _ = finishTurns()
        conversation.now += 1_000
        conversation.engine.advance(to: conversation.moment)
        let pushes = try conversation.takePushes()
        #expect(pushes.map(\.session) == [2, 3])
        #expect(pushes.first?.entry.ticket == served)
    }
}
