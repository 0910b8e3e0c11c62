import FuseboxWire

/// What a provider has billed for a month is compared with what the ledger has of it.
///
/// The difference is a record of its own in the history of that month, with its reason. It is no use of the open day.
extension StateMachine {
    fileprivate mutating func reconcile(
        _ command: LedgerReconcile, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> LedgerReconcile.Reply {
        let today = ledger.days.date ?? application.moment.wall.milliseconds.floorDivided(by: BeginDay.milliseconds)
        let (provider, month) = (try reconcilable(command), try command.monthNumber(asOf: today))
        var reply = LedgerReconcile.Reply()
        let sum = sum(of: provider, in: month)
        reply.recorded = Money(nanodollars: sum.spend)
        reply.unpriced = sum.unpriced
        reply.isCurrent = month == CivilDate(dayNumber: today).monthNumber
        let (difference, overflow) = command.billed.nanodollars.subtractingReportingOverflow(sum.spend)
        guard !overflow, ledger.hasRoom(forCorrection: difference, of: provider) else {
            throw Refusal(.overflow, "the sum of the account of \(command.provider) would leave its range")
        }
        reply.difference = Money(nanodollars: difference)
        if difference != 0 {
            let day = reply.isCurrent ? today : CivilDate(monthNumber: month, day: 31).dayNumber
            record(difference, of: provider, on: day, command, isCurrent: reply.isCurrent, application, &effects)
        }
        reply.account = scopeAccount(ScopeKey(place: provider), at: application.moment)
        return reply
    }

    /// The provider of a reconciliation, whose account exists.
    private func reconcilable(_ command: LedgerReconcile) throws(Refusal) -> NameID {
        guard (.zero...WireLimits.adjustment).contains(command.billed) else {
            throw Refusal(
                .outOfRange,
                "a bill of $\(command.billed) must lie between $0 and \(Quantity.dollars(WireLimits.adjustment))")
        }
        guard !command.reason.isEmpty else { throw Refusal(.outOfRange, "a reconciliation needs a reason") }
        guard let provider = names.find(command.provider), ledger.contains(provider) else {
            throw Refusal(.notFound, "nothing was counted for \(command.provider) yet")
        }
        return provider
    }

    /// What the ledger has of a provider's spend in a month: its closed days, and the day that its account has open.
    private func sum(of provider: NameID, in month: Int64) -> MonthSums.Sum {
        var sum = monthSums.sum(of: names[provider], in: month)
        guard let account = ledger.provider(provider), let date = ledger.days.date(of: account.open.number),
            CivilDate(dayNumber: date).monthNumber == month
        else { return sum }
        sum.add(account.open.use(account.sums))
        return sum
    }

    private mutating func record(
        _ difference: Int64, of provider: NameID, on day: Int64, _ command: LedgerReconcile, isCurrent: Bool,
        _ application: Application, _ effects: inout [Event]
    ) {
        let moment = application.moment
        ledger.reconcile(difference, of: provider, on: day, because: command.reason)
        if profile.reckonsInDollars {
            ledger.providers[existing: provider.index].dollars += Money(nanodollars: difference).dollars
        }
        var event = AccountAdjusted()
        event.scope = Scope(provider: command.provider)
        event.cost = Money(nanodollars: difference)
        event.reason = command.reason
        effects.append(.accountAdjusted(event))
        guard isCurrent else { return }
        var scopes = CallScopes()
        scopes.provider = provider
        ledger.countLately(difference, of: provider, at: moment, under: profile)
        limitTable.adjust(difference, scopes, &tags, at: moment)
        _ = fire(provider, at: moment, &effects)
    }
}

extension CreditLedger {
    /// Whether a correction fits the range of a provider's account and of the host's.
    fileprivate func hasRoom(forCorrection difference: Int64, of provider: NameID) -> Bool {
        let use = UseSums(cost: difference)
        return providers[existing: provider.index].sums.hasRoom(for: use) && host.sums.hasRoom(for: use)
    }

    /// Corrects the spend of a provider and of the host. There must be room. The correction is a closed record, so the
    /// open day begins that much later.
    fileprivate mutating func reconcile(
        _ difference: Int64, of provider: NameID, on day: Int64, because reason: String
    ) {
        turnHost()
        turnProvider(provider.index)
        host.correct(difference)
        providers[existing: provider.index].correct(difference)
        var use = DayUse()
        use.spend = difference
        for key in [ScopeKey.host, ScopeKey(place: provider)] {
            days.closed.append(OpenDays.Closed(key: key, date: day, use: use, reason: reason))
        }
    }

    /// Counts a correction in what a provider and the host have used lately.
    fileprivate mutating func countLately(
        _ difference: Int64, of provider: NameID, at moment: Moment, under profile: Profile
    ) {
        if difference >= 0 {
            recents.add(UseSums(cost: difference), at: moment.wall, to: &host.recent)
            recents.add(UseSums(cost: difference), at: moment.wall, to: &providers[existing: provider.index].recent)
            note(difference, of: provider, at: moment.now, under: profile)
        } else {
            recents.takeBack(cost: -difference, from: host.recent)
            recents.takeBack(cost: -difference, from: providers[existing: provider.index].recent)
        }
    }
}

extension DailyAccount {
    /// Corrects the spend, but not that of the open day.
    fileprivate mutating func correct(_ difference: Int64) {
        sums.spend += difference
        open.base.spend &+= difference
    }
}

extension LedgerReconcile {
    /// The month, in months since January 1970.
    ///
    /// - Parameter today: the day on which use counts
    /// - Throws: `outOfRange` for a month that there is not, that has not begun, or that the history does not keep
    fileprivate func monthNumber(asOf today: Int64) throws(Refusal) -> Int64 {
        guard (1...12).contains(month), (1970...9999).contains(year) else {
            throw Refusal(.outOfRange, "the calendar has no month \(year)-\(month)")
        }
        let number = CivilDate(year: Int64(year), month: Int64(month), day: 1).monthNumber
        let current = CivilDate(dayNumber: today).monthNumber
        guard number <= current else {
            throw Refusal(
                .outOfRange, "\(Self.text(number)) has not begun; use counts in \(Self.text(current)) now")
        }
        let oldest = current - Int64(Bounds.historyMonths) + 1
        guard number >= oldest else {
            throw Refusal(
                .outOfRange,
                "the history keeps \(Bounds.historyMonths) months, and \(Self.text(number)) is older; the oldest is \(Self.text(oldest))"
            )
        }
        return number
    }

    private static func text(_ month: Int64) -> String {
        let date = CivilDate(monthNumber: month, day: 1)
        return "\(date.year)-\(date.month < 10 ? "0" : "")\(date.month)"
    }
}

extension LedgerReconcile: StateCommand {
    /// Records the difference of a provider's bill for a month and what the ledger has of it.
    ///
    /// - Throws: `outOfRange` for a month that has not begun or is older than the history, for a bill outside its range,
    ///   and without a reason; `notFound` if the provider has no account; `overflow` if a sum would leave its range.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Reply {
        try machine.reconcile(self, application, &effects)
    }

    /// Whether the bill is what the ledger has already.
    public static func leavesNoTrace(_ reply: Reply, under profile: Profile) -> Bool { reply.difference == .zero }
}
