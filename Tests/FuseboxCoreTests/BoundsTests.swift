import FuseboxWire
import Testing

@testable import FuseboxCore

/// The bounds on what one user may create, and what is left for others and for operators.
struct BoundsTests {
    private func bounds(_ change: (inout Bounds) -> Void) -> Bounds {
        var bounds = Bounds()
        bounds.names = 64
        bounds.models = 64
        bounds.providerAccounts = 64
        bounds.modelAccounts = 64
        bounds.permits = 64
        change(&bounds)
        return bounds
    }

    private func admit(_ provider: String, _ model: String?) -> Admit {
        var candidates = Candidates()
        candidates.append(Candidate(provider: name(provider), model: model.map { name($0) }))
        return Admit(candidates: candidates, ttlMilliseconds: 60_000)
    }

    /// The things that one user may create, each with its own bound.
    enum Kind: CaseIterable {
        case models, accounts, modelAccounts

        func bound(_ bounds: inout Bounds, to count: Int) {
            switch self {
            case .models: bounds.modelsPerUser = count
            case .accounts: bounds.providerAccountsPerUser = count
            case .modelAccounts: bounds.modelAccountsPerUser = count
            }
        }

        /// Creates the nth.
        func take(_ number: Int) -> LedgerRecord {
            switch self {
            case .models: record("p", "m\(number)")
            case .accounts: record("p\(number)", "m")
            case .modelAccounts: record("p\(number % 2)", "m\(number / 2)")
            }
        }

        private func record(_ provider: String, _ model: String) -> LedgerRecord {
            LedgerRecord(
                provider: name(provider), model: name(model), cost: dollars("0.1"), inputTokens: 0, outputTokens: 0)
        }
    }

    @Test(arguments: Kind.allCases)
    func oneUsersModelsAccountsAndModelAccountsEndAtItsBoundOverARestartUntilTheyAreForgotten(kind: Kind) throws {
        var rig = Rig(bounds: bounds { kind.bound(&$0, to: 8) })
        for number in 0..<8 { try rig.apply(kind.take(number), by: 1_000) }
        rig.expect(.limitReached, of: kind.take(8), by: 1_000)
        rig.machine = try rig.machine.restored()
        rig.expect(.limitReached, of: kind.take(8), by: 1_000)
        // Existing ones still work, other users have their own bounds, and operators have none.
        try rig.apply(kind.take(0), by: 1_000)
        try rig.apply(kind.take(8), by: 2_000)
        for number in 9..<20 { try rig.apply(kind.take(number), by: 0) }
        for number in 0..<8 { _ = refusal { () throws(Refusal) in try rig.apply(Forget(name: name("p\(number)"))) } }
        _ = refusal { () throws(Refusal) in try rig.apply(Forget(name: name("p"))) }
        try rig.apply(kind.take(30), by: 1_000)
    }

    @Test(arguments: Kind.allCases) func theLastOfNamesModelsAccountsAndPermitsAreForOperators(kind: Kind) throws {
        var rig = Rig(bounds: bounds { _ in })
        var taken = 0
        while refusal({ () throws(Refusal) in try rig.apply(kind.take(taken), by: UInt32(1 + taken)) }) == nil {
            taken += 1
        }
        #expect(taken == 60)
        for number in 60..<64 { try rig.apply(kind.take(number), by: 0) }
        rig.expect(.limitReached, of: kind.take(64), by: 0)
    }

    /// A model with a limit always has room for its account: nothing is spent beside the limit.
    @Test func aModelWithALimitAlwaysHasRoomForItsAccount() throws {
        var rig = Rig(bounds: bounds { $0.modelAccountsPerUser = 1 })
        try rig.apply(LimitCalls.set("$0.1 until reset", on: "p/dear"), by: 0)
        func record(_ model: String) -> LedgerRecord {
            LedgerRecord(
                provider: name("p"), model: name(model), cost: dollars("0.1"), inputTokens: 0, outputTokens: 0)
        }
        try rig.apply(record("m"), by: 1)
        rig.expect(.limitReached, of: record("n"), by: 1)
        #expect(try rig.apply(admit("p", "dear"), by: 1).permit != nil)
        try rig.apply(record("dear"), by: 1)
        #expect(try rig.apply(admit("p", "dear"), by: 2).permit == nil, "the limit is used up")
        // The same holds for a state that was read back.
        rig.machine = try rig.machine.restored()
        #expect(try rig.apply(admit("p", "dear"), by: 2).permit == nil)
    }

    @Test func namesAndPermitsHaveBoundsOfTheirKindToo() throws {
        var rig = Rig(
            bounds: bounds {
                $0.namesPerUser = 4
                $0.permitsPerUser = 4
            })
        for number in 0..<4 { try rig.apply(BreakerFailure(name: name("b\(number)")), by: 1) }
        rig.expect(.limitReached, of: BreakerFailure(name: name("b4")), by: 1)
        for _ in 0..<4 { #expect(try rig.apply(admit("b0", nil), by: 1).permit != nil) }
        let said = refusal { () throws(Refusal) in try rig.apply(admit("b0", nil), by: 1) }
        #expect(said?.status == .limitReached && said?.message.contains("user 1 has 4 permits in force") == true)
        #expect(try rig.apply(admit("b0", nil), by: 2).permit != nil)
    }

    @Test func anAdmissionOpensTheAccountsThatItsSettleNeedsAndIsRefusedWhereTheyFindNoRoom() throws {
        var rig = Rig(bounds: bounds { $0.modelAccountsPerUser = 1 })
        let permit = try #require(try rig.apply(admit("p", "m"), by: 1).permit)
        rig.expect(.limitReached, of: admit("p", "n"), by: 1)
        rig.expect(.limitReached, of: admit("q", "m"), by: 1)
        #expect(try rig.apply(LedgerModel(provider: name("p"), model: name("m"))).account != nil)
        // A candidate without a model needs no new account, because `unspecified` always exists.
        let other = try #require(try rig.apply(admit("p", nil), by: 1).permit)
        for number in [permit, other] {
            let usage = CallUsage(cost: dollars("0.1"))
            try rig.apply(Settle(permit: number, outcome: .success, usage: usage), by: 1)
        }
        #expect(try rig.apply(LedgerProvider(provider: name("p"))).account?.usage.spend == dollars("0.2"))
    }
}
