import FuseboxWire

extension StateMachine {
    /// This state under another profile.
    ///
    /// What the profiles store differently is converted. The history that all providers share becomes the histories of
    /// single providers, or the reverse.
    public func under(_ profile: Profile) -> StateMachine {
        guard profile != self.profile else { return self }
        var machine = self
        machine.profile = profile
        machine.limitTable.profile = profile
        if profile.sharesHistory {
            machine.ledger.shareHistories()
            machine.ledger.beginDollars()
            machine.limitTable.beginDollars()
        } else {
            machine.ledger.splitHistory(at: lastMoment.now)
        }
        machine.breakers.updateAll { $0.enter(profile) }
        machine.setDeadlines()
        return machine
    }
}

extension CreditLedger {
    /// Merges the histories of the providers into the shared history, which keeps the newest entries.
    fileprivate mutating func shareHistories() {
        var entries: [SharedSpendHistory.Entry] = []
        providers.forEachIndex { index in
            histories.forEach(of: providers[existing: index].history) { entry in
                entries.append(.init(at: entry.end, provider: NameID(index: index), cost: entry.cost))
            }
            histories.remove(&providers[existing: index].history)
        }
        entries.sort { ($0.at, $0.provider.index) < ($1.at, $1.provider.index) }
        sharedHistory.removeAll()
        for entry in entries { sharedHistory.record(entry) }
    }

    /// Sets the sums of doubles to the exact sums.
    fileprivate mutating func beginDollars() {
        providers.forEachIndex { index in
            providers[existing: index].dollars = Money(nanodollars: providers[existing: index].sums.spend).dollars
        }
        for place in 0..<models.end where models.contains(place) {
            models[place].dollars = Money(nanodollars: models[place].sums.spend).dollars
        }
    }

    /// Splits the shared history into the histories of the providers.
    fileprivate mutating func splitHistory(at now: Timestamp) {
        for entry in sharedHistory.entries where providers.contains(entry.provider.index) {
            histories.restore(
                SpendEntry(at: entry.at, cost: entry.cost), isExact: true,
                in: &providers[existing: entry.provider.index].history)
        }
        providers.forEachIndex { index in histories.finishRestoring(&providers[existing: index].history, at: now) }
        sharedHistory.removeAll()
    }
}
