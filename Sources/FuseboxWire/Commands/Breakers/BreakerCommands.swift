public struct BreakerAcquire: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerAcquire, "breaker.acquire", .written,
            "Asks whether a call may go out now. An unknown breaker is created.")
    }

    public var name = Name.blank
    public var draw: Double?

    @inlinable public init() {}
    public init(name: Name, draw: Double? = nil) {
        self.name = name
        self.draw = draw
    }

    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field(
            "draw", &draw,
            "a random number in [0, 1): under the profile llm-providers a share admits where it is not above the share; else ignored"
        )
    }

    public struct Reply: WireRecord {
        public var admitted = false
        public var retryAfterMilliseconds: Int64 = 0
        public var consecutiveFailures: UInt32 = 0
        public var share: Double = 0
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("admitted", &admitted, "whether the call may go out")
            try visitor.field(
                "retryAfterMilliseconds", &retryAfterMilliseconds,
                "time until decay lets traffic through again; 0 if admitted, or if the next call may pass")
            try visitor.field("consecutiveFailures", &consecutiveFailures, "its place on the curve")
            try visitor.field("share", &share, "the share of traffic admitted, 0 to 1")
        }
    }
}

public struct BreakerSuccess: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerSuccess, "breaker.success", .written, report: .outcome, "Reports that a call succeeded.")
    }
    public typealias Reply = Done
    public var name = Name.blank
    @inlinable public init() {}
    public init(name: Name) { self.name = name }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
    }
}

public struct BreakerFailure: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerFailure, "breaker.failure", .written, report: .outcome, "Reports that a call failed.")
    }
    public typealias Reply = Done
    public var name = Name.blank
    @inlinable public init() {}
    public init(name: Name) { self.name = name }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
    }
}

public struct BreakerGet: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.breakerGet, "breaker.get", .read, "A breaker's state, health and statistics.")
    }
    public var name = Name.blank
    public var mustBeKnown = false
    @inlinable public init() {}
    public init(name: Name, mustBeKnown: Bool = false) {
        self.name = name
        self.mustBeKnown = mustBeKnown
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field(
            "mustBeKnown", &mustBeKnown,
            "whether a name under which nothing is known is refused with `notFound`; else the status is that of a new one"
        )
    }

    public struct Reply: WireRecord {
        public var exists = false
        public var status = BreakerStatus()
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("exists", &exists, "whether it is known; if not, the status is that of a new one")
            try visitor.field("status", &status, "as it stands now")
        }
    }
}

public struct BreakerList: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.breakerList, "breaker.list", .read, "A page of all breakers.")
    }
    public var cursor = Page.end
    @inlinable public init() {}
    public init(cursor: UInt32) { self.cursor = cursor }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A breaker in a list.
    public struct Entry: OpenRecord {
        public static var wireType: String { "BreakerEntry" }
        public var name = Name.blank
        public var status = BreakerStatus()
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("name", &name, "the breaker")
            try visitor.field("status", &status, "as it stands now")
        }
    }

    public struct Reply: WireRecord {
        public var entries: [Entry] = []
        public var next = Page.end
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entries", &entries, "at most \(WireLimits.pageLength)")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

public struct BreakerForceOpen: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerForceOpen, "breaker.forceOpen", .durable, .operator,
            "Opens a breaker by hand; decay closes it again.")
    }
    public typealias Reply = Done
    public var name = Name.blank
    public var mustBeKnown = false
    @inlinable public init() {}
    public init(name: Name, mustBeKnown: Bool = false) {
        self.name = name
        self.mustBeKnown = mustBeKnown
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field(
            "mustBeKnown", &mustBeKnown,
            "whether a name under which nothing is known is refused with `notFound`; else it becomes known")
    }
}

public struct BreakerReset: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerReset, "breaker.reset", .durable, .operator,
            "Closes a breaker and forgets its failures and statistics; its configuration stays.")
    }
    public typealias Reply = Done
    public var name = Name.blank
    public var mustBeKnown = false
    @inlinable public init() {}
    public init(name: Name, mustBeKnown: Bool = false) {
        self.name = name
        self.mustBeKnown = mustBeKnown
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field(
            "mustBeKnown", &mustBeKnown,
            "whether a name without a breaker is refused with `notFound` under `llm-providers` too, which else creates it"
        )
    }
}

public struct BreakerResetAll: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.breakerResetAll, "breaker.resetAll", .durable, .operator, "Resets every breaker.")
    }
    public typealias Reply = Done
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

public struct BreakerConfigure: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerConfigure, "breaker.configure", .durable, .operator,
            "Changes a breaker's configuration; its failures stay.")
    }
    public typealias Reply = Done
    public var name = Name.blank
    public var change = BreakerConfigurationChange()
    public var mustBeKnown = false
    @inlinable public init() {}
    public init(name: Name, change: BreakerConfigurationChange, mustBeKnown: Bool = false) {
        self.name = name
        self.change = change
        self.mustBeKnown = mustBeKnown
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field("change", &change, "what to set")
        try visitor.field(
            "mustBeKnown", &mustBeKnown,
            "whether a name under which nothing is known is refused with `notFound`; else it becomes known")
    }
}

public struct BreakerConfigurationGet: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerConfigurationGet, "breaker.configuration", .read,
            "A breaker's configuration; of an unknown one, the default.")
    }
    public typealias Reply = BreakerConfiguration
    public var name = Name.blank
    public var mustBeKnown = false
    @inlinable public init() {}
    public init(name: Name, mustBeKnown: Bool = false) {
        self.name = name
        self.mustBeKnown = mustBeKnown
    }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field(
            "mustBeKnown", &mustBeKnown,
            "whether a name under which nothing is known is refused with `notFound`; else the default is told")
    }
}

public struct BreakerConfigureDefault: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerConfigureDefault, "breaker.configureDefault", .durable, .operator,
            "Changes the configuration that breakers are created with; existing ones keep theirs.")
    }
    public typealias Reply = Done
    public var change = BreakerConfigurationChange()
    @inlinable public init() {}
    public init(change: BreakerConfigurationChange) { self.change = change }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("change", &change, "what to set")
    }
}

public struct BreakerDefault: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerDefault, "breaker.default", .read, "The configuration that breakers are created with.")
    }
    public typealias Reply = BreakerConfiguration
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

public struct BreakerSerialize: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerSerialize, "breaker.serialize", .read,
            "A breaker with everything it remembers. Refused with `notFound` if unknown.")
    }
    public typealias Reply = BreakerRecord
    public var name = Name.blank
    @inlinable public init() {}
    public init(name: Name) { self.name = name }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
    }
}

public struct BreakerDeserialize: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerDeserialize, "breaker.deserialize", .durable, .operator,
            "Puts a serialized breaker in the place of the one of its name.")
    }
    public typealias Reply = Done
    public var record = BreakerRecord()
    @inlinable public init() {}
    public init(record: BreakerRecord) { self.record = record }
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("record", &record, "what serialize gave")
    }
}
