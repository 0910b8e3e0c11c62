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

    /// Whether the provider may have said with it when it takes calls again.
    public var takesRetryAfter: Bool { self == .failure || self == .throttled || self == .quotaExhausted }
}

/// Why a candidate is not admitted. The reason that lasts longest is told, and of those that last equally long the first in this
/// order.
public enum DenialReason: OpenEnumeration {
    /// The provider's quota is marked as used up.
    case exhausted
    /// The provider's breaker lets nothing through.
    case breakerOpen
    /// The provider's breaker lets a share through, and this call is not part of it.
    case share
    /// As many calls are in flight as `maxProbes` allows while the breaker is not closed.
    case probes
    /// The limit of requests per minute.
    case rpm
    /// The limit of requests per day.
    case rpd
    /// The limit of tokens per minute.
    case tpm
    /// The limit of tokens per day.
    case tpd
    /// The provider's enforced budget does not hold the estimate.
    case providerBudget
    /// The model's enforced budget does not hold the estimate.
    case modelBudget
    /// A limit on one of the call's scopes has no room for what it needs.
    case limit
    /// One that only newer peers know.
    case unknown(UInt8)

    public static let allCases: [DenialReason] = [
        .exhausted, .breakerOpen, .share, .probes, .rpm, .rpd, .tpm, .tpd, .providerBudget, .modelBudget,
        .limit,
    ]

    @inlinable public var rawValue: UInt8 {
        switch self {
        case .exhausted: 0
        case .breakerOpen: 1
        case .share: 2
        case .probes: 3
        case .rpm: 4
        case .rpd: 5
        case .tpm: 6
        case .tpd: 7
        case .providerBudget: 8
        case .modelBudget: 9
        case .limit: 10
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

    public static let allCases: [PermitStanding] = [.inForce, .settled, .expired, .reclaimed, .revoked]

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
public struct Candidate: WireRecord {
    public var provider = Name.blank
    /// The API key, region or endpoint; nil: none is told apart.
    public var deployment: Name?
    public var model: Name?
    @inlinable public init() {}
    public init(provider: Name, deployment: Name? = nil, model: Name? = nil) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider, which is also its breaker's name")
        try visitor.field(
            "deployment", &deployment,
            "the API key, region or endpoint: what limits of its own may be set on; absent: none is told apart")
        try visitor.field(
            "model", &model, "the model that is asked for, and charged; absent: no model's budget is looked at")
    }
}

/// The ways that a call may go, best first.
public typealias Candidates = WireLimits.CandidateList<Candidate>

/// What a call may use at most. A kind that is absent is not known: a limit of it that is used up denies the call, and one with
/// room takes nothing for it.
public struct Estimate: WireRecord, Equatable {
    /// $0 to $1,000,000.
    public var cost: Money?
    /// Tokens sent.
    public var inputTokens: UInt32?
    /// Tokens received.
    public var outputTokens: UInt32?
    /// Tokens of either kind, where the kinds are not known apart; goes with neither of them.
    public var tokens: UInt32?

    /// Input and output together, as far as they are known.
    public var allTokens: Int { tokens.map { Int($0) } ?? Int(inputTokens ?? 0) + Int(outputTokens ?? 0) }

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
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "cost", &cost,
            "$0 to \(Quantity.dollars(WireLimits.callCost)); held against budgets and limits until the call is settled; absent: not known"
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

/// Why one candidate is not admitted.
public struct Denial: OpenRecord {
    public var reason: DenialReason = .exhausted
    public var retryAfterMilliseconds: Int64?
    @inlinable public init() {}
    public init(reason: DenialReason, retryAfterMilliseconds: Int64?) {
        self.reason = reason
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "reason", &reason,
            "the one that lasts longest; of those that last equally long, the first of the enumeration")
        try visitor.field(
            "retryAfterMilliseconds", &retryAfterMilliseconds,
            "how long it lasts: trying again can succeed then at the earliest; 0: as soon as another call ends, or with the next call; absent: time alone does not help"
        )
    }
}

/// Which candidate is admitted, and why those before it are not.
public struct AdmissionDecision: OpenRecord {
    public var candidate: UInt8?
    public var state: BreakerState = .closed
    public var share: Double = 1
    public var denials = WireLimits.CandidateList<Denial>()
    public var retryAfterMilliseconds: Int64?
    /// The limits behind reasons of the kind `limit`.
    public var limits: [LimitObjection] = []
    @inlinable public init() {}

    /// The most limits that one decision tells of.
    public static let limitsTold = 64

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("candidate", &candidate, "the place of the one that is admitted, from 0; absent: denied")
        try visitor.field("state", &state, "of the admitted candidate's breaker; closed if denied")
        try visitor.field("share", &share, "of traffic that it lets through, 0 to 1; 0 if denied")
        try visitor.field("denials", &denials, "of the candidates before the admitted one, or of all, in their order")
        try visitor.field(
            "retryAfterMilliseconds", &retryAfterMilliseconds,
            "if denied: the shortest of the candidates' times; absent: time alone does not help")
        try visitor.field(
            "limits", &limits,
            "of each denied candidate with the reason `limit`, that limit; if the request asks for all, each limit that stands against any of these candidates, at most \(Self.limitsTold)"
        )
    }
}

/// What a call has used.
public struct CallUsage: WireRecord {
    public var model: Name?
    public var cost = Money.zero
    public var inputTokens: UInt32 = 0
    public var outputTokens: UInt32 = 0
    @inlinable public init() {}
    public init(model: Name? = nil, cost: Money, inputTokens: UInt32 = 0, outputTokens: UInt32 = 0) {
        self.model = model
        self.cost = cost
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
    }

