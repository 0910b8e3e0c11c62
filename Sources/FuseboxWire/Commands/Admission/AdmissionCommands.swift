/// Grants a permit for the first candidate that nothing stands against, and holds the estimate for it.
public struct AdmitOf<Text: NameText>: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .admit, "admission.admit", .written,
            "Grants a permit for the first candidate that nothing stands against, and holds the estimate for it.")
    }
    /// `Admit`.
    public static var wireType: String { "Admit" }
    /// The permit, or why there is none.
    public typealias Reply = AdmitReply

    /// The ways that the call may go, at least 1, best first.
    public var candidates = CandidatesOf<Text>()
    /// What the call is made for, such as `team:search`; at most `WireLimits.TagList.capacity` tags.
    public var tags = WireLimits.TagListOf<Text>()
    /// What the call may use at most.
    public var estimate = Estimate()
    /// How long the permit lasts unless it is settled or renewed: `ValueRanges.timeToLive`.
    public var ttlMilliseconds: Int64 = 0
    /// Whether a denial lists every limit that stands against a candidate.
    public var explains = false
    /// Whether tags that are not known count under `(other)`, or under that of their template. Clients leave it false,
    /// and the daemon sets it where it has no room for more tags.
    public var foldsTags = false
    /// How long the call may wait for its turn: `ValueRanges.wait`; 0: it does not wait.
    public var waitMilliseconds: Int64 = 0
    /// How urgent a waiting call is: `ValueRanges.priority`, 0 the most urgent.
    public var priority = WireLimits.defaultPriority
    /// The ticket of an earlier request of this worker, whose wait this request continues after a lost connection; 0:
    /// none. If nothing is known of that ticket, the call waits anew.
    public var resumes: UInt64 = 0
    /// The candidates that waiting calls come first for, a bit each. Clients leave it at 0. The daemon sets it, because
    /// the queue is not part of the state: the journal holds what was decided.
    public var passed: UInt16 = 0
    /// How long time alone keeps the call back where others come first; -1: for ever.
    public var passedMilliseconds: Int64 = 0
    /// Whether the call joins the queue, or why it cannot. Clients leave it.
    public var queue = QueueDecision.aside

    /// Every field has its default.
    @inlinable public init() {}
    /// A request to let a call go by one of these candidates.
    public init(
        candidates: CandidatesOf<Text>, tags: WireLimits.TagListOf<Text> = WireLimits.TagListOf<Text>(),
        estimate: Estimate = Estimate(), ttlMilliseconds: Int64, waitMilliseconds: Int64 = 0,
        priority: UInt8 = WireLimits.defaultPriority
    ) {
        self.candidates = candidates
        self.tags = tags
        self.estimate = estimate
        self.ttlMilliseconds = ttlMilliseconds
        self.waitMilliseconds = waitMilliseconds
        self.priority = priority
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("candidates", &candidates, "the ways that the call may go, at least 1, best first")
        try visitor.field("tags", &tags, TagText.summary)
        try visitor.field("estimate", &estimate, "what the call may use at most")
        try visitor.field(
            "ttlMilliseconds", &ttlMilliseconds,
            "how long the permit lasts unless it is settled or renewed: \(Quantity.text(ValueRanges.timeToLive))")
        try visitor.field(
            "explains", &explains, "whether a denial lists every limit that stands against a candidate")
        try visitor.field("foldsTags", &foldsTags, TagText.folding)
        try visitor.field(
            "waitMilliseconds", &waitMilliseconds,
            "how long the call may wait for its turn: \(Quantity.text(ValueRanges.wait)); 0: it does not wait")
        try visitor.field(
            "priority", &priority,
            "how urgent a waiting call is: 0, the most urgent, to \(WireLimits.priorities - 1); by default \(WireLimits.defaultPriority)"
        )
        try visitor.field(
            "resumes", &resumes,
            "the ticket of an earlier request of this worker, whose wait this request continues after a lost connection; 0: none"
        )
        try visitor.field(
            "passed", &passed,
            "the candidates that waiting calls come first for, a bit each; clients send 0, and the daemon puts what it found in the journal"
        )
        try visitor.field(
            "passedMilliseconds", &passedMilliseconds,
            "how long time alone keeps the call back where others come first; -1: for ever; clients send 0")
        try visitor.field(
            "queue", &queue, "whether the call joins the queue, or why it cannot; clients send `aside`")
    }
}

