import FuseboxWire

/// The past use that a new limit counts: what its scope has used in the current window, as far as its account knows.
///
/// An account knows whole hours, days and months. The one in which the window starts counts in full. A window of less
/// than an hour begins without past use, because most of an hour's use lies outside it.
extension StateMachine {
    /// Adds to a new limit the past use of its scope, and to a new template that of each tag that it covers.
    ///
    /// - Parameter mark: `newestGeneration` before the limit was set: a use that it took over has counted its past
    mutating func countPastUse(of rule: Int, newerThan mark: UInt64, at moment: Moment) {
        let set = limitTable.rules[rule]
        if let place = limitTable.ownEntry(of: set) {
            if limitTable.entries[place].generation > mark { countPastUse(set, place, at: moment) }
            return
        }
        guard set.prefix != nil, set.key == .host else { return }
        var next = ledger.tags.next(from: 0)
        while let index = next {
            next = ledger.tags.next(from: index + 1)
            let tag = TagID(index: index)
            guard tags.isCovered(tag, by: rule) else { continue }
            let key = ScopeKey(tag: tag)
            // A tag with a call in force has a use already.
            var place = limitTable.findEntry(ofOneLike: rule, in: key)
            if place == nil, pastUse(set, key, at: moment) > 0 { place = limitTable.addEntry(of: rule, key, &tags) }
            guard let place, limitTable.entries[place].generation > mark else { continue }
            countPastUse(set, place, at: moment)
        }
    }

    private mutating func countPastUse(_ set: LimitTable.Rule, _ place: Int, at moment: Moment) {
        // The key is read apart: as an argument it would have the machine copied.
        let key = limitTable.entries[place].key
        guard let account = account(of: key) else { return }
        let dimension = set.limit.dimension
        if set.limit.window.kind == .sliding {
            guard set.limit.window.lengthMilliseconds >= RecentUsePool.hour else { return }
            limitTable.countPast(account.recent, in: ledger.recents, place, at: moment)
        } else {
            guard set.limit.window.kind == .manual || set.limit.window.kind == .calendar else { return }
            let past = pastUse(set, key, at: moment)
            guard past != 0 else { return }
            limitTable.beginUse(
                place, past: past,
                dollars: dimension == .cost && set.limit.window.kind == .manual ? account.dollars : nil)
        }
        limitTable.rearm(place, at: moment.now)
    }

    /// What a scope has used before in the window that is now.
    private func pastUse(_ set: LimitTable.Rule, _ key: ScopeKey, at moment: Moment) -> Int64 {
        guard let account = account(of: key) else { return 0 }
        switch set.limit.window.kind {
        case .manual:
            let sum = UseSums(account.sums)[set.limit.dimension]
            // A correction may take an account below zero, but not a window. A budget of `llm-providers` may go below
            // zero.
            return profile.reckonsInDollars ? sum : max(0, sum)
        case .calendar:
            guard let calendar = set.calendar else { return 0 }
            let start = limitTable.calendars[calendar].start
            return ledger.recents.sum(of: account.recent, since: start)[set.limit.dimension]
        case .sliding:
            guard set.limit.window.lengthMilliseconds >= RecentUsePool.hour else { return 0 }
            let since = moment.wall - set.limit.window.lengthMilliseconds
            return ledger.recents.sum(of: account.recent, since: since)[set.limit.dimension]
        case .none, .fixed, .prepaid, .unknown: return 0
        }
    }
}

extension UseSums {
    init(_ sums: CreditLedger.Sums) {
        self.init(
            cost: sums.spend, requests: sums.requests, inputTokens: sums.inputTokens, outputTokens: sums.outputTokens,
            unpriced: sums.parts.unpriced)
    }
}
