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
            image.recent = machine.ledger.recents.images(of: provider.recent)
            image.dollars = machine.profile.reckonsInDollars ? provider.dollars : nil
            image.user = provider.user
            image.fired = FiredThresholdImage(provider.fired)
            image.firedDepletion = FiredDepletionImage(provider.firedDepletion)
            part.add(image)
        }
    }

    static func add(_ image: AccountImage, to state: inout StateImage) throws(Refusal) {
        var account = ProviderAccount()
        account.provider = image.provider
        account.usage = image.usage.sums.usage
        try state.builder.insertAccount(account, dollars: image.dollars, by: image.user)
        try state.builder.setRecent(image.recent, of: image.provider)
        state.builder.setFired(image.fired.value, image.firedDepletion.value, of: image.provider)
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
                image.recent = machine.ledger.recents.images(of: account.recent)
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
    var recent: [StretchImage] = []
    var dollars: Double?
    var user: UInt32 = 0
    var fired: FiredThresholdImage = .none
    var firedDepletion: FiredDepletionImage = .none

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("usage", &usage, "the sums since it began or was reset")
        try visitor.field("recent", &recent, StretchImage.summary)
        try visitor.field("dollars", &dollars, "the spend as a sum of doubles; absent under the profile fusebox")
        try visitor.field("user", &user, "the peer user that it was opened for")
        try visitor.field(
            "fired", &fired, "the highest threshold that had fired when the budget was removed (profile llm-providers)")
        try visitor.field(
            "firedDepletion", &firedDepletion,
            "the nearest depletion tier that had fired when the budget was removed (profile llm-providers)")
    }
}

struct ModelAccountImage: VersionedRecord {
    var provider: UInt32 = 0
    var model: UInt32 = 0
    var usage = UsageImage()
    var recent: [StretchImage] = []
    var dollars: Double?
    var answering: UInt32?
    var user: UInt32 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider's number")
        try visitor.field("model", &model, "the model's number")
        try visitor.field("usage", &usage, "the sums since it began or was reset")
        try visitor.field("recent", &recent, StretchImage.summary)
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
    var firstRecorded: Timestamp?
    var lastRecorded: Timestamp?
    var cachedInputTokens: Int64 = 0
    var cacheWriteTokens: Int64 = 0
    var reasoningTokens: Int64 = 0
    var unpriced: Int64 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("spend", &spend, "spent")
        try visitor.field("inputTokens", &inputTokens, "tokens sent, from a cache or not")
        try visitor.field("outputTokens", &outputTokens, "tokens received, with reasoning")
        try visitor.field("requests", &requests, "the number of calls")
        try visitor.field(
            "firstRecorded", &firstRecorded, "when the first call was counted; absent if there is none")
        try visitor.field("lastRecorded", &lastRecorded, "when the last call was counted; absent if there is none")
        try visitor.field("cachedInputTokens", &cachedInputTokens, "those of the tokens sent that a cache was read for")
        try visitor.field(
            "cacheWriteTokens", &cacheWriteTokens, "those of the tokens sent that a cache was written with")
        try visitor.field("reasoningTokens", &reasoningTokens, "those of the tokens received that were reasoning")
        try visitor.field("unpriced", &unpriced, "the calls that used something, and whose cost nobody told")
    }
}

// MARK: Between state and file

/// A model account that waits for the others of its provider.
struct PendingModel {
    let provider: Name
    let account: ModelAccount
    let recent: [StretchImage]
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
        account.usage = image.usage.sums.usage
        if let number = image.answering {
            guard let answering = builder.machine.models.name(number: number) else {
                throw Refusal(.damagedData, "model \(number) answered for another and has no name")
            }
            account.answering = answering
        }
        pendingModels.append(
            PendingModel(
                provider: provider, account: account, recent: image.recent, dollars: image.dollars, user: image.user))
    }

    mutating func addPendingModels() throws(Refusal) {
        for model in pendingModels.reversed() {
            try builder.insertModelAccount(model.account, of: model.provider, dollars: model.dollars, by: model.user)
            try builder.setRecent(model.recent, of: model.provider, model.account.model)
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
        firstRecorded = sums.firstRecorded
        lastRecorded = sums.lastRecorded
        cachedInputTokens = sums.parts.cachedInput
        cacheWriteTokens = sums.parts.cacheWrite
        reasoningTokens = sums.parts.reasoning
        unpriced = sums.parts.unpriced
    }

    var sums: CreditLedger.Sums {
        var sums = CreditLedger.Sums()
        sums.spend = spend.nanodollars
        sums.inputTokens = inputTokens
        sums.outputTokens = outputTokens
        sums.requests = requests
        sums.firstRecorded = firstRecorded
        sums.lastRecorded = lastRecorded
        sums.parts.cachedInput = cachedInputTokens
        sums.parts.cacheWrite = cacheWriteTokens
        sums.parts.reasoning = reasoningTokens
        sums.parts.unpriced = unpriced
        return sums
    }
}