/// The permit, or why there is none.
public struct AdmitReply: OpenRecord {
    /// The permit's number, to settle it with; absent: denied.
    public var permit: UInt64?
    /// When the permit ends by itself, on the steady clock; 0 if denied.
    public var expiresAt = Timestamp(milliseconds: 0)
    /// Which candidate is admitted, or why none is.
    public var decision = AdmissionDecision()
    /// The ticket of the call, if it waits: the sequence number of this request. Its end is pushed.
    public var ticket: UInt64?
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("permit", &permit, "the permit's number, to settle it with; absent: denied, or it waits")
        try visitor.field(
            "expiresAt", &expiresAt, "when the permit ends by itself, on the steady clock; 0 without a permit")
        try visitor.field("decision", &decision, "which candidate is admitted, or why none is")
        try visitor.field(
            "ticket", &ticket,
            "present if the call waits: the sequence number of this request; how the wait ends is pushed, see `admission.tickets`"
        )
    }
}

/// Closes a permit: gives back what it holds, and counts how its call went and what it used.
///
/// Refused with `notFound` if nothing is known of the permit; the call is then reported with `admission.report`.
/// Refused with `outcomeUnknown` if it is not known any more whether the permit was settled before; the call is then
/// not counted again.
public struct SettleOf<Text: NameText>: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .settle, "admission.settle", .durable, report: .record,
            "Closes a permit: gives back what it holds, and counts how its call went and what it used.")
    }
    /// What became of the permit.
    public typealias Reply = SettleReply

    /// The permit's number.
    public var permit: UInt64 = 0
    /// How the call went, or the whole loop of retries.
    public var outcome: Outcome = .success
    /// What the call used; absent: not known; must be absent with `cancelled`.
    public var usage: CallUsageOf<Text>?
    /// How long until the provider takes calls again, `ValueRanges.cooldown`; absent: the provider did not say; only
    /// with an outcome that `takesRetryAfter`.
    public var retryAfterMilliseconds: Int64?
    /// How long the call took, as its worker measured it.
    public var timing = CallTiming()
    /// How much of the call's route the outcome marks, if it marks; nil: the whole route, with `unauthorized` the
    /// deployment.
    public var markScope: MarkScope?

    /// Every field has its default.
    @inlinable public init() {}
    /// The end of the call of this permit.
    public init(
        permit: UInt64, outcome: Outcome, usage: CallUsageOf<Text>? = nil, retryAfterMilliseconds: Int64? = nil,
        timing: CallTiming = CallTiming()
    ) {
        self.permit = permit
        self.outcome = outcome
        self.usage = usage
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.timing = timing
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("permit", &permit, "the permit's number")
        try visitor.field("outcome", &outcome, "how the call went, or the whole loop of retries")
        try visitor.field("usage", &usage, "what the call used; absent: not known; must be absent with `cancelled`")
        try visitor.field(
            "retryAfterMilliseconds", &retryAfterMilliseconds,
            "how long until the provider takes calls again, \(Quantity.text(ValueRanges.cooldown)); absent: the provider did not say; only with \(Outcome.withRetryAfter())"
        )
        try visitor.field("timing", &timing, "how long the call took, as its worker measured it")
        try visitor.field(
            "markScope", &markScope,
            "how much of the call's route the outcome marks, if it marks; absent: the whole route, with `unauthorized` the deployment, or the provider if there is none"
        )
    }
}

