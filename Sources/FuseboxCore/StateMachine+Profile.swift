import FuseboxWire

extension StateMachine {
    /// This state under another profile.
    ///
    /// What one profile keeps and the other does not is carried over: the history that all providers share becomes
    /// theirs and the other way round, and periods begin or cease to roll over.
    public func under(_ profile: Profile) -> StateMachine {
        guard profile != self.profile else { return self }
        var machine = self
        machine.profile = profile
        if profile.sharesHistory {
            machine.ledger.shareHistories()
            machine.ledger.beginDollars()
            machine.ledger.setPeriod(.manual, at: lastMoment.wall)
        } else {
            machine.ledger.splitHistory(at: lastMoment.now)
            machine.ledger.setPeriod(.month, at: lastMoment.wall)
        }
        machine.breakers.forEach { id in machine.breakers.update(id) { $0.enter(profile) } }
        machine.setDeadlines()
        return machine
    }
}

extension CreditLedger {
    /// Makes the histories of single providers the one that all share: its newest entries.
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

    /// Begins the sums of doubles with what has been spent.
    fileprivate mutating func beginDollars() {
        providers.forEachIndex { index in
            providers[existing: index].dollars = Money(nanodollars: providers[existing: index].sums.spend).dollars
        }
        for place in 0..<models.end where models.contains(place) {
            models[place].dollars = Money(nanodollars: models[place].sums.spend).dollars
        }
    }

    /// Makes the shared history that of single providers.
    fileprivate mutating func splitHistory(at now: Timestamp) {
        for entry in sharedHistory.entries where providers.contains(entry.provider.index) {
            histories.restore(
                SpendEntry(at: entry.at, cost: entry.cost), isExact: true,
                in: &providers[existing: entry.provider.index].history)
        }
        providers.forEachIndex { index in histories.settle(&providers[existing: index].history, at: now) }
        sharedHistory.removeAll()
    }
}
