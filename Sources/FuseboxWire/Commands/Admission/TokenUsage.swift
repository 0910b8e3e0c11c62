/// The tokens of a call by kind. No token is of two kinds. Each kind is 0 to `UInt32.max`, and absent where nobody told
/// it.
///
/// Providers count cache reads and reasoning within other numbers or beside them. Whoever reports takes them apart.
public struct TokenUsage: WireRecord, Equatable {
    /// Tokens sent, neither read from a cache nor written to one.
    public var input: UInt32?
    /// Tokens sent and read from a cache.
    public var cachedInput: UInt32?
    /// Tokens sent and written to a cache.
    public var cacheWrite: UInt32?
    /// Tokens received, without reasoning.
    public var output: UInt32?
    /// Tokens of reasoning.
    public var reasoning: UInt32?
    /// Every field has its default.
    @inlinable public init() {}
    /// Tokens of these kinds; nil: nobody told them.
    @inlinable
    public init(
        input: UInt32? = nil, cachedInput: UInt32? = nil, cacheWrite: UInt32? = nil, output: UInt32? = nil,
        reasoning: UInt32? = nil
    ) {
        self.input = input
        self.cachedInput = cachedInput
        self.cacheWrite = cacheWrite
        self.output = output
        self.reasoning = reasoning
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "input", &input, "tokens sent, neither read from a cache nor written to one; absent: nobody told them")
        try visitor.field("cachedInput", &cachedInput, "tokens sent and read from a cache; absent: nobody told them")
        try visitor.field("cacheWrite", &cacheWrite, "tokens sent and written to a cache; absent: nobody told them")
        try visitor.field("output", &output, "tokens received, without reasoning; absent: nobody told them")
        try visitor.field("reasoning", &reasoning, "tokens of reasoning; absent: nobody told them")
    }
}
