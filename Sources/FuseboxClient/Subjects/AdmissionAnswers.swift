import FuseboxWire

/// The permission to make one call. It holds what the call may use until it is settled.
public struct Permit: Sendable, Equatable {
    /// Where the call may go.
    public var candidate: Candidate
    /// The provider that may be called.
    public var provider: String { candidate.provider.text }
    /// The model that it may be asked for; nil if the candidate named none.
    public var model: String? { candidate.model?.text }
    /// The permit's number at the daemon. Nil if the permit is assumed.
    public let number: UInt64?
    /// When the permit ends by itself, on the daemon's steady clock. Nil if it is assumed.
    public let expiresAt: Timestamp?
    /// The state of the provider's breaker at the moment of the admission.
    public let state: BreakerState
    /// The share of traffic that the breaker let through at that moment, 0 to 1.
    public let share: Double
    /// The cost that the call holds against limits until it is settled. Nil if none is known, or if the permit is assumed.
    public let heldCost: Money?
    /// Where this cost comes from.
    public let costBasis: CostBasis
    /// The candidates before the admitted one, and why they were passed over.
    public let passedOver: [AdmissionDenied.Reason]
    /// What the call is made for.
    public var tags: [String] { sentTags.array.map(\.text) }
    let sentTags: WireLimits.TagList
    /// The life of the daemon's state in which its number means something.
    let epoch: UInt64?

    /// Whether the daemon did not answer and the client fails open. The permit then holds nothing, and its settle is
    /// sent as a report.
    public var isAssumed: Bool { number == nil }

    /// Reads the daemon's decision. A nil reply means that the daemon did not answer and the client fails open.
    static func read(
        _ reply: Admit.Reply?, to asked: Admit, in epoch: UInt64?
    ) throws(ClientError) -> Result<Permit, AdmissionDenied> {
        guard let reply else {
            let permit = Permit(
                candidate: asked.candidates[0], number: nil, expiresAt: nil, state: .closed, share: 1,
                heldCost: nil, costBasis: .nothing, passedOver: [], sentTags: asked.tags, epoch: nil)
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
                share: preview.share, heldCost: preview.heldCost, costBasis: preview.costBasis,
                passedOver: preview.passedOver, sentTags: asked.tags, epoch: epoch)
            return .success(permit)
        }
    }
}

extension Permit: CustomStringConvertible {
    /// Its number and where the call may go: `permit 12 for openai/gpt-4o`.
    public var description: String { (number.map { "permit \($0)" } ?? "an assumed permit") + " for \(candidate)" }
}

/// None of the candidates may be called now.
public struct AdmissionDenied: Error, Sendable, Equatable, CustomStringConvertible {
    /// Why one candidate may not be called.
    public struct Reason: Sendable, Equatable {
        /// The candidate.
        public var candidate: Candidate
        /// The reason that lasts longest; of those that last equally long the first in the order of `DenialReason`.
        public var reason: DenialReason
        /// The least time until another attempt can succeed. Zero: another call's end, or the next call, may change the
        /// decision. Nil: time alone does not help.
        public var retryAfter: Duration?
        /// The limits that stand against it: with the reason `limit` that limit; every one if the request asked for all.
        public var limits: [LimitObjection] = []
        /// What has opened the breaker first since it last was closed, with the reasons `breakerOpen`, `share` and
        /// `probes`. Nil if it has not opened.
        public var openedBy: BreakerRule?
        /// With `openedBy`: how often it has opened again since it last was closed.
        public var failedRecoveries: UInt32 = 0
        /// The quiet time that takes one failure off the breaker, after recoveries that have failed. Nil if none has.
        public var resetTimeout: Duration?
    }

    /// The reason of each candidate, in the order of the candidates.
    public var reasons: [Reason]
    /// The least time until any candidate can be admitted. Zero: another call's end, or the next call, may change the
    /// decision. Nil: time alone does not help.
    public var retryAfter: Duration?
    /// For whom the queue is full, if that is why the call does not wait for its turn. Nil: it is not full, or the call
    /// was not to wait.
    public var fullQueue: FullQueue?

    /// The reasons and when to try again, as a sentence.
    public var description: String {
        let each = reasons.map(\.description).joined(separator: ", ")
        let hope =
            switch retryAfter {
            case nil: "waiting alone does not help"
            case .zero?: "try again with the next call"
            case let wait?: "try again in \(wait)"
            }
        let queue = fullQueue.map { "; the queue is full for \($0)" } ?? ""
        return "no provider may be called now (\(each))\(queue); \(hope)"
    }
}

extension AdmissionDenied.Reason: CustomStringConvertible {
    /// The candidate and what stands against it: `openai/gpt-4o: breakerOpen, opened by failures`.
    public var description: String {
        let limit = limits.first.map { " of \($0.limit) on \($0.scope)" } ?? ""
        let rule = openedBy.map { ", opened by \($0)" } ?? ""
        return "\(candidate): \(reason)\(limit)\(rule)"
    }
}

/// Which candidate would be admitted.
public struct AdmissionPreview: Sendable, Equatable {
    /// Where the call may go.
    public var candidate: Candidate
    /// The state of the provider's breaker.
    public var state: BreakerState
    /// The share of traffic that the breaker lets through, 0 to 1.
    public var share: Double
    /// The cost that the call would hold against limits until it is settled. Nil if none is known.
    public var heldCost: Money?
    /// Where this cost comes from.
    public var costBasis: CostBasis
    /// The candidates before the admitted one, and why they are passed over.
    public var passedOver: [AdmissionDenied.Reason]

