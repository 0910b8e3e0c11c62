import FuseboxWire

/// The parts that a state is written down in. Numbers are part of the snapshot format: they are never reused.
public enum ImageSection: UInt32, Sendable, CaseIterable {
    case settings = 1
    /// Names of breakers and providers with their numbers.
    case names = 2
    /// Numbers of names that are free, in the order in which they will be given again.
    case freeNames = 3
    case models = 4
    case freeModels = 5
    case breakers = 6
    case marks = 7
    case accounts = 8
    /// Those of one provider come newest first, as they are listed.
    case modelAccounts = 9
    case budgets = 10
    case histories = 11
    case sharedHistory = 12
    case closedPeriods = 13
    /// What became of all permits.
    case permitTotals = 14
    /// Those in force in the order of their numbers, then the lapsed ones, user by user, in the order in which they ended.
    case permits = 15
    /// Members of imported JSON that came with thresholds, marks and budgets.
    case foreignMembers = 16
}

// MARK: Records

/// What is set for all.
public struct SettingsImage: WireRecord {
    public var breakerDefault = BreakerConfiguration()
    public var defaultCooldownMilliseconds: Int64 = 0
    public var thresholds = Thresholds()
    public var periodLength: PeriodLength = .month
    public var periodStart = Timestamp(milliseconds: 0)
    public var periodEnd: Timestamp?
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("breakerDefault", &breakerDefault, "the configuration that breakers are created with")
        try visitor.field("defaultCooldownMilliseconds", &defaultCooldownMilliseconds, "of marks that name none")
        try visitor.field("thresholds", &thresholds, "the utilizations at which events fire")
        try visitor.field("periodLength", &periodLength, "how long a budget period is")
        try visitor.field("periodStart", &periodStart, "when the current one began, on the wall clock")
        try visitor.field("periodEnd", &periodEnd, "when it ends, on the wall clock; absent if by hand")
    }
}

public struct NameImage: WireRecord {
    public var number: UInt32 = 0
    public var user: UInt32 = 0
    public var name = Name.blank
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("number", &number, "what stands for the name")
        try visitor.field("user", &user, "the peer user that introduced it")
        try visitor.field("name", &name, "the name")
    }
}

public struct FreeNumberImage: WireRecord {
    public var number: UInt32 = 0
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("number", &number, "a number that stands for no name")
    }
}

public struct AccountImage: WireRecord {
    public var account = ProviderAccount()
    public var firedThreshold: ThresholdTier = .none
    public var firedDepletion: DepletionTier = .none
    public var dollars: Double?
    public var user: UInt32 = 0
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("account", &account, "sums, budget and windows")
        try visitor.field("firedThreshold", &firedThreshold, "the highest threshold that has fired in this period")
        try visitor.field("firedDepletion", &firedDepletion, "the nearest depletion that has fired in this period")
        try visitor.field("dollars", &dollars, "the spend as a sum of doubles; absent under the profile fusebox")
        try visitor.field("user", &user, "the peer user that it was opened for")
    }
}

public struct ModelAccountImage: WireRecord {
    public var provider: UInt32 = 0
    public var model: UInt32 = 0
    public var usage = AccountUsage()
    public var dollars: Double?
    public var answering: UInt32?
    public var user: UInt32 = 0
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider's number")
        try visitor.field("model", &model, "the model's number")
        try visitor.field("usage", &usage, "the sums of this period")
        try visitor.field("dollars", &dollars, "the spend as a sum of doubles; absent under the profile fusebox")
        try visitor.field("answering", &answering, "the number of the name that last answered, if that was another")
        try visitor.field("user", &user, "the peer user that it was opened for")
    }
}

public struct BudgetImage: WireRecord {
    public var budget = Budget()
    public var isDenying = false
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("budget", &budget, "as it was set")
        try visitor.field("isDenying", &isDenying, "whether it denied the last call that it was asked for")
    }
}

public struct HistoryImage: WireRecord {
    public struct Stretch: WireRecord {
        public static var wireType: String { "HistoryStretch" }
        public var start = Timestamp(milliseconds: 0)
        public var end = Timestamp(milliseconds: 0)
        public var cost = Money.zero
        public var count: Int64 = 0
        public init() {}
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("start", &start, "the first record that it sums up")
            try visitor.field("end", &end, "the last one")
            try visitor.field("cost", &cost, "their sum")
            try visitor.field("count", &count, "how many they are")
        }
    }

    public struct Single: WireRecord {
        public static var wireType: String { "HistorySingle" }
        public var at = Timestamp(milliseconds: 0)
        public var cost = Money.zero
        public init() {}
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("at", &at, "when it was recorded")
            try visitor.field("cost", &cost, "what it cost")
        }
    }

    public var provider = Name.blank
    public var stretches: [Stretch] = []
    public var singles: [Single] = []
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("stretches", &stretches, "the older part, oldest first")
        try visitor.field("singles", &singles, "the newer part, oldest first")
    }
}

public struct SharedEntryImage: WireRecord {
    public var provider = Name.blank
    public var at = Timestamp(milliseconds: 0)
    public var cost = Money.zero
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("at", &at, "when it was recorded")
        try visitor.field("cost", &cost, "what it cost")
    }
}

public struct ClosedPeriodImage: WireRecord {
    public struct Entry: WireRecord {
        public static var wireType: String { "ClosedPeriodEntry" }
        public var provider = Name.blank
        public var usage = AccountUsage()
        public init() {}
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("provider", &provider, "the provider")
            try visitor.field("usage", &usage, "its sums")
        }
    }

    public var start = Timestamp(milliseconds: 0)
    public var end = Timestamp(milliseconds: 0)
    public var entries: [Entry] = []
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("start", &start, "on the wall clock")
        try visitor.field("end", &end, "on the wall clock")
        try visitor.field("entries", &entries, "the providers that had any")
    }
}

public struct PermitTotalsImage: WireRecord {
    public struct Run: WireRecord {
        public static var wireType: String { "PermitRun" }
        public var first: UInt64 = 0
        public var last: UInt64 = 0
        public init() {}
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("first", &first, "the first number of a life of the daemon")
            try visitor.field("last", &last, "the last one; below the first if none was dealt")
        }
    }

    public struct Forgotten: WireRecord {
        public static var wireType: String { "ForgottenPermits" }
        public var user: UInt32 = 0
        public var through: UInt64 = 0
        public init() {}
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("user", &user, "the peer user that they were granted to")
            try visitor.field("through", &through, "the highest number of its lapsed permits that had to make room")
        }
    }

    public var totals = PermitTotals()
    public var forgotten: [Forgotten] = []
    public var forgottenOfOthers: UInt64 = 0
    public var runs: [Run] = []
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("totals", &totals, "what became of all permits; outstanding and held are those that follow")
        try visitor.field("forgotten", &forgotten, "how far lapsed permits had to make room, users rising")
        try visitor.field(
            "forgottenOfOthers", &forgottenOfOthers,
            "the highest such number of a user that is not among them, because too many users had one; 0: of none")
        try visitor.field("runs", &runs, "the numbers that were dealt, oldest first")
    }
}

public struct PermitImage: WireRecord {
    public var entry = PermitEntry()
    public var counted: UInt8 = 0
    public init() {}
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entry", &entry, "the permit, with its worker's whole id")
        try visitor.field(
            "counted", &counted, "the rate limits that it was counted against: 1 rpm, 2 rpd, 4 tpm, 8 tpd, added up")
    }
}
