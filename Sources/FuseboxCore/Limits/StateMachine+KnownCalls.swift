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
        var known = NewUses(newerThan: mark, countsPast: countsPast)
        if target.prefix == nil {
            find(&known, of: target.key, at: moment)
            guard !known.uses.isEmpty else { return }
        }
        for first in permits.firstOfLists {
            var next: Int? = first
            while let place = next {
                next = permits.next(after: place)
                guard permits.permits[place].grant.scopes.isCovered(by: target.key) else { continue }
                if target.prefix == nil {
                    for use in known.uses { charge(place, use, at: moment) }
                } else {
                    chargeTags(of: place, target.key, &known, at: moment)
                }
            }
        }
    }

    /// Lets the uses of new templates see a call that they cover.
    private mutating func chargeTags(of place: Int, _ route: ScopeKey, _ known: inout NewUses, at moment: Moment) {
        for number in 0..<permits.permits[place].grant.scopes.tagCount {
            guard let tag = permits.permits[place].grant.scopes.tags[number] else { continue }
            if !known.knows(tag) { findUses(of: tag, route, &known, at: moment) }
            for use in known.uses(of: tag) { charge(place, known.uses[use], at: moment) }
        }
    }

    /// Finds the uses of new templates by a tag. They begin with its calls in force.
    private mutating func findUses(of tag: TagID, _ route: ScopeKey, _ known: inout NewUses, at moment: Moment) {
        let first = known.uses.count
        if tags.templateCount(of: tag) > 0 {
            let key = ScopeKey(place: route.place, model: route.model, tag: tag)
            limitTable.useTemplates(of: tag, in: key, &tags)
            find(&known, of: key, at: moment)
        }
        known.note(first, of: tag)
    }

    /// Finds the uses of a scope that have just begun.
    private func find(_ known: inout NewUses, of key: ScopeKey, at moment: Moment) {
        guard let scope = limitTable.findScope(key) else { return }
        var next = limitTable.firstEntry(ofScope: scope)
        while let place = next {
            next = limitTable.nextEntry(after: place)
            guard limitTable.entries[place].generation > known.mark else { continue }
            var use = NewUse(place, limitTable)
            use.tellsRequests = tellsRequests(of: place)
            use.since = known.countsPast ? pastStart(of: place, at: moment) : nil
            known.uses.append(use)
        }
    }

    /// Takes of a new limit what it would have taken of a call if it had been there.
    private mutating func charge(_ place: Int, _ use: NewUse, at moment: Moment) {
        var charge: LimitCharge
        if permits.permits[place].standing == .inForce {
            // A grant is long, so its parts are read singly.
            charge = limitTable.takeLate(
                CallNeed(permits.permits[place].grant.estimate)[use.dimension], use,
                isInFlight: permits.permits[place].isInFlight,
                grantedAt: permits.permits[place].grant.grantedAt, at: moment.now)
        } else {
            guard let taken = limitTable.takeEnded(permits.permits[place], use, at: moment.now) else { return }
            charge = taken
        }
        permits.permits[place].grant.charge = limitTable.insert(
            charge, before: permits.permits[place].grant.charge)
    }

    /// When the current window of a new limit began, on the steady clock; nil: it begins with nothing.
    private func pastStart(of use: Int, at moment: Moment) -> Timestamp? {
        let rule = limitTable.entries[use].rule
        switch limitTable.rules[rule].limit.window.kind {
        case .sliding: return moment.now - limitTable.rules[rule].limit.window.lengthMilliseconds + 1
        case .calendar:
            guard let calendar = limitTable.rules[rule].calendar else { return nil }
            return moment.now - (moment.wall - limitTable.calendars[calendar].start)
        case .manual: return account(of: limitTable.entries[use].key).map { $0.sums.firstRecorded ?? .latest }
        case .none, .fixed, .prepaid, .unknown: return nil
        }
    }

    /// Whether the account of its scope tells a new limit the requests of its window, those of known calls among them.
    private func tellsRequests(of use: Int) -> Bool {
        let rule = limitTable.entries[use].rule
        guard limitTable.rules[rule].limit.dimension == .requests else { return false }
        switch limitTable.rules[rule].limit.window.kind {
        case .sliding where limitTable.rules[rule].limit.window.lengthMilliseconds < RecentUsePool.hour: return false
        case .sliding, .calendar, .manual: return account(of: limitTable.entries[use].key) != nil
        case .none, .fixed, .prepaid, .unknown: return false
        }
    }
}

