import FuseboxJSON
import FuseboxWire

/// The prices of LiteLLM's public list, `model_prices_and_context_window.json`.
///
/// An entry has a key such as `gpt-4o` or `azure/gpt-4o`, the provider, and dollars per token as a double's decimal. The
/// decimal is taken exactly. An entry may be another name of a model instead: then it has nothing but the other's key, as
/// `alias_of`. The source is `github.com/BerriAI/litellm`.
public struct LiteLLMPrices: Sendable {
    /// An entry that was not taken, and why.
    public struct Refused: Sendable, Equatable {
        /// Its key in the file.
        public var key: String
        /// Why it was not taken.
        public var reason: String
    }

    /// The prices, each of a model with its provider.
    public private(set) var entries: [PriceEntry] = []
    /// The entries that were not taken.
    public private(set) var refused: [Refused] = []
    /// The keys of entries that have other prices for long prompts. Those are left out.
    public private(set) var tiered: [String] = []

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
            do throws(Refusal) { entries.append(try Self.entry(key, entry)) } catch {
                refused.append(Refused(key: key, reason: error.message))
                continue
            }
            if entry.members?.contains(where: { $0.key.contains("_above_") && $0.value.double ?? 0 > 0 }) == true {
                tiered.append(key)
            }
        }
        guard !entries.isEmpty else {
            throw JSONFieldError(path: "", message: "no entry has a price per token; is this LiteLLM's list?")
        }
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

    private static func entry(_ key: String, _ entry: JSONValue) throws(Refusal) -> PriceEntry {
        guard entry.members != nil else { throw Refusal(.malformed, "the entry is no object") }
        guard let provider = entry["litellm_provider"]?.text else {
            if let other = entry["alias_of"]?.text {
                throw Refusal(.malformed, "it is another name of \(other), which has no price of its own")
            }
            throw Refusal(.malformed, "litellm_provider is missing")
        }
        var price = Price()
        price.input = try amount("input_cost_per_token", perMillion: true, in: entry)
        price.cachedInput = try amount("cache_read_input_token_cost", perMillion: true, in: entry)
        price.cacheWrite = try amount("cache_creation_input_token_cost", perMillion: true, in: entry)
        price.output = try amount("output_cost_per_token", perMillion: true, in: entry)
        price.reasoning = try amount("output_cost_per_reasoning_token", perMillion: true, in: entry)
        price.request = try amount("input_cost_per_request", perMillion: false, in: entry)
        guard price.input != nil || price.output != nil else {
            throw Refusal(.outOfRange, "it has no price per token")
        }
        let prefix = "\(provider)/"
        let model = key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count)) : key
        return PriceEntry(provider: try Name(provider), model: try Name(model), price: price)
    }

    private static func amount(
        _ member: String, perMillion: Bool, in entry: JSONValue
    ) throws(Refusal) -> Money? {
        guard let told = entry[member], !told.isNull else { return nil }
        guard case .number(let literal) = told else { throw Refusal(.malformed, "\(member) is no number") }
        guard let amount = Money(exactly: literal, timesTenToThe: perMillion ? 6 : 0), amount >= .zero,
            amount <= WireLimits.callCost
        else {
            throw Refusal(
                .outOfRange, "\(member) is \(literal), which is no exact number of nano-dollars per million tokens")
        }
        return amount
    }
}
