/// Applies a policy, all of it or nothing.
public struct PolicyApply: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .policyApply, "policy.apply", .durable, .operator,
            "Applies a policy, all of it or nothing. What is so already stays untouched; what was used of limits, top-ups and raises stay. A refusal names the item, as in `limits[3]`."
        )
    }
    /// What has changed.
    public typealias Reply = PolicyReport

    /// The policy.
    public var policy = Policy()
    /// Whether what an earlier policy has set and this one does not name is removed.
    public var prunes = false

    /// Every field has its default.
    @inlinable public init() {}
    /// Applies this policy.
    public init(_ policy: Policy, prunes: Bool = false) {
        self.policy = policy
        self.prunes = prunes
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("policy", &policy, "the policy")
        try visitor.field(
            "prunes", &prunes,
            "whether what an earlier policy has set and this one does not name is removed; otherwise it stays and stays the policy's"
        )
    }
}

/// Tells what a policy would change.
public struct PolicyPreview: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .policyPreview, "policy.preview", .read, .operator,
            "What `policy.apply` would change. It is refused as that would be.")
    }
    /// What would change.
    public typealias Reply = PolicyReport

    /// The policy.
    public var policy = Policy()
    /// Whether what an earlier policy has set and this one does not name would be removed.
    public var prunes = false

    /// Every field has its default.
    @inlinable public init() {}
    /// A question about this policy.
    public init(_ policy: Policy, prunes: Bool = false) {
        self.policy = policy
        self.prunes = prunes
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("policy", &policy, "the policy")
        try visitor.field(
            "prunes", &prunes, "whether what an earlier policy has set and this one does not name would be removed")
    }
}

/// Tells what the policy in force says, and where the state differs from it.
public struct PolicyGet: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .policyGet, "policy.get", .read, .reader,
            "A page of what was set by `policy.apply`, as the policy said it, and where the state differs from it.")
    }

    /// The most items of a page.
    public static let pageLength = 32

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

    /// A page.
    public struct Reply: WireRecord {
        /// At most `PolicyGet.pageLength` items; what there is once is on the first page.
        public var policy = Policy()
        /// What an apply of the items of this page would set back.
        public var drift: [PolicyChange] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next = Page.end
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "policy", &policy,
                "at most \(PolicyGet.pageLength) items as the policy said them, and on the first page what there is once"
            )
            try visitor.field(
                "drift", &drift, "what an apply of the items of this page would set back, with their places in it")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}
