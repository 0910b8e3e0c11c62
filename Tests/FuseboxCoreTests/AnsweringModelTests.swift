import FuseboxWire
import Testing

@testable import FuseboxCore

/// The model that was asked for, and the name that answered.
struct AnsweringModelTests {
    private let p = name("p")
    private let m = name("m")

    private func admit(_ cost: String = "0", model: Name? = nil) -> Admit {
        var candidates = Candidates()
        candidates.append(Candidate(provider: p, model: model))
        return Admit(candidates: candidates, estimate: Estimate(cost: dollars(cost)), ttlMilliseconds: 1_000)
    }

    private func permit(_ command: Admit, _ rig: inout Rig) throws -> UInt64 {
        try #require(try rig.apply(command).permit)
    }

    @Test func chargedIsTheModelThatWasAskedForAndTheNameThatAnsweredIsShownBesideItTheNewest() throws {
        var rig = Rig()
        let dated = name("m-2026-11-25")
        try rig.apply(LimitCalls.set("$1 until reset", on: "p/m"))
        func settle(answeredBy answering: Name?, _ cost: String) throws {
            let permit = try permit(admit(cost, model: m), &rig)
            let usage = CallUsage(model: answering, cost: dollars(cost))
            try rig.apply(Settle(permit: permit, outcome: .success, usage: usage))
        }
        func account() throws -> ModelAccount? { try rig.apply(LedgerModel(provider: p, model: m)).account }
        try settle(answeredBy: dated, "0.6")
        #expect(try account()?.usage.spend == dollars("0.6"))
        #expect(try account()?.answering == dated)
        #expect(try rig.apply(LedgerModel(provider: p, model: dated)).account == nil)
        #expect(try rig.apply(admit("0.5", model: m)).decision.denials.array.map(\.reason) == [.limit])
        #expect(try rig.machine.restored().image == rig.machine.image)

        // A report charges in the same way.
        let other = name("m-other")
        try rig.apply(
            Report(
                candidate: Candidate(provider: p, model: m), outcome: .success,
                usage: CallUsage(model: other, cost: dollars("0.1"))))
        #expect(try account()?.usage.spend == dollars("0.7"))
        #expect(try account()?.answering == other)
        #expect(rig.machine.models.find(dated) == nil, "a name that nothing refers to is forgotten")

        // An outcome without a name changes nothing, and the model that was asked for is not another name.
        try settle(answeredBy: nil, "0.1")
        #expect(try account()?.answering == other)
        try settle(answeredBy: m, "0.1")
        #expect(try account()?.answering == nil)
        #expect(rig.machine.models.find(other) == nil)
        #expect(try account()?.usage.spend == dollars("0.9"))
        #expect(try rig.apply(LedgerModels(provider: p, cursor: 0)).accounts.map(\.model) == [m])
    }

    @Test func whereNoModelWasAskedForTheNameThatAnsweredIsCharged() throws {
        var rig = Rig()
        try rig.apply(
            Settle(
                permit: try permit(admit(), &rig), outcome: .success, usage: CallUsage(model: m, cost: dollars("0.3"))))
        let account = try rig.apply(LedgerModel(provider: p, model: m)).account
        #expect(account?.usage.spend == dollars("0.3"))
        #expect(account?.answering == nil)
    }

    /// An admission without a model is no way around the limits of the model that answers.
    @Test func theLimitsOfTheModelThatAnsweredCountWhatACallThatAskedForNoneHasUsed() throws {
        var rig = Rig()
        let routes = ["p/m", "p@eu/m", "p/unspecified"]
        let tagged = try LimitCalls.scope("p/m", tag: "user:1")
        for scope in try routes.map({ try LimitCalls.scope($0) }) + [try LimitCalls.scope("p/m", tag: "user:*")] {
            let texts = ["$1 until reset", "9 requests per hour", "99 tokens per hour", "9 in flight"]
            try rig.apply(LimitSet(scope: scope, limits: try texts.map { try LimitCalls.bound($0) }))
        }
        func settle(_ usage: CallUsage?) throws {
            let call = try LimitCalls.admit("p@eu", tags: ["user:1"], cost: "0.5", input: 10)
            let permit = try #require(try rig.apply(call).permit)
            try rig.apply(Settle(permit: permit, outcome: .success, usage: usage))
        }
        func used(_ scope: Scope) throws -> [Int64] { try LimitCalls.used(scope, &rig) }
        try settle(CallUsage(model: m, cost: dollars("0.25"), inputTokens: 4))
        let first: [Int64] = [dollars("0.25").nanodollars, 1, 4, 0]
        for scope in [try LimitCalls.scope("p/m"), try LimitCalls.scope("p@eu/m"), tagged] {
            #expect(try used(scope) == first, "\(scope)")
        }
        #expect(try used(try LimitCalls.scope("p/unspecified")) == [0, 0, 0, 0])

        try settle(CallUsage(cost: dollars("0.5"), inputTokens: 8))
        #expect(try used(try LimitCalls.scope("p/unspecified")) == [dollars("0.5").nanodollars, 1, 8, 0])
        #expect(try used(tagged) == first)

        // A call of which nothing is told counts under no model. The name that answered may stand for another.
        try settle(nil)
        try rig.apply(AliasSet(ModelAlias(provider: p, name: name("m-1"), model: m)))
        try settle(CallUsage(model: name("m-1"), cost: dollars("0.75")))
        // What a success does not tell counts as estimated.
        #expect(try used(tagged) == [dollars("1").nanodollars, 2, 14, 0])
        #expect(try rig.apply(LimitCalls.admit("p/m", cost: "0.1")).permit == nil)
    }

