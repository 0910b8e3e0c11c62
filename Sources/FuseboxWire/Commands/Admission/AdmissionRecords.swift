/// How a call went, or a whole loop of retries.
public enum Outcome: UInt8, WireEnumeration {
    /// It was answered.
    case success = 0
    /// The provider failed: 5xx, timeout, no connection.
    case failure = 1
    /// The provider refused for now: 429.
    case throttled = 2
    /// The provider's quota is used up.
    case quotaExhausted = 3
    /// The provider refused for the caller's fault: 400, content filter.
    case rejected = 4
    /// The caller went away before the answer.
    case abandoned = 5
    /// It was never sent.
    case cancelled = 6
    /// The provider did not take the key: 401, 403.
    case unauthorized = 7

    /// Whether the provider could not serve the call, so that another one may.
    public var isOfProvider: Bool {
        switch self {
        case .failure, .throttled, .quotaExhausted, .unauthorized: true
        case .success, .rejected, .abandoned, .cancelled: false
        }
    }

    /// Whether the provider may have said with it when it takes calls again. With a success it has said that nothing
    /// remains of a rate limit.
    public var takesRetryAfter: Bool { isOfProvider && self != .unauthorized || self == .success }

    /// Whether a call that ended so may have used something.
    public var takesUsage: Bool { self != .cancelled }

    /// The outcomes that take a time, as a list in a sentence.
    ///
    /// - Parameter name: how an outcome is written
    public static func withRetryAfter(_ name: (Outcome) -> String = { "`\($0)`" }) -> String {
        let names = allCases.filter(\.takesRetryAfter).map(name)
        return names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
    }
}

/// Why a candidate is not admitted. The reason that lasts longest is told, and of those that last equally long the
/// first in this order, with `paused` before all.
public enum DenialReason: OpenEnumeration {
    /// The route is marked: its quota is used up, or it takes no calls for now.
    case exhausted
    /// The provider's breaker lets nothing through.
    case breakerOpen
    /// The provider's breaker lets a share through, and this call is not part of it.
    case share
    /// The breaker has opened and is not closed yet, and as many calls of that time are in flight as `maxProbes` allows.
    case probes
    /// A limit on one of the call's scopes has no room for what it needs.
    case limit
    /// Other calls wait for what this one needs.
    case waiting
    /// An operator has paused the route. Of reasons that last equally long it comes first.
    case paused
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [DenialReason] = [
        .exhausted, .breakerOpen, .share, .probes, .limit, .paused, .waiting,
    ]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .exhausted: 0
        case .breakerOpen: 1
        case .share: 2
        case .probes: 3
        case .limit: 4
        case .paused: 5
        case .waiting: 6
        case .unknown(let number): number
        }
    }
}

/// What a permit is, or what became of it.
public enum PermitStanding: OpenEnumeration {
    /// It holds what it was granted for.
    case inForce
    /// Its call was settled.
    case settled
    /// Its time to live passed before its call was settled.
    case expired
    /// Its worker died before its call was settled.
    case reclaimed
    /// An operator ended it before its call was settled.
    case revoked
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [PermitStanding] = [.inForce, .settled, .expired, .reclaimed, .revoked]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .inForce: 0
        case .settled: 1
        case .expired: 2
        case .reclaimed: 3
        case .revoked: 4
        case .unknown(let number): number
        }
    }
}

/// One way that a call may go.
public struct CandidateOf<Text: NameText>: WireRecord {
    /// `Candidate`.
    public static var wireType: String { "Candidate" }

    /// The provider, which is also its breaker's name.
    public var provider = Text.blank
    /// The provider's deployment, such as an API key, a region or an endpoint, which can have limits of its own;
    /// absent: the call names none.
    public var deployment: Text?
    /// The model that is asked for, and charged; absent: no model's limit is checked.
    public var model: Text?
    /// Every field has its default.
    @inlinable public init() {}
    /// A way to this provider.
    public init(provider: Text, deployment: Text? = nil, model: Text? = nil) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider, which is also its breaker's name")
        try visitor.field(
            "deployment", &deployment,
            "the provider's deployment, such as an API key, a region or an endpoint, which can have limits of its own; absent: the call names none"
        )
        try visitor.field(
            "model", &model, "the model that is asked for, and charged; absent: no model's limit is checked")
    }
}

/// `CandidateOf` with names that own their bytes.
public typealias Candidate = CandidateOf<Name>

