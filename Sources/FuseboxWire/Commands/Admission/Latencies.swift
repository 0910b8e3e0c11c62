/// How long successful calls have taken lately, from the permit on: in the present stretch of five minutes and in the one
/// before it.
///
/// Failures do not count: those that come at once would make a broken provider the fastest, and those by a timeout tell
/// how patient the caller was. A time is told as the longest of a bucket that is at most an eighth of it wide.
public struct Latency: OpenRecord, Equatable {
    /// The number of calls.
    public var count: UInt32 = 0
    /// The time that half of them did not exceed, in milliseconds.
    public var p50Milliseconds: UInt32 = 0
    /// The time that 95 % of them did not exceed, in milliseconds.
    public var p95Milliseconds: UInt32 = 0
    /// The time that 99 % of them did not exceed, in milliseconds.
    public var p99Milliseconds: UInt32 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// The times of so many calls.
    @inlinable
    public init(count: UInt32, p50Milliseconds: UInt32, p95Milliseconds: UInt32, p99Milliseconds: UInt32) {
        self.count = count
        self.p50Milliseconds = p50Milliseconds
        self.p95Milliseconds = p95Milliseconds
        self.p99Milliseconds = p99Milliseconds
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "count", &count, "the number of calls that have succeeded lately: in the last 5 to 10 minutes")
        try visitor.field("p50Milliseconds", &p50Milliseconds, "the time that half of them did not exceed")
        try visitor.field("p95Milliseconds", &p95Milliseconds, "the time that 95 % of them did not exceed")
        try visitor.field("p99Milliseconds", &p99Milliseconds, "the time that 99 % of them did not exceed")
    }
}

/// How long successful calls by a route have taken lately.
public struct RouteLatency: OpenRecord {
    /// The provider.
    public var provider = Name.blank
    /// The deployment; absent: the calls named none.
    public var deployment: Name?
    /// The model that was asked for; absent: the calls named none.
    public var model: Name?
    /// From the permit to the end of the call.
    public var duration = Latency()
    /// From the permit to the first token; absent: nobody told it.
    public var firstToken: Latency?
    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: the calls named none")
        try visitor.field("model", &model, "the model that was asked for; absent: the calls named none")
        try visitor.field("duration", &duration, "from the permit to the end of the call")
        try visitor.field("firstToken", &firstToken, "from the permit to the first token; absent: nobody told it")
    }
}

/// A page of the routes whose calls have succeeded lately, with how long they took.
public struct LatencyList: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .latencyList, "admission.latencies", .read,
            "A page of the routes whose calls have succeeded lately, with how long they took.")
    }
    /// 0 to begin, then what the last page said.
    public var cursor = Page.end
    /// Every field has its default.
    @inlinable public init() {}
    /// The page at this cursor.
    public init(cursor: UInt32) { self.cursor = cursor }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A page of routes.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` routes.
        public var entries: [RouteLatency] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next = Page.end
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entries", &entries, "at most \(WireLimits.pageLength) routes")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

/// What is known of one candidate, to rank it.
public struct CandidateOutlook: OpenRecord {
    /// Why it would not be admitted; absent: it would be.
    public var denial: Denial?
    /// The state of its breaker.
    public var state: BreakerState = .closed
    /// The share of traffic that its breaker lets through, 0 to 1.
    public var share: Double = 1
    /// The cost that the call would hold until it is settled; absent: none is known.
    public var heldCost: Money?
    /// Where this cost comes from.
    public var costBasis: CostBasis = .nothing
    /// How long successful calls by this route have taken lately; absent: there was none.
    public var duration: Latency?
    /// The same until the first token; absent: nobody told it.
    public var firstToken: Latency?
    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("denial", &denial, "why it would not be admitted; absent: it would be")
        try visitor.field("state", &state, "the state of its breaker")
        try visitor.field("share", &share, "the share of traffic that its breaker lets through, 0 to 1")
        try visitor.field(
            "heldCost", &heldCost, "the cost that the call would hold until it is settled; absent: none is known")
        try visitor.field("costBasis", &costBasis, "where this cost comes from")
        try visitor.field(
            "duration", &duration,
            "how long successful calls by this route have taken lately, from the permit to the end; absent: there was none"
        )
        try visitor.field("firstToken", &firstToken, "the same until the first token; absent: nobody told it")
    }
}

/// What an admission would decide now, and what is known of each candidate.
public struct AdmitPreviewReply: WireRecord {
    /// The decision.
    public var decision = AdmissionDecision()
    /// One for each candidate, in their order, also for those after the admitted one.
    public var outlooks = WireLimits.CandidateList<CandidateOutlook>()
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("decision", &decision, "which candidate would be admitted, or why none would")
        try visitor.field(
            "outlooks", &outlooks, "one for each candidate, in their order, also for those after the admitted one")
    }
}