    /// A call that names no model may be of any: one that is used up denies it, as it would one that does not say how much.
    @Test func aLimitOnAModelThatIsUsedUpDeniesCallsThatNameNone() throws {
        var rig = Rig()
        for scope in [
            try LimitCalls.scope("p/m"), try LimitCalls.scope("q@eu/m"), try LimitCalls.scope("r/m", tag: "t*"),
        ] {
            try rig.apply(LimitSet(scope: scope, limits: [try LimitCalls.bound("$1 per minute")]))
        }
        func isAdmitted(_ route: String, _ tags: [String] = [], cost: String? = "5", at now: Int64 = 1) throws -> Bool {
            let call = try LimitCalls.admit(route, tags: tags, cost: cost)
            let preview = AdmitPreview(candidates: call.candidates, tags: call.tags, estimate: call.estimate)
            return try rig.apply(preview, at: now).decision.candidate != nil
        }
        for (used, isFull) in [("0.5", false), ("0.5", true)] {
            for route in ["p", "q@eu", "r"] {
                let call = try LimitCalls.admit(route, tags: ["t1"])
                let permit = try #require(try rig.apply(call).permit)
                let usage = CallUsage(model: m, cost: dollars(used))
                try rig.apply(Settle(permit: permit, outcome: .success, usage: usage))
            }
            #expect(try isAdmitted("p") == !isFull)
            #expect(try isAdmitted("q@eu") == !isFull && isAdmitted("q@us") && isAdmitted("q"))
            #expect(try isAdmitted("r", ["t1"]) == !isFull && isAdmitted("r", ["t2"]) && isAdmitted("r"))
        }
        #expect(try isAdmitted("p/n") && isAdmitted("p", cost: "0") && !isAdmitted("p", cost: nil))
        rig.machine = try rig.machine.restored()
        let denied = try rig.apply(LimitCalls.admit("p", cost: "5"), at: 1).decision
        #expect(denied.limits.first?.scope == (try LimitCalls.scope("p/m")))
        let full = rig
        try rig.apply(LimitRemove(allOf: try LimitCalls.scope("p/m")), at: 1)
        #expect(try isAdmitted("p"))
        rig = full
        #expect(try isAdmitted("p", at: 62_000))
    }

    @Test func aNameThatFindsNoRoomIsRefusedAndNothingIsChangedAndWithoutItTheCallIsCounted() throws {
        var bounds = Bounds()
        bounds.models = 1
        var rig = Rig(bounds: bounds)
        let permit = try permit(admit(model: m), &rig)
        let named = CallUsage(model: name("another"), cost: dollars("0.3"))
        rig.expect(.limitReached, of: Settle(permit: permit, outcome: .success, usage: named))
        let unnamed = CallUsage(cost: dollars("0.3"))
        try rig.apply(Settle(permit: permit, outcome: .success, usage: unnamed))
        let account = try rig.apply(LedgerModel(provider: p, model: m)).account
        #expect(account?.usage.spend == dollars("0.3"))
        #expect(account?.answering == nil)
    }

    @Test func forgettingAProviderForgetsTheNamesThatAnswered() throws {
        var rig = Rig()
        let usage = CallUsage(model: name("another"), cost: dollars("0.3"))
        try rig.apply(Report(candidate: Candidate(provider: p, model: m), outcome: .success, usage: usage))
        try rig.apply(Forget(name: p))
        #expect(rig.machine.models.count == 0)
        #expect(try rig.machine.restored().image == rig.machine.image)
    }
}