/// The ways that a call may go, best first.
public typealias CandidatesOf<Text: NameText> = WireLimits.CandidateList<CandidateOf<Text>>
/// `CandidatesOf` with names that own their bytes.
public typealias Candidates = CandidatesOf<Name>

/// What a call may use at most. A kind that is absent is not known: a limit of it that is used up denies the call, and
/// one with room takes nothing for it.
public struct Estimate: WireRecord, Equatable {
    /// The cost, $0 to $1,000,000; nil: not known.
    public var cost: Money?
    /// Tokens sent; nil: not known.
    public var inputTokens: UInt32?
    /// Tokens received; nil: not known.
    public var outputTokens: UInt32?
    /// Tokens of either kind, where the kinds are not known apart; goes with neither of them.
    public var tokens: UInt32?

    /// Input and output together, as far as they are known.
    public var allTokens: Int { tokens.map { Int($0) } ?? Int(inputTokens ?? 0) + Int(outputTokens ?? 0) }

    /// Every field has its default.
    @inlinable public init() {}
    /// An estimate of cost, and of tokens that are not known apart.
    public init(cost: Money? = nil, tokens: UInt32? = nil) {
        self.cost = cost
        self.tokens = tokens
    }
    /// An estimate of cost, and of tokens by kind.
    public init(cost: Money? = nil, inputTokens: UInt32?, outputTokens: UInt32?) {
        self.cost = cost
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "cost", &cost,
            "the cost, $0 to \(Quantity.dollars(WireLimits.callCost)); held against limits until the call is settled; absent: not known"
        )
        try visitor.field(
            "inputTokens", &inputTokens,
            "tokens sent, 0 to \(Quantity.grouped(UInt32.max)); counted against limits at once; absent: not known")
        try visitor.field("outputTokens", &outputTokens, "tokens received; absent: not known")
        try visitor.field(
            "tokens", &tokens,
            "input and output together, where they are not known apart: counted in full against limits of either; goes with neither of them"
        )
    }
}

/// Where the cost comes from that a call holds against limits until it is settled.
public enum CostBasis: OpenEnumeration {
    /// Nothing is known of what the call may cost, and nothing is held.
    case nothing
    /// The estimate tells it.
    case told
    /// The estimated tokens, at the price of the model.
    case priced
    /// The 95th percentile of the last calls of the route.
    case percentile
    /// The dearest of the few calls that the route has had.
    case dearest
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [CostBasis] = [.nothing, .told, .priced, .percentile, .dearest]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .nothing: 0
        case .told: 1
        case .priced: 2
        case .percentile: 3
        case .dearest: 4
        case .unknown(let number): number
        }
    }
}

/// For whom the queue has no room for one more call.
public enum FullQueue: OpenEnumeration {
    /// The user of the call: as many of its calls wait as one user may have.
    case user
    /// All users: as many calls wait as may.
    case everybody
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [FullQueue] = [.user, .everybody]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .user: 0
        case .everybody: 1
        case .unknown(let number): number
        }
    }
}

/// What the queue has decided on a call that arrives.
public enum QueueDecision: UInt8, WireEnumeration {
    /// The call does not join the queue.
    case aside = 0
    /// The call joins the queue.
    case joins = 1
    /// The call would join the queue, but as many calls of its user wait as may.
    case fullForUser = 2
    /// The call would join the queue, but as many calls wait as may.
    case full = 3
}

/// Why one candidate is not admitted.
public struct Denial: OpenRecord {
    /// The reason that lasts longest; of those that last equally long, `paused`, or else the first of the enumeration.
    public var reason: DenialReason = .exhausted
    /// How long the reason lasts: trying again cannot succeed earlier; 0: it can as soon as another call ends, or with
    /// the next call; absent: time alone does not help.
    public var retryAfterMilliseconds: Int64?
    /// For the reasons `breakerOpen`, `share` and `probes`: what has opened the breaker first since it last was closed;
    /// absent if it has not opened, and for other reasons.
    public var openedBy: BreakerRule?
    /// With `openedBy`: how often it has opened again since it last was closed.
    public var failedRecoveries: UInt32 = 0
    /// The quiet time that takes one failure off, after recoveries that have failed; absent if none has.
    public var resetTimeoutMilliseconds: Int64?
    /// Every field has its default.
    @inlinable public init() {}
    /// A denial for this reason; without a time, waiting alone does not help.
    public init(reason: DenialReason, retryAfterMilliseconds: Int64?, openedBy: BreakerRule? = nil) {
        self.reason = reason
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.openedBy = openedBy
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "reason", &reason,
            "the reason that lasts longest; of those that last equally long, `paused`, or else the first of the enumeration"
        )
        try visitor.field(
            "retryAfterMilliseconds", &retryAfterMilliseconds,
            "how long the reason lasts: trying again cannot succeed earlier; 0: it can as soon as another call ends, or with the next call; absent: time alone does not help"
        )
        try visitor.field(
            "openedBy", &openedBy,
            "for the reasons `breakerOpen`, `share` and `probes`: what has opened the breaker first since it last was closed; absent if it has not opened, and for other reasons"
        )
        try visitor.field(
            "failedRecoveries", &failedRecoveries,
            "with `openedBy`: how often it has opened again since it last was closed")
        try visitor.field(
            "resetTimeoutMilliseconds", &resetTimeoutMilliseconds,
            "the quiet time that takes one failure off, after recoveries that have failed; absent if none has")
    }
}

