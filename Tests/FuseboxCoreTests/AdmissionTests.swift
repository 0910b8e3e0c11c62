import FuseboxWire
import Testing

@testable import FuseboxCore

struct AdmissionTests {
    private let p = name("p")
    private let m = name("m")

    private func admit(
        _ cost: String = "0", tokens: UInt32 = 0, ttl: Int64 = 1_000, model: Name? = nil
    ) -> Admit {
        var candidates = Candidates()
        candidates.append(Candidate(provider: p, model: model))
        return Admit(
            candidates: candidates, estimate: Estimate(cost: dollars(cost), tokens: tokens), ttlMilliseconds: ttl)
    }

    private func permit(_ command: Admit, _ rig: inout Rig, at milliseconds: Int64 = 0, worker: UInt64 = 1) throws
        -> UInt64
    {
        try #require(try rig.apply(command, at: milliseconds, worker: worker).permit)
    }

    private func usage(_ cost: String, tokens: UInt32 = 0) -> CallUsage {
        CallUsage(model: m, cost: dollars(cost), inputTokens: tokens, outputTokens: 0)
    }

    /// Limits what the provider may cost until a reset.
    private func limit(_ amount: String, _ rig: inout Rig, mode: LimitMode = .deny) throws {
        try rig.apply(LimitCalls.set("$\(amount) until reset", mode: mode))
    }

    private func removeLimits(_ rig: inout Rig, at now: Int64 = 0) throws {
        try rig.apply(LimitRemove(allOf: Scope(provider: p)), at: now)
    }

    // MARK: Holds

    @Test func whatIsHeldAndNotSettledCountsAgainstALimitThatDeniesAndSettlingFreesWhatWasNotUsed() throws {
        var rig = Rig()
        try limit("1", &rig)
        let first = try permit(admit("0.6"), &rig)
        #expect(try rig.apply(admit("0.5")).permit == nil)
        _ = try permit(admit("0.4"), &rig)
        #expect(rig.machine.permits.totals.held == dollars("1"))
        let reply = try rig.apply(Settle(permit: first, outcome: .success, usage: usage("0.1")))
        #expect(reply.standing == .inForce)
        #expect(rig.machine.permits.totals.held == dollars("0.4"))
        _ = try permit(admit("0.5"), &rig)
        #expect(try rig.apply(admit("0.000000001")).permit == nil)
        let account = try #require(try rig.apply(LedgerProvider(provider: p)).account)
        #expect(account.usage.spend == dollars("0.1"))
        #expect(account.held == dollars("0.9"))
        let entry = try #require(try LimitCalls.standing("$1 until reset", &rig))
        #expect((entry.used, entry.held) == (dollars("0.1").nanodollars, dollars("0.9").nanodollars))
        #expect(entry.left == 0)
    }

    @Test func aLimitThatOnlyNotifiesDeniesNothing() throws {
        var rig = Rig()
        try limit("1", &rig, mode: .notify)
        _ = try permit(admit("5"), &rig)
        _ = try permit(admit("5"), &rig)
    }

    /// What a call without a permit has cost counts too. A limit that is used up takes no call that may cost anything.
    @Test func aUsedUpLimitTakesACallThatCostsNothingAndNoneThatMayCostSomething() throws {
        var rig = Rig()
        try limit("1", &rig)
        try rig.apply(Report(candidate: Candidate(provider: p), outcome: .success, usage: usage("1")))
        #expect(try rig.apply(admit("0")).permit != nil)
        #expect(try rig.apply(admit("0.000000001")).permit == nil)
        var unknown = admit()
        unknown.estimate = Estimate(tokens: 5)
        #expect(try rig.apply(unknown).permit == nil)
    }

    @Test func aModelsLimitCountsThatModelsSpendAndHoldsOnly() throws {
        var rig = Rig()
        try rig.apply(LimitCalls.set("$1 until reset", on: "p/m"))
        _ = try permit(admit("9"), &rig)
        _ = try permit(admit("9", model: name("other")), &rig)
        let held = try permit(admit("0.7", model: m), &rig)
        let decision = try rig.apply(admit("0.4", model: m)).decision
        #expect(decision.denials.array.map(\.reason) == [.limit])
        #expect(decision.limits.map(\.scope) == [Scope(provider: p, model: m)])
        try rig.apply(Settle(permit: held, outcome: .success, usage: usage("0.7")))
        #expect(try rig.apply(admit("0.4", model: m)).permit == nil)
        _ = try permit(admit("0.3", model: m), &rig)
    }

