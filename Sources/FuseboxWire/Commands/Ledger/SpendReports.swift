/// What a provider costs per hour and day, over a window.
public struct LedgerBurnRate: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerBurnRate, "ledger.burnRate", .read, "What a provider costs per hour and day, over a window.")
    }
    /// The burn rate.
    public typealias Reply = BurnRate
    /// The provider.
    public var provider = Name.blank
    /// The length of the window, which ends now, at least 0; absent: 24 hours.
    public var windowMilliseconds: Int64?
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the burn rate of this provider; without a window, over 24 hours.
    public init(provider: Name, windowMilliseconds: Int64? = nil) {
        self.provider = provider
        self.windowMilliseconds = windowMilliseconds
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "windowMilliseconds", &windowMilliseconds,
            "the length of the window, which ends now, at least 0; absent: 24 hours")
    }
}

/// When a provider's limit of cost will be used up at its burn rate: the one that is used up first.
public struct LedgerDepletion: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerDepletion, "ledger.depletion", .read,
            "When a provider's limit of cost will be used up at its burn rate: the one that is used up first.")
    }
    /// The provider.
    public var provider = Name.blank
    /// The length of the burn rate's window, which ends now, at least 0; absent: 24 hours.
    public var windowMilliseconds: Int64?
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the estimate of this provider; without a window, by the burn rate of 24 hours.
    public init(provider: Name, windowMilliseconds: Int64? = nil) {
        self.provider = provider
        self.windowMilliseconds = windowMilliseconds
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "windowMilliseconds", &windowMilliseconds,
            "the length of the burn rate's window, which ends now, at least 0; absent: 24 hours")
    }

    /// The estimate.
    public struct Reply: WireRecord {
        /// The estimate; absent if the provider has no limit of cost that goes on for a week or more.
        public var estimate: DepletionEstimate?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "estimate", &estimate,
                "the estimate; absent if the provider has no limit of cost that goes on for a week or more")
        }
    }
}

/// What a provider has cost within a window.
public struct LedgerSummary: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.ledgerSummary, "ledger.summary", .read, "What a provider has cost within a window.")
    }
    /// The summary.
    public typealias Reply = SpendSummary
    /// The provider.
    public var provider = Name.blank
    /// The length of the window, which ends now, at least 0.
    public var windowMilliseconds: Int64 = 86_400_000
    /// Every field has its default.
    @inlinable public init() {}
    /// A request for the summary of this provider.
    public init(provider: Name, windowMilliseconds: Int64) {
        self.provider = provider
        self.windowMilliseconds = windowMilliseconds
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field(
            "windowMilliseconds", &windowMilliseconds, "the length of the window, which ends now, at least 0")
    }
}

/// A page of the summaries of all providers that have any history, or calls in the window whose cost nobody told.
public struct LedgerSummaries: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerSummaries, "ledger.summaries", .read,
            "A page of the summaries of all providers that have any history, or calls in the window whose cost nobody told."
        )
    }
    /// The length of the window, which ends now, at least 0.
    public var windowMilliseconds: Int64 = 86_400_000
    /// 0 to begin, then what the last page said.
    public var cursor = Page.end
    /// Every field has its default.
    @inlinable public init() {}
    /// The page at this cursor.
    public init(windowMilliseconds: Int64, cursor: UInt32) {
        self.windowMilliseconds = windowMilliseconds
        self.cursor = cursor
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "windowMilliseconds", &windowMilliseconds, "the length of the window, which ends now, at least 0")
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A page of summaries.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` summaries.
        public var summaries: [SpendSummary] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next = Page.end
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("summaries", &summaries, "at most \(WireLimits.pageLength) summaries")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}
