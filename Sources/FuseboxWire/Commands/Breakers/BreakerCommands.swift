/// A breaker's state, health and statistics.
public struct BreakerGet: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.breakerGet, "breaker.get", .read, "A breaker's state, health and statistics.")
    }
    /// The provider.
    public var name = Name.blank
    /// Whether a name under which nothing is known is refused with `notFound`; otherwise the status is that of a new
    /// breaker.
    public var mustBeKnown = false
    /// The deployment; nil: it is not the breaker of one.
    public var deployment: Name?
    /// The model; nil: it is not the breaker of one.
    public var model: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the status of this breaker.
    public init(name: Name, deployment: Name? = nil, model: Name? = nil, mustBeKnown: Bool = false) {
        self.name = name
        self.deployment = deployment
        self.model = model
        self.mustBeKnown = mustBeKnown
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field(
            "mustBeKnown", &mustBeKnown,
            "whether a name under which nothing is known is refused with `notFound`; otherwise the status is that of a new breaker"
        )
        try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
        try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
    }

    /// The status of the breaker.
    public struct Reply: WireRecord {
        /// Whether the breaker is known; otherwise the status is that of a new breaker.
        public var exists = false
        /// Its state, health and statistics at this moment.
        public var status = BreakerStatus()
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "exists", &exists, "whether the breaker is known; otherwise the status is that of a new breaker")
            try visitor.field("status", &status, "its state, health and statistics at this moment")
        }
    }
}

/// A page of all breakers.
public struct BreakerList: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.breakerList, "breaker.list", .read, "A page of all breakers.")
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

    /// A breaker in a list.
    public struct Entry: OpenRecord {
        /// Its name in the reference.
        public static var wireType: String { "BreakerEntry" }
        /// The provider.
        public var name = Name.blank
        /// Its state, health and statistics at this moment.
        public var status = BreakerStatus()
        /// The deployment; nil: it is not the breaker of one.
        public var deployment: Name?
        /// The model; nil: it is not the breaker of one.
        public var model: Name?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("name", &name, "the provider")
            try visitor.field("status", &status, "its state, health and statistics at this moment")
            try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
            try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
        }
    }

    /// A page of breakers.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` breakers.
        public var entries: [Entry] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next: UInt64 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entries", &entries, "at most \(WireLimits.pageLength) breakers")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

/// Opens a breaker by hand; decay closes it again.
public struct BreakerForceOpen: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerForceOpen, "breaker.forceOpen", .durable, .operator,
            "Opens a breaker by hand; decay closes it again.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The provider.
    public var name = Name.blank
    /// Whether a name under which nothing is known is refused with `notFound`; otherwise it becomes known.
    public var mustBeKnown = false
    /// The deployment; nil: it is not the breaker of one.
    public var deployment: Name?
    /// The model; nil: it is not the breaker of one.
    public var model: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// Opens this breaker.
    public init(name: Name, deployment: Name? = nil, model: Name? = nil, mustBeKnown: Bool = false) {
        self.name = name
        self.deployment = deployment
        self.model = model
        self.mustBeKnown = mustBeKnown
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field(
            "mustBeKnown", &mustBeKnown,
            "whether a name under which nothing is known is refused with `notFound`; otherwise it becomes known")
        try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
        try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
    }
}

/// Closes a breaker and forgets its failures and statistics; its configuration stays.
public struct BreakerReset: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerReset, "breaker.reset", .durable, .operator,
            "Closes a breaker and forgets its failures and statistics; its configuration stays.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The provider.
    public var name = Name.blank
    /// Whether a name without a breaker is refused with `notFound` under the profile `llm-providers` too, which
    /// otherwise creates it.
    public var mustBeKnown = false
    /// The deployment; nil: it is not the breaker of one.
    public var deployment: Name?
    /// The model; nil: it is not the breaker of one.
    public var model: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// Resets this breaker.
    public init(name: Name, deployment: Name? = nil, model: Name? = nil, mustBeKnown: Bool = false) {
        self.name = name
        self.deployment = deployment
        self.model = model
        self.mustBeKnown = mustBeKnown
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field(
            "mustBeKnown", &mustBeKnown,
            "whether a name without a breaker is refused with `notFound` under the profile `llm-providers` too, which otherwise creates it"
        )
        try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
        try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
    }
}

/// Removes a breaker with its statistics and its configuration.
public struct BreakerRemove: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerRemove, "breaker.remove", .durable, .operator,
            "Removes a breaker with its statistics and its configuration. The next call makes it anew.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The provider.
    public var name = Name.blank
    /// The deployment; nil: it is not the breaker of one.
    public var deployment: Name?
    /// The model; nil: it is not the breaker of one.
    public var model: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// Removes this breaker.
    public init(name: Name, deployment: Name? = nil, model: Name? = nil) {
        self.name = name
        self.deployment = deployment
        self.model = model
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
        try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
    }
}