/// What became of the permit.
public struct SettleReply: WireRecord {
    /// What the permit was: `settled` changed nothing; `expired`, `reclaimed` and `revoked` were counted all the
    /// same.
    public var standing: PermitStanding = .inForce
    /// The events that the usage fired.
    public var record = LedgerRecordReply()
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "standing", &standing,
            "what the permit was: `settled` changed nothing; `expired`, `reclaimed` and `revoked` were counted all the same"
        )
        try visitor.field("record", &record, "the events that the usage fired")
    }
}

/// Counts how a call without a permit went and what it used.
public struct ReportOf<Text: NameText>: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .report, "admission.report", .durable, report: .record,
            "Counts how a call without a permit went and what it used.")
    }
    /// The events that the usage fired.
    public typealias Reply = LedgerRecordReply

    /// Where the call went.
    public var candidate = CandidateOf<Text>()
    /// What the call is made for, such as `team:search`; at most `WireLimits.TagList.capacity` tags.
    public var tags = WireLimits.TagListOf<Text>()
    /// How the call went.
    public var outcome: Outcome = .success
    /// What the call used; absent: not known; must be absent with `cancelled`.
    public var usage: CallUsageOf<Text>?
    /// How long until the provider takes calls again, as in `admission.settle`.
    public var retryAfterMilliseconds: Int64?
    /// How much of the route the outcome marks, as in `admission.settle`.
    public var markScope: MarkScope?
    /// Whether tags that are not known count under `(other)`, or under that of their template. Clients leave it false,
    /// and the daemon sets it where it has no room for more tags.
    public var foldsTags = false

    /// Every field has its default.
    @inlinable public init() {}
    /// The end of a call by this route.
    public init(
        candidate: CandidateOf<Text>, tags: WireLimits.TagListOf<Text> = WireLimits.TagListOf<Text>(),
        outcome: Outcome, usage: CallUsageOf<Text>? = nil, retryAfterMilliseconds: Int64? = nil
    ) {
        self.candidate = candidate
        self.tags = tags
        self.outcome = outcome
        self.usage = usage
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("candidate", &candidate, "where the call went")
        try visitor.field("tags", &tags, TagText.summary)
        try visitor.field("outcome", &outcome, "how the call went")
        try visitor.field("usage", &usage, "what the call used; absent: not known; must be absent with `cancelled`")
        try visitor.field(
            "retryAfterMilliseconds", &retryAfterMilliseconds,
            "how long until the provider takes calls again, as in `admission.settle`")
        try visitor.field("markScope", &markScope, "how much of the route it marks, as in `admission.settle`")
        try visitor.field("foldsTags", &foldsTags, TagText.folding)
    }
}

/// Lets a permit that is in force last longer; never shorter.
public struct Renew: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .renew, "admission.renew", .written, "Lets a permit that is in force last longer; never shorter.")
    }

    /// The permit's number.
    public var permit: UInt64 = 0
    /// How long the permit lasts from now: `ValueRanges.timeToLive`.
    public var ttlMilliseconds: Int64 = 0

    /// Every field has its default.
    @inlinable public init() {}
    /// Lets this permit last longer.
    public init(permit: UInt64, ttlMilliseconds: Int64) {
        self.permit = permit
        self.ttlMilliseconds = ttlMilliseconds
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("permit", &permit, "the permit's number")
        try visitor.field(
            "ttlMilliseconds", &ttlMilliseconds,
            "how long the permit lasts from now: \(Quantity.text(ValueRanges.timeToLive))")
    }

    /// The permit as it is now.
    public struct Reply: WireRecord {
        /// What the permit is; only a permit in force was renewed.
        public var standing: PermitStanding = .inForce
        /// When the permit ends by itself, on the steady clock.
        public var expiresAt = Timestamp(milliseconds: 0)
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("standing", &standing, "what the permit is; only a permit in force was renewed")
            try visitor.field(
                "expiresAt", &expiresAt,
                "when the permit ends by itself, on the steady clock; once it has lapsed, when it did")
        }
    }
}

