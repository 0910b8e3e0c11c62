import FuseboxWire

/// The totals of all permits.
enum PermitTotalsSection: SnapshotSection {
    static let kind: UInt32 = 19
    static let name = "permitTotals"
    static let summary = "one record: the totals of all permits, and the numbers of permits that are no longer known"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        var image = PermitTotalsImage()
        image.totals = machine.permits.totals
        image.forgotten = machine.permits.forgotten.image
        image.forgottenOfOthers = machine.permits.forgotten.markOfOthers
        image.runs = machine.permits.runs.map { PermitTotalsImage.Run(first: $0.first, last: $0.last) }
        part.add(image)
    }

    static func add(_ image: PermitTotalsImage, to state: inout StateImage) throws(Refusal) {
        state.permitTotals = image.totals
        try state.builder.setPermitTotals(image)
    }
}

/// The permits that are in force or lapsed.
enum PermitSection: SnapshotSection {
    static let kind: UInt32 = 20
    static let name = "permits"
    static let summary =
        "the permits in force in the order of their numbers, then the lapsed ones, user by user, in the order in which they ended"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        machine.permits.forEach { permit in
            var image = PermitImage(machine.entry(permit, isVisible: false))
            image.episode = permit.grant.passage.episode
            image.isOfModelBreaker = permit.grant.passage.isOfModel
            image.isProbe = permit.grant.passage.isProbe
            image.candidate = permit.grant.candidate
            image.probes = permit.grant.probes.rawValue
            image.charges = machine.limitTable.images(ofCharges: permit.grant.charge)
            part.add(image)
        }
    }

    static func add(_ image: PermitImage, to state: inout StateImage) throws(Refusal) {
        let passage = PermitRegistry.Passage(
            episode: image.episode, isOfModel: image.isOfModelBreaker, isProbe: image.isProbe)
        try state.builder.insertPermit(
            image.entry, candidate: image.candidate, image.charges, passage,
            probes: CallRoutes.Places(rawValue: image.probes))
    }
}

struct PermitTotalsImage: VersionedRecord {
    struct Run: WireRecord {
        static var wireType: String { "PermitRun" }
        var first: UInt64 = 0
        var last: UInt64 = 0

        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("first", &first, "the first permit number after a start of the daemon")
            try visitor.field(
                "last", &last, "the last number before the next start; below `first` if no permit was granted")
        }
    }

    struct Forgotten: WireRecord {
        static var wireType: String { "ForgottenPermits" }
        var user: UInt32 = 0
        var through: UInt64 = 0

        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("user", &user, "the peer user that the permits were granted to")
            try visitor.field(
                "through", &through, "the highest number of its lapsed permits that were forgotten to make room")
        }
    }

    var granted: UInt64 = 0
    var settled: UInt64 = 0
    var expired: UInt64 = 0
    var reclaimed: UInt64 = 0
    var revoked: UInt64 = 0
    var outstanding: UInt64 = 0
    var settledLate: UInt64 = 0
    var held = Money.zero
    var forgotten: [Forgotten] = []
    var forgottenOfOthers: UInt64 = 0
    var runs: [Run] = []

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("granted", &granted, "permits granted")
        try visitor.field("settled", &settled, "permits settled while in force")
        try visitor.field("expired", &expired, "permits whose time to live passed before they were settled")
        try visitor.field("reclaimed", &reclaimed, "permits whose worker died before they were settled")
        try visitor.field("revoked", &revoked, "permits that an operator ended before they were settled")
        try visitor.field("outstanding", &outstanding, "permits in force, which follow in section 20")
        try visitor.field(
            "settledLate", &settledLate, "permits settled after they had expired, or were reclaimed or revoked")
        try visitor.field(
            "held", &held, "the sum of the estimates of permits in force; the end of the range if it is more")
        try visitor.field("forgotten", &forgotten, "how far lapsed permits had to make room, users rising")
        try visitor.field(
            "forgottenOfOthers", &forgottenOfOthers,
            "the highest forgotten number of the users that are not listed, because there were too many; 0: all are listed"
        )
        try visitor.field("runs", &runs, "the numbers that were given to permits, oldest run first")
    }
}