    @Test func callsAndTokensCountWhenTheyAreAdmittedAndSettlingCorrectsTheWindowThatIsStillOpen() throws {
        var rig = Rig()
        let (requests, tokens) = ("2 requests per minute fixed", "1000 tokens per minute fixed")
        try rig.apply(LimitCalls.set(requests, tokens))
        func used(_ text: String, at now: Int64) throws -> Int64? {
            try LimitCalls.standing(text, &rig, at: now)?.used
        }
        func denying(_ command: Admit, at now: Int64) throws -> [LimitDimension] {
            let decision = try rig.apply(command, at: now).decision
            #expect(decision.denials.array.map(\.reason) == [.limit])
            return decision.limits.map(\.limit.dimension)
        }
        let first = try permit(admit(tokens: 600), &rig)
        #expect(try denying(admit(tokens: 500), at: 0) == [.tokens])
        try rig.apply(Settle(permit: first, outcome: .success, usage: usage("0", tokens: 100)))
        #expect(try used(requests, at: 0) == 1)
        #expect(try used(tokens, at: 0) == 100)
        let second = try permit(admit(tokens: 500), &rig, at: 1)
        #expect(try denying(admit(), at: 1) == [.requests])
        try rig.apply(Settle(permit: second, outcome: .cancelled), at: 2)
        #expect(try used(requests, at: 2) == 1)
        #expect(try used(tokens, at: 2) == 100)
        // Across the end of the window, only the excess over the estimate counts in the new window.
        let third = try permit(admit(tokens: 300, ttl: 90_000), &rig, at: 59_999)
        try rig.apply(Settle(permit: third, outcome: .success, usage: usage("0", tokens: 350)), at: 60_000)
        #expect(try used(requests, at: 60_000) == 0)
        #expect(try used(tokens, at: 60_000) == 50)
    }

    // MARK: Ends

    /// A permit ends by its time to live, which renewing makes longer and never shorter; what it cost still counts.
    @Test func aPermitEndsByItsTimeToLiveWhichRenewingMakesLongerAndNeverShorter() throws {
        var rig = Rig()
        try limit("1", &rig)
        let permit = try permit(admit("0.8", ttl: 1_000), &rig)
        #expect(try rig.apply(Renew(permit: permit, ttlMilliseconds: 5_000), at: 500).expiresAt == at(5_500))
        #expect(try rig.apply(Renew(permit: permit, ttlMilliseconds: 1), at: 500).expiresAt == at(5_500))
        #expect(rig.machine.untilDue(at: Moment(milliseconds: 500)) == 5_000)
        #expect(!rig.machine.isDue(at: Moment(milliseconds: 5_499)))
        rig.events.removeAll()
        try rig.apply(Advance(), at: 5_500)
        let told = rig.takeEvents().compactMap { if case .permitLapsed(let event) = $0 { event } else { nil } }
        let lapsed = try #require(told.first)
        #expect(told.count == 1)
        #expect(lapsed.entry.standing == .expired)
        #expect(lapsed.entry.permit == permit)
        #expect(rig.machine.permits.totals.held == .zero)
        var entry = try #require(try LimitCalls.standing("$1 until reset", &rig))
        #expect((entry.held, entry.used, entry.assumed) == (0, dollars("0.8").nanodollars, dollars("0.8").nanodollars))
        #expect(try rig.apply(Renew(permit: permit, ttlMilliseconds: 1), at: 6_000).standing == .expired)
        let late = try rig.apply(Settle(permit: permit, outcome: .success, usage: usage("0.7")), at: 6_000)
        #expect(late.standing == .expired)
        #expect(try rig.apply(LedgerProvider(provider: p)).account?.usage.spend == dollars("0.7"))
        entry = try #require(try LimitCalls.standing("$1 until reset", &rig))
        #expect((entry.held, entry.used, entry.assumed) == (0, dollars("0.7").nanodollars, 0))
        let totals = rig.machine.permits.totals
        #expect((totals.granted, totals.settled, totals.expired, totals.settledLate) == (1, 0, 1, 1))
    }

