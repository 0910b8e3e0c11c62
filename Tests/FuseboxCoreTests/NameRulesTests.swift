import FuseboxWire
import Testing

@testable import FuseboxCore

/// Names: aliases, known providers, tags that are demanded.
struct NameRulesTests {
    private let p = name("p")
    private let dated = name("gpt-4o-2024-08-06")
    private let model = name("gpt-4o")

    private func alias() -> AliasSet { AliasSet(ModelAlias(provider: p, name: dated, model: model)) }

    private func admit(_ model: Name?, tags: [Name] = [], provider: Name? = nil) throws -> Admit {
        Admit(
            candidates: try Candidates([Candidate(provider: provider ?? p, model: model)]),
            tags: try WireLimits.TagList(tags), estimate: Estimate(cost: dollars("0.5")), ttlMilliseconds: 60_000)
    }

    @Test func whoAsksForAnAliasIsChargedForTheModelInAccountsAndLimitsByEveryCommand() throws {
        var rig = Rig()
        try rig.apply(alias())
        let scope = Scope(provider: p, model: dated)
        try rig.apply(LimitSet(scope: scope, limits: [try LimitText.limit("$2 prepaid")]))
        #expect(try rig.apply(LimitList()).entries.map(\.scope) == [Scope(provider: p, model: model)])
        let usage = CallUsage(cost: dollars("0.5"))
        let permit = try #require(try rig.apply(try admit(dated)).permit)
        try rig.apply(Settle(permit: permit, outcome: .success, usage: usage))
        try rig.apply(Report(candidate: Candidate(provider: p, model: dated), outcome: .success, usage: usage))
        // Nobody asked for a model, and the dated one answered.
        let answered = CallUsage(model: dated, cost: dollars("0.5"))
        try rig.apply(Report(candidate: Candidate(provider: p), outcome: .success, usage: answered))
        try rig.apply(
            LedgerRecord(provider: p, model: dated, cost: dollars("0.25"), inputTokens: 0, outputTokens: 0))
        let accounts = try rig.apply(LedgerModels(provider: p, cursor: 0)).accounts
        #expect(accounts.map(\.model) == [model] && accounts.map(\.usage.spend) == [dollars("1.75")])
        #expect(try rig.apply(LimitList(scope: scope)).entries.map(\.used) == [dollars("1.75").nanodollars])
        #expect(try rig.apply(try admit(dated)).permit == nil)
        #expect(try rig.apply(try admit(model)).permit == nil)
        // Another provider's model of that name is another.
        #expect(try rig.apply(try admit(dated, provider: name("q"))).permit != nil)
    }

    @Test func anAliasStandsForAModelAndForNoAliasAndGoesAgain() throws {
        var rig = Rig()
        try rig.apply(alias())
        rig.expect(.outOfRange, of: AliasSet(ModelAlias(provider: p, name: name("x"), model: dated)))
        rig.expect(.outOfRange, of: AliasSet(ModelAlias(provider: p, name: model, model: name("x"))))
        rig.expect(.outOfRange, of: AliasSet(ModelAlias(provider: p, name: model, model: model)))
        try rig.apply(AliasSet(ModelAlias(provider: p, name: dated, model: name("other"))))
        #expect(try rig.apply(AliasList()).aliases == [ModelAlias(provider: p, name: dated, model: name("other"))])
        try rig.apply(AliasSet(ModelAlias(provider: p, name: model, model: name("x"))))
        #expect(try rig.machine.restored().image == rig.machine.image)
        try rig.apply(AliasRemove(provider: p, name: dated))
        rig.expect(.notFound, of: AliasRemove(provider: p, name: dated))
        var bounds = Bounds()
        bounds.aliases = 1
        rig.machine.bounds = bounds
        rig.expect(.limitReached, of: AliasSet(ModelAlias(provider: p, name: dated, model: name("y"))))
    }

    /// It would hold for no call, and no command would find it.
    @Test func aNameWithALimitBecomesNoAlias() throws {
        for scope in [
            Scope(provider: p, model: dated), Scope(provider: p, model: dated, tag: name("user:*")),
            Scope(provider: p, deployment: name("eu"), model: dated),
        ] {
            var rig = Rig()
            try rig.apply(LimitSet(scope: scope, limits: [try LimitText.limit("$2 prepaid")]))
            rig.expect(.outOfRange, of: alias())
            try rig.apply(AliasSet(ModelAlias(provider: name("q"), name: dated, model: model)))
            try rig.apply(LimitRemove(allOf: scope))
            try rig.apply(alias())
            try rig.apply(LimitSet(scope: scope, limits: [try LimitText.limit("$2 prepaid")]))
            try rig.apply(alias())
            #expect(try rig.apply(LimitList()).entries.map(\.scope.model) == [model])
        }
    }

    @Test func withStrictNamesAWorkerAddsNoProviderAnOperatorDoes() throws {
        var rig = Rig()
        try rig.apply(BreakerFailure(name: p), by: 7)
        try rig.apply(NamesSetStrict(isStrict: true))
        let unknown = name("opnai")
        rig.expect(.notFound, of: try admit(nil, provider: unknown), by: 7)
        rig.expect(.notFound, of: BreakerFailure(name: unknown), by: 7)
        rig.expect(.notFound, of: Report(candidate: Candidate(provider: unknown), outcome: .failure), by: 7)
        rig.expect(
            .notFound,
            of: LedgerRecord(provider: unknown, model: model, cost: .zero, inputTokens: 0, outputTokens: 0), by: 7)
        #expect(rig.machine.names.find(unknown) == nil)
        #expect(try rig.apply(try admit(nil), by: 7).permit != nil)
        try rig.apply(LimitSet(scope: Scope(provider: unknown), limits: [try LimitText.limit("1 in flight")]))
        #expect(try rig.apply(try admit(nil, provider: unknown), by: 7).permit != nil)
        #expect(try rig.apply(NamePolicyGet()).isStrict)
        try rig.apply(NamesSetStrict(isStrict: false))
        #expect(try rig.apply(try admit(nil, provider: name("new")), by: 7).permit != nil)
    }

    @Test func aCallWithoutATagThatIsDemandedIsRefusedToldOrEstimated() throws {
        var rig = Rig()
        try rig.apply(NamesRequireTags(tags: [name("team:*"), name("prod")]))
        let usage = CallUsage(cost: dollars("0.5"))
        for tags in [[], [name("team:a")], [name("prod"), name("teams")]] {
            rig.expect(.outOfRange, of: try admit(nil, tags: tags))
            let told = try WireLimits.TagList(tags)
            rig.expect(
                .outOfRange, of: Report(candidate: Candidate(provider: p), tags: told, outcome: .success, usage: usage))
            var record = LedgerRecord(provider: p, model: model, cost: .zero, inputTokens: 0, outputTokens: 0)
            record.tags = told
            rig.expect(.outOfRange, of: record)
        }
        #expect(try rig.apply(try admit(nil, tags: [name("prod"), name("team:")])).permit != nil)
        rig.expect(.outOfRange, of: NamesRequireTags(tags: [name("*")]))
        rig.expect(.outOfRange, of: NamesRequireTags(tags: [name("uid:5")]))
        #expect(try rig.machine.restored().image == rig.machine.image)
        try rig.apply(NamesRequireTags(tags: []))
        #expect(try rig.apply(try admit(nil)).permit != nil)
    }
}
