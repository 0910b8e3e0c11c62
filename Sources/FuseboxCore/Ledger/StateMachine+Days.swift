import FuseboxWire

/// The use of an account on a day that is over.
public struct ClosedDay: Sendable {
    /// The account's scope: the host, a provider, a deployment, a provider's model or a tag.
    public var scope: Scope
    /// The day, in days since 1970-01-01.
    public var day: Int64
    /// What was used.
    public var use: DayUse
    /// Why the spend was corrected. Nil: it is what calls have used.
    public var reason: String?
}

/// Days of the ledger's history.
extension StateMachine {
    /// The day on which use counts, in days since 1970-01-01. Nil before the first `BeginDay`.
    public var openDay: Int64? { ledger.days.date }

    /// Whether days are over that are not closed in every account. `Advance` closes them in steps.
    public var isClosingDays: Bool { !ledger.days.closing.isEmpty }

    /// The days of which accounts may still tell what they have used: those being closed, then the open one.
    public var untoldDays: [Int64] { ledger.days.closing.map(\.date) + (ledger.days.date.map { [$0] } ?? []) }

    /// Notes that the history has what an account has used on one of the untold days, because another life of this state
    /// has told it. The account does not tell it again.
    ///
    /// A scope that has no account, and a day that is not the account's, change nothing.
    public mutating func noteTold(_ scope: Scope, day: Int64) {
        guard let target = try? find(scope), target.prefix == nil, let account = account(of: target.key),
            ledger.days.date(of: account.open.number) == day
        else { return }
        if scope.isOfProvider, let provider = scope.provider {
            monthSums.add(account.open.use(account.sums), of: provider, on: day)
        }
        forgetDay(of: target.key)
    }

    private mutating func forgetDay(of key: ScopeKey) {
        if let tag = key.tag { return ledger.tags[existing: tag.index].forgetDay() }
        guard let place = key.place else { return ledger.host.forgetDay() }
        guard names.parent(of: place) == nil else { return ledger.deployments[existing: place.index].forgetDay() }
        guard let model = key.model else { return ledger.providers[existing: place.index].forgetDay() }
        if let found = ledger.findModel(place, model) { ledger.models[found].forgetDay() }
    }

    /// Whether `takeClosedDays` has something to return.
    public var hasClosedDays: Bool { !closedDays.isEmpty || !ledger.days.closed.isEmpty }

    /// What was closed since the last call, in the order in which it was closed. Call it after each input.
    public mutating func takeClosedDays() -> [ClosedDay] {
        nameClosedDays()
        defer { closedDays = [] }
        return closedDays
    }

    /// Names what was closed, before names are given up: by the input itself, or by a later one.
    @usableFromInline
    mutating func nameClosedDays() {
        guard !ledger.days.closed.isEmpty else { return }
        for closed in ledger.days.closed {
            let scope = scope(of: closed.key)
            if scope.isOfProvider, let provider = scope.provider {
                monthSums.add(closed.use, of: provider, on: closed.date)
            }
            closedDays.append(ClosedDay(scope: scope, day: closed.date, use: closed.use, reason: closed.reason))
        }
        ledger.days.closed = []
    }

    /// Closes the next accounts of days that are over.
    mutating func closeDays() {
        if isClosingDays { ledger.closeDays(records: Bounds.closedDaysPerStep) }
    }

    /// What an account has used on the open day.
    func openUse(_ open: OpenDay, _ sums: CreditLedger.Sums) -> DayUse {
        open.number == ledger.days.number ? open.use(sums) : DayUse()
    }
}

extension BeginDay: StateCommand {
    /// Begins a day of the history.
    ///
    /// - Throws: `outOfRange` for a day outside the range of moments.
    public func apply(
        to machine: inout StateMachine, _ application: Application, _ effects: inout [Event]
    ) throws(Refusal) -> Done {
        try Self.validate(day)
        if keepsUse { machine.ledger.days.correct(to: day) } else { machine.ledger.days.begin(day) }
        return Done()
    }

    /// Checks a day, in days since 1970-01-01.
    ///
    /// - Throws: `outOfRange` outside the range of moments
    static func validate(_ day: Int64) throws(Refusal) {
        let (moment, overflow) = day.multipliedReportingOverflow(by: milliseconds)
        guard !overflow else { throw Refusal(.outOfRange, "there is no day \(day)") }
        try validateMoment(Timestamp(milliseconds: moment), "the start of a day")
    }
}
