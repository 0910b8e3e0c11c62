import FuseboxWire

extension StateMachine {
    /// Sets the wall clock back to an earlier moment, and reopens the budget periods that were closed too early.
    ///
    /// It is an input like a command, and the only one that moves a clock back. The steady clock is not set back.
    ///
    /// - Returns: how many closed periods were reopened
    @discardableResult
    public mutating func takeClockBack(to wall: Timestamp, at now: Timestamp) -> Int {
        lastMoment = Moment(now: max(now, lastMoment.now), wall: min(wall, lastMoment.wall))
        return ledger.reopenPeriods(at: lastMoment, under: profile)
    }
}

extension CreditLedger {
    /// Undoes the calendar's boundaries after this moment.
    ///
    /// The sums of a period that was closed too early are added to the sums since then. The sums by model count from
    /// the wrong boundary on, because closed periods do not keep them. A period that was closed by hand stays closed.
    mutating func reopenPeriods(at moment: Moment, under profile: Profile) -> Int {
        guard period.start > moment.wall || period.end != period.resized(to: period.length, at: moment.wall).end else {
            return 0
        }
        var reopened = 0
        while period.start > moment.wall, period.beganAtBoundary, let closed = closedPeriods.popLast() {
            providers.forEachIndex { index in
                guard let sums = closed.sums[NameID(index: index)] else { return }
                providers[existing: index].sums = providers[existing: index].sums.joined(with: sums)
            }
            period = BudgetPeriod(period.length, start: closed.start)
            reopened += 1
        }
        if period.start > moment.wall {
            period = BudgetPeriod(period.length, start: moment.wall)
        } else if reopened == 0 {
            period = period.resized(to: period.length, at: moment.wall)
        }
        deriveFiredTiers(at: moment.now, under: profile)
        return reopened
    }
}

extension BudgetPeriod {
    /// Whether it began at a boundary of the calendar and not by hand.
    fileprivate var beganAtBoundary: Bool { Self.boundary(before: start, length) == start }
}

extension CreditLedger.Sums {
    fileprivate func joined(with earlier: Self) -> Self {
        var sums = self
        sums.spend = spend.saturatingAdd(earlier.spend)
        sums.inputTokens = inputTokens.saturatingAdd(earlier.inputTokens)
        sums.outputTokens = outputTokens.saturatingAdd(earlier.outputTokens)
        sums.requests = requests.saturatingAdd(earlier.requests)
        sums.lastRecorded = lastRecorded ?? earlier.lastRecorded
        return sums
    }
}