/// Which candidate is admitted, and why those before it are not.
public struct AdmissionDecision: OpenRecord {
    /// The place of the admitted candidate in the request, from 0; absent: denied.
    public var candidate: UInt8?
    /// The state of the admitted candidate's breaker; closed if denied.
    public var state: BreakerState = .closed
    /// The share of traffic that this breaker admits, 0 to 1; 0 if denied.
    public var share: Double = 1
    /// One for each candidate before the admitted one, or for each of all if denied, in their order.
    public var denials = WireLimits.CandidateList<Denial>()
    /// The shortest of the candidates' times; absent if admitted, or if time alone does not help.
    public var retryAfterMilliseconds: Int64?
    /// The limits behind the reason `limit`, at most `WireLimits.limitsTold`: for each candidate denied for it that
    /// limit; if the request `explains`, every limit that stands against one of these candidates.
    public var limits: [LimitObjection] = []
    /// The cost that the admitted call holds until it is settled; absent: none, or denied.
    public var heldCost: Money?
    /// Where this cost comes from.
    public var costBasis: CostBasis = .nothing
    /// Whether the admitted call probes a mark of its route: a success ends the mark.
    public var isProbe = false
    /// Why a call that may wait is denied though waiting can help: the queue is full; absent: it is not, or the call
    /// does not wait.
    public var fullQueue: FullQueue?
    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "candidate", &candidate, "the place of the admitted candidate in the request, from 0; absent: denied")
        try visitor.field("state", &state, "the state of the admitted candidate's breaker; closed if denied")
        try visitor.field("share", &share, "the share of traffic that this breaker admits, 0 to 1; 0 if denied")
        try visitor.field(
            "denials", &denials,
            "one for each candidate before the admitted one, or for each of all if denied, in their order")
        try visitor.field(
            "retryAfterMilliseconds", &retryAfterMilliseconds,
            "the shortest of the candidates' times; absent if admitted, or if time alone does not help")
        try visitor.field(
            "limits", &limits,
            "for each candidate denied with the reason `limit`, that limit; if the request `explains`, every limit that stands against one of these candidates; at most \(WireLimits.limitsTold)"
        )
        try visitor.field(
            "heldCost", &heldCost,
            "the cost that the admitted call holds until it is settled; absent: none, or denied")
        try visitor.field("costBasis", &costBasis, "where this cost comes from")
        try visitor.field(
            "isProbe", &isProbe, "whether the admitted call probes a mark of its route: a success ends the mark")
        try visitor.field(
            "fullQueue", &fullQueue,
            "why a call that may wait is denied though waiting can help: the queue is full; absent: it is not, or the call does not wait"
        )
    }
}

/// What a call has used.
public struct CallUsageOf<Text: NameText>: WireRecord {
    /// `CallUsage`.
    public static var wireType: String { "CallUsage" }

    /// The model that answered; it is charged only where no model was asked for; where neither is named, `unspecified`
    /// is charged.
    public var model: Text?
    /// What the call cost, $0 to `WireLimits.callCost`; absent: nobody told it.
    public var cost: Money?
    /// The tokens by kind.
    public var tokens = TokenUsage()
    /// Every field has its default.
    @inlinable public init() {}
    /// What a call has cost, and the tokens that it used; nil: nobody told it.
    public init(model: Text? = nil, cost: Money? = nil, tokens: TokenUsage) {
        self.model = model
        self.cost = cost
        self.tokens = tokens
    }
    /// What a call has cost, and the tokens that it used without a cache and without reasoning; nil: nobody told it.
    public init(model: Text? = nil, cost: Money? = nil, inputTokens: UInt32? = nil, outputTokens: UInt32? = nil) {
        self.init(model: model, cost: cost, tokens: TokenUsage(input: inputTokens, output: outputTokens))
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "model", &model,
            "the model that answered; it is charged only where no model was asked for; where neither is named, `unspecified` is charged"
        )
        try visitor.field(
            "cost", &cost,
            "what the call cost, $0 to \(Quantity.dollars(WireLimits.callCost)); absent: nobody told it")
        try visitor.field("tokens", &tokens, "the tokens by kind")
    }
}

