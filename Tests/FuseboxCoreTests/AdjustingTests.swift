import FuseboxWire
import Testing

@testable import FuseboxCore

/// Corrections of accounts, and what accounts tell of days and months.
struct AdjustingTests {
    private static let route = Scope(provider: name("p"), deployment: name("eu"), model: name("m"))
    private static let accounts = [
        Scope(tag: name("t")), Scope(provider: name("p"), model: name("m")),
        Scope(provider: name("p"), deployment: name("eu")), Scope(provider: name("p")), .host,
    ]

    /// A state with a call of $1 by a route, for the tag `t`.
    private func spent() throws -> Rig {
        var rig = Rig()
        let usage = CallUsage(cost: dollars("1"))
        var report = Report(
            candidate: Candidate(provider: name("p"), deployment: name("eu"), model: name("m")), outcome: .success,
            usage: usage)
        report.tags = try WireLimits.TagList([name("t")])
        try rig.apply(report, by: 5)
        return rig
    }

    private func adjust(_ scope: Scope, _ cost: String) -> LedgerAdjust {
        LedgerAdjust(scope: scope, cost: dollars(cost), reason: "test")
    }

    private func spend(_ scope: Scope, _ rig: inout Rig, at now: Int64 = 0) throws -> [Money] {
        let account = try #require(try rig.apply(LedgerAccount(scope: scope), at: now).account)
        return [account.usage.spend, account.month.spend, account.today.spend]
    }

    @Test(
        arguments: [
            (.host, [4]), (Scope(provider: name("p")), [3, 4]), (Scope(tag: name("t")), [0, 4]),
            (Scope(provider: name("p"), deployment: name("eu")), [2, 3, 4]),
            (Scope(provider: name("p"), model: name("m")), [1, 3, 4]), (route, [1, 2, 3, 4]),
            (Scope(provider: name("p"), tag: name("t")), [0, 3, 4]),
            (Scope(provider: name("p"), model: name("m"), tag: name("t")), [0, 1, 3, 4]),
        ] as [(Scope, [Int])])
    func aCorrectionCountsInTheAccountsOfACallByTheScopeAndInNoOther(scope: Scope, corrected: [Int]) throws {
        var rig = try spent()
        let reply = try rig.apply(adjust(scope, "-0.25"))
        let own = Self.accounts.firstIndex(of: scope)
        #expect(reply.account?.usage.spend == own.map { _ in dollars("0.75") })
        for (place, account) in Self.accounts.enumerated() {
            let left = dollars(corrected.contains(place) ? "0.75" : "1")
            #expect(try spend(account, &rig) == [left, left, left], "\(account)")
        }
        #expect(try spend(Scope(tag: name("uid:5")), &rig) == [dollars("1"), dollars("1"), dollars("1")])
        let event = rig.events.compactMap { if case .accountAdjusted(let it) = $0 { it } else { nil } }
        #expect(event.map(\.cost) == [dollars("-0.25")] && event.map(\.reason) == ["test"])
    }

    @Test func whatHasNoAccountOrReasonOrIsTooMuchIsRefused() throws {
        var rig = try spent()
        let image = rig.machine.image
        rig.expect(.notFound, of: adjust(Scope(provider: name("q")), "1"))
        rig.expect(.notFound, of: adjust(Scope(tag: name("other")), "1"))
        rig.expect(.outOfRange, of: adjust(Scope(tag: name("t*")), "1"))
        rig.expect(.outOfRange, of: adjust(.host, "1000000001"))
        rig.expect(.outOfRange, of: adjust(.host, "-1000000001"))
        rig.expect(.outOfRange, of: LedgerAdjust(scope: .host, cost: dollars("1"), reason: ""))
        // Limits may be set on what nothing was counted for yet.
        try rig.apply(try LimitCalls.set("$1 prepaid", on: "p@us/m"))
        let unused = adjust(try LimitCalls.scope("p@us/m"), "1")
        do throws(Refusal) {
            try rig.apply(unused)
            Issue.record("the deployment has no account")
        } catch { #expect(error == Refusal(.notFound, "nothing was counted for p@us yet")) }
        try rig.apply(LimitRemove(allOf: try LimitCalls.scope("p@us/m")))
        #expect(try spend(.host, &rig) == [dollars("1"), dollars("1"), dollars("1")])
        #expect(image.count == rig.machine.image.count)
    }

    @Test func accountsTellWhatWasUsedTodayAndThisMonth() throws {
        var rig = try spent()
        let day = 24 * LimitCalls.hour
        // On the second of January, then on the first of February.
        try rig.apply(adjust(Scope(provider: name("p")), "2"), at: day)
        #expect(try spend(Scope(provider: name("p")), &rig, at: day) == [dollars("3"), dollars("3"), dollars("2")])
        #expect(try spend(Scope(tag: name("t")), &rig, at: day) == [dollars("1"), dollars("1"), .zero])
        try rig.apply(adjust(Scope(tag: name("t")), "4"), at: 31 * day)
        #expect(try spend(Scope(tag: name("t")), &rig, at: 31 * day) == [dollars("5"), dollars("4"), dollars("4")])
        #expect(try spend(Scope(provider: name("p")), &rig, at: 31 * day) == [dollars("3"), .zero, .zero])
    }
}
