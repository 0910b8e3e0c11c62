/// A provider that has run out of quota, and until when.
public struct ExhaustionEntry: OpenRecord {
    /// The provider.
    public var provider = Name.blank
    /// When it was marked.
    public var exhaustedAt = Timestamp(milliseconds: 0)
    /// When the mark expires.
    public var resetsAt = Timestamp(milliseconds: 0)

    /// Every field has its default.
    @inlinable public init() {}

    /// The mark of this provider.
    public init(provider: Name, exhaustedAt: Timestamp, resetsAt: Timestamp) {
        self.provider = provider
        self.exhaustedAt = exhaustedAt
        self.resetsAt = resetsAt
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("exhaustedAt", &exhaustedAt, "when it was marked")
        try visitor.field("resetsAt", &resetsAt, "when the mark expires")
    }
}

/// Marks a provider's quota as exhausted. A shorter mark does not cut a longer one short.
public struct ExhaustionMark: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionMark, "exhaustion.mark", .durable, report: .record,
            "Marks a provider's quota as exhausted. A shorter mark does not cut a longer one short.")
    }

    /// The provider.
    public var provider = Name.blank
    /// How long the mark lasts, `ValueRanges.cooldown`; absent: the default cooldown.
    public var resetAfterMilliseconds: Int64?

    /// Every field has its default.
    @inlinable public init() {}
    /// Marks this provider.
    public init(provider: Name, resetAfterMilliseconds: Int64? = nil) {
        self.provider = provider
        self.resetAfterMilliseconds = resetAfterMilliseconds
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "resetAfterMilliseconds", &resetAfterMilliseconds,
            "how long the mark lasts, \(Quantity.text(ValueRanges.cooldown)); absent: the default cooldown")
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

/// Removes a provider's mark.
public struct ExhaustionClear: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.exhaustionClear, "exhaustion.clear", .durable, .operator, "Removes a provider's mark.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The provider.
    public var provider = Name.blank
    /// Whether a name under which nothing is known is refused with `notFound`; a known name without a mark is not
    /// refused.
    public var mustBeKnown = false
    /// Every field has its default.
    @inlinable public init() {}
    /// Removes this provider's mark.
    public init(provider: Name, mustBeKnown: Bool = false) {
        self.provider = provider
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
    }
}

/// A provider's mark, if one is in force.
public struct ExhaustionGet: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.exhaustionGet, "exhaustion.get", .read, "A provider's mark, if one is in force.")
    }
    /// The provider.
    public var provider = Name.blank
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the mark of this provider.
    public init(provider: Name) { self.provider = provider }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
    }

    /// The mark.
    public struct Reply: WireRecord {
        /// The mark; absent if the provider is not exhausted.
        public var entry: ExhaustionEntry?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entry", &entry, "the mark; absent if the provider is not exhausted")
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

    /// A page of marks.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` marks.
        public var entries: [ExhaustionEntry] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next = Page.end
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entries", &entries, "at most \(WireLimits.pageLength) marks")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

/// Removes every mark.
public struct ExhaustionReset: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.exhaustionReset, "exhaustion.reset", .durable, .operator, "Removes every mark.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// Sets the default cooldown: how long a mark lasts that names no duration.
public struct ExhaustionSetDefault: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionSetDefault, "exhaustion.setDefault", .durable, .operator,
            "Sets the default cooldown: how long a mark lasts that names no duration.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The default cooldown, `ValueRanges.cooldown`.
    public var cooldownMilliseconds: Int64 = 300_000
    /// Every field has its default.
    @inlinable public init() {}
    /// Sets this cooldown.
    public init(cooldownMilliseconds: Int64) { self.cooldownMilliseconds = cooldownMilliseconds }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "cooldownMilliseconds", &cooldownMilliseconds,
            "the default cooldown, \(Quantity.text(ValueRanges.cooldown))")
    }
}

/// The default cooldown: how long a mark lasts that names no duration.
public struct ExhaustionDefault: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionDefault, "exhaustion.default", .read,
            "The default cooldown: how long a mark lasts that names no duration.")
    }
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    /// The default cooldown.
    public struct Reply: WireRecord {
        /// The default cooldown.
        public var cooldownMilliseconds: Int64 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("cooldownMilliseconds", &cooldownMilliseconds, "the default cooldown")
        }
    }
}
