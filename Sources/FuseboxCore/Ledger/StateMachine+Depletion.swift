import FuseboxWire

/// When limits of a provider's cost will be used up at the burn rate.
///
/// Only limits whose window is a week or longer are projected. For a limit of $5 per day a projection would say nothing
/// new.
extension StateMachine {
    /// What a call has caused: the thresholds that it reached, and the limit that will be used up sooner than was
    /// reported.
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
            guard let estimate = projection(of: place, provider, at: moment),
                estimate.tier.rawValue > limitTable.entries[place].firedDepletion.rawValue
            else { continue }
            limitTable.entries[place].firedDepletion = estimate.tier
            var event = DepletionProjected()
            event.provider = names[provider]
            event.limit = limitTable.rules[limitTable.entries[place].rule].limit
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
                let projection = projection(of: place, provider, windowMilliseconds: windowMilliseconds, at: moment)
            else { return }
            if first == nil || (projection.daysRemaining ?? .infinity) < (first?.daysRemaining ?? .infinity) {
                first = DepletionEstimate(limitTable.rules[limitTable.entries[place].rule].limit, projection)
            }
        }
        return first
    }

    /// The projection of one limit of a provider. Nil for another dimension, and for a window too short to be
    /// projected.
    @inline(__always)
    private func projection(
        of place: Int, _ provider: NameID,
        windowMilliseconds: Int64 = CreditLedger.defaultBurnRateWindowMilliseconds, at moment: Moment
    ) -> DepletionProjection? {
        let rule = limitTable.entries[place].rule
        // A limit is long, so its members are read singly.
        guard limitTable.rules[rule].limit.dimension == .cost, limitTable.rules[rule].limit.mode != .shadow,
            limitTable.rules[rule].limit.window.isProjected
        else { return nil }
        let amount = limitTable.rules[rule].amount
        guard amount > 0 else { return nil }
        let burnRate = ledger.burnRate(
            provider, windowMilliseconds: windowMilliseconds, at: moment.now, under: profile)
        let used = limitTable.used(place, at: moment.now)
        let dollars = limitTable.entries[place].dollars
        var projection = DepletionProjection(
            left: Int64(clamping: Int128(amount) - used),
            dollars: profile.reckonsInDollars ? Money(nanodollars: amount).dollars - dollars : nil,
            burnRate: burnRate, at: moment.now)
        if let days = projection.daysRemaining, let end = limitTable.untilWindowEnds(place, at: moment),
            days * 86_400_000 > Double(end)
        {
            (projection.daysRemaining, projection.depletesAt) = (nil, nil)
        }
        return projection
    }

    /// Marks every tier that is reached as fired, in a state that was imported without its fired tiers.
    mutating func deriveFiredTiers(at moment: Moment) {
        limitTable.entries.forEachSlot { limitTable.deriveFired($0, at: moment.now) }
        guard profile.keepsDepletionTiers else { return }
        ledger.forEachProvider { provider in
            limitTable.forEachEntry(of: ScopeKey(place: provider)) { place in
                guard let projection = projection(of: place, provider, at: moment) else { return }
                limitTable.entries[place].firedDepletion = projection.tier
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

/// When one limit will be used up.
private struct DepletionProjection {
    var remaining = Money.zero
    var burnRate: BurnRate
    var daysRemaining: Double?
    var depletesAt: Timestamp?

    /// - Parameters:
    ///   - left: what is left, in nano-dollars; below 0 if the limit is exceeded
    ///   - dollars: what is left as a difference of doubles, if the profile adds doubles
    init(left: Int64, dollars: Double?, burnRate: BurnRate, at now: Timestamp) {
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
    var tier: DepletionTier {
        guard let daysRemaining else { return .none }
        if daysRemaining <= 1 { return .emergency }
        if daysRemaining <= 3 { return .critical }
        if daysRemaining <= 7 { return .warning }
        return .none
    }
}

extension DepletionEstimate {
    fileprivate init(_ limit: Limit, _ projection: DepletionProjection) {
        self.init()
        self.limit = limit
        remaining = projection.remaining
        burnRate = projection.burnRate
        daysRemaining = projection.daysRemaining
        depletesAt = projection.depletesAt
    }
}
