import FuseboxWire

/// Leave to make one call, and a hold on what it may use.
public struct Permit: Sendable, Equatable {
    /// Where the call may go.
    public var candidate: Candidate
    /// The provider that may be called.
    public var provider: String { candidate.provider.text }
    /// The model that it may be asked for; nil if the candidate named none.
    public var model: String? { candidate.model?.text }
    /// By which the daemon knows it; nil if it is assumed.
    public let number: UInt64?
    /// When it ends by itself, on the daemon's steady clock; nil if it is assumed.
    public let expiresAt: Timestamp?
    /// Of the provider's breaker, at the moment of the admission.
    public let state: BreakerState
    /// The share of traffic that the breaker let through then, 0 to 1.
    public let share: Double
    /// The candidates before it, and why they were passed over.
    public let passedOver: [AdmissionDenied.Reason]
    /// What the call is made for.
    public var tags: [String] { sentTags.array.map(\.text) }
    let sentTags: WireLimits.TagList
    /// The life of the daemon's state in which its number means something.
    let epoch: UInt64?

    /// Whether the daemon did not answer and the policy is to fail open: nothing is held, and settling it is a report.
    public var isAssumed: Bool { number == nil }

    /// What the daemon decided; nil: it did not answer, and the policy is to fail open.
    static func read(
        _ reply: Admit.Reply?, to asked: Admit, in epoch: UInt64?
    ) throws(ClientError) -> Result<Permit, AdmissionDenied> {
        guard let reply else {
            let permit = Permit(
                candidate: asked.candidates[0], number: nil, expiresAt: nil, state: .closed, share: 1, passedOver: [],
                sentTags: asked.tags, epoch: nil)
            return .success(permit)
        }
        switch try AdmissionPreview.read(reply.decision, of: asked.candidates.array) {
        case .failure(let denied): return .failure(denied)
        case .success(let preview):
            guard let number = reply.permit else {
                throw .protocolViolation("a call is admitted without a permit")
            }
            let permit = Permit(
                candidate: preview.candidate, number: number, expiresAt: reply.expiresAt, state: preview.state,
                share: preview.share, passedOver: preview.passedOver, sentTags: asked.tags, epoch: epoch)
            return .success(permit)
        }
    }
}

/// None of the candidates may be called now.
public struct AdmissionDenied: Error, Sendable, Equatable, CustomStringConvertible {
    /// Why one candidate may not be called.
    public struct Reason: Sendable, Equatable {
        /// The candidate.
        public var candidate: Candidate
        /// The reason that lasts longest; of those that last equally long the first in the order of `DenialReason`.
        public var reason: DenialReason
        /// Time until trying again can succeed at the earliest. Zero: as soon as another call ends, or with the next call; nil:
        /// time alone does not help.
        public var retryAfter: Duration?
        /// The limits that stand against it: with the reason `limit` that limit; every one if the request asked for all.
        public var limits: [LimitObjection] = []
    }

    /// Of each candidate, in their order.
    public var reasons: [Reason]
    /// Time until any candidate can be admitted at the earliest. Zero: as soon as another call ends, or with the next call;
    /// nil: time alone does not help.
    public var retryAfter: Duration?

    /// The reasons and when to try again, for a person.
    public var description: String {
        let each = reasons.map { reason in
            let limit = reason.limits.first.map { " of \($0.limit) on \($0.scope)" } ?? ""
            return "\(reason.candidate.route): \(reason.reason)\(limit)"
        }
        let hope =
            switch retryAfter {
            case nil: "waiting alone does not help"
            case .zero?: "try again with the next call"
            case let wait?: "try again in \(wait)"
            }
        return "no provider may be called now (\(each.joined(separator: ", "))); \(hope)"
    }
}

/// Which candidate would be admitted.
public struct AdmissionPreview: Sendable, Equatable {
    /// Where the call may go.
    public var candidate: Candidate
    /// Of its breaker.
    public var state: BreakerState
    /// The share of traffic that the breaker lets through, 0 to 1.
    public var share: Double
    /// The candidates before it, and why they are passed over.
    public var passedOver: [AdmissionDenied.Reason]

