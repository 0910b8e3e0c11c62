import FuseboxWire

/// Every mark.
enum MarkSection: SnapshotSection {
    static let kind: UInt32 = 7
    static let name = "marks"
    static let summary = "every mark, in the order of the numbers of its names"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        machine.exhaustion.forEach { route, mark in
            var image = MarkImage(mark)
            let names = machine.candidate(of: route)
            image.provider = names.provider
            image.deployment = names.deployment
            image.model = names.model
            part.add(image)
        }
    }

    static func add(_ image: MarkImage, to state: inout StateImage) throws(Refusal) {
        let mark = try image.mark
        let key = try state.builder.intern(image.provider, image.deployment, image.model, by: 0)
        guard !state.builder.machine.exhaustion.contains(key) else {
            throw Refusal(.damagedData, "a mark comes twice")
        }
        guard !mark.hasEnded || mark.resetsAt <= state.builder.machine.lastMoment.now else {
            throw Refusal(.damagedData, "a mark has ended before its end")
        }
        state.builder.insert(mark, for: key)
    }
}

struct MarkImage: VersionedRecord {
    var provider = Name.blank
    var deployment: Name?
    var model: Name?
    var exhaustedAt = Timestamp(milliseconds: 0)
    var resetsAt = Timestamp(milliseconds: 0)
    var changedAt = Timestamp(milliseconds: 0)
    var reason: MarkReasonImage = .told
    var user: UInt32 = 0
    var cooldowns: UInt8 = 0
    var hasEnded = false
    var probeDueAt: Timestamp?
    var failedProbes: UInt8 = 0
    var probe: UInt64?

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: every one")
        try visitor.field("model", &model, "the model; absent: every one")
        try visitor.field("exhaustedAt", &exhaustedAt, "when it was marked")
        try visitor.field("resetsAt", &resetsAt, "when the mark expires")
        try visitor.field("changedAt", &changedAt, "when it was marked, or its end put off last")
        try visitor.field("reason", &reason, "why, as was told with the present end")
        try visitor.field("user", &user, "the peer user that told the present end")
        try visitor.field("cooldowns", &cooldowns, "how many marks in a row had no told end, at most 63")
        try visitor.field("hasEnded", &hasEnded, "whether it has ended, and is remembered for its cooldowns")
        try visitor.field("probeDueAt", &probeDueAt, "from when on a call may probe it; absent: its end is waited for")
        try visitor.field("failedProbes", &failedProbes, "how many probes have failed, at most 62")
        try visitor.field("probe", &probe, "the permit of the call that probes it; absent: none does")
    }
}

/// Why a route was marked, in a snapshot.
enum MarkReasonImage: UInt8, ClosedEnumeration {
    case told = 0
    case quotaExhausted = 1
    case throttled = 2
    case failure = 3
    case unauthorized = 4
}

// MARK: Between state and file

extension MarkImage {
    fileprivate init(_ mark: Mark) {
        exhaustedAt = mark.exhaustedAt
        resetsAt = mark.resetsAt
        changedAt = mark.changedAt
        reason = MarkReasonImage(mark.reason)
        user = mark.user
        cooldowns = mark.cooldowns
        hasEnded = mark.hasEnded
        probeDueAt = mark.probeDueAt
        failedProbes = mark.failedProbes
        probe = mark.probe
    }

    /// The mark that was read.
    ///
    /// - Throws: `outOfRange`, `damagedData`
    fileprivate var mark: Mark {
        get throws(Refusal) {
            try validateMoment(exhaustedAt, "exhaustedAt of a mark")
            try validateMoment(resetsAt, "resetsAt of a mark")
            try validateMoment(changedAt, "changedAt of a mark")
            if let probeDueAt { try validateMoment(probeDueAt, "probeDueAt of a mark") }
            guard cooldowns <= 63, failedProbes <= 62, !hasEnded || cooldowns > 0 else {
                throw Refusal(.damagedData, "a mark has \(cooldowns) cooldowns and \(failedProbes) failed probes")
            }
            var mark = Mark(exhaustedAt: exhaustedAt, resetsAt: resetsAt)
            mark.changedAt = changedAt
            mark.reason = reason.reason
            mark.user = user
            mark.cooldowns = cooldowns
            mark.hasEnded = hasEnded
            mark.probeDueAt = probeDueAt
            mark.failedProbes = failedProbes
            mark.probe = probe
            return mark
        }
    }
}

extension MarkReasonImage {
    fileprivate init(_ reason: MarkReason) {
        self =
            switch reason {
            case .told: .told
            case .quotaExhausted: .quotaExhausted
            case .throttled: .throttled
            case .failure: .failure
            case .unauthorized: .unauthorized
            case .unknown: preconditionFailure("the state holds known values only")
            }
    }

    fileprivate var reason: MarkReason {
        switch self {
        case .told: .told
        case .quotaExhausted: .quotaExhausted
        case .throttled: .throttled
        case .failure: .failure
        case .unauthorized: .unauthorized
        }
    }
}
