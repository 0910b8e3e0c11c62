/// What operators demand of names: one record for all.
public struct NamePolicy: OpenRecord {
    /// Whether workers may name only providers that are known.
    public var isStrict = false
    /// What the tags of each call must match; empty: nothing is demanded.
    public var requiredTags: [Name] = []

    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("isStrict", &isStrict, "whether workers may name only providers that are known")
        try visitor.field(
            "requiredTags", &requiredTags,
            "the tags that each call must have, each a tag or `prefix*`; empty: nothing is demanded")
    }

    /// The most tags that can be demanded.
    public static let requiredTagLimit = WireLimits.TagList.capacity
}

/// Tells what operators demand of names.
public struct NamePolicyGet: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.namePolicy, "names.policy", .read, "What operators demand of the names in requests.")
    }
    /// The policy.
    public typealias Reply = NamePolicy
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// Sets whether workers may name only providers that are known.
public struct NamesSetStrict: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .namesSetStrict, "names.setStrict", .durable, .operator,
            "Sets whether workers may name only providers that are known. Operators go on making new ones known.")
    }
    /// The reply has no fields.
    public typealias Reply = Done

    /// Whether workers may name only providers that are known.
    public var isStrict = false

    /// Every field has its default.
    @inlinable public init() {}
    /// Sets whether workers may name no provider that is not known.
    public init(isStrict: Bool) { self.isStrict = isStrict }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "isStrict", &isStrict, "whether a worker that names a provider that is not known is refused with `notFound`"
        )
    }
}

/// Sets what the tags of each call must match.
public struct NamesRequireTags: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .namesRequireTags, "names.requireTags", .durable, .operator,
            "Sets what tags every admission, report and record must have, in the place of those before.")
    }
    /// The reply has no fields.
    public typealias Reply = Done

    /// The tags that are demanded, each a tag or `prefix*`; at most `NamePolicy.requiredTagLimit`.
    public var tags: [Name] = []

    /// Every field has its default.
    @inlinable public init() {}
    /// Demands a tag like each of these.
    public init(tags: [Name]) { self.tags = tags }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "tags", &tags,
            "at most \(NamePolicy.requiredTagLimit) tags, each a tag or `prefix*`: a call that lacks one of them is refused with `outOfRange`; empty: nothing is demanded"
        )
    }
}

/// A name of a model that stands for another.
public struct ModelAlias: WireRecord, Equatable {
    /// The provider whose model it is.
    public var provider = Name.blank
    /// The name that stands for another.
    public var name = Name.blank
    /// The model that is charged.
    public var model = Name.blank

    /// Every field has its default.
    @inlinable public init() {}
    /// With a provider, a name that stands for a model.
    public init(provider: Name, name: Name, model: Name) {
        self.provider = provider
        self.name = name
        self.model = model
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider whose model it is")
        try visitor.field("name", &name, "the name that stands for another")
        try visitor.field("model", &model, "the model that is charged, and whose limits count")
    }
}

/// Lets a name of a model stand for another.
public struct AliasSet: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .aliasSet, "alias.set", .durable, .operator,
            "Lets a name of a provider's model stand for another from now on: calls that ask for it are charged to that one."
        )
    }
    /// The reply has no fields.
    public typealias Reply = Done

    /// The alias.
    public var alias = ModelAlias()

    /// Every field has its default.
    @inlinable public init() {}
    /// Sets this alias, in the place of one for the same name.
    public init(_ alias: ModelAlias) { self.alias = alias }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "alias", &alias,
            "the alias; refused with `outOfRange` if the model is itself an alias, or the name stands behind one")
    }
}

/// Removes an alias.
public struct AliasRemove: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .aliasRemove, "alias.remove", .durable, .operator,
            "Removes an alias. Refused with `notFound` if there is none.")
    }
    /// The reply has no fields.
    public typealias Reply = Done

    /// The provider whose model it is.
    public var provider = Name.blank
    /// The name that stands for another.
    public var name = Name.blank

    /// Every field has its default.
    @inlinable public init() {}
    /// Removes the alias of this name.
    public init(provider: Name, name: Name) {
        self.provider = provider
        self.name = name
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider whose model it is")
        try visitor.field("name", &name, "the name that stands for another")
    }
}

/// Lists the aliases.
public struct AliasList: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.aliasList, "alias.list", .read, "A page of the aliases, by provider and name.")
    }

    /// 0 to begin, then what the last page said.
    public var cursor: UInt32 = 0

    /// Every field has its default.
    @inlinable public init() {}
    /// A page.
    public init(cursor: UInt32) { self.cursor = cursor }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A page.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` aliases, by provider and name.
        public var aliases: [ModelAlias] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next: UInt32 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("aliases", &aliases, "at most \(WireLimits.pageLength) aliases, by provider and name")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}
