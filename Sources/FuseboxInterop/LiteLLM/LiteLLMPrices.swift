import FuseboxJSON
import FuseboxWire

/// The prices of LiteLLM's public list, `model_prices_and_context_window.json`.
///
/// An entry has a key such as `gpt-4o` or `azure/gpt-4o`, the provider, and dollars per token as a double's decimal. The
/// decimal is taken exactly. An entry may be another name of a model instead: then it has nothing but the other's key, as
/// `alias_of`. The source is `github.com/BerriAI/litellm`.
public struct LiteLLMPrices: Sendable {
    /// An entry that was taken.
    public struct Entry: Sendable, Equatable {
        /// Its key in the file.
        public var key: String
        /// Its price, of a model with its provider.
        public var price: PriceEntry
    }

    /// An entry that was not taken, and why.
    public struct Refused: Sendable, Equatable {
        /// Its key in the file.
        public var key: String
        /// Why it was not taken.
        public var reason: String
    }

    /// An entry whose price gives way to another one of the file, which is of the same model with the same provider.
    public struct Displaced: Sendable, Equatable {
        /// Its key in the file.
        public var key: String
        /// The key of the entry whose price counts.
        public var by: String
    }

    /// The entries that were taken, in their order.
    public private(set) var entries: [Entry] = []
    /// The entries that were not taken.
    public private(set) var refused: [Refused] = []
    /// The keys of entries that have other prices for long prompts. Those are left out.
    public private(set) var longPrompts: [String] = []
    /// The keys of entries that have other prices for what is kept in a cache for an hour or more. Those are left out.
    public private(set) var longCaches: [String] = []
    /// The providers that the list names, also those of entries that were not taken.
    public private(set) var providers: Set<String> = []

    /// Reads the list.
    ///
    /// - Throws: what is not the list's form, and where
    public init(_ document: JSONValue) throws(JSONFieldError) {
        guard let members = document.members else {
            throw JSONFieldError(path: "", message: "expected an object with an entry for each model")
        }
        // The list describes its own form under this key.
        for (key, member) in members where key != "sample_spec" {
            let entry = Self.original(of: member, in: document)
            if let provider = entry["litellm_provider"]?.text { providers.insert(provider) }
            do throws(Refusal) { entries.append(Entry(key: key, price: try Self.price(of: key, entry))) } catch {
                refused.append(Refused(key: key, reason: error.message))
                continue
            }
            if Self.hasPricesForLongPrompts(entry) { longPrompts.append(key) }
            if Self.hasPricesForLongCaches(entry) { longCaches.append(key) }
        }
        guard !entries.isEmpty else {
            throw JSONFieldError(path: "", message: "no entry has a price per token; is this LiteLLM's list?")
        }
    }

    /// The prices to set, one for each model with its provider. Of entries of the same one the last counts.
    ///
    /// - Parameter names: the names that providers of the list have here; another keeps its own
    /// - Returns: the prices, and the entries that give a model another price than the last one does
    public func prices(renaming names: [String: Name] = [:]) -> (prices: [PriceEntry], displaced: [Displaced]) {
        var last: [Entry] = []
        var places: [[Name?]: Int] = [:]
        var earlier: [(entry: Entry, place: Int)] = []
        for var entry in entries {
            if let name = entry.price.provider.flatMap({ names[$0.text] }) { entry.price.provider = name }
            let route = [entry.price.provider, entry.price.model]
            if let place = places[route] {
                earlier.append((last[place], place))
                last[place] = entry
            } else {
                places[route] = last.count
                last.append(entry)
            }
        }
        let displaced = earlier.filter { $0.entry.price != last[$0.place].price }
            .map { Displaced(key: $0.entry.key, by: last[$0.place].key) }
        return (last.map(\.price), displaced)
    }

    /// The entry that an entry is another name of; itself if it is none, or if the other is missing.
    private static func original(of entry: JSONValue, in document: JSONValue) -> JSONValue {
        var entry = entry
        // Others may be names of others. A ring of them ends somewhere, and its end has no price.
        for _ in 0..<8 {
            guard let key = entry["alias_of"]?.text, let other = document[key] else { break }
            entry = other
        }
        return entry
    }

    // MARK: An entry

    /// The members with prices per token.
    private static let perToken: [(member: String, kind: WritableKeyPath<Price, Money?> & Sendable)] = [
        ("input_cost_per_token", \.input), ("cache_read_input_token_cost", \.cachedInput),
        ("cache_creation_input_token_cost", \.cacheWrite), ("output_cost_per_token", \.output),
        ("output_cost_per_reasoning_token", \.reasoning),
    ]
    /// The members with a price per request. A query is one.
    private static let perRequest = [
        "input_cost_per_request", "input_cost_per_query", "cost_per_request", "cost_per_query",
    ]
    private static let tiers = "tiered_pricing"