    @Test func aSecondSettleChangesNothingAndSaysSo() throws {
        var rig = Rig()
        let permit = try permit(admit("1"), &rig)
        try rig.apply(Settle(permit: permit, outcome: .failure, usage: usage("1")))
        let before = rig.machine.image
        let reply = try rig.apply(Settle(permit: permit, outcome: .failure, usage: usage("1")))
        #expect(reply.standing == .settled)
        #expect(rig.machine.image == before)
        rig.expect(.notFound, of: Settle(permit: permit + 1, outcome: .success))
        rig.expect(.notFound, of: Settle(permit: 0, outcome: .success))
    }

    @Test func anotherUsersPermitIsNotToBeSettled() throws {
        var rig = Rig()
        let permit = try permit(admit("1"), &rig)
        rig.expect(.notPermitted, of: Settle(permit: permit, outcome: .success), by: 7)
        rig.expect(.notPermitted, of: Renew(permit: permit, ttlMilliseconds: 9), by: 7)
    }

    /// Death gives back what notifies and the place in flight; what a limit that denies holds stays to its time.
    @Test func deathGivesBackWhatNotifiesAndThePlaceInFlight() throws {
        var rig = Rig()
        let soft = try permit(admit("0.3", ttl: 9_000), &rig)
        _ = try permit(admit("0.3", ttl: 9_000), &rig, worker: 2)
        try limit("1", &rig)
        let hard = try permit(admit("0.2", ttl: 9_000), &rig)
        try removeLimits(&rig)
        try rig.apply(ReclaimPermits(worker: WorkerID(high: 3, low: 0)))
        #expect(rig.machine.permits.totals.outstanding == 3)
        try limit("1", &rig)
        try rig.apply(ReclaimPermits(worker: WorkerID(high: 1, low: 0)), at: 5)
        // All of it is held against the limit, which sees the calls that were in force before it was set.
        #expect(rig.machine.permits.totals.outstanding == 3)
        #expect(try rig.apply(LedgerProvider(provider: p)).account?.inFlight == 1)
        try rig.apply(Settle(permit: hard, outcome: .success, usage: usage("0.1")), at: 6)
        try removeLimits(&rig, at: 6)
        try rig.apply(ReclaimPermits(worker: WorkerID(high: 2, low: 0)), at: 7)
        let totals = rig.machine.permits.totals
        #expect((totals.settled, totals.reclaimed, totals.outstanding) == (1, 1, 1))
        try rig.apply(Advance(), at: 9_000)
        #expect(rig.machine.permits.totals.expired == 1)
        #expect(try rig.apply(Settle(permit: soft, outcome: .success), at: 9_001).standing == .expired)
    }

    @Test func veryManyDeadlinesAtOneMomentAreMetInSeveralTurns() throws {
        var rig = Rig()
        for _ in 0..<Bounds.duePerTurn + 5 { _ = try permit(admit("1", ttl: 5), &rig) }
        try rig.apply(Advance(), at: 5)
        #expect(rig.machine.permits.totals.outstanding == 5)
        #expect(rig.machine.isDue(at: Moment(milliseconds: 5)))
        try rig.apply(Advance(), at: 5)
        #expect(rig.machine.permits.totals.outstanding == 0)
        #expect(!rig.machine.isDue(at: Moment(milliseconds: 5)))
    }

    // MARK: Outcomes

