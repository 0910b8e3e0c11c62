public struct Admit: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .admit, "admission.admit", .written,
            "Grants a permit for the first candidate that nothing stands against, and holds the estimate for it.")
    }

    public var candidates = Candidates()
    public var tags = WireLimits.TagList()
    public var estimate = Estimate()
    public var ttlMilliseconds: Int64 = 0
    public var explains = false
    public var foldsTags = false

    @inlinable public init() {}
    public init(
        candidates: Candidates, tags: WireLimits.TagList = WireLimits.TagList(), estimate: Estimate = Estimate(),
        ttlMilliseconds: Int64
    ) {
        self.candidates = candidates
        self.tags = tags
        self.estimate = estimate
        self.ttlMilliseconds = ttlMilliseconds
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("candidates", &candidates, "at least 1, best first")
        try visitor.field("tags", &tags, TagText.summary)
        try visitor.field("estimate", &estimate, "what the call may use at most")
        try visitor.field(
            "ttlMilliseconds", &ttlMilliseconds,
            "how long the permit lasts unless it is settled or renewed: \(Quantity.text(ValueRanges.timeToLive))")
        try visitor.field(
            "explains", &explains, "whether a denial tells every limit that stands against a candidate")
        try visitor.field("foldsTags", &foldsTags, TagText.folding)
    }

    public struct Reply: WireRecord {
        public var permit: UInt64?
        public var expiresAt = Timestamp(milliseconds: 0)
        public var decision = AdmissionDecision()
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("permit", &permit, "its number, to settle with; absent: denied")
            try visitor.field(
                "expiresAt", &expiresAt, "when the permit ends by itself, on the steady clock; 0 if denied")
            try visitor.field("decision", &decision, "which candidate, or why none")
        }
    }
}

/// Refused with `notFound` if nothing is known of the permit: then its call is to be told with `admission.report`. Refused
/// with `outcomeUnknown` if nobody knows any more whether it was settled before: then it is not to be told again.
public struct Settle: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .settle, "admission.settle", .durable, report: .record,
            "Closes a permit: gives back what it holds, and counts how its call went and what it used.")
    }

    public var permit: UInt64 = 0
    public var outcome: Outcome = .success
    public var usage: CallUsage?
    public var retryAfterMilliseconds: Int64?

    @inlinable public init() {}
    public init(permit: UInt64, outcome: Outcome, usage: CallUsage? = nil, retryAfterMilliseconds: Int64? = nil) {
        self.permit = permit
        self.outcome = outcome
        self.usage = usage
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("permit", &permit, "its number")
        try visitor.field("outcome", &outcome, "how the call went, or the whole loop of retries")
        try visitor.field("usage", &usage, "what it used; not with `cancelled`")
        try visitor.field(
            "retryAfterMilliseconds", &retryAfterMilliseconds,
            "with `failure`, `throttled` and `quotaExhausted`: when the provider will take calls again, \(Quantity.text(ValueRanges.cooldown)) from now"
        )
    }

    public struct Reply: WireRecord {
        public var standing: PermitStanding = .inForce
        public var record = LedgerRecord.Reply()
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "standing", &standing,
                "what the permit was: `settled` changed nothing; `expired`, `reclaimed` and `revoked` were counted all the same"
            )
            try visitor.field("record", &record, "the events that the usage fired")
        }
    }
}

