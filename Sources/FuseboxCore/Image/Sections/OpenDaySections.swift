import FuseboxWire

/// The day on which use counts, and the days that are being closed.
enum DaySection: SnapshotSection {
    static let kind: UInt32 = 25
    static let name = "days"
    static let summary =
        "the days of the history that are not closed in every account, oldest first; the last is the open one"

    /// Days that follow each other for a million years do not reach it.
    private static let highestNumber: UInt32 = 1 << 30

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        let days = machine.ledger.days
        guard let date = days.date else { return }
        for day in days.closing { part.add(DayImage(number: day.number, date: day.date)) }
        part.add(DayImage(number: days.number, date: date))
    }

    static func add(_ image: DayImage, to state: inout StateImage) throws(Refusal) {
        let days = state.builder.machine.ledger.days
        guard image.number > days.number, image.number < highestNumber else {
            throw Refusal(.damagedData, "the days are out of order")
        }
        try BeginDay.validate(image.date)
        state.builder.machine.ledger.days.restore(image.number, image.date)
    }
}

struct DayImage: VersionedRecord {
    var number: UInt32 = 0
    var date: Int64 = 0

    init() {}

    init(number: UInt32, date: Int64) {
        self.number = number
        self.date = date
    }

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("number", &number, "the number of the day, above that of the day before")
        try visitor.field("date", &date, "its date, in days since 1970-01-01")
    }
}

/// What accounts have used on days that they have not closed.
enum OpenUseSection: SnapshotSection {
    static let kind: UInt32 = 26
    static let name = "openUse"
    static let summary = "what each account has used on a day that it has not closed; those without use are left out"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        machine.ledger.forEachOpenUse { key, number, use in part.add(OpenUseImage(key, number, use)) }
    }

    static func add(_ image: OpenUseImage, to state: inout StateImage) throws(Refusal) {
        // The models of the last provider may still be pending.
        try state.addPendingModels()
        guard state.builder.machine.ledger.days.knows(image.day), state.builder.machine.setOpenUse(image) else {
            throw Refusal(.damagedData, "the use of a day cannot be there")
        }
    }
}

struct OpenUseImage: VersionedRecord {
    var place: UInt32?
    var model: UInt32?
    var tag: UInt32?
    var day: UInt32 = 0
    var spend: Int64 = 0
    var inputTokens: Int64 = 0
    var outputTokens: Int64 = 0
    var requests: Int64 = 0
    var cachedInput: Int64 = 0
    var cacheWrite: Int64 = 0
    var reasoning: Int64 = 0
    var unpriced: Int64 = 0

    init() {}

    init(_ key: ScopeKey, _ day: UInt32, _ use: DayUse) {
        place = key.place.map { UInt32($0.index) }
        model = key.model.map { UInt32($0.index) }
        tag = key.tag.map { UInt32($0.index) }
        self.day = day
        spend = use.spend
        inputTokens = use.inputTokens
        outputTokens = use.outputTokens
        requests = use.requests
        cachedInput = use.parts.cachedInput
        cacheWrite = use.parts.cacheWrite
        reasoning = use.parts.reasoning
        unpriced = use.parts.unpriced
    }

    var use: DayUse {
        var use = DayUse()
        use.spend = spend
        use.inputTokens = inputTokens
        use.outputTokens = outputTokens
        use.requests = requests
        use.parts.cachedInput = cachedInput
        use.parts.cacheWrite = cacheWrite
        use.parts.reasoning = reasoning
        use.parts.unpriced = unpriced
        return use
    }

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "place", &place, "the number of the provider's or deployment's name; absent: of a tag or the host")
        try visitor.field("model", &model, "the number of the provider's model; absent: of no model")
        try visitor.field("tag", &tag, "the number of the tag; absent: of no tag")
        try visitor.field("day", &day, "the number of the day")
        try visitor.field("spend", &spend, "what was spent on it, in nano-dollars")
        try visitor.field("inputTokens", &inputTokens, "tokens sent, from a cache or not")
        try visitor.field("outputTokens", &outputTokens, "tokens received, with reasoning")
        try visitor.field("requests", &requests, "the number of calls")
        try visitor.field("cachedInput", &cachedInput, "tokens sent that were read from a cache")
        try visitor.field("cacheWrite", &cacheWrite, "tokens sent that were written to a cache")
        try visitor.field("reasoning", &reasoning, "tokens received that were reasoning")
        try visitor.field("unpriced", &unpriced, "calls that used something, and whose cost nobody told")
    }
}

extension OpenDays {
    /// Restores a day, oldest first.
    fileprivate mutating func restore(_ number: UInt32, _ date: Int64) {
        if let date = self.date { closing.append(Closing(number: self.number, date: date)) }
        self.number = number
        self.date = date
    }

    fileprivate func knows(_ number: UInt32) -> Bool {
        number > 0 && (number == self.number || closing.contains { $0.number == number })
    }
}

extension CreditLedger {
    /// Calls `body` with every account that has used something on a day that it has not closed.
    fileprivate func forEachOpenUse(_ body: (ScopeKey, _ day: UInt32, DayUse) -> Void) {
        func tell(_ key: ScopeKey, _ account: some DailyAccount) {
            guard days.knows(account.open.number) else { return }
            let use = account.open.use(account.sums)
            if use != DayUse() { body(key, account.open.number, use) }
        }
        tell(.host, host)
        providers.forEachIndex { index in
            let provider = NameID(index: index)
            tell(ScopeKey(place: provider), providers[existing: index])
            providers[existing: index].models.forEach(modelLinks) {
                tell(ScopeKey(place: provider, model: models[$0].model), models[$0])
            }
        }
        deployments.forEachIndex { tell(ScopeKey(place: NameID(index: $0)), deployments[existing: $0]) }
        tags.forEachIndex { tell(ScopeKey(tag: TagID(index: $0)), tags[existing: $0]) }
    }
}

extension StateMachine {
    /// Restores what an account has used on a day.
    ///
    /// - Returns: false if there is no such account
    fileprivate mutating func setOpenUse(_ image: OpenUseImage) -> Bool {
        let (use, day) = (image.use, image.day)
        switch (image.place.map { Int($0) }, image.model.map { Int($0) }, image.tag.map { Int($0) }) {
        case (nil, nil, nil): ledger.host.restore(use, on: day)
        case (nil, nil, let tag?):
            guard ledger.tags.contains(tag) else { return false }
            ledger.tags[existing: tag].restore(use, on: day)
        case (let provider?, let model?, nil):
            guard let place = ledger.findModel(NameID(index: provider), ModelID(index: model)) else { return false }
            ledger.models[place].restore(use, on: day)
        case (let place?, nil, nil) where ledger.deployments.contains(place):
            ledger.deployments[existing: place].restore(use, on: day)
        case (let place?, nil, nil):
            guard ledger.providers.contains(place) else { return false }
            ledger.providers[existing: place].restore(use, on: day)
        default: return false
        }
        return true
    }
}

extension DailyAccount {
    fileprivate mutating func restore(_ use: DayUse, on day: UInt32) {
        open = OpenDay(number: day, base: DayUse(sums) - use)
    }
}