/// `CallUsageOf` with names that own their bytes.
public typealias CallUsage = CallUsageOf<Name>

extension CallUsageOf<Name> {
    /// The model account of usage that names no model.
    public static var unspecifiedModel: String { "unspecified" }
}

/// A permit that is in force, or has ended without being settled.
public struct PermitEntry: OpenRecord {
    /// The permit's number.
    public var permit: UInt64 = 0
    /// The provider.
    public var provider = Name.blank
    /// The deployment; absent: none was named.
    public var deployment: Name?
    /// The model that was asked for; absent: none was named.
    public var model: Name?
    /// What the call was made for; the last tag is its user's, `uid:N`.
    public var tags: [Name] = []
    /// Whether it is in force, or how it ended.
    public var standing: PermitStanding = .inForce
    /// The worker that holds it; the lower half is shown as 0, because the whole id lets a process pass for this
    /// worker.
    public var worker = WorkerID(high: 0, low: 0)
    /// The peer user that the worker runs as.
    public var user: UInt32 = 0
    /// The estimate that it was granted for.
    public var estimate = Estimate()
    /// When it was granted, on the steady clock.
    public var grantedAt = Timestamp(milliseconds: 0)
    /// When it ends by itself, on the steady clock.
    public var expiresAt = Timestamp(milliseconds: 0)
    /// Whether its call counts as in flight; not after its worker's death.
    public var isInFlight = false
    /// The ticket of a call that has waited for the permit; 0: it has not.
    public var ticket: UInt64 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("permit", &permit, "the permit's number")
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: none was named")
        try visitor.field("model", &model, "the model that was asked for; absent: none was named")
        try visitor.field("tags", &tags, "what the call was made for; the last tag is its user's, `uid:N`")
        try visitor.field("standing", &standing, "whether it is in force, or how it ended")
        try visitor.field(
            "worker", &worker,
            "the worker that holds it; the lower half is shown as 0, because the whole id lets a process pass for this worker"
        )
        try visitor.field("user", &user, "the peer user that the worker runs as")
        try visitor.field("estimate", &estimate, "the estimate that it was granted for")
        try visitor.field("grantedAt", &grantedAt, "when it was granted, on the steady clock")
        try visitor.field(
            "expiresAt", &expiresAt, "when it ends by itself, on the steady clock; once it has lapsed, when it did")
        try visitor.field(
            "isInFlight", &isInFlight, "whether its call counts as in flight; not after its worker's death")
        try visitor.field("ticket", &ticket, "the ticket of a call that has waited for the permit; 0: it has not")
    }
}

/// What became of all permits: granted = settled + expired + reclaimed + revoked + outstanding.
public struct PermitTotals: OpenRecord {
    /// Permits granted.
    public var granted: UInt64 = 0
    /// Permits settled while in force.
    public var settled: UInt64 = 0
    /// Permits whose time to live passed before they were settled.
    public var expired: UInt64 = 0
    /// Permits whose worker died before they were settled.
    public var reclaimed: UInt64 = 0
    /// Permits that an operator ended before they were settled.
    public var revoked: UInt64 = 0
    /// Permits in force.
    public var outstanding: UInt64 = 0
    /// Permits settled after they had expired, or were reclaimed or revoked.
    public var settledLate: UInt64 = 0
    /// The sum of the estimates of permits in force; the end of the range if it is more.
    public var held = Money.zero
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("granted", &granted, "permits granted")
        try visitor.field("settled", &settled, "permits settled while in force")
        try visitor.field("expired", &expired, "permits whose time to live passed before they were settled")
        try visitor.field("reclaimed", &reclaimed, "permits whose worker died before they were settled")
        try visitor.field("revoked", &revoked, "permits that an operator ended before they were settled")
        try visitor.field("outstanding", &outstanding, "permits in force")
        try visitor.field(
            "settledLate", &settledLate, "permits settled after they had expired, or were reclaimed or revoked")
        try visitor.field(
            "held", &held, "the sum of the estimates of permits in force; the end of the range if it is more")
    }
}