    private static func price(of key: String, _ entry: JSONValue) throws(Refusal) -> PriceEntry {
        guard entry.members != nil else { throw Refusal(.malformed, "the entry is no object") }
        guard let provider = entry["litellm_provider"]?.text else {
            if let other = entry["alias_of"]?.text {
                throw Refusal(.malformed, "it is another name of \(other), which has no price of its own")
            }
            throw Refusal(.malformed, "litellm_provider is missing")
        }
        let prefix = "\(provider)/"
        let model = key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count)) : key
        guard provider != "*", model != "*" else { throw Refusal(.badName, "'*' is the name of no model") }
        return PriceEntry(provider: try Name(provider), model: try Name(model), price: try price(of: entry))
    }

    private static func price(of entry: JSONValue) throws(Refusal) -> Price {
        var price = Price()
        for (member, kind) in perToken { price[keyPath: kind] = try amount(member, .millionTokens, in: entry) }
        for member in perRequest {
            guard let amount = try amount(member, .request, in: entry) else { continue }
            price.request = max(price.request ?? .zero, amount)
        }
        guard price.hasPaidTokens || !isPaid(entry[tiers] ?? .null) else {
            throw Refusal(.outOfRange, "it is priced in tiers (\(tiers))")
        }
        let others = otherMeasures(of: entry, beside: price)
        guard others.isEmpty else {
            throw Refusal(
                .outOfRange, "it is priced by another measure than tokens: \(others.joined(separator: ", "))")
        }
        guard price.input == nil, price.output == nil else { return price }
        guard price.request ?? .zero > .zero else { throw Refusal(.outOfRange, "it has no price per token") }
        // The request is all that costs something.
        (price.input, price.output) = (.zero, .zero)
        return price
    }

    /// The members with a price by another measure, such as images or seconds, for what costs nothing by its tokens: with
    /// the tokens alone it would pass for free.
    private static func otherMeasures(of entry: JSONValue, beside price: Price) -> [String] {
        let others = (entry.members ?? []).filter { key, value in
            // A price per token has variants, such as that of batches.
            key.contains("cost") && !perToken.contains { key.hasPrefix($0.member) } && !perRequest.contains(key)
                && isPaid(value)
        }.map(\.key)
        if !price.hasPaidTokens { return others }
        if !price.hasPaidOutput, price.output != nil { return others.filter { $0.hasPrefix("output_") } }
        if !price.hasPaidInput, price.input != nil { return others.filter { $0.hasPrefix("input_") } }
        return []
    }

    /// Whether it is a number other than 0, or has one in it.
    private static func isPaid(_ value: JSONValue) -> Bool {
        switch value {
        case .number: value.double != 0
        case .array(let elements): elements.contains { isPaid($0) }
        case .object(let members): members.contains { isPaid($0.value) }
        case .null, .bool, .string: false
        }
    }

    private static func amount(
        _ member: String, _ unit: PriceUnit, in entry: JSONValue
    ) throws(Refusal) -> Money? {
        guard let told = entry[member], !told.isNull else { return nil }
        guard case .number(let literal) = told else { throw Refusal(.malformed, "\(member) is no number") }
        guard let amount = Money(exactly: literal, timesTenToThe: unit == .millionTokens ? 6 : 0) else {
            throw Refusal(.outOfRange, "\(member) is \(literal), which is \(unit.inexact)")
        }
        guard amount >= .zero, amount <= WireLimits.callCost else {
            let most = Quantity.dollars(WireLimits.callCost)
            throw Refusal(
                .outOfRange, "\(member) is \(literal), which is not between $0 and \(most) per \(unit.rawValue)")
        }
        return amount
    }

    // MARK: What is left out

    /// Whether some of the prices that are taken are other ones for long prompts: `…_above_200k_tokens`, or in a tier.
    private static func hasPricesForLongPrompts(_ entry: JSONValue) -> Bool {
        let tiers = entry[Self.tiers]?.list ?? []
        return perToken.contains { member, _ in
            hasOther(member, above: "k_tokens", in: entry) || tiers.contains { differs($0[member], entry[member]) }
        }
    }

    /// Whether writes to a cache have another price if it is kept: `…_above_1hr`.
    private static func hasPricesForLongCaches(_ entry: JSONValue) -> Bool {
        hasOther("cache_creation_input_token_cost", above: "hr", in: entry)
    }

    /// Whether a price is another one above a number of something.
    private static func hasOther(_ member: String, above unit: String, in entry: JSONValue) -> Bool {
        let prefix = "\(member)_above_"
        return (entry.members ?? []).contains { key, value in
            key.hasPrefix(prefix) && key.hasSuffix(unit)
                && key.dropFirst(prefix.count).dropLast(unit.count).allSatisfy(\.isNumber)
                && differs(value, entry[member])
        }
    }

    /// Whether a number is there, and is another one.
    private static func differs(_ value: JSONValue?, _ usual: JSONValue?) -> Bool {
        guard let value = value?.double else { return false }
        return value != usual?.double
    }
}

extension Price {
    fileprivate var hasPaidInput: Bool { [input, cachedInput, cacheWrite].contains { $0 ?? .zero > .zero } }
    fileprivate var hasPaidOutput: Bool { [output, reasoning].contains { $0 ?? .zero > .zero } }
    fileprivate var hasPaidTokens: Bool { hasPaidInput || hasPaidOutput }
}
