/// A pause: a route that an operator has taken out of use, since when, until when, and why.
public struct PauseEntry: OpenRecord {
    /// The provider.
    public var provider = Name.blank
    /// The deployment. Nil: every one.
    public var deployment: Name?
    /// The model. Nil: every one.
    public var model: Name?
    /// Since when it is paused.
    public var since = Timestamp(milliseconds: 0)
    /// When the pause ends by itself. Nil: it lasts until it is resumed.
    public var until: Timestamp?
    /// The peer user of the operator who paused it last.
    public var user: UInt32 = 0
    /// Why, in the operator's words.
    public var reason = ""
    /// Every field has its default.
    @inlinable public init() {}

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: every one")
        try visitor.field("model", &model, "the model; absent: every one")
        try visitor.field("since", &since, "since when it is paused")
        try visitor.field("until", &until, "when the pause ends by itself; absent: it lasts until it is resumed")
        try visitor.field("user", &user, "the peer user of the operator who paused it last")
        try visitor.field("reason", &reason, "why, in the operator's words")
    }
}

/// Pauses a route: no call is admitted by it until the pause ends by its time or is resumed.
///
/// A pause of a provider pauses its deployments and models. Pausing a paused route again changes its end and reason.
public struct ExhaustionPause: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionPause, "exhaustion.pause", .durable, .operator,
            "Pauses a route: no call is admitted by it until the pause ends by its time or is resumed.")
    }
    /// The provider.
    public var provider = Name.blank
    /// The deployment. Nil: every one.
    public var deployment: Name?
    /// The model. Nil: every one.
    public var model: Name?
    /// Why, for those who meet the pause; 1 to `WireLimits.textLength` bytes.
    public var reason = ""
    /// How long it lasts, `ValueRanges.pause`. Nil: until it is resumed.
    public var durationMilliseconds: Int64?
    /// Whether a route of which nothing is known is refused with `notFound`.
    public var mustBeKnown = false
    /// Every field has its default.
    @inlinable public init() {}
    /// Pauses this route.
    public init(
        provider: Name, deployment: Name? = nil, model: Name? = nil, reason: String,
        durationMilliseconds: Int64? = nil, mustBeKnown: Bool = false
    ) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
        self.reason = reason
        self.durationMilliseconds = durationMilliseconds
        self.mustBeKnown = mustBeKnown
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: every one")
        try visitor.field("model", &model, "the model; absent: every one")
        try visitor.field("reason", &reason, "why; 1 to \(WireLimits.textLength) bytes")
        try visitor.field(
            "durationMilliseconds", &durationMilliseconds,
            "how long it lasts, \(Quantity.text(ValueRanges.pause)); absent: until it is resumed")
        try visitor.field(
            "mustBeKnown", &mustBeKnown, "whether a route of which nothing is known is refused with `notFound`")
    }

    /// The pause.
    public struct Reply: WireRecord {
        /// The pause as it is now.
        public var entry = PauseEntry()
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entry", &entry, "the pause as it is now")
        }
    }
}

/// Ends a route's own pause. Wider and narrower pauses stay, and marks do.
public struct ExhaustionResume: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionResume, "exhaustion.resume", .durable, .operator,
            "Ends a route's own pause. Wider and narrower pauses stay, and marks do.")
    }
    /// The provider.
    public var provider = Name.blank
    /// The deployment. Nil: the pause is not of one.
    public var deployment: Name?
    /// The model. Nil: the pause is not of one.
    public var model: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// Ends the pause of this route.
    public init(provider: Name, deployment: Name? = nil, model: Name? = nil) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: the pause is not of one")
        try visitor.field("model", &model, "the model; absent: the pause is not of one")
    }

    /// What was ended, and what still stands.
    public struct Reply: WireRecord {
        /// Whether the route was paused.
        public var wasPaused = false
        /// A wider pause that still keeps calls by the route away. Nil: none does.
        public var remaining: PauseEntry?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("wasPaused", &wasPaused, "whether the route was paused")
            try visitor.field(
                "remaining", &remaining, "a wider pause that still keeps calls by the route away; absent: none does")
        }
    }
}

/// A page of the pauses in force.
public struct ExhaustionPauses: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.exhaustionPauses, "exhaustion.pauses", .read, "A page of the pauses in force.")
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

    /// A page of pauses.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pausesPerPage` pauses.
        public var entries: [PauseEntry] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next: UInt64 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entries", &entries, "at most \(WireLimits.pausesPerPage) pauses")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}
