/// Compares what a provider has billed for a month with what the ledger has of it, and records the difference.
public struct LedgerReconcile: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerReconcile, "ledger.reconcile", .durable, .operator,
            "Records the difference between what a provider has billed for a month and what the ledger has of it.")
    }
    /// The provider.
    public var provider = Name.blank
    /// The year.
    public var year: UInt32 = 0
    /// The month of the year, 1 to 12. Months are those of UTC.
    public var month: UInt8 = 0
    /// What was billed.
    public var billed = Money.zero
    /// Why, for those who read of it later; 1 to `WireLimits.textLength` bytes.
    public var reason = ""
    /// Every field has its default.
    @inlinable public init() {}
    /// The bill of a provider for a month.
    public init(provider: Name, year: UInt32, month: UInt8, billed: Money, reason: String) {
        self.provider = provider
        self.year = year
        self.month = month
        self.billed = billed
        self.reason = reason
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider; its account must exist")
        try visitor.field("year", &year, "the year")
        try visitor.field("month", &month, "the month of the year, 1 to 12, in UTC; the history must keep it")
        try visitor.field("billed", &billed, "what was billed, $0 to \(Quantity.dollars(WireLimits.adjustment))")
        try visitor.field("reason", &reason, "why; 1 to \(WireLimits.textLength) bytes")
    }

    /// What was compared, and what was recorded.
    public struct Reply: WireRecord {
        /// What the ledger had of the provider and the month.
        public var recorded = Money.zero
        /// The number of calls of the month whose cost nobody told, which `recorded` lacks.
        public var unpriced: Int64 = 0
        /// What was billed less that. It is part of the history and of the accounts of the provider and the host now.
        /// $0: nothing was recorded.
        public var difference = Money.zero
        /// Whether the month is the present one, so that the difference counts in the windows of limits.
        public var isCurrent = false
        /// The account of the provider.
        public var account: ScopeAccount?
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("recorded", &recorded, "what the ledger had of the provider and the month")
            try visitor.field(
                "unpriced", &unpriced, "the number of calls of the month whose cost nobody told, which `recorded` lacks"
            )
            try visitor.field(
                "difference", &difference, "what was billed less that, recorded now; $0: nothing was recorded")
            try visitor.field(
                "isCurrent", &isCurrent,
                "whether the month is the present one, so that the difference counts in the windows of limits")
            try visitor.field("account", &account, "the account of the provider")
        }
    }
}
