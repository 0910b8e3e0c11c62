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
}