public struct Report: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .report, "admission.report", .durable, report: .record,
            "Counts how a call without a permit went and what it used.")
    }
    public typealias Reply = LedgerRecord.Reply

    public var candidate = Candidate()
    public var tags = WireLimits.TagList()
    public var outcome: Outcome = .success
    public var usage: CallUsage?
    public var retryAfterMilliseconds: Int64?
    public var foldsTags = false

    @inlinable public init() {}
    public init(
        candidate: Candidate, tags: WireLimits.TagList = WireLimits.TagList(), outcome: Outcome,
        usage: CallUsage? = nil, retryAfterMilliseconds: Int64? = nil
    ) {
        self.candidate = candidate
        self.tags = tags
        self.outcome = outcome
        self.usage = usage
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("candidate", &candidate, "where the call went")
        try visitor.field("tags", &tags, TagText.summary)
        try visitor.field("outcome", &outcome, "how it went")
        try visitor.field("usage", &usage, "what it used; not with `cancelled`")
        try visitor.field("retryAfterMilliseconds", &retryAfterMilliseconds, "as in `admission.settle`")
        try visitor.field("foldsTags", &foldsTags, TagText.folding)
    }
}

public struct Renew: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .renew, "admission.renew", .written, "Lets a permit that is in force last longer; never shorter.")
    }

    public var permit: UInt64 = 0
    public var ttlMilliseconds: Int64 = 0

    @inlinable public init() {}
    public init(permit: UInt64, ttlMilliseconds: Int64) {
        self.permit = permit
        self.ttlMilliseconds = ttlMilliseconds
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("permit", &permit, "its number")
        try visitor.field("ttlMilliseconds", &ttlMilliseconds, "from now: \(Quantity.text(ValueRanges.timeToLive))")
    }

    public struct Reply: WireRecord {
        public var standing: PermitStanding = .inForce
        public var expiresAt = Timestamp(milliseconds: 0)
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("standing", &standing, "what the permit is; only one in force was renewed")
            try visitor.field("expiresAt", &expiresAt, "when it ends by itself, on the steady clock")
        }
    }
}

public struct AdmitPreview: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .admitPreview, "admission.preview", .read, "What `admission.admit` would decide now. Takes nothing.")
    }
    public typealias Reply = AdmissionDecision

    public var candidates = Candidates()
    public var tags = WireLimits.TagList()
    public var estimate = Estimate()
    public var explains = false

    @inlinable public init() {}
    public init(
        candidates: Candidates, tags: WireLimits.TagList = WireLimits.TagList(), estimate: Estimate = Estimate()
    ) {
        self.candidates = candidates
        self.tags = tags
        self.estimate = estimate
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("candidates", &candidates, "at least 1, best first")
        try visitor.field("tags", &tags, TagText.summary)
        try visitor.field("estimate", &estimate, "what the call may use at most")
        try visitor.field("explains", &explains, "as in `admission.admit`")
    }
}

public struct PermitList: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .permitList, "admission.permits", .read, "A page of the permits in force, and the totals of all.")
    }
    public var cursor: UInt64 = 0
    @inlinable public init() {}
    public init(cursor: UInt64) { self.cursor = cursor }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    public struct Reply: WireRecord {
        public var permits: [PermitEntry] = []
        public var next: UInt64 = 0
        public var totals = PermitTotals()
        public var now = Timestamp(milliseconds: 0)
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("permits", &permits, "at most \(WireLimits.pageLength), in the order of their numbers")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
            try visitor.field("totals", &totals, "what became of all permits")
            try visitor.field("now", &now, "the steady clock at this page")
        }
    }
}

/// The call is remembered as any that ended unsettled: what it cost still counts when it is settled late. Refused with
/// `notFound` if nothing is known of the permit.
public struct Revoke: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .revoke, "admission.revoke", .durable, .operator,
            "Ends a permit at once and gives back all that it holds. A late settle still counts what its call cost.")
    }

    public var permit: UInt64 = 0

    @inlinable public init() {}
    public init(permit: UInt64) { self.permit = permit }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("permit", &permit, "its number; another user's as well")
    }

    public struct Reply: WireRecord {
        public var standing: PermitStanding = .inForce
        public var entry: PermitEntry?
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "standing", &standing, "what the permit was: only one in force was revoked, and others hold nothing")
            try visitor.field(
                "entry", &entry,
                "the permit as it was, its estimate being what was given back if it was in force; absent if it was settled"
            )
        }
    }
}
