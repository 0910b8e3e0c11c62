import FuseboxCore
import FuseboxWire

extension LLMProvidersSnapshot {
    /// The state in an export, or in a snapshot of one kind. In the latter case the other parts are empty.
    ///
    /// As in the library:
    /// - Missing members of a configuration get their defaults.
    /// - Marks that have ended are dropped.
    /// - Unknown members of thresholds, marks and budgets are kept.
    ///
    /// Everything that the library can write is accepted:
    /// - Costs may be negative, which are refunds.
    /// - Times may have fractions of a millisecond. They are rounded so that no decision at a whole millisecond
    ///   changes.
    /// - A number may be null, which JavaScript writes for NaN. It counts as 0.
    /// - Each part, and the whole, may be a text with a document in it, as `serialize()` returns it.
    ///
    /// Amounts are rounded to nano-dollars. Threshold tiers that the spend has reached count as fired. So do depletion
    /// tiers if the profile keeps them over a restore. A budget becomes a limit of cost that goes on until reset, a rate
    /// limit one of requests or tokens in fixed windows.
    ///
    /// - Parameter moment: the time of the import
    /// - Throws: the place at which the document is not what the library writes, or exceeds a limit
    public static func stateMachine(
        from document: JSONValue, profile: Profile, bounds: Bounds = Bounds(), at moment: Moment
    ) throws(JSONFieldError) -> StateMachine {
        let root = try JSONPlace(document).unwrapped().object()
        var reader = Reader(builder: StateMachine.Builder(profile: profile, bounds: bounds, at: moment))
        reader.profile = profile
        reader.moment = moment
        switch Kind(of: document) {
        case .export:
            if let place = try root["breakers"].ifPresent?.unwrapped() { try reader.readBreakers(place) }
            if let place = try root["exhaustion"].ifPresent?.unwrapped() { try reader.readExhaustion(place) }
            if let place = try root["ledger"].ifPresent?.unwrapped() { try reader.readLedger(place) }
        case .breaker: try reader.readBreaker(root, defaults: BreakerConfiguration())
        case .breakers: try reader.readBreakers(root)
        case .exhaustion: try reader.readExhaustion(root)
        case .ledger: try reader.readLedger(root)
        case nil:
            throw root.error(
                "this is not a snapshot of llm-providers; expected `breakers`, `exhaustion` and `ledger`, or one of them"
            )
        }
        return reader.builder.finish()
    }

    /// The breaker in a snapshot of one breaker, for `breaker.deserialize`.
    ///
    /// - Throws: the place at which the document is not what the library writes
    public static func breakerRecord(from document: JSONValue) throws(JSONFieldError) -> BreakerRecord {
        try Reader.breaker(try JSONPlace(document).unwrapped().object(), defaults: BreakerConfiguration())
    }

    /// Reads snapshots into a state.
    fileprivate struct Reader {
        var builder: StateMachine.Builder
        var profile: Profile = .fusebox
        var moment = Moment(milliseconds: 0)
        /// The providers that have an account.
        fileprivate var hasAccount: Set<Name> = []
        /// The spend of each model with its provider, exact and as a sum of doubles.
        fileprivate var spend: [[Name?]: (exact: Int64, dollars: Double)] = [:]

        static func checkVersion(_ place: JSONPlace) throws(JSONFieldError) {
            let version = try place.object()["version"].int64()
            guard version == LLMProvidersSnapshot.version else {
                throw place["version"].error("version \(version) is unknown; expected \(LLMProvidersSnapshot.version)")
            }
        }
    }
}

// MARK: Breakers and marks

extension LLMProvidersSnapshot.Reader {
    mutating func readBreakers(_ place: JSONPlace) throws(JSONFieldError) {
        try Self.checkVersion(place)
        let defaults = try Self.configuration(place["defaultConfig"])
        try place["defaultConfig"].refusable { () throws(Refusal) in try builder.setDefaultConfiguration(defaults) }
        for breaker in try place["breakers"].elements() { try readBreaker(breaker, defaults: defaults) }
    }

    mutating func readBreaker(_ place: JSONPlace, defaults: BreakerConfiguration) throws(JSONFieldError) {
        let record = try Self.breaker(place, defaults: defaults)
        try place.refusable { () throws(Refusal) in try builder.insertBreaker(record) }
    }

