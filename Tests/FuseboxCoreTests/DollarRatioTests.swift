import FuseboxWire
import Testing

@testable import FuseboxCore

/// The tiers of a limit when one record reaches them exactly. With doubles such a record may miss them: 0.72 / 0.9 is
/// less than 0.8.
struct DollarRatioTests {
    /// The events of a record, a day after a first one that was free.
    private func fired(
        _ cost: String, of amount: String, under profile: Profile
    ) throws -> (reply: LedgerRecord.Reply, share: Double) {
        let moment = Moment(milliseconds: 1_767_225_600_000)
        var machine = StateMachine(profile: profile, at: moment)
        var events: [Event] = []
        let name = try Name("p")
        let limit = try LimitCalls.bound("$\(amount) until reset")
        let scope = Scope(provider: name)
        _ = try machine.apply(LimitSet(scope: scope, limits: [limit]), at: moment, effects: &events)
        var record = LedgerRecord(provider: name, model: name, cost: .zero, inputTokens: 0, outputTokens: 0)
        _ = try machine.apply(record, at: moment, effects: &events)
        let later = Moment(milliseconds: moment.now.milliseconds + 86_400_000)
        record.cost = try #require(Money(cost) as Money?)
        let reply = try machine.apply(record, at: later, effects: &events)
        let entry = try machine.apply(LimitGet(scope: scope, limit: limit), at: later, effects: &events).entry
        return (reply, try #require(entry).share)
    }

    // The answers of the reference library, where they differ from those of whole numbers.
    @Test(
        arguments: [
            ("0.72", "0.9", ThresholdTier.none, ThresholdTier.warning), ("0.36", "0.4", .warning, .critical),
            ("2.09", "2.2", .critical, .emergency), ("0.9", "1", .critical, .critical),
            ("0.56", "0.7", .warning, .warning), ("5.35", "5", .emergency, .emergency),
        ])
    func underLlmProvidersDollarsAreDividedByDollarsAsDoubles(
        cost: String, amount: String, theirs: ThresholdTier, ours: ThresholdTier
    ) throws {
        let reference = try fired(cost, of: amount, under: .llmProviders)
        #expect((reference.reply.reached.first?.tier ?? .none) == theirs)
        #expect(reference.share == Double(cost)! / Double(amount)!)
        #expect((try fired(cost, of: amount, under: .fusebox).reply.reached.first?.tier ?? .none) == ours)
    }

    // Eight times 0.7 is exactly 5.6, and 5.6 / 7 is less than 0.8. The doubles add up to 5.6000000000000005.
    @Test func underLlmProvidersSeveralRecordsAddUpAsDoublesDoOverASnapshotToo() throws {
        for (profile, cost, count, amount, tier) in [
            (Profile.llmProviders, "0.7", 8, "7", ThresholdTier.warning), (.fusebox, "0.7", 8, "7", .warning),
            (.llmProviders, "0.1", 8, "1", .none), (.fusebox, "0.1", 8, "1", .warning),
        ] {
            let moment = Moment(milliseconds: 1_767_225_600_000)
            var machine = StateMachine(profile: profile, at: moment)
            var events: [Event] = []
            let name = try Name("p")
            let limit = try LimitCalls.bound("$\(amount) until reset")
            _ = try machine.apply(
                LimitSet(scope: Scope(provider: name), limits: [limit]), at: moment, effects: &events)
            let each = try #require(Money(cost) as Money?)
            let record = LedgerRecord(provider: name, model: name, cost: each, inputTokens: 0, outputTokens: 0)
            var fired = ThresholdTier.none
            for _ in 0..<count {
                fired = try machine.apply(record, at: moment, effects: &events).reached.first?.tier ?? .none
                machine = try machine.restored()
            }
            #expect(fired == tier, "\(profile): \(count) times \(cost) of \(amount)")
            let spend = try machine.apply(LedgerTotal(), at: moment, effects: &events).spend
            #expect(spend.nanodollars == each.nanodollars * Int64(count), "what is told is exact")
        }
    }

    @Test func underLlmProvidersWhatIsLeftIsADifferenceOfDoublesAndSoAreTheDaysThatItLasts() throws {
        let reference = try fired("0.1", of: "0.8", under: .llmProviders).reply.depletion
        #expect(reference?.daysRemaining == 7)
        let ours = try fired("0.1", of: "0.8", under: .fusebox).reply.depletion
        #expect(ours?.daysRemaining == 6.999999999999999)
    }
}