    static func read(
        _ decision: AdmissionDecision, of candidates: [Candidate]
    ) throws(ClientError) -> Result<AdmissionPreview, AdmissionDenied> {
        let reasons = zip(candidates, decision.denials.array).enumerated().map { place, denied in
            AdmissionDenied.Reason(
                candidate: denied.0, reason: denied.1.reason,
                retryAfter: denied.1.retryAfterMilliseconds.map { .milliseconds($0) },
                limits: decision.limits.filter { Int($0.candidate) == place })
        }
        guard let place = decision.candidate else {
            let wait: Duration? = decision.retryAfterMilliseconds.map { .milliseconds($0) }
            return .failure(AdmissionDenied(reasons: reasons, retryAfter: wait))
        }
        guard Int(place) < candidates.count else {
            throw .protocolViolation("candidate \(place) of \(candidates.count) is admitted")
        }
        let preview = AdmissionPreview(
            candidate: candidates[Int(place)], state: decision.state, share: decision.share, passedOver: reasons)
        return .success(preview)
    }
}

/// What became of a settle.
public struct Settling: Sendable, Equatable {
    /// What the permit was: `settled` changed nothing; `expired`, `reclaimed` and `revoked` counted all the same. Nil if that is not
    /// known: the daemon did not answer, or keeps nothing of the permit.
    public var standing: PermitStanding?
    /// The event that the usage fired, if it crossed a threshold of the provider's budget.
    public var threshold: ThresholdCrossed?
    /// The event that the usage fired, if depletion came nearer.
    public var depletion: DepletionProjected?
    /// Whether the daemon has it.
    public var delivery: Delivery
    /// Whether the daemon did not answer and the report is kept, or may not have arrived.
    public var isAssumed: Bool { delivery != .delivered }

    init(_ standing: PermitStanding?, _ record: LedgerRecord.Reply?, _ delivery: Delivery) {
        self.standing = standing
        threshold = record?.threshold
        depletion = record?.depletion
        self.delivery = delivery
    }

    init(_ recording: Recording) {
        threshold = recording.threshold
        depletion = recording.depletion
        delivery = recording.delivery
    }
}

/// What became of a renewal.
public struct Renewal: Sendable, Equatable {
    /// What the permit is; only one in force was renewed. Nil if it is assumed.
    public var standing: PermitStanding?
    /// When it ends by itself, on the daemon's steady clock; nil if it is assumed.
    public var expiresAt: Timestamp?

    /// Of a permit that holds nothing.
    static let assumed = Renewal(standing: nil, expiresAt: nil)
}

extension Renewal {
    init(_ reply: Renew.Reply) {
        self.init(standing: reply.standing, expiresAt: reply.expiresAt)
    }
}

/// What became of a permit that an operator wanted to end.
public struct Revocation: Sendable, Equatable {
    /// What the permit was; only one in force was revoked, others had ended already.
    public var standing: PermitStanding
    /// The permit as it was; nil if it was settled.
    public var entry: PermitEntry?

    /// Whether it was in force and is revoked now.
    public var isRevoked: Bool { standing == .inForce }
    /// The estimate that it held until now.
    public var givenBack: Money { isRevoked ? entry?.estimate.cost ?? .zero : .zero }

    init(_ reply: Revoke.Reply) {
        standing = reply.standing
        entry = reply.entry
    }
}

/// The permits in force, and what became of all.
public struct PermitOverview: Sendable, Equatable {
    /// The permits in force, in the order of their numbers. What changes between two pages may be in neither or both.
    public var permits: [PermitEntry] = []
    /// What became of all permits.
    public var totals = PermitTotals()
    /// The daemon's steady clock, which the times of the permits are on.
    public var now = Timestamp(milliseconds: 0)

    /// Takes one page; returns whether there is another.
    mutating func take(_ reply: PermitList.Reply, of list: inout PermitList) throws(ClientError) -> Bool {
        totals = reply.totals
        now = reply.now
        return try list.take(reply, into: &permits)
    }
}