    static func breaker(
        _ place: JSONPlace, defaults: BreakerConfiguration
    ) throws(JSONFieldError) -> BreakerRecord {
        try checkVersion(place)
        let state = try place["state"].object()
        var record = BreakerRecord()
        record.name = try place["name"].name()
        record.deployment = try place["deployment"].ifPresent?.name()
        record.model = try place["model"].ifPresent?.name()
        record.configuration = try configuration(place["config"])
        record.isConfigured = record.configuration != defaults
        record.consecutiveFailures = try state["consecutiveFailures"].looseCount()
        record.totalFailures = try state["totalFailures"].looseCount()
        record.totalSuccesses = try state["totalSuccesses"].looseCount()
        record.totalRequests = try state["totalRequests"].looseCount()
        record.lastFailure = try moment(state["lastFailureAt"])
        record.lastSuccess = try moment(state["lastSuccessAt"])
        record.lastRequest = try moment(state["lastRequestAt"])
        let decay = try state["lastDecayAt"].looseTimestamp(.up)
        record.lastDecay = decay.milliseconds == 0 ? nil : decay
        record.windowStart = try state["windowStart"].looseTimestamp(.up)
        record.shareCredit =
            try state["shareCredit"].ifPresent?.count() ?? FuseboxCore.CircuitBreaker.initialShareCredit
        return record
    }

    private static func moment(_ place: JSONPlace) throws(JSONFieldError) -> Timestamp? {
        try place.ifPresent?.looseTimestamp(.up)
    }

    /// A configuration. Missing members get their defaults.
    private static func configuration(_ place: JSONPlace) throws(JSONFieldError) -> BreakerConfiguration {
        guard let place = place.ifPresent else { return BreakerConfiguration() }
        let change = try BreakerConfigurationChange(place)
        return try place.refusable { () throws(Refusal) in try BreakerConfiguration().applying(change) }
    }

    mutating func readExhaustion(_ place: JSONPlace) throws(JSONFieldError) {
        try Self.checkVersion(place)
        let cooldown = try place["defaultResetMs"].looseInt64(.up)
        try place["defaultResetMs"].refusable { () throws(Refusal) in
            try builder.setDefaultCooldown(milliseconds: cooldown)
        }
        for mark in try place["entries"].elements() {
            let entry = ExhaustionEntry(
                provider: try mark["provider"].name(), exhaustedAt: try mark["exhaustedAt"].looseTimestamp(.up),
                resetsAt: try mark["resetAt"].looseTimestamp(.up))
            guard moment.now < entry.resetsAt else { continue }
            let foreign = mark.members(except: ["provider", "exhaustedAt", "resetAt"])
            try mark.refusable { () throws(Refusal) in
                try builder.insertMark(entry)
                if let foreign { try builder.keepForeignMembers(foreign.text(), ofMark: entry.provider) }
            }
        }
    }
}

extension BreakerConfigurationChange {
    /// The changes in an object with the library's member names.
    init(_ place: JSONPlace) throws(JSONFieldError) {
        let place = try place.object()
        self.init()
        // The library treats a threshold below 1 as 1, and so does a threshold of 0 here.
        if let threshold = try place["failureThreshold"].ifPresent?.looseInt64(.up) {
            failureThreshold = threshold < 0 ? 0 : try place["failureThreshold"].looseCount()
        }
        resetTimeoutMilliseconds = try place["resetTimeout"].ifPresent?.looseInt64(.up)
        monitoringPeriodMilliseconds = try place["monitoringPeriod"].ifPresent?.looseInt64(.up)
        minRequests = try place["minRequests"].ifPresent?.looseCount()
        if let curve = place["degradationCurve"].ifPresent {
            var points: [Double] = []
            for point in try curve.elements() { points.append(try point.looseDouble()) }
            degradationCurve = points
        }
    }
}

// MARK: The ledger

