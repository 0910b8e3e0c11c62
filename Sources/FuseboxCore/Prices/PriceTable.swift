import FuseboxCollections
import FuseboxWire

/// The prices of models.
struct PriceTable: Sendable {
    private var entries = SlotTable<PriceEntry>()
    private var index = HashIndex()

    /// Whether no price is set.
    var isEmpty: Bool { entries.isEmpty }
    /// The number of prices.
    var count: Int { entries.count }

    /// The place of a price.
    func find(_ provider: (some NameText)?, _ model: (some NameText)?) -> Int? {
        index.find(Self.hash(provider, model)) { place in
            Self.isSame(provider, entries[place].provider) && Self.isSame(model, entries[place].model)
        }
    }

    /// The price at a place.
    subscript(place: Int) -> Price { entries[place].price }

    /// Sets a price. Returns whether it replaced another.
    mutating func set(_ entry: PriceEntry) -> Bool {
        if let place = find(entry.provider, entry.model) {
            entries[place].price = entry.price
            return true
        }
        index.insert(entries.insert(entry), hash: Self.hash(entry.provider, entry.model))
        return false
    }

    /// Removes a price. Returns whether there was one.
    mutating func remove(_ provider: Name?, _ model: Name?) -> Bool {
        guard let place = find(provider, model) else { return false }
        index.remove(place, hash: Self.hash(provider, model))
        entries.remove(at: place)
        return true
    }

    /// The prices by provider and model. Those of every provider, or model, come first.
    var sorted: [PriceEntry] {
        func key(_ name: Name?) -> (Int, Name) { name.map { (1, $0) } ?? (0, .blank) }
        return entries.sorted { left, right in
            left.provider == right.provider
                ? key(left.model) < key(right.model) : key(left.provider) < key(right.provider)
        }
    }

    private static func isSame(_ name: (some NameText)?, _ other: Name?) -> Bool {
        guard let name, let other else { return name == nil && other == nil }
        return name.isSame(as: other)
    }

    private static func hash(_ provider: (some NameText)?, _ model: (some NameText)?) -> Int {
        (model?.nameHash ?? 0) ^ (provider?.nameHash ?? 0) &* 0x1E37_79B9_7F4A_7C15
    }
}

extension Price {
    /// What tokens cost, and the request; nil if tokens of a kind whose price is not known were used, or if nobody told how
    /// many there were of a kind that costs something.
    ///
    /// The sum of the exact products is rounded up once, to a nano-dollar.
    ///
    /// - Throws: `outOfRange` above `WireLimits.callCost`
    func cost(of tokens: TokenUsage) throws(Refusal) -> Money? {
        let isSentTold = tokens.input != nil || tokens.cachedInput != nil || tokens.cacheWrite != nil
        let isReceivedTold = tokens.output != nil || tokens.reasoning != nil
        guard
            isSentTold || (Self.isFree(input) && Self.isFree(cachedInput ?? input) && Self.isFree(cacheWrite ?? input))
        else { return nil }
        guard isReceivedTold || (Self.isFree(output) && Self.isFree(reasoning ?? output)) else { return nil }
        guard let nanodollars = exactCost(of: tokens) else { return nil }
        guard nanodollars <= Int128(WireLimits.callCost.nanodollars) else {
            throw Refusal(
                .outOfRange,
                "by its price the call costs more than \(Quantity.dollars(WireLimits.callCost)); correct the price or the tokens"
            )
        }
        return Money(nanodollars: Int64(nanodollars))
    }

    /// The sum of the exact products, rounded up to a nano-dollar. Nil if the price of a kind is not known.
    private func exactCost(of tokens: TokenUsage) -> Int128? {
        // Five products below 2³² × 2⁵⁰ fit, and so does the price of the request.
        var sum: Int128 = Int128(request?.nanodollars ?? 0) * Self.perMillion
        guard Self.add(tokens.input, at: input, &sum), Self.add(tokens.cachedInput, at: cachedInput ?? input, &sum),
            Self.add(tokens.cacheWrite, at: cacheWrite ?? input, &sum), Self.add(tokens.output, at: output, &sum),
            Self.add(tokens.reasoning, at: reasoning ?? output, &sum)
        else { return nil }
        return (sum + Self.perMillion - 1) / Self.perMillion
    }

    /// Adds what tokens of a kind cost. Returns false if their price is not known.
    private static func add(_ count: UInt32?, at price: Money?, _ sum: inout Int128) -> Bool {
        guard let count, count > 0 else { return true }
        guard let price else { return false }
        sum += Int128(count) * Int128(price.nanodollars)
        return true
    }

    /// What the tokens of an estimate cost at most, and the request; nil if no price of their side is known, or if nothing
    /// is known of the tokens of a model whose tokens cost something.
    ///
    /// An estimate does not tell which of the tokens are of a cache or of reasoning. So tokens sent are priced at the dearest
    /// kind of them, and tokens received likewise; a total is priced at the dearer of the two. The cost is at most
    /// `WireLimits.callCost`, as the cost of every call is.
    func cost(of estimate: Estimate) -> Money? {
        var dearest = Price()
        dearest.input = Self.dearest(input, cachedInput, cacheWrite)
        dearest.output = Self.dearest(output, reasoning)
        dearest.request = request
        var tokens = TokenUsage(input: estimate.inputTokens, output: estimate.outputTokens)
        if let all = estimate.tokens {
            if (dearest.output ?? .zero) > (dearest.input ?? .zero) { tokens.output = all } else { tokens.input = all }
        } else if tokens.input == nil, tokens.output == nil {
            guard Self.isFree(dearest.input), Self.isFree(dearest.output) else { return nil }
        }
        return dearest.exactCost(of: tokens).map { min($0, Int128(WireLimits.callCost.nanodollars)) }
            .map { Money(nanodollars: Int64($0)) }
    }

    /// The dearest price of the kinds of a side. Nil if none is known: that another kind is free does not tell what tokens
    /// of the plain kind cost.
    private static func dearest(_ plain: Money?, _ kind: Money?, _ another: Money? = nil) -> Money? {
        let most = max(plain ?? .zero, max(kind ?? .zero, another ?? .zero))
        return plain == nil && most == .zero ? nil : most
    }

    private static let perMillion: Int128 = 1_000_000

    private static func isFree(_ price: Money?) -> Bool { price == .zero }

    /// Checks that every price is within its range.
    ///
    /// - Throws: `outOfRange`
    func validate() throws(Refusal) {
        let told = self.told
        guard !told.isEmpty else { throw Refusal(.outOfRange, "a price tells at least one amount") }
        for (name, amount) in told where amount < .zero || amount > WireLimits.callCost {
            throw Refusal(
                .outOfRange,
                "a price of $\(amount) for \(name) must lie between $0 and \(Quantity.dollars(WireLimits.callCost))")
        }
    }
}