/// Resets every breaker.
public struct BreakerResetAll: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.breakerResetAll, "breaker.resetAll", .durable, .operator, "Resets every breaker.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// Changes a breaker's configuration; its failures stay.
public struct BreakerConfigure: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerConfigure, "breaker.configure", .durable, .operator,
            "Changes a breaker's configuration; its failures stay.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The provider.
    public var name = Name.blank
    /// The parts of the configuration to set.
    public var change = BreakerConfigurationChange()
    /// Whether a name under which nothing is known is refused with `notFound`; otherwise it becomes known.
    public var mustBeKnown = false
    /// The deployment; nil: it is not the breaker of one.
    public var deployment: Name?
    /// The model; nil: it is not the breaker of one.
    public var model: Name?
    /// Whether a breaker that has a configuration of its own keeps it. So of several that configure it, the first wins.
    public var ifAbsent = false
    /// Every field has its default.
    @inlinable public init() {}
    /// Changes the configuration of this breaker.
    public init(
        name: Name, deployment: Name? = nil, model: Name? = nil, change: BreakerConfigurationChange,
        mustBeKnown: Bool = false, ifAbsent: Bool = false
    ) {
        self.name = name
        self.deployment = deployment
        self.model = model
        self.change = change
        self.mustBeKnown = mustBeKnown
        self.ifAbsent = ifAbsent
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field("change", &change, "the parts of the configuration to set")
        try visitor.field(
            "mustBeKnown", &mustBeKnown,
            "whether a name under which nothing is known is refused with `notFound`; otherwise it becomes known")
        try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
        try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
        try visitor.field(
            "ifAbsent", &ifAbsent,
            "whether a breaker that has a configuration of its own keeps it; so of several that configure it, the first wins"
        )
    }
}

/// A breaker's configuration; of an unknown one, the default.
public struct BreakerConfigurationGet: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerConfigurationGet, "breaker.configuration", .read,
            "A breaker's configuration; of an unknown one, the default.")
    }
    /// The configuration.
    public typealias Reply = BreakerConfiguration
    /// The provider.
    public var name = Name.blank
    /// Whether a name under which nothing is known is refused with `notFound`; otherwise the reply is the default.
    public var mustBeKnown = false
    /// The deployment; nil: it is not the breaker of one.
    public var deployment: Name?
    /// The model; nil: it is not the breaker of one.
    public var model: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the configuration of this breaker.
    public init(name: Name, deployment: Name? = nil, model: Name? = nil, mustBeKnown: Bool = false) {
        self.name = name
        self.deployment = deployment
        self.model = model
        self.mustBeKnown = mustBeKnown
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field(
            "mustBeKnown", &mustBeKnown,
            "whether a name under which nothing is known is refused with `notFound`; otherwise the reply is the default"
        )
        try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
        try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
    }
}

/// Changes the configuration of breakers that have none of their own; under `llm-providers` only of those that are
/// created from then on.
public struct BreakerConfigureDefault: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerConfigureDefault, "breaker.configureDefault", .durable, .operator,
            "Changes the configuration of breakers that have none of their own; under `llm-providers` only of those that are created from then on."
        )
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The parts of the configuration to set.
    public var change = BreakerConfigurationChange()
    /// Every field has its default.
    @inlinable public init() {}
    /// Changes the default configuration.
    public init(change: BreakerConfigurationChange) { self.change = change }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("change", &change, "the parts of the configuration to set")
    }
}

/// The configuration that breakers are created with.
public struct BreakerDefault: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerDefault, "breaker.default", .read, "The configuration that breakers are created with.")
    }
    /// The configuration.
    public typealias Reply = BreakerConfiguration
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// A breaker with everything it remembers. Refused with `notFound` if unknown.
public struct BreakerSerialize: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerSerialize, "breaker.serialize", .read,
            "A breaker with everything it remembers. Refused with `notFound` if unknown.")
    }
    /// The breaker.
    public typealias Reply = BreakerRecord
    /// The provider.
    public var name = Name.blank
    /// The deployment; nil: it is not the breaker of one.
    public var deployment: Name?
    /// The model; nil: it is not the breaker of one.
    public var model: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for everything that this breaker remembers.
    public init(name: Name, deployment: Name? = nil, model: Name? = nil) {
        self.name = name
        self.deployment = deployment
        self.model = model
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
        try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
    }
}

/// Puts a serialized breaker in the place of the one of its name.
public struct BreakerDeserialize: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .breakerDeserialize, "breaker.deserialize", .durable, .operator,
            "Puts a serialized breaker in the place of the one of its name.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The record that `breaker.serialize` returned.
    public var record = BreakerRecord()
    /// Every field has its default.
    @inlinable public init() {}
    /// Restores the breaker that this record describes.
    public init(record: BreakerRecord) { self.record = record }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("record", &record, "the record that `breaker.serialize` returned")
    }
}
