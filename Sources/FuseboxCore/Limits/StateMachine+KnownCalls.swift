import FuseboxWire

/// What a new limit takes of calls that were admitted before it was set: of those in force what they hold, and of those that
/// ended unsettled what it would have taken if it had been there. So it sees their settle, also a late one.
extension StateMachine {
    /// Lets new limits see the calls that they cover.
    ///
    /// - Parameters:
    ///   - mark: `newestGeneration` before they were set
    ///   - target: what they are set on
    ///   - countsPast: whether they count what was used before; else what is known of that counts already
    mutating func chargeKnownCalls(
        newerThan mark: UInt64, _ target: LimitTarget, at moment: Moment, countsPast: Bool = true
    ) {
        for place in permits.places {
            guard permits.permits[place].grant.scopes.isCovered(by: target.key) else { continue }
            guard target.prefix != nil else {
                charge(place, newUsesOf: target.key, newerThan: mark, at: moment, countsPast: countsPast)
                continue
            }
            for number in 0..<permits.permits[place].grant.scopes.tagCount {
                guard let tag = permits.permits[place].grant.scopes.tags[number], tags.templateCount(of: tag) > 0 else {
                    continue
                }
                let key = ScopeKey(place: target.key.place, model: target.key.model, tag: tag)
                limitTable.useTemplates(of: tag, in: key, &tags)
                charge(place, newUsesOf: key, newerThan: mark, at: moment, countsPast: countsPast)
            }
        }
    }

    /// Takes of the new limits of a scope what they would have taken of a call if they had been there.
    private mutating func charge(
        _ place: Int, newUsesOf key: ScopeKey, newerThan mark: UInt64, at moment: Moment, countsPast: Bool
    ) {
        guard let scope = limitTable.findScope(key) else { return }
        var next = limitTable.firstEntry(ofScope: scope)
        while let use = next {
            next = limitTable.nextEntry(after: use)
            guard limitTable.entries[use].generation > mark,
                var charge = takeKnown(permits.permits[place], use, at: moment, countsPast: countsPast)
            else { continue }
            charge.next = permits.permits[place].grant.charge
            permits.permits[place].grant.charge = limitTable.charges.insert(charge)
        }
    }

    private mutating func takeKnown(
        _ permit: PermitRegistry.Permit, _ use: Int, at moment: Moment, countsPast: Bool
    ) -> LimitCharge? {
        guard permit.standing == .inForce else {
            return limitTable.takeEnded(
                permit, use, since: countsPast ? pastStart(of: use, at: moment) : nil,
                tellsRequests: tellsRequests(of: use), at: moment.now)
        }
        let isRequest = limitTable.rules[limitTable.entries[use].rule].limit.dimension == .requests
        let isTold = countsPast && isRequest && tellsRequests(of: use)
        return limitTable.takeLate(
            permit.grant.need, use, isInFlight: permit.isInFlight, grantedAt: permit.grant.grantedAt,
            toldSince: isTold ? pastStart(of: use, at: moment) : nil, at: moment.now)
    }

    /// When the current window of a new limit began, on the steady clock; nil: it begins with nothing.
    private func pastStart(of use: Int, at moment: Moment) -> Timestamp? {
        let rule = limitTable.entries[use].rule
        switch limitTable.rules[rule].limit.window.kind {
        case .sliding: return moment.now - limitTable.rules[rule].limit.window.lengthMilliseconds + 1
        case .calendar:
            return limitTable.rules[rule].calendar.map { moment.now - (moment.wall - limitTable.calendars[$0].start) }
        case .manual: return account(of: limitTable.entries[use].key).map { $0.sums.firstRecorded ?? .latest }
        case .none, .fixed, .prepaid, .unknown: return nil
        }
    }

    /// Whether the account of its scope tells a new limit the requests of its window, those of known calls among them.
    private func tellsRequests(of use: Int) -> Bool {
        let window = limitTable.rules[limitTable.entries[use].rule].limit.window
        switch window.kind {
        case .sliding where window.lengthMilliseconds < RecentUsePool.hour: return false
        case .sliding, .calendar, .manual: return account(of: limitTable.entries[use].key) != nil
        case .none, .fixed, .prepaid, .unknown: return false
        }
    }
}

extension LimitTable {
    /// Takes of a new limit what a call in force takes.
    ///
    /// - Parameter told: since when the scope's account tells requests; nil: it does not, and the call's counts here
    fileprivate mutating func takeLate(
        _ need: CallNeed, _ place: Int, isInFlight: Bool, grantedAt: Timestamp, toldSince told: Timestamp?,
        at now: Timestamp
    ) -> LimitCharge {
        let dimension = rules[entries[place].rule].limit.dimension
        let amount = need[dimension]
        if !dimension.isHeld, isOver(place, at: now) { beginWindow(place, at: now) }
        var charge = LimitCharge(
            entry: UInt32(place), generation: entries[place].generation, window: entries[place].window,
            state: dimension.isHeld ? .held : .counted, countedAt: grantedAt)
        switch dimension {
        case .cost: entries[place].held += Int128(amount)
        case .inFlight:
            if isInFlight { entries[place].held += Int128(amount) } else { charge.state = .released }
        case .requests:
            if let told {
                if grantedAt < told { charge.window &-= 1 }
            } else {
                correct(amount, place, countedIn: charge.window, at: grantedAt, now: now)
            }
        case .tokens, .inputTokens, .outputTokens:
            correct(amount, place, countedIn: charge.window, at: grantedAt, now: now)
            entries[place].live += Int128(amount)
        case .unknown: break
        }
        return charge
    }

    /// Takes of a new limit what it would have kept of a call that ended unsettled.
    ///
    /// - Parameters:
    ///   - since: when its window began; nil: it begins with nothing
    ///   - tellsRequests: whether the scope's account tells requests
    /// - Returns: nil: nothing is left to correct
    fileprivate mutating func takeEnded(
        _ permit: PermitRegistry.Permit, _ place: Int, since: Timestamp?, tellsRequests: Bool, at now: Timestamp
    ) -> LimitCharge? {
        let limit = rules[entries[place].rule].limit
        let amount = permit.grant.need[limit.dimension]
        guard limit.dimension != .inFlight, limit.dimension != .requests || tellsRequests else { return nil }
        let countedAt = limit.dimension == .cost ? permit.grant.expiresAt : permit.grant.grantedAt
        let isWithin = since.map { countedAt >= $0 } ?? false
        if isWithin, isOver(place, at: now) { beginWindow(place, at: now) }
        var charge = LimitCharge(
            entry: UInt32(place), generation: entries[place].generation,
            window: entries[place].window &- (isWithin ? 0 : 1), state: .counted, countedAt: countedAt)
        guard limit.dimension != .requests else { return charge }
        // The death of a worker has freed what its calls held of limits that do not deny.
        let isFreed = permit.standing == .revoked || permit.standing == .reclaimed && limit.mode != .deny
        guard limit.onLapse == .charge, !isFreed else {
            charge.state = .released
            return charge
        }
        charge.state = .assumed
        guard isWithin else { return charge }
        correct(amount, place, countedIn: charge.window, at: charge.countedAt, now: now)
        assume(amount, place, countedIn: charge.window, at: charge.countedAt, now: now)
        return charge
    }
}