    @Test(
        arguments: [
            (Outcome.success, 0, 1, nil, 1, true), (.success, 0, 1, 50_000, 1, true), (.failure, 1, 0, nil, 1, true),
            (.failure, 1, 0, 70_000, 1, true), (.throttled, 1, 0, nil, 1, true), (.throttled, 0, 0, 70_000, 1, true),
            (.quotaExhausted, 0, 0, 70_000, 1, true), (.unauthorized, 0, 0, 86_400_000, 1, true),
            (.rejected, 0, 0, nil, 1, true),
            (.abandoned, 0, 0, nil, 1, true), (.cancelled, 0, 0, nil, 0, false),
        ] as [(Outcome, UInt64, UInt64, Int64?, Int64, Bool)])
    func whatEachOutcomeDoesToBreakerExhaustionRequestAndUsageWithATimeAndWithout(
        outcome: Outcome, failures: UInt64, successes: UInt64, mark: Int64?, requests: Int64, isRecorded: Bool
    ) throws {
        for isReport in [false, true] {
            var rig = Rig()
            let text = "9 requests per minute fixed"
            try rig.apply(LimitCalls.set(text))
            let usage = isRecorded ? usage("0.25") : nil
            if isReport {
                try rig.apply(
                    Report(
                        candidate: Candidate(provider: p), outcome: outcome, usage: usage,
                        retryAfterMilliseconds: outcome.takesRetryAfter ? mark : nil))
            } else {
                let permit = try permit(admit("1"), &rig)
                try rig.apply(
                    Settle(
                        permit: permit, outcome: outcome, usage: usage,
                        retryAfterMilliseconds: outcome.takesRetryAfter ? mark : nil))
            }
            let status = try rig.apply(BreakerGet(name: p)).status
            #expect(status.totalFailures == failures)
            #expect(status.totalSuccesses == successes)
            #expect(try rig.apply(ExhaustionGet(provider: p)).entry?.resetsAt == mark.map(at))
            #expect(try LimitCalls.standing(text, &rig)?.used == requests)
            let spend = try rig.apply(LedgerProvider(provider: p)).account?.usage.spend
            #expect(spend == (isRecorded ? dollars("0.25") : .zero))
        }
    }

    @Test func throttledWithoutATimeMarksNothingAndAnExhaustedQuotaWithoutOneGetsTheDefault() throws {
        var rig = Rig()
        try rig.apply(Report(candidate: Candidate(provider: p), outcome: .throttled))
        #expect(try rig.apply(ExhaustionGet(provider: p)).entry == nil)
        try rig.apply(Report(candidate: Candidate(provider: p), outcome: .quotaExhausted))
        #expect(try rig.apply(ExhaustionGet(provider: p)).entry?.resetsAt == at(300_000))
    }

    /// The reset of a rate limit is when all of it is back. The next call is possible before.
    @Test(arguments: [(0, nil), (1, 1), (60_000, 60_000), (60_001, 60_000), (86_400_000, 60_000)] as [(Int64, Int64?)])
    func aSuccessThatLeavesNothingOfARateLimitKeepsCallsAwayForAMinuteAtMost(told: Int64, mark: Int64?) throws {
        var rig = Rig()
        let permit = try permit(admit(), &rig)
        try rig.apply(Settle(permit: permit, outcome: .success, retryAfterMilliseconds: told))
        #expect(try rig.apply(ExhaustionGet(provider: p)).entry?.resetsAt == mark.map(at))
        #expect(try rig.apply(BreakerGet(name: p)).status.totalSuccesses == 1)
    }

    @Test func usageThatNamesNoModelIsThatOfTheOneAskedForOrOfNoneInParticular() throws {
        var rig = Rig()
        var without = usage("0.1")
        without.model = nil
        let first = try permit(admit(model: m), &rig)
        try rig.apply(Settle(permit: first, outcome: .success, usage: without))
        let second = try permit(admit(), &rig)
        try rig.apply(Settle(permit: second, outcome: .success, usage: without))
        #expect(try rig.apply(LedgerModel(provider: p, model: m)).account?.usage.spend == dollars("0.1"))
        let unspecified = LedgerModel(provider: p, model: name(CallUsage.unspecifiedModel))
        #expect(try rig.apply(unspecified).account?.usage.spend == dollars("0.1"))
    }

    @Test func aProviderThatThrottlesAndSaysForHowLongNeverOpensItsBreakerHoweverOften() throws {
        var rig = Rig()
        for call in 0..<20 {
            try rig.apply(
                Report(candidate: Candidate(provider: p), outcome: .throttled, retryAfterMilliseconds: 1_000),
                at: Int64(call))
        }
        #expect(try rig.apply(admit(), at: 1_018).decision.denials.array.map(\.reason) == [.exhausted])
        let after = try rig.apply(admit(), at: 1_019)
        #expect(after.permit != nil)
        #expect(after.decision.state == .closed && after.decision.share == 1)
        for _ in 0..<5 { try rig.apply(Report(candidate: Candidate(provider: p), outcome: .throttled), at: 1_019) }
        #expect(try rig.apply(admit(), at: 1_019).decision.denials.array.map(\.reason) == [.breakerOpen])
    }