extension LLMProvidersSnapshot.Reader {
    mutating func readLedger(_ place: JSONPlace) throws(JSONFieldError) {
        try Self.checkVersion(place)
        let start = try place["periodStart"].looseTimestamp(.up)
        try place["periodStart"].refusable { () throws(Refusal) in try builder.setSince(start) }
        let thresholds = try readThresholds(place["thresholds"])
        for (provider, account) in try place["providers"].members() {
            try readAccount(account, of: try account.name(spelled: provider), thresholds)
        }
        try readBudgets(place["budgets"], thresholds)
        if let history = place["spendHistory"].ifPresent { try readHistory(history) }
        builder.completeLedger()
    }

    /// Reads the budgets as they were told. The accounts have copies of their own, and these hold.
    private mutating func readBudgets(_ place: JSONPlace, _ thresholds: Thresholds?) throws(JSONFieldError) {
        var subjects: Set<[Name?]> = []
        for element in try place.elements() {
            let budget = try Budget(element)
            guard (budget.monthly ?? .zero) >= .zero else {
                throw element.error("the monthly budget must not be negative")
            }
            // If a provider and model have several budgets, the library uses the first.
            guard subjects.insert([budget.provider, budget.model]).inserted else { continue }
            try element.refusable { () throws(Refusal) in
                if budget.model != nil || !hasAccount.contains(budget.provider), let monthly = budget.monthly {
                    try builder.insertLimit(
                        budget.scope, Budget.limit(monthly, budget.model, thresholds),
                        used: spend[[budget.provider, budget.model]]?.exact ?? 0,
                        dollars: spend[[budget.provider, budget.model]]?.dollars ?? 0, start: moment.now)
                }
                if !hasAccount.contains(budget.provider) {
                    for limit in budget.rateLimits {
                        try builder.insertLimit(
                            Scope(provider: budget.provider), limit, used: 0, dollars: 0, start: nil)
                    }
                }
            }
            let text = LLMProvidersJSON.budget(budget, foreign: Budget.foreignMembers(element)).text()
            try element.refusable { () throws(Refusal) in
                try builder.listBudget(text, provider: budget.provider, model: budget.model)
            }
        }
    }

    /// - Returns: the thresholds; nil: those of any limit
    private mutating func readThresholds(_ place: JSONPlace) throws(JSONFieldError) -> Thresholds? {
        let thresholds = try Thresholds(place)
        let foreign = place.members(except: ["warning", "critical", "emergency"])
        try place.refusable { () throws(Refusal) in
            try builder.setThresholds(thresholds, foreign: foreign?.text() ?? "")
        }
        return thresholds == Thresholds() ? nil : thresholds
    }

    private mutating func readAccount(
        _ place: JSONPlace, of provider: Name, _ thresholds: Thresholds?
    ) throws(JSONFieldError) {
        var account = ProviderAccount()
        account.provider = provider
        account.usage = try Self.usage(place)
        let budget = try place["budget"].ifPresent?.money()
        // The library's own floating-point sum is kept with all its digits.
        let dollars = try place["spend"].looseDouble()
        try place.refusable { () throws(Refusal) in
            try builder.insertAccount(account, dollars: dollars)
            guard let budget else { return }
            try builder.insertLimit(
                Scope(provider: provider), Budget.limit(budget, nil, thresholds),
                used: account.usage.spend.nanodollars, dollars: dollars, start: moment.now)
        }
        hasAccount.insert(provider)
        for (dimension, rate) in try Self.limits(place["rateLimits"]) {
            let limit = dimension.limit(try rate["limit"].looseCount())
            let used = max(0, try rate["used"].looseInt64())
            let start = try rate["windowStart"].looseTimestamp(.up)
            try rate.refusable { () throws(Refusal) in
                try builder.insertLimit(Scope(provider: provider), limit, used: used, dollars: 0, start: start)
            }
        }
        guard let models = place["models"].ifPresent else { return }
        for (name, model) in try models.members() {
            var account = ModelAccount()
            account.model = try model.name(spelled: name)
            account.usage = try Self.usage(model)
            let dollars = try model["spend"].looseDouble()
            try model.refusable { () throws(Refusal) in
                try builder.insertModelAccount(account, of: provider, dollars: dollars)
            }
            spend[[provider, account.model]] = (account.usage.spend.nanodollars, dollars)
        }
    }

