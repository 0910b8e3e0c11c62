import FuseboxWire

/// The statement that a route has run out of quota, or takes no calls for another reason.
///
/// A mark is a claim that can be wrong. It is capped; a call at a time probes it; and a success that was admitted after
/// it ends it. Under `llm-providers` it lasts as long as was told, and nothing but time ends it.
public struct Mark: Sendable, Equatable {
    /// How long a mark stands before it is probed, in milliseconds. Each failed probe doubles it.
    static let probeIntervalMilliseconds: Int64 = 300_000
    /// An end that the provider told is waited for if it is nearer than this, in milliseconds.
    static let awaitedMilliseconds: Int64 = 3_600_000
    /// How long a cooldown is remembered after its end, in milliseconds: the next one lasts twice as long.
    static let rememberedMilliseconds: Int64 = 24 * 3_600_000

    /// When the route was marked.
    public var exhaustedAt: Timestamp
    /// The end of the mark: the first moment at which it is not in force.
    public var resetsAt: Timestamp
    /// When the route was marked, or the end put off last.
    var changedAt: Timestamp
    /// Why, as was told with the present end.
    var reason: MarkReason = .told
    /// The user that told the present end.
    var user: UInt32 = 0
    /// How many marks in a row had no told end.
    var cooldowns: UInt8 = 0
    /// Whether its end has been met. It is then only remembered, for its cooldowns.
    var hasEnded = false
    /// From when on a call may probe it. Nil: its end is waited for.
    var probeDueAt: Timestamp?
    /// How many probes have failed.
    var failedProbes: UInt8 = 0
    /// The permit of the call that probes it. Nil: none does.
    var probe: UInt64?
    /// Members of imported JSON that are not known, as the text of an object; see `ForeignMembers.swift`.
    var foreignMembers: String?

    /// A mark between two moments.
    public init(exhaustedAt: Timestamp, resetsAt: Timestamp) {
        self.exhaustedAt = exhaustedAt
        self.resetsAt = resetsAt
        changedAt = exhaustedAt
        probeDueAt = exhaustedAt + Self.probeIntervalMilliseconds
    }

    /// Whether it keeps calls away.
    @inline(__always)
    func isInForce(at now: Timestamp) -> Bool { now < resetsAt }

    /// When it is to be looked at: at its end, and when it is forgotten.
    var deadline: Timestamp { hasEnded ? resetsAt + Self.rememberedMilliseconds : resetsAt }
}

/// What somebody says of a route.
struct MarkClaim {
    var reason: MarkReason
    /// How long the route takes no calls. Nil: nobody told.
    var milliseconds: Int64?
    /// Whether the provider told the time, and not a user.
    var isToldByProvider = false
    var user: UInt32 = 0
    /// When the call was admitted that says so. Nil: that is not known.
    var admittedAt: Timestamp?
    /// When the route ran out. Nil: now.
    var exhaustedAt: Timestamp?
}

// MARK: Probes

extension Mark {
    /// How a mark in force stands to a call.
    enum Stance: Equatable {
        /// The call may go as a probe.
        case takesProbe
        /// It denies the call for so long. 0: as soon as the probe that is under way ends.
        case denies(milliseconds: Int64)
    }

    /// How it stands to a call now.
    func stance(at now: Timestamp, under profile: Profile) -> Stance {
        guard profile.doubtsMarks, let probeDueAt, probeDueAt < resetsAt else {
            return .denies(milliseconds: resetsAt - now)
        }
        guard probe == nil else { return .denies(milliseconds: 0) }
        return probeDueAt <= now ? .takesProbe : .denies(milliseconds: probeDueAt - now)
    }

    /// Frees the place of a probe that has ended.
    ///
    /// - Parameter failed: whether it has shown that the mark is right
    mutating func endProbe(failed: Bool, at now: Timestamp) {
        probe = nil
        guard failed else { return }
        failedProbes = min(failedProbes + 1, 62)
        probeDueAt = now + probeInterval
    }

    /// How long until the next probe, after as many have failed.
    private var probeInterval: Int64 {
        Self.doubled(Self.probeIntervalMilliseconds, times: failedProbes, atMost: ValueRanges.longestMilliseconds)
    }

    /// A time that is doubled so many times, but no longer than a bound.
    static func doubled(_ milliseconds: Int64, times: UInt8, atMost longest: Int64) -> Int64 {
        let factor = Int64(1) << min(Int64(times), 62)
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: factor)
        return overflow ? longest : min(product, longest)
    }
}

// MARK: Claims

extension Mark {
    /// The mark of a route that had none, and lasts so long.
    init(_ claim: MarkClaim, for milliseconds: Int64, at now: Timestamp) {
        self.init(exhaustedAt: now, resetsAt: now + milliseconds)
        exhaustedAt = claim.exhaustedAt ?? now
        take(claim, for: milliseconds, at: now)
        if !Self.isProbed(claim, for: milliseconds) { probeDueAt = nil }
    }

    /// Puts the end off.
    mutating func putOff(by claim: MarkClaim, for milliseconds: Int64, at now: Timestamp) {
        take(claim, for: milliseconds, at: now)
        if Self.isProbed(claim, for: milliseconds) {
            if probeDueAt == nil { probeDueAt = now + probeInterval }
        } else if probe == nil, let due = probeDueAt, now < due {
            // A probe that is due stays due.
            probeDueAt = nil
        }
    }

    private mutating func take(_ claim: MarkClaim, for milliseconds: Int64, at now: Timestamp) {
        resetsAt = now + milliseconds
        changedAt = now
        reason = claim.reason
        user = claim.user
    }

    /// Whether a claim is probed. A near end that the provider told is waited for.
    private static func isProbed(_ claim: MarkClaim, for milliseconds: Int64) -> Bool {
        !claim.isToldByProvider || milliseconds >= awaitedMilliseconds
    }

    /// Whether a claim without a told end is one more in a row, and not about the same shortage.
    func isFollowed(by claim: MarkClaim, at now: Timestamp) -> Bool {
        // Calls that were under way when the route was marked have met what it was marked for.
        claim.admittedAt.map { $0 > changedAt } ?? !isInForce(at: now)
    }

    /// Whether a success speaks against it. It says nothing of what has happened since its call was admitted.
    func isRefuted(bySuccessAdmittedAt moment: Timestamp) -> Bool { changedAt < moment }
}