    @Test func whatDoesNotGoTogetherIsRefusedAndChangesNothing() throws {
        var rig = Rig()
        let permit = try permit(admit("1"), &rig)
        let before = rig.machine.image
        rig.expect(.outOfRange, of: Settle(permit: permit, outcome: .cancelled, usage: usage("1")))
        for outcome in [Outcome.rejected, .abandoned, .cancelled, .unauthorized] {
            rig.expect(.outOfRange, of: Settle(permit: permit, outcome: outcome, retryAfterMilliseconds: 1))
        }
        rig.expect(.outOfRange, of: Settle(permit: permit, outcome: .throttled, retryAfterMilliseconds: -1))
        rig.expect(.outOfRange, of: Settle(permit: permit, outcome: .success, usage: usage("-1")))
        rig.expect(.outOfRange, of: admit("-1"))
        rig.expect(.outOfRange, of: admit(ttl: 0))
        rig.expect(.outOfRange, of: admit(ttl: WireLimits.permitMilliseconds + 1))
        rig.expect(.outOfRange, of: Admit(candidates: Candidates(), ttlMilliseconds: 1))
        rig.expect(.outOfRange, of: Renew(permit: permit, ttlMilliseconds: 0))
        for limit in [Limit(.requests, 1, LimitWindow()), Limit(.inFlight, 1, .manual)] {
            rig.expect(.outOfRange, of: LimitSet(scope: Scope(provider: p), limits: [limit]))
        }
        #expect(rig.machine.image == before)
    }

    // MARK: Breakers

    @Test func aShareIsExactOverEverybodyWhoAsksAndMovesOnlyForCallsThatNothingElseDenies() throws {
        var rig = Rig()
        try rig.apply(BreakerConfigure(name: p, change: .init(degradationCurve: [1, 0.4])))
        try rig.apply(BreakerFailure(name: p))
        var granted = 0
        for call in 0..<10_000 {
            if call % 3 == 0 {
                try rig.apply(ExhaustionMark(provider: p))
                #expect(try rig.apply(admit(), worker: UInt64(call % 8)).permit == nil)
                try rig.apply(ExhaustionClear(provider: p))
            }
            guard let permit = try rig.apply(admit(), worker: UInt64(call % 8)).permit else { continue }
            granted += 1
            try rig.apply(Settle(permit: permit, outcome: .cancelled))
        }
        #expect(abs(granted - 4_000) <= 1)
    }

    @Test func oneCallThatNamesAProviderTwiceCountsOnceTowardItsShare() throws {
        var rig = Rig()
        try rig.apply(BreakerConfigure(name: p, change: .init(degradationCurve: [1, 0.25])))
        try rig.apply(BreakerFailure(name: p))
        var command = admit()
        command.candidates.append(Candidate(provider: p, model: m))
        var granted = 0
        for _ in 0..<400 where try rig.apply(command).permit != nil { granted += 1 }
        #expect(granted == 100)
    }

    @Test func whileABreakerIsNotClosedNoMoreCallsAreInFlightSinceItOpenedThanMaxProbes() throws {
        var rig = Rig()
        try rig.apply(BreakerConfigure(name: p, change: .init(degradationCurve: [1, 0.99], maxProbes: 2)))
        // Those of before do not count.
        for _ in 0..<3 { _ = try permit(admit(), &rig) }
        try rig.apply(BreakerForceOpen(name: p))
        for _ in 0..<4 { try rig.apply(BreakerSuccess(name: p)) }
        let permits = try (0..<2).map { _ in try permit(admit(), &rig) }
        #expect(try rig.apply(admit()).decision.denials.array.map(\.reason) == [.probes])
        try rig.apply(Settle(permit: permits[0], outcome: .rejected))
        _ = try permit(admit(), &rig)
        #expect(try rig.apply(admit()).permit == nil)
        try rig.apply(ReclaimPermits(worker: WorkerID(high: 1, low: 0)))
        _ = try permit(admit(), &rig)
    }

    @Test func aBreakerOpensFullyOnlyByFailuresOfAsManyWorkersAsItIsToldToWaitFor() throws {
        var rig = Rig()
        try rig.apply(
            BreakerConfigure(name: p, change: .init(monitoringPeriodMilliseconds: 10_000, minWorkers: 2)))
        for _ in 0..<9 { try rig.apply(BreakerFailure(name: p), worker: 1) }
        #expect(try rig.apply(BreakerGet(name: p)).status.share == 0.1)
        // The other worker's failure is too old when the first worker fails again.
        try rig.apply(BreakerFailure(name: p), at: 20_000, worker: 2)
        #expect(try rig.apply(BreakerGet(name: p), at: 20_000).status.share == 0.1)
        try rig.apply(BreakerFailure(name: p), at: 30_000, worker: 1)
        #expect(try rig.apply(BreakerGet(name: p), at: 30_000).status.state == .open)
    }