    static func read(
        _ decision: AdmissionDecision, of candidates: [Candidate]
    ) throws(ClientError) -> Result<AdmissionPreview, AdmissionDenied> {
        let reasons = zip(candidates, decision.denials.array).enumerated().map { place, denied in
            AdmissionDenied.Reason(
                candidate: denied.0, reason: denied.1.reason,
                retryAfter: denied.1.retryAfterMilliseconds.map { .milliseconds($0) },
                limits: decision.limits.filter { Int($0.candidate) == place }, openedBy: denied.1.openedBy,
                failedRecoveries: denied.1.failedRecoveries,
                resetTimeout: denied.1.resetTimeoutMilliseconds.map { .milliseconds($0) })
        }
        guard let place = decision.candidate else {
            let wait: Duration? = decision.retryAfterMilliseconds.map { .milliseconds($0) }
            return .failure(AdmissionDenied(reasons: reasons, retryAfter: wait, fullQueue: decision.fullQueue))
        }
        guard Int(place) < candidates.count else {
            throw .protocolViolation("candidate \(place) of \(candidates.count) is admitted")
        }
        let preview = AdmissionPreview(
            candidate: candidates[Int(place)], state: decision.state, share: decision.share,
            heldCost: decision.heldCost, costBasis: decision.costBasis, passedOver: reasons)
        return .success(preview)
    }
}

/// The result of a settle.
public struct Settling: Sendable, Equatable {
    /// The standing of the permit before the settle. If it was `settled`, the settle changed nothing. If it was
    /// `expired`, `reclaimed` or `revoked`, the settle counted all the same. Nil if the standing is not known, because
    /// the daemon did not answer or keeps nothing of the permit.
    public var standing: PermitStanding?
    /// The limits whose thresholds the usage has reached.
    public var reached: [LimitReached]
    /// The limit of the provider that will be used up sooner than was told before; nil: none.
    public var depletion: DepletionProjected?
    /// Whether the daemon has the settle.
    public var delivery: Delivery
    /// Whether the daemon did not answer, so that the settle is kept or may not have arrived.
    public var isAssumed: Bool { delivery != .delivered }

    init(_ standing: PermitStanding?, _ record: LedgerRecord.Reply?, _ delivery: Delivery) {
        self.standing = standing
        reached = record?.reached ?? []
        depletion = record?.depletion
        self.delivery = delivery
    }

    init(_ recording: Recording) {
        reached = recording.reached
        depletion = recording.depletion
        delivery = recording.delivery
    }
}

/// The result of a renewal.
public struct Renewal: Sendable, Equatable {
    /// The standing of the permit. Only a permit in force was renewed. Nil if the permit is assumed.
    public var standing: PermitStanding?
    /// When the permit ends by itself, on the daemon's steady clock. Nil if it is assumed.
    public var expiresAt: Timestamp?

    /// The renewal of a permit that is assumed.
    static let assumed = Renewal(standing: nil, expiresAt: nil)
}

extension Renewal {
    init(_ reply: Renew.Reply) {
        self.init(standing: reply.standing, expiresAt: reply.expiresAt)
    }
}

/// The result of revoking a permit.
public struct Revocation: Sendable, Equatable {
    /// The standing of the permit before. Of one that had ended unsettled, what limits assumed is given back.
    public var standing: PermitStanding
    /// The permit as it was. Nil if it was settled.
    public var entry: PermitEntry?

    /// Whether it was in force and is revoked now.
    public var isRevoked: Bool { standing == .inForce }
    /// The estimated cost that the permit held and that is given back.
    public var givenBack: Money { isRevoked ? entry?.estimate.cost ?? .zero : .zero }

    init(_ reply: Revoke.Reply) {
        standing = reply.standing
        entry = reply.entry
    }
}

/// The permits in force, and totals of all permits.
public struct PermitOverview: Sendable, Equatable {
    /// The permits in force, in the order of their numbers. A permit that changes while the list is read may be missing
    /// or listed twice.
    public var permits: [PermitEntry] = []
    /// The totals of all permits by what became of them.
    public var totals = PermitTotals()
    /// The daemon's steady clock at the moment of the answer. The times of the permits are on this clock.
    public var now = Timestamp(milliseconds: 0)

    /// Takes one page. Returns whether there is another.
    mutating func take(_ reply: PermitList.Reply, of list: inout PermitList) throws(ClientError) -> Bool {
        totals = reply.totals
        now = reply.now
        return try list.take(reply, into: &permits)
    }
}

/// The calls that wait for their turn.
public struct WaitingOverview: Sendable, Equatable {
    /// The calls, in the order of their arrival. One whose wait ends while the list is read may be missing.
    public var calls: [WaitingEntry] = []
    /// How many calls wait.
    public var count = 0
    /// How many may.
    public var limit = 0
    /// How many calls of one user may.
    public var limitPerUser = 0
    /// The daemon's steady clock at the moment of the answer. The times of the calls are on this clock.
    public var now = Timestamp(milliseconds: 0)

    /// Takes one page. Returns whether there is another.
    mutating func take(_ reply: WaitingList.Reply, of list: inout WaitingList) -> Bool {
        calls += reply.entries
        count = Int(reply.waiting)
        limit = Int(reply.limit)
        limitPerUser = Int(reply.limitPerUser)
        now = reply.now
        guard reply.next > list.cursor else { return false }
        list.cursor = reply.next
        return true
    }
}
