/// A provider's account.
public struct LedgerProvider: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerProvider, "ledger.provider", .read, "A provider's account.")
    }
    /// The provider.
    public var provider = Name.blank
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the account of this provider.
    public init(provider: Name) { self.provider = provider }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
    }

    /// The account.
    public struct Reply: WireRecord {
        /// The account; absent if the provider is unknown.
        public var account: ProviderAccount?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("account", &account, "the account; absent if the provider is unknown")
        }
    }
}

/// A model's account with a provider.
public struct LedgerModel: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerModel, "ledger.model", .read, .reader, "A model's account with a provider.")
    }
    /// The provider.
    public var provider = Name.blank
    /// The model.
    public var model = Name.blank
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the account of this model.
    public init(provider: Name, model: Name) {
        self.provider = provider
        self.model = model
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("model", &model, "the model")
    }

    /// The account.
    public struct Reply: WireRecord {
        /// The account; absent if nothing was recorded for the model.
        public var account: ModelAccount?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("account", &account, "the account; absent if nothing was recorded for the model")
        }
    }
}

/// A page of all provider accounts.
public struct LedgerProviders: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerProviders, "ledger.providers", .read, "A page of all provider accounts.")
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

    /// A page of provider accounts.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` accounts.
        public var accounts: [ProviderAccount] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next = Page.end
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("accounts", &accounts, "at most \(WireLimits.pageLength) accounts")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

/// A page of a provider's model accounts.
public struct LedgerModels: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerModels, "ledger.models", .read, .reader, "A page of a provider's model accounts.")
    }
    /// The provider.
    public var provider = Name.blank
    /// 0 to begin, then what the last page said.
    public var cursor = Page.end
    /// Every field has its default.
    @inlinable public init() {}
    /// The page at this cursor.
    public init(provider: Name, cursor: UInt32) {
        self.provider = provider
        self.cursor = cursor
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A page of model accounts.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` accounts.
        public var accounts: [ModelAccount] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next = Page.end
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("accounts", &accounts, "at most \(WireLimits.pageLength) accounts")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

/// What all providers together have cost.
public struct LedgerTotal: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerTotal, "ledger.total", .read, "What all providers together have cost.")
    }
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    /// The sum, and since when it is counted.
    public struct Reply: WireRecord {
        /// The sum over all providers.
        public var spend = Money.zero
        /// The number of calls whose cost nobody told, which `spend` lacks.
        public var unpriced: Int64 = 0
        /// Since when it is counted, on the wall clock: the start of the ledger, or its last reset.
        public var since = Timestamp(milliseconds: 0)
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("spend", &spend, "the sum over all providers")
            try visitor.field("unpriced", &unpriced, "the number of calls whose cost nobody told, which `spend` lacks")
            try visitor.field(
                "since", &since,
                "since when it is counted, on the wall clock: the start of the ledger, or its last reset")
        }
    }
}