struct PermitImage: VersionedRecord {
    var permit: UInt64 = 0
    var provider = Name.blank
    var deployment: Name?
    var model: Name?
    var tags: [Name] = []
    var standing: PermitStandingImage = .inForce
    var worker = WorkerID()
    var user: UInt32 = 0
    var estimate = EstimateImage()
    var grantedAt = Timestamp(milliseconds: 0)
    var expiresAt = Timestamp(milliseconds: 0)
    var isInFlight = false
    var episode: UInt32 = 0
    var isOfModelBreaker = false
    var isProbe = false
    var probes: UInt8 = 0
    var charges: [ChargeImage] = []
    var ticket: UInt64 = 0
    var candidate: UInt8 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("permit", &permit, "the permit's number")
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: none was named")
        try visitor.field("model", &model, "the model that was asked for; absent: none was named")
        try visitor.field("tags", &tags, "the tags that it is charged to, that of its user among them")
        try visitor.field("standing", &standing, "whether it is in force, or how it ended")
        try visitor.field("worker", &worker, "the whole id of the worker that holds it")
        try visitor.field("user", &user, "the peer user that the worker runs as")
        try visitor.field("estimate", &estimate, "the estimate that it was granted for")
        try visitor.field("grantedAt", &grantedAt, "when it was granted, on the steady clock")
        try visitor.field(
            "expiresAt", &expiresAt, "when it ends by itself, on the steady clock; once it has lapsed, when it did")
        try visitor.field(
            "isInFlight", &isInFlight, "whether its call counts as in flight; no longer after its worker's death")
        try visitor.field("episode", &episode, "the episode of the breaker that let its call pass")
        try visitor.field("isOfModelBreaker", &isOfModelBreaker, "whether that is the breaker of its model")
        try visitor.field("isProbe", &isProbe, "whether that breaker had opened and was not closed yet")
        try visitor.field(
            "probes", &probes,
            "the marks that its call probes: 1 of the provider, 2 of the deployment, 4 of the provider with the model, 8 of the deployment with the model"
        )
        try visitor.field("charges", &charges, "what limits took of it, as far as they are still there")
        try visitor.field("ticket", &ticket, "the ticket of a call that has waited for the permit; 0: it has not")
        try visitor.field(
            "candidate", &candidate, "the candidate that was granted to such a call, by its place in the request")
    }
}

/// What a call may use at most, in a snapshot.
struct EstimateImage: WireRecord {
    var cost: Money?
    var inputTokens: UInt32?
    var outputTokens: UInt32?
    var tokens: UInt32?

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cost", &cost, "its cost; absent: not known")
        try visitor.field("inputTokens", &inputTokens, "tokens sent; absent: not known")
        try visitor.field("outputTokens", &outputTokens, "tokens received; absent: not known")
        try visitor.field("tokens", &tokens, "tokens that are not known apart; absent where those are told")
    }
}

extension EstimateImage {
    init(_ estimate: Estimate) {
        cost = estimate.cost
        inputTokens = estimate.inputTokens
        outputTokens = estimate.outputTokens
        tokens = estimate.tokens
    }

    var estimate: Estimate {
        var estimate = Estimate(cost: cost, inputTokens: inputTokens, outputTokens: outputTokens)
        estimate.tokens = tokens
        return estimate
    }
}

/// The standing of a permit, in a snapshot.
enum PermitStandingImage: UInt8, ClosedEnumeration {
    case inForce = 0
    case settled = 1
    case expired = 2
    case reclaimed = 3
    case revoked = 4
}

// MARK: Between state and file

extension PermitTotalsImage {
    var totals: PermitTotals {
        get {
            var totals = PermitTotals()
            totals.granted = granted
            totals.settled = settled
            totals.expired = expired
            totals.reclaimed = reclaimed
            totals.revoked = revoked
            totals.outstanding = outstanding
            totals.settledLate = settledLate
            totals.held = held
            return totals
        }
        set {
            granted = newValue.granted
            settled = newValue.settled
            expired = newValue.expired
            reclaimed = newValue.reclaimed
            revoked = newValue.revoked
            outstanding = newValue.outstanding
            settledLate = newValue.settledLate
            held = newValue.held
        }
    }
}

extension PermitImage {
    fileprivate init(_ entry: PermitEntry) {
        permit = entry.permit
        provider = entry.provider
        deployment = entry.deployment
        model = entry.model
        tags = entry.tags
        standing = PermitStandingImage(entry.standing)
        worker = entry.worker
        user = entry.user
        estimate = EstimateImage(entry.estimate)
        grantedAt = entry.grantedAt
        expiresAt = entry.expiresAt
        isInFlight = entry.isInFlight
        ticket = entry.ticket
    }

    fileprivate var entry: PermitEntry {
        var entry = PermitEntry()
        entry.permit = permit
        entry.provider = provider
        entry.deployment = deployment
        entry.model = model
        entry.tags = tags
        entry.standing = standing.standing
        entry.worker = worker
        entry.user = user
        entry.estimate = estimate.estimate
        entry.grantedAt = grantedAt
        entry.expiresAt = expiresAt
        entry.isInFlight = isInFlight
        entry.ticket = ticket
        return entry
    }
}

extension PermitStandingImage {
    fileprivate init(_ standing: PermitStanding) {
        self =
            switch standing {
            case .inForce: .inForce
            case .settled: .settled
            case .expired: .expired
            case .reclaimed: .reclaimed
            case .revoked: .revoked
            case .unknown: preconditionFailure("the state holds known values only")
            }
    }

    fileprivate var standing: PermitStanding {
        switch self {
        case .inForce: .inForce
        case .settled: .settled
        case .expired: .expired
        case .reclaimed: .reclaimed
        case .revoked: .revoked
        }
    }
}