    private static func usage(_ place: JSONPlace) throws(JSONFieldError) -> AccountUsage {
        let place = try place.object()
        var usage = AccountUsage()
        usage.spend = try place["spend"].looseMoney()
        usage.inputTokens = try place["inputTokens"].looseInt64()
        usage.outputTokens = try place["outputTokens"].looseInt64()
        usage.requests = try place["requestCount"].looseCount()
        let last = try place["lastRecordedAt"].looseTimestamp(.up)
        usage.lastRecorded = last.milliseconds == 0 ? nil : last
        return usage
    }

    fileprivate static func limits(
        _ place: JSONPlace
    ) throws(JSONFieldError) -> [(dimension: RateDimension, place: JSONPlace)] {
        guard let place = try place.ifPresent?.object() else { return [] }
        return RateDimension.allCases.compactMap { dimension in
            place["\(dimension)"].ifPresent.map { (dimension, $0) }
        }
    }

    private mutating func readHistory(_ place: JSONPlace) throws(JSONFieldError) {
        var histories: [(provider: Name, entries: [SpendEntry])] = []
        var places: [Name: Int] = [:]
        for element in try place.elements() {
            let provider = try element["provider"].name()
            let entry = try Self.entry(element)
            if !profile.sharesHistory {
                let index = places[provider] ?? histories.count
                if index == histories.count {
                    places[provider] = index
                    histories.append((provider, []))
                }
                histories[index].entries.append(entry)
            } else {
                try element.refusable { () throws(Refusal) in
                    try builder.insertShared(provider, at: entry.end, cost: Money(nanodollars: entry.cost))
                }
            }
        }
        for history in histories {
            // Entries are sorted by time. Entries with equal times keep the document's order.
            let order = history.entries.indices.sorted { left, right in
                let (a, b) = (history.entries[left].end, history.entries[right].end)
                return a == b ? left < right : a < b
            }
            let entries = order.map { history.entries[$0] }
            // Single records come after the last stretch.
            let singles = entries.lastIndex { !$0.isSingle }.map { $0 + 1 } ?? 0
            try place.refusable { () throws(Refusal) in
                try builder.insertHistory(
                    stretches: entries[..<singles], singles: entries[singles...], of: history.provider)
            }
        }
    }

    /// A record of the library, or a stretch that stands for several records.
    private static func entry(_ place: JSONPlace) throws(JSONFieldError) -> SpendEntry {
        // Windows begin at whole milliseconds, so rounding down keeps each record on its side of the boundary.
        let end = try place["timestamp"].looseTimestamp(.down)
        let cost = try place["cost"].looseMoney()
        let count = try place["count"].ifPresent?.count(UInt32.self) ?? 1
        let start = try place["from"].ifPresent?.timestamp() ?? end
        guard start <= end, count > 0 else {
            throw place.error("`from` must not be after `timestamp`, and `count` must be at least 1")
        }
        return SpendEntry(start: start, end: end, cost: cost.nanodollars, count: Int64(count))
    }
}

extension Thresholds {
    /// Thresholds with the library's member names. Missing members get their defaults.
    init(_ place: JSONPlace) throws(JSONFieldError) {
        self.init()
        guard let place = try place.ifPresent?.object() else { return }
        warning = try place["warning"].looseDouble(missing: warning)
        critical = try place["critical"].looseDouble(missing: critical)
        emergency = try place["emergency"].looseDouble(missing: emergency)
    }
}

extension Budget {
    /// The budget in an object with the library's member names.
    init(_ place: JSONPlace) throws(JSONFieldError) {
        let place = try place.object()
        self.init(provider: try place["provider"].name())
        model = try place["model"].ifPresent?.name()
        monthly = try place["monthlyBudget"].ifPresent?.money()
        for (dimension, limit) in try LLMProvidersSnapshot.Reader.limits(place["rateLimits"]) {
            rates[dimension] = try limit.looseCount()
        }
    }

    /// The members that the state does not have. Empty members (null, or rate limits without a limit) are among them,
    /// because the library keeps those too.
    static func foreignMembers(_ place: JSONPlace) -> JSONValue? {
        var known: Set = ["provider", "model"]
        if place["monthlyBudget"].ifPresent != nil { known.insert("monthlyBudget") }
        let limits = place["rateLimits"]
        if RateDimension.allCases.contains(where: { limits["\($0)"].ifPresent != nil }) { known.insert("rateLimits") }
        return place.members(except: known)
    }
}