/// What `admission.admit` would decide now. Takes nothing.
public struct AdmitPreviewOf<Text: NameText>: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .admitPreview, "admission.preview", .read,
            "What `admission.admit` would decide now, and what is known of each candidate. Takes nothing.")
    }
    /// The decision, and what is known of each candidate.
    public typealias Reply = AdmitPreviewReply

    /// The ways that the call may go, at least 1, best first.
    public var candidates = CandidatesOf<Text>()
    /// What the call is made for, such as `team:search`; at most `WireLimits.TagList.capacity` tags.
    public var tags = WireLimits.TagListOf<Text>()
    /// What the call may use at most.
    public var estimate = Estimate()
    /// Whether a denial lists every limit that stands against a candidate.
    public var explains = false

    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the decision about a call by one of these candidates.
    public init(
        candidates: CandidatesOf<Text>, tags: WireLimits.TagListOf<Text> = WireLimits.TagListOf<Text>(),
        estimate: Estimate = Estimate()
    ) {
        self.candidates = candidates
        self.tags = tags
        self.estimate = estimate
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("candidates", &candidates, "the ways that the call may go, at least 1, best first")
        try visitor.field("tags", &tags, TagText.summary)
        try visitor.field("estimate", &estimate, "what the call may use at most")
        try visitor.field("explains", &explains, "whether a denial lists every limit that stands against a candidate")
    }
}

/// `AdmitOf` with names that own their bytes.
public typealias Admit = AdmitOf<Name>
/// `SettleOf` with names that own their bytes.
public typealias Settle = SettleOf<Name>
/// `ReportOf` with names that own their bytes.
public typealias Report = ReportOf<Name>
/// `AdmitPreviewOf` with names that own their bytes.
public typealias AdmitPreview = AdmitPreviewOf<Name>

/// A page of the permits in force, and the totals of all.
public struct PermitList: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .permitList, "admission.permits", .read,
            "A page of the permits in force, and the totals of all. A worker sees those of its user.")
    }
    /// 0 to begin, then what the last page said.
    public var cursor: UInt64 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// The page at this cursor.
    public init(cursor: UInt64) { self.cursor = cursor }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A page of permits.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` permits, in the order of their numbers.
        public var permits: [PermitEntry] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next: UInt64 = 0
        /// What became of all permits.
        public var totals = PermitTotals()
        /// The steady clock at this page.
        public var now = Timestamp(milliseconds: 0)
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "permits", &permits, "at most \(WireLimits.pageLength) permits, in the order of their numbers")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
            try visitor.field("totals", &totals, "what became of all permits")
            try visitor.field("now", &now, "the steady clock at this page")
        }
    }
}

/// Ends a permit at once and gives back all that it holds, also where a limit's `onLapse` is `charge`. Of one that has
/// ended unsettled it gives back what limits assume.
///
/// The call is remembered like any that ended unsettled: what it cost still counts when it is settled late. Refused
/// with `notFound` if nothing is known of the permit.
public struct Revoke: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .revoke, "admission.revoke", .durable, .operator,
            "Ends a permit at once and gives back all that it holds, or what limits assume of it if it has ended unsettled. A late settle still counts what its call cost."
        )
    }

    /// The permit's number; it may be another user's.
    public var permit: UInt64 = 0

    /// Every field has its default.
    @inlinable public init() {}
    /// Ends this permit.
    public init(permit: UInt64) { self.permit = permit }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("permit", &permit, "the permit's number; it may be another user's")
    }

    /// The permit as it was.
    public struct Reply: WireRecord {
        /// What the permit was before; of one that had ended unsettled, what limits assumed was given back, and it is
        /// `revoked` from now on.
        public var standing: PermitStanding = .inForce
        /// The permit as it was; if it was in force, its estimate was given back; absent if it was settled.
        public var entry: PermitEntry?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "standing", &standing,
                "what the permit was before; of one that had ended unsettled, what limits assumed was given back, and it is `revoked` from now on"
            )
            try visitor.field(
                "entry", &entry,
                "the permit as it was; if it was in force, its estimate was given back; absent if it was settled"
            )
        }
    }
}
