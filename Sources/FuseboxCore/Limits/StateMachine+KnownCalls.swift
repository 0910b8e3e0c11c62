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
        let own = target.prefix == nil ? newUses(of: target.key, newerThan: mark) : []
        for place in permits.places {
            guard permits.permits[place].grant.scopes.isCovered(by: target.key) else { continue }
            guard target.prefix != nil else {
                for use in own { charge(place, use, at: moment, countsPast: countsPast) }
                continue
            }
            for number in 0..<permits.permits[place].grant.scopes.tagCount {
                guard let tag = permits.permits[place].grant.scopes.tags[number], tags.templateCount(of: tag) > 0 else {
                    continue
                }
                let key = ScopeKey(place: target.key.place, model: target.key.model, tag: tag)
                limitTable.useTemplates(of: tag, in: key, &tags)
                var next = limitTable.findScope(key).flatMap { limitTable.firstEntry(ofScope: $0) }
                while let use = next {
                    next = limitTable.nextEntry(after: use)
                    guard limitTable.entries[use].generation > mark else { continue }
                    charge(place, NewUse(use, limitTable), at: moment, countsPast: countsPast)
                }
            }
        }
    }

    /// The uses of a scope that have just begun.
    private func newUses(of key: ScopeKey, newerThan mark: UInt64) -> [NewUse] {
        var uses: [NewUse] = []
        limitTable.forEachEntry(of: key) { use in
            if limitTable.entries[use].generation > mark { uses.append(NewUse(use, limitTable)) }
        }
        return uses
    }

    /// Takes of a new limit what it would have taken of a call if it had been there.
    private mutating func charge(_ place: Int, _ use: NewUse, at moment: Moment, countsPast: Bool) {
        var charge: LimitCharge
        if permits.permits[place].standing == .inForce {
            let isTold = countsPast && use.dimension == .requests && tellsRequests(of: use)
            charge = limitTable.takeLate(
                permits.permits[place].grant.need, use, isInFlight: permits.permits[place].isInFlight,
                grantedAt: permits.permits[place].grant.grantedAt,
                toldSince: isTold ? pastStart(of: use, at: moment) : nil, at: moment.now)
        } else {
            let taken = limitTable.takeEnded(
                permits.permits[place], use, since: countsPast ? pastStart(of: use, at: moment) : nil,
                tellsRequests: tellsRequests(of: use), at: moment.now)
            guard let taken else { return }
            charge = taken
        }
        charge.next = permits.permits[place].grant.charge
        permits.permits[place].grant.charge = limitTable.charges.insert(charge)
    }

    /// When the current window of a new limit began, on the steady clock; nil: it begins with nothing.
    private func pastStart(of use: NewUse, at moment: Moment) -> Timestamp? {
        switch use.kind {
        case .sliding: return moment.now - use.length + 1
        case .calendar:
            return use.calendar.map { moment.now - (moment.wall - limitTable.calendars[$0].start) }
        case .manual: return account(of: use.key).map { $0.sums.firstRecorded ?? .latest }
        case .none, .fixed, .prepaid, .unknown: return nil
        }
    }

    /// Whether the account of its scope tells a new limit the requests of its window, those of known calls among them.
    private func tellsRequests(of use: NewUse) -> Bool {
        switch use.kind {
        case .sliding where use.length < RecentUsePool.hour: return false
        case .sliding, .calendar, .manual: return account(of: use.key) != nil
        case .none, .fixed, .prepaid, .unknown: return false
        }
    }
}

/// A use that has just begun, with what calls are charged by. It is read once: a limit holds names, and calls are many.
private struct NewUse {
    var place: Int
    var key: ScopeKey
    var dimension: LimitDimension
    var kind: WindowKind
    /// Of a window of a length.
    var length: Int64
    var calendar: Int?
    var assumes: Bool
    var denies: Bool

    init(_ place: Int, _ table: borrowing LimitTable) {
        self.place = place
        key = table.entries[place].key
        let rule = table.entries[place].rule
        dimension = table.rules[rule].limit.dimension
        kind = table.rules[rule].limit.window.kind
        length = table.rules[rule].limit.window.lengthMilliseconds
        calendar = table.rules[rule].calendar
        assumes = table.rules[rule].limit.onLapse == .charge
        denies = table.rules[rule].limit.mode == .deny
    }
}

extension LimitTable {
    /// Takes of a new limit what a call in force takes.
    ///
    /// - Parameter told: since when the scope's account tells requests; nil: it does not, and the call's counts here
    fileprivate mutating func takeLate(
        _ need: CallNeed, _ use: NewUse, isInFlight: Bool, grantedAt: Timestamp, toldSince told: Timestamp?,
        at now: Timestamp
    ) -> LimitCharge {
        let (place, dimension) = (use.place, use.dimension)
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
        _ permit: PermitRegistry.Permit, _ use: NewUse, since: Timestamp?, tellsRequests: Bool, at now: Timestamp
    ) -> LimitCharge? {
        let (place, dimension) = (use.place, use.dimension)
        let amount = permit.grant.need[dimension]
        guard dimension != .inFlight, dimension != .requests || tellsRequests else { return nil }
        let countedAt = dimension == .cost ? permit.grant.expiresAt : permit.grant.grantedAt
        let isWithin = since.map { countedAt >= $0 } ?? false
        if isWithin, isOver(place, at: now) { beginWindow(place, at: now) }
        var charge = LimitCharge(
            entry: UInt32(place), generation: entries[place].generation,
            window: entries[place].window &- (isWithin ? 0 : 1), state: .counted, countedAt: countedAt)
        guard dimension != .requests else { return charge }
        // The death of a worker has freed what its calls held of limits that do not deny.
        let isFreed = permit.standing == .revoked || permit.standing == .reclaimed && !use.denies
        guard use.assumes, !isFreed else {
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
