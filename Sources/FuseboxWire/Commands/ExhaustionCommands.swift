/// A mark: a route that has run out of quota or takes no calls, since when, until when, and why.
public struct ExhaustionEntry: OpenRecord {
    /// The provider.
    public var provider = Name.blank
    /// When it was marked.
    public var exhaustedAt = Timestamp(milliseconds: 0)
    /// When the mark expires.
    public var resetsAt = Timestamp(milliseconds: 0)
    /// The deployment. Nil: every one.
    public var deployment: Name?
    /// The model. Nil: every one.
    public var model: Name?
    /// Why it was marked, or its end put off last.
    public var reason: MarkReason = .told
    /// The peer user that told it last.
    public var user: UInt32 = 0
    /// When it was marked, or its end put off last. A success ends it if its call was admitted later.
    public var changedAt = Timestamp(milliseconds: 0)
    /// When a call may probe the mark. Nil: none may before its end.
    public var probeAt: Timestamp?
    /// Whether a call is under way that probes it.
    public var isProbed = false
    /// How many probes have failed.
    public var failedProbes: UInt8 = 0

    /// Every field has its default.
    @inlinable public init() {}

    /// The mark of this provider.
    public init(provider: Name, exhaustedAt: Timestamp, resetsAt: Timestamp) {
        self.provider = provider
        self.exhaustedAt = exhaustedAt
        self.resetsAt = resetsAt
        changedAt = exhaustedAt
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("exhaustedAt", &exhaustedAt, "when it was marked")
        try visitor.field("resetsAt", &resetsAt, "when the mark expires")
        try visitor.field("deployment", &deployment, "the deployment; absent: every one")
        try visitor.field("model", &model, "the model; absent: every one")
        try visitor.field("reason", &reason, "why it was marked, or its end put off last")
        try visitor.field("user", &user, "the peer user that told it last")
        try visitor.field(
            "changedAt", &changedAt,
            "when it was marked, or its end put off last; a success ends it if its call was admitted later")
        try visitor.field("probeAt", &probeAt, "when a call may probe it; absent: none may before its end")
        try visitor.field("isProbed", &isProbed, "whether a call is under way that probes it")
        try visitor.field("failedProbes", &failedProbes, "how many probes have failed")
    }
}

/// Why a route was marked.
public enum MarkReason: OpenEnumeration {
    /// A worker or an operator has marked it with `exhaustion.mark`, or an import has.
    case told
    /// A call ended with `quotaExhausted`.
    case quotaExhausted
    /// A call ended with `throttled`, and the provider said for how long.
    case throttled
    /// A call ended with `failure`, and the provider said for how long.
    case failure
    /// A call ended with `unauthorized`.
    case unauthorized
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [MarkReason] = [.told, .quotaExhausted, .throttled, .failure, .unauthorized]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .told: 0
        case .quotaExhausted: 1
        case .throttled: 2
        case .failure: 3
        case .unauthorized: 4
        case .unknown(let number): number
        }
    }
}

/// How much of a call's route its outcome marks.
public enum MarkScope: UInt8, WireEnumeration {
    /// The provider.
    case provider = 0
    /// The deployment, or the provider if the call names none.
    case deployment = 1
    /// The provider with the call's model, if it names one.
    case model = 2
    /// The whole route.
    case route = 3
}

/// Marks a route as exhausted. A mark never cuts a longer one short, and lasts no longer than the longest mark may.
public struct ExhaustionMark: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionMark, "exhaustion.mark", .durable, report: .record,
            "Marks a route as exhausted. A mark never cuts a longer one short, and lasts no longer than the longest mark may."
        )
    }

    /// The provider.
    public var provider = Name.blank
    /// How long the mark lasts, `ValueRanges.cooldown`; absent: the default cooldown, doubled by each mark in a row.
    public var resetAfterMilliseconds: Int64?
    /// The deployment. Nil: every one.
    public var deployment: Name?
    /// The model. Nil: every one.
    public var model: Name?
    /// When the route ran out, on the daemon's steady clock, not after now: of a mark that was made elsewhere. Nil: now.
    /// It is only told; from now on count the end of the mark, and what a success says against it.
    public var exhaustedAt: Timestamp?

    /// Every field has its default.
    @inlinable public init() {}
    /// Marks this route.
    public init(
        provider: Name, deployment: Name? = nil, model: Name? = nil, resetAfterMilliseconds: Int64? = nil,
        exhaustedAt: Timestamp? = nil
    ) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
        self.resetAfterMilliseconds = resetAfterMilliseconds
        self.exhaustedAt = exhaustedAt
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "resetAfterMilliseconds", &resetAfterMilliseconds,
            "how long the mark lasts, \(Quantity.text(ValueRanges.cooldown)); absent: the default cooldown, doubled by each mark in a row"
        )
        try visitor.field("deployment", &deployment, "the deployment; absent: every one")
        try visitor.field("model", &model, "the model; absent: every one")
        try visitor.field(
            "exhaustedAt", &exhaustedAt,
            "when the route ran out, on the steady clock, not after now: of a mark that was made elsewhere; absent: now; it is only told"
        )
    }

    /// The mark that is now in force.
    public struct Reply: WireRecord {
        /// When the mark now in force expires.
        public var resetsAt = Timestamp(milliseconds: 0)
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("resetsAt", &resetsAt, "when the mark now in force expires")
        }
    }
}

