import FuseboxWire
import Testing

@testable import FuseboxCore

/// Bills of providers, compared with what the ledger has of a month. The ledger begins on 1970-01-01.
struct ReconcilingTests {
    private static let day = 24 * LimitCalls.hour

    /// A state that has spent $1 on `p` on the first day and $2 in February, and $4 on `q` in January.
    private func spent(_ profile: Profile = .fusebox) throws -> Rig {
        var rig = Rig(profile)
        try record(&rig, "p", "1", at: 0)
        try record(&rig, "q", "4", at: 0)
        try begin(day: 31, &rig)
        try record(&rig, "p", "2", at: 31 * Self.day)
        return rig
    }

    private func record(_ rig: inout Rig, _ provider: String, _ cost: String, at now: Int64) throws {
        try rig.apply(
            LedgerRecord(
                provider: name(provider), model: name("m"), tags: try WireLimits.TagList([name("t")]),
                cost: dollars(cost), inputTokens: 2, outputTokens: 3), at: now)
    }

    /// Begins a day, without closing the one before in any account.
    private func begin(day: Int64, _ rig: inout Rig) throws {
        try rig.apply(BeginDay(day, keepsUse: false), at: day * Self.day)
    }

    private func bill(_ provider: String, _ month: UInt8, _ billed: String, year: UInt32 = 1970) -> LedgerReconcile {
        LedgerReconcile(
            provider: name(provider), year: year, month: month, billed: dollars(billed), reason: "invoice 7")
    }

    private func spend(_ scope: Scope, _ rig: inout Rig) throws -> Money {
        try #require(try rig.apply(LedgerAccount(scope: scope), at: rig.machine.lastMoment.now.milliseconds).account)
            .usage.spend
    }

    /// The records with a reason that were closed since the last call.
    private func corrections(_ rig: inout Rig) -> [String] {
        rig.machine.takeClosedDays().compactMap { closed in
            closed.reason.map { "\(closed.scope) \(closed.day) \(Money(nanodollars: closed.use.spend)) \($0)" }
        }
    }

