import FuseboxWire

/// What an account has used on a day.
public struct DayUse: Sendable, Equatable {
    /// What was spent, in nano-dollars. Below 0 if more was taken back than spent.
    public var spend: Int64 = 0
    /// Tokens sent: all of them, from a cache or not.
    public var inputTokens: Int64 = 0
    /// Tokens received: all of them, with reasoning.
    public var outputTokens: Int64 = 0
    /// The number of calls. Below 0 if calls of an earlier day were taken back.
    public var requests: Int64 = 0
    /// What of the tokens, and of the calls, was of a kind of its own.
    public var parts = CreditLedger.Parts()

    /// Nothing.
    public init() {}

    /// The sums of an account.
    init(_ sums: CreditLedger.Sums) {
        spend = sums.spend
        inputTokens = sums.inputTokens
        outputTokens = sums.outputTokens
        requests = sums.requests
        parts = sums.parts
    }

    /// The difference of two sums of an account. It wraps around where an account stopped at the end of its range.
    static func - (left: DayUse, right: DayUse) -> DayUse {
        var use = DayUse()
        use.spend = left.spend &- right.spend
        use.inputTokens = left.inputTokens &- right.inputTokens
        use.outputTokens = left.outputTokens &- right.outputTokens
        use.requests = left.requests &- right.requests
        use.parts.cachedInput = left.parts.cachedInput &- right.parts.cachedInput
        use.parts.cacheWrite = left.parts.cacheWrite &- right.parts.cacheWrite
        use.parts.reasoning = left.parts.reasoning &- right.parts.reasoning
        use.parts.unpriced = left.parts.unpriced &- right.parts.unpriced
        return use
    }
}

extension CreditLedger.Sums {
    /// The sums of a day.
    init(_ use: DayUse) {
        spend = use.spend
        inputTokens = use.inputTokens
        outputTokens = use.outputTokens
        requests = use.requests
        parts = use.parts
    }
}

/// The open day of an account. What it has used on that day is the difference of its sums and `base`, so a call need
/// not be added twice.
struct OpenDay: Sendable {
    /// The number of the day. 0: a day without a date, of which nothing is told.
    var number: UInt32 = 0
    /// The sums of the account when the day began.
    var base = DayUse()

    /// What an account with these sums has used on the open day.
    func use(_ sums: CreditLedger.Sums) -> DayUse { DayUse(sums) - base }
}

/// An account whose use is told day by day.
protocol DailyAccount {
    var sums: CreditLedger.Sums { get set }
    var open: OpenDay { get set }
}

extension DailyAccount {
    /// Begins the sums anew. What was used on the open day stays known.
    mutating func beginAnew() {
        open.base = open.base - DayUse(sums)
        sums = CreditLedger.Sums()
    }

    /// Begins the open day with the sums: nothing was used on it.
    mutating func forgetDay() { open = OpenDay(base: DayUse(sums)) }
}

extension CreditLedger.Account: DailyAccount {}
extension CreditLedger.Provider: DailyAccount {}
extension CreditLedger.Model: DailyAccount {}

/// The day on which use counts now, and the days that are being closed.
///
/// The state machine knows no calendar. A day begins with an input, and nothing is walked then. The day before is
/// closed account by account: at the next use of the account, and otherwise in steps of bounded size. Each account
/// yields at most one record of the day then. Days have numbers, because their dates may be corrected.
struct OpenDays: Sendable {
    /// The number of the open day. 0 before the first.
    var number: UInt32 = 0
    /// Its date, in days since 1970. Nil before the first day.
    var date: Int64?
    /// Earlier days that are not closed in every account, oldest first.
    var closing: [Closing] = []
    /// What was closed and not taken yet.
    var closed: [Closed] = []
    /// Where the next step begins: a function of the rest.
    var cursor = Cursor()

    struct Closing: Sendable {
        var number: UInt32
        var date: Int64
    }

    /// The use of an account on a day that is over.
    struct Closed: Sendable {
        var key: ScopeKey
        var date: Int64
        var use: DayUse
        /// Why the spend was corrected. Nil: it is what calls have used.
        var reason: String?
    }

    /// The accounts before it are closed.
    struct Cursor: Sendable {
        enum Stage { case providers, deployments, tags, end }
        var stage = Stage.providers
        var index = 0
    }

    /// Begins a day. The accounts close the one before later.
    mutating func begin(_ day: Int64) {
        guard date != day else { return }
        if let date { closing.append(Closing(number: number, date: date)) }
        number += 1
        date = day
        cursor = Cursor()
    }

    /// Corrects the date of the open day, which keeps its use.
    mutating func correct(to day: Int64) {
        guard date != nil else { return begin(day) }
        date = day
    }

