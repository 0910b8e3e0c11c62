import FuseboxWire

/// The accounts of the host, of deployments and of tags.
enum ScopeAccountSection: SnapshotSection {
    static let kind: UInt32 = 15
    static let name = "scopeAccounts"
    static let summary = "the account of the host, then those of deployments and of tags"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        let ledger = machine.ledger
        part.add(ScopeAccountImage(ledger.host, ledger.recents))
        ledger.deployments.forEachIndex { index in
            var image = ScopeAccountImage(ledger.deployments[existing: index], ledger.recents)
            image.deployment = UInt32(index)
            part.add(image)
        }
        ledger.tags.forEachIndex { index in
            var image = ScopeAccountImage(ledger.tags[existing: index], ledger.recents)
            image.tag = UInt32(index)
            image.users = ledger.tags[existing: index].users.all
            part.add(image)
        }
    }

    static func add(_ image: ScopeAccountImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.insertAccount(image)
    }
}

struct ScopeAccountImage: VersionedRecord {
    var deployment: UInt32?
    var tag: UInt32?
    var usage = UsageImage()
    var recent: [StretchImage] = []
    var users: [UInt32] = []

    init() {}

    init(_ account: CreditLedger.Account, _ recents: RecentUsePool) {
        usage = UsageImage(account.sums)
        recent = recents.images(of: account.recent)
    }

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "deployment", &deployment, "the number of the deployment's name; absent: of a tag or the host")
        try visitor.field("tag", &tag, "the number of the tag; absent: of a deployment or the host")
        try visitor.field("usage", &usage, "the sums since it began or was reset")
        try visitor.field("recent", &recent, StretchImage.summary)
        try visitor.field(
            "users", &users, "of a tag: the last users whose calls have named it, in the order of their last calls")
    }
}

/// What an account has used in a stretch of time, in a snapshot.
struct StretchImage: WireRecord {
    static let summary = "what was used lately by the hour, the day and 30 days, oldest first"

    var start = Timestamp(milliseconds: 0)
    var end = Timestamp(milliseconds: 0)
    var cost: Int64 = 0
    var requests: Int64 = 0
    var inputTokens: Int64 = 0
    var outputTokens: Int64 = 0
    var unpriced: Int64 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("start", &start, "its first moment, on the wall clock")
        try visitor.field("end", &end, "the first moment after it")
        try visitor.field("cost", &cost, "what was spent, in nano-dollars")
        try visitor.field("requests", &requests, "the number of calls")
        try visitor.field("inputTokens", &inputTokens, "tokens sent")
        try visitor.field("outputTokens", &outputTokens, "tokens received")
        try visitor.field("unpriced", &unpriced, "calls that used something, and whose cost nobody told")
    }
}

extension RecentUsePool {
    func images(of use: RecentUse) -> [StretchImage] {
        stretches(of: use).map { stretch in
            var image = StretchImage()
            image.start = stretch.start
            image.end = stretch.end
            image.cost = stretch.sums.cost
            image.requests = stretch.sums.requests
            image.inputTokens = stretch.sums.inputTokens
            image.outputTokens = stretch.sums.outputTokens
            image.unpriced = stretch.sums.unpriced
            return image
        }
    }

    /// Restores what an account has used lately.
    ///
    /// - Throws: `damagedData` if the stretches overlap or are out of order; `outOfRange` for an impossible moment
    mutating func restore(_ images: [StretchImage], in use: inout RecentUse) throws(Refusal) {
        var end: Timestamp?
        for image in images {
            try validateMoment(image.start, "the start of a stretch of an account")
            try validateMoment(image.end, "the end of a stretch of an account")
            guard image.start < image.end, end ?? image.start <= image.start else {
                throw Refusal(.damagedData, "the stretches of an account are out of order")
            }
            end = image.end
            restore(
                Stretch(
                    start: image.start, end: image.end,
                    sums: UseSums(
                        cost: image.cost, requests: image.requests, inputTokens: image.inputTokens,
                        outputTokens: image.outputTokens, unpriced: image.unpriced)), in: &use)
        }
    }
}

extension StateMachine.Builder {
    /// Adds the account of the host, of a deployment or of a tag.
    ///
    /// - Throws: `damagedData` if its name is not there, or if it comes twice; `outOfRange`
    mutating func insertAccount(_ image: ScopeAccountImage) throws(Refusal) {
        let sums = image.usage.sums
        guard sums.requests >= 0 else { throw Refusal(.outOfRange, "the requests of an account must not be negative") }
        for moment in [sums.firstRecorded, sums.lastRecorded] {
            if let moment { try validateMoment(moment, "a moment of an account") }
        }
        var account = CreditLedger.Account(sums: sums)
        try machine.ledger.recents.restore(image.recent, in: &account.recent)
        for user in image.users { account.users.add(user) }
        guard account.users.all == image.users, image.users.isEmpty || image.tag != nil else {
            throw Refusal(.damagedData, "the users of an account cannot be there")
        }
        switch (image.deployment, image.tag) {
        case (nil, nil): machine.ledger.host = account
        case (let number?, nil):
            guard machine.names.name(number: number) != nil, !machine.ledger.deployments.contains(Int(number)),
                machine.names.parent(of: NameID(index: Int(number))) != nil
            else { throw Refusal(.damagedData, "the account of the deployment \(number) cannot be there") }
            machine.names.retain(NameID(index: Int(number)))
            machine.ledger.deployments.insert(account, at: Int(number))
        case (nil, let number?):
            guard machine.tags.names.name(number: number) != nil, !machine.ledger.tags.contains(Int(number)) else {
                throw Refusal(.damagedData, "the account of the tag \(number) cannot be there")
            }
            machine.tags.retain(TagID(index: Int(number)))
            machine.ledger.tags.insert(account, at: Int(number))
        case (_?, _?): throw Refusal(.damagedData, "an account is of a deployment or of a tag, not of both")
        }
    }

    /// Restores what a provider, or a model of it, has used lately.
    mutating func setRecent(_ images: [StretchImage], of provider: Name, _ model: Name? = nil) throws(Refusal) {
        guard let id = machine.names.find(provider), machine.ledger.contains(id) else { return }
        if let model {
            guard let place = machine.models.find(model).flatMap({ machine.ledger.findModel(id, $0) }) else { return }
            machine.ledger.recents.removeAll(&machine.ledger.models[place].recent)
            try machine.ledger.recents.restore(images, in: &machine.ledger.models[place].recent)
        } else {
            machine.ledger.recents.removeAll(&machine.ledger.providers[existing: id.index].recent)
            try machine.ledger.recents.restore(images, in: &machine.ledger.providers[existing: id.index].recent)
        }
    }
}
