import FuseboxWire

/// Every provider's account.
enum AccountSection: SnapshotSection {
    static let kind: UInt32 = 8
    static let name = "accounts"
    static let summary = "every provider's account"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        machine.ledger.providers.forEachIndex { index in
            let id = NameID(index: index)
            guard let provider = machine.ledger.provider(id) else { return }
            var image = AccountImage()
            image.provider = machine.names[id]
            image.usage = UsageImage(provider.sums)
            image.budget = provider.budget
            image.isEnforced = provider.isEnforced
            image.rpm = provider[.rpm].map(WindowImage.init)
            image.rpd = provider[.rpd].map(WindowImage.init)
            image.tpm = provider[.tpm].map(WindowImage.init)
            image.tpd = provider[.tpd].map(WindowImage.init)
            image.firedThreshold = FiredThresholdImage(provider.firedThreshold)
            image.firedDepletion = FiredDepletionImage(provider.firedDepletion)
            image.dollars = machine.profile.reckonsInDollars ? provider.dollars : nil
            image.user = provider.user
            part.add(image)
        }
    }

    static func add(_ image: AccountImage, to state: inout StateImage) throws(Refusal) {
        var account = ProviderAccount()
        account.provider = image.provider
        account.usage = image.usage.usage
        account.budget = image.budget
        account.isEnforced = image.isEnforced
        account.rpm = image.rpm?.window
        account.rpd = image.rpd?.window
        account.tpm = image.tpm?.window
        account.tpd = image.tpd?.window
        try state.builder.insertAccount(
            account, firedThreshold: image.firedThreshold.tier, firedDepletion: image.firedDepletion.tier,
            dollars: image.dollars, by: image.user)
    }
}

/// Every model account.
enum ModelAccountSection: SnapshotSection {
    static let kind: UInt32 = 9
    static let name = "modelAccounts"
    static let summary = "every model account, provider by provider, the newest of a provider first"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        machine.ledger.providers.forEachIndex { index in
            machine.ledger.providers[existing: index].models.forEach(machine.ledger.modelLinks) { place in
                let account = machine.ledger.models[place]
                var image = ModelAccountImage()
                image.provider = UInt32(account.provider.index)
                image.model = UInt32(account.model.index)
                image.usage = UsageImage(account.sums)
                image.dollars = machine.profile.reckonsInDollars ? account.dollars : nil
                image.answering = account.answering.map { UInt32($0.index) }
                image.user = account.user
                part.add(image)
            }
        }
    }

    static func add(_ image: ModelAccountImage, to state: inout StateImage) throws(Refusal) {
        try state.add(image)
    }
}

struct AccountImage: VersionedRecord {
    var provider = Name.blank
    var usage = UsageImage()
    var budget: Money?
    var isEnforced = false
    var rpm: WindowImage?
    var rpd: WindowImage?
    var tpm: WindowImage?
    var tpd: WindowImage?
    var firedThreshold: FiredThresholdImage = .none
    var firedDepletion: FiredDepletionImage = .none
    var dollars: Double?
    var user: UInt32 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("usage", &usage, "the sums of this period")
        try visitor.field("budget", &budget, "the provider's budget per period; absent: unlimited")
        try visitor.field("isEnforced", &isEnforced, "whether admission denies a call that the budget does not cover")
        try visitor.field("rpm", &rpm, "the limit on requests per minute")
        try visitor.field("rpd", &rpd, "the limit on requests per day")
        try visitor.field("tpm", &tpm, "the limit on tokens per minute")
        try visitor.field("tpd", &tpd, "the limit on tokens per day")
        try visitor.field("firedThreshold", &firedThreshold, "the highest threshold that has fired in this period")
        try visitor.field("firedDepletion", &firedDepletion, "the nearest depletion tier that has fired in this period")
        try visitor.field("dollars", &dollars, "the spend as a sum of doubles; absent under the profile fusebox")
        try visitor.field("user", &user, "the peer user that it was opened for")
    }
}

struct ModelAccountImage: VersionedRecord {
    var provider: UInt32 = 0
    var model: UInt32 = 0
    var usage = UsageImage()
    var dollars: Double?
    var answering: UInt32?
    var user: UInt32 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider's number")
        try visitor.field("model", &model, "the model's number")
        try visitor.field("usage", &usage, "the sums of this period")
        try visitor.field("dollars", &dollars, "the spend as a sum of doubles; absent under the profile fusebox")
        try visitor.field(
            "answering", &answering, "the number of the model name that answered last; absent if it was this one")
        try visitor.field("user", &user, "the peer user that it was opened for")
    }
}

