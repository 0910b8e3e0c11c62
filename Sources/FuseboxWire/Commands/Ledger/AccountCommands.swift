/// What an account has counted in a stretch of time.
public struct UseTotals: OpenRecord, Equatable {
    /// What was spent.
    public var spend = Money.zero
    /// The number of calls.
    public var requests: Int64 = 0
    /// Tokens sent.
    public var inputTokens: Int64 = 0
    /// Tokens received.
    public var outputTokens: Int64 = 0
    /// The number of calls whose cost nobody told, which `spend` lacks. A call counts here when it is settled, so there
    /// may be more of them than `requests`.
    public var unpriced: Int64 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("spend", &spend, "what was spent")
        try visitor.field("requests", &requests, "the number of calls")
        try visitor.field("inputTokens", &inputTokens, "tokens sent")
        try visitor.field("outputTokens", &outputTokens, "tokens received")
        try visitor.field(
            "unpriced", &unpriced,
            "the number of calls whose cost nobody told, which `spend` lacks; each counts when it is settled")
    }
}

/// The account of a scope.
public struct ScopeAccount: OpenRecord {
    /// The scope: the host, a provider, a deployment, a model with its provider, or a tag.
    public var scope = Scope()
    /// The sums since the account began or was reset.
    public var usage = AccountUsage()
    /// What was used today, in UTC.
    public var today = UseTotals()
    /// What was used this month, in UTC. A sum of days that began before counts in full.
    public var month = UseTotals()
    /// The day of the history on which use counts now, in days since 1970-01-01.
    public var day: Int64 = 0
    /// What was used on that day.
    public var dayUsage = AccountUsage()
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("scope", &scope, "the host, a provider, a deployment, a model with its provider, or a tag")
        try visitor.field("usage", &usage, "the sums since the account began or was reset")
        try visitor.field("today", &today, "what was used today, in UTC")
        try visitor.field(
            "month", &month, "what was used this month, in UTC; a sum of days that began before counts in full")
        try visitor.field("day", &day, "the day of the history on which use counts now, in days since 1970-01-01")
        try visitor.field("dayUsage", &dayUsage, "what was used on that day; first and last use are absent")
    }
}

/// The kinds of accounts.
public enum AccountKind: OpenEnumeration {
    /// The host's, which counts every call.
    case host
    /// Those of providers.
    case provider
    /// Those of deployments.
    case deployment
    /// Those of models with a provider.
    case model
    /// Those of tags, `uid:N` among them.
    case tag
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [AccountKind] = [.host, .provider, .deployment, .model, .tag]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .host: 0
        case .provider: 1
        case .deployment: 2
        case .model: 3
        case .tag: 4
        case .unknown(let number): number
        }
    }
}

/// The account of one scope.
public struct LedgerAccount: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerAccount, "ledger.account", .read,
            "The account of a scope. A worker reads those of the host, of providers and of the tags that its user's calls have named."
        )
    }
    /// The scope.
    public var scope = Scope()
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the account of this scope.
    public init(scope: Scope) { self.scope = scope }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("scope", &scope, "the scope; one of a tag with a route has no account")
    }

    /// The account.
    public struct Reply: WireRecord {
        /// The account; absent: nothing was counted for the scope yet, or scopes of its shape have none.
        public var account: ScopeAccount?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "account", &account,
                "the account; absent: nothing was counted for the scope yet, or scopes of its shape have none")
        }
    }
}

/// A page of the accounts of one kind.
public struct LedgerAccounts: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerAccounts, "ledger.accounts", .read,
            "A page of the accounts of one kind. A worker reads those that `ledger.account` tells it.")
    }
    /// The kind.
    public var kind: AccountKind = .provider
    /// 0 to begin, then what the last page said.
    public var cursor = Page.end
    /// Every field has its default.
    @inlinable public init() {}
    /// The page at this cursor.
    public init(kind: AccountKind, cursor: UInt32 = Page.end) {
        self.kind = kind
        self.cursor = cursor
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("kind", &kind, "the kind")
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A page of accounts.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` accounts.
        public var accounts: [ScopeAccount] = []
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

/// Corrects what was spent, as a call by a scope would count: in its account and in those that contain it.
public struct LedgerAdjust: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerAdjust, "ledger.adjust", .durable, .operator,
            "Corrects what was spent, as a call by a scope would count: in the accounts and limits that contain it.")
    }
    /// The scope.
    public var scope = Scope()
    /// What is added; below $0 it is taken back, from the newest use backwards.
    public var cost = Money.zero
    /// Why, for those who read of it later; 1 to `WireLimits.textLength` bytes.
    public var reason = ""
    /// Every field has its default.
    @inlinable public init() {}
    /// Corrects the spend of this scope.
    public init(scope: Scope, cost: Money, reason: String) {
        self.scope = scope
        self.cost = cost
        self.reason = reason
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("scope", &scope, "the scope; its accounts must exist")
        try visitor.field(
            "cost", &cost,
            "what is added, at most \(Quantity.dollars(WireLimits.adjustment)); below $0 it is taken back, from the newest use backwards"
        )
        try visitor.field("reason", &reason, "why; 1 to \(WireLimits.textLength) bytes")
    }

    /// The account after the correction.
    public struct Reply: WireRecord {
        /// The account of the scope; absent: scopes of its shape have none.
        public var account: ScopeAccount?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "account", &account, "the account of the scope; absent: scopes of its shape have none")
        }
    }
}
