import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

/// A call that names no model meets the limits on models that are used up, and looks at no others.
struct ModelUsesTests {
    private static let routes = ["p/a", "p/b", "p@eu/a", "p@eu/b"]
    private static let texts = ["3 in flight", "4 requests per 2s", "$9 until reset", "40 tokens per minute"]

    /// A restored state knows nothing of what was looked at before.
    @Test(arguments: 1...4) func whatWasLookedAtBeforeChangesNoDecision(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var rig = Rig()
        var permits: [UInt64] = []
        var denials = 0
        for step in 0..<150 {
            let now = Int64(step) * 100
            try Self.act(&random, &rig, &permits, at: now)
            var restored = Rig()
            restored.machine = try rig.machine.restored()
            let asked = try LimitCalls.admit(random.pick(["p", "p@eu"]), cost: "1", input: 1, explains: true)
            let (told, expected) = (try rig.apply(asked, at: now), try restored.apply(asked, at: now))
            #expect(told.decision.limits.map(\.scope) == expected.decision.limits.map(\.scope), "step \(step)")
            #expect(told.permit == expected.permit, "step \(step)")
            if let permit = told.permit { permits.append(permit) } else { denials += 1 }
        }
        #expect(denials > 0 && denials < 150)
    }

    private static func act(
        _ random: inout SplitMix64, _ rig: inout Rig, _ permits: inout [UInt64], at now: Int64
    ) throws {
        let (route, text) = (random.pick(routes), random.pick(texts))
        let scope = try LimitCalls.scope(route)
        var limit = try LimitCalls.bound(text)
        switch random.below(8) {
        case 0:
            limit.amount = limit.amount * Int64(1 + random.below(4)) / 2
            try rig.apply(LimitSet(scope: scope, limits: [limit]), at: now)
        case 1: _ = try? rig.apply(LimitRemove(scope: scope, limits: [limit]), at: now)
        case 2:
            limit.amount *= 3
            _ = try? rig.apply(LimitRaise(scope: scope, limit: limit, milliseconds: 500), at: now)
        case 3, 4:
            let admit = try LimitCalls.admit(route, cost: "2", input: 15, ttl: 700)
            if let permit = try rig.apply(admit, at: now).permit { permits.append(permit) }
        case 5:
            let record = LedgerRecord(
                provider: name("p"), model: name(random.pick(["a", "b"])), cost: dollars("3"), inputTokens: 20,
                outputTokens: 0)
            try rig.apply(record, at: now)
        default:
            guard !permits.isEmpty else { return }
            let permit = permits.remove(at: random.below(permits.count))
            _ = try? rig.apply(LimitCalls.settle(permit, cost: "4", input: 30), at: now)
        }
    }

    @Test func aModelWithRoomIsNotLookedAtAgainUntilItIsUsed() throws {
        var rig = Rig()
        for model in 0..<9 {
            let scope = Scope(provider: name("p"), model: name("m\(model)"))
            try rig.apply(LimitSet(scope: scope, limits: [try LimitCalls.bound("2 in flight")]))
        }
        #expect(rig.watched == 9)
        _ = try #require(try rig.apply(try LimitCalls.admit()).permit)
        #expect(rig.watched == 0)
        _ = try #require(try rig.apply(try LimitCalls.admit("p/m3")).permit)
        _ = try #require(try rig.apply(try LimitCalls.admit()).permit)
        #expect(rig.watched == 0)
        _ = try #require(try rig.apply(try LimitCalls.admit("p/m3")).permit)
        #expect(try rig.apply(try LimitCalls.admit()).permit == nil)
        #expect(rig.watched == 1)
    }
}

extension Rig {
    /// The number of uses of limits on the models of `p` that a call without a model looks at.
    fileprivate var watched: Int {
        var watched = 0
        machine.limitTable.modelUses.forEach(of: ScopeKey(place: machine.names.find(name("p")))) { _ in watched += 1 }
        return watched
    }
}