/// The sums of an account.
struct UsageImage: WireRecord {
    var spend = Money.zero
    var inputTokens: Int64 = 0
    var outputTokens: Int64 = 0
    var requests: Int64 = 0
    var lastRecorded: Timestamp?

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("spend", &spend, "spent in the period")
        try visitor.field("inputTokens", &inputTokens, "tokens sent in the period")
        try visitor.field("outputTokens", &outputTokens, "tokens received in the period")
        try visitor.field("requests", &requests, "records in the period")
        try visitor.field("lastRecorded", &lastRecorded, "when the last record came; absent if none came in the period")
    }
}

/// A rate limit and its current window.
struct WindowImage: WireRecord {
    var limit: Int64 = 0
    var used: Int64 = 0
    var start = Timestamp(milliseconds: 0)

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("limit", &limit, "requests or tokens allowed in a window")
        try visitor.field("used", &used, "requests or tokens counted in the window")
        try visitor.field("start", &start, "when the window began")
    }
}

enum FiredThresholdImage: UInt8, ClosedEnumeration {
    case none = 0
    case warning = 1
    case critical = 2
    case emergency = 3
}

enum FiredDepletionImage: UInt8, ClosedEnumeration {
    case none = 0
    case warning = 1
    case critical = 2
    case emergency = 3
}

// MARK: Between state and file

/// A model account that waits for the others of its provider.
struct PendingModel {
    let provider: Name
    let account: ModelAccount
    let dollars: Double?
    let user: UInt32
}

extension StateImage {
    /// Collects the model accounts of a provider. The section has the newest first, and they are added oldest first.
    fileprivate mutating func add(_ image: ModelAccountImage) throws(Refusal) {
        guard let provider = builder.machine.names.name(number: image.provider),
            let model = builder.machine.models.name(number: image.model)
        else {
            throw Refusal(
                .damagedData,
                "a model account belongs to provider \(image.provider) and model \(image.model), which have no names")
        }
        if let last = pendingModels.last, last.provider != provider { try addPendingModels() }
        var account = ModelAccount()
        account.model = model
        account.usage = image.usage.usage
        if let number = image.answering {
            guard let answering = builder.machine.models.name(number: number) else {
                throw Refusal(.damagedData, "model \(number) answered for another and has no name")
            }
            account.answering = answering
        }
        pendingModels.append(
            PendingModel(provider: provider, account: account, dollars: image.dollars, user: image.user))
    }

    mutating func addPendingModels() throws(Refusal) {
        for model in pendingModels.reversed() {
            try builder.insertModelAccount(model.account, of: model.provider, dollars: model.dollars, by: model.user)
        }
        pendingModels.removeAll(keepingCapacity: true)
    }
}

extension UsageImage {
    init(_ sums: CreditLedger.Sums) {
        spend = Money(nanodollars: sums.spend)
        inputTokens = sums.inputTokens
        outputTokens = sums.outputTokens
        requests = sums.requests
        lastRecorded = sums.lastRecorded
    }

    var usage: AccountUsage {
        var usage = AccountUsage()
        usage.spend = spend
        usage.inputTokens = inputTokens
        usage.outputTokens = outputTokens
        usage.requests = requests
        usage.lastRecorded = lastRecorded
        return usage
    }
}

extension WindowImage {
    fileprivate init(_ window: CreditLedger.Window) {
        limit = window.limit
        used = window.used
        start = window.start
    }

    fileprivate var window: RateWindow { RateWindow(limit: limit, used: used, windowStart: start) }
}

extension FiredThresholdImage {
    fileprivate init(_ tier: ThresholdTier) {
        self =
            switch tier {
            case .none: .none
            case .warning: .warning
            case .critical: .critical
            case .emergency: .emergency
            case .unknown: preconditionFailure("the state holds known values only")
            }
    }

    fileprivate var tier: ThresholdTier {
        switch self {
        case .none: .none
        case .warning: .warning
        case .critical: .critical
        case .emergency: .emergency
        }
    }
}

extension FiredDepletionImage {
    fileprivate init(_ tier: DepletionTier) {
        self =
            switch tier {
            case .none: .none
            case .warning: .warning
            case .critical: .critical
            case .emergency: .emergency
            case .unknown: preconditionFailure("the state holds known values only")
            }
    }

    fileprivate var tier: DepletionTier {
        switch self {
        case .none: .none
        case .warning: .warning
        case .critical: .critical
        case .emergency: .emergency
        }
    }
}