    @Test func theLastDegradedStepIsTheLastOfTheCurveThatLetsSomethingThrough() throws {
        for (curve, share) in [([1, 0.5, 0], 0.5), ([1, 0.3], 0.3), ([1, 0.9, 0.7, 0.4, 0.1, 0.05], 0.1), ([0], 0)] {
            var rig = Rig()
            try rig.apply(BreakerConfigure(name: p, change: .init(degradationCurve: curve, minWorkers: 3)))
            for _ in 0..<9 { try rig.apply(BreakerFailure(name: p), worker: 1) }
            #expect(try rig.apply(BreakerGet(name: p)).status.share == share)
        }
    }

    // MARK: Events

    @Test func breakersRecoverMarksAndPermitsEndAtTheirMomentEachWithItsEvent() throws {
        var rig = Rig()
        try rig.apply(BreakerFailure(name: p))
        try rig.apply(ExhaustionMark(provider: p, resetAfterMilliseconds: 50_000))
        _ = try permit(admitOther(ttl: 70_000), &rig)
        rig.events.removeAll()
        var told: [(Int64, String)] = []
        var now: Int64 = 0
        while let wait = rig.machine.untilDue(at: Moment(milliseconds: now)), now + wait < 100_000 {
            now += wait
            try rig.apply(Advance(), at: now)
            for event in rig.takeEvents() { told.append((now, event.name)) }
        }
        #expect(told.map(\.0) == [50_000, 60_000, 70_000])
        #expect(told.map(\.1) == ["providerRestored", "breakerTransition", "permitLapsed"])
    }

    private func admitOther(ttl: Int64) -> Admit {
        var candidates = Candidates()
        candidates.append(Candidate(provider: name("q")))
        return Admit(candidates: candidates, ttlMilliseconds: ttl)
    }

    @Test func aLimitTellsWhenItBeginsToDenyAndAgainOnlyAfterItHasAdmittedACall() throws {
        var rig = Rig()
        try limit("1", &rig)
        let held = try permit(admit("0.9"), &rig)
        rig.events.removeAll()
        for _ in 0..<3 { #expect(try rig.apply(admit("0.2")).permit == nil) }
        let events = rig.takeEvents()
        guard case .limitDenied(let denied)? = events.first else { return #expect(Bool(false)) }
        #expect(events.count == 1)
        #expect(denied.entry.scope == Scope(provider: p))
        #expect(denied.entry.held == dollars("0.9").nanodollars)
        #expect(denied.needed == dollars("0.2").nanodollars)
        try rig.apply(Settle(permit: held, outcome: .cancelled))
        _ = try permit(admit("0.9"), &rig)
        #expect(try rig.apply(admit("0.2")).permit == nil)
        #expect(rig.takeEvents().count == 1)
    }

    // MARK: Imports

    @Test(arguments: [StateParts.all, .breakers, .exhaustion, .ledger, [.breakers, .ledger]])
    func anImportLeavesPermitsInForceUnderTheirNamesAndOneOfAPartLeavesTheOtherPartsToo(parts: StateParts) throws {
        var rig = Rig()
        let permit = try permit(admit("1", model: m), &rig)
        var other = Rig()
        try other.apply(BreakerFailure(name: name("z")))
        try rig.apply(ExhaustionMark(provider: name("mine")))
        rig.machine.replace(parts, with: other.machine)
        #expect((rig.machine.exhaustion.count == 0) == parts.contains(.exhaustion))
        #expect(try rig.apply(BreakerGet(name: name("z"))).exists == parts.contains(.breakers))
        #expect(try rig.apply(Settle(permit: permit, outcome: .success, usage: usage("1"))).standing == .inForce)
        #expect(try rig.apply(LedgerModel(provider: p, model: m)).account?.usage.spend == dollars("1"))
        #expect(try rig.machine.restored().image == rig.machine.image)
    }
}
