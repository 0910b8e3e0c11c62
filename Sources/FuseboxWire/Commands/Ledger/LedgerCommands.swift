/// Records what a call has cost.
public struct LedgerRecordOf<Text: NameText>: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerRecord, "ledger.record", .durable, report: .record, "Records what a call has cost.")
    }
    /// The events that the record fired.
    public typealias Reply = LedgerRecordReply

    /// The provider.
    public var provider = Text.blank
    /// The provider's deployment, such as an API key, a region or an endpoint; absent: the call names none.
    public var deployment: Text?
    /// The model that is charged.
    public var model = Text.blank
    /// What the call is made for, such as `team:search`; at most `WireLimits.TagList.capacity` tags.
    public var tags = WireLimits.TagListOf<Text>()
    /// What the call cost, $0 to `WireLimits.callCost`; absent: nobody told it.
    public var cost: Money?
    /// The tokens by kind.
    public var tokens = TokenUsage()
    /// Whether tags that are not known count under `(other)`, or under that of their template. Clients leave it false,
    /// and the daemon sets it where it has no room for more tags.
    public var foldsTags = false

    /// Every field has its default.
    @inlinable public init() {}
    /// What a call by this route has cost.
    public init(
        provider: Text, deployment: Text? = nil, model: Text,
        tags: WireLimits.TagListOf<Text> = WireLimits.TagListOf<Text>(), cost: Money?, tokens: TokenUsage
    ) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
        self.tags = tags
        self.cost = cost
        self.tokens = tokens
    }
    /// What a call by this route has cost, without a cache and without reasoning.
    public init(
        provider: Text, deployment: Text? = nil, model: Text,
        tags: WireLimits.TagListOf<Text> = WireLimits.TagListOf<Text>(), cost: Money?, inputTokens: UInt32?,
        outputTokens: UInt32?
    ) {
        self.init(
            provider: provider, deployment: deployment, model: model, tags: tags, cost: cost,
            tokens: TokenUsage(input: inputTokens, output: outputTokens))
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "deployment", &deployment,
            "the provider's deployment, such as an API key, a region or an endpoint; absent: the call names none")
        try visitor.field("model", &model, "the model that is charged")
        try visitor.field("tags", &tags, TagText.summary)
        try visitor.field(
            "cost", &cost,
            "what the call cost, $0 to \(Quantity.dollars(WireLimits.callCost)); absent: nobody told it")
        try visitor.field("tokens", &tokens, "the tokens by kind")
        try visitor.field("foldsTags", &foldsTags, TagText.folding)
    }
}

/// The events that the record fired.
public struct LedgerRecordReply: OpenRecord {
    /// The most limits that a reply tells to have reached a threshold. Subscribers are told of all.
    public static let reachedLimits = 8

    /// The replies of settles hold it too, under a name of its own.
    public static var wireType: String { "FiredEvents" }

    /// The limits whose thresholds this call has reached, at most `reachedLimits`.
    public var reached: [LimitReached] = []
    /// The limit of the provider that will be used up sooner than was told before; absent: none.
    @inlinable public var depletion: DepletionProjected? {
        get { depletions.first }
        set { depletions = newValue.map { [$0] } ?? [] }
    }
    /// At most one. Each record has a reply, and hardly any tells of a depletion, which is long.
    @usableFromInline var depletions: [DepletionProjected] = []
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "reached", &reached,
            "the limits whose thresholds this call has reached, at most \(Self.reachedLimits)")
        try visitor.field(
            "depletion", &depletion,
            "the limit of the provider that will be used up sooner than was told before; absent: none")
    }
}

/// `LedgerRecordOf` with names that own their bytes.
public typealias LedgerRecord = LedgerRecordOf<Name>

/// Begins accounts anew, and the windows of their limits that go on until reset.
public struct LedgerReset: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerReset, "ledger.reset", .durable, .operator,
            "Begins the accounts of a scope and of what lies within it anew, and the windows of their limits that go on until reset."
        )
    }

    /// The scope; the host's holds everything.
    public var scope = Scope()

    /// Every field has its default.
    @inlinable public init() {}
    /// Begins this scope anew, with what lies within it.
    public init(scope: Scope) { self.scope = scope }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "scope", &scope,
            "the scope, with what lies within it: a provider's models, everything that is the host's; refused with `notFound` if there is nothing to begin anew"
        )
    }

    /// What began anew.
    public struct Reply: WireRecord {
        /// The limits that began anew, at most `WireLimits.limitPageLength`.
        public var entries: [LimitEntry] = []
        /// The sums of the account before; absent: the scope has none.
        public var before: AccountUsage?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "entries", &entries, "the limits that began anew, at most \(WireLimits.limitPageLength)")
            try visitor.field(
                "before", &before, "the sums of the scope's account before; absent: it has none")
        }
    }
}

/// Forgets a tag, such as a person's: its account, its limits with what was used of them, and its name in permits.
public struct LedgerForget: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerForget, "ledger.forget", .durable, .operator,
            "Forgets a tag: its account, its limits, its days in the history, its name in permits. What it spent stays in the accounts of host, providers and other tags."
        )
    }

    /// The tag. Neither a template nor a user's `uid:` tag.
    public var tag = Name.blank
    /// Whether the tag is forgotten although nothing but the history of days that are over may name it.
    public var isInHistory = false
    /// Every field has its default.
    @inlinable public init() {}
    /// Forgets this tag.
    public init(tag: Name, isInHistory: Bool = false) {
        self.tag = tag
        self.isInHistory = isInHistory
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "tag", &tag,
            "the tag, neither a template nor a user's `uid:` tag; refused with `notFound` if nothing is known of it")
        try visitor.field(
            "isInHistory", &isInHistory,
            "whether the tag is forgotten although nothing but the history of days that are over may name it")
    }

    /// What was forgotten.
    public struct Reply: WireRecord {
        /// The sums of the tag's account; absent: it had none.
        public var account: AccountUsage?
        /// The number of limits that were set on the tag itself and are removed.
        public var limits: UInt32 = 0
        /// The number of permits that named the tag, in force or remembered. They go on without it.
        public var permits: UInt32 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("account", &account, "the sums of the tag's account; absent: it had none")
            try visitor.field("limits", &limits, "the limits that were set on the tag itself and are removed")
            try visitor.field(
                "permits", &permits, "the permits that named it, in force or remembered; they go on without it")
        }
    }
}