    /// The date of a day that is open or being closed. Nil for another, and before the first.
    func date(of number: UInt32) -> Int64? {
        number == self.number ? date : closing.first { $0.number == number }?.date
    }

    /// Closes the day of an account with these sums. The open day is its day then.
    @inline(never)
    mutating func close(_ open: inout OpenDay, _ sums: CreditLedger.Sums, _ key: ScopeKey) {
        let use = open.use(sums)
        if use != DayUse(), let date = date(of: open.number) {
            closed.append(Closed(key: key, date: date, use: use))
        }
        open = OpenDay(number: number, base: DayUse(sums))
    }
}

// MARK: Accounts

extension CreditLedger {
    @inline(__always)
    mutating func turnHost() {
        if host.open.number != days.number { closeHost() }
    }

    @inline(__always)
    mutating func turnProvider(_ index: Int) {
        if providers[existing: index].open.number != days.number { closeProvider(index) }
    }

    @inline(__always)
    mutating func turnModel(_ place: Int) {
        if models[place].open.number != days.number { closeModel(place) }
    }

    @inline(__always)
    mutating func turnDeployment(_ index: Int) {
        if deployments[existing: index].open.number != days.number { closeDeployment(index) }
    }

    @inline(__always)
    mutating func turnTag(_ index: Int) {
        if tags[existing: index].open.number != days.number { closeTag(index) }
    }

    @inline(never)
    mutating func closeHost() { days.close(&host.open, host.sums, .host) }

    @inline(never)
    mutating func closeProvider(_ index: Int) {
        let sums = providers[existing: index].sums
        days.close(&providers[existing: index].open, sums, ScopeKey(place: NameID(index: index)))
    }

    @inline(never)
    mutating func closeModel(_ place: Int) {
        let (sums, key) = (models[place].sums, ScopeKey(place: models[place].provider, model: models[place].model))
        days.close(&models[place].open, sums, key)
    }

    @inline(never)
    mutating func closeDeployment(_ index: Int) {
        let sums = deployments[existing: index].sums
        days.close(&deployments[existing: index].open, sums, ScopeKey(place: NameID(index: index)))
    }

    @inline(never)
    mutating func closeTag(_ index: Int) {
        let sums = tags[existing: index].sums
        days.close(&tags[existing: index].open, sums, ScopeKey(tag: TagID(index: index)))
    }

    /// Closes the days that are over in the next accounts, until there are this many records more. Only what was used
    /// decides how far a step gets, so that a state that was read from a snapshot makes the same steps.
    mutating func closeDays(records: Int) {
        let end = days.closed.count + records
        turnHost()
        while days.closed.count < end {
            let index = days.cursor.index
            switch days.cursor.stage {
            case .providers:
                guard let found = providers.next(from: index) else {
                    days.cursor = OpenDays.Cursor(stage: .deployments)
                    continue
                }
                turnProvider(found)
                guard closeModels(of: found, upTo: end) else { return }
                days.cursor.index = found + 1
            case .deployments:
                guard let found = deployments.next(from: index) else {
                    days.cursor = OpenDays.Cursor(stage: .tags)
                    continue
                }
                turnDeployment(found)
                days.cursor.index = found + 1
            case .tags:
                guard let found = tags.next(from: index) else {
                    days.cursor = OpenDays.Cursor(stage: .end)
                    continue
                }
                turnTag(found)
                days.cursor.index = found + 1
            case .end:
                days.closing = []
                return
            }
        }
    }

    /// - Returns: false if there are as many records as there may be, and models may be left
    private mutating func closeModels(of provider: Int, upTo end: Int) -> Bool {
        var next = providers[existing: provider].models.first
        while let place = next {
            guard days.closed.count < end else { return false }
            turnModel(place)
            next = modelLinks.next(after: place)
        }
        return true
    }

    /// Begins the open day of every account with its sums, because what an imported account has used on a day of
    /// another ledger is not told.
    mutating func forgetDays() {
        days = OpenDays()
        forgetDays { _ in true }
    }

    /// Begins the open day of the accounts that have none with their sums.
    mutating func completeDays() { forgetDays { $0.number == 0 } }

    private mutating func forgetDays(_ isForgotten: (OpenDay) -> Bool) {
        if isForgotten(host.open) { host.forgetDay() }
        providers.forEachIndex { if isForgotten(providers[existing: $0].open) { providers[existing: $0].forgetDay() } }
        models.forEachSlot { if isForgotten(models[$0].open) { models[$0].forgetDay() } }
        deployments.forEachIndex {
            if isForgotten(deployments[existing: $0].open) { deployments[existing: $0].forgetDay() }
        }
        tags.forEachIndex { if isForgotten(tags[existing: $0].open) { tags[existing: $0].forgetDay() } }
    }
}
