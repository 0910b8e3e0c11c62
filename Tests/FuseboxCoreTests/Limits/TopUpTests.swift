import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

/// Prepaid limits that are topped up, and limits that do not count what came from a cache.
struct TopUpTests {
    private func topUp(_ text: String, of scope: Scope = .host) throws -> LimitTopUp {
        LimitTopUp(scope: scope, limit: try LimitCalls.bound(text))
    }

    private func spend(_ cost: String, _ rig: inout Rig) throws -> Bool {
        guard let permit = try rig.apply(try LimitCalls.admit(cost: cost)).permit else { return false }
        try rig.apply(LimitCalls.settle(permit, cost: cost))
        return true
    }

    @Test func aTopUpAddsToTheAmountKeepsTheUseAndLetsThresholdsFireAgain() throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$1 prepaid")]))
        func told() -> [ThresholdTier] {
            rig.takeEvents().compactMap { if case .limitReached(let event) = $0 { event.tier } else { nil } }
        }
        #expect(try spend("0.96", &rig))
        #expect(told() == [.emergency])
        #expect(try !spend("0.5", &rig))
        let entry = try rig.apply(try topUp("$2 prepaid")).entry
        #expect(entry.limit.amount == dollars("3").nanodollars && entry.used == dollars("0.96").nanodollars)
        #expect(entry.left == dollars("2.04").nanodollars && entry.toldTier == .none)
        _ = told()
        #expect(try spend("1.5", &rig))
        #expect(told() == [.warning])
        #expect(try rig.machine.restored().image == rig.machine.image)
    }

    @Test func aTopUpOfATemplateIsOneOfEachOfItsTags() throws {
        var rig = Rig()
        let template = Scope(tag: name("user:*"))
        try rig.apply(LimitSet(scope: template, limits: [try LimitCalls.bound("$1 prepaid")]))
        let permit = try #require(try rig.apply(try LimitCalls.admit(tags: ["user:1"], cost: "0.9")).permit)
        try rig.apply(LimitCalls.settle(permit, cost: "0.9"))
        #expect(try rig.apply(try LimitCalls.admit(tags: ["user:1"], cost: "0.9")).permit == nil)
        try rig.apply(try topUp("$1 prepaid", of: template))
        #expect(try rig.apply(try LimitCalls.admit(tags: ["user:1"], cost: "0.9")).permit != nil)
        rig.expect(.notFound, of: try topUp("$1 prepaid", of: Scope(tag: name("user:1"))))
    }

    @Test func whatCannotBeToppedUpIsRefusedAndChangesNothing() throws {
        var rig = Rig()
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$5 prepaid")]))
        try rig.apply(LimitSet(scope: .host, limits: [try LimitCalls.bound("$5 per 24h")]))
        let before = rig.machine.image
        rig.expect(.notFound, of: try topUp("10 requests prepaid"))
        rig.expect(.notFound, of: try topUp("$5 prepaid", of: Scope(provider: name("nobody"))))
        rig.expect(.outOfRange, of: try topUp("$5 per 24h"))
        rig.expect(.outOfRange, of: try topUp("$0 prepaid"))
        var endless = try topUp("$5 prepaid")
        endless.limit.amount = .max
        rig.expect(.overflow, of: endless)
        #expect(rig.machine.image == before)
    }

    @Test func aLimitMayLeaveOutWhatWasReadFromACache() throws {
        var rig = Rig()
        func limit(_ text: String, skips: Bool) throws -> Limit {
            let limit = try LimitText.limit(text)
            return Limit(limit.dimension, limit.amount, limit.window, skipsCacheReads: skips)
        }
        rig.expect(.outOfRange, of: LimitSet(scope: .host, limits: [try limit("$5 per 24h", skips: true)]))
        rig.expect(
            .outOfRange, of: LimitSet(scope: .host, limits: [try limit("9 output tokens per 24h", skips: true)]))
        try rig.apply(
            LimitSet(
                scope: .host,
                limits: [
                    try limit("1000 input tokens per 24h", skips: true), try limit("1000 tokens per 24h", skips: true),
                    try limit("1000 input tokens per hour", skips: false),
                ]))
        let usage = CallUsage(
            cost: .zero, tokens: TokenUsage(input: 10, cachedInput: 200, cacheWrite: 5, output: 40, reasoning: 2))
        let permit = try #require(try rig.apply(try LimitCalls.admit(input: 500, output: 100)).permit)
        #expect(try LimitCalls.used(.host, &rig) == [500, 600, 500])
        try rig.apply(Settle(permit: permit, outcome: .success, usage: usage))
        #expect(try LimitCalls.used(.host, &rig) == [15, 57, 215])
        try rig.apply(Report(candidate: Candidate(provider: name("p"), model: nil), outcome: .failure, usage: usage))
        #expect(try LimitCalls.used(.host, &rig) == [30, 114, 430])
        // It can be changed, and what was counted stays.
        try rig.apply(LimitSet(scope: .host, limits: [try limit("1000 input tokens per 24h", skips: false)]))
        try rig.apply(Report(candidate: Candidate(provider: name("p"), model: nil), outcome: .failure, usage: usage))
        #expect(try LimitCalls.used(.host, &rig) == [245, 171, 645])
        #expect(try rig.machine.restored().image == rig.machine.image)
    }
}
