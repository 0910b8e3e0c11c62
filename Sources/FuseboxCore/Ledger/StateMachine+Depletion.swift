import FuseboxWire

/// When limits of a provider's cost will be used up, at the rate at which it is spent.
///
/// Only limits are projected that go on for a week or more: of a limit of $5 per day it says nothing that a day's spend
/// takes a day.
extension StateMachine {
    /// What a call has set off: the thresholds that it reached, and the limit that will be used up sooner than was told.
    mutating func fire(
        _ provider: NameID, at moment: Moment, _ effects: inout [Event]
    ) -> LedgerRecord.Reply {
        var reply = LedgerRecord.Reply()
        reply.reached = tellCrossings(at: moment, &effects)
        guard let scope = limitTable.findScope(ScopeKey(place: provider)) else { return reply }
        ledger.advanceHistory(of: provider, to: moment.now, under: profile)
        var next = limitTable.firstEntry(ofScope: scope)
        while let place = next {
            next = limitTable.nextEntry(after: place)
            guard let estimate = depletion(of: place, provider, at: moment),
                estimate.tier.rawValue > limitTable.entries[place].firedDepletion.rawValue
            else { continue }
            limitTable.entries[place].firedDepletion = estimate.tier
            var event = DepletionProjected()
            event.provider = names[provider]
            event.limit = estimate.limit
            event.tier = estimate.tier
            event.daysRemaining = estimate.daysRemaining ?? 0
            event.depletesAt = estimate.depletesAt ?? Timestamp(milliseconds: .max)
            event.burnRate = estimate.burnRate
            effects.append(.depletionProjected(event))
            if reply.depletion == nil { reply.depletion = event }
        }
        return reply
    }

    /// The estimate for the limit of a provider's cost that will be used up first.
    ///
    /// - Parameter windowMilliseconds: the length of the burn rate's window
    func depletion(
        of provider: NameID, windowMilliseconds: Int64 = CreditLedger.defaultBurnRateWindowMilliseconds,
        at moment: Moment
    ) -> DepletionEstimate? {
        var first: DepletionEstimate?
        limitTable.forEachEntry(of: ScopeKey(place: provider)) { place in
            guard
                let estimate = depletion(of: place, provider, windowMilliseconds: windowMilliseconds, at: moment)
            else { return }
            if first == nil || (estimate.daysRemaining ?? .infinity) < (first?.daysRemaining ?? .infinity) {
                first = estimate
            }
        }
        return first
    }

    /// The estimate for one limit of a provider; nil if it is of another dimension, or too short to be projected.
    private func depletion(
        of place: Int, _ provider: NameID,
        windowMilliseconds: Int64 = CreditLedger.defaultBurnRateWindowMilliseconds, at moment: Moment
    ) -> DepletionEstimate? {
        let entry = limitTable.entries[place]
        let rule = limitTable.rules[entry.rule]
        guard rule.limit.dimension == .cost, rule.amount > 0, rule.limit.window.isProjected else { return nil }
        let burnRate = ledger.burnRate(
            provider, windowMilliseconds: windowMilliseconds, at: moment.now, under: profile)
        let used = limitTable.used(place, at: moment.now)
        var estimate = DepletionEstimate(
            rule.limit, left: Int64(clamping: Int128(rule.amount) - used),
            dollars: profile.reckonsInDollars ? Money(nanodollars: rule.amount).dollars - entry.dollars : nil,
            burnRate: burnRate, at: moment.now)
        if let days = estimate.daysRemaining, let end = limitTable.untilWindowEnds(place, at: moment),
            days * 86_400_000 > Double(end)
        {
            (estimate.daysRemaining, estimate.depletesAt) = (nil, nil)
        }
        return estimate
    }

    /// Notes every tier that is reached as fired: for a state that came without its fired tiers.
    mutating func deriveFiredTiers(at moment: Moment) {
        limitTable.entries.forEachSlot { limitTable.deriveFired($0, at: moment.now) }
        guard profile.keepsDepletionTiers else { return }
        ledger.forEachProvider { provider in
            limitTable.forEachEntry(of: ScopeKey(place: provider)) { place in
                guard let estimate = depletion(of: place, provider, at: moment) else { return }
                limitTable.entries[place].firedDepletion = estimate.tier
            }
        }
    }
}

extension LimitWindow {
    /// Whether a limit of this window is projected.
    fileprivate var isProjected: Bool {
        switch kind {
        case .manual, .prepaid: true
        case .calendar: unit != .hour && unit != .day
        case .none, .sliding, .fixed, .unknown: false
        }
    }
}

extension DepletionEstimate {
    /// - Parameters:
    ///   - left: what is left, in nano-dollars; below 0 if it is exceeded
    ///   - dollars: what is left as a difference of doubles, if it is to be reckoned with
    fileprivate init(_ limit: Limit, left: Int64, dollars: Double?, burnRate: BurnRate, at now: Timestamp) {
        self.init()
        self.limit = limit
        self.burnRate = burnRate
        let difference = dollars ?? Money(nanodollars: left).dollars
        guard difference > 0 else {
            daysRemaining = 0
            depletesAt = now
            return
        }
        remaining = Money(nanodollars: left)
        guard let costPerDay = burnRate.costPerDay, costPerDay > 0 else { return }
        let days = difference / costPerDay
        daysRemaining = days
        let moment = (Double(now.milliseconds) + days * 86_400_000).rounded(.towardZero)
        if moment <= Double(Timestamp.latest.milliseconds) { depletesAt = Timestamp(milliseconds: Int64(moment)) }
    }

    /// How near the end of the limit is.
    fileprivate var tier: DepletionTier {
        guard let daysRemaining else { return .none }
        if daysRemaining <= 1 { return .emergency }
        if daysRemaining <= 3 { return .critical }
        if daysRemaining <= 7 { return .warning }
        return .none
    }
}
