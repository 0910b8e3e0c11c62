/// Sets limits on a scope, all or none.
///
/// A limit that exists (of the same dimension and window) is changed and keeps what was used of it. A new one sees
/// calls in flight.
public struct LimitSet: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .limitSet, "limit.set", .durable, .operator,
            "Sets limits on a scope, all or none. One that exists keeps what was used of it.")
    }

    /// What is limited.
    public var scope = Scope()
    /// The limits.
    public var limits: [Limit] = []

    /// Every field has its default.
    @inlinable public init() {}
    /// Sets these limits on this scope.
    public init(scope: Scope, limits: [Limit]) {
        self.scope = scope
        self.limits = limits
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("scope", &scope, "what is limited; its tag may be a template, `prefix*`")
        try visitor.field("limits", &limits, "1 to \(WireLimits.limitsPerRequest), each of another dimension or window")
    }

    /// The limits as they are now.
    public struct Reply: WireRecord {
        /// The limits as they are now, in the order of the request.
        public var changes: [LimitChange] = []
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("changes", &changes, "the limits as they are now, in the order of the request")
        }
    }
}

/// Removes limits from a scope. Calls in flight go on.
public struct LimitRemove: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .limitRemove, "limit.remove", .durable, .operator,
            "Removes limits from a scope, all or none. Where a template covers its tag, that limits it from now on.")
    }

    /// The scope whose limits are removed.
    public var scope = Scope()
    /// The limits; their amounts do not matter.
    public var limits: [Limit] = []
    /// Whether all limits of the scope are removed.
    public var removesAll = false

    /// Every field has its default.
    @inlinable public init() {}
    /// Removes these limits from this scope.
    public init(scope: Scope, limits: [Limit]) {
        self.scope = scope
        self.limits = limits
    }
    /// Removes every limit of this scope.
    public init(allOf scope: Scope) {
        self.scope = scope
        removesAll = true
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("scope", &scope, "the scope whose limits are removed")
        try visitor.field(
            "limits", &limits,
            "at most \(WireLimits.limitsPerRequest) limits, found by dimension, window and shadow mode; refused with `notFound` if one is not set"
        )
        try visitor.field("removesAll", &removesAll, "whether all limits of the scope are removed; then none is listed")
    }

    /// What was removed.
    public struct Reply: WireRecord {
        /// The limits as they were.
        public var removed: [LimitEntry] = []
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("removed", &removed, "the limits as they were")
        }
    }
}

/// Raises a limit for a while.
public struct LimitRaise: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .limitRaise, "limit.raise", .durable, .operator,
            "Raises the amount of a limit for a while; it goes back by itself. A raise of a template is one for each of its tags."
        )
    }

    /// The scope whose limit is raised.
    public var scope = Scope()
    /// The limit with the amount that holds meanwhile.
    public var limit = Limit()
    /// How long it holds, in milliseconds; nil: see `until`.
    public var milliseconds: Int64?
    /// Until when on the wall clock; nil: see `milliseconds`.
    public var until: Timestamp?

    /// Every field has its default.
    @inlinable public init() {}
    /// Raises a limit for so many milliseconds.
    public init(scope: Scope, limit: Limit, milliseconds: Int64) {
        self.scope = scope
        self.limit = limit
        self.milliseconds = milliseconds
    }
    /// Raises a limit until a moment of the wall clock.
    public init(scope: Scope, limit: Limit, until: Timestamp) {
        self.scope = scope
        self.limit = limit
        self.until = until
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("scope", &scope, "the scope whose limit is raised")
        try visitor.field(
            "limit", &limit,
            "the limit, found by dimension, window and shadow mode, with the amount that holds meanwhile; it must not be below the limit's own"
        )
        try visitor.field(
            "milliseconds", &milliseconds, "how long: \(Quantity.text(ValueRanges.raise)); absent: see `until`")
        try visitor.field(
            "until", &until,
            "until when on the wall clock, at most 366 days ahead; absent: see `milliseconds`; exactly one of the two is given"
        )
    }

    /// The limit as it is now.
    public struct Reply: WireRecord {
        /// The raised limit.
        public var entry = LimitEntry()
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entry", &entry, "the limit, raised")
        }
    }
}

/// Adds to the amount of a prepaid limit.
public struct LimitTopUp: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .limitTopUp, "limit.topUp", .durable, .operator,
            "Adds to the amount of a prepaid limit. What was used of it stays, and its thresholds fire again.")
    }

    /// The scope whose limit is topped up.
    public var scope = Scope()
    /// The prepaid limit, with the amount that is added.
    public var limit = Limit()

    /// Every field has its default.
    @inlinable public init() {}
    /// Adds the limit's amount to the prepaid limit of its dimension.
    public init(scope: Scope, limit: Limit) {
        self.scope = scope
        self.limit = limit
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("scope", &scope, "the scope whose limit is topped up")
        try visitor.field(
            "limit", &limit,
            "the prepaid limit, found by dimension and shadow mode, with the amount that is added, at least 1")
    }

    /// The limit as it is now.
    public struct Reply: WireRecord {
        /// The limit, topped up.
        public var entry = LimitEntry()
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entry", &entry, "the limit, topped up")
        }
    }
}

/// Lists limits with what is used of them.
public struct LimitList: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .limitList, "limit.list", .read,
            "A page of the limits with what is used, held and left of them. A worker sees those on tags that its user's calls have named, and all that are not on tags."
        )
    }

    /// The scope whose limits are listed; nil: all limits that are set.
    public var scope: Scope?
    /// 0 to begin, then what the last page said.
    public var cursor: UInt64 = 0

    /// Every field has its default.
    @inlinable public init() {}
    /// A page of all limits, or of one scope's.
    public init(scope: Scope? = nil, cursor: UInt64 = 0) {
        self.scope = scope
        self.cursor = cursor
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "scope", &scope,
            "the scope whose limits are listed; absent: every limit that is set; a tag's include those that a template gives it, a template's those of each tag that has used it"
        )
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A page.
    public struct Reply: WireRecord {
        /// At most `WireLimits.limitPageLength` limits, in the order in which they were set or first used.
        public var entries: [LimitEntry] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next: UInt64 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "entries", &entries,
                "at most \(WireLimits.limitPageLength) limits, in the order in which they were set or first used")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

/// One limit of a scope, found by its dimension and window.
public struct LimitGet: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .limitGet, "limit.get", .read,
            "A limit of a scope with what is used, held and left of it. A worker sees those that `limit.list` tells it."
        )
    }

    /// The scope.
    public var scope = Scope()
    /// The limit, found by dimension, window and shadow mode.
    public var limit = Limit()

    /// Every field has its default.
    @inlinable public init() {}
    /// A request for this limit of a scope. Its amount and its other fields do not matter.
    public init(scope: Scope, limit: Limit) {
        self.scope = scope
        self.limit = limit
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("scope", &scope, "the scope")
        try visitor.field("limit", &limit, "the limit, found by dimension, window and shadow mode")
    }

    /// The limit.
    public struct Reply: WireRecord {
        /// The limit; absent: none is set, and no template gives the tag one.
        public var entry: LimitEntry?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "entry", &entry, "the limit; absent: none is set, and no template gives the tag one")
        }
    }
}