    /// The model account of usage that names no model.
    public static let unspecifiedModel = "unspecified"

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "model", &model,
            "the name that answered; it is charged only where no model was asked for, and with no name at all `unspecified` is"
        )
        try visitor.field("cost", &cost, "$0 to \(Quantity.dollars(WireLimits.callCost))")
        try visitor.field("inputTokens", &inputTokens, "tokens sent, 0 to \(Quantity.grouped(UInt32.max))")
        try visitor.field("outputTokens", &outputTokens, "tokens received, 0 to \(Quantity.grouped(UInt32.max))")
    }
}

/// A permit that is in force, or has ended without being settled.
public struct PermitEntry: OpenRecord {
    public var permit: UInt64 = 0
    public var provider = Name.blank
    public var deployment: Name?
    public var model: Name?
    public var tags: [Name] = []
    public var standing: PermitStanding = .inForce
    public var worker = WorkerID(high: 0, low: 0)
    public var user: UInt32 = 0
    public var estimate = Estimate()
    public var grantedAt = Timestamp(milliseconds: 0)
    public var expiresAt = Timestamp(milliseconds: 0)
    public var isInFlight = false
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("permit", &permit, "its number")
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: none was told apart")
        try visitor.field("model", &model, "the model that was asked for")
        try visitor.field("tags", &tags, "what the call was made for; the last is its user's, `uid:N`")
        try visitor.field("standing", &standing, "whether it is in force")
        try visitor.field(
            "worker", &worker,
            "who holds it; the lower half is shown as 0, because the whole id lets a process pass for this worker")
        try visitor.field("user", &user, "the peer user that the worker runs as")
        try visitor.field("estimate", &estimate, "what it was granted for")
        try visitor.field("grantedAt", &grantedAt, "on the steady clock")
        try visitor.field("expiresAt", &expiresAt, "on the steady clock")
        try visitor.field(
            "isInFlight", &isInFlight, "whether its call counts as in flight; not after its worker's death")
    }
}

/// What became of all permits: granted = settled + expired + reclaimed + revoked + outstanding.
public struct PermitTotals: OpenRecord {
    public var granted: UInt64 = 0
    public var settled: UInt64 = 0
    public var expired: UInt64 = 0
    public var reclaimed: UInt64 = 0
    public var revoked: UInt64 = 0
    public var outstanding: UInt64 = 0
    public var settledLate: UInt64 = 0
    public var held = Money.zero
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("granted", &granted, "permits granted")
        try visitor.field("settled", &settled, "those that were settled while in force")
        try visitor.field("expired", &expired, "those whose time to live passed first")
        try visitor.field("reclaimed", &reclaimed, "those whose worker died first")
        try visitor.field("revoked", &revoked, "those that an operator ended first")
        try visitor.field("outstanding", &outstanding, "those in force")
        try visitor.field("settledLate", &settledLate, "those settled after they had ended otherwise")
        try visitor.field("held", &held, "the sum of the outstanding estimates; the range's end if it is more")
    }
}
