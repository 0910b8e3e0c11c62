/// What the calls of a model cost: dollars per million tokens of each kind, in nano-dollars, and per request.
///
/// The units are exact: a nano-dollar per million tokens is 10⁻¹⁵ dollars per token.
public struct Price: WireRecord, Equatable {
    /// Per million tokens sent, $0 to `WireLimits.callCost`; absent: not known.
    public var input: Money?
    /// Per million tokens read from a cache; absent: that of input.
    public var cachedInput: Money?
    /// Per million tokens written to a cache; absent: that of input.
    public var cacheWrite: Money?
    /// Per million tokens received; absent: not known.
    public var output: Money?
    /// Per million tokens of reasoning; absent: that of output.
    public var reasoning: Money?
    /// Per request; absent: nothing.
    public var request: Money?
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "input", &input,
            "per million tokens sent, $0 to \(Quantity.dollars(WireLimits.callCost)); absent: not known")
        try visitor.field("cachedInput", &cachedInput, "per million tokens read from a cache; absent: that of input")
        try visitor.field("cacheWrite", &cacheWrite, "per million tokens written to a cache; absent: that of input")
        try visitor.field("output", &output, "per million tokens received; absent: not known")
        try visitor.field("reasoning", &reasoning, "per million tokens of reasoning; absent: that of output")
        try visitor.field("request", &request, "per request; absent: nothing")
    }

    /// The prices that are told, with their names.
    public var told: [(name: String, amount: Money)] {
        [
            ("input", input), ("cached-input", cachedInput), ("cache-write", cacheWrite), ("output", output),
            ("reasoning", reasoning), ("request", request),
        ].compactMap { name, amount in amount.map { (name, $0) } }
    }
}

/// What an amount of a price is paid for.
package enum PriceUnit: String {
    /// A million tokens.
    case millionTokens = "million tokens"
    /// A request.
    case request

    /// What an amount with a fraction of a nano-dollar is, for messages. A price with one cannot be kept.
    package var inexact: String { "no exact number of nano-dollars per \(rawValue)" }
}

/// The price of a model with a provider, of all models of a provider, or of a model with every provider.
public struct PriceEntry: WireRecord, Equatable {
    /// The provider; absent: every one.
    public var provider: Name?
    /// The model; absent: every one.
    public var model: Name?
    /// The price.
    public var price = Price()
    /// Every field has its default.
    @inlinable public init() {}
    /// A price; `provider` or `model` may be nil, and not both.
    public init(provider: Name?, model: Name?, price: Price) {
        self.provider = provider
        self.model = model
        self.price = price
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider; absent: every one")
        try visitor.field("model", &model, "the model; absent: every one. One of the two is there")
        try visitor.field("price", &price, "the price")
    }
}

/// Sets prices.
public struct PriceSet: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .priceSet, "price.set", .durable, .operator,
            "Sets prices, each in the place of the one before. They count for calls that are settled from now on.")
    }
    /// The most prices of one request.
    public static let longest = 128

    /// 1 to `longest` prices, all of them or none.
    public var prices: [PriceEntry] = []
    /// Every field has its default.
    @inlinable public init() {}
    /// Sets these prices.
    public init(prices: [PriceEntry]) { self.prices = prices }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("prices", &prices, "1 to \(Self.longest) prices; all of them are set or none")
    }

    /// How many prices there were before.
    public struct Reply: WireRecord {
        /// How many of them replaced another.
        public var replaced: UInt32 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("replaced", &replaced, "how many of them replaced another")
        }
    }
}

/// Removes a price.
public struct PriceRemove: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .priceRemove, "price.remove", .durable, .operator,
            "Removes a price. Refused with `notFound` if there is none.")
    }
    /// The reply has no fields.
    public typealias Reply = Done

    /// The provider; absent: every one.
    public var provider: Name?
    /// The model; absent: every one.
    public var model: Name?
    /// Every field has its default.
    @inlinable public init() {}
    /// Removes the price of this model.
    public init(provider: Name?, model: Name?) {
        self.provider = provider
        self.model = model
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider; absent: every one")
        try visitor.field("model", &model, "the model; absent: every one. One of the two is there")
    }
}

/// Lists the prices.
public struct PriceList: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(.priceList, "price.list", .read, "A page of the prices, by provider and model.")
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

    /// A page of prices.
    public struct Reply: WireRecord {
        /// At most `WireLimits.pageLength` prices, by provider and model. Those of every provider, or model, come first.
        public var prices: [PriceEntry] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next = Page.end
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "prices", &prices,
                "at most \(WireLimits.pageLength) prices, by provider and model; those of every provider, or model, come first"
            )
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}