    @Test func theDifferenceOfAMonthThatIsOverIsPartOfItsHistoryAndOfTheAccounts() throws {
        var rig = try spent()
        // January is not closed in the account of q yet.
        for (provider, recorded, difference) in [("p", "1", "0.5"), ("q", "4", "-2.5")] {
            let reply = try rig.apply(bill(provider, 1, "1.5"), at: 31 * Self.day)
            #expect(reply.recorded == dollars(recorded))
            #expect(reply.difference == dollars(difference))
            #expect(!reply.isCurrent)
        }
        #expect(
            corrections(&rig) == [
                "host 30 0.5 invoice 7", "p 30 0.5 invoice 7", "host 30 -2.5 invoice 7", "q 30 -2.5 invoice 7",
            ])
        #expect(try spend(Scope(provider: name("p")), &rig) == dollars("3.5"))
        #expect(try spend(Scope(provider: name("q")), &rig) == dollars("1.5"))
        #expect(try spend(.host, &rig) == dollars("5"))
        // Who made the calls that were billed is not known.
        #expect(try spend(Scope(tag: name("t")), &rig) == dollars("7"))
        #expect(try spend(Scope(provider: name("p"), model: name("m")), &rig) == dollars("3"))
        let events = rig.takeEvents().compactMap { if case .accountAdjusted(let it) = $0 { it } else { nil } }
        #expect(events.map(\.cost) == [dollars("0.5"), dollars("-2.5")])
        #expect(events.map(\.reason) == ["invoice 7", "invoice 7"])
    }

    @Test func theSameBillOnceMoreRecordsNothing() throws {
        for month in [1, 2] as [UInt8] {
            var rig = try spent()
            _ = try rig.apply(bill("p", month, "3.25"), at: 31 * Self.day)
            _ = rig.takeEvents()
            _ = corrections(&rig)
            let image = rig.machine.image
            let reply = try rig.apply(bill("p", month, "3.25"), at: 32 * Self.day)
            #expect(reply.recorded == dollars("3.25"))
            #expect(reply.difference == .zero)
            #expect(LedgerReconcile.leavesNoTrace(reply, under: .fusebox))
            #expect(rig.machine.image == image && rig.events.isEmpty && corrections(&rig).isEmpty)
            // Another bill is compared with the one before.
            let corrected = try rig.apply(bill("p", month, "3"), at: 31 * Self.day)
            #expect(corrected.difference == dollars("-0.25"))
        }
    }

    /// The difference is no use of the open day, so each day of the history has it once.
    @Test func theOpenDayStaysAsItIs() throws {
        var rig = try spent()
        try rig.apply(bill("p", 2, "7"), at: 31 * Self.day)
        #expect(corrections(&rig) == ["host 31 5 invoice 7", "p 31 5 invoice 7"])
        let account = try #require(
            try rig.apply(LedgerAccount(scope: Scope(provider: name("p"))), at: 31 * Self.day).account)
        #expect(account.dayUsage.spend == dollars("2"))
        try begin(day: 32, &rig)
        while rig.machine.isClosingDays { try rig.apply(Advance(), at: 32 * Self.day) }
        let closed = rig.machine.takeClosedDays().filter { $0.day == 31 && $0.scope == Scope(provider: name("p")) }
        #expect(closed.map(\.use.spend) == [dollars("2").nanodollars])
        #expect(try rig.apply(bill("p", 2, "7"), at: 32 * Self.day).difference == .zero)
    }

    @Test(arguments: [(1, "0"), (2, "5")] as [(UInt8, String)])
    func limitsCountItInThePresentMonthAlone(month: UInt8, counted: String) throws {
        var rig = try spent()
        try rig.apply(try LimitCalls.set("$100 prepaid", on: "p"), at: 31 * Self.day)
        let perDay = LimitSet(scope: .host, limits: [try LimitCalls.bound("$100 per 24h")])
        try rig.apply(perDay, at: 31 * Self.day)
        let before = try uses(&rig)
        let spent = try hostSpendOfMonth(&rig)
        try rig.apply(bill("p", month, month == 1 ? "6" : "7"), at: 31 * Self.day)
        #expect(try uses(&rig) == before.map { $0 + dollars(counted).nanodollars })
        #expect(try hostSpendOfMonth(&rig) == spent + dollars(counted).nanodollars)
        guard month == 2 else { return }
        // What was too much is taken back.
        try rig.apply(bill("p", 2, "6"), at: 31 * Self.day)
        #expect(try uses(&rig) == before.map { $0 + dollars("4").nanodollars })
        #expect(try hostSpendOfMonth(&rig) == spent + dollars("4").nanodollars)
    }

    private func uses(_ rig: inout Rig) throws -> [Int64] {
        try LimitCalls.used(Scope(provider: name("p")), &rig, at: 31 * Self.day)
            + LimitCalls.used(.host, &rig, at: 31 * Self.day)
    }

    /// What the host has used in February, as reports tell it.
    private func hostSpendOfMonth(_ rig: inout Rig) throws -> Int64 {
        try #require(try rig.apply(LedgerAccount(scope: .host), at: 31 * Self.day).account).month.spend.nanodollars
    }

    @Test func aBillWithoutMonthProviderOrReasonIsRefused() throws {
        var rig = try spent()
        let image = rig.machine.image
        func refusal(_ command: LedgerReconcile) throws -> Refusal {
            do throws(Refusal) { try rig.apply(command, at: 31 * Self.day) } catch { return error }
            throw Refusal(.ok, "it was carried out")
        }
        #expect(
            try refusal(bill("p", 3, "1"))
                == Refusal(.outOfRange, "1970-03 has not begun; use counts in 1970-02 now"))
        #expect(try refusal(bill("p", 13, "1")) == Refusal(.outOfRange, "the calendar has no month 1970-13"))
        #expect(try refusal(bill("p", 0, "1")).status == .outOfRange)
        #expect(try refusal(bill("p", 1, "1", year: 1969)).status == .outOfRange)
        #expect(try refusal(bill("p", 1, "1000000001")).status == .outOfRange)
        #expect(try refusal(bill("p", 1, "-1")).status == .outOfRange)
        #expect(try refusal(bill("r", 1, "1")) == Refusal(.notFound, "nothing was counted for r yet"))
        var silent = bill("p", 1, "2")
        silent.reason = ""
        #expect(try refusal(silent) == Refusal(.outOfRange, "a reconciliation needs a reason"))
        #expect(rig.machine.image == image)
    }

    /// The state keeps the sums of the months that the history keeps.
    @Test func aYearAndTheOpenMonthAreKept() throws {
        var rig = try spent()
        // 1971-02-01: 1970-02 is the oldest of 13 months.
        let now: Int64 = 396
        for day in stride(from: 59 as Int64, to: now, by: 28) {
            try begin(day: day, &rig)
            try record(&rig, "p", "1", at: day * Self.day)
        }
        try begin(day: now, &rig)
        try record(&rig, "p", "1", at: now * Self.day)
        try begin(day: now + 1, &rig)
        try record(&rig, "p", "1", at: (now + 1) * Self.day)
        #expect(try rig.apply(bill("p", 2, "2"), at: (now + 1) * Self.day).difference == .zero)
        do throws(Refusal) {
            try rig.apply(bill("p", 1, "1"), at: (now + 1) * Self.day)
            Issue.record("the month is not kept")
        } catch {
            #expect(
                error
                    == Refusal(
                        .outOfRange, "the history keeps 13 months, and 1970-01 is older; the oldest is 1970-02"))
        }
        #expect(rig.machine.monthSums.sum(of: name("p"), in: 0) == MonthSums.Sum())
        #expect(
            rig.machine.monthSums.sum(of: name("p"), in: 1)
                == MonthSums.Sum(spend: dollars("2").nanodollars, unpriced: 0))
    }

    /// Calls that nobody priced may be why a bill differs: on closed days, on the open one, and after a restart.
    @Test func theCallsOfTheMonthThatNobodyPricedAreTold() throws {
        var rig = try spent()
        let silent = LedgerRecord(provider: name("p"), model: name("m"), cost: nil, inputTokens: 2, outputTokens: 3)
        for day in [31, 31, 40] as [Int64] {
            try begin(day: day, &rig)
            try rig.apply(silent, at: day * Self.day)
        }
        rig.machine = try rig.machine.restored()
        let february = try rig.apply(bill("p", 2, "2"), at: 40 * Self.day)
        #expect(february.unpriced == 3 && february.recorded == dollars("2") && february.difference == .zero)
        #expect(try rig.apply(bill("p", 1, "1"), at: 40 * Self.day).unpriced == 0)
        #expect(try rig.apply(bill("q", 2, "0"), at: 40 * Self.day).unpriced == 0)
    }

    /// A provider that was forgotten has its records in the history still, and so the sum.
    @Test func theSumOutlivesTheAccountAndAnImage() throws {
        var rig = try spent()
        try rig.apply(Forget(name: name("p")), at: 31 * Self.day)
        rig.expect(.notFound, of: bill("p", 1, "1"), at: 31 * Self.day)
        try record(&rig, "p", "0.25", at: 31 * Self.day)
        #expect(try rig.apply(bill("p", 1, "1"), at: 31 * Self.day).recorded == dollars("1"))
        rig.machine = try rig.machine.restored()
        #expect(try rig.apply(bill("p", 1, "1"), at: 31 * Self.day).recorded == dollars("1"))
        #expect(try rig.apply(bill("p", 2, "2.25"), at: 31 * Self.day).recorded == dollars("2.25"))
    }

    @Test func aSumThatWouldLeaveItsRangeIsRefused() throws {
        var rig = try spent()
        for _ in 0..<9 {
            let much = LedgerAdjust(
                scope: Scope(provider: name("p")), cost: dollars("1000000000"), reason: "much")
            try rig.apply(much, at: 31 * Self.day)
        }
        let image = rig.machine.image
        rig.expect(.overflow, of: bill("p", 1, "1000000000"), at: 31 * Self.day)
        #expect(rig.machine.image == image)
    }
}