/// Removes a route's own mark. Wider and narrower marks stay, and pauses do.
public struct ExhaustionClear: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionClear, "exhaustion.clear", .durable, .operator,
            "Removes a route's own mark. Wider and narrower marks stay, and pauses do.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The provider.
    public var provider = Name.blank
    /// Whether a name under which nothing is known is refused with `notFound`; a known name without a mark is not
    /// refused.
    public var mustBeKnown = false
    /// The deployment. Nil: the mark is not of one.
    public var deployment: Name?
    /// The model. Nil: the mark is not of one.
    public var model: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// Removes the mark of this route.
    public init(provider: Name, deployment: Name? = nil, model: Name? = nil, mustBeKnown: Bool = false) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
        self.mustBeKnown = mustBeKnown
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "mustBeKnown", &mustBeKnown,
            "whether a name under which nothing is known is refused with `notFound`; a known name without a mark is not refused"
        )
        try visitor.field("deployment", &deployment, "the deployment; absent: the mark is not of one")
        try visitor.field("model", &model, "the model; absent: the mark is not of one")
    }
}

/// The mark and the pause that keep calls by a route away the longest, be they of the route or of what it is part of.
public struct ExhaustionGet: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionGet, "exhaustion.get", .read,
            "The mark and the pause that keep calls by a route away the longest, be they of the route or of what it is part of."
        )
    }
    /// The provider.
    public var provider = Name.blank
    /// The deployment. Nil: the calls name none.
    public var deployment: Name?
    /// The model. Nil: the calls name none.
    public var model: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for what keeps calls by this route away.
    public init(provider: Name, deployment: Name? = nil, model: Name? = nil) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: the calls name none")
        try visitor.field("model", &model, "the model; absent: the calls name none")
    }

    /// The mark and the pause.
    public struct Reply: WireRecord {
        /// The mark that ends last; absent if none is in force.
        public var entry: ExhaustionEntry?
        /// The pause that ends last; absent if none is in force.
        public var pause: PauseEntry?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entry", &entry, "the mark that ends last; absent if none is in force")
            try visitor.field("pause", &pause, "the pause that ends last; absent if none is in force")
        }
    }
}

/// A page of the marks in force.
public struct ExhaustionList: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.exhaustionList, "exhaustion.list", .read, "A page of the marks in force.")
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

    /// A page of marks.
    public struct Reply: WireRecord {
        /// At most `WireLimits.marksPerPage` marks.
        public var entries: [ExhaustionEntry] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next: UInt64 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entries", &entries, "at most \(WireLimits.marksPerPage) marks")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

/// Removes every mark. Pauses stay.
public struct ExhaustionReset: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionReset, "exhaustion.reset", .durable, .operator, "Removes every mark. Pauses stay.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// Sets how long a mark lasts that names no duration, and how long any mark lasts at most.
public struct ExhaustionSetDefault: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionSetDefault, "exhaustion.setDefault", .durable, .operator,
            "Sets how long a mark lasts that names no duration, and how long any mark lasts at most.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The default cooldown, `ValueRanges.cooldown`. Nil: as it was.
    public var cooldownMilliseconds: Int64?
    /// How long a mark lasts at most, `ValueRanges.longestMark`. Nil: as it was.
    public var longestMilliseconds: Int64?
    /// Every field has its default.
    @inlinable public init() {}
    /// Sets this cooldown, and this bound on every mark that is made or put off from now on.
    public init(cooldownMilliseconds: Int64? = nil, longestMilliseconds: Int64? = nil) {
        self.cooldownMilliseconds = cooldownMilliseconds
        self.longestMilliseconds = longestMilliseconds
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "cooldownMilliseconds", &cooldownMilliseconds,
            "the default cooldown, \(Quantity.text(ValueRanges.cooldown)); absent: as it was")
        try visitor.field(
            "longestMilliseconds", &longestMilliseconds,
            "how long a mark lasts at most, \(Quantity.text(ValueRanges.longestMark)): those that are made or put off from now on; absent: as it was"
        )
    }
}

/// How long a mark lasts that names no duration, and how long any mark lasts at most.
public struct ExhaustionDefault: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionDefault, "exhaustion.default", .read,
            "How long a mark lasts that names no duration, and how long any mark lasts at most.")
    }
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    /// The default cooldown and the longest mark.
    public struct Reply: WireRecord {
        /// The default cooldown.
        public var cooldownMilliseconds: Int64 = 0
        /// How long a mark lasts at most.
        public var longestMilliseconds: Int64 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("cooldownMilliseconds", &cooldownMilliseconds, "the default cooldown")
            try visitor.field(
                "longestMilliseconds", &longestMilliseconds,
                "how long a mark lasts at most; under `llm-providers` each lasts as told")
        }
    }
}
