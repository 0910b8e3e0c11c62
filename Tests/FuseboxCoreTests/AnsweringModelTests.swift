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
