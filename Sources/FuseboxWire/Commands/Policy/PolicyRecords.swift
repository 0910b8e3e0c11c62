/// What a policy sets: the limits, prices, aliases and rules that an operator keeps in a file.
///
/// A part that is absent is not the policy's.
public struct Policy: WireRecord {
    /// The limits, each with its scope.
    public var limits: [PolicyLimit] = []
    /// The prices.
    public var prices: [PriceEntry] = []
    /// The names of models that stand for others.
    public var aliases: [ModelAlias] = []
    /// The parts of breakers' configurations.
    public var breakers: [PolicyBreaker] = []
    /// How long a mark lasts that names no duration, `ValueRanges.cooldown`.
    public var cooldownMilliseconds: Int64?
    /// How long a mark lasts at most, `ValueRanges.longestMark`.
    public var longestMarkMilliseconds: Int64?
    /// Whether workers may name only providers that are known.
    public var isStrict: Bool?
    /// What the tags of each call must match.
    public var requiredTags: [Name]?

    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("limits", &limits, "the limits, each another one; they keep what was used of them")
        try visitor.field("prices", &prices, "the prices, each of another provider or model")
        try visitor.field("aliases", &aliases, "the aliases, each for another name")
        try visitor.field("breakers", &breakers, "the parts of breakers' configurations, each of another route")
        try visitor.field(
            "cooldownMilliseconds", &cooldownMilliseconds,
            "how long a mark lasts that names no duration, \(Quantity.text(ValueRanges.cooldown))")
        try visitor.field(
            "longestMarkMilliseconds", &longestMarkMilliseconds,
            "how long a mark lasts at most, \(Quantity.text(ValueRanges.longestMark))")
        try visitor.field("isStrict", &isStrict, "whether workers may name only providers that are known")
        try visitor.field(
            "requiredTags", &requiredTags,
            "the tags that each call must have, at most \(NamePolicy.requiredTagLimit), each a tag or `prefix*`")
    }

    /// The most calendars that the limits of a policy name and no other limit goes by. The window of each may be an entry
    /// of the journal.
    public static let newCalendars = 64
}

/// A limit of a policy.
public struct PolicyLimit: WireRecord {
    /// What is limited.
    public var scope = Scope()
    /// The limit. The amount of a prepaid one is what was paid in first.
    public var limit = Limit()

    /// Every field has its default.
    @inlinable public init() {}
    /// This limit on this scope.
    public init(scope: Scope, limit: Limit) {
        self.scope = scope
        self.limit = limit
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("scope", &scope, "what is limited; its tag may be a template, `prefix*`")
        try visitor.field(
            "limit", &limit,
            "the limit; the amount of a prepaid one is what was paid in first, and what was topped up comes on top")
    }
}

/// What a policy says of a breaker's configuration.
public struct PolicyBreaker: WireRecord {
    /// The provider; nil: the configuration that breakers are created with.
    public var provider: Name?
    /// The deployment; nil: it is not the breaker of one.
    public var deployment: Name?
    /// The model; nil: it is not the breaker of one.
    public var model: Name?
    /// The parts of the configuration that the policy sets. It leaves the others alone.
    public var change = BreakerConfigurationChange()

    /// Every field has its default.
    @inlinable public init() {}
    /// These parts of the configuration of a route's breaker; without a provider, of that of new breakers.
    public init(
        provider: Name?, deployment: Name? = nil, model: Name? = nil, change: BreakerConfigurationChange
    ) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
        self.change = change
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider; absent: the configuration of new breakers")
        try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
        try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
        try visitor.field("change", &change, "the parts of the configuration that the policy sets, at least one")
    }
}

/// What an item of a policy is about.
public enum PolicySubject: OpenEnumeration {
    /// A limit.
    case limit
    /// A price.
    case price
    /// A name of a model that stands for another.
    case alias
    /// A breaker's configuration, or that of new breakers.
    case breaker
    /// How long a mark lasts that names no duration.
    case cooldown
    /// How long a mark lasts at most.
    case longestMark
    /// Whether workers may name only providers that are known.
    case strictness
    /// What the tags of each call must match.
    case requiredTags
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [PolicySubject] = [
        .limit, .price, .alias, .breaker, .cooldown, .longestMark, .strictness, .requiredTags,
    ]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .limit: 0
        case .price: 1
        case .alias: 2
        case .breaker: 3
        case .cooldown: 4
        case .longestMark: 5
        case .strictness: 6
        case .requiredTags: 7
        case .unknown(let number): number
        }
    }
}

/// What becomes of an item of a policy.
public enum PolicyAction: OpenEnumeration {
    /// It is new.
    case added
    /// It is another than the policy said before.
    case changed
    /// It was changed or lost outside the policy, and is what the policy says again.
    case setBack
    /// It was set outside the policy, and is the policy's from now on.
    case takenOver
    /// The policy does not name it any more.
    case removed
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [PolicyAction] = [.added, .changed, .setBack, .takenOver, .removed]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .added: 0
        case .changed: 1
        case .setBack: 2
        case .takenOver: 3
        case .removed: 4
        case .unknown(let number): number
        }
    }
}

/// A difference between a policy and the state.
public struct PolicyChange: OpenRecord {
    /// What the item is about.
    public var subject: PolicySubject = .limit
    /// What becomes of it.
    public var action: PolicyAction = .added
    /// Its place among the policy's items of its subject; nil: it is not among them, or is the only one.
    public var item: UInt32?
    /// Whose limit, price or breaker it is; the name that is an alias, as a model. Nothing for the rest.
    public var scope = Scope()
    /// How it was, for people; nil: it was not there. At most `PolicyChange.textLength` bytes.
    public var before: String?
    /// How it is, for people; nil: it is not there any more.
    public var after: String?

    /// The longest text of how an item was or is, in bytes. What is longer is cut.
    public static let textLength = 480

    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("subject", &subject, "what the item is about")
        try visitor.field("action", &action, "what becomes of it")
        try visitor.field(
            "item", &item,
            "its place among the policy's items of its subject, from 0; absent: it is not among them, or is the only one"
        )
        try visitor.field(
            "scope", &scope,
            "whose limit, price or breaker it is; the name that is an alias, as a model; nothing is named for the rest")
        try visitor.field(
            "before", &before,
            "how it was, for people, at most \(Self.textLength) bytes; absent: it was not there")
        try visitor.field("after", &after, "how it is, for people; absent: it is not there any more")
    }
}

/// What a policy changes.
public struct PolicyReport: WireRecord {
    /// The changes: what is removed first, then the others by their subjects and in the order of the policy. As many as
    /// have room in a frame.
    public var changes: [PolicyChange] = []
    /// How many more changes there are.
    public var unlisted: UInt32 = 0
    /// How many items were as the policy says already.
    public var unchanged: UInt32 = 0

    /// The most bytes of texts and names of the changes that are listed.
    public static let listedBytes = 144 * 1024

    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "changes", &changes,
            "the changes: what is removed first, then the others by their subjects and in the order of the policy; as many as have room in a frame"
        )
        try visitor.field("unlisted", &unlisted, "how many more changes there are")
        try visitor.field("unchanged", &unchanged, "how many items were as the policy says already")
    }
}