/// The uses that have just begun. Each is looked up once, because one use is that of many calls.
private struct NewUses {
    /// A use is new if its generation is higher.
    let mark: UInt64
    /// Whether they count what was used before.
    let countsPast: Bool
    /// The uses of a scope or tag stand together.
    var uses: [NewUse] = []
    /// Where the uses of each tag begin, and how many there are. `unknown` for a tag that was not looked up yet.
    private var begins: [UInt32] = []
    private var counts: [UInt16] = []
    private static var unknown: UInt16 { .max }

    init(newerThan mark: UInt64, countsPast: Bool) {
        self.mark = mark
        self.countsPast = countsPast
    }

    /// Whether a tag was looked up.
    func knows(_ tag: TagID) -> Bool { tag.index < counts.count && counts[tag.index] != Self.unknown }

    /// The uses of a tag that was looked up.
    func uses(of tag: TagID) -> Range<Int> {
        let first = Int(begins[tag.index])
        return first..<first + Int(counts[tag.index])
    }

    /// Notes that the uses from this one on are those of a tag.
    mutating func note(_ first: Int, of tag: TagID) {
        while counts.count <= tag.index {
            begins.append(0)
            counts.append(Self.unknown)
        }
        begins[tag.index] = UInt32(first)
        // A request sets few limits.
        counts[tag.index] = UInt16(uses.count - first)
    }
}

/// A use that has just begun, with what calls are charged by.
private struct NewUse {
    var place: Int
    var dimension: LimitDimension
    var assumes: Bool
    var denies: Bool
    /// Whether the account of its scope tells it the requests of its window.
    var tellsRequests = false
    /// When its window began; nil: it begins with nothing, or what it begins with counts already.
    var since: Timestamp?

    init(_ place: Int, _ table: borrowing LimitTable) {
        self.place = place
        let rule = table.entries[place].rule
        dimension = table.rules[rule].limit.dimension
        assumes = table.rules[rule].limit.onLapse == .charge
        denies = table.rules[rule].limit.mode == .deny
    }
}

extension LimitTable {
    /// Takes of a new limit what a call in force takes.
    fileprivate mutating func takeLate(
        _ amount: Int64, _ use: NewUse, isInFlight: Bool, grantedAt: Timestamp, at now: Timestamp
    ) -> LimitCharge {
        let (place, dimension) = (use.place, use.dimension)
        if !dimension.isHeld, isOver(place, at: now) { beginWindow(place, at: now) }
        var charge = LimitCharge(
            entry: UInt32(place), generation: entries[place].generation, window: entries[place].window,
            state: dimension.isHeld ? .held : .counted, countedAt: grantedAt)
        switch dimension {
        case .cost:
            entries[place].held += Int128(amount)
            watch(place)
        case .inFlight:
            if isInFlight { entries[place].held += Int128(amount) } else { charge.state = .released }
            watch(place)
        case .requests:
            if use.tellsRequests, let told = use.since {
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
    /// - Returns: nil: nothing is left to correct
    fileprivate mutating func takeEnded(
        _ permit: PermitRegistry.Permit, _ use: NewUse, at now: Timestamp
    ) -> LimitCharge? {
        let (place, dimension) = (use.place, use.dimension)
        let amount = permit.grant.need[dimension]
        guard dimension != .inFlight, dimension != .requests || use.tellsRequests else { return nil }
        let countedAt = dimension == .cost ? permit.grant.expiresAt : permit.grant.grantedAt
        let isWithin = use.since.map { countedAt >= $0 } ?? false
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
