/// A provider that has run out of quota, and until when.
public struct ExhaustionEntry: OpenRecord {
    public var provider = Name.blank
    public var exhaustedAt = Timestamp(milliseconds: 0)
    public var resetsAt = Timestamp(milliseconds: 0)

    @inlinable public init() {}

    public init(provider: Name, exhaustedAt: Timestamp, resetsAt: Timestamp) {
        self.provider = provider
        self.exhaustedAt = exhaustedAt
        self.resetsAt = resetsAt
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("exhaustedAt", &exhaustedAt, "when it was marked")
        try visitor.field("resetsAt", &resetsAt, "when the mark expires")
    }
}

public struct ExhaustionMark: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionMark, "exhaustion.mark", .durable, report: .record,
            "Marks a provider's quota as exhausted. A shorter mark does not cut a longer one short.")
    }

    public var provider = Name.blank
    public var resetAfterMilliseconds: Int64?

    @inlinable public init() {}
    public init(provider: Name, resetAfterMilliseconds: Int64? = nil) {
        self.provider = provider
        self.resetAfterMilliseconds = resetAfterMilliseconds
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "resetAfterMilliseconds", &resetAfterMilliseconds,
            "how long; absent: the default cooldown; \(Quantity.text(ValueRanges.cooldown))")
    }

    public struct Reply: WireRecord {
        public var resetsAt = Timestamp(milliseconds: 0)
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("resetsAt", &resetsAt, "when the mark now in force expires")
        }
    }
}

public struct ExhaustionClear: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.exhaustionClear, "exhaustion.clear", .durable, .operator, "Takes a provider's mark away.")
    }
    public typealias Reply = Done
    public var provider = Name.blank
    public var mustBeKnown = false
    @inlinable public init() {}
    public init(provider: Name, mustBeKnown: Bool = false) {
        self.provider = provider
        self.mustBeKnown = mustBeKnown
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "mustBeKnown", &mustBeKnown,
            "whether a name under which nothing is known is refused with `notFound`; a known one without a mark never is"
        )
    }
}

public struct ExhaustionGet: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.exhaustionGet, "exhaustion.get", .read, "A provider's mark, if one is in force.")
    }
    public var provider = Name.blank
    @inlinable public init() {}
    public init(provider: Name) { self.provider = provider }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
    }

    public struct Reply: WireRecord {
        public var entry: ExhaustionEntry?
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entry", &entry, "absent if the provider is not exhausted")
        }
    }
}

public struct ExhaustionList: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.exhaustionList, "exhaustion.list", .read, "A page of the marks in force.")
    }
    public var cursor = Page.end
    @inlinable public init() {}
    public init(cursor: UInt32) { self.cursor = cursor }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    public struct Reply: WireRecord {
        public var entries: [ExhaustionEntry] = []
        public var next = Page.end
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entries", &entries, "at most \(WireLimits.pageLength)")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

public struct ExhaustionReset: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.exhaustionReset, "exhaustion.reset", .durable, .operator, "Takes every mark away.")
    }
    public typealias Reply = Done
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

public struct ExhaustionSetDefault: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .exhaustionSetDefault, "exhaustion.setDefault", .durable, .operator,
            "Sets the cooldown of marks that name none.")
    }
    public typealias Reply = Done
    public var cooldownMilliseconds: Int64 = 300_000
    @inlinable public init() {}
    public init(cooldownMilliseconds: Int64) { self.cooldownMilliseconds = cooldownMilliseconds }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cooldownMilliseconds", &cooldownMilliseconds, Quantity.text(ValueRanges.cooldown))
    }
}

public struct ExhaustionDefault: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.exhaustionDefault, "exhaustion.default", .read, "The cooldown of marks that name none.")
    }
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    public struct Reply: WireRecord {
        public var cooldownMilliseconds: Int64 = 0
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("cooldownMilliseconds", &cooldownMilliseconds, "the default cooldown")
        }
    }
}
